"""Telling patients what becomes of their appointments and visits: reactions, called perhaps twice."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from push.kinds import KINDS
from push.messages.stops import BY_BOOKING, Stops
from push.messages.telling import Teller, Told
from push.templates import TASKS, preparation_shown
from server.cards.service import CardService
from server.core.masking import mask_name
from server.core.outbox import Event

WhyEnded = Callable[[str], Awaitable[str | None]]
"""An appointment → why it ended before its time."""

APPOINTMENT_KINDS = {
    "appointment.held": "visit_held",
    "appointment.confirmed": "visit_confirmed",
    "appointment.cancelled": "visit_cancelled",
    "appointment.moved": "visit_moved",
    "appointment.no_show": "visit_no_show",
}
# Why a place went back → what is told; of what somebody did himself nothing is.
RELEASED = {
    "by_resident": None,
    "card_ended": None,
    "expired": "visit_released",
    "not_paid": "visit_released",
}
# Why a firm booking ended, where it was not whoever booked it.
CANCELLED = {"closed": "visit_stopped", "hospital_cancelled": "visit_stopped"}
# What the booking and the queue say already.
SAID_BY_OTHERS = frozenset({"check_in", "see_doctor"})
QUEUE_KINDS = {
    "queue.joined": "queue_joined",
    "queue.near": "queue_near",
    "queue.called": "queue_called",
    "queue.missed": "queue_missed",
}


class VisitMessages:
    def __init__(self, teller: Teller, stops: Stops, cards: CardService, why_ended: WhyEnded) -> None:
        self._teller = teller
        self._stops = stops
        self._cards = cards
        self._why_ended = why_ended

    async def tell_appointment(self, event: Event) -> None:
        kind = APPOINTMENT_KINDS[event.name]
        if kind == "visit_held" and event.data.get("hold_expires_at") is None:
            return  # confirmed in the same moment
        if event.name == "appointment.cancelled":
            kind = CANCELLED.get(await self._why_ended(event.data["appointment_id"]) or "", kind)
        await self._tell(event, kind, {**event.data, "expires_at": event.data.get("hold_expires_at")})

    async def tell_released(self, event: Event) -> None:
        why = await self._why_ended(event.data["appointment_id"])
        kind = RELEASED.get(why or "", "visit_refused")
        if kind is not None:
            await self._tell(event, kind, event.data)

    async def tell_examination(self, event: Event) -> None:
        """What to prepare for an examination that is booked, or moved; nothing is said when nothing is."""
        preparation = preparation_shown(event.data["preparation"])
        if preparation:
            data = {**event.data, "item": event.data["name"], "preparation": preparation}
            await self._tell(event, "examination_planned", data)

    async def tell_queue(self, event: Event) -> None:
        data = {**event.data, "token": event.data.get("number")}
        await self._tell(event, QUEUE_KINDS[event.name], data)

    async def tell_next(self, event: Event) -> None:
        """The next place and task, in the hospital's words where it has some.  Where to check in was told
        with the booking, and where to wait by the queue."""
        if event.data["what"] in SAID_BY_OTHERS:
            return
        what = event.data.get("title") or TASKS.get(event.data["what"], event.data["what"])
        await self._tell(event, "visit_next", {**event.data, "what": what})

    async def _tell(self, event: Event, kind: str, data: Mapping[str, Any]) -> None:
        card = await self._cards.find(data["card_id"])
        if card is None:
            return
        if kind in BY_BOOKING and not await self._stops.is_news(data["appointment_id"], event.event_id):
            return
        known = KINDS[kind].needs | KINDS[kind].takes | ALWAYS
        shown = {name: value for name, value in data.items() if name in known and value is not None}
        shown["who"] = mask_name(card.holder.name)
        accounts = [tie.account_id for tie in card.ties]
        await self._teller.tell(Told(kind, event.event_id, accounts, shown, event.happened_at))


ALWAYS = frozenset({"card_id", "institution_id", "institution", "appointment_id", "visit_id"})
