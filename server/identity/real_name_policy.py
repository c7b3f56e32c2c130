"""Which proofs make a name real, by channel (A2.1, B6.2, B6.6.2): the centre's rule, as data.

A rule accepts one or more sets of proofs; all proofs of a set must agree.  Some are asked of an outside
source, the others are plain facts of the moment:

    authority      the real-name authority knows name and document number
    bank           an account of class I, or a credit card, of this name, document and phone
    mobile         the operator has this phone registered to this name and document
    card_register  a valid physical resident health card of this name, document and phone
    phone          the phone is in the applicant's hand: an SMS code, or the word of WeChat or Alipay
    face_to_face   a clerk saw the person and the document
    reading        a device read the document, nobody typed it
"""

from typing import ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from server.core.policies import Policy
from server.identity.applicant import Applicant, Channel, Relation

Source = Literal["authority", "bank", "mobile", "card_register"]
Fact = Literal["phone", "face_to_face", "reading"]
Proof = Literal["authority", "bank", "mobile", "card_register", "phone", "face_to_face", "reading"]

SOURCES: frozenset[str] = frozenset(get_args(Source))
ONLINE: tuple[Channel, ...] = ("wechat", "alipay", "web")
CHANNELS: tuple[Channel, ...] = get_args(Channel)
RELATIONS: tuple[Relation, ...] = get_args(Relation)

AcceptedSet = tuple[Proof, ...]


class Rule(BaseModel):
    """For these channels, relations and document types (none named: every one), these sets are accepted, the
    preferred one first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channels: tuple[Channel, ...] = Field(min_length=1)
    relations: tuple[Relation, ...] = ()
    id_types: tuple[str, ...] = ()
    accepts: tuple[AcceptedSet, ...] = Field(min_length=1, max_length=8)

    def fits(self, channel: str, relation: str, id_type: str) -> bool:
        return (
            channel in self.channels
            and (not self.relations or relation in self.relations)
            and (not self.id_types or id_type in self.id_types)
        )

    @model_validator(mode="after")
    def _meets_the_guide(self) -> "Rule":
        """B6.2: face to face with the document, or at least one outside source."""
        for accepted in self.accepts:
            if len(set(accepted)) != len(accepted) or not accepted:
                raise ValueError("a set is empty, or names a proof twice")
            if not SOURCES & set(accepted) and not {"face_to_face", "reading"} <= set(accepted):
                raise ValueError("a set needs an outside source, or a clerk and a document that was read")
        return self


DEFAULT_RULES = (
    # The one who answers for a child or a parent cannot have a phone registered to them: the phone is the
    # guardian's own, and what ties the two is proven by itself (the claim's relation proof).
    Rule(channels=ONLINE, relations=("child", "parent", "ward"), accepts=(("authority", "phone"),)),
    # Name and number are known to many.  The phone is in the applicant's hand, and an outside source says
    # that it is this person's: so neither a stranger's phone nor a known number opens a card.
    Rule(
        channels=ONLINE,
        accepts=(
            ("card_register", "phone"),
            ("authority", "phone", "bank"),
            ("authority", "phone", "mobile"),
        ),
    ),
    # B6.2 (1): a clerk and a document that a device has read.  What a hand has typed the authority confirms,
    # and so it does where no clerk looks at who holds the document.
    Rule(
        channels=("window", "kiosk", "centre"),
        accepts=(("face_to_face", "reading"), ("face_to_face", "authority"), ("reading", "authority")),
    ),
    Rule(channels=("batch",), accepts=(("authority",),)),
)


class RealNamePolicy(Policy):
    """The first rule that fits decides."""

    NAME: ClassVar[str] = "real_name"
    SENTENCE: ClassVar[str] = "Which proofs make a name real, by channel, relation and type of document"

    rules: tuple[Rule, ...] = DEFAULT_RULES

    def accepts(self, applicant: Applicant) -> tuple[AcceptedSet, ...]:
        """The accepted sets for this applicant, the preferred one first."""
        wanted = applicant.channel, applicant.relation, applicant.document.id_type
        return next(rule.accepts for rule in self.rules if rule.fits(*wanted))

    @model_validator(mode="after")
    def _leaves_nobody_without_a_rule(self) -> "RealNamePolicy":
        for channel in CHANNELS:
            for relation in RELATIONS:
                if not any(rule.fits(channel, relation, "") for rule in self.rules):
                    raise ValueError(f"no rule for channel {channel}, relation {relation}, every document")
        return self


def facts(applicant: Applicant) -> frozenset[Fact]:
    """What is known of the applicant without asking anybody."""
    seen = applicant.face_to_face
    held: set[Fact] = set()
    if applicant.is_phone_proven:
        held.add("phone")
    if seen is not None and seen.clerk_id is not None:
        held.add("face_to_face")
    if seen is not None and seen.how == "device":
        held.add("reading")
    return frozenset(held)


def askable(applicant: Applicant, set_up: frozenset[str]) -> frozenset[str]:
    """The outside sources that can be asked about this applicant: set up here, and given what they need."""
    lacking = {"bank"} if applicant.bank_card_no is None else set()
    lacking |= {"card_register"} if applicant.physical_card_no is None else set()
    return set_up - lacking


def possible(
    accepts: tuple[AcceptedSet, ...], held: frozenset[Fact], can_ask: frozenset[str]
) -> tuple[AcceptedSet, ...]:
    """The sets that may still come true: their facts hold and their sources can be asked."""
    return tuple(accepted for accepted in accepts if set(accepted) <= held | can_ask)
