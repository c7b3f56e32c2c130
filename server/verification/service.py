"""Passive scan 被扫 (V1): a terminal read a code from a phone or a print, and asks who it is."""

import secrets
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from server.cards import qrcode
from server.cards.display import Display
from server.cards.factors.service import FactorService
from server.cards.model import Status
from server.core.audit import Actor, Audit, row_digest
from server.core.clock import Clock
from server.core.errors import Conflict, EhcError, Forbidden, InvalidInput, NotFound, Unavailable
from server.core.ids import new_id
from server.core.keys import Seals
from server.core.mongo import Document, Duplicate
from server.core.observability import Metrics
from server.core.outbox import outbox
from server.core.policies import Policies
from server.partners.model import Caller, Terminal
from server.partners.service import PartnerService
from server.usage.codes import UsageCodes
from server.usage.keys import static_use_key, use_key
from server.verification.foreign import Foreign, ForeignScan, foreign_usage
from server.verification.model import CardSeen, Verification
from server.verification.policy import StaticCodePolicy
from server.verification.store import UsageStore
from server.verification.throttle import Throttle

# Between servers whose clocks differ; a screenshot lives no longer than this beyond the refresh.
SKEW = timedelta(seconds=5)


@dataclass(frozen=True)
class Scan:
    """What a terminal asks; `request_key` names the request itself when the caller made it repeatable.
    `via`: "centre" when the terminal is another centre's."""

    code: str
    scene: str
    terminal_id: str
    channel: str | None
    department: str | None
    purpose: str | None
    request_key: str | None
    pin: str | None = field(default=None, repr=False)
    wants_full: bool = False
    via: str | None = None


class VerificationService:
    def __init__(
        self,
        store: UsageStore,
        partners: PartnerService,
        factors: FactorService,
        display: Display,
        policies: Policies,
        seals: Seals,
        audit: Audit,
        metrics: Metrics,
        clock: Clock,
        foreign: Foreign,
        codes: UsageCodes,
        throttle: Throttle,
        *,
        centre_id: str,
    ) -> None:
        self._store = store
        self._partners = partners
        self._factors = factors
        self._display = display
        self._policies = policies
        self._seals = seals
        self._audit = audit
        self._metrics = metrics
        self._clock = clock
        self._foreign = foreign
        self._codes = codes
        self._throttle = throttle
        self._centre_id = centre_id

    async def verify(self, caller: Caller, scan: Scan) -> Verification:
        """Who holds the card, once the use is stored.

        InvalidInput: code.malformed, code.forged, code.expired, code.unknown_card, issuer.unknown,
        scene.unknown, channel.unknown.  Conflict: code.already_used, code.superseded, code.reissued,
        card.<state>, card.static_refused_by_holder.  Forbidden: terminal.unknown, scene.not_at_terminal,
        scene.requires_dynamic, pin.required (detail.is_set), pin.wrong (detail.tries_left).  TooMany:
        pin.locked, terminal_scans.too_many.
        For another centre's card also what `Foreign.ask` refuses.
        """
        return await self._recorded(caller, scan, self._verify(caller, scan))

    async def verify_for_centre(self, caller: Caller, terminal: Terminal, scan: Scan) -> Verification:
        """The same for a terminal of another centre, which the caller has proven to speak for."""
        return await self._recorded(caller, scan, self._read(caller, scan, terminal))

    async def _recorded(self, caller: Caller, scan: Scan, work: Awaitable[Verification]) -> Verification:
        try:
            verification = await work
        except Unavailable:
            raise  # nothing was decided, and one more write would wait as long again
        except EhcError as refusal:
            self._metrics.scans.labels(refusal.code).inc()
            await self._audit.record(
                "cards.verify",
                Actor("app", caller.app.app_id),
                "terminal",
                scan.terminal_id,
                outcome=refusal.code,
            )
            raise
        self._metrics.scans.labels("verified").inc()
        return verification

    async def _verify(self, caller: Caller, scan: Scan) -> Verification:
        terminal = await self._partners.get_terminal(caller, scan.terminal_id)
        self._throttle.require_calm(terminal.terminal_id)
        try:
            return await self._read(caller, scan, terminal)
        except Unavailable:
            raise  # says nothing of the code
        except EhcError:
            await self._throttle.count_refused(terminal.terminal_id)
            raise

    async def _read(self, caller: Caller, scan: Scan, terminal: Terminal) -> Verification:
        # Another centre has translated its hospital's codes before it asked us.
        codes = await (
            self._codes.ours() if scan.via else self._codes.of(caller.app.institution.institution_id)
        )
        scan = replace(scan, scene=codes.step(scan.scene))
        terminal.require_scene(scan.scene)
        channel = codes.channel_of(scan.channel, terminal.channel)
        code = qrcode.read_code(scan.code)
        if code.centre_id not in (None, self._centre_id):
            return await self._read_elsewhere(caller, scan, terminal, channel, code)
        rules = await self.static_rules()
        may_be_static = scan.scene in rules.scenes and not codes.pays(scan.scene)
        self._require_provable(code, may_be_static=may_be_static)
        live = await self._live(code)
        card = await self._store.see(code.ehealth_card_id, live.issued_at_s if live else None)
        if card is None:
            card = await self._store.see_retired(code.ehealth_card_id)
        if card is None:
            raise InvalidInput("code.unknown_card", "there is no card with this code")
        usage = self._usage(caller, scan, terminal, channel, code, card)
        try:
            self._require_usable(code, card, live)
            if code.token is None:
                await self._require_pin(caller, scan, card, rules)
            await self._store.insert(usage)
        except Unavailable:
            raise
        except (EhcError, Duplicate) as refusal:
            usage = await self._same_request(caller, usage, scan.request_key, refusal)
        return Verification(
            verification_id=usage["_id"],
            card_id=card.card_id,
            card_status=card.status,
            person_id=usage["person_id"],
            holder=card.holder,
            is_dynamic=code.is_dynamic,
            centre_id=self._centre_id,
            verified_at=usage["at"],
        )

    async def _read_elsewhere(
        self, caller: Caller, scan: Scan, terminal: Terminal, channel: str, code: qrcode.Code
    ) -> Verification:
        """Another centre's card: that centre burns the code and tells the holder, we keep that it was."""
        request = scan.request_key or secrets.token_hex(32)
        asked = ForeignScan(
            code=scan.code,
            centre_id=code.centre_id or "",
            scene=scan.scene,
            channel=channel,
            caller=caller,
            terminal=terminal,
            wants_full=scan.wants_full,
            request=request,
        )
        answer = await self._foreign.ask(asked)
        usage = foreign_usage(asked, answer, self._clock.now())
        usage |= {"department": scan.department, "purpose": scan.purpose, "request_key": scan.request_key}
        try:
            await self._store.insert(usage)
        except Duplicate as refusal:
            usage = await self._same_request(caller, usage, scan.request_key, refusal)
        return Verification(
            verification_id=usage["_id"],
            card_id=answer.card_id,
            card_status=answer.card_status,
            person_id=answer.person_id,
            holder=answer.holder,
            is_dynamic=answer.is_dynamic,
            centre_id=asked.centre_id,
            verified_at=answer.verified_at,
        )

    async def get_person_id(self, caller: Caller, verification_id: str) -> str:
        """Whom the caller's institution has verified; NotFound `verification.not_found` for another's."""
        return (await self.get_holder_ids(caller, verification_id))[1]

    async def get_holder_ids(self, caller: Caller, verification_id: str) -> tuple[str, str]:
        """(card id, person id) of whom the caller's institution has verified; NotFound as `get_person_id`."""
        usage = await self._store.find(verification_id)
        institution_id = caller.app.institution.institution_id
        # Another centre's institution may have the same id.
        is_theirs = (
            usage is not None and usage["institution_id"] == institution_id and usage.get("via") is None
        )
        if usage is None or not is_theirs or usage.get("person_id") is None:
            raise NotFound("verification.not_found", "there is no such verification of this institution")
        return str(usage["card_id"]), str(usage["person_id"])

    async def static_rules(self) -> StaticCodePolicy:
        """What the centre has decided of static codes."""
        return await self._policies.get(StaticCodePolicy)

    def _require_provable(self, code: qrcode.Code, *, may_be_static: bool) -> None:
        if code.token is None:
            if not may_be_static:
                raise Forbidden("scene.requires_dynamic", "this step needs the code that renews itself")
            return
        if code.centre_id is None:
            raise InvalidInput("code.malformed", "a dynamic code names its issuing centre")
        qrcode.require_genuine(code, self._seals.mac_for, self._seals.equal)

    async def _live(self, code: qrcode.Code) -> qrcode.Token | None:
        """What makes the code live once; None in a static code and when its time is over, or not yet come."""
        if code.token is None:
            return None
        is_live = qrcode.is_live(code.token, self._clock.now(), await self._display.refresh(), SKEW)
        return code.token if is_live else None

    def _require_usable(self, code: qrcode.Code, card: CardSeen, live: qrcode.Token | None) -> None:
        """What may change between a request and its repetition: the card's state, the code's age and uses."""
        if card.is_retired:
            raise Conflict("code.reissued", "the card was reissued: this code is void, a new one exists")
        if code.token is not None and live is None:
            raise qrcode.expired()
        if card.status != Status.ACTIVE or card.person_id is None:
            raise Conflict(f"card.{card.status}", "the card cannot be used in its state")
        if card.is_superseded:
            raise Conflict("code.superseded", "a newer code of this card was used: this one is void")

    async def _require_pin(self, caller: Caller, scan: Scan, card: CardSeen, rules: StaticCodePolicy) -> None:
        """A PIN that is given is compared wherever the card has one; it is asked for by the centre's rules
        (by scene and institution) or by the holder."""
        if not card.static_allowed:
            raise Conflict("card.static_refused_by_holder", "the holder has turned static codes off")
        needed = card.static_needs_pin or rules.needs_pin(scan.scene, caller.app.institution.institution_id)
        if needed and (scan.pin is None or not card.has_pin):
            raise Forbidden("pin.required", "here a static code needs the card's PIN", is_set=card.has_pin)
        if scan.pin is not None and card.has_pin:
            await self._factors.require_pin(card.card_id, scan.pin)

    def _usage(
        self,
        caller: Caller,
        scan: Scan,
        terminal: Terminal,
        channel: str,
        code: qrcode.Code,
        card: CardSeen,
    ) -> Document:
        now = self._clock.now()
        verification_id = new_id(now)
        token = code.token
        receipt = {
            "verification_id": verification_id,
            "card_id": card.card_id,
            "institution": caller.app.institution.name,
            "place": terminal.place,
            "terminal_id": terminal.terminal_id,
            "scene": scan.scene,
        }
        return {
            "_id": verification_id,
            "use_key": (
                static_use_key(code.ehealth_card_id, scan.request_key or verification_id)
                if token is None
                else use_key(code.ehealth_card_id, token.issued_at_s, token.nonce)
            ),
            "at": now,
            "card_id": card.card_id,
            "person_id": card.person_id,
            "app_id": caller.app.app_id,
            "institution_id": caller.app.institution.institution_id,
            "terminal_id": terminal.terminal_id,
            "scene": scan.scene,
            "channel": channel,
            "department": scan.department,
            "purpose": scan.purpose,
            "is_dynamic": token is not None,
            "is_direct": True,
            "request_key": scan.request_key,
            **({"via": scan.via} if scan.via else {}),
            "outbox": outbox(now, ("card.used", receipt)),
        }

    async def _same_request(
        self, caller: Caller, usage: Document, request_key: str | None, refusal: Exception
    ) -> Document:
        """The use this very request stored before its answer was lost, however long ago; else the refusal.

        A crash may have torn that use's batch, so the repetition is an audit entry that seals the row."""
        before = await self._store.find_by_use(usage["use_key"])
        if before is not None and request_key is not None and before["request_key"] == request_key:
            digest = row_digest(self._seals, before).hex()
            actor = Actor("app", caller.app.app_id)
            await self._audit.record(
                "cards.verify", actor, "usage", before["_id"], outcome="repeated", digest=digest
            )
            return before
        if before is None and isinstance(refusal, EhcError):
            raise refusal
        raise Conflict("code.already_used", "this code was used before: ask the holder to renew it")
