"""The table of messages: kind → who hears of it, what it needs to be told, where it may go besides the inbox.

Every message stands in the in-app inbox.  `channels` are tried in their order until one takes it; what is
shown there comes from `push/templates.py`, and never names a drug, an examination or a person.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

Group = Literal["card", "visits", "queue", "bills", "reports", "medication", "inpatient"]
GROUPS: tuple[Group, ...] = get_args(Group)
# Receipts and what concerns a card's safety: nobody can be kept from reading them.
ALWAYS_IN_INBOX: frozenset[Group] = frozenset({"card"})

ChannelName = Literal["wechat", "alipay", "sms"]
CHANNELS: tuple[ChannelName, ...] = get_args(ChannelName)
PLATFORMS: tuple[ChannelName, ...] = ("wechat", "alipay")

TemplateName = Literal["card", "visit", "queue", "bill", "report", "medicine", "inpatient"]
TEMPLATES: tuple[TemplateName, ...] = get_args(TemplateName)

Tap = Literal["card", "book", "check_in", "pay", "medication", "admission"]
# What a page asks for at which tap (WeChat shows at most three at once): what comes next in the trip.
TAPS: Mapping[Tap, tuple[TemplateName, ...]] = {
    "card": ("card",),
    "book": ("visit", "queue", "report"),
    "check_in": ("queue", "bill", "report"),
    "pay": ("medicine", "report", "bill"),
    "medication": ("medicine",),
    "admission": ("inpatient", "bill"),
}


@dataclass(frozen=True)
class Kind:
    """`needs` and `takes`: the fields it cannot do without, and those it may have besides.  `sms`: the
    gateway's name of its text.  `is_urgent` may come in somebody's quiet hours; `useful_for` is how long
    after it was written a channel may still bring it.  `is_private` is kept sealed."""

    group: Group
    template: TemplateName
    needs: frozenset[str] = frozenset()
    takes: frozenset[str] = frozenset()
    channels: tuple[ChannelName, ...] = PLATFORMS
    sms: str | None = None
    audience: Literal["card", "account"] = "card"
    is_urgent: bool = False
    from_hospital: bool = False
    useful_for: timedelta = timedelta(hours=24)

    @property
    def is_private(self) -> bool:
        return self.group != "card"


def _card(sms: bool = False, audience: Literal["card", "account"] = "card", outside: bool = True) -> Kind:
    channels = CHANNELS if sms else PLATFORMS
    return Kind(
        "card",
        "card",
        channels=channels if outside else (),
        sms="card_notice" if sms else None,
        audience=audience,
        is_urgent=True,
    )


def _fields(*names: str) -> frozenset[str]:
    return frozenset(names)


_VISIT = _fields("institution", "department", "starts_at")
_VISIT_MORE = _fields("doctor", "place", "kind", "appointment_id", "visit_id", "who")
HOSPITAL_MORE = _fields("note", "registration_no", "institution", "who")


def _visit(sms: str | None = None, *, urgent: bool = False, more: frozenset[str] = frozenset()) -> Kind:
    return Kind(
        "visits",
        "visit",
        _VISIT,
        _VISIT_MORE | more,
        channels=PLATFORMS if sms is None else CHANNELS,
        sms=sms,
        is_urgent=urgent,
    )


def _by_hospital(
    group: Group,
    template: TemplateName,
    needs: frozenset[str],
    takes: frozenset[str] = frozenset(),
    *,
    sms: str | None = None,
    urgent: bool = False,
    useful_for: timedelta = timedelta(hours=24),
) -> Kind:
    channels = PLATFORMS if sms is None else CHANNELS
    takes |= HOSPITAL_MORE
    return Kind(
        *(group, template, needs, takes, channels, sms),
        is_urgent=urgent,
        from_hospital=True,
        useful_for=useful_for,
    )


SOON = timedelta(minutes=20)
_MEDICATION = _fields("drugs")
_EXAMINATION = _fields("institution", "department", "starts_at", "item", "preparation")

KINDS: Mapping[str, Kind] = {
    # -- the card.  A receipt comes with every scan: the inbox has it within a second, and nothing else.
    "card_used": _card(outside=False),
    "card_ready": _card(sms=True),
    "card_refused": _card(sms=True),
    "card_refused_review": _card(sms=True),
    "card_refused_held": _card(sms=True),
    "card_taken_over": _card(audience="account"),
    "card_joined": _card(audience="account"),
    "card_shared": _card(audience="account"),
    "card_consented": _card(),
    "card_reprinted": _card(),
    "card_frozen": _card(sms=True),
    "card_lost": _card(sms=True),
    "card_reactivated": _card(),
    "card_reissued": _card(),
    "card_cancelled": _card(),
    "pin_changed": _card(),
    "pin_locked": _card(),
    # -- appointments
    "visit_held": _visit(more=_fields("expires_at")),
    "visit_confirmed": _visit(),
    "visit_released": _visit(),
    "visit_refused": _visit("visit_changed", urgent=True),
    "visit_cancelled": _visit("visit_changed"),
    "visit_moved": _visit("visit_changed", urgent=True, more=_fields("was_at")),
    "visit_stopped": _visit("visit_changed", urgent=True),
    "visit_no_show": _visit(),
    # -- reminders
    "visit_day_before": _visit("visit_reminder"),
    "visit_soon": _visit("visit_reminder"),
    "hold_expiring": Kind("visits", "visit", _VISIT, _VISIT_MORE | _fields("expires_at"), is_urgent=True),
    # What to do before an examination: told when it is booked, and again when it is time for it.
    "examination_planned": Kind("visits", "visit", _EXAMINATION, _VISIT_MORE),
    "examination_prepare": Kind(
        "visits", "visit", _EXAMINATION, _VISIT_MORE, channels=CHANNELS, sms="visit_reminder"
    ),
    "medication_due": Kind("medication", "medicine", _MEDICATION, _fields("plan_id", "at", "who")),
    "reminder_missed": Kind("visits", "visit", _fields("count"), _fields("who", "subject"), channels=()),
    # -- queue and guidance, told by the platform itself
    "queue_joined": _by_hospital(
        "queue", "queue", _fields("place"), _fields("token", "ahead", "position"), useful_for=SOON
    ),
    "queue_near": _by_hospital(
        "queue",
        "queue",
        _fields("place", "ahead"),
        _fields("token", "position"),
        urgent=True,
        useful_for=SOON,
    ),
    "queue_called": _by_hospital(
        *("queue", "queue", _fields("place"), _fields("token", "doctor")),
        sms="queue_called",
        urgent=True,
        useful_for=SOON,
    ),
    "queue_missed": _by_hospital(
        "queue", "queue", _fields("place"), _fields("token"), urgent=True, useful_for=SOON
    ),
    "visit_next": _by_hospital("visits", "visit", _fields("what", "place"), useful_for=SOON),
    # -- what hospitals send (B7.10)
    "prescription_due": _by_hospital(
        "bills", "bill", _fields("department"), _fields("doctor", "amount_fen", "prescription_no")
    ),
    "bill_due": _by_hospital(
        "bills", "bill", _fields("amount_fen"), _fields("item", "bill_no", "department")
    ),
    "medicine_ready": _by_hospital(
        "bills", "medicine", _fields("place"), _fields("prescription_no"), urgent=True
    ),
    "examination_booked": _by_hospital(
        *("visits", "visit", _fields("item", "starts_at", "place"), _fields("preparation")),
        sms="visit_reminder",
    ),
    "report_ready": _by_hospital("reports", "report", _fields("item"), _fields("place", "report_no")),
    "queue_position": _by_hospital(
        *("queue", "queue", _fields("place", "ahead"), _fields("token", "position")), useful_for=SOON
    ),
    "clinic_stopped": _by_hospital(
        *("visits", "visit", _fields("department", "starts_at"), _fields("doctor")),
        sms="visit_changed",
        urgent=True,
    ),
    "admission_ready": _by_hospital(
        *("inpatient", "inpatient", _fields("department", "admit_on"), _fields("place", "bed")),
        sms="hospital_notice",
    ),
    "daily_list": _by_hospital("inpatient", "inpatient", _fields("on", "amount_fen")),
    "deposit_low": _by_hospital(*("inpatient", "inpatient", _fields("amount_fen")), sms="hospital_notice"),
    "discharge_ready": _by_hospital("inpatient", "inpatient", _fields("department"), _fields("discharge_on")),
}

# `queue_joined` to `visit_next` are the platform's own words about events hospitals tell it of.
OWN_WORDS = frozenset({"queue_joined", "visit_next"})
HOSPITAL_KINDS = frozenset(
    name for name, kind in KINDS.items() if kind.from_hospital and name not in OWN_WORDS
)
