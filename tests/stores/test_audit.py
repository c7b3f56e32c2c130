"""The audit record shows when it was altered, deleted, inserted, reordered, cut or chained anew (S4, I9)."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from structlog.testing import capture_logs

from server.app.process import log_failures
from server.core import audit_reader, audit_verifier
from server.core.audit import (
    IN_CHAIN,
    LONGEST_UNSIGNED,
    NOTHING,
    Actor,
    Audit,
    AuditChain,
    AuditCollections,
    canonical,
    head_bytes,
    header_hash,
    row_digest,
)
from server.core.audit_verifier import CHAIN_TIMEOUT, AuditVerifier, time_out_chains
from server.core.clock import HeldClock
from server.core.crypto.keyring import Keyring
from server.core.crypto.provider import choose_provider
from server.core.errors import Unavailable
from server.core.keys import Seals
from server.core.mongo import Collection, Duplicate, Mongo, index
from server.verification.store import UsageStore

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

    def entry(self) -> Rows:
        """The first chain's entry in the directory."""
        entry = self.db.audit_directory.find_one({"_id": 1})
        assert entry is not None
        return entry

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


# -- what somebody with the database and the source, but without the keys, may try


def hours_ago(books: Books) -> None:
    at = books.clock.now() - 20 * CHAIN_TIMEOUT
    books.db.audit_directory.update_many({}, {"$set": {"state": "open", "head.at": at}})


def cut_under_the_head(books: Books) -> None:
    cut_the_tail(books)
    books.clock.advance(CHAIN_TIMEOUT.total_seconds() + 1)


def cut_and_date_back(books: Books) -> None:
    cut_the_tail(books)
    hours_ago(books)


def chain_anew_and_date_back(books: Books) -> None:
    chain_anew_without_a_row(books)
    hours_ago(books)


def lower_the_head(books: Books) -> None:
    last = books.headers()[-2]
    cut_under_the_head(books)
    books.db.audit_directory.update_one({}, {"$set": {"head.seq": last["seq"], "head.hash": last["hash"]}})


def chain_anew_after_the_head(books: Books) -> None:
    """The first three batches are under the signed head, the last two are not."""
    chain_anew(books, 3)
    books.clock.advance(CHAIN_TIMEOUT.total_seconds() + 1)


def leave_one_out_after_the_head(books: Books) -> None:
    header = books.headers()[3]
    books.db.audit_batches.delete_one({"_id": header["_id"]})
    books.db.audit.delete_many({"_id": {"$in": header["rows"]}})
    books.clock.advance(CHAIN_TIMEOUT.total_seconds() + 1)


def insert_and_wait(books: Books) -> None:
    insert_a_row_after_the_end(books)
    books.clock.advance(CHAIN_TIMEOUT.total_seconds() + 1)


def change_the_writer_and_wait(books: Books) -> None:
    rename_the_writer(books)
    books.clock.advance(CHAIN_TIMEOUT.total_seconds() + 1)


@pytest.mark.parametrize(
    ("tamper", "signed_after"),
    [
        (cut_under_the_head, 5),
        (cut_and_date_back, 5),
        (chain_anew_and_date_back, 5),
        (chain_all_anew, 5),
        (lower_the_head, 5),
        (delete_the_last_row, 5),
        (chain_anew_after_the_head, 3),
        (leave_one_out_after_the_head, 3),
        (insert_and_wait, 5),
        (change_the_writer_and_wait, 5),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_the_worker_signs_nothing_that_was_tampered_with(
    books: Books, tamper: Callable[[Books], None], signed_after: int
) -> None:
    chain = books.chain()
    await books.write(chain, signed_after)
    await chain.checkpoint()
    await books.write(chain, 5 - signed_after)
    tamper(books)
    hours_ago(books) if tamper is chain_all_anew else books.clock.advance(CHAIN_TIMEOUT.total_seconds() + 1)
    before = books.entry()
    with capture_logs() as lines:
        assert await time_out_chains(books.kept, books.seals, books.clock) == 0
    assert [(line["event"], line["chain"]) for line in lines] == [("audit.broken", before["chain"])]
    assert books.entry() == before
    assert not (await books.verifier.verify()).is_sound


async def test_a_chain_closed_in_good_order_is_not_opened_for_signing(books: Books) -> None:
    chain = books.chain()
    await books.write(chain, 3)
    await chain.close()
    hours_ago(books)
    assert await time_out_chains(books.kept, books.seals, books.clock) == 0
    assert not (await books.verifier.verify()).is_sound


async def test_who_signs_for_a_dead_process_keeps_what_it_signed_itself(books: Books) -> None:
    chain = books.chain()
    await books.write(chain, 3)
    await chain.checkpoint()
    written = books.entry()["head"]
    await books.write(chain, 2)
    books.clock.advance(CHAIN_TIMEOUT.total_seconds() + 1)
    assert await time_out_chains(books.kept, books.seals, books.clock) == 1
    entry = books.entry()
    assert entry["head"] == written
    assert (entry["end"]["seq"], entry["end"]["state"], entry["state"]) == (5, "timed_out", "timed_out")
    assert [seq for seq, _ in (await books.verifier.heads()).values()] == [5]
    delete_the_last_row(books)
    assert not (await books.verifier.verify()).is_sound, "the signature says that the row was there"


def forged(place: Rows) -> Rows:
    return {"_id": "FORGED", "action": "records.read", "audit": place}


@pytest.mark.parametrize("state", ["open", "timed_out", "closed"])
@pytest.mark.parametrize(
    "kind", ["bare", "copied", "moved", "early", "far", "odd", "listed", "stray", "nameless"]
)
async def test_a_row_inserted_is_found_in_every_chain(books: Books, state: str, kind: str) -> None:
    chain = books.chain()
    await books.write(chain, 3)
    if state == "timed_out":
        books.clock.advance(CHAIN_TIMEOUT.total_seconds() + 1)
        assert await time_out_chains(books.kept, books.seals, books.clock) == 1
    elif state == "closed":
        await chain.close()
    assert (await books.verifier.verify()).is_sound
    row = books.db.audit.find_one({"audit.seq": 3})
    assert row is not None
    place = row["audit"]
    books.db.audit.insert_one(
        {
            "bare": forged({"chain": place["chain"], "seq": 4}),
            "copied": {**row, "_id": "FORGED"},
            "moved": {**row, "_id": "FORGED", "audit": {**place, "seq": 4}},
            "early": forged({**place, "seq": 0}),
            "far": forged({**place, "seq": 1_000_000}),
            "odd": forged({**place, "seq": 2.5}),
            "listed": forged([{**place, "seq": 4}]),  # type: ignore[arg-type]
            "stray": forged({**place, "chain": "0" * 26}),
            "nameless": {"_id": "FORGED", "action": "records.read"},
        }[kind]
    )
    assert not (await books.verifier.verify()).is_sound


async def test_a_row_moved_to_another_place_is_found(books: Books) -> None:
    chain = books.chain()
    await books.write(chain, 3)
    books.db.audit.update_one({"audit.seq": 3}, {"$set": {"audit.seq": 2}})
    assert not (await books.verifier.verify()).is_sound


async def test_a_row_two_headers_name_is_found(books: Books) -> None:
    chain = books.chain()
    await books.write(chain, 2)
    one, other = books.headers()
    other = {**other, "rows": other["rows"] + one["rows"], "digests": other["digests"] + one["digests"]}
    other["hash"] = header_hash(books.seals, other)
    books.db.audit_batches.replace_one({"_id": other["_id"]}, other)
    await chain.checkpoint()
    assert not (await books.verifier.verify()).is_sound


def test_a_field_cannot_stand_in_for_the_id_of_a_row(books: Books) -> None:
    place = {"chain": "c", "seq": 1}
    one, other = ({"_id": name, "id": "a", "audit": place} for name in ("a", "b"))
    assert row_digest(books.seals, one) != row_digest(books.seals, other)
    for elsewhere in ({"chain": "d", "seq": 1}, {"chain": "c", "seq": 2}):
        assert row_digest(books.seals, one) != row_digest(books.seals, {**one, "audit": elsewhere})


async def test_nothing_under_a_signed_head_can_be_deleted_not_even_its_last_batch(books: Books) -> None:
    await books.rows.ensure_indexes([index("key", unique=True)])
    chain = books.chain()
    rows = [{"_id": f"r{n}", "key": f"k{n % 2}", "at": books.clock.now()} for n in range(4)]
    await asyncio.gather(*(chain.append(row) for row in rows), return_exceptions=True)
    await chain.checkpoint()
    missing = books.entry()["head"]["missing"]
    assert len(missing) == 2
    sound = await books.verifier.verify()
    assert (sound.problems, sound.torn_tails) == ([], 0), "what was refused is signed for, not torn"
    for row in books.db.audit.find():
        books.db.audit.delete_one({"_id": row["_id"]})
        assert [problem.split(": ")[1] for problem in (await books.verifier.verify()).problems] == [
            f"rows of batch {row['audit']['seq']} are missing"
        ]
        books.db.audit.insert_one(row)
    assert (await books.verifier.verify()).is_sound


async def test_a_torn_tail_signed_off_keeps_the_rows_it_has(books: Books) -> None:
    chain = books.chain()
    await books.write(chain, 3)
    books.db.audit_batches.delete_one({"_id": books.headers()[-1]["_id"]})
    books.clock.advance(CHAIN_TIMEOUT.total_seconds() + 1)
    assert await time_out_chains(books.kept, books.seals, books.clock) == 1
    assert (await books.verifier.verify()).is_sound
    books.db.audit.delete_one({"audit.seq": 3})
    assert not (await books.verifier.verify()).is_sound


# -- a platform that runs, stands still, stops


async def test_a_growing_record_is_sound_at_every_moment(books: Books) -> None:
    is_over = False

    async def grow(audit: Audit) -> None:
        while not is_over:
            await audit.record("x.done", ACTOR, "card", "c")

    chains = [books.chain() for _ in range(3)]
    growing = [asyncio.ensure_future(grow(Audit(chain, books.clock, lambda: None))) for chain in chains]
    reports = []
    for number in range(10):
        if number == 5:  # a chain that opens meanwhile
            growing.append(asyncio.ensure_future(grow(Audit(books.chain(), books.clock, lambda: None))))
        reports.append(await books.verifier.verify())
        await chains[0].checkpoint()
    is_over = True
    await asyncio.gather(*growing)
    assert [report.problems for report in reports] == [[]] * 10
    assert reports[9].rows > reports[0].rows, "nothing grew meanwhile"


@dataclass
class Gate:
    """Holds what is written until it is opened."""

    books: Books

    def __post_init__(self) -> None:
        self.is_reached, self.may_pass = asyncio.Event(), asyncio.Event()
        self._insert = self.books.rows.insert_each

    async def insert_each(self, rows: Any) -> Any:
        self.is_reached.set()
        await self.may_pass.wait()
        return await self._insert(rows)


async def test_a_chain_closes_after_the_batch_under_way(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = books.chain()
    await books.write(chain, 3)
    gate = Gate(books)
    monkeypatch.setattr(books.rows, "insert_each", gate.insert_each)
    late = asyncio.ensure_future(books.write(chain, 1))
    await gate.is_reached.wait()
    closing = asyncio.ensure_future(chain.close())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refused:
        await books.write(chain, 1)
    assert refused.value.code == "server.stopping"
    gate.may_pass.set()
    await asyncio.gather(late, closing)
    report = await books.verifier.verify()
    assert (report.problems, report.rows, report.torn_tails) == ([], 4, 0)
    assert (books.entry()["state"], books.entry()["head"]["seq"]) == ("closed", 4)


async def test_a_process_that_stood_still_notices_before_it_answers(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = books.chain()
    await books.write(chain, 2)
    gate = Gate(books)
    monkeypatch.setattr(books.rows, "insert_each", gate.insert_each)
    late = asyncio.ensure_future(books.write(chain, 1))
    await gate.is_reached.wait()
    books.clock.advance(CHAIN_TIMEOUT.total_seconds() + 1)
    assert await time_out_chains(books.kept, books.seals, books.clock) == 1
    gate.may_pass.set()
    with pytest.raises(Unavailable):
        await late
    assert (await books.verifier.verify()).problems == []
    await books.write(chain, 1)
    report = await books.verifier.verify()
    assert (report.problems, report.chains, report.rows) == ([], 2, 4)


async def test_a_process_that_stood_still_notices_at_its_next_batch(books: Books) -> None:
    chain = books.chain()
    await books.write(chain, 2)
    books.clock.advance(CHAIN_TIMEOUT.total_seconds() + 1)
    assert await time_out_chains(books.kept, books.seals, books.clock) == 1
    await books.write(chain, 2)
    entries = list(books.db.audit_directory.find().sort("_id"))
    assert [entry["state"] for entry in entries] == ["timed_out", "open"]
    assert [header["seq"] for header in books.headers()] == [1, 1, 2, 2]
    assert (await books.verifier.verify()).problems == []


async def test_no_batch_is_answered_long_after_the_last_signed_head(books: Books) -> None:
    chain = books.chain()
    await books.write(chain, 1)
    books.clock.advance(LONGEST_UNSIGNED.total_seconds() + 1)
    await books.write(chain, 1)  # nobody called `checkpoint`
    assert books.entry()["head"]["seq"] == 1
    books.clock.advance(LONGEST_UNSIGNED.total_seconds())
    books.db.audit_directory.update_one({}, {"$set": {"state": "timed_out"}})
    await books.write(chain, 1)
    assert books.db.audit_directory.count_documents({}) == 2


async def test_a_batch_after_a_time_out_and_one_more_are_two_too_many(books: Books) -> None:
    chain = books.chain()
    await books.write(chain, 2)
    entry = books.entry()
    books.clock.advance(CHAIN_TIMEOUT.total_seconds() + 1)
    assert await time_out_chains(books.kept, books.seals, books.clock) == 1
    signed = books.entry()
    books.db.audit_directory.replace_one({"_id": 1}, entry)  # what no writer does: it goes on all the same
    await books.write(chain, 2)
    books.db.audit_directory.replace_one({"_id": 1}, {**signed})
    assert not (await books.verifier.verify()).is_sound


async def test_a_line_of_the_log_can_be_checked_without_the_database(books: Books) -> None:
    chain = books.chain()
    with capture_logs() as lines:
        await books.write(chain, 2)
        await chain.checkpoint()
        await books.write(chain, 1)
        books.clock.advance(CHAIN_TIMEOUT.total_seconds() + 1)
        await time_out_chains(books.kept, books.seals, books.clock)
    heads = [line for line in lines if line["event"] == "audit.head"]
    assert [(line["seq"], line["state"]) for line in heads] == [(0, "open"), (2, "open"), (3, "timed_out")]
    for line in heads:
        signed = {**line, "hash": line["head"]}
        assert books.seals.verify(head_bytes(line["chain"], signed), bytes.fromhex(line["signature"]))
        later = {**signed, "at": "2030-01-01T00:00:00Z"}
        assert not books.seals.verify(head_bytes(line["chain"], later), bytes.fromhex(line["signature"]))


async def test_failures_of_checkpoints_are_logged() -> None:
    done = []

    async def work(failure: Exception | None) -> None:
        if failure is not None:
            raise failure
        done.append(True)

    with capture_logs() as lines:
        await log_failures(
            "audit.checkpoint_failed", [work(Unavailable("a.down", "-")), work(OSError()), work(None)]
        )
    assert [(line["event"], line["reason"]) for line in lines] == [
        ("audit.checkpoint_failed", "a.down"),
        ("audit.checkpoint_failed", "OSError"),
    ]
    assert done == [True]


# -- a record that grew big


async def test_the_verifier_asks_by_index_only(books: Books) -> None:
    await books.rows.ensure_indexes(Audit.INDEXES)
    await books.kept.directory.ensure_indexes(AuditCollections.DIRECTORY_INDEXES)
    await books.kept.batches.ensure_indexes(AuditCollections.BATCH_INDEXES)
    assert IN_CHAIN in UsageStore.INDEXES
    for _ in range(2):
        await books.write(books.chain(), 2)
    books.db.command("profile", 2)
    assert (await books.verifier.verify()).is_sound
    books.clock.advance(CHAIN_TIMEOUT.total_seconds() + 1)
    assert await time_out_chains(books.kept, books.seals, books.clock) == 2
    books.db.command("profile", 0)
    asked = list(books.db["system.profile"].find({"op": {"$in": ["query", "command"]}}))
    plans = {(doc["ns"].split(".", 1)[1], doc.get("planSummary", "")) for doc in asked}
    assert {name for name, _ in plans} >= {"audit", "audit_batches", "audit_directory"}
    assert [plan for plan in plans if "COLLSCAN" in plan[1]] == []


@pytest.mark.parametrize("page", [1, 2, 5, 6])
async def test_pages_join_without_a_gap(books: Books, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(audit_reader, "PAGE", page)
    monkeypatch.setattr(audit_verifier, "PAGE", page)
    for _ in range(3):
        chain = books.chain()
        await books.write(chain, 5)
        await chain.checkpoint()
    report = await books.verifier.verify()
    assert (report.problems, report.chains, report.batches, report.rows) == ([], 3, 15, 15)
    for row in list(books.db.audit.find()):
        books.db.audit.delete_one({"_id": row["_id"]})
        assert len((await books.verifier.verify()).problems) == 1
        books.db.audit.insert_one(row)
    books.clock.advance(CHAIN_TIMEOUT.total_seconds() + 1)
    assert await time_out_chains(books.kept, books.seals, books.clock) == 3
    assert (await books.verifier.verify()).is_sound
