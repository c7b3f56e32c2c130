"""Orders of examinations: what a hospital tells or is asked for, and what becomes of them (M3, B4.1.9)."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from server.appointments.booking.model import Appointment
from server.appointments.booking.store import AppointmentStore
from server.appointments.examinations.knowledge import ExaminationPolicy, Preparation
from server.appointments.examinations.model import ExaminationOrder, OrderState
from server.appointments.examinations.store import OrderStore
from server.appointments.hospitals.service import Hospitals
from server.cards.service import CardService
from server.core.clock import Clock
from server.core.errors import Conflict, InvalidInput, NotFound
from server.core.ids import new_id
from server.core.outbox import Event
from server.core.policies import Policies
from server.gateways.his.interface import HospitalRefused, HospitalUnavailable
from server.gateways.his.model import Order, Whose
from server.partners.model import Caller
from server.verification.service import VerificationService

ASKED_REGISTRATIONS = 5
ASKED_BACK = timedelta(days=30)


@dataclass(frozen=True)
class OrderTold:
    """An order as a hospital tells it.  Whose it is: a registration booked here, or a card verified there."""

    order_no: str
    item: str
    name: str
    department_id: str
    state: OrderState
    fee_fen: int = 0
    registration_no: str | None = None
    verification_id: str | None = None
    ordered_at: datetime | None = None


class OrderService:
    def __init__(
        self,
        store: OrderStore,
        appointments: AppointmentStore,
        hospitals: Hospitals,
        cards: CardService,
        verification: VerificationService,
        policies: Policies,
        clock: Clock,
    ) -> None:
        self._store = store
        self._appointments = appointments
        self._hospitals = hospitals
        self._cards = cards
        self._verification = verification
        self._policies = policies
        self._clock = clock

    async def tell(self, caller: Caller, told: OrderTold) -> ExaminationOrder:
        """The order as it is known now; told again, it is one order.

        InvalidInput `examination_order.unnamed`; NotFound `registration.not_found`,
        `verification.not_found`; Conflict `examination_order.taken` for the number of another's order.
        """
        institution = caller.app.institution
        if (told.registration_no is None) == (told.verification_id is None):
            raise InvalidInput("examination_order.unnamed", "name one: registration_no or verification_id")
        if told.verification_id is not None:
            card_id, person_id = await self._verification.get_holder_ids(caller, told.verification_id)
        else:
            assert told.registration_no is not None, "one of the two is there"
            found = await self._appointments.find_by_registration(
                told.registration_no, institution.institution_id
            )
            if found is None:
                raise NotFound("registration.not_found", "no booking of this institution has this number")
            card_id, person_id = found.card_id, found.person_id
        now = self._clock.now()
        order = ExaminationOrder(
            order_id=new_id(now),
            card_id=card_id,
            person_id=person_id,
            institution_id=institution.institution_id,
            institution=institution.name,
            item=told.item,
            name=told.name,
            department_id=told.department_id,
            state=told.state,
            ordered_at=told.ordered_at or now,
            order_no=told.order_no,
            registration_no=told.registration_no,
            fee_fen=told.fee_fen,
        )
        kept = await self._put(order)
        if kept is None:
            raise Conflict("examination_order.taken", "the number is another person's order")
        return kept

    async def _put(self, order: ExaminationOrder) -> ExaminationOrder | None:
        return await self._store.put(order, None if order.state is OrderState.OPEN else order.state)

    # -- the resident
    async def list_of_card(self, account_id: str, card_id: str) -> tuple[list[ExaminationOrder], bool]:
        """The newest hundred, and whether every hospital that was asked has answered.  NotFound
        `card.not_found`."""
        card = await self._cards.get(account_id, card_id)
        is_complete = await self._ask_hospitals(card.card_id)
        return await self._store.list_of_card(card.card_id), is_complete

    async def _ask_hospitals(self, card_id: str) -> bool:
        """Asks the hospitals with systems of their own what they ordered in the card's last visits."""
        now = self._clock.now()
        recent: list[Appointment] = []
        for is_past in (False, True):
            recent += await self._appointments.list_of_cards([card_id], now, is_past=is_past, limit=20)
        asked: list[Awaitable[bool]] = []
        for one in recent:
            if one.registration_no is None or one.is_ours or one.at.starts_at < now - ASKED_BACK:
                continue
            if one.at.kind == "clinic" and len(asked) < ASKED_REGISTRATIONS:
                asked.append(self._ask(one))
        return all(await asyncio.gather(*asked))

    async def _ask(self, one: Appointment) -> bool:
        try:
            system = await self._hospitals.system_of(one.at.institution_id)
            for order in await system.orders(Whose(registration_no=one.registration_no)):
                # A number that is another card's order is passed over: the others are shown all the same.
                await self._put(_as_told(order, one))
        except HospitalRefused:  # the visit was struck from its books: nothing is ordered in it
            return True
        except (HospitalUnavailable, NotFound):
            return False
        return True

    async def find_registration(self, order_id: str) -> str | None:
        """The hospital's number of the visit it was ordered in; for reactions."""
        order = await self._store.find(order_id)
        return None if order is None else order.registration_no

    async def preparation_of(self, item: str) -> tuple[Preparation, ...]:
        """What is to be done before and after the item."""
        return (await self._policies.get(ExaminationPolicy)).item(item).preparation

    async def get_open(
        self, card_id: str, institution_id: str, order_ids: list[str]
    ) -> list[ExaminationOrder]:
        """These of the card, in this order.  NotFound `examination_order.not_found`; Conflict
        `examination_order.not_open` (detail.order_id)."""
        known = {order.order_id: order for order in await self._store.list_of_card(card_id)}
        found = []
        for order_id in order_ids:
            order = known.get(order_id)
            if order is None or order.institution_id != institution_id:
                raise NotFound("examination_order.not_found", "the card has no such order there")
            if order.state is not OrderState.OPEN:
                raise Conflict("examination_order.not_open", "the order is booked or over", order_id=order_id)
            found.append(order)
        return found

    # -- reactions to the appointment; each may be called twice for one event
    async def note_booked(self, event: Event) -> None:
        """The order is booked; whoever booked without one gets the preparations told all the same."""
        data = event.data
        if data["kind"] != "examination" or data.get("item") is None:
            return
        policy = await self._policies.get(ExaminationPolicy)
        known = await self._store.find_of_appointment(data["appointment_id"])
        now = self._clock.now()
        if event.name == "appointment.moved" and known is not None:
            await self._store.tell_again(known, now, _booked(known, data, policy))
        if event.name == "appointment.moved" or known is not None:  # one that is only held is not booked yet
            return
        for order in reversed(await self._store.list_of_card(data["card_id"])):
            is_it = order.item == data["item"] and order.institution_id == data["institution_id"]
            if is_it and order.state is OrderState.OPEN:
                told = _booked(order, data, policy)
                if await self._store.book(order, data["appointment_id"], now, told):
                    return
        order = ExaminationOrder(
            order_id=data["appointment_id"],
            card_id=data["card_id"],
            person_id=data["person_id"],
            institution_id=data["institution_id"],
            institution=data["institution"],
            item=data["item"],
            name=policy.item(data["item"]).name,
            department_id=data["department_id"],
            state=OrderState.BOOKED,
            ordered_at=now,
            appointment_id=data["appointment_id"],
        )
        await self._store.insert_once(order, _booked(order, data, policy))

    async def note_ended(self, event: Event) -> None:
        """Its booking is no more: the order waits to be booked again."""
        order = await self._store.find_of_appointment(event.data["appointment_id"])
        if order is not None:
            again = OrderState.CANCELLED if order.order_no is None else OrderState.OPEN
            await self._store.free(order, again)

    async def note_done(self, event: Event) -> None:
        order = await self._store.find_of_appointment(event.data["appointment_id"])
        if order is not None:
            await self._store.free(order, OrderState.DONE)


def _booked(
    order: ExaminationOrder, data: dict[str, Any], policy: ExaminationPolicy
) -> tuple[str, dict[str, Any]]:
    """What the event tells: the appointment's own, with the item's name and what to prepare."""
    preparation = [one.model_dump(exclude_none=True) for one in policy.item(order.item).preparation]
    more = {
        "order_id": order.order_id,
        "order_no": order.order_no,
        "name": order.name,
        "preparation": preparation,
    }
    return "examination.booked", {**data, **more}


def _as_told(order: Order, one: Appointment) -> ExaminationOrder:
    """A hospital's answer as an order of ours; what it calls booked may be booked elsewhere."""
    return ExaminationOrder(
        order_id=new_id(order.ordered_at),
        card_id=one.card_id,
        person_id=one.person_id,
        institution_id=one.at.institution_id,
        institution=one.at.institution,
        item=order.item,
        name=order.name,
        department_id=order.department_id,
        state=OrderState(order.state),
        ordered_at=order.ordered_at,
        order_no=order.order_id,
        registration_no=order.registration_no,
        fee_fen=order.fee_fen,
    )
