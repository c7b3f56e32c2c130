"""A record of every access and every administrative act that shows when it was altered (A6.3(3), S4).

Each writing process keeps a chain of its own: one chain for all would be one lock for the whole platform.

* A *row* is what happened.  It carries its place (chain, seq) and a keyed digest (HMAC-SM3) of content and
  place, so somebody with the database alone can neither change it unseen, nor move it, nor make one.  A
  scan's usage event is such a row too: one row, not two.
* A *batch* is what was written together: its header lists the rows and their digests, and holds the hash of
  the header before it.  Hashes of headers are keyed too: a chain cannot be linked anew without the key.
  Rows and header are written side by side and both are acknowledged before anyone is answered.
* The *directory* lists the chains.  Each entry names the hash of the one before it and is signed (SM2), so
  a chain that was taken away leaves a hole.  Heads are signed again as the chain grows and go to the log,
  outside the database.  A signed head says which rows of its batch are not stored (a unique index refused
  them), so nothing under it can be deleted unseen.

A crash can tear the last batch of a chain: a header whose rows were not stored, or the other way round.
Nobody was answered then.  The verifier counts such a tail and accepts it only at a chain's very end, and only
after the writer's last signed head.

What remains is what a process wrote after its last signed head if it dies before the next one: somebody with
the database can cut that off until the worker signs for the dead process.  A head is signed every
`CHECKPOINT_EVERY`; when that fails, or the process stood still, a writer answers nobody from twice that time
on until a head is stored again.  So it is one interval's work, two at most.  A database put back as a whole
to an older signed head shows against the log only.

A process that stood still can be timed out while it lives.  It finds out before it answers: whatever is
stored behind the time-out is one batch, and nobody was answered for it.
"""

import asyncio
import json
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from server.core.clock import Clock, iso
from server.core.errors import Unavailable
from server.core.grouping import Group
from server.core.ids import new_id
from server.core.mongo import Collection, Document, Duplicate, index

DIGEST_BYTES = 16
NOTHING = "0" * 64
CHECKPOINT_EVERY = timedelta(seconds=30)
LONGEST_UNSIGNED = (
    2 * CHECKPOINT_EVERY
)  # far below the verifier's CHAIN_TIMEOUT: clocks may differ by minutes
# `outbox` shrinks as events are delivered, `upload` changes when a use was sent on; the rest never does.
UNSEALED = ("_id", "audit", "outbox", "upload")

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
    """Over the row's content, its id and its place in the chain; 16 bytes."""
    content = {key: value for key, value in row.items() if key not in UNSEALED}
    place = row["audit"]
    sealed = ["row", place["chain"], place["seq"], row["_id"], content]
    return seal.digest(canonical(sealed))[:DIGEST_BYTES]


def canonical(value: Any) -> bytes:
    """The same bytes for the same content, before it is stored and after it is read back."""
    return _ENCODER.encode(value).encode()


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"an audit row cannot hold a {type(value).__name__}")


# Made once: `json.dumps` with options makes one for each call, a third of the work of a row.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def header_hash(seal: Seal, header: Document) -> str:
    names = ("chain", "seq", "at", "rows", "digests", "refused", "previous")
    return seal.digest(canonical(["header", [header[name] for name in names]])).hex()


def entry_hash(seal: Seal, entry: Document) -> str:
    names = ("_id", "chain", "collection", "writer", "opened_at", "previous")
    return seal.digest(canonical(["entry", [entry[name] for name in names]])).hex()


def head_bytes(chain: str, head: Mapping[str, Any]) -> bytes:
    """What a head's signature is over; `at` may be a time or its text, as a line of the log has it."""
    names = ("seq", "hash", "at", "state", "missing", "loose")
    return canonical({"chain": chain, **{name: head[name] for name in names}})


def signed_head(seal: Seal, chain: str, head: Document) -> Document:
    """`head` (seq, hash, at, state, missing, loose) with its signature.

    `missing` are rows the batch at `seq` names that are not stored; `loose` are rows stored of a batch after
    it that has no header (a torn tail, known to who signs for a dead process)."""
    return {**head, "signature": seal.sign(head_bytes(chain, head))}


def publish_outside(chain: str, head: Document) -> None:
    """Only once it is stored: a head in the log that no directory knows looks like a chain taken away."""
    log.info(
        "audit.head",
        chain=chain,
        seq=head["seq"],
        head=head["hash"],
        at=iso(head["at"]),
        state=head["state"],
        missing=head["missing"],
        loose=head["loose"],
        signature=head["signature"].hex(),
    )


IN_CHAIN = index("audit.chain", "audit.seq")  # every collection of rows has it: the verifier reads by it


@dataclass(frozen=True)
class AuditCollections:
    """`audit_directory` (chains), `audit_batches` (headers), which no row ever leaves, and the collections
    whose rows are in chains, by name."""

    directory: Collection
    batches: Collection
    rows: Mapping[str, Collection]

    DIRECTORY_INDEXES = [index("chain", unique=True), index("state", "head.at")]
    BATCH_INDEXES = [index("chain", "seq", unique=True)]


@dataclass
class _Tip:
    """The end of an open chain; `refused` are ids of the last batch that unique indexes kept out."""

    chain: str
    signed_at: datetime
    seq: int = 0
    hash: str = NOTHING
    refused: list[str] = field(default_factory=list)


class AuditChain:
    """One process's chain of rows in one collection.  `append` returns when row and header are stored."""

    def __init__(self, rows: Collection, kept: AuditCollections, seal: Seal, clock: Clock) -> None:
        self._rows = rows
        self._kept = kept
        self._seal = seal
        self._clock = clock
        self._group: Group[Document, None] = Group(self._write)
        self._tip: _Tip | None = None
        self._signing = asyncio.Lock()  # an older head must not be stored over a newer one
        self._is_closing = False

    async def append(self, row: Document) -> None:
        """Stores the row; `Duplicate` when one of its unique indexes refuses it (nothing is stored then);
        Unavailable when that is not known, and once the chain is being closed."""
        if self._is_closing:
            raise Unavailable("server.stopping", "this process is stopping; another one answers")
        await self._group.ask(row)

    async def _write(self, rows: list[Document]) -> Sequence[BaseException | None]:
        tip = await self._writable()
        seq = tip.seq + 1
        for row in rows:
            row["audit"] = {"chain": tip.chain, "seq": seq}
            row["audit"]["digest"] = row_digest(self._seal, row)
        header: Document = {
            "_id": f"{tip.chain}:{seq}",
            "chain": tip.chain,
            "seq": seq,
            "at": self._clock.now(),
            "rows": [row["_id"] for row in rows],
            "digests": b"".join(row["audit"]["digest"] for row in rows),
            "refused": tip.refused,
            "previous": tip.hash,
        }
        header["hash"] = header_hash(self._seal, header)
        results = await asyncio.gather(
            self._rows.insert_each(rows), self._kept.batches.insert(header), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                self._tip = None  # what was stored is not known: leave the torn tail, open a new chain
                raise result
        stored: list[Duplicate | None] = results[0]  # type: ignore[assignment]
        tip.seq, tip.hash = seq, header["hash"]
        tip.refused = [row["_id"] for row, refusal in zip(rows, stored, strict=True) if refusal]
        if self._is_overdue(tip):  # this process stood still: was the chain timed out before the batch came?
            await self.checkpoint()
        if self._tip is not tip:
            raise Unavailable("server.busy", "this process stood still: ask again", retry_after_s=1)
        return stored

    async def _writable(self) -> _Tip:
        if self._tip is not None and self._is_overdue(self._tip):
            await self.checkpoint()
        if self._tip is None:
            self._tip = await self._open()
        return self._tip

    def _is_overdue(self, tip: _Tip) -> bool:
        return self._clock.now() - tip.signed_at > LONGEST_UNSIGNED

    async def _open(self) -> _Tip:
        tip = _Tip(chain=new_id(self._clock.now()), signed_at=self._clock.now())
        while True:
            last = await self._kept.directory.find({}, limit=1, sort=[("_id", -1)])
            entry: Document = {
                "_id": last[0]["_id"] + 1 if last else 1,
                "chain": tip.chain,
                "collection": self._rows.name,
                "writer": f"{socket.gethostname()}:{os.getpid()}",
                "opened_at": self._clock.now(),
                "previous": last[0]["hash"] if last else NOTHING,
                "state": "open",
            }
            entry["hash"] = entry_hash(self._seal, entry)
            entry["signature"] = self._seal.sign(entry["hash"].encode())
            entry["head"] = self._head(tip, "open")
            try:
                await self._kept.directory.insert(entry)
                break
            except Duplicate:
                continue  # another process opened one in this moment: link to it instead
        publish_outside(tip.chain, entry["head"])
        tip.signed_at = entry["head"]["at"]
        return tip

    def _head(self, tip: _Tip, state: str) -> Document:
        head = {"seq": tip.seq, "hash": tip.hash, "at": self._clock.now(), "state": state}
        return signed_head(self._seal, tip.chain, {**head, "missing": tip.refused, "loose": []})

    async def checkpoint(self) -> None:
        """Signs the head anew, grown or not: called every half minute, it also shows that the chain lives."""
        tip = self._tip
        if tip is not None and not await self._publish(tip, "open") and self._tip is tip:
            self._tip = None  # timed out as dead (this process was paused): go on in a new chain

    async def close(self) -> None:
        """Signs the last head once every batch under way is stored.  The chain takes no more rows.  Called
        when the process stops in good order."""
        self._is_closing = True
        await self._group.drain()
        tip, self._tip = self._tip, None
        if tip is not None:
            await self._publish(tip, "closed")

    async def _publish(self, tip: _Tip, state: str) -> bool:
        async with self._signing:
            head = self._head(tip, state)
            is_stored = await self._kept.directory.update(
                {"chain": tip.chain, "state": "open"}, {"$set": {"head": head, "state": state}}
            )
            if is_stored:
                tip.signed_at = head["at"]
                publish_outside(tip.chain, head)
            return is_stored


@dataclass(frozen=True)
class Actor:
    """Who did it: kind "account", "app", "staff", "system"; an id, never a name."""

    kind: str
    id: str


class Audit:
    """What services call: one entry for each access or act, stored before the reply."""

    INDEXES = [
        IN_CHAIN,
        index("object.id", ("_id", -1)),
        index("actor.id", ("_id", -1)),
        index("action", ("_id", -1)),
    ]

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
