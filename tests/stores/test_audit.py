"""The audit record shows when it was altered, deleted, inserted, reordered, cut or chained anew (S4, I9)."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from server.core.audit import NOTHING, Actor, Audit, AuditChain, AuditCollections, canonical
from server.core.audit_verifier import CHAIN_TIMEOUT, AuditVerifier, time_out_chains
from server.core.clock import HeldClock
from server.core.crypto.keyring import Keyring
from server.core.crypto.provider import choose_provider
from server.core.keys import Seals
from server.core.mongo import Collection, Duplicate, Mongo, index

pytestmark = [pytest.mark.feature("S4"), pytest.mark.gen_test(timeout=30)]

Rows = dict[str, Any]
ACTOR = Actor("app", "hospital-a")


@dataclass
class Books:
    """The audit of one database, and the database from behind."""

    rows: Collection
    kept: AuditCollections
    seals: Seals
    clock: HeldClock
    db: Database[Rows]

    def chain(self) -> AuditChain:
        return AuditChain(self.rows, self.kept, self.seals, self.clock)

    @property
    def verifier(self) -> AuditVerifier:
        return AuditVerifier(self.kept, self.seals)

    async def write(self, chain: AuditChain, count: int) -> None:
        """`count` batches of one row each."""
        audit = Audit(chain, self.clock, lambda: None)
        for number in range(count):
            await audit.record("cards.verify", ACTOR, "card", f"c{number}", scene="010101", place="三号窗口")
            self.clock.advance(1)

    def headers(self) -> list[Rows]:
        return list(self.db.audit_batches.find().sort("seq"))


@pytest.fixture
def books(mongo: Mongo, mongo_client: MongoClient[Rows], database_name: str, clock: HeldClock) -> Books:
    ring = Keyring()
    seals = Seals(
        Keyring([ring.make_next(purpose, clock.now()) for purpose in ("audit", "audit-digest")]),
        choose_provider(),
        clock,
    )
    rows = mongo.collection("audit")
    kept = AuditCollections(
        mongo.collection("audit_directory"), mongo.collection("audit_batches"), {"audit": rows}
    )
    return Books(rows, kept, seals, clock, mongo_client[database_name])


def unkeyed(header: Rows) -> str:
    """The best hash of a header or an entry that can be made without the audit key."""
    return hashlib.new(
        "sm3", canonical({**header, "hash": None, "signature": None, "head": None})
    ).hexdigest()


def alter_a_row(books: Books) -> None:
    row = books.headers()[1]["rows"][0]
    books.db.audit.update_one({"_id": row}, {"$set": {"outcome": "refused"}})


def alter_a_detail(books: Books) -> None:
    books.db.audit.update_one({"_id": books.headers()[1]["rows"][0]}, {"$set": {"detail.scene": "010105"}})


def alter_a_time(books: Books) -> None:
    row = books.headers()[1]["rows"][0]
    books.db.audit.update_one({"_id": row}, {"$set": {"at": books.clock.now()}})


def add_a_field(books: Books) -> None:
    books.db.audit.update_one({"_id": books.headers()[1]["rows"][0]}, {"$set": {"note": "all is well"}})


def delete_a_row(books: Books) -> None:
    books.db.audit.delete_one({"_id": books.headers()[1]["rows"][0]})


def delete_the_last_row(books: Books) -> None:
    books.db.audit.delete_one({"_id": books.headers()[-1]["rows"][0]})


def insert_a_row(books: Books) -> None:
    row = books.db.audit.find_one()
    assert row is not None
    books.db.audit.insert_one({**row, "_id": "0" * 26})


def insert_a_row_after_the_end(books: Books) -> None:
    row = books.db.audit.find_one()
    assert row is not None
    books.db.audit.insert_one({**row, "_id": "0" * 26, "audit": {**row["audit"], "seq": 6}})


def swap_two_rows(books: Books) -> None:
    one, other = (books.db.audit.find_one({"_id": header["rows"][0]}) for header in books.headers()[1:3])
    assert one is not None
    assert other is not None
    books.db.audit.replace_one({"_id": one["_id"]}, {**other, "_id": one["_id"]})
    books.db.audit.replace_one({"_id": other["_id"]}, {**one, "_id": other["_id"]})


def swap_two_batches(books: Books) -> None:
    one, other = books.headers()[1:3]
    for header, seq in ((one, other["seq"]), (other, one["seq"])):
        books.db.audit_batches.update_one({"_id": header["_id"]}, {"$set": {"seq": seq}})


def delete_a_batch(books: Books) -> None:
    header = books.headers()[1]
    books.db.audit_batches.delete_one({"_id": header["_id"]})
    books.db.audit.delete_many({"_id": {"$in": header["rows"]}})


def cut_the_tail(books: Books) -> None:
    header = books.headers()[-1]
    books.db.audit_batches.delete_one({"_id": header["_id"]})
    books.db.audit.delete_many({"_id": {"$in": header["rows"]}})


def chain_anew_without_a_row(books: Books) -> None:
    """Somebody with the database and the source, but without the keys, leaves out a row and links again."""
    victim = books.headers()[1]
    books.db.audit.delete_many({"_id": {"$in": victim["rows"]}})
    previous = victim["previous"]
    for header in books.headers()[1:]:
        changed = {**header, "previous": previous}
        if header["_id"] == victim["_id"]:
            changed |= {"rows": [], "digests": b""}
        changed["hash"] = previous = unkeyed(changed)
        books.db.audit_batches.replace_one({"_id": header["_id"]}, changed)


def chain_anew_with_a_false_row(books: Books) -> None:
    alter_a_row(books)
    chain_anew(books, 1)


def chain_anew(books: Books, start: int) -> None:
    previous = books.headers()[start]["previous"]
    for header in books.headers()[start:]:
        changed = {**header, "previous": previous, "at": books.clock.now()}
        changed["hash"] = previous = unkeyed(changed)
        books.db.audit_batches.replace_one({"_id": header["_id"]}, changed)


def chain_all_anew(books: Books) -> None:
    chain_anew(books, 0)


def forge_the_head(books: Books) -> None:
    cut_the_tail(books)
    last = books.headers()[-1]
    books.db.audit_directory.update_one(
        {}, {"$set": {"head.seq": last["seq"], "head.hash": last["hash"], "head.state": "closed"}}
    )


def rename_the_writer(books: Books) -> None:
    entry = books.db.audit_directory.find_one()
    assert entry is not None
    changed = {**entry, "writer": "somebody:1"}
    changed["hash"] = unkeyed(changed)
    books.db.audit_directory.replace_one({"_id": entry["_id"]}, changed)


def delete_the_chain_and_leave_its_rows(books: Books) -> None:
    books.db.audit_batches.delete_many({})
    books.db.audit_directory.delete_many({})


TAMPERINGS: list[Callable[[Books], None]] = [
    alter_a_row,
    alter_a_detail,
    alter_a_time,
    add_a_field,
    delete_a_row,
    delete_the_last_row,
    insert_a_row,
    insert_a_row_after_the_end,
    swap_two_rows,
    swap_two_batches,
    delete_a_batch,
    cut_the_tail,
    chain_anew_without_a_row,
    chain_anew_with_a_false_row,
    chain_all_anew,
    forge_the_head,
    rename_the_writer,
    delete_the_chain_and_leave_its_rows,
]


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
async def test_tampering_is_found(books: Books, tamper: Callable[[Books], None]) -> None:
    chain = books.chain()
    await books.write(chain, 5)
    await chain.close()
    before = await books.verifier.verify()
    assert before.is_sound, before.problems
    assert (before.chains, before.batches, before.rows, before.torn_tails) == (1, 5, 5, 0)
    tamper(books)
    assert not (await books.verifier.verify()).is_sound


async def test_a_chain_taken_away_leaves_a_hole(books: Books) -> None:
    for _ in range(3):
        chain = books.chain()
        await books.write(chain, 2)
        await chain.close()
    entry = books.db.audit_directory.find_one({"_id": 2})
    assert entry is not None
    for header in books.db.audit_batches.find({"chain": entry["chain"]}):
        books.db.audit.delete_many({"_id": {"$in": header["rows"]}})
    books.db.audit_batches.delete_many({"chain": entry["chain"]})
    books.db.audit_directory.delete_one({"_id": 2})
    report = await books.verifier.verify()
    assert [problem.split(": ")[1] for problem in report.problems] == ["the directory has a hole before it"]


@pytest.mark.parametrize("lost", ["row", "header"])
async def test_a_torn_tail_is_accepted_at_the_very_end_only(books: Books, lost: str) -> None:
    chain = books.chain()
    await books.write(chain, 3)
    last = books.headers()[-1]
    if lost == "row":
        books.db.audit.delete_many({"_id": {"$in": last["rows"]}})
    else:
        books.db.audit_batches.delete_one({"_id": last["_id"]})
    torn = await books.verifier.verify()
    assert (torn.problems, torn.torn_tails) == ([], 1)
    books.clock.advance(CHAIN_TIMEOUT.total_seconds() + 1)
    assert await time_out_chains(books.kept, books.seals, books.clock) == 1
    timed_out = await books.verifier.verify()
    assert (timed_out.problems, timed_out.torn_tails) == ([], 1)
    middle = books.headers()[0]
    if lost == "row":
        books.db.audit.delete_many({"_id": {"$in": middle["rows"]}})
    else:
        books.db.audit_batches.delete_one({"_id": middle["_id"]})
    assert not (await books.verifier.verify()).is_sound


async def test_heads_kept_outside_find_a_cut_tail(books: Books) -> None:
    chain = books.chain()
    await books.write(chain, 3)
    await chain.checkpoint()
    old_entry = books.db.audit_directory.find_one()
    assert old_entry is not None
    await books.write(chain, 2)
    await chain.checkpoint()
    heads = await books.verifier.heads()
    assert [seq for seq, _ in heads.values()] == [5]
    assert (await books.verifier.verify(heads)).is_sound
    for header in books.headers()[3:]:
        books.db.audit.delete_many({"_id": {"$in": header["rows"]}})
        books.db.audit_batches.delete_one({"_id": header["_id"]})
    books.db.audit_directory.replace_one({"_id": 1}, old_entry)
    assert (await books.verifier.verify()).is_sound, "inside the database nothing shows: hence the heads"
    report = await books.verifier.verify(heads)
    assert ["published outside" in problem for problem in report.problems] == [True]


async def test_heads_kept_outside_find_a_chain_taken_away(books: Books) -> None:
    chain = books.chain()
    await books.write(chain, 3)
    await chain.close()
    heads = await books.verifier.heads()
    for name in ("audit", "audit_batches", "audit_directory"):
        books.db[name].delete_many({})
    assert (await books.verifier.verify()).is_sound
    assert not (await books.verifier.verify(heads)).is_sound


async def test_many_writers_at_once_stay_sound(books: Books) -> None:
    chains = [books.chain() for _ in range(4)]
    audits = [Audit(chain, books.clock, lambda: None) for chain in chains]
    await asyncio.gather(
        *(audit.record("x.done", ACTOR, "card", str(n)) for n in range(50) for audit in audits)
    )
    report = await books.verifier.verify()
    assert (report.problems, report.chains, report.rows) == ([], 4, 200)
    assert report.batches < 200
    await asyncio.gather(*(chain.close() for chain in chains))
    assert (await books.verifier.verify()).is_sound
    entries = list(books.db.audit_directory.find().sort("_id"))
    assert [entry["_id"] for entry in entries] == [1, 2, 3, 4]
    assert [entry["previous"] for entry in entries] == [NOTHING, *(entry["hash"] for entry in entries[:-1])]


async def test_a_row_a_unique_index_refuses_is_accounted_for(books: Books) -> None:
    await books.rows.ensure_indexes([index("key", unique=True)])
    chain = books.chain()
    results = await asyncio.gather(
        *(chain.append({"_id": f"r{n}", "key": f"k{n % 3}", "at": books.clock.now()}) for n in range(9)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Duplicate) for result in results) == 6
    assert (await books.verifier.verify()).is_sound
    with pytest.raises(Duplicate):
        await chain.append({"_id": "last", "key": "k0", "at": books.clock.now()})
    await chain.close()
    report = await books.verifier.verify()
    assert (report.problems, report.rows, report.torn_tails) == ([], 3, 0)
    assert books.db.audit_directory.find_one()["state"] == "closed"


async def test_a_chain_timed_out_by_mistake_goes_on_as_a_new_one(books: Books) -> None:
    chain = books.chain()
    await books.write(chain, 2)
    books.clock.advance(CHAIN_TIMEOUT.total_seconds() + 1)
    assert await time_out_chains(books.kept, books.seals, books.clock) == 1
    await chain.checkpoint()
    await books.write(chain, 2)
    report = await books.verifier.verify()
    assert (report.problems, report.chains, report.rows) == ([], 2, 4)
    assert await time_out_chains(books.kept, books.seals, books.clock) == 0
