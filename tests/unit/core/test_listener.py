"""Who sends slowly is cut off, who waits for a slow answer is not (security.md, Tornado)."""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from server.core.listener import BODY_S, HEAD_S, Listener

pytestmark = [pytest.mark.feature("S1"), pytest.mark.gen_test]
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Page(RequestHandler):
    def initialize(self, stage: "Stage") -> None:
        self.stage = stage

    async def get(self) -> None:
        self.stage.asked.set()
        await self.stage.may_answer.wait()
        self.finish(b"answer")

    async def post(self) -> None:
        self.finish(b"read")


class Stage:
    """A listener on a socket of its own, and its clock."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()
        self.listener = Listener(Application([("/", Page, {"stage": self})]), monotonic=lambda: self.now)
        self._sockets = bind_sockets(0, "127.0.0.1")
        self.listener.add_sockets(self._sockets)
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self, *sent: bytes) -> Connection:
        reader, writer = await asyncio.open_connection(*self._sockets[0].getsockname()[:2])
        self._writers.append(writer)
        for part in sent:
            writer.write(part)
            await writer.drain()
        return reader, writer

    async def end(self) -> None:
        self.listener.stop()
        await self.listener.close_all_connections()
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def later(self, seconds: float) -> None:
        """What was sent has been read, time goes by, and the listener looks."""
        for _ in range(50):
            await asyncio.sleep(0)
        self.now += seconds
        self.listener.close_late()


async def is_cut(connection: Connection) -> bool:
    """Whether the other end has closed it and said nothing more."""
    return await asyncio.wait_for(connection[0].read(), 10) == b""


async def answer(connection: Connection, end: bytes) -> None:
    await asyncio.wait_for(connection[0].readuntil(end), 10)


@pytest.fixture
def stage(io_loop: IOLoop) -> Iterator[Stage]:
    stage: Stage = io_loop.run_sync(begun)
    yield stage
    io_loop.run_sync(stage.end)


async def begun() -> Stage:
    stage = Stage()
    stage.may_answer.set()
    return stage


async def settled(stage: Stage) -> Connection:
    """A connection the listener knows: it has answered once."""
    connection = await stage.connect(GET)
    await answer(connection, b"answer")
    return connection


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost:"])
async def test_a_head_that_does_not_come_ends_the_connection(stage: Stage, sent: bytes) -> None:
    connection = await settled(stage)
    connection[1].write(sent)
    await stage.later(HEAD_S - 1)
    await stage.later(0)
    connection[1].write(b"" if sent else GET)
    if not sent:  # in time: it counts anew from this answer
        await answer(connection, b"answer")
        await stage.later(HEAD_S - 1)
    await stage.later(1)
    assert await is_cut(connection)


async def test_a_body_that_trickles_ends_the_connection(stage: Stage) -> None:
    connection = await settled(stage)
    connection[1].write(HEAD + b"12345")
    await stage.later(BODY_S - 1)
    connection[1].write(b"6")
    await stage.later(1)
    assert await is_cut(connection)


async def test_a_body_in_time_is_answered_and_the_next_head_has_its_own_time(stage: Stage) -> None:
    connection = await settled(stage)
    connection[1].write(HEAD + b"12345")
    await stage.later(BODY_S - 1)
    connection[1].write(b"67890")
    await answer(connection, b"read")
    await stage.later(HEAD_S - 1)
    connection[1].write(GET)
    await answer(connection, b"answer")


async def test_who_waits_for_a_slow_answer_is_not_cut_off(stage: Stage) -> None:
    stage.may_answer.clear()
    connection = await stage.connect(GET)
    await stage.asked.wait()
    await stage.later(10 * HEAD_S)
    stage.may_answer.set()
    await answer(connection, b"answer")


async def test_nothing_is_kept_of_a_connection_that_is_gone(stage: Stage) -> None:
    connection = await settled(stage)
    connection[1].close()
    await connection[1].wait_closed()
    await stage.listener.close_all_connections()  # whose ends have been heard of then
    assert stage.listener._late_at == {}
