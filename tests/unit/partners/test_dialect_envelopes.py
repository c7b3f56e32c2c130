"""The envelopes of both dialects against known answers, and against whatever may come (V6)."""

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.dialects.ehc_methods import METHODS
from handlers.dialects.tencent_calls import CALLS
from server.core.errors import Malformed
from server.partners.dialects import ehc, tencent
from server.partners.dialects.codes import RESULT_CODES
from server.partners.dialects.envelopes import read_object

pytestmark = pytest.mark.feature("V6")
KNOWN = json.loads((Path(__file__).parents[2] / "vectors.json").read_text("utf-8"))
PLAIN, CIPHER = KNOWN["ehc_plaintext_rule"], KNOWN["ehc_ciphertext_rule"]
FIELDS = {
    "app_id": "hospital-a",
    "digest_type": "SM3",
    "enc_type": "SM4",
    "method": "ehc.ehealthcode.verify",
    "term_id": "T-0001",
    "timestamp": "1790000000000",
    "version": "X.M.0.1",
}


def test_both_digest_rules_give_the_known_answers() -> None:
    plain = {**FIELDS, "biz_content": PLAIN["biz_content_plain"]}
    assert ehc.string_to_digest(plain, "plaintext", PLAIN["app_secret"]) == PLAIN["string_to_digest"]
    assert ehc.is_digest(PLAIN["digest"].upper(), plain, "plaintext", PLAIN["app_secret"])
    sent = {**FIELDS, "biz_content": CIPHER["biz_content_sent"]}
    assert ehc.string_to_digest(sent, "ciphertext", CIPHER["app_secret"]) == CIPHER["string_to_digest"]
    assert ehc.is_digest(CIPHER["digest"], sent, "ciphertext", CIPHER["app_secret"])
    assert not ehc.is_digest(CIPHER["digest"], plain, "ciphertext", CIPHER["app_secret"])


@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_both_encodings_give_the_known_answers(encoding: Any) -> None:
    text, secret = PLAIN["biz_content_plain"], PLAIN["app_secret"]
    sealed = PLAIN[f"biz_content_sm4_ecb_pkcs7_{encoding}"]
    assert ehc.encrypt(text, secret, encoding) == sealed
    assert ehc.decrypt(sealed, secret, encoding) == text
    if encoding == "hex":
        assert ehc.decrypt(sealed.upper(), secret, encoding) == text
    with pytest.raises(ehc.Undecipherable):
        ehc.decrypt(sealed, secret, "base64" if encoding == "hex" else "hex")
    with pytest.raises(ehc.Undecipherable):
        ehc.decrypt(sealed, "another-secret-0", encoding)


def test_the_tencent_signature_is_the_known_answer() -> None:
    known = KNOWN["tencent_rule"]
    question = tencent.Question(known["commonIn"], known["req"])
    assert tencent.string_to_sign(question, known["app_secret"]) == known["string_to_digest"]
    assert tencent.sign_of(question, known["app_secret"]) == known["sign_base64_sha256"]


def test_lists_are_signed_as_json_and_empty_fields_dropped() -> None:
    question = tencent.Question(
        {"requestId": "r", "sign": "x"}, {"b": [{"k": "\u7537", "n": 1}], "a": "", "z": None}
    )
    assert tencent.string_to_sign(question, "S") == 'b=[{"k":"\u7537","n":1}]&requestId=rS'


@given(st.text(max_size=200), st.sampled_from(["hex", "base64"]))
def test_what_is_encrypted_is_read_again(text: str, encoding: Any) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert ehc.decrypt(ehc.encrypt(text, "0123456789ABCDEF", encoding), "0123456789ABCDEF", encoding) == text


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=6),
    max_leaves=20,
)
NAMES = [*FIELDS, "biz_content", "digest", "commonIn", "req", "appToken", "sign", "requestId", "timestamp"]
NAMED = st.dictionaries(st.sampled_from(NAMES), JSON | st.text("0123456789abcdef", max_size=70))


@given(st.binary(max_size=300) | (JSON | NAMED).map(lambda value: json.dumps(value).encode()))
def test_a_hostile_body_is_refused_and_nothing_worse(raw: bytes) -> None:
    for read in (read_object, ehc.read_envelope, tencent.read_question):
        with contextlib.suppress(Malformed):
            read(raw)
    tencent.request_id_of(raw)


@given(st.text("0123456789abcdefABCDEF+/= \n-", max_size=100), st.sampled_from(["hex", "base64"]))
def test_hostile_content_is_undecipherable_and_nothing_worse(sent: str, encoding: Any) -> None:
    with contextlib.suppress(ehc.Undecipherable):
        ehc.decrypt(sent, "0123456789ABCDEF", encoding)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"a":' * 9 + b"1" + b"}" * 9,
        b'{"a":1,"a":2}',
        b'{"a":1.5}',
        b'{"a":NaN}',
        b'{"a":"\\ud800"}',
        b'{"a":' + b"9" * 10_000 + b"}",
        b'{"a":[' + b"{}," * 10_001 + b"{}]}",
    ],
)
def test_what_two_readers_could_take_for_two_things_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        read_object(raw)


@pytest.mark.parametrize("change", [{"term_id": "T&x=1"}, {"extra": "1"}, {"term_id": None}, {"version": ""}])
def test_the_envelope_is_what_is_agreed(change: dict[str, Any]) -> None:
    whole = {**FIELDS, "biz_content": "00", "digest": "0" * 64}
    assert ehc.read_envelope(json.dumps(whole).encode()).app_id == "hospital-a"
    assert ehc.read_envelope(json.dumps({**whole, "timestamp": 1790000000000}).encode())
    with pytest.raises(Malformed):
        ehc.read_envelope(json.dumps({**whole, **change}).encode())


def test_no_two_refusals_share_a_number() -> None:
    assert len(set(RESULT_CODES.values())) == len(RESULT_CODES)


def test_the_guides_tell_of_every_call_and_every_code() -> None:
    docs = Path(__file__).parents[3] / "docs"
    dialects, catalogue = [(docs / name).read_text("utf-8") for name in ("dialects.md", "partner-api.md")]
    named = re.findall(r"`(ehc\.[a-z]+\.[a-z]+)`", dialects)
    assert {*named, "ehc.ehealthcard.delete", "ehc.ehealthcode.updateorg"} == set(METHODS)
    assert [name for name in CALLS if f"| `{name}` |" not in dialects] == []
    assert [code for code in RESULT_CODES if f"| `{code}` |" not in catalogue] == []
