"""How bookings are kept: `appointments`, one row each, and nothing beside it.

Three unique indexes over live rows decide who gets a place: a seat of a slot is one row's, a person has one
row in a slot, and each limit has so many places.  So one insert books, and no counter can fall out of step.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from server.appointments.booking.model import EVENTS, LIVE, Appointment, State, slot_key
from server.appointments.booking.rows import appointment_of, fields_of, row_of
from server.appointments.fairness.model import NoShow
from server.appointments.slots.model import PART
from server.appointments.slots.system import Seat
from server.core.grouping import Group, attempt
from server.core.mongo import Collection, Document, Duplicate, index
from server.core.outbox import OUTBOX_INDEXES, adding, outbox
from server.gateways.his.model import LockState

SEAT = ("seat_in", "seat")
PERSON = ("seat_in", "person_id")
LIMIT = ("places",)
MAX_TAKEN = 100_000
MAX_NO_SHOWS = 50
ASK_EVERY = timedelta(hours=1)
"""How often a hospital is asked whether a firm booking stands."""
LIVE_ROW: Document = {"seat_in": {"$exists": True}}
LOCK_STATES: dict[State, LockState] = {
    **dict.fromkeys((State.HOLDING, State.HELD), "locked"),
    **dict.fromkeys((State.RELEASED, State.CANCELLED), "released"),
}


@dataclass(frozen=True)
class NewBooking:
    """With its places of limits, the request it answers, and when a worker goes on with it (None: it is
    decided)."""

    appointment: Appointment
    places: Sequence[str]
    request: str | None
    due_at: datetime | None


class AppointmentStore:
    # A city books some ten million a year and archives what is over: unsharded, so that a place of a slot and
    # a place of a limit can both be unique.
    INDEXES = [
        index(*SEAT, unique=True, where=LIVE_ROW),
        index(*PERSON, unique=True, where=LIVE_ROW),
        index(*LIMIT, unique=True, where={"places": {"$exists": True}}),
        index("card_id", ("at.starts_at", -1)),
        index("next_try_at", where={"next_try_at": {"$exists": True}}),
        index("hold_expires_at", where={"state": State.HELD.value}),
        index("state", "at.ends_at", where=LIVE_ROW),
        index("person_id", ("no_show_at", -1), where={"no_show_at": {"$exists": True}}),
        index("ask_at", where={"ask_at": {"$exists": True}}),
        index("registration_no", where={"registration_no": {"$gt": ""}}),
        *OUTBOX_INDEXES,
    ]

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._by_id: Group[str, Appointment | None] = Group(self._find_many)
        self._live: Group[tuple[str, str], tuple[Appointment, str | None] | None] = Group(self._find_live)
        self._no_shows: Group[tuple[str, datetime], list[NoShow]] = Group(self._find_no_shows)

    # -- taking a place
    async def insert_each(self, news: Sequence[NewBooking], now: datetime) -> list[Duplicate | None]:
        """For each None, or the Duplicate with the key SEAT, PERSON or LIMIT that kept it out."""
        rows = []
        for new in news:
            row = row_of(new.appointment, new.places, new.request)
            if new.due_at is not None:
                row["next_try_at"] = new.due_at
            rows.append({**row, **_told(new.appointment, now)})
        return await self._collection.insert_each(rows)

    async def taken_seats(self, keys: Iterable[str]) -> dict[str, set[int]]:
        """The seats of live bookings by slot key; negative ones wait for a draw."""
        rows = await self._collection.find(
            {"seat_in": {"$in": list(keys)}}, limit=MAX_TAKEN, projection={"_id": 0, "seat_in": 1, "seat": 1}
        )
        found: dict[str, set[int]] = {}
        for row in rows:
            found.setdefault(row["seat_in"], set()).add(row["seat"])
        return found

    async def taken_places(self, places: Iterable[str]) -> set[str]:
        """Which of these places of limits are taken."""
        wanted = list(places)
        rows = await self._collection.find(
            {"places": {"$in": wanted}}, limit=len(wanted), projection={"places": 1}
        )
        return {place for row in rows for place in row["places"]}

    # -- moving
    async def save(
        self,
        before: Appointment,
        after: Appointment,
        now: datetime,
        *,
        due_at: datetime | None = None,
        event: str | None = None,
    ) -> bool:
        """`after` in place of `before`, with its event; False when it has moved on since it was read.

        Duplicate (SEAT, PERSON) when `after` has a seat that is taken.  `due_at`: when a worker goes on with
        it; None: nothing is left to do.
        """
        change: Document = {"$set": fields_of(after), "$unset": {}}
        if due_at is None:
            change["$unset"]["next_try_at"] = ""
        else:
            change["$set"]["next_try_at"] = due_at
        if not after.is_live:
            change["$unset"] |= {"seat_in": "", "places": ""}
        if after.state is not State.CONFIRMED or after.is_ours:
            change["$unset"]["ask_at"] = ""
        elif before.state is not State.CONFIRMED:
            change["$set"]["ask_at"] = now + ASK_EVERY
        if event is not None:
            due, events = adding(now, (event, after.data()))
            change["$set"] |= due
            change["$push"] = events
        if not change["$unset"]:
            del change["$unset"]
        unmoved = {"_id": before.appointment_id, "state": before.state.value, "moves": before.moves}
        return await self._collection.update(unmoved, change)

    async def claim_due(self, now: datetime, until: datetime) -> Appointment | None:
        """One whose next step is due, taken for this caller until then."""
        row = await self._collection.find_and_update(
            {"next_try_at": {"$lte": now}},
            {"$set": {"next_try_at": until}, "$inc": {"attempts": 1}},
            sort=[("next_try_at", 1)],
        )
        return None if row is None else appointment_of(row)

    async def count_owed(self) -> tuple[int, int]:
        """How many locks are still to be let go, and how many of those a hospital has refused to."""
        owed: Document = {"next_try_at": {"$exists": True}, "owes_release": True}
        refused = await self._collection.count({**owed, "release_refused": {"$ne": None}})
        return await self._collection.count(owed), refused

    # -- firm bookings of hospitals with slots of their own
    async def claim_to_ask(self, now: datetime, until: datetime) -> Appointment | None:
        """One whose hospital has not been asked for a while, taken for this caller until then."""
        row = await self._collection.find_and_update(
            {"ask_at": {"$lte": now}}, {"$set": {"ask_at": until}}, sort=[("ask_at", 1)]
        )
        return None if row is None else appointment_of(row)

    async def ask_again(self, one: Appointment, claimed_until: datetime, at: datetime) -> None:
        """The next time for one that was claimed until then, unless it has moved on."""
        await self._collection.update(
            {"_id": one.appointment_id, "ask_at": claimed_until}, {"$set": {"ask_at": at}}
        )

    # -- reading
    async def find(self, appointment_id: str) -> Appointment | None:
        """Requests that ask at the same time share one query."""
        return await self._by_id.ask(appointment_id)

    async def _find_many(self, ids: list[str]) -> Sequence[Appointment | BaseException | None]:
        rows = await self._collection.find({"_id": {"$in": list(set(ids))}}, limit=len(ids))
        found = {row["_id"]: attempt(appointment_of, row) for row in rows}
        return [found.get(one) for one in ids]

    async def find_live(self, key: str, person_id: str) -> tuple[Appointment, str | None] | None:
        """A person's live booking of a slot, and the request it answered.  Requests that ask at the same time
        share one query."""
        return await self._live.ask((key, person_id))

    async def _find_live(self, asked: list[tuple[str, str]]) -> list[tuple[Appointment, str | None] | None]:
        keys, persons = {key for key, _ in asked}, {person_id for _, person_id in asked}
        rows = await self._collection.find(
            {"seat_in": {"$in": list(keys)}, "person_id": {"$in": list(persons)}},
            limit=len(keys) * len(persons),
        )
        found = {(row["seat_in"], row["person_id"]): (appointment_of(row), row["request"]) for row in rows}
        return [found.get(one) for one in asked]

    async def find_by_registration(self, registration_no: str, institution_id: str) -> Appointment | None:
        row = await self._collection.find_one(
            {"registration_no": registration_no, "at.institution_id": institution_id}
        )
        return None if row is None else appointment_of(row)

    async def find_at(self, institution_id: str, card_id: str, starts_at: datetime) -> Appointment | None:
        """The newest of a card that begins there at that moment."""
        rows = await self._collection.find(
            {"card_id": card_id, "at.starts_at": starts_at, "at.institution_id": institution_id},
            limit=1,
            sort=[("_id", -1)],
        )
        return appointment_of(rows[0]) if rows else None

    async def list_of_cards(
        self, card_ids: Sequence[str], now: datetime, *, is_past: bool, limit: int
    ) -> list[Appointment]:
        """Coming: live and not over yet, the next first.  Past: over or ended, the newest first."""
        live = [state.value for state in LIVE]
        time: Document = {"state": {"$in": live}, "at.ends_at": {"$gte": now}}
        if is_past:
            time = {"$or": [{"at.ends_at": {"$lt": now}}, {"state": {"$nin": live}}]}
        rows = await self._collection.find(
            {"card_id": {"$in": list(card_ids)}, **time},
            limit=limit,
            sort=[("at.starts_at", -1 if is_past else 1)],
        )
        return [appointment_of(row) for row in rows]

    async def list_expired(self, now: datetime, limit: int) -> list[Appointment]:
        """Held, and their time to confirm is over."""
        rows = await self._collection.find(
            {"state": State.HELD.value, "hold_expires_at": {"$lte": now}}, limit=limit
        )
        return [appointment_of(row) for row in rows]

    async def list_over(self, before: datetime, limit: int) -> list[Appointment]:
        """Confirmed or checked in, and the slot ended before then."""
        wanted = [State.CONFIRMED.value, State.CHECKED_IN.value]
        rows = await self._collection.find(
            {**LIVE_ROW, "state": {"$in": wanted}, "at.ends_at": {"$lte": before}}, limit=limit
        )
        return [appointment_of(row) for row in rows]

    async def list_live_of_schedule(self, institution_id: str, schedule_id: str) -> list[Appointment]:
        """Everybody booked in the slots of a pool."""
        begin = slot_key(institution_id, schedule_id + PART)
        rows = await self._collection.find(
            {"seat_in": {"$gte": begin, "$lt": begin + "\uffff"}}, limit=MAX_TAKEN, sort=[("seat_in", 1)]
        )
        return [appointment_of(row) for row in rows]

    # -- for the fairness rules
    async def find_no_shows(self, person_id: str, since: datetime) -> list[NoShow]:
        """The newest first; requests that ask at the same time share one query."""
        return await self._no_shows.ask((person_id, since))

    async def _find_no_shows(self, asked: list[tuple[str, datetime]]) -> list[list[NoShow]]:
        since = min(moment for _, moment in asked)
        persons = list({person_id for person_id, _ in asked})
        rows = await self._collection.find(
            {"person_id": {"$in": persons}, "no_show_at": {"$gt": since}},
            limit=MAX_NO_SHOWS * len(persons),
            sort=[("no_show_at", -1)],
            projection={"person_id": 1, "no_show_at": 1},
        )
        found: dict[str, list[NoShow]] = {}
        for row in rows:
            found.setdefault(row["person_id"], []).append(NoShow(row["_id"], row["no_show_at"]))
        return [
            [one for one in found.get(person_id, []) if one.starts_at > moment] for person_id, moment in asked
        ]

    # -- for the pools
    async def count_taken(self, institution_id: str, slot_ids: Sequence[str]) -> dict[str, int]:
        """How many are booked, by slot."""
        keys = {slot_key(institution_id, slot_id): slot_id for slot_id in slot_ids}
        if not keys:
            return {}
        rows = await self._collection.aggregate(
            [
                {"$match": {"seat_in": {"$in": list(keys)}}},
                {"$group": {"_id": "$seat_in", "taken": {"$sum": 1}}},
            ],
            limit=len(keys),
        )
        return {keys[row["_id"]]: row["taken"] for row in rows}

    async def find_seat(self, appointment_id: str) -> Seat | None:
        one = await self.find(appointment_id)
        if one is None:
            return None
        state = LOCK_STATES.get(one.state, "confirmed")
        return Seat(one.at.slot_id, one.seat, state, one.registration_no)


def _told(one: Appointment, now: datetime) -> Document:
    """The events of a new row: it may have passed through several states at once."""
    passed = {State.HELD: [State.HELD], State.CONFIRMED: [State.HELD, State.CONFIRMED]}.get(one.state, [])
    return {"outbox": outbox(now, *((EVENTS[state], one.data()) for state in passed))} if passed else {}
