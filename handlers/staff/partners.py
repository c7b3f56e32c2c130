from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from handlers.authentication import StaffHandler
from handlers.partner.admissions import AppId, KeyId, Scope
from handlers.partner.fields import Scenes, ShortText, TableCode, TerminalId
from handlers.partner.keys import AppKey, ScopeView
from handlers.requests import Accepted, Id, Model, NoContent, Ok, Time, operation
from handlers.scopes import SCOPES
from handlers.staff.admissions import Reason
from handlers.staff.code_mappings import InstitutionId
from server.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from server.core.pages import MAX_PAGE
from server.partners.admission.model import CRITERIA, REQUIRED, Criterion, CriterionState
from server.partners.model import App, ProposedLimits, Terminal

CriterionName = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]


class ProposedLimitsView(Model):
    """More than the app may now: it waits until another reviewer than `proposed_by` approves it."""

    proposal_id: str
    scopes: list[ScopeView]
    valid_until: Time | None
    proposed_by: str
    proposed_at: Time

    @classmethod
    def of(cls, proposed: ProposedLimits) -> "ProposedLimitsView":
        return cls(
            proposal_id=proposed.proposal_id,
            scopes=_scopes(proposed.scopes),
            valid_until=proposed.valid_until,
            proposed_by=proposed.by,
            proposed_at=proposed.at,
        )


def _scopes(names: Iterable[str]) -> list[ScopeView]:
    return [ScopeView(name=name, sentence=SCOPES.get(name, "")) for name in sorted(names)]


class PartnerView(Model):
    app_id: str
    institution_id: str
    institution: str
    status: Literal["active", "suspended"]
    suspended_because: str | None
    valid_until: Time | None
    scopes: list[ScopeView]
    keys: list[AppKey]
    proposed_limits: ProposedLimitsView | None

    @classmethod
    def of(cls, app: App) -> "PartnerView":
        return cls(
            app_id=app.app_id,
            institution_id=app.institution.institution_id,
            institution=app.institution.name,
            status="active" if app.is_active else "suspended",
            suspended_because=app.suspended_because,
            valid_until=app.valid_until,
            scopes=_scopes(app.scopes),
            keys=[
                AppKey(key_id=key_id, public_key_hex=raw.hex(), retires_at=app.retiring.get(key_id))
                for key_id, raw in sorted(app.public_keys.items())
            ],
            proposed_limits=None if app.proposed is None else ProposedLimitsView.of(app.proposed),
        )


class MerchantView(Model):
    """`channels`: the payment channels that are contracted; nothing can be paid through another."""

    merchant_id: str
    opened_at: Time
    channels: list[str]


class OnePartnerView(PartnerView):
    """`merchant`: how the institution is paid through the platform, once it is."""

    merchant: MerchantView | None


class PartnerQuery(Model):
    """`institution_id`: the apps of that one alone; none when it is not in the register."""

    institution_id: InstitutionId | None = None
    cursor: AppId | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50


class PartnerList(Model):
    partners: list[PartnerView]
    next_cursor: str | None


class Suspension(Model):
    reason: Reason


class Limits(Model):
    scopes: Annotated[list[Scope], Field(max_length=50)]
    valid_until: Time | None


class TerminalView(Model):
    """`scenes`: the steps it is for; null is all of them."""

    terminal_id: str
    place: str
    channel: str
    is_active: bool
    scenes: list[str] | None

    @classmethod
    def of(cls, terminal: Terminal) -> "TerminalView":
        return cls(
            terminal_id=terminal.terminal_id,
            place=terminal.place,
            channel=terminal.channel,
            is_active=terminal.is_active,
            scenes=None if terminal.scenes is None else list(terminal.scenes),
        )


class TerminalList(Model):
    terminals: list[TerminalView]


class TerminalRequest(Model):
    """`scenes`: the steps it is for, each with those below it; null is all of them.  Left out, a known
    terminal keeps its own."""

    place: ShortText
    channel: TableCode
    is_active: bool = True
    scenes: Scenes | None = None


class CriterionView(Model):
    name: str
    sentence: str
    is_required: bool
    state: Literal["met", "not_met", "later", "not_needed"] | None
    note: str | None
    checked_at: Time | None
    checked_by: str | None
    due_on: date | None

    @classmethod
    def of(cls, name: str, kept: Criterion | None) -> "CriterionView":
        return cls(
            name=name,
            sentence=CRITERIA[name],
            is_required=name in REQUIRED,
            state=None if kept is None else kept.state.value,
            note=None if kept is None else kept.note,
            checked_at=None if kept is None else kept.checked_at,
            checked_by=None if kept is None else kept.checked_by,
            due_on=None if kept is None else kept.due_on,
        )


class CriteriaView(Model):
    criteria: list[CriterionView]


class CriterionCheck(Model):
    state: Literal["met", "not_met", "later", "not_needed"]
    note: Annotated[str, StringConstraints(max_length=500)] = ""
    due_on: date | None = None


class Partners(StaffHandler):
    @operation(
        "The register of apps, by id", query=PartnerQuery, reply=PartnerList, permission="partners.read"
    )
    async def get(self, query: PartnerQuery) -> Ok:
        page = await self.services.partner_register.list_apps(query.cursor, query.limit, query.institution_id)
        shown = [PartnerView.of(app) for app in page.items]
        return Ok(PartnerList(partners=shown, next_cursor=page.next_cursor))


class OnePartner(StaffHandler):
    @operation("One app", reply=OnePartnerView, refuses=(NotFound,), permission="partners.read")
    async def get(self, app_id: AppId) -> Ok:
        app = await self.services.partner_register.get(app_id)
        paid = await self.services.merchants.find_of(app.institution.institution_id)
        merchant = None
        if paid is not None:
            merchant = MerchantView(
                merchant_id=paid.merchant_id, opened_at=paid.opened_at, channels=sorted(paid.channels)
            )
        return Ok(OnePartnerView(**PartnerView.of(app).__dict__, merchant=merchant))


class PartnerSuspension(StaffHandler):
    @operation(
        "Stop an app: nothing of it is answered any more, sessions included",
        body=Suspension,
        replies=(NoContent,),
        refuses=(NotFound,),
        permission="partners.manage",
    )
    async def put(self, app_id: AppId, body: Suspension) -> NoContent:
        await self.services.partner_register.suspend(app_id, body.reason, self.actor)
        return NoContent()

    @operation(
        "Let a suspended app call again",
        replies=(NoContent,),
        refuses=(NotFound,),
        permission="partners.review",
    )
    async def delete(self, app_id: AppId) -> NoContent:
        await self.services.partner_register.resume(app_id, self.actor)
        return NoContent()


class PartnerLimits(StaffHandler):
    @operation(
        "What an app may, and until when: less holds at once, more waits for another reviewer",
        body=Limits,
        reply=ProposedLimitsView,
        replies=(NoContent, Accepted),
        refuses=(NotFound, Conflict),
        permission="partners.review",
        idempotent=True,
    )
    async def put(self, app_id: AppId, body: Limits) -> NoContent | Accepted:
        limits = self.services.partner_limits
        proposed = await limits.put(app_id, frozenset(body.scopes), body.valid_until, self.actor)
        return NoContent() if proposed is None else Accepted(ProposedLimitsView.of(proposed))


class ProposedPartnerLimits(StaffHandler):
    @operation(
        "Refuse what was proposed, or take it back",
        replies=(NoContent,),
        refuses=(NotFound, Conflict),
        permission="partners.review",
    )
    async def delete(self, app_id: AppId, proposal_id: Id) -> NoContent:
        await self.services.partner_limits.refuse(app_id, proposal_id, self.actor)
        return NoContent()


class PartnerLimitsApproval(StaffHandler):
    @operation(
        "Approve what another reviewer proposed",
        replies=(NoContent,),
        refuses=(NotFound, Conflict, Forbidden),
        permission="partners.review",
        idempotent=True,
    )
    async def post(self, app_id: AppId, proposal_id: Id) -> NoContent:
        await self.services.partner_limits.approve(app_id, proposal_id, self.actor)
        return NoContent()


class PartnerKey(StaffHandler):
    @operation(
        "Retire a key of an app at once",
        replies=(NoContent,),
        refuses=(NotFound, Conflict),
        permission="partners.manage",
    )
    async def delete(self, app_id: AppId, key_id: KeyId) -> NoContent:
        await self.services.partner_register.retire_key(app_id, key_id, self.actor)
        return NoContent()


class PartnerTerminals(StaffHandler):
    @operation("The terminals of an app", reply=TerminalList, permission="partners.read")
    async def get(self, app_id: AppId) -> Ok:
        found = await self.services.partner_register.list_terminals(app_id)
        return Ok(TerminalList(terminals=[TerminalView.of(terminal) for terminal in found]))


class PartnerTerminal(StaffHandler):
    @operation(
        "A new terminal of an app, or a known one changed, suspended, resumed",
        body=TerminalRequest,
        replies=(NoContent,),
        refuses=(NotFound, Conflict),
        permission="partners.manage",
    )
    async def put(self, app_id: AppId, terminal_id: TerminalId, body: TerminalRequest) -> NoContent:
        scenes = None if body.scenes is None else tuple(body.scenes)
        terminal = Terminal(terminal_id, app_id, body.place, body.channel, body.is_active, scenes)
        await self.services.partner_register.put_terminal(
            terminal, self.actor, keeps_scenes="scenes" not in body.model_fields_set
        )
        return NoContent()


class PartnerCriteria(StaffHandler):
    @operation(
        "What was checked of a partner, and when; before its admission too",
        reply=CriteriaView,
        permission="partners.read",
    )
    async def get(self, app_id: AppId) -> Ok:
        kept = {one.name: one for one in await self.services.partner_register.list_criteria(app_id)}
        return Ok(CriteriaView(criteria=[CriterionView.of(name, kept.get(name)) for name in CRITERIA]))


class PartnerCriterion(StaffHandler):
    @operation(
        "Say how one criterion stands today",
        body=CriterionCheck,
        reply=CriterionView,
        refuses=(InvalidInput,),
        permission="partners.manage",
    )
    async def put(self, app_id: AppId, name: CriterionName, body: CriterionCheck) -> Ok:
        checked = await self.services.partner_register.check_criterion(
            app_id, name, CriterionState(body.state), body.note, body.due_on, self.actor
        )
        return Ok(CriterionView.of(name, checked))


ROUTES = [
    ("/staff/v1/partners", Partners),
    ("/staff/v1/partners/{app_id}", OnePartner),
    ("/staff/v1/partners/{app_id}/suspension", PartnerSuspension),
    ("/staff/v1/partners/{app_id}/limits", PartnerLimits),
    ("/staff/v1/partners/{app_id}/limits/{proposal_id}", ProposedPartnerLimits),
    ("/staff/v1/partners/{app_id}/limits/{proposal_id}/approval", PartnerLimitsApproval),
    ("/staff/v1/partners/{app_id}/keys/{key_id}", PartnerKey),
    ("/staff/v1/partners/{app_id}/terminals", PartnerTerminals),
    ("/staff/v1/partners/{app_id}/terminals/{terminal_id}", PartnerTerminal),
    ("/staff/v1/partners/{app_id}/criteria", PartnerCriteria),
    ("/staff/v1/partners/{app_id}/criteria/{name}", PartnerCriterion),
]
