"""A TCP proxy in front of mongod that reads commands, so that a test can cut exactly one acknowledgement.

It runs in a thread of the test, with an event loop of its own: what a test kills are other processes, and
predicates and callbacks stay ordinary functions.  Clients connect with `proxy.uri`, whose
`directConnection=true` keeps replica-set discovery from leading them around the proxy.

    with MongoProxy("127.0.0.1", mongod.port) as proxy:
        cut = proxy.drop_reply_after(is_command("insert", "cards"))
        ...                           # the insert is applied, its reply never arrives
        assert cut.is_done
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.faults.wire import (
    HEADER,
    Command,
    Predicate,
    is_command,
    parse_command,
    read_message,
    refusal_message,
)

CONTROL_TIMEOUT_S = 10.0
SETTLING_TURNS = 10


@dataclass
class Cut:
    """A connection cut that waits for its command."""

    predicate: Predicate
    remaining: int
    before_server: bool
    refusal: int | None = None
    "The code the client is told instead of losing its connection."
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def is_done(self) -> bool:
        return self.done.is_set()


class _Link:
    """One client's connection and its counterpart to the server."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.writers = (client, server)
        self.doomed: dict[int, list[Cut]] = {}  # request id → the cuts its reply triggers

    def cut(self) -> None:
        for writer in self.writers:
            writer.transport.abort()


class MongoProxy:
    """Listens on a free port of 127.0.0.1; every method may be called from any thread and has taken effect
    when it returns."""

    def __init__(
        self, target_host: str, target_port: int, on_command: Callable[[Command], None] | None = None
    ) -> None:
        self._target = (target_host, target_port)
        self._on_command = on_command
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="mongo-proxy", daemon=True)
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._cuts: list[Cut] = []
        self._open = {"to_server": asyncio.Event(), "to_client": asyncio.Event()}
        self._delays_s = {"to_server": 0.0, "to_client": 0.0}
        self._is_refusing = False
        self.port = 0
        self.commands: list[Command] = []
        self.failures: list[BaseException] = []

    @property
    def uri(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/?directConnection=true"

    @property
    def seen(self) -> list[tuple[str, str]]:
        """(command name, collection) of everything asked so far, in order."""
        return [(command.name, command.collection) for command in list(self.commands)]

    def count(self, name: str, collection: str | None = None) -> int:
        wanted = is_command(name, collection)
        return sum(wanted(command) for command in list(self.commands))

    def drop_reply_after(self, match: Predicate | int, times: int = 1) -> Cut:
        """Cuts the connection when the server has answered the matching command, before the client hears it.
        An int n means the n-th command from now (1 is the next)."""
        return self._add_cut(match, times, before_server=False)

    def drop_before(self, match: Predicate | int, times: int = 1) -> Cut:
        """Cuts the connection before the server hears the matching command."""
        return self._add_cut(match, times, before_server=True)

    def refuse(self, match: Predicate, code: int) -> Cut:
        """Answers the matching command with this code of an error; the server does not hear of it."""
        return self._add_cut(match, 1, before_server=True, refusal=code)

    def delay(self, to_server_s: float = 0.0, to_client_s: float = 0.0) -> None:
        """Holds back each later message for that long; without arguments, no more."""
        self._call(lambda: self._delays_s.update(to_server=to_server_s, to_client=to_client_s))

    def partition(self, to_server: bool = True, to_client: bool = True) -> None:
        """Silence in the given directions: connections stay, nothing arrives until `heal()`."""
        directions = [name for name, wanted in (("to_server", to_server), ("to_client", to_client)) if wanted]

        def close() -> None:
            for name in directions:
                self._open[name].clear()

        self._call(close)

    def cut(self) -> None:
        """Resets every connection, and every new one until `heal()`."""

        def reset() -> None:
            self._is_refusing = True
            for link in list(self._links):
                link.cut()

        self._call(reset)

    def heal(self) -> None:
        """Ends `partition()` and `cut()`; what was held back goes on."""

        def open_all() -> None:
            self._is_refusing = False
            for gate in self._open.values():
                gate.set()

        self._call(open_all)

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(CONTROL_TIMEOUT_S)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(CONTROL_TIMEOUT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CONTROL_TIMEOUT_S)
        self._loop.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if kind is None and self.failures:
            raise self.failures[0]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _call(self, change: Callable[[], object]) -> None:
        async def apply() -> None:
            change()

        asyncio.run_coroutine_threadsafe(apply(), self._loop).result(CONTROL_TIMEOUT_S)

    def _add_cut(
        self, match: Predicate | int, times: int, before_server: bool, refusal: int | None = None
    ) -> Cut:
        cut = Cut(_nth(match) if isinstance(match, int) else match, times, before_server, refusal)
        self._call(lambda: self._cuts.append(cut))
        return cut

    async def _listen(self) -> None:
        for gate in self._open.values():
            gate.set()
        # Not asyncio.start_server: closing it loses a connection accepted in the same turn.
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._loop.add_reader(self._listener, self._take_connection)

    def _take_connection(self) -> None:
        with contextlib.suppress(OSError):  # a client that is gone again
            accepted, _ = self._listener.accept()
            accepted.setblocking(False)
            self._track(self._loop.create_task(self._serve(accepted)))

    async def _close(self) -> None:
        self._loop.remove_reader(self._listener)
        self._listener.close()
        await self._settle()  # a connection under way becomes a link, with tasks that have begun
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for link in list(self._links):
            link.cut()
        await self._settle()  # an aborted transport closes its socket some turns later

    async def _settle(self) -> None:
        for _ in range(SETTLING_TURNS):
            await asyncio.sleep(0)

    async def _serve(self, accepted: socket.socket) -> None:
        client_reader, client = await asyncio.open_connection(sock=accepted)
        server: asyncio.StreamWriter | None = None
        try:
            if not self._is_refusing:
                server_reader, server = await asyncio.open_connection(*self._target)
        except OSError:
            pass  # the server is down: its clients see just that
        finally:
            if server is None:
                client.transport.abort()
        if server is None:
            return
        link = _Link(client, server)
        self._links.add(link)
        for way in (self._requests(link, client_reader, server), self._replies(link, server_reader, client)):
            self._track(self._loop.create_task(self._guard(link, way)))

    def _track(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guard(self, link: _Link, way: Coroutine[Any, Any, None]) -> None:
        try:
            await way
        except (OSError, asyncio.IncompleteReadError):
            pass  # one side went away, so the other goes too
        except Exception as failure:  # a test's callback may raise anything; the test hears of it on leaving
            self.failures.append(failure)
        finally:
            link.cut()
            self._links.discard(link)

    async def _requests(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while True:
            message, request_id, _, operation = await read_message(reader)
            command = parse_command(operation, message[HEADER.size :])
            if command:
                self.commands.append(command)
                if self._on_command:
                    self._on_command(command)
                cuts = self._claim_cuts(command)
                if any(cut.before_server for cut in cuts):
                    _finish(cuts)
                    code = next((cut.refusal for cut in cuts if cut.refusal is not None), None)
                    if code is None:
                        return
                    link.writers[0].write(refusal_message(request_id, code))
                    continue
                if cuts:
                    link.doomed[request_id] = cuts
            await self._pass_on(message, writer, "to_server")

    async def _replies(self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            message, _, response_to, _ = await read_message(reader)
            if response_to in link.doomed:
                _finish(link.doomed.pop(response_to))
                return
            await self._pass_on(message, writer, "to_client")

    async def _pass_on(self, message: bytes, writer: asyncio.StreamWriter, direction: str) -> None:
        if self._delays_s[direction]:
            await asyncio.sleep(self._delays_s[direction])
        await self._open[direction].wait()
        writer.write(message)
        await writer.drain()

    def _claim_cuts(self, command: Command) -> list[Cut]:
        claimed = []
        for cut in list(self._cuts):
            if (cut.before_server or command.expects_reply) and cut.predicate(command):
                cut.remaining -= 1
                claimed.append(cut)
                if cut.remaining == 0:
                    self._cuts.remove(cut)
        return claimed


def _nth(n: int) -> Predicate:
    left = n

    def reaches_zero(_: Command) -> bool:
        nonlocal left
        left -= 1
        return left == 0

    return reaches_zero


def _finish(cuts: list[Cut]) -> None:
    for cut in cuts:
        if cut.remaining == 0:
            cut.done.set()
