"""Reads the whole audit record and says what is wrong with it: `ehc audit verify` (S4, invariant I9)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from server.core.audit import NOTHING, AuditCollections, Seal, publish_outside, signed_head
from server.core.audit_reader import (
    START,
    Batch,
    is_entry,
    is_head,
    last_seqs,
    read_batches,
    read_loose,
)
from server.core.clock import Clock
from server.core.mongo import Collection, Document

MAX_PROBLEMS = 200
CHAIN_TIMEOUT = timedelta(minutes=5)
PAGE = 100

log = structlog.get_logger()


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
    """Reads the directory, so a missing chain shows, then each chain, then what belongs to none of them.

    The platform may run meanwhile: each chain is read up to where it was when its turn came."""

    def __init__(self, kept: AuditCollections, seal: Seal) -> None:
        self._kept = kept
        self._seal = seal

    async def heads(self) -> dict[str, tuple[int, str]]:
        """The last signed head of every chain, to be kept outside the database."""
        entries = self._kept.directory.each({}, sort=[("_id", 1)])
        return {entry["chain"]: (_last(entry)["seq"], _last(entry)["hash"]) async for entry in entries}

    async def verify(self, published_heads: Mapping[str, tuple[int, str]] | None = None) -> AuditReport:
        """`published_heads` are heads kept outside (chain → seq, hash): they show a tail cut off since."""
        report = AuditReport()
        outside = dict(published_heads or {})
        known: dict[str, str] = {}
        previous, number = NOTHING, 0
        while entries := await self._kept.directory.find(
            {"_id": {"$gt": number}}, limit=PAGE, sort=[("_id", 1)]
        ):
            for entry in entries:
                report.chains += 1
                name = f"chain {entry.get('chain')}"
                if entry["_id"] != number + 1 or entry.get("previous") != previous:
                    report.problem(f"{name}: the directory has a hole before it")
                number, previous = entry["_id"], str(entry.get("hash"))
                if not is_entry(self._seal, entry):
                    report.problem(f"{name}: its directory entry was altered")
                    continue
                known[entry["chain"]] = entry["collection"]
                await self._verify_chain(entry, report, outside.pop(entry["chain"], None))
        for chain in outside:
            if chain not in known and not await self._is_listed(chain):
                report.problem(f"chain {chain}: published outside, missing in the directory")
        for rows in self._kept.rows.values():
            await self._find_strays(rows, "audit.chain", known, report)
        await self._find_strays(self._kept.batches, "chain", known, report)
        return report

    async def _verify_chain(
        self, entry: Document, report: AuditReport, outside: tuple[int, str] | None
    ) -> None:
        chain = entry["chain"]
        name = f"chain {chain}"
        newest_row, last = await last_seqs(self._kept, entry)
        ends = [entry["head"], *([entry["end"]] if "end" in entry else [])]
        if not all(is_head(self._seal, chain, end) for end in ends):
            report.problem(f"{name}: its signed head does not fit")
            return
        seen = {0: START}
        tail = START
        async for tail in read_batches(self._kept, self._seal, entry, 1, last):
            report.batches += 1
            report.rows += tail.rows
            for problem in tail.problems:
                report.problem(f"{name}: {problem}")
            if tail.seq in {end["seq"] for end in ends} or (outside and tail.seq == outside[0]):
                seen[tail.seq] = tail
        if outside is not None and (outside[0] not in seen or seen[outside[0]].hash != outside[1]):
            report.problem(f"{name}: the head published outside is not in it")
        loose = await read_loose(self._kept, self._seal, entry, last)
        if newest_row > last + 1:
            loose.problems.append(f"rows of batch {newest_row} are stored, which it cannot have yet")
        for problem in (*loose.problems, *_ends_badly(entry, seen, tail, loose)):
            report.problem(f"{name}: {problem}")
        is_after_end = "end" in entry and tail.seq > entry["end"]["seq"]
        is_torn = tail.seq > entry["head"]["seq"] and bool(tail.missing)
        report.torn_tails += is_torn or is_after_end or loose.rows > 0

    async def _is_listed(self, chain: object, collection: str | None = None) -> bool:
        """Asked again for chains the first reading did not meet: they may have been opened since."""
        if not isinstance(chain, str):
            return False
        entry = await self._kept.directory.find_one({"chain": chain})
        return entry is not None and is_entry(self._seal, entry) and collection in (None, entry["collection"])

    async def _find_strays(
        self, stored: Collection, field_name: str, known: Mapping[str, str], report: AuditReport
    ) -> None:
        """What names a chain that is in no directory, or none: one short look-up in the index a chain."""
        collection = stored.name if stored.name in self._kept.rows else None
        nameless = await stored.find({field_name: {"$not": {"$gt": ""}}}, limit=MAX_PROBLEMS)
        if nameless:
            report.problem(f"{stored.name}: {len(nameless)} stored without a chain")
        after = ""
        while found := await stored.find(
            {field_name: {"$gt": after}}, limit=1, sort=[(field_name, 1)], projection={field_name: 1}
        ):
            chain: object = found[0]
            for part in field_name.split("."):
                chain = chain.get(part) if isinstance(chain, dict) else None
            is_known = isinstance(chain, str) and chain in known and collection in (None, known[chain])
            if not is_known and not await self._is_listed(chain, collection):
                report.problem(f"{stored.name}: rows of {chain}, which is no chain of it")
            if not isinstance(chain, str):
                return  # several chains in one row, already a problem: no order to go on by
            after = chain


def _last(entry: Document) -> Document:
    """The last word on the chain: of who signed for a dead process, else of its writer."""
    head: Document = entry.get("end") or entry["head"]
    return head


def _ends_badly(entry: Document, seen: Mapping[int, Batch], tail: Batch, loose: Batch) -> list[str]:
    """What the signed heads say and the stored end of the chain does not, as problems."""
    head, end = entry["head"], entry.get("end")
    signed = [head] if end is None else [head, end]
    if entry["state"] != signed[-1]["state"] or any(
        each["seq"] not in seen or seen[each["seq"]].hash != each["hash"] for each in signed
    ):
        return ["its signed head does not fit"]
    problems = []
    if seen[head["seq"]].missing != sorted(head["missing"]):
        problems.append(f"rows of batch {head['seq']} are missing")
    if head["state"] == "closed":
        if tail.seq != head["seq"] or loose.rows or end is not None:
            problems.append(f"closed at {head['seq']}, but goes on to {tail.seq + bool(loose.rows)}")
    elif end is not None:
        # A process that stood still may have had one batch on its way, and nobody was answered for it.
        if end["seq"] < head["seq"] or tail.seq + bool(loose.rows) > end["seq"] + 1:
            problems.append(f"timed out at {end['seq']}, but goes on to {tail.seq + bool(loose.rows)}")
        if not set(seen[end["seq"]].missing) <= set(end["missing"]):
            problems.append(f"rows of batch {end['seq']} are missing")
        after = set(loose.missing) if tail.seq == end["seq"] else set(end["loose"]) - set(tail.missing)
        if not set(end["loose"]) <= after:
            problems.append(f"rows after batch {end['seq']} are missing")
    return problems


async def time_out_chains(kept: AuditCollections, seal: Seal, clock: Clock) -> int:
    """Signs off chains whose process is gone, at the head they reached; returns how many.

    Only what the writer's own key vouches for is signed: a chain that does not follow from its writer's last
    signed head is left as it is, and told of in the log as `audit.broken`."""
    stale = {"state": "open", "head.at": {"$lt": clock.now() - CHAIN_TIMEOUT}}
    number, position = 0, 0
    while entries := await kept.directory.find(
        {**stale, "_id": {"$gt": position}}, limit=PAGE, sort=[("_id", 1)]
    ):
        for entry in entries:
            position = entry["_id"]
            end = await _end(kept, seal, entry)
            if isinstance(end, str):
                log.error("audit.broken", chain=str(entry.get("chain")), reason=end)
                continue
            signed = signed_head(seal, entry["chain"], {**end, "at": clock.now()})
            # The writer's head stays beside it: what that covers is sure, what came after may be torn.
            if await kept.directory.update(
                {"_id": position, "state": "open", "head.at": entry["head"]["at"]},
                {"$set": {"end": signed, "state": "timed_out"}},
            ):
                publish_outside(entry["chain"], signed)
                number += 1
    return number


async def _end(kept: AuditCollections, seal: Seal, entry: Document) -> Document | str:
    """Where a chain stopped, as a head to sign; or why it cannot be signed."""
    if not is_entry(seal, entry) or "end" in entry:
        return "its directory entry was altered"
    head = entry["head"]
    if not is_head(seal, entry["chain"], head) or head["state"] != "open":
        return "its signed head was altered"
    newest_row, last = await last_seqs(kept, entry)
    loose = await read_loose(kept, seal, entry, last)
    if newest_row > last + 1 or loose.problems:
        return "rows were inserted after its end"
    tail = START
    async for tail in read_batches(kept, seal, entry, max(head["seq"], 1), last):
        if tail.problems:
            return tail.problems[0]
        if tail.seq == head["seq"] and (tail.hash, tail.missing) != (head["hash"], sorted(head["missing"])):
            return "its signed head does not fit"
    if tail.seq < head["seq"]:
        return "its signed head is not in it"
    return {
        "seq": tail.seq,
        "hash": tail.hash,
        "state": "timed_out",
        "missing": tail.missing,
        "loose": loose.missing,
    }
