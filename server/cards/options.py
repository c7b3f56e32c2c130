"""What an account may claim here, for whom, with which proofs: so that a page asks for nothing in vain."""

from dataclasses import dataclass

from server.cards.family.store import FamilyStore
from server.cards.policy import ClaimPolicy
from server.core.policies import Policies
from server.identity.applicant import Channel, Relation
from server.identity.document_types import DOCUMENT_TYPES, DocumentType
from server.identity.real_name_policy import RealNamePolicy

FAMILY: tuple[Relation, ...] = ("child", "parent", "ward")


@dataclass(frozen=True)
class Options:
    """`relations`: for each, the proofs for a person under age and those for a grown-up."""

    documents: tuple[DocumentType, ...]
    relations: dict[str, tuple[list[str], list[str]]]
    guardian_years: int
    family_limit: int
    family_used: int
    attachments_for: tuple[str, ...]
    sources_needed: tuple[str, ...]


class ClaimOptions:
    def __init__(self, family: FamilyStore, policies: Policies) -> None:
        self._family = family
        self._policies = policies

    async def of_account(self, account_id: str, channel: Channel) -> Options:
        """What holds now, by the centre's rules."""
        policy = await self._policies.get(ClaimPolicy)
        relations = {
            relation: (
                [str(kind) for kind in policy.proofs_of_minor.get(relation, [])],
                [str(kind) for kind in policy.proofs_of_adult.get(relation, [])],
            )
            for relation in FAMILY
        }
        return Options(
            documents=tuple(kind for kind in DOCUMENT_TYPES.values() if kind.claimable_online),
            relations={relation: proofs for relation, proofs in relations.items() if any(proofs)},
            guardian_years=policy.guardian_years,
            family_limit=policy.family_limit,
            family_used=len(await self._family.seats_taken(account_id)),
            attachments_for=tuple(policy.attachments_for),
            sources_needed=await self._sources_needed(channel),
        )

    async def _sources_needed(self, channel: Channel) -> tuple[str, ...]:
        """A bank card, when no accepted set of proofs does without it."""
        rules = (await self._policies.get(RealNamePolicy)).rules
        accepts = next(rule.accepts for rule in rules if rule.fits(channel, "self", ""))
        plain = [accepted for accepted in accepts if "card_register" not in accepted]
        return ("bank_card",) if plain and all("bank" in accepted for accepted in plain) else ()
