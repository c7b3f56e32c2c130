"""The table: event → reactions.  A reaction may be called twice for one event and must not mind."""

import contextlib
from collections.abc import Awaitable, Callable

from server.core.errors import Conflict
from server.core.outbox import Event
from server.services import Services

Reaction = Callable[[Event], Awaitable[None]]


def subscriptions(services: Services) -> dict[str, list[Reaction]]:
    messages, papers = services.messages, services.attachments
    identity = services.identity
    return {
        "person.registered": [identity.look_again],
        "person.updated": [],
        "person.merged": [services.merged_cards.follow_merge],
        "person.unmerged": [services.merged_cards.follow_unmerge],
        "person_review.decided": [services.person_reviews.carry_out, services.claims.resume_reviewed],
        "card.activated": [messages.tell_card_ready, papers.forget_after_decision],
        "card.refused": [messages.tell_card_refused, papers.forget_after_decision],
        "card.joined": [messages.tell_card_joined, papers.forget_after_decision],
        "card.consented": [messages.tell_card_consented],
        "card.reprinted": [messages.tell_card_reprinted],
        "card.taken_over": [messages.tell_card_taken_over],
        "card.used": [messages.tell_card_used],
        "card.frozen": [messages.tell_card_moved],
        "card.lost": [messages.tell_card_moved],
        "card.reactivated": [messages.tell_card_moved],
        "card.reissued": [messages.tell_card_moved],
        "card.cancelled": [messages.tell_card_moved],
        "card.pin_changed": [messages.tell_card_moved],
        "card.pin_locked": [messages.tell_card_moved],
        "admission.vetted": [],
        "admission.refused": [],
        "admission.admitted": [services.admissions.finish, opens_merchant(services)],
        **_care(services),
    }


def _care(services: Services) -> dict[str, list[Reaction]]:
    """Appointments, visits, queues, medicine: what the care nouns tell each other, and what patients hear."""
    near, visits, orders = tells_near(services), services.visits, services.examination_orders
    reminders, told = services.reminder_planner, services.visit_messages
    following = services.appointment_following
    return {
        "visit.checked_in": [marks_checked_in(services), services.visits.follow_check_in],
        "visit.next": [told.tell_next],
        "visit.finished": [completes(services)],
        "queue.joined": [near, told.tell_queue],
        "queue.near": [told.tell_queue],
        "queue.called": [near, told.tell_queue],
        "queue.missed": [told.tell_queue],
        "queue.returned": [near],
        "queue.done": [visits.follow_done],
        "queue.left": [near],
        "slot_pool.changed": [following.follow_pool],
        "appointment.held": [following.follow_booked, reminders.follow_held, told.tell_appointment],
        "appointment.confirmed": [
            following.follow_booked,
            begins_visit(services),
            orders.note_booked,
            services.examination_plans.keep_apart,
            reminders.follow_booked,
            told.tell_appointment,
        ],
        "appointment.released": [
            visits.follow_end,
            orders.note_ended,
            reminders.follow_over,
            told.tell_released,
        ],
        "appointment.cancelled": [
            visits.follow_end,
            orders.note_ended,
            reminders.follow_over,
            told.tell_appointment,
        ],
        "appointment.moved": [
            visits.follow_move,
            orders.note_booked,
            reminders.follow_booked,
            told.tell_appointment,
        ],
        "appointment.checked_in": [reminders.follow_over],
        "appointment.completed": [orders.note_done, reminders.follow_over],
        "appointment.no_show": [
            visits.follow_end,
            orders.note_ended,
            reminders.follow_over,
            told.tell_appointment,
        ],
        "examination.booked": [
            follows_examination(services),
            reminders.follow_examination,
            told.tell_examination,
        ],
        "medication.planned": [reminders.follow_medication],
        "medication.changed": [reminders.follow_medication],
        "medication.ended": [reminders.follow_medication],
    }


def opens_merchant(services: Services) -> Reaction:
    """An admitted institution is a merchant too (A6.1)."""

    async def react(event: Event) -> None:
        await services.merchants.open(event.data["institution_id"], event.data["institution"])

    return react


def marks_checked_in(services: Services) -> Reaction:
    """Whoever is checked in has kept the appointment."""
    return _of_appointment(services.appointments.mark_checked_in)


def completes(services: Services) -> Reaction:
    """A visit that is finished ends its appointment."""
    return _of_appointment(services.appointments.complete)


def _of_appointment(move: Callable[[str], Awaitable[object]]) -> Reaction:
    async def react(event: Event) -> None:
        appointment_id = event.data.get("appointment_id")
        if appointment_id is None:
            return
        with contextlib.suppress(Conflict):  # it is over already: nothing is left to mark
            await move(appointment_id)

    return react


def begins_visit(services: Services) -> Reaction:
    """A firm booking is a visit to come.  The hospital's number of it is in no event."""

    async def react(event: Event) -> None:
        booked = await services.appointments.find(event.data["appointment_id"])
        await services.visits.begin(event, None if booked is None else booked.registration_no)

    return react


def follows_examination(services: Services) -> Reaction:
    """The visit an examination was ordered in hears that it is booked."""

    async def react(event: Event) -> None:
        ordered_in = await services.examination_orders.find_registration(event.data["order_id"])
        await services.visits.follow_examination(event, ordered_in)

    return react


def tells_near(services: Services) -> Reaction:
    """Whatever moves a queue may bring somebody near the door."""

    async def react(event: Event) -> None:
        await services.queues.tell_near(event.data["line"])

    return react


def dispatcher(services: Services) -> Reaction:
    """Hands an event to its reactions, in order.  KeyError for an event nobody declared: it parks."""
    table = subscriptions(services)

    async def react(event: Event) -> None:
        for reaction in table[event.name]:
            await reaction(event)

    return react
