"""Reads a chain batch by batch, in pages, and says of each batch what is wrong with it.

Nothing that is stored is trusted: a row counts as what it says it is only when its keyed digest agrees.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

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
from server.core.mongo import Document

PAGE = 32  # headers at once: with the largest batches some 8,000 rows, which the database gives in a second
MOST_EXTRA_ROWS = 200


@dataclass
class Batch:
    """One batch as it is stored.  `missing` are ids it names whose rows are not there."""

    seq: int
    hash: str
    missing: list[str] = field(default_factory=list)
    rows: int = 0
    problems: list[str] = field(default_factory=list)


START = Batch(0, NOTHING)


async def read_batches(
    kept: AuditCollections, seal: Seal, entry: Document, first: int, last: int
) -> AsyncIterator[Batch]:
    """The batches `first` to `last` (numbers), linked to each other; with `first` 1, to the beginning too."""
    chain, rows = entry["chain"], kept.rows[entry["collection"]]
    before, position = (START if first == 1 else None), first - 1
    while position < last:
        headers = await kept.batches.find(
            {"chain": chain, "seq": {"$gt": position, "$lte": last}}, limit=PAGE, sort=[("seq", 1)]
        )
        if not headers:
            return
        page = {"audit.chain": chain, "audit.seq": {"$gt": position, "$lte": headers[-1]["seq"]}}
        named = sum(len(header["rows"]) for header in headers if is_header(seal, header))
        stored: dict[object, list[Document]] = {}
        for row in await rows.find(page, limit=named + MOST_EXTRA_ROWS):
            stored.setdefault(_seq(row), []).append(row)
        for header in headers:
            batch = _read(seal, header, stored.pop(header["seq"], []))
            batch.problems += _breaks(header, before, first)
            if header is headers[-1]:
                batch.problems += [f"{len(extra)} rows are in no batch" for extra in stored.values()]
            yield batch
            before, position = batch, header["seq"]


def _seq(row: Document) -> int | None:
    place = row.get("audit")
    seq = place.get("seq") if isinstance(place, dict) else None
    return seq if isinstance(seq, int) else None


def _breaks(header: Document, before: Batch | None, first: int) -> list[str]:
    if before is None:
        return [] if header["seq"] == first else [f"batch {first} is missing"]
    if header["seq"] != before.seq + 1 or header.get("previous") != before.hash:
        return [f"a batch is missing before {header['seq']}"]
    if sorted(before.missing) != sorted(header.get("refused", [])):
        return [f"rows of batch {before.seq} are missing"]
    return []


def _read(seal: Seal, header: Document, stored: list[Document]) -> Batch:
    seq = header["seq"]
    batch = Batch(seq, str(header.get("hash")), rows=len(stored))
    if not is_header(seal, header):
        batch.problems.append(f"batch {seq} was altered")
        return batch
    names: list[str] = header["rows"]
    cuts = range(0, len(names) * DIGEST_BYTES, DIGEST_BYTES)
    digests = [header["digests"][cut : cut + DIGEST_BYTES] for cut in cuts]
    listed = set(zip(names, digests, strict=True))
    missing = Counter(names)
    for row in stored:
        if not isinstance(row["_id"], str) or not missing[row["_id"]]:
            batch.problems.append(f"batch {seq} does not name row {row['_id']}")
            continue
        missing[row["_id"]] -= 1
        if not is_row(seal, row, header["chain"], seq) or (row["_id"], row["audit"]["digest"]) not in listed:
            batch.problems.append(f"row {row['_id']} was altered")
    batch.missing = sorted(missing.elements())
    return batch


async def last_seqs(kept: AuditCollections, entry: Document) -> tuple[int, int]:
    """The last number among the chain's rows, and among its headers; 0 when there are none.

    A writer sends rows of a batch only when the header before it is stored: read in this order, the first is
    at most one ahead, however fast the chain grows meanwhile."""
    chain, rows = entry["chain"], kept.rows[entry["collection"]]
    newest = await rows.find(
        {"audit.chain": chain, "audit.seq": {"$gt": 0}},
        limit=1,
        sort=[("audit.seq", -1)],
        projection={"audit.seq": 1},
    )
    header = await kept.batches.find({"chain": chain, "seq": {"$gt": 0}}, limit=1, sort=[("seq", -1)])
    last = header[0]["seq"] if header else 0
    return (_seq(newest[0]) or last + 2 if newest else 0), last


async def read_loose(kept: AuditCollections, seal: Seal, entry: Document, last: int) -> Batch:
    """The rows after the last header, as the batch they would be: its header was not stored, or not yet.
    `missing` holds the ids of those that are genuine.  Rows whose number is none are problems of it."""
    batch = Batch(last + 1, NOTHING)
    rows = kept.rows[entry["collection"]]
    after = {"audit.chain": entry["chain"], "audit.seq": {"$gt": last, "$lte": last + 1}}
    for row in await rows.find(after, limit=MOST_EXTRA_ROWS * 5):
        batch.rows += 1
        if is_row(seal, row, entry["chain"], last + 1):
            batch.missing.append(row["_id"])
        else:
            batch.problems.append(f"row {row['_id']} was inserted")
    batch.missing.sort()
    before = {"audit.chain": entry["chain"], "audit.seq": {"$not": {"$gt": 0}}}
    for row in await rows.find(before, limit=MOST_EXTRA_ROWS):
        batch.problems.append(f"row {row['_id']} was inserted")
    return batch


def is_header(seal: Seal, header: Document) -> bool:
    return _holds(lambda: bool(header["hash"] == header_hash(seal, header)))


def is_row(seal: Seal, row: Document, chain: str, seq: int) -> bool:
    """Whether the row was written at this very place."""
    return _holds(lambda: bool(row["audit"] == {"chain": chain, "seq": seq, "digest": row_digest(seal, row)}))


def is_entry(seal: Seal, entry: Document) -> bool:
    return _holds(
        lambda: bool(
            entry["hash"] == entry_hash(seal, entry)
            and seal.verify(entry["hash"].encode(), entry["signature"])
        )
    )


def is_head(seal: Seal, chain: str, head: Document) -> bool:
    return _holds(lambda: seal.verify(head_bytes(chain, head), head["signature"]))


def _holds(question: Callable[[], bool]) -> bool:
    """What was altered may have lost its fields, or hold values of kinds that were never written."""
    try:
        return question()
    except (KeyError, TypeError, ValueError, AttributeError):
        return False
