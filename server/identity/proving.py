"""Real-name verification (A2.1, A3.1, B6.2, B6.6.2): is somebody who they say, by the centre's policy?

A claim of a name is confirmed when every proof of one accepted set agrees, refused when a source that was
asked refuses, and pending while a source that is needed does not answer.  There is no fourth end: a source
that is down never counts as a yes.
"""

import asyncio
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from server.core.clock import Clock
from server.core.errors import InvalidInput, Unavailable
from server.core.policies import Policies
from server.gateways.checks import Check
from server.identity.applicant import Applicant
from server.identity.model import Evidence
from server.identity.real_name_policy import (
    SOURCES,
    AcceptedSet,
    RealNamePolicy,
    askable,
    facts,
    possible,
)
from server.identity.sources import OutsideSources

Outcome = Literal["confirmed", "mismatch", "pending"]


@dataclass(frozen=True)
class Proof:
    """How it ended.  `evidence`: who has confirmed it, also of a pending one, so that nobody is asked twice;
    `waiting_for`: the sources that did not answer; `refused_by`: never to be told to the applicant."""

    outcome: Outcome
    evidence: tuple[Evidence, ...] = ()
    waiting_for: tuple[str, ...] = ()
    refused_by: tuple[str, ...] = ()


class Proving:
    def __init__(self, sources: OutsideSources, policies: Policies, clock: Clock) -> None:
        self._sources = sources
        self._policies = policies
        self._clock = clock

    async def require_possible(self, applicant: Applicant) -> None:
        """Nothing, when the policy can be met with what the applicant brings.

        InvalidInput: phone.code_required (the phone is not proven), bank_card.required,
        face_to_face.required.  Unavailable proving.not_set_up: the policy needs a source this centre has not
        set up.  The answer depends on the form alone, on no person.
        """
        await self._possible(applicant)

    async def prove(self, applicant: Applicant, before: tuple[Evidence, ...] = ()) -> Proof:
        """How the proof ends now; refusals as `require_possible`.

        `before` is the evidence of an earlier, pending proof of the same applicant: those sources are not
        asked again.  The sources of a set are asked at once, each for as long as its gateway waits; a set
        whose source is down gives way to the next one.
        """
        agreed = {given.source: given for given in before if given.source in SOURCES}
        waiting_for: list[str] = []
        for accepted in await self._possible(applicant):
            wanted = [source for source in accepted if source in SOURCES]
            asked = [source for source in wanted if source not in agreed and source not in waiting_for]
            words = await asyncio.gather(*(self._ask(source, applicant) for source in asked))
            now = self._clock.now()
            refused = []
            for source, word in zip(asked, words, strict=True):
                if word is None:
                    waiting_for.append(source)
                elif word.is_match:
                    agreed[source] = Evidence(source, word.serial_no, now)
                else:
                    refused.append(source)
            if refused:
                return Proof("mismatch", refused_by=tuple(refused))
            if all(source in agreed for source in wanted):
                return Proof("confirmed", _ordered(accepted, agreed, applicant, now))
        return Proof("pending", tuple(agreed.values()), tuple(waiting_for))

    async def not_set_up(self) -> list[tuple[str, str]]:
        """(channel, source) for each source that the policy names and this centre has not set up."""
        policy = await self._policies.get(RealNamePolicy)
        named = {
            (channel, proof)
            for rule in policy.rules
            for channel in rule.channels
            for accepted in rule.accepts
            for proof in accepted
        }
        return sorted((c, proof) for c, proof in named if proof in SOURCES - self._sources.set_up)

    async def _possible(self, applicant: Applicant) -> tuple[AcceptedSet, ...]:
        policy = await self._policies.get(RealNamePolicy)
        accepts = policy.accepts(applicant)
        held, can_ask = facts(applicant), askable(applicant, self._sources.set_up)
        found = possible(accepts, held, can_ask)
        if not found:
            raise _lacking([set(accepted) - held - can_ask for accepted in accepts], self._sources.set_up)
        return found

    async def _ask(self, source: str, applicant: Applicant) -> Check | None:
        try:
            return await self._sources.ask(source, applicant)
        except Unavailable:
            return None


def _ordered(
    accepted: AcceptedSet, agreed: dict[str, Evidence], applicant: Applicant, now: datetime
) -> tuple[Evidence, ...]:
    """All evidence, that of the accepted set first and in its order."""
    first = [agreed[proof] if proof in SOURCES else _seen(proof, applicant, now) for proof in accepted]
    outside = sorted(first, key=lambda given: given.source not in SOURCES)
    return (*outside, *(given for source, given in agreed.items() if source not in accepted))


def _seen(fact: str, applicant: Applicant, now: datetime) -> Evidence:
    """What needed no source: where and by whom it was seen is its serial number."""
    seen = applicant.face_to_face
    if seen is None:
        return Evidence(fact, applicant.channel, now)
    by = seen.clerk_id if fact == "face_to_face" else seen.device_no
    return Evidence(fact, "/".join((seen.institution_id, seen.terminal_id, by or "-")), now)


def _lacking(gaps: Sequence[AbstractSet[str]], set_up: frozenset[str]) -> InvalidInput | Unavailable:
    """What the applicant could still bring, the easiest first."""
    if any(gap <= {"phone"} for gap in gaps):
        return InvalidInput("phone.code_required", "this phone number has to be proven by a code first")
    if "bank" in set_up and any(gap <= {"phone", "bank"} for gap in gaps):
        return InvalidInput("bank_card.required", "a bank card of class I or a credit card is needed")
    if any(gap <= {"face_to_face", "reading"} for gap in gaps):
        return InvalidInput("face_to_face.required", "a clerk, or a device, has to see the document")
    return Unavailable(
        "proving.not_set_up", "a source this channel needs is not set up here", retry_after_s=3600
    )
