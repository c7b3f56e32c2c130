"""From an application to an app that may call: two people look at it, and they are two."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from server.core.audit import Actor, Audit
from server.core.budgets import Budget, Budgets
from server.core.clock import Clock
from server.core.crypto.sm2 import InvalidKey, Sm2Provider, parse_public_key_hex
from server.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from server.core.ids import new_id, new_token
from server.core.mongo import Duplicate
from server.core.outbox import Event
from server.core.pages import Page
from server.core.phones import read_phone
from server.core.secrets import Sealer
from server.core.signing import decoded_signature
from server.core.threads import run_in
from server.partners.admission.model import (
    DOCUMENTS,
    OPEN,
    Admission,
    KeptDocument,
    Review,
    State,
    Submission,
    media_type_of,
    require_credit_code,
)
from server.partners.admission.store import AdmissionStore
from server.partners.model import App, Institution, Terminal
from server.partners.register import PartnerRegister, criteria_open

MAX_DOCUMENTS = 10
APPLICATIONS_PER_SOURCE = Budget("admission_source", limit=20, window_s=86_400)


class AdmissionService:
    def __init__(
        self,
        store: AdmissionStore,
        register: PartnerRegister,
        sm2: Sm2Provider,
        audit: Audit,
        budgets: Budgets,
        sealer: Sealer,
        clock: Clock,
        threads: ThreadPoolExecutor,
    ) -> None:
        self._store = store
        self._register = register
        self._sm2 = sm2
        self._audit = audit
        self._budgets = budgets
        self._sealer = sealer
        self._clock = clock
        self._threads = threads

    # -- the institution
    async def submit(self, submission: Submission, source: str) -> tuple[Admission, str]:
        """The application, and the token by which alone its institution follows it.

        InvalidInput `institution.invalid_code`, `phone.invalid`, `app.bad_key`, `admission.not_signed`;
        Conflict `admission.app_taken`, `terminal.taken`; TooMany `admission_source.too_many`.
        """
        require_credit_code(submission.applicant.code)
        read_phone(submission.applicant.contact_phone)
        applying_from = self._sealer.index("login", f"admission|{source}")
        await self._budgets.spend(APPLICATIONS_PER_SOURCE, applying_from)
        await self._require_signed(submission)
        terminal_ids = [terminal.terminal_id for terminal in submission.terminals]
        await self._register.require_free(submission.app_id, terminal_ids)
        now, token = self._clock.now(), new_token()
        admission = Admission(new_id(now), State.SUBMITTED, submission, now)
        try:
            await self._store.insert(admission, self._sealer.token_digest(token))
        except Duplicate:
            raise _app_taken() from None
        actor = Actor("applicant", admission.admission_id)
        await self._audit.record("admissions.submit", actor, "admission", admission.admission_id)
        return admission, token

    async def _require_signed(self, submission: Submission) -> None:
        try:
            raw = parse_public_key_hex(submission.public_key_hex)
            key = self._sm2.public_key(raw)
        except InvalidKey:
            raise InvalidInput("app.bad_key", "not an SM2 public key: 04, x and y, 130 hex digits") from None
        signature = decoded_signature(submission.signature)
        if signature is None or not await run_in(
            self._threads, partial(key.verify, submission.to_sign(), signature)
        ):
            raise InvalidInput("admission.not_signed", "the application is not signed by the key it names")

    async def of_token(self, token: str) -> Admission:
        """NotFound `admission.not_found` for a token that is none."""
        found = await self._store.find_by_token(self._sealer.token_digest(token))
        if found is None:
            raise _not_found()
        return found

    async def add_document(self, token: str, kind: str, content: bytes) -> KeptDocument:
        """InvalidInput `admission.bad_document`; Conflict `admission.closed` when it is decided, or has ten
        documents already."""
        admission = await self.of_token(token)
        if kind not in DOCUMENTS:
            raise InvalidInput("admission.bad_document", "there is no such kind of document")
        now = self._clock.now()
        document = KeptDocument(new_id(now), kind, media_type_of(content), len(content))
        if admission.state not in OPEN or len(admission.documents) >= MAX_DOCUMENTS:
            raise _closed()
        sealed = await run_in(self._threads, partial(self._store.sealed, document.document_id, content))
        if not await self._store.add_document(admission.admission_id, document, sealed, now, MAX_DOCUMENTS):
            raise _closed()
        actor = Actor("applicant", admission.admission_id)
        await self._audit.record("admissions.add_document", actor, "admission", admission.admission_id)
        return document

    # -- staff
    async def list_in(self, state: State, cursor: str | None, limit: int) -> Page[Admission]:
        return await self._store.list_in(state, cursor, limit)

    async def get(self, admission_id: str, by: Actor) -> Admission:
        """NotFound `admission.not_found`; that it was looked at is recorded: it names a person to call."""
        found = await self._find(admission_id)
        await self._audit.record("admissions.read", by, "admission", admission_id)
        return found

    async def _find(self, admission_id: str) -> Admission:
        found = await self._store.find(admission_id)
        if found is None:
            raise _not_found()
        return found

    async def read_document(self, admission_id: str, document_id: str, by: Actor) -> tuple[str, bytes]:
        """Media type and bytes; NotFound `admission.not_found`."""
        admission = await self._find(admission_id)
        kept = next((one for one in admission.documents if one.document_id == document_id), None)
        sealed = None if kept is None else await self._store.find_sealed(admission_id, document_id)
        if kept is None or sealed is None:
            raise _not_found()
        await self._audit.record("admissions.read_document", by, "admission", admission_id)
        return kept.media_type, await run_in(self._threads, partial(self._store.opened, document_id, sealed))

    async def vet(self, admission_id: str, passed: bool, reason: str, by: Actor) -> Admission:
        """The first look.  Conflict `admission.not_in_state`."""
        after = State.VETTED if passed else State.REFUSED
        return await self._review(await self._find(admission_id), State.SUBMITTED, after, reason, by)

    async def decide(self, admission_id: str, passed: bool, reason: str, by: Actor) -> Admission:
        """The second look, by another person than the first: from here on the app may call.

        Forbidden `admission.same_reviewer`; Conflict `admission.not_in_state`, `admission.criteria_open`
        (detail.criteria), `admission.app_taken`, `terminal.taken`.
        """
        admission = await self._find(admission_id)
        if admission.vetted_by == by.id:
            raise Forbidden("admission.same_reviewer", "who vetted an application does not decide it")
        if not passed:
            return await self._review(admission, State.VETTED, State.REFUSED, reason, by)
        wanted = admission.submission
        missing = await self._register.criteria_open(wanted.app_id)
        if missing:
            raise criteria_open(missing)
        if admission.state is State.VETTED:  # both may have been taken since the application came
            await self._register.require_free(wanted.app_id, [one.terminal_id for one in wanted.terminals])
        decided = await self._review(admission, State.VETTED, State.ADMITTED, reason, by)
        await self._admit(decided, by)
        return decided

    async def finish(self, event: Event) -> None:
        """Reaction to admission.admitted: whoever decided may have died before the app was made."""
        admission = await self._find(event.data["admission_id"])
        await self._admit(admission, Actor("system", "worker"))

    async def _admit(self, admission: Admission, by: Actor) -> None:
        wanted = admission.submission
        app = App(
            app_id=wanted.app_id,
            institution=Institution(wanted.applicant.institution_id, wanted.applicant.name),
            is_active=True,
            scopes=frozenset(wanted.scopes),
            public_keys={wanted.key_id: parse_public_key_hex(wanted.public_key_hex)},
        )
        terminals = [
            Terminal(one.terminal_id, wanted.app_id, one.place, one.channel, True, one.scenes)
            for one in wanted.terminals
        ]
        await self._register.admit_once(app, terminals, by)

    async def _review(
        self, admission: Admission, before: State, after: State, reason: str, by: Actor
    ) -> Admission:
        step = "vetting" if before is State.SUBMITTED else "decision"
        outcome = "refused" if after is State.REFUSED else "passed"
        review = Review(by.id, step, outcome, reason, self._clock.now())
        await self._audit.record(
            f"admissions.{step}", by, "admission", admission.admission_id, outcome=outcome
        )
        is_due = admission.state is before
        if not is_due or not await self._store.decide(admission, after, review):
            raise Conflict("admission.not_in_state", "the application is not in a state for this step")
        return await self._find(admission.admission_id)


def _not_found() -> NotFound:
    return NotFound("admission.not_found", "there is no such application")


def _closed() -> Conflict:
    return Conflict("admission.closed", "the application takes no more documents")


def _app_taken() -> Conflict:
    return Conflict("admission.app_taken", "an app of this id exists, or is being applied for")
