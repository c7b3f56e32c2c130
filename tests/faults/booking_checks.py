"""What must hold of bookings after any fault run: pure functions, as in checkers.py."""

from collections import Counter
from collections.abc import Mapping

from server.appointments.booking.model import LIVE as LIVE_STATES
from tests.faults.checkers import Check, Finding, Row, Snapshot
from tests.faults.history import History

LIVE = frozenset(state.value for state in LIVE_STATES)
FIRM = ("confirmed", "checked_in", "completed", "no_show")


def live_of(stored: Snapshot) -> list[Row]:
    return [row for row in stored.appointments if row["state"] in LIVE]


def places_are_single(history: History, stored: Snapshot) -> Finding:
    """I3: no slot has more live bookings than its capacity, no person two of one slot, no limit a place that
    two have; and what is over has no place."""
    live = live_of(stored)
    problems = []
    for what, values in (
        ("place of a slot", [(row["seat_in"], row["seat"]) for row in live if "seat_in" in row]),
        ("person's booking of a slot", [(row["slot_key"], row["person_id"]) for row in live]),
        ("place of a limit", [place for row in live for place in row.get("places", ())]),
    ):
        problems += [f"one {what} is there {n} times" for n in Counter(values).values() if n > 1]
    for row in stored.appointments:
        has_place = "seat_in" in row and "places" in row
        if has_place != (row["state"] in LIVE) or ("seat_in" in row) != ("places" in row):
            problems.append(f"booking {row['_id']} is {row['state']} and has a place: {has_place}")
        capacity, _ = stored.places.get(row["slot_key"], (row["capacity"], 0))
        if row["state"] in LIVE and not 1 <= row["seat"] <= capacity:
            problems.append(f"booking {row['_id']} sits on {row['seat']} of {capacity}")
    return Finding(len(stored.appointments), problems)


def free_is_what_is_left(history: History, stored: Snapshot) -> Finding:
    """I4: what a hospital says is free, and what is booked, are its capacity: no place is lost or sold
    twice."""
    booked = Counter(row["slot_key"] for row in live_of(stored))
    problems = [
        f"{key} has {capacity} places, {free} free and {booked[key]} booked"
        for key, (capacity, free) in stored.places.items()
        if free + booked[key] != capacity
    ]
    problems += [f"{key} is booked and no hospital has it" for key in booked if key not in stored.places]
    return Finding(len(stored.places), problems)


def answered_bookings_are_there(history: History, stored: Snapshot) -> Finding:
    """I2, I7: an acknowledged booking is there once, a cancelled one is over, and nobody has a place of which
    no client was told."""
    rows = {row["_id"]: row for row in stored.appointments}
    booked = [one for one in history.of("book") if one.result is not None]
    ids = Counter(one.result["appointment_id"] for one in booked if one.result)
    problems = [f"booking {one} answers {n} keys" for one, n in ids.items() if n > 1]
    for one in booked:
        row = rows.get(one.result["appointment_id"]) if one.result else None
        if row is None or row["card_id"] != one.about["body"]["card_id"]:
            problems.append(f"book {one.key} was acknowledged and is not stored")
    for one in history.of("cancel"):
        row = rows.get(one.about["appointment_id"])
        if one.is_acknowledged and (row is None or row["state"] in LIVE):
            problems.append(f"cancel {one.key} was acknowledged and the place is still held")
    problems += [
        f"booking {row['_id']} has a place and no client was told"
        for row in live_of(stored)
        if not ids[row["_id"]]
    ]
    return Finding(len(booked) + len(history.of("cancel")), problems)


def both_sides_say_the_same(history: History, stored: Snapshot) -> Finding:
    """A hospital's own lock is firm when our booking is, and let go when it is over."""
    rows = {row["_id"]: row for row in stored.appointments}
    problems = []
    for appointment_id, lock in stored.locks.items():
        state = rows[appointment_id]["state"]
        wanted = (
            ("confirmed",) if state in FIRM else ("locked",) if state in LIVE else ("released", "unknown")
        )
        if lock not in wanted:
            problems.append(f"booking {appointment_id} is {state}, its lock at the hospital {lock}")
    return Finding(len(stored.locks), problems)


def bookings_are_decided(history: History, stored: Snapshot) -> Finding:
    """I13: no event of a booking or a schedule waits, no step is still to be made."""
    problems = [
        f"{name} {row['_id']} has undelivered events"
        for name, rows in (("booking", stored.appointments), ("schedule", stored.pools))
        for row in rows
        if "outbox" in row
    ]
    problems += [
        f"booking {row['_id']} is {row['state']}, owes its release: {row['owes_release']}"
        for row in stored.appointments
        if row["state"] in ("holding", "confirming") or row["owes_release"]
    ]
    return Finding(len(stored.appointments) + len(stored.pools), problems)


BOOKING_CHECKS: Mapping[str, Check] = {
    "I3 a place is one booking's": places_are_single,
    "I4 what is free and what is booked are the capacity": free_is_what_is_left,
    "I2 a booking answered is there": answered_bookings_are_there,
    "M2 both sides say the same": both_sides_say_the_same,
    "I13 bookings are decided": bookings_are_decided,
}
