"""WeChat and Alipay as bad peers: slow byte by byte, too long, leading elsewhere, not on the public net."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from server.core.errors import Unavailable
from server.core.http import MAX_ANSWER_BYTES
from server.gateways import vendor
from server.gateways.alipay import AlipayLogin
from server.gateways.wechat import WeChatLogin
from tests.harness import RsaPairs

pytestmark = [pytest.mark.feature("C1", "N3"), pytest.mark.gen_test(timeout=30)]

Gateway = WeChatLogin | AlipayLogin
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"


class Peer:
    """Answers every request with `answer`; after it, when told to drip, a space each 50 ms until it ends."""

    def __init__(self, answer: bytes, *, drips: bool = False) -> None:
        self.answer = answer
        self.drips = drips
        self.asked: list[bytes] = []
        self.meetings: set[asyncio.Task[None]] = set()
        self.ended = asyncio.Event()
        self.url = ""

    def met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.meetings.add(asyncio.ensure_future(self.meet(reader, writer)))

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended = asyncio.ensure_future(self.ended.wait())
        try:
            self.asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
            writer.write(self.answer)
            while self.drips and not self.ended.is_set():
                writer.write(b" ")
                await writer.drain()
                await asyncio.wait([ended], timeout=0.05)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the caller gave up, as it should
        finally:
            ended.cancel()
            writer.close()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Peer"]:
        server = await asyncio.start_server(self.met, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            self.ended.set()
            server.close()
            await server.wait_closed()
            await asyncio.gather(*self.meetings)


@pytest.fixture(params=["wechat", "alipay"])
def make(request: pytest.FixtureRequest, rsa_pairs: RsaPairs) -> Callable[..., Gateway]:
    def wechat(url: str, **more: bool) -> Gateway:
        return WeChatLogin(url, "wx-test", "secret", **more)

    def alipay(url: str, **more: bool) -> Gateway:
        keys = (rsa_pairs.folder / "app-private.pem", rsa_pairs.folder / "alipay-public.pem")
        return AlipayLogin(url, "2026000000000001", *keys, **more)

    return {"wechat": wechat, "alipay": alipay}[request.param]


async def is_unavailable(gateway: Gateway) -> bool:
    try:
        await gateway.sign_in("code", None)
    except Unavailable as error:
        return error.code == "login.unavailable"
    return False


@pytest.mark.parametrize("head", [HEAD % 5000, b"HTTP/1.1 200 OK\r\nX-Slow:"], ids=["body", "header"])
async def test_a_peer_that_drips_keeps_no_thread(
    make: Callable[..., Gateway], head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendor, "TIMEOUT_S", 0.3)
    async with Peer(head, drips=True).listening() as peer:
        gateway = make(peer.url)
        many = vendor.THREADS + 2
        assert await asyncio.gather(*(is_unavailable(gateway) for _ in range(many))) == [True] * many
        assert len(peer.asked) >= vendor.THREADS
        together = threading.Barrier(vendor.THREADS)
        loop, threads = asyncio.get_running_loop(), gateway._vendor._threads
        free = (loop.run_in_executor(threads, together.wait, 10) for _ in range(vendor.THREADS))
        assert sorted(await asyncio.gather(*free)) == list(range(vendor.THREADS))


async def test_an_endless_answer_is_cut(make: Callable[..., Gateway]) -> None:
    async with Peer(HEAD % (MAX_ANSWER_BYTES + 1) + b" " * (MAX_ANSWER_BYTES + 1)).listening() as peer:
        assert await is_unavailable(make(peer.url))


async def test_nested_beyond_reading_is_no_bug_of_ours(make: Callable[..., Gateway]) -> None:
    nested = b'{"a":' * 100_000
    async with Peer(HEAD % len(nested) + nested).listening() as peer:
        assert await is_unavailable(make(peer.url))


async def test_a_redirect_is_not_followed(make: Callable[..., Gateway]) -> None:
    async with Peer(REDIRECT).listening() as peer:
        assert await is_unavailable(make(peer.url))
        assert len(peer.asked) == 1


async def test_in_production_an_address_inside_is_not_asked(make: Callable[..., Gateway]) -> None:
    async with Peer(HEAD % 2 + b"{}").listening() as peer:
        assert await is_unavailable(make(peer.url, public_only=True))
        assert peer.asked == []
        assert await is_unavailable(make(peer.url))
        assert len(peer.asked) == 1


async def test_a_pool_whose_threads_all_hang_is_given_up(
    make: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendor, "TIMEOUT_S", 0.1)
    gateway, release = make("http://127.0.0.1:1"), threading.Event()
    for _ in range(vendor.THREADS):
        gateway._vendor._threads.submit(release.wait, 10)
    try:
        assert await is_unavailable(gateway)
    finally:
        release.set()


ENDS_WHILE_ASKING = """
import asyncio, socket
from server.gateways import vendor
from server.gateways.wechat import WeChatLogin
vendor.TIMEOUT_S = 300

async def main():
    silent = socket.create_server(("127.0.0.1", 0))
    silent.setblocking(False)
    gateway = WeChatLogin(f"http://127.0.0.1:{silent.getsockname()[1]}", "wx-test", "secret")
    asking = asyncio.create_task(gateway.sign_in("code", None))
    connection, _ = await asyncio.get_running_loop().sock_accept(silent)
    assert not asking.done()
    return connection

asyncio.run(main())
"""


def test_a_call_under_way_does_not_hold_up_the_end_of_the_process() -> None:
    ended = subprocess.run([sys.executable, "-c", ENDS_WHILE_ASKING], timeout=60, capture_output=True)
    assert (ended.returncode, ended.stderr) == (0, b"")
