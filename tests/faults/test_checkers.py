"""Every checker finds what it looks for: a sound run with one thing spoilt."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from server.usage.keys import reported_use_key
from tests.faults.booking_checks import BOOKING_CHECKS
from tests.faults.checkers import CHECKS, Snapshot, usage_key
from tests.faults.cold import CANARY, published_heads
from tests.faults.cold import _holds as holds
from tests.faults.history import Attempt, History
from tests.faults.people import make_people

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
PERSON, OTHER = make_people(2, 1)
EVERY_CHECK = CHECKS | BOOKING_CHECKS
ISSUED = f"{int(AT.timestamp()):08X}"


TOLD = {"_id": "told", "use_key": reported_use_key("institution-a", "e"), "told_at": AT, "card_id": "card"}


BOOKED: dict[str, Any] = {
    "_id": "booked",
    "state": "confirmed",
    "card_id": "card",
    "person_id": "person",
    "slot_key": "h|s",
    "seat_in": "h|s",
    "seat": 1,
    "places": ["family|account|0"],
    "capacity": 2,
    "owes_release": False,
}
OVER = {name: value for name, value in BOOKED.items() if name not in ("seat_in", "places")}
OVER |= {"_id": "over", "state": "cancelled"}


def sound() -> tuple[History, Snapshot]:
    """One resident who signed in, claimed, whose dynamic code was read once, and who booked twice and
    cancelled once."""
    history = History()
    signed_in = history.open("sign_in", "k0", phone=PERSON.phone)
    history.note(signed_in, Attempt(201, b"t"), {"token": "token"})
    claimed = history.open("claim", "k1", person=PERSON)
    history.note(claimed, Attempt(201, b"c"), {"card_id": "card"})
    scanned = history.open("verify", "k2", body={"code": "CARD:0:token:centre"})
    history.note(scanned, Attempt(None))
    answer = {"verification_id": "use", "card": {"card_id": "card"}}
    history.note(scanned, Attempt(200, b"v"), answer)
    told = history.open("tell", "k9", body={"events": []})
    receipts = [{"event_id": "e", "outcome": outcome} for outcome in ("accepted", "duplicate")]
    history.note(
        told, Attempt(200, b"b"), {"accepted": 1, "duplicates": 1, "refused": 0, "receipts": receipts}
    )
    for number, row in enumerate((BOOKED, OVER)):
        booked = history.open("book", f"k{20 + number}", body={"card_id": "card"})
        history.note(booked, Attempt(201, b"b"), {"appointment_id": row["_id"]})
    cancelled = history.open("cancel", "k30", body={}, appointment_id="over")
    history.note(cancelled, Attempt(200, b"x"), {})
    usage = {
        "_id": "use",
        "use_key": f"CARD:{ISSUED}:nonce",
        "card_id": "card",
        "at": AT + timedelta(seconds=3),
        "request_key": usage_key(scanned),
    }
    card = {
        "_id": "card",
        "status": "active",
        "is_live": True,
        "person_id": "person",
        "ties": [{"account_id": "account"}],
    }
    message = {"kind": "card_used", "account_id": "account", "data": {"verification_id": "use"}}
    stored = Snapshot(
        usages=[usage, TOLD],
        cards=[card],
        persons=[{"_id": "person", "documents": [{"key": "document"}]}],
        messages=[message],
        sessions=frozenset({"digest"}),
        acts=[{"action": "cards.claim", "outcome": "active", "object": {"id": "card"}}],
        batches=[{"rows": ["use", "told"]}],
        documents={"card": PERSON.id_no, "card-2": PERSON.id_no},
        session_ids={"token": "digest"},
        audit_problems=[],
        code_refresh_s=60,
        appointments=[BOOKED, OVER],
        pools=[{"_id": "h|schedule"}],
        places={"h|s": (2, 1), "h|t": (3, 3)},
        locks={"booked": "confirmed", "over": "released"},
    )
    return history, stored


def test_a_sound_run_passes_every_check() -> None:
    history, stored = sound()
    for name, check in EVERY_CHECK.items():
        finding = check(history, stored)
        assert (name, finding.problems) == (name, [])
        assert finding.cases > 0, name


def _usage(stored: Snapshot, **changes: Any) -> Snapshot:
    return replace(stored, usages=[{**stored.usages[0], **changes}, TOLD])


def _card(stored: Snapshot, **changes: Any) -> Snapshot:
    return replace(stored, cards=[{**stored.cards[0], **changes}])


MERGE = {"_id": "m", "absorbed_id": "person", "survivor_id": "other", "state": "done"}


def _person(stored: Snapshot, **changes: Any) -> Snapshot:
    return replace(stored, persons=[{**stored.persons[0], **changes}])


def _booking(stored: Snapshot, **changes: Any) -> Snapshot:
    return replace(stored, appointments=[{**BOOKED, **changes}, OVER])


def _booked_twice(stored: Snapshot, **changes: Any) -> Snapshot:
    other = {"_id": "other", "seat": 2, "person_id": "person-2", "places": ["family|account|1"]}
    return replace(stored, appointments=[BOOKED, OVER, {**BOOKED, **other, **changes}])


def _twice(stored: Snapshot, **changes: Any) -> Snapshot:
    return replace(stored, usages=[*stored.usages, {**stored.usages[0], "_id": "use-2", **changes}])


def _second_card(stored: Snapshot) -> Snapshot:
    second = {**stored.cards[0], "_id": "card-2", "person_id": "person-2"}
    persons = [*stored.persons, {"_id": "person-2", "documents": [{"key": "document-2"}]}]
    return replace(stored, cards=[stored.cards[0], second], persons=persons)


PLACE = "I3 a place"
SPOILT: list[tuple[str, Callable[[Snapshot], Snapshot]]] = [
    ("I2", lambda stored: replace(stored, usages=[])),
    ("I2", lambda stored: _usage(stored, card_id="another")),
    ("I2", lambda stored: replace(stored, cards=[])),
    ("I2", lambda stored: replace(stored, documents={"card": OTHER.id_no})),
    ("I2", lambda stored: replace(stored, sessions=frozenset())),
    ("I2", lambda stored: replace(stored, usages=[*stored.usages][:1])),
    ("V9", lambda stored: replace(stored, usages=[*stored.usages][:1])),
    ("V9", lambda stored: replace(stored, usages=[*stored.usages, {**TOLD, "_id": "told-2"}])),
    ("I9", lambda stored: replace(stored, batches=[{"rows": ["use"]}])),
    ("I7", lambda stored: replace(stored, usages=[])),
    ("I7", _twice),
    ("I7", lambda stored: _twice(stored, request_key="nobody's")),
    ("I9", lambda stored: replace(stored, audit_problems=["a batch is missing"])),
    ("I9", lambda stored: replace(stored, batches=[])),
    ("I9", lambda stored: replace(stored, acts=[])),
    ("I11", _twice),
    ("I11", lambda stored: _usage(stored, at=AT + timedelta(seconds=66))),
    ("I11", lambda stored: _usage(stored, at=AT - timedelta(seconds=6))),
    ("I13", lambda stored: _usage(stored, outbox={})),
    ("I13", lambda stored: _card(stored, outbox={})),
    ("I13", lambda stored: _card(stored, status="pending")),
    ("I13", lambda stored: replace(stored, messages=[])),
    ("I13", lambda stored: replace(stored, messages=[*stored.messages] * 2)),
    ("I3", lambda stored: _person(stored, state="merged")),
    ("I3", lambda stored: _person(stored, state="merged", merged_into="person")),
    ("I3", lambda stored: replace(stored, merges=[MERGE])),
    ("I3", lambda stored: replace(stored, persons=[*stored.persons] * 2)),
    ("B1", _second_card),
    ("B1", lambda stored: replace(stored, persons=[])),
    ("B1", lambda stored: replace(stored, persons=[*stored.persons, {"_id": "p", "documents": []}])),
    ("B1", lambda stored: replace(stored, persons=[*stored.persons] * 2)),
    ("B1", lambda stored: _card(stored, status="refused")),
    (PLACE, lambda stored: _booked_twice(stored, seat=1)),
    (PLACE, lambda stored: _booked_twice(stored, person_id="person")),
    (PLACE, lambda stored: _booked_twice(stored, places=["family|account|0"])),
    (PLACE, lambda stored: _booking(stored, seat=3)),
    (PLACE, lambda stored: _booking(stored, seat=0)),
    (PLACE, lambda stored: _booking(stored, state="released")),
    (PLACE, lambda stored: replace(stored, appointments=[OVER, {**OVER, "state": "held"}])),
    ("I4", lambda stored: replace(stored, places={"h|s": (2, 2)})),
    ("I4", lambda stored: replace(stored, places={"h|s": (2, 0)})),
    ("I4", lambda stored: replace(stored, places={})),
    ("I4", _booked_twice),
    ("I2 a booking", lambda stored: replace(stored, appointments=[OVER])),
    ("I2 a booking", lambda stored: _booking(stored, card_id="another")),
    ("I2 a booking", lambda stored: replace(stored, appointments=[BOOKED, {**BOOKED, "_id": "over"}])),
    ("I2 a booking", _booked_twice),
    ("M2", lambda stored: replace(stored, locks={"booked": "locked"})),
    ("M2", lambda stored: replace(stored, locks={"booked": "unknown"})),
    ("M2", lambda stored: replace(stored, locks={"over": "confirmed"})),
    ("I13 bookings", lambda stored: _booking(stored, outbox={})),
    ("I13 bookings", lambda stored: _booking(stored, state="holding")),
    ("I13 bookings", lambda stored: replace(stored, appointments=[{**OVER, "owes_release": True}])),
    ("I13 bookings", lambda stored: replace(stored, pools=[{"_id": "h|schedule", "outbox": {}}])),
]


@pytest.mark.parametrize(("name", "spoil"), SPOILT)
def test_a_spoilt_database_is_found(name: str, spoil: Callable[[Snapshot], Snapshot]) -> None:
    history, stored = sound()
    check = next(check for title, check in EVERY_CHECK.items() if f"{title} ".startswith(f"{name} "))
    assert check(history, spoil(stored)).problems


def test_two_answers_to_one_key_are_found() -> None:
    history, stored = sound()
    scanned = history.of("verify")[0]
    history.note(scanned, Attempt(200, b"other bytes"), {})
    check = CHECKS["I7 same key, same answer, one effect"]
    assert check(history, stored).problems == ["verify k2 was answered in 2 ways"]


def test_one_code_accepted_for_two_requests_is_found() -> None:
    history, stored = sound()
    second = history.open("verify", "k3", body={"code": "CARD:0:token:centre"})
    history.note(second, Attempt(200, b"w"), {"verification_id": "use-2", "card": {"card_id": "card"}})
    assert CHECKS["I11 codes are single"](history, stored).problems == ["a code was accepted as two uses"]


def test_a_refused_scan_that_left_a_use_is_found() -> None:
    history, stored = sound()
    refused = history.open("verify", "k4", body={"code": "CARD:0:token:centre"})
    history.note(refused, Attempt(422, b"e", "code.expired"))
    usages = [*stored.usages, {**stored.usages[0], "_id": "use-3", "request_key": usage_key(refused)}]
    problems = CHECKS["I7 same key, same answer, one effect"](
        history, replace(stored, usages=usages)
    ).problems
    assert problems == ["verify k4: code.expired, 1 uses stored"]


def test_what_was_not_heard_of_is_asked_again() -> None:
    history = History()
    operation = history.open("claim", "k")
    for attempt in (
        Attempt(None),
        Attempt(503, error="database.unavailable"),
        Attempt(409, error="idempotency.in_progress"),
    ):
        history.note(operation, attempt)
        assert operation.is_unknown
    history.note(operation, Attempt(409, error="card.held_by_another_account"))
    assert (operation.is_unknown, operation.refusal) == (False, "card.held_by_another_account")
    assert history.unanswered == 1


def test_plain_text_is_found_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "collection.wt"
    file.write_bytes(bytes(5000) + b"...." + PERSON.id_no.encode() + bytes(5000))
    assert holds(file, [OTHER.id_no.encode(), PERSON.id_no.encode()])
    assert not holds(file, [OTHER.id_no.encode(), OTHER.name.encode(), CANARY.encode()])


def test_the_last_published_head_of_a_chain_counts(tmp_path: Path) -> None:
    lines = [
        '{"event": "audit.head", "chain": "A", "seq": 0, "head": "00"}',
        '{"event": "audit.head", "chain": "A", "seq": 7, "head": "77"}',
        '{"event": "audit.head", "chain": "B", "seq": 1, "he',
    ]
    log = tmp_path / "serve.log"
    log.write_text("\n".join(lines))
    assert published_heads([log]) == {"A": (7, "77")}
