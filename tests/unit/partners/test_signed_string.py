"""The string a partner signs: one spelling for one meaning (V4)."""

from dataclasses import replace
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.partner_client import canonical_query as independent
from server.core.signing import SignedRequest, canonical_query, reply_to_sign

pytestmark = pytest.mark.feature("V4")

PAIRS = st.lists(st.tuples(st.text(min_size=1, max_size=8), st.text(max_size=8)), max_size=6)
CALL = SignedRequest(
    "POST", "/partner/v1/x", "", b"{}", "app", "k1", "1790000000000", "0" * 32, "SM2", "A" * 86 + "=="
)


def spelt(pairs: list[tuple[str, str]], safe: str) -> str:
    return "&".join(f"{quote(name, safe=safe)}={quote(value, safe=safe)}" for name, value in pairs)


@given(PAIRS, st.randoms(use_true_random=False))
def test_order_and_encoding_make_no_difference(pairs: list[tuple[str, str]], rng: object) -> None:
    plain = canonical_query(spelt(pairs, safe=""))
    shuffled = list(pairs)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert canonical_query(spelt(shuffled, safe="/:@!$'()*,;?~")) == plain
    lower = spelt(pairs, safe="").replace("%E", "%e").replace("%B", "%b")
    assert canonical_query(lower) == plain
    assert canonical_query(plain) == plain
    assert independent(spelt(shuffled, safe="")) == plain


@given(PAIRS, PAIRS)
def test_another_meaning_is_another_string(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> None:
    same = canonical_query(spelt(one, "")) == canonical_query(spelt(other, ""))
    assert same == (sorted(one) == sorted(other))


@given(PAIRS)
def test_what_is_signed_is_what_is_read(pairs: list[tuple[str, str]]) -> None:
    signed = canonical_query(spelt(pairs, ""))
    assert sorted(parse_qsl(signed, keep_blank_values=True)) == sorted(pairs)


@given(st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_any_query_has_a_canonical_form(query: str) -> None:
    once = canonical_query(query)
    assert once.isascii()
    assert canonical_query(once) == once


def test_every_part_is_signed() -> None:
    changes = {
        "method": "PUT",
        "path": "/partner/v1/y",
        "query": "a=1",
        "body": b"{} ",
        "app_id": "app2",
        "key_id": "k2",
        "timestamp": "1790000000001",
        "nonce": "0" * 31 + "1",
    }
    texts = {replace(CALL, **{name: value}).string_to_sign() for name, value in changes.items()}
    assert len(texts | {CALL.string_to_sign()}) == len(changes) + 1
    assert CALL.string_to_sign().count(b"\n") == 8


@pytest.mark.parametrize(
    "changes",
    [
        {"app_id": ""},
        {"app_id": "a" * 65},
        {"app_id": "a\nb"},
        {"app_id": "app\n"},
        {"key_id": "k 1"},
        {"timestamp": "179000000000"},
        {"timestamp": "1790000000000\n"},
        {"timestamp": "१७९०००००००००००"},
        {"nonce": "0" * 31},
        {"nonce": "A" * 32},
        {"nonce": "0" * 32 + "\n"},
        {"sign_type": "SM3"},
        {"sign_type": ""},
        {"signature": ""},
        {"signature": "A" * 87},
        {"signature": "A" * 86 + "==\n"},
        {"signature": "-" * 86 + "=="},
    ],
    ids=str,
)
def test_a_call_of_another_shape_is_not_looked_at(changes: dict[str, str]) -> None:
    assert CALL.is_shaped()
    assert not replace(CALL, **changes).is_shaped()


def test_a_reply_is_bound_to_status_body_time_and_nonce() -> None:
    texts = {
        reply_to_sign(status, body, timestamp, nonce)
        for status in (200, 201)
        for body in (b"", b"{}")
        for timestamp in ("1", "2")
        for nonce in ("a", "b")
    }
    assert len(texts) == 16
