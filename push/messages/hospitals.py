"""What hospitals send their patients (B7.10, N2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from push.kinds import HOSPITAL_KINDS, KINDS
from push.messages.hospital_store import HospitalMessageStore
from push.messages.stops import BY_HOSPITAL, Stops
from push.messages.telling import Teller, Told
from server.cards.patients import Patients, Whom
from server.core.audit import Actor, Audit
from server.core.budgets import Budget, Budgets
from server.core.clock import CITY_AHEAD_S, Clock
from server.core.errors import InvalidInput
from server.core.ids import new_id
from server.core.masking import mask_name
from server.partners.model import Caller

PER_APP = Budget("partner_messages", limit=1200, window_s=60)
PER_PATIENT = Budget("patient_messages", limit=60, window_s=86_400, ahead_s=CITY_AHEAD_S)
FROM_US = frozenset({"institution", "who"})


@dataclass(frozen=True)
class Taken:
    """`inboxes`: how many accounts have it now.  None: nobody shows this card, or nobody wants the kind."""

    message_id: str
    inboxes: int


class HospitalMessages:
    def __init__(
        self,
        store: HospitalMessageStore,
        teller: Teller,
        stops: Stops,
        patients: Patients,
        budgets: Budgets,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._store = store
        self._teller = teller
        self._stops = stops
        self._patients = patients
        self._budgets = budgets
        self._audit = audit
        self._clock = clock

    async def send(
        self, caller: Caller, kind: str, whom: Whom, fields: Mapping[str, Any], key: str | None
    ) -> Taken:
        """The message, in the inboxes of who has the card, and on its way out of the house.  `key` names the
        sending: asked again, it is told once.  That a clinic is stopped is not said to who has heard it.

        InvalidInput `message.kind_unknown`, `message.fields_wrong`; NotFound `patient.not_found`; TooMany
        `partner_messages.too_many`, `patient_messages.too_many`.
        """
        require_fields(kind, fields)
        institution = caller.app.institution
        card = await self._patients.get_card(institution.institution_id, whom)
        await self._budgets.spend(PER_APP, caller.app.app_id)
        await self._budgets.spend(PER_PATIENT, f"{institution.institution_id}|{card.card_id}")
        now = self._clock.now()
        message_id = key or new_id(now)
        actor = Actor("app", caller.app.app_id)
        await self._audit.record("messages.send", actor, "card", card.card_id, message_kind=kind)
        sent = await self._store.note(message_id, caller.app.app_id, kind, card.card_id, now)
        data = {
            **fields,
            "institution": institution.name,
            "institution_id": institution.institution_id,
            "card_id": card.card_id,
            "who": mask_name(card.holder.name),
        }
        accounts = [tie.account_id for tie in card.ties]
        told = Told(kind, f"hospital|{sent.message_id}", accounts, data, sent.at)
        if kind in BY_HOSPITAL and not await self._stops.is_news_by_hospital(
            sent.message_id,
            institution.institution_id,
            card.card_id,
            whom.registration_no or fields.get("registration_no"),
            datetime.fromisoformat(fields["starts_at"]),
        ):
            return Taken(sent.message_id, len(await self._teller.written([told])))
        return Taken(sent.message_id, await self._teller.tell(told))


def require_fields(kind: str, fields: Mapping[str, Any]) -> None:
    """InvalidInput `message.kind_unknown`; `message.fields_wrong` with what is missing, and what the kind
    does not take."""
    if kind not in HOSPITAL_KINDS:
        raise InvalidInput("message.kind_unknown", "hospitals send no message of this kind")
    known = KINDS[kind]
    missing = sorted(known.needs - fields.keys() - FROM_US)
    unexpected = sorted(fields.keys() - known.needs - (known.takes - FROM_US))
    if missing or unexpected:
        raise InvalidInput(
            "message.fields_wrong",
            "the kind needs other fields",
            missing=missing,
            unexpected=unexpected,
        )
