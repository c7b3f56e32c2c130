"""A record of every access and every administrative act that shows when it was altered (A6.3(3), S4).

Each writing process keeps a chain of its own: one chain for all would be one lock for the whole platform.

* A *row* is what happened.  It carries a keyed digest (HMAC-SM3) of its content, so somebody with the
  database alone cannot change it unseen.  A scan's usage event is such a row too: one row, not two.
* A *batch* is what was written together: its header lists the rows and their digests, and holds the hash of
  the header before it.  Rows and header are written side by side and both are acknowledged before anyone
  is answered.
* The *directory* lists the chains.  Each entry names the hash of the one before it and is signed (SM2), so
  a chain that was taken away leaves a hole.  Heads are signed again as the chain grows and go to the log,
  outside the database, because a chain alone does not show that its end was cut off.

A crash can tear the last batch of a chain: a header whose rows were not stored, or the other way round.
Nobody was answered then.  The verifier counts such a tail and accepts it only at a chain's very end.
"""

import asyncio
import hashlib
import json
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import structlog

from server.core.clock import Clock, iso
from server.core.grouping import Group
from server.core.ids import new_id
from server.core.mongo import Collection, Document, Duplicate, index

DIGEST_BYTES = 16
NOTHING = "0" * 64
UNSEALED = ("_id", "audit", "outbox")  # `outbox` shrinks as events are delivered; the rest never changes

log = structlog.get_logger()


class Seal(Protocol):
    """What the chain needs of the keyring."""

    def digest(self, data: bytes) -> bytes:
        """HMAC-SM3 with the audit key, 32 bytes."""
        ...

    def sign(self, data: bytes) -> bytes:
        """SM2 with the platform's key, 64 bytes."""
        ...

    def verify(self, data: bytes, signature: bytes) -> bool: ...


def row_digest(seal: Seal, row: Document) -> bytes:
    content = {key: value for key, value in row.items() if key not in UNSEALED}
    return seal.digest(canonical({"id": row["_id"], **content}))[:DIGEST_BYTES]


def canonical(value: Any) -> bytes:
    """The same bytes for the same content, before it is stored and after it is read back."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
    ).encode()


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"an audit row cannot hold a {type(value).__name__}")


def header_hash(header: Document) -> str:
    sealed = {key: header[key] for key in ("chain", "seq", "at", "rows", "digests", "refused", "previous")}
    return _sm3(canonical(sealed))


def entry_hash(entry: Document) -> str:
    sealed = {key: entry[key] for key in ("_id", "chain", "collection", "writer", "opened_at", "previous")}
    return _sm3(canonical(sealed))


def head_bytes(chain: str, seq: int, head: str, at: datetime, state: str) -> bytes:
    return canonical({"chain": chain, "seq": seq, "head": head, "at": at, "state": state})


def _sm3(data: bytes) -> str:
    return hashlib.new("sm3", data).hexdigest()


@dataclass(frozen=True)
class AuditCollections:
    """`audit_directory` (chains) and `audit_batches` (headers), which no row ever leaves."""

    directory: Collection
    batches: Collection

    DIRECTORY_INDEXES = [index("chain", unique=True), index("state", "head.at")]
    BATCH_INDEXES = [index("chain", "seq", unique=True)]


class AuditChain:
    """One process's chain of rows in one collection.  `append` returns when row and header are stored."""

    def __init__(self, rows: Collection, kept: AuditCollections, seal: Seal, clock: Clock) -> None:
        self._rows = rows
        self._kept = kept
        self._seal = seal
        self._clock = clock
        self._group: Group[Document, None] = Group(self._write)
        self._writing = asyncio.Lock()
        self._chain: str | None = None
        self._seq = 0
        self._head = NOTHING
        self._refused: list[str] = []

    async def append(self, row: Document) -> None:
        """Stores the row; `Duplicate` when one of its unique indexes refuses it (nothing is stored then)."""
        await self._group.ask(row)

    async def _write(self, rows: list[Document]) -> Sequence[BaseException | None]:
        async with self._writing:
            return await self._write_batch(rows)

    async def _write_batch(self, rows: list[Document]) -> Sequence[BaseException | None]:
        if self._chain is None:
            await self._open()
        chain, seq = self._chain, self._seq + 1
        assert chain is not None
        digests = [row_digest(self._seal, row) for row in rows]
        for row in rows:
            row["audit"] = {"chain": chain, "seq": seq}
        header: Document = {
            "_id": f"{chain}:{seq}",
            "chain": chain,
            "seq": seq,
            "at": self._clock.now(),
            "rows": [row["_id"] for row in rows],
            "digests": b"".join(digests),
            "refused": self._refused,
            "previous": self._head,
        }
        header["hash"] = header_hash(header)
        results = await asyncio.gather(
            self._rows.insert_each(rows), self._kept.batches.insert(header), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                self._chain = None  # what was stored is not known: leave the torn tail, open a new chain
                raise result
        stored: list[Duplicate | None] = results[0]  # type: ignore[assignment]
        self._seq, self._head = seq, header["hash"]
        self._refused = [row["_id"] for row, refusal in zip(rows, stored, strict=True) if refusal]
        return stored

    async def _open(self) -> None:
        chain = new_id(self._clock.now())
        while True:
            last = await self._kept.directory.find({}, limit=1, sort=[("_id", -1)])
            entry: Document = {
                "_id": last[0]["_id"] + 1 if last else 1,
                "chain": chain,
                "collection": self._rows.name,
                "writer": f"{socket.gethostname()}:{os.getpid()}",
                "opened_at": self._clock.now(),
                "previous": last[0]["hash"] if last else NOTHING,
                "state": "open",
            }
            entry["hash"] = entry_hash(entry)
            entry["signature"] = self._seal.sign(entry["hash"].encode())
            entry["head"] = self._signed_head(chain, 0, NOTHING, "open")
            try:
                await self._kept.directory.insert(entry)
                break
            except Duplicate:
                continue  # another process opened one in this moment: link to it instead
        self._publish_outside(chain, entry["head"])
        self._chain, self._seq, self._head, self._refused = chain, 0, NOTHING, []

    def _signed_head(self, chain: str, seq: int, head: str, state: str) -> Document:
        at = self._clock.now()
        signature = self._seal.sign(head_bytes(chain, seq, head, at, state))
        return {"seq": seq, "hash": head, "at": at, "state": state, "signature": signature}

    @staticmethod
    def _publish_outside(chain: str, head: Document) -> None:
        """Only once it is stored: a head in the log that no directory knows looks like a chain taken away."""
        signature = head["signature"].hex()
        log.info(
            "audit.head",
            chain=chain,
            seq=head["seq"],
            head=head["hash"],
            state=head["state"],
            signature=signature,
        )

    async def checkpoint(self) -> None:
        """Signs the head anew, grown or not: called every half minute, it also shows that the chain lives."""
        if self._chain is not None and not await self._publish(self._chain, "open"):
            self._chain = None  # timed out as dead (this process was paused): go on in a new chain

    async def close(self) -> None:
        """Signs the last head; the chain takes no more rows.  Called when the process stops in good order,
        which may be while a batch of a request or job that was cut short is still under way."""
        async with self._writing:
            if self._chain is None:
                return
            if self._refused:  # what the last batch refused must be in a header too
                await self._write_batch([])
            chain, self._chain = self._chain, None
            await self._publish(chain, "closed")

    async def _publish(self, chain: str, state: str) -> bool:
        head = self._signed_head(chain, self._seq, self._head, state)
        is_stored = await self._kept.directory.update(
            {"chain": chain, "state": "open"}, {"$set": {"head": head, "state": state}}
        )
        if is_stored:
            self._publish_outside(chain, head)
        return is_stored


@dataclass(frozen=True)
class Actor:
    """Who did it: kind "account", "app", "staff", "system"; an id, never a name."""

    kind: str
    id: str


class Audit:
    """What services call: one entry for each access or act, stored before the reply."""

    INDEXES = [index("object.kind", "object.id"), index("actor.kind", "actor.id")]

    def __init__(self, chain: AuditChain, clock: Clock, request_id: Callable[[], str | None]) -> None:
        self._chain = chain
        self._clock = clock
        self._request_id = request_id

    async def record(
        self,
        action: str,
        actor: Actor,
        object_kind: str,
        object_id: str,
        outcome: str = "done",
        **detail: Any,
    ) -> None:
        """Returns when the entry is stored; Unavailable refuses the act it would have recorded (F36)."""
        now = self._clock.now()
        await self._chain.append(
            {
                "_id": new_id(now),
                "at": now,
                "action": action,
                "actor": {"kind": actor.kind, "id": actor.id},
                "object": {"kind": object_kind, "id": object_id},
                "outcome": outcome,
                "request_id": self._request_id(),
                "detail": detail,
            }
        )
