"""Event → what is due when.  Pure: the same event always plans the same reminders, under the same ids."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from push.reminders.model import Reminder, ReminderPolicy
from push.templates import CITY, preparation_shown
from server.core.outbox import Event

# From here on a reminder says "be there soon", before "keep the time free".
LONG_BEFORE = timedelta(hours=12)
# Told so long before it counts; nobody is told at night.
TO_PREPARE = timedelta(hours=2)
EVENING_BEFORE_H = 10
MORNING_H, EVENING_H = 8, 20
# What is to be done once the examination is over: told when it is booked.
AFTERWARDS = frozenset({"drink_after", "eat_after", "no_shower", "radiation_after", "stay_after"})
VISIT_FIELDS = (
    *("appointment_id", "kind", "institution_id", "institution", "department", "doctor", "place"),
    "starts_at",
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


def preparation_of(event: Event) -> str:
    """What these reminders are about: the visit itself has reminders of its own."""
    return f"{event.data['appointment_id']}|preparation"


def of_examination(event: Event) -> list[Reminder]:
    """One for each moment at which something is to be prepared: some time before it begins to count, and in
    the evening rather than at night.  What is wanted without a time is told with the last."""
    starts_at = datetime.fromisoformat(event.data["starts_at"])
    moments: dict[datetime, list[Mapping[str, Any]]] = {}
    for one in event.data["preparation"]:
        if one["code"] not in AFTERWARDS:
            due_at = _by_day(starts_at - timedelta(hours=one.get("hours") or EVENING_BEFORE_H) - TO_PREPARE)
            moments.setdefault(due_at, []).append(one)
    data = {name: event.data[name] for name in VISIT_FIELDS if event.data.get(name) is not None}
    subject = preparation_of(event)
    return [
        Reminder(
            _id(subject, event, due_at),
            subject,
            event.event_id,
            "examination_prepare",
            event.data["card_id"],
            due_at,
            starts_at,
            {**data, "item": event.data["name"], "preparation": preparation_shown(those)},
        )
        for due_at, those in sorted(moments.items())
        if due_at > event.happened_at
    ]


def _by_day(at: datetime) -> datetime:
    """That moment, or the evening before it when it is night in the city."""
    local = at.astimezone(CITY)
    if local.hour < MORNING_H:
        local -= timedelta(days=1)
    elif local.hour < EVENING_H:
        return at
    return local.replace(hour=EVENING_H, minute=0, second=0, microsecond=0).astimezone(UTC)


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
