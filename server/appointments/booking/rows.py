"""How an appointment looks in the collection `appointments`, and back.

`seat_in` and `places` are there while it is live: the unique indexes look at nothing else, so an appointment
that ends gives back its place in the slot and in every limit by the same write.
"""

from collections.abc import Sequence

from server.appointments.booking.model import Appointment, Place, State
from server.core.mongo import Document


def row_of(one: Appointment, places: Sequence[str], request: str | None) -> Document:
    """The row of a new appointment."""
    return {"_id": one.appointment_id, "places": list(places), "request": request, **fields_of(one)}


def fields_of(one: Appointment) -> Document:
    """What a change writes anew; all but the places, which only end."""
    told = {name: value for name, value in one.__dict__.items() if name not in ("appointment_id", "at")}
    found = {**told, "state": one.state.value, "at": dict(one.at.__dict__), "slot_key": one.at.slot_key}
    if one.is_live:
        found["seat_in"] = one.at.slot_key
    if one.state is State.NO_SHOW:
        found["no_show_at"] = one.at.starts_at
    return found


BESIDES = frozenset(
    ("_id", "places", "request", "slot_key", "seat_in", "no_show_at", "next_try_at", "ask_at", "outbox")
)


def appointment_of(row: Document) -> Appointment:
    told = {name: value for name, value in row.items() if name not in BESIDES}
    told |= {"state": State(row["state"]), "at": Place(**row["at"])}
    return Appointment(appointment_id=row["_id"], **told)
