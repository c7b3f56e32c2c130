"""The text of a code, without anything around it (A3.3, B6.5; QR-1, QR-5, QR-6, QR-9)."""

import hmac
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.cards import qrcode
from server.cards.model import new_ehealth_card_id
from server.core.errors import InvalidInput
from server.core.keys import Seals

pytestmark = pytest.mark.feature("C5", "V1")

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
CENTRE = "0000A0001"
CARDS = st.from_regex(r"\A[0-9A-F]{64}\Z")
CENTRES = st.from_regex(r"\A[0-9A-Z]{4,16}\Z")
NUMBER_OF_NEIGHBOURS = 20_000


def mac_for(kid: str, text: str) -> str | None:
    if kid not in ("01", "02"):
        return None
    return hmac.new(kid.encode(), text.encode(), "sm3").hexdigest()[:32].upper()


def refusal(text: str) -> str | None:
    """The code of the refusal, or None when the text is a code that is genuine."""
    try:
        code = qrcode.read_code(text)
        if code.token is not None:
            qrcode.require_genuine(code, mac_for, Seals.equal)
    except InvalidInput as refused:
        return refused.code
    return None


@given(
    CARDS, CENTRES, st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.sampled_from(["01", "02"])
)
def test_what_is_written_is_read(card: str, centre: str, at: datetime, kid: str) -> None:
    now = at.replace(tzinfo=UTC)
    code = qrcode.read_code(qrcode.dynamic_text(card, centre, kid, now, mac_for))
    assert (code.ehealth_card_id, code.centre_id, code.is_dynamic) == (card, centre, True)
    assert code.token is not None
    assert (code.token.kid, code.token.issued_at) == (kid, now.replace(microsecond=0))
    qrcode.require_genuine(code, mac_for, Seals.equal)
    static = qrcode.read_code(qrcode.static_text(card, centre))
    assert static == qrcode.Code(card, None, centre)
    assert qrcode.read_code(f"{card}:1") == qrcode.Code(card, None, None)


def test_its_parts_have_their_places() -> None:
    card = new_ehealth_card_id()
    text = qrcode.dynamic_text(card, CENTRE, "01", NOW, mac_for)
    one, flag, token, centre = text.split(":")
    assert (one, flag, centre, len(token)) == (card, "0", CENTRE, 58)
    assert token[:2] == "01"
    assert int(token[2:10], 16) == int(NOW.timestamp())
    assert token[26:] == mac_for("01", f"EHC1|{card}|0|01|{token[2:10]}|{token[10:26]}|{CENTRE}")


@given(st.text(max_size=300))
@settings(max_examples=300)
def test_any_text_is_refused_without_harm(text: str) -> None:
    assert refusal(text) == "code.malformed"


@given(CARDS, st.integers(0, 200), st.characters())
def test_one_other_character_is_refused(card: str, place: int, other: str) -> None:
    text = qrcode.dynamic_text(card, CENTRE, "01", NOW, mac_for)
    place %= len(text)
    altered = text[:place] + other + text[place + 1 :]
    if altered != text:
        assert refusal(altered) in ("code.malformed", "code.forged")


def test_of_many_neighbours_and_random_codes_none_is_accepted() -> None:
    """A mac is 128 bits: what is left to test is that all of them are looked at."""
    rng = random.Random(1)
    card, _, token, centre = qrcode.dynamic_text("A" * 64, CENTRE, "01", NOW, mac_for).split(":")
    accepted = 0
    for number in range(NUMBER_OF_NEIGHBOURS):
        if number % 2:
            body = f"{rng.getrandbits(232):058X}"
        else:
            body = f"{int(token, 16) ^ (1 << rng.randrange(232)):058X}"
        accepted += refusal(f"{card}:0:{body}:{centre}") is None
    assert accepted == 0


@pytest.mark.parametrize(
    ("off_ms", "is_live"),
    [(-5001, False), (-5000, True), (0, True), (60_000, True), (65_000, True), (65_001, False)],
)
def test_its_life_in_milliseconds(off_ms: int, is_live: bool) -> None:
    token = qrcode.read_code(qrcode.dynamic_text("A" * 64, CENTRE, "01", NOW, mac_for)).token
    assert token is not None
    refresh, skew = timedelta(seconds=60), timedelta(seconds=5)
    now = NOW + timedelta(milliseconds=off_ms)
    if is_live:
        qrcode.require_live(token, now, refresh, skew)
    else:
        with pytest.raises(InvalidInput) as refused:
            qrcode.require_live(token, now, refresh, skew)
        assert refused.value.code == "code.expired"


def test_a_card_id_says_nothing() -> None:
    ids = {new_ehealth_card_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(card) == 64 and card == card.upper() for card in ids)
