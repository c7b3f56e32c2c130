"""Reads the whole audit record and says what is wrong with it: `ehc audit verify` (S4, invariant I9)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from server.core.audit import (
    DIGEST_BYTES,
    NOTHING,
    AuditCollections,
    Seal,
    entry_hash,
    head_bytes,
    header_hash,
    row_digest,
)
from server.core.clock import Clock
from server.core.mongo import Collection, Document

MAX_PROBLEMS = 200
CHAIN_TIMEOUT = timedelta(minutes=5)


@dataclass
class AuditReport:
    chains: int = 0
    batches: int = 0
    rows: int = 0
    torn_tails: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        return not self.problems

    def problem(self, text: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(text)


class AuditVerifier:
    """Offline: reads the directory first, so a missing chain shows, then each chain, then counts rows."""

    def __init__(self, kept: AuditCollections, rows: Mapping[str, Collection], seal: Seal) -> None:
        self._kept = kept
        self._rows = rows
        self._seal = seal

    async def heads(self) -> dict[str, tuple[int, str]]:
        """The last signed head of every chain, to be kept outside the database."""
        entries = self._kept.directory.each({}, sort=[("_id", 1)])
        return {entry["chain"]: (entry["head"]["seq"], entry["head"]["hash"]) async for entry in entries}

    async def verify(self, published_heads: Mapping[str, tuple[int, str]] | None = None) -> AuditReport:
        """`published_heads` are heads kept outside (chain → seq, hash): they show a tail cut off since."""
        report = AuditReport()
        previous, number = NOTHING, 0
        accounted: dict[str, int] = dict.fromkeys(self._rows, 0)
        async for entry in self._kept.directory.each({}, sort=[("_id", 1)]):
            number += 1
            report.chains += 1
            name = f"chain {entry['chain']}"
            if entry["_id"] != number or entry["previous"] != previous:
                report.problem(f"{name}: the directory has a hole before it")
                number = entry["_id"]
            if entry["hash"] != entry_hash(entry) or not self._seal.verify(
                entry["hash"].encode(), entry["signature"]
            ):
                report.problem(f"{name}: its directory entry was altered")
            previous = entry["hash"]
            seqs = await self._verify_chain(entry, report, accounted)
            outside = (published_heads or {}).get(entry["chain"])
            if outside is not None and seqs.get(outside[0]) != outside[1]:
                report.problem(f"{name}: the head published outside is not in it")
        for chain in published_heads or {}:
            if await self._kept.directory.find_one({"chain": chain}) is None:
                report.problem(f"chain {chain}: published outside, missing in the directory")
        for collection, rows in self._rows.items():
            stored = await rows.count({})
            if stored != accounted[collection]:
                report.problem(f"{collection}: {stored} rows stored, {accounted[collection]} in batches")
        return report

    async def _verify_chain(
        self, entry: Document, report: AuditReport, accounted: dict[str, int]
    ) -> dict[int, str]:
        chain, collection = entry["chain"], entry["collection"]
        name = f"chain {chain}"
        hashes = {0: NOTHING}
        seq, head = 0, NOTHING
        waiting: list[str] = []  # rows of the last batch that are not stored, to be named by the next header
        async for header in self._kept.batches.each({"chain": chain}, sort=[("seq", 1)]):
            seq += 1
            report.batches += 1
            if header["seq"] != seq or header["previous"] != head:
                report.problem(f"{name}: a batch is missing before {header['seq']}")
                seq = header["seq"]
            if header["hash"] != header_hash(header):
                report.problem(f"{name}: batch {seq} was altered")
            if sorted(waiting) != sorted(header["refused"]):
                report.problem(f"{name}: rows of batch {seq - 1} are missing")
            head = hashes[seq] = header["hash"]
            waiting = await self._verify_rows(header, self._rows[collection], report, name, accounted)
        published = entry["head"]
        if hashes.get(published["seq"]) != published["hash"] or not self._seal.verify(
            head_bytes(chain, published["seq"], published["hash"], published["at"], published["state"]),
            published["signature"],
        ):
            report.problem(f"{name}: its signed head does not fit")
        if published["state"] == "closed" and published["seq"] != seq:
            report.problem(f"{name}: closed at {published['seq']}, but has {seq} batches")
        if waiting and published["state"] == "closed":
            report.problem(f"{name}: rows of its last batch are missing")
        elif waiting:
            report.torn_tails += 1
        if published["state"] != "closed":
            loose = await self._rows[collection].count({"audit.chain": chain, "audit.seq": seq + 1})
            accounted[collection] += loose
            report.torn_tails += bool(loose)
        return hashes

    async def _verify_rows(
        self, header: Document, rows: Collection, report: AuditReport, name: str, accounted: dict[str, int]
    ) -> list[str]:
        ids: list[str] = header["rows"]
        found = {row["_id"]: row for row in await rows.find({"_id": {"$in": ids}}, limit=len(ids) or 1)}
        accounted[rows.name] += len(found)
        report.rows += len(found)
        for position, row_id in enumerate(ids):
            row = found.get(row_id)
            digest = header["digests"][position * DIGEST_BYTES : (position + 1) * DIGEST_BYTES]
            if row is not None and row_digest(self._seal, row) != digest:
                report.problem(f"{name}: row {row_id} was altered")
        return [row_id for row_id in ids if row_id not in found]


async def time_out_chains(kept: AuditCollections, seal: Seal, clock: Clock) -> int:
    """Signs off chains whose process is gone, at the head they reached; returns how many."""
    stale = {"state": "open", "head.at": {"$lt": clock.now() - CHAIN_TIMEOUT}}
    number = 0
    for entry in await kept.directory.find(stale, limit=100):
        last = await kept.batches.find({"chain": entry["chain"]}, limit=1, sort=[("seq", -1)])
        seq, head = (last[0]["seq"], last[0]["hash"]) if last else (0, NOTHING)
        at = clock.now()
        signed = {
            "seq": seq,
            "hash": head,
            "at": at,
            "state": "timed_out",
            "signature": seal.sign(head_bytes(entry["chain"], seq, head, at, "timed_out")),
        }
        number += await kept.directory.update(
            {"chain": entry["chain"], "state": "open", "head.at": entry["head"]["at"]},
            {"$set": {"head": signed, "state": "timed_out"}},
        )
    return number
