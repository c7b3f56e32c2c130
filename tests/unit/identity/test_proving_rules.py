"""Every combination of sources that agree, refuse and are down, under every policy (I1, B6.2)."""

import asyncio
import itertools
from datetime import UTC, date, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from server.core.clock import HeldClock
from server.core.errors import EhcError, InvalidInput, Unavailable
from server.gateways.card_register import RegisteredCard
from server.gateways.checks import Check
from server.identity.applicant import Applicant, FaceToFace
from server.identity.documents import Document
from server.identity.proving import Proof, Proving
from server.identity.real_name_policy import CHANNELS, SOURCES, RealNamePolicy, Rule, facts
from server.identity.real_name_policy import Proof as NamedProof
from server.identity.sources import OutsideSources

pytestmark = pytest.mark.feature("I1")

PROOFS = get_args(NamedProof)
DOCUMENT = Document("01", "99010119900307001X", date(1990, 3, 7), "male")
AT_COUNTER = FaceToFace("H001", "T-0101", "clerk-7", "device", "reader-1")
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


class Answering:
    """Every source at once, each with its word: agree, refuse or down; counts who was asked."""

    def __init__(self, words: dict[str, str]) -> None:
        self.words = words
        self.asked: list[str] = []

    async def say(self, source: str) -> bool:
        self.asked.append(source)
        await asyncio.sleep(0)
        if self.words[source] == "down":
            raise Unavailable(f"{source}.unavailable", "down")
        return self.words[source] == "agree"

    def source(self, name: str) -> Any:
        answering = self

        class Source:
            async def check(self, *_: str) -> Any:
                word = await answering.say(name)
                if name == "card_register":
                    return RegisteredCard("valid", word, True, "cr-1")
                return Check(word, f"{name}-1")

        return Source()


class Held:
    """Policies that hold one policy."""

    def __init__(self, policy: RealNamePolicy) -> None:
        self._policy = policy

    async def get(self, _: Any) -> RealNamePolicy:
        return self._policy


def applicant(**changes: Any) -> Applicant:
    values: dict[str, Any] = {
        "channel": "web",
        "is_phone_proven": True,
        "bank_card_no": "9900000000000002",
        "physical_card_no": "990000000000",
        "face_to_face": AT_COUNTER,
        **changes,
    }
    return Applicant("张伟", DOCUMENT, "19900000001", **values)


def policy_of(*accepts: tuple[str, ...]) -> RealNamePolicy:
    rule = {"channels": list(CHANNELS), "accepts": [list(accepted) for accepted in accepts]}
    return RealNamePolicy.model_validate({"rules": [rule]})


def prove(
    words: dict[str, str],
    policy: RealNamePolicy,
    who: Applicant | None = None,
    before: tuple[Any, ...] = (),
    without: tuple[str, ...] = (),
) -> tuple[Proof, list[str]]:
    answering = Answering(words)
    given = {name: None if name in without else answering.source(name) for name in SOURCES}
    sources = OutsideSources(**given)
    proving = Proving(sources, Held(policy), HeldClock(NOW))  # type: ignore[arg-type]
    return asyncio.run(proving.prove(who or applicant(), before)), answering.asked


WORDS = st.fixed_dictionaries({source: st.sampled_from(["agree", "refuse", "down"]) for source in SOURCES})
ACCEPTED = st.lists(st.sampled_from(PROOFS), min_size=1, unique=True).map(tuple)
MEETS_THE_GUIDE = ACCEPTED.filter(lambda proofs: bool(SOURCES & {*proofs}))
POLICIES = st.lists(MEETS_THE_GUIDE, min_size=1, max_size=4)


@given(WORDS, POLICIES)
def test_confirmed_means_that_a_whole_set_agreed_and_nobody_asked_refused(
    words: dict[str, str], accepts: list[tuple[str, ...]]
) -> None:
    proof, asked = prove(words, policy_of(*accepts))
    agreed = {source for source in asked if words[source] == "agree"}
    refused = {source for source in asked if words[source] == "refuse"}
    is_whole = any(set(accepted) & SOURCES <= agreed for accepted in accepts)
    assert len(asked) == len(set(asked)), "a source is asked once"
    assert set(proof.refused_by) == refused
    if refused:
        assert proof.outcome == "mismatch"
    elif proof.outcome == "confirmed":
        assert is_whole
        assert {one.source for one in proof.evidence} >= agreed
    else:
        assert proof.outcome == "pending"
        assert not is_whole
        assert set(proof.waiting_for) == {source for source in asked if words[source] == "down"} != set()
        assert {one.source for one in proof.evidence} == agreed


@pytest.mark.parametrize("words", [*itertools.product(("agree", "refuse", "down"), repeat=2)], ids="-".join)
def test_the_default_of_the_web_asks_authority_and_operator(words: tuple[str, str]) -> None:
    said = dict.fromkeys(SOURCES, "down") | dict(zip(("authority", "mobile"), words, strict=True))
    proof, asked = prove(said, RealNamePolicy(), applicant(bank_card_no=None, physical_card_no=None))
    assert sorted(asked) == ["authority", "mobile"]
    expected = "mismatch" if "refuse" in words else "pending" if "down" in words else "confirmed"
    assert proof.outcome == expected
    if expected == "confirmed":
        assert [one.source for one in proof.evidence] == ["authority", "mobile", "phone"]


@given(WORDS, POLICIES)
def test_a_retry_asks_only_who_has_not_confirmed(
    words: dict[str, str], accepts: list[tuple[str, ...]]
) -> None:
    first, _ = prove(words, policy_of(*accepts))
    if first.outcome != "pending":
        return
    up = dict.fromkeys(words, "agree")
    again, asked_again = prove(up, policy_of(*accepts), before=first.evidence)
    assert again.outcome == "confirmed"
    assert not {one.source for one in first.evidence} & set(asked_again)
    assert {one.source for one in again.evidence} >= {one.source for one in first.evidence}
    still, _ = prove(dict.fromkeys(words, "down"), policy_of(*accepts), before=first.evidence)
    assert (still.outcome, still.evidence) == ("pending", first.evidence)


def test_a_set_whose_source_is_down_gives_way_to_the_next() -> None:
    words = {"authority": "down", "bank": "agree", "mobile": "agree", "card_register": "agree"}
    proof, asked = prove(words, policy_of(("authority",), ("bank", "mobile"), ("card_register",)))
    assert (proof.outcome, sorted(asked)) == ("confirmed", ["authority", "bank", "mobile"])
    assert [one.source for one in proof.evidence] == ["bank", "mobile"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"is_phone_proven": False}, "phone.code_required"),
        ({"channel": "alipay", "is_phone_proven": False, "relation": "child"}, "phone.code_required"),
        ({"channel": "window", "face_to_face": None}, "face_to_face.required"),
    ],
    ids=str,
)
def test_what_the_applicant_can_still_bring_is_named(changes: dict[str, Any], code: str) -> None:
    who = applicant(bank_card_no=None, physical_card_no=None, **changes)
    with pytest.raises(InvalidInput) as refused:
        prove(dict.fromkeys(SOURCES, "agree"), RealNamePolicy(), who)
    assert refused.value.code == code


def test_a_higher_policy_asks_for_the_bank_card() -> None:
    strict = policy_of(("authority", "bank", "mobile", "phone"))
    agree = dict.fromkeys(SOURCES, "agree")
    with pytest.raises(InvalidInput) as refused:
        prove(agree, strict, applicant(bank_card_no=None))
    assert refused.value.code == "bank_card.required"
    proof, asked = prove(agree, strict)
    assert (proof.outcome, sorted(asked)) == ("confirmed", ["authority", "bank", "mobile"])


def test_a_source_that_is_not_set_up_is_said_honestly() -> None:
    agree = dict.fromkeys(SOURCES, "agree")
    with pytest.raises(Unavailable) as refused:
        prove(agree, policy_of(("mobile",)), without=("mobile",))
    assert refused.value.code == "proving.not_set_up"
    proof, asked = prove(agree, policy_of(("mobile",), ("authority",)), without=("mobile",))
    assert (proof.outcome, asked) == ("confirmed", ["authority"])


@pytest.mark.parametrize(
    ("seen", "asked_of", "sources"),
    [
        (AT_COUNTER, [], ["face_to_face", "reading"]),
        (FaceToFace("H001", "T-0101", "clerk-7", "typed"), ["authority"], ["authority", "face_to_face"]),
        (FaceToFace("H001", "T-0105", None, "device", "r-2"), ["authority"], ["authority", "reading"]),
    ],
    ids=["read", "typed", "kiosk"],
)
def test_at_a_counter_the_clerk_and_the_reading_count(
    seen: FaceToFace, asked_of: list[str], sources: list[str]
) -> None:
    who = applicant(channel="window", face_to_face=seen, is_phone_proven=False)
    proof, asked = prove(dict.fromkeys(SOURCES, "agree"), RealNamePolicy(), who)
    assert (proof.outcome, asked) == ("confirmed", asked_of)
    assert [one.source for one in proof.evidence] == sources
    assert all(one.serial_no.startswith("H001/T-01") for one in proof.evidence if one.source != "authority")


@pytest.mark.parametrize(
    "accepts",
    [[["phone"]], [["face_to_face"]], [["reading", "phone"]], [[]], [], [["authority", "authority"]]],
    ids=str,
)
def test_a_policy_below_the_guide_is_refused(accepts: list[list[str]]) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate({"channels": list(CHANNELS), "accepts": accepts})


def test_a_policy_leaves_no_channel_without_a_rule() -> None:
    for channels in (["web"], [channel for channel in CHANNELS if channel != "batch"]):
        with pytest.raises(ValidationError):
            RealNamePolicy.model_validate({"rules": [{"channels": channels, "accepts": [["authority"]]}]})
    special = {"channels": ["web"], "id_types": ["03"], "accepts": [["authority", "bank"]]}
    every = {"channels": list(CHANNELS), "accepts": [["authority"]]}
    policy = RealNamePolicy.model_validate({"rules": [special, every]})
    assert policy.accepts(applicant()) == (("authority",),)
    passport = Document("03", "E99000001", date(1985, 4, 2), "male")
    foreign = Applicant("SMITH JOHN", passport, "19900009001", "web", True)
    assert policy.accepts(foreign) == (("authority", "bank"),)
    assert RealNamePolicy.model_validate(policy.model_dump(mode="json")) == policy


@given(st.booleans(), st.sampled_from([None, "clerk"]), st.sampled_from(["device", "typed"]))
def test_facts_are_what_was_seen(is_phone_proven: bool, clerk: str | None, how: Any) -> None:
    seen = FaceToFace("H001", "T-0101", clerk, how)
    held = facts(applicant(is_phone_proven=is_phone_proven, face_to_face=seen))
    assert ("phone" in held) == is_phone_proven
    assert ("face_to_face" in held) == (clerk is not None)
    assert ("reading" in held) == (how == "device")


def test_a_failure_that_is_not_of_the_source_is_not_swallowed() -> None:
    class Broken:
        async def check(self, *_: str) -> Any:
            raise EhcError("bug.here", "not an outage")

    sources = OutsideSources(Broken())
    proving = Proving(sources, Held(policy_of(("authority",))), HeldClock(NOW))  # type: ignore[arg-type]
    with pytest.raises(EhcError, match=r"bug\.here"):
        asyncio.run(proving.prove(applicant()))
