"""What the card centre decides about claims (A3.1, A3.2): data that staff may change at any time."""

from typing import Annotated, ClassVar

from pydantic import Field

from server.cards.model import ProofKind
from server.core.policies import Policy
from server.identity.applicant import Channel, Relation

Years = Annotated[int, Field(ge=0, le=120)]
# These tell who somebody is to the body that gave them out, and prove nothing to us.
IDENTIFY_ONLY = frozenset({"12", "13", "14"})


class ClaimPolicy(Policy):
    """`proofs_of_minor` and `proofs_of_adult`: for each relation the proofs that show it, by the age of the
    person the card is for.  A relation with none cannot be claimed.  `guardian_years`: who is younger has a
    guardian claim.  `own_card_years`: who is as old may take the own card over from a guardian.
    `takes_over_with`: the sources that, with a proven phone, open a card another account or a window has."""

    NAME: ClassVar[str] = "claims"
    SENTENCE: ClassVar[str] = (
        "who may claim a card, for whom, with which proof, and what people look at first"
    )

    review_channels: list[Channel] = []
    review_documents: list[str] = []
    attachments_for: list[str] = []
    attachments_kept_days: Annotated[int, Field(ge=1, le=3650)] = 30
    family_limit: Annotated[int, Field(ge=0, le=40)] = 8
    guardian_years: Years = 14
    own_card_years: Years = 16
    adult_years: Years = 18
    proofs_of_minor: dict[Relation, list[ProofKind]] = {
        "child": ["birth_certificate", "household_register", "guardianship"],
        "ward": ["guardianship"],
    }
    proofs_of_adult: dict[Relation, list[ProofKind]] = {
        "child": ["consent_sms", "consent_card", "guardianship"],
        "parent": ["consent_sms", "consent_card", "guardianship"],
        "ward": ["guardianship"],
    }
    takes_over_with: list[str] = ["mobile", "bank"]

    def proofs(self, relation: Relation, age: int) -> list[ProofKind]:
        """What shows that somebody of this age is the claimant's child, parent or ward."""
        table = self.proofs_of_adult if age >= self.adult_years else self.proofs_of_minor
        return table.get(relation, [])
