"""Event → what is due when.  Pure: the same event always plans the same reminders, under the same ids."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from push.reminders.model import Reminder, ReminderPolicy
from server.core.outbox import Event

# From here on a reminder says "be there soon", before "keep the time free".
LONG_BEFORE = timedelta(hours=12)
VISIT_FIELDS = (
    *("appointment_id", "kind", "institution_id", "institution", "department", "doctor", "place"),
    *("starts_at", "registration_no"),
)


def of_visit(event: Event, policy: ReminderPolicy) -> list[Reminder]:
    """One for each time before the visit that was still to come when it was booked or moved.  Each is stale
    when the next one is due, the last when the visit begins."""
    starts_at = datetime.fromisoformat(event.data["starts_at"])
    befores = [timedelta(hours=hours) for hours in policy.hours_of(event.data["institution_id"])]
    ends = [starts_at - before for before in befores[1:]] + [starts_at]
    return [
        _visit_reminder(
            event, "visit_day_before" if before >= LONG_BEFORE else "visit_soon", due_at, stale_at
        )
        for before, due_at, stale_at in zip(befores, _dues(starts_at, befores), ends, strict=True)
        if due_at > event.happened_at
    ]


def of_hold(event: Event, policy: ReminderPolicy) -> list[Reminder]:
    """One before the held place goes back; none when it goes back at once."""
    if event.data.get("hold_expires_at") is None:
        return []
    expires_at = datetime.fromisoformat(event.data["hold_expires_at"])
    due_at = expires_at - timedelta(minutes=policy.hold_minutes)
    if due_at <= event.happened_at:
        return []
    return [
        _visit_reminder(event, "hold_expiring", due_at, expires_at, expires_at=event.data["hold_expires_at"])
    ]


def of_plan(event: Event, policy: ReminderPolicy) -> list[Reminder]:
    """One for each moment at which something is to be taken."""
    late = timedelta(minutes=policy.medication_late_minutes)
    plan_id, card_id = event.data["plan_id"], event.data["card_id"]
    return [
        Reminder(
            _id(plan_id, event, at),
            plan_id,
            event.event_id,
            "medication_due",
            card_id,
            at,
            at + late,
            {"plan_id": plan_id},
        )
        for at in event.data["times"]
    ]


def _dues(starts_at: datetime, befores: Iterable[timedelta]) -> list[datetime]:
    return [starts_at - before for before in befores]


def _visit_reminder(event: Event, kind: str, due_at: datetime, stale_at: datetime, **more: str) -> Reminder:
    data = {name: event.data[name] for name in VISIT_FIELDS if event.data.get(name) is not None}
    subject = event.data["appointment_id"]
    return Reminder(
        _id(subject, event, due_at),
        subject,
        event.event_id,
        kind,
        event.data["card_id"],
        due_at,
        stale_at,
        {**data, **more},
    )


def _id(subject: str, event: Event, due_at: datetime) -> str:
    return f"{subject}|{event.event_id}|{due_at:%Y%m%dT%H%M%S}"
