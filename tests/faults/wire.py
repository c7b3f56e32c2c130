"""MongoDB's wire protocol, as far as a proxy must read it: whole messages, and the command in a request."""

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bson

HEADER = struct.Struct("<iiii")  # length, request id, response to, operation code
OP_QUERY, OP_MSG = 2004, 2013
CHECKSUM_PRESENT, MORE_TO_COME = 1, 2
MAX_MESSAGE_BYTES = 49_000_000


@dataclass(frozen=True)
class Command:
    """What a client asked: `body` is the whole command, with its document sequences put back in place."""

    name: str
    collection: str
    database: str
    body: dict[str, Any]
    expects_reply: bool = True


Predicate = Callable[[Command], bool]


def is_command(name: str, collection: str | None = None) -> Predicate:
    """True for the command `name`, on `collection` when that is given."""
    return lambda command: command.name == name and collection in (None, command.collection)


def parse_command(operation: int, payload: bytes) -> Command | None:
    """The command in a message without its header, or None for a message that is none (ValueError when it
    cannot be read, such as a compressed one: then the recorder would miss it)."""
    if operation == OP_QUERY:  # only the first greeting of a connection comes this way
        start = payload.index(b"\0", 4) + 1 + 8
        length = int.from_bytes(payload[start : start + 4], "little")
        return _command(bson.decode(payload[start : start + length]), expects_reply=True)
    if operation != OP_MSG:
        raise ValueError(f"wire operation {operation} is not understood")
    flags = int.from_bytes(payload[:4], "little")
    end = len(payload) - (4 if flags & CHECKSUM_PRESENT else 0)
    body: dict[str, Any] = {}
    sequences: dict[str, list[dict[str, Any]]] = {}
    at = 4
    while at < end:
        kind, length = payload[at], int.from_bytes(payload[at + 1 : at + 5], "little")
        section = payload[at + 1 : at + 1 + length]
        if kind == 0:
            body = bson.decode(section)
        else:
            name_end = section.index(b"\0", 4)
            sequences[section[4:name_end].decode()] = bson.decode_all(section[name_end + 1 :])
        at += 1 + length
    return _command({**body, **sequences}, expects_reply=not flags & MORE_TO_COME)


def _command(body: dict[str, Any], expects_reply: bool) -> Command | None:
    if not body:
        return None
    name, target = next(iter(body.items()))
    collection = body.get("collection", "") if name == "getMore" else target
    collection = collection if isinstance(collection, str) else ""
    return Command(name, collection, str(body.get("$db", "admin")), body, expects_reply)


async def read_message(reader: asyncio.StreamReader) -> tuple[bytes, int, int, int]:
    """A whole message, its request id, the id it answers and its operation."""
    header = await reader.readexactly(HEADER.size)
    length, request_id, response_to, operation = HEADER.unpack(header)
    if not HEADER.size <= length <= MAX_MESSAGE_BYTES:
        raise ValueError(f"a wire message of {length} bytes")
    payload = await reader.readexactly(length - HEADER.size)
    return header + payload, request_id, response_to, operation


def refusal_message(response_to: int, code: int) -> bytes:
    """A server's answer that it has not done what was asked."""
    body = bson.encode({"ok": 0.0, "errmsg": "refused by the proxy", "code": code, "codeName": "Refused"})
    payload = struct.pack("<iB", 0, 0) + body
    return HEADER.pack(HEADER.size + len(payload), 0, response_to, OP_MSG) + payload
