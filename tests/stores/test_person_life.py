"""Persons registered, changed, merged and told apart in any order, over the real stores (I3): nobody is lost.

In CI a few lives; `EHC_LIVES=500` lives as many, each longer.
"""

import os
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pymongo.database import Database
from tornado.ioloop import IOLoop

from server.cards.claim import Application, Claimant
from server.core.audit import Actor
from server.core.errors import Conflict, EhcError
from server.identity.desk import Correction
from server.identity.documents import read_document
from server.identity.model import Origin, Particulars
from tests.harness import Platform
from tests.stores.persons import CHECKER, MAKER, TODAY, passport, said

pytestmark = pytest.mark.feature("I3", "C4")

LIVES = int(os.environ.get("EHC_LIVES", "6"))
STEPS = 14 if LIVES < 50 else 40
PEOPLE = 4
ISSUED = {"is_live": True, "status": {"$ne": "pending"}}
KEPT = ("particulars", "documents", "blocking", "evidence", "origin", "registered_at")
CLEARED = ("persons", "merges", "person_reviews", "identifiers", "cards", "messages", "budgets")
somebody = st.integers(0, PEOPLE - 1)


@dataclass
class World:
    """Where they live, as one object: Hypothesis looks at a machine's attributes, and a database has any."""

    platform: Platform
    db: Database[dict[str, Any]]
    loop: IOLoop


class Lives(RuleBasedStateMachine):
    """What must come back is kept beside: rows as they were when they were merged, who has which card."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        for name in CLEARED:
            self.world.db[name].delete_many({})
        self.merged: dict[str, dict[str, Any]] = {}  # merge → the absorbed person's row before it
        self.bound: dict[str, str] = {}  # a hospital's number → the person it was bound to
        self.owners: dict[str, str] = {}  # card → the person it was given to

    def wait(self, act: Awaitable[Any]) -> Any:
        async def acting() -> Any:
            return await act

        return self.world.loop.run_sync(acting, timeout=60)

    def rows(self) -> dict[str, dict[str, Any]]:
        return {row["_id"]: row for row in self.world.db.persons.find()}

    def living(self, person_id: str, rows: dict[str, dict[str, Any]]) -> str:
        """Where the pointers lead; more steps than persons are a circle."""
        for _ in range(len(rows) + 1):
            if "merged_into" not in rows[person_id]:
                return person_id
            person_id = rows[person_id]["merged_into"]
        raise AssertionError("merges form a circle")

    def live_ids(self) -> list[str]:
        return sorted(row["_id"] for row in self.world.db.persons.find({"state": "live"}))

    def said(self, number: int, *, by_passport: bool, tells_phone: bool) -> Particulars:
        resident = self.world.platform.residents[number]
        document = passport(f"EA100000{number}", resident.birth_on, resident.gender)
        contact = {"phone": resident.phone} if tells_phone else {}
        if by_passport:
            return said(resident.name, document, **contact)
        return said(
            resident.name, read_document("01", resident.id_no, TODAY, allows_test_numbers=True), **contact
        )

    # -- what happens
    @rule(number=somebody, by_passport=st.booleans(), tells_phone=st.booleans())
    def register(self, number: int, by_passport: bool, tells_phone: bool) -> None:
        particulars = self.said(number, by_passport=by_passport, tells_phone=tells_phone)
        services = self.world.platform.app.services
        registered = self.wait(services.identity.register(particulars, (), Origin("batch", MAKER)))
        assert (registered.outcome == "review") is (registered.person is None)
        if registered.person is not None:
            assert registered.person.is_live

    @rule(number=somebody)
    def claim(self, number: int) -> None:
        resident = self.world.platform.residents[number]
        claimant = Claimant(f"account-{number}", resident.phone)
        application = Application(resident.name, resident.id_type, resident.id_no, resident.phone, "self")
        try:
            self.wait(self.world.platform.app.services.claims.claim(claimant, application))
        except EhcError as refusal:  # after a merge the card there is bears another name: a wrong try
            known = ("identity.mismatch", "identity_mismatch.too_many", "card.claim_in_progress")
            assert refusal.code in known, refusal.code
        for card in self.world.db.cards.find({"status": "active"}):
            self.owners.setdefault(card["_id"], card["person_id"])

    @precondition(lambda self: self.live_ids())
    @rule(which=st.integers(0, 9), last=st.integers(0, 9))
    def move_house(self, which: int, last: int) -> None:
        ids, desk = self.live_ids(), self.world.platform.app.services.person_desk
        person = self.wait(desk.open(ids[which % len(ids)], MAKER))
        change = Correction(phone=f"1990000090{last}")
        changed = self.wait(desk.correct(person.person_id, person.version, change, MAKER, "a new number"))
        assert changed.contact.phone == f"1990000090{last}"

    @precondition(lambda self: self.live_ids())
    @rule(which=st.integers(0, 9), value=st.sampled_from(["P1", "P2", "P3"]))
    def bind(self, which: int, value: str) -> None:
        ids, by = self.live_ids(), Actor("app", "his")
        try:
            self.wait(
                self.world.platform.app.services.identifiers.bind(
                    "hospital-a", value, ids[which % len(ids)], by
                )
            )
        except Conflict as refusal:
            assert refusal.code == "identifier.taken" and value in self.bound
            return
        self.bound.setdefault(value, ids[which % len(ids)])

    @precondition(lambda self: len(self.live_ids()) > 1)
    @rule(one=st.integers(0, 9), other=st.integers(0, 9))
    def merge(self, one: int, other: int) -> None:
        self.deliver()
        ids, merges = self.live_ids(), self.world.platform.app.services.merges
        absorbed, survivor = ids[one % len(ids)], ids[other % len(ids)]
        if absorbed == survivor:
            return
        before = self.rows()[absorbed]
        try:
            proposed = self.wait(merges.propose(absorbed, survivor, MAKER, "one and the same"))
        except Conflict as refusal:  # a decided review has proposed it
            assert refusal.code == "merge.open"
            return
        self.wait(merges.approve(proposed.merge_id, CHECKER))
        self.merged[proposed.merge_id] = before

    @precondition(lambda self: self.merged)
    @rule(which=st.integers(0, 9))
    def undo(self, which: int) -> None:
        merge_id = sorted(self.merged)[which % len(self.merged)]
        before, merges = self.merged.pop(merge_id), self.world.platform.app.services.merges
        merge = self.wait(merges.get(merge_id))
        self.wait(merges.propose_reversal(merge_id, MAKER, "two people"))
        self.wait(merges.approve_reversal(merge_id, CHECKER))
        after = self.rows()[merge.absorbed_id]
        assert {name: after[name] for name in KEPT} == {name: before[name] for name in KEPT}
        assert (after["state"], merge.survivor_id in after["distinct_from"]) == ("live", True)

    @precondition(lambda self: self.world.db.person_reviews.count_documents({"is_open": True}))
    @rule(decision=st.sampled_from(["same", "new", "refused"]))
    def decide(self, decision: str) -> None:
        review = self.world.db.person_reviews.find_one({"is_open": True}, sort=[("_id", 1)])
        assert review is not None
        person_id = review["candidates"][0]["person_id"] if decision == "same" else None
        reviews = self.world.platform.app.services.person_reviews
        try:
            self.wait(reviews.decide(review["_id"], MAKER, decision, person_id, "looked at"))  # type: ignore[arg-type]
        except Conflict as refusal:
            assert refusal.code == "person_review.document_taken"
            self.wait(reviews.decide(review["_id"], MAKER, "refused", None, "taken meanwhile"))

    @rule()
    def deliver(self) -> None:
        """Every event is delivered: cards have followed their persons."""
        self.wait(self.world.platform.work())
        rows, active, held = self.rows(), [], 0
        for card in self.world.db.cards.find(ISSUED):
            person_id = card["person_id"]
            self.owners.setdefault(card["_id"], person_id)
            owner = self.owners[card["_id"]]
            assert self.living(person_id, rows) == self.living(owner, rows), "a card stays with its person"
            if rows[owner]["state"] == "live":
                assert (person_id, card["status"]) == (owner, "active"), "it came back as it was"
            if card["status"] == "active":
                active.append(self.living(person_id, rows))
            held += card["status"] == "frozen"
        assert len(active) == len(set(active)), "one person, one card"
        holders = {self.living(row["person_id"], rows) for row in self.world.db.cards.find(ISSUED)}
        assert set(active) == holders, "whoever has cards can use one"
        assert held == self.world.db.cards.count_documents({"holds": {"$regex": "^merge:"}})

    # -- what always holds
    @invariant()
    def every_document_leads_to_one_living_person(self) -> None:
        rows = self.rows()
        keys = [document["key"] for row in rows.values() for document in row["documents"]]
        assert len(keys) == len(set(keys))
        for row in rows.values():
            assert rows[self.living(row["_id"], rows)]["state"] == "live"
            assert (row["state"] == "merged") is ("merged_into" in row)
        store = self.world.platform.app.services.identity._index._store
        for row in rows.values():
            for document in store.person(row).documents:
                found = self.wait(self.world.platform.app.services.identity._index.find_by_document(document))
                assert found.person_id == self.living(row["_id"], rows)

    @invariant()
    def whoever_is_merged_stays_as_he_was(self) -> None:
        rows = self.rows()
        for before in self.merged.values():
            now = rows[before["_id"]]
            assert {name: now[name] for name in KEPT} == {name: before[name] for name in KEPT}

    @invariant()
    def every_number_leads_to_the_living(self) -> None:
        rows = self.rows()
        for value, person_id in self.bound.items():
            find = self.world.platform.app.services.identifiers.find_person_id
            assert self.wait(find("hospital-a", value)) == self.living(person_id, rows)


def test_whatever_happens_to_persons_nobody_is_lost(
    platform: Platform, db: Database[dict[str, Any]], io_loop: IOLoop
) -> None:
    class Here(Lives):
        world = World(platform, db, io_loop)

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=LIVES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
