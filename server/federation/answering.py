"""Another centre's terminal read one of our codes: verified by the same service as for our own terminals.

So a code is single wherever it is read.  The holder gets the receipt from us, the asking centre a statement
that we sign, with only the fields the scene needs.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from server.cards import qrcode
from server.core.errors import EhcError, InvalidInput, TooMany, Unavailable
from server.core.keys import Seals
from server.core.signing import encoded
from server.core.threads import run_in
from server.federation.model import Answer, ProvenPeer, Question, Signed
from server.federation.proof import Proof
from server.federation.statement import (
    STATEMENT,
    VERIFIED,
    statement_of,
    statement_of_refusal,
)
from server.partners.model import App, Caller, Institution, Terminal
from server.verification.foreign import VIA_CENTRE
from server.verification.service import Scan, VerificationService


class IssuingCentre:
    """`Answering` for a centre."""

    def __init__(
        self,
        proof: Proof,
        verification: VerificationService,
        seals: Seals,
        threads: ThreadPoolExecutor,
        *,
        centre_id: str,
    ) -> None:
        self.proof = proof
        self._verification = verification
        self._seals = seals
        self._threads = threads
        self._centre_id = centre_id

    async def answer(self, peer: ProvenPeer, question: Question) -> Answer:
        """The signed statement: verified, or refused and why.  InvalidInput `federation.loop` for what is not
        ours to answer; Unavailable when it takes longer than is awaited."""
        code = qrcode.read_code(question.code)
        # One hop: what came to us is never passed on, or two centres could send a code round for ever.
        if question.hops != 1 or code.centre_id != self._centre_id:
            raise InvalidInput("federation.loop", "not a code of this centre, or passed on once too often")
        try:
            async with asyncio.timeout(question.budget_ms / 1000):
                outcome, text = await self._stated(question)
                key_id, key = self._seals.federation_key()
                signature = await run_in(self._threads, partial(key.sign, STATEMENT + text.encode()))
        except TimeoutError:
            # Stored or not: the same request again gets the answer.
            raise Unavailable("issuer.unavailable", "the answer took longer than is awaited") from None
        return Answer(outcome, key_id, Signed(text, encoded(signature)))

    async def _stated(self, question: Question) -> tuple[str, str]:
        try:
            seen = await self._verification.verify_for_centre(
                _caller(question), _terminal(question), _scan(question)
            )
        except (Unavailable, TooMany):
            raise  # nothing was decided, so nothing is stated
        except EhcError as refusal:
            return refusal.code, statement_of_refusal(question, self._centre_id, refusal)
        return VERIFIED, statement_of(question, self._centre_id, seen)


def _app_id(question: Question) -> str:
    # The colon is in no id of an app: a centre can never be taken for one.
    return f"centre:{question.asked_by}"


def _caller(question: Question) -> Caller:
    app = App(
        app_id=_app_id(question),
        institution=Institution(question.institution_id, question.institution),
        is_active=True,
        scopes=frozenset(),
        public_keys={},
    )
    return Caller(app, "", "", None)


def _terminal(question: Question) -> Terminal:
    return Terminal(question.terminal_id, _app_id(question), question.place, question.channel, True)


def _scan(question: Question) -> Scan:
    return Scan(
        code=question.code,
        scene=question.scene,
        terminal_id=question.terminal_id,
        channel=question.channel,
        department=None,
        purpose=None,
        request_key=f"{_app_id(question)}:{question.request}",
        via=VIA_CENTRE,
    )
