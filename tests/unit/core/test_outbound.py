"""A peer may be down or answer anything: each way it can fail is Unavailable, and nothing else (F22)."""

import asyncio
import json
from collections.abc import Callable

import pytest
from tornado.iostream import IOStream
from tornado.tcpserver import TCPServer

from server.core.errors import Unavailable
from server.core.http import MAX_ANSWER_BYTES, OutboundHttp

pytestmark = pytest.mark.gen_test(timeout=30)


def answer(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


NONSENSE = {
    "nothing": b"",
    "no HTTP": b"\x00\x01\x02 garbage\r\n\r\n",
    "half a line": b"HTTP/1.1 20",
    "no body": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{",
    "not JSON": answer("200 OK", b"<html></html>"),
    "not UTF-8": answer("200 OK", b'{"a": "\xff"}'),
    "list": answer("200 OK", b"[]"),
    "deep": answer("200 OK", b"[" * 100_000 + b"]" * 100_000),
    "too long": answer("200 OK", b'{"a": "' + b"x" * MAX_ANSWER_BYTES + b'"}'),
    "endless chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n" + b"x" * 2_000_000,
    "server error": answer("500 Oops", b'{"result": "match"}'),
    "redirect": answer("302 Found", b"{}", "Location: /elsewhere"),
    "squeezed": answer("200 OK", b"\x1f\x8b\x08\x00garbage", "Content-Encoding: gzip"),
}


class Peer(TCPServer):
    """Reads a request's head, and answers the same bytes whatever was asked."""

    def __init__(self, reply: bytes) -> None:
        super().__init__()
        self._reply = reply
        self.paths: list[str] = []

    async def handle_stream(self, stream: IOStream, address: object) -> None:
        head = await stream.read_until(b"\r\n\r\n")
        self.paths.append(head.split()[1].decode())
        if self._reply:
            await stream.write(self._reply)
        stream.close()


async def ask(peer: TCPServer, ways: OutboundHttp, timeout_s: float = 5) -> tuple[int, dict[str, object]]:
    port = next(iter(peer._sockets.values())).getsockname()[1]
    return await ways.post_json("peer", f"http://127.0.0.1:{port}/x", b"{}", {}, timeout_s)


@pytest.fixture
def listening() -> Callable[[bytes], Peer]:
    def listen(reply: bytes) -> Peer:
        peer = Peer(reply)
        peer.listen(0, "127.0.0.1")
        return peer

    return listen


@pytest.mark.parametrize("reply", NONSENSE.values(), ids=NONSENSE.keys())
async def test_nonsense_is_unavailable(listening: Callable[[bytes], Peer], reply: bytes) -> None:
    peer, ways = listening(reply), OutboundHttp(public_only=False)
    with pytest.raises(Unavailable) as failed:
        await ask(peer, ways)
    assert failed.value.code == "peer.unavailable"
    assert set(peer.paths) == {"/x"}
    peer.stop()
    ways.close()


@pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized", "422 Unprocessable"])
async def test_the_word_of_a_peer_is_returned(listening: Callable[[bytes], Peer], status: str) -> None:
    peer, ways = listening(answer(status, json.dumps({"a": 1}).encode())), OutboundHttp(public_only=False)
    assert await ask(peer, ways) == (int(status[:3]), {"a": 1})
    peer.stop()
    ways.close()


async def test_a_peer_that_says_nothing_is_given_up() -> None:
    class Silent(TCPServer):
        async def handle_stream(self, stream: IOStream, address: object) -> None:
            await asyncio.get_running_loop().create_future()

    peer, ways = Silent(), OutboundHttp(public_only=False)
    peer.listen(0, "127.0.0.1")
    with pytest.raises(Unavailable):
        await ask(peer, ways, timeout_s=0.2)
    peer.stop()
    ways.close()


async def test_an_address_inside_is_refused_in_production(listening: Callable[[bytes], Peer]) -> None:
    peer, ways = listening(answer("200 OK", b"{}")), OutboundHttp(public_only=True)
    with pytest.raises(Unavailable):
        await ask(peer, ways)
    assert peer.paths == []
    peer.stop()
    ways.close()
