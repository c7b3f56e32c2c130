"""Whatever is read from outside is read or refused: never another exception, never a hang (QR-9, Input)."""

import contextlib
import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tornado.escape import parse_qs_bytes

from handlers.partner.authorization_requests import WaitQuery
from handlers.partner.persons import PixQuery
from handlers.partner.usage_events import UsageBatch
from handlers.partner.verifications import VerificationRequest
from handlers.requests import read_body, read_query
from server.cards import qrcode
from server.core.errors import EhcError, InvalidInput, Malformed
from server.core.signing import SignedRequest, canonical_query, decoded_signature
from server.verification.authorization.model import read_request_text

pytestmark = pytest.mark.feature("V1", "V4", "V9")

GOOD_CODE = "6CFB29781341DDB2B1DD1E88F8C5B39FEC6CB8FCFADA86B01F506C6F9B45EE68:0:" + "0" * 58 + ":0000A0001"
EVENT = {
    "event_id": "e",
    "card_id": "0" * 26,
    "step": "010101",
    "channel": "0100",
    "direct": True,
    "used_at": "2026-11-22T08:00:00Z",
}
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NEAR = st.lists(st.tuples(st.integers(0, 400), st.characters()), min_size=1, max_size=4)


def altered(text: str, changes: list[tuple[int, str]]) -> str:
    for place, other in changes:
        at = place % (len(text) + 1)
        text = text[:at] + other + text[at + place % 2 :]
    return text


@given(st.text(max_size=300) | NEAR.map(lambda changes: altered(GOOD_CODE, changes)))
@settings(max_examples=300, deadline=None)
def test_the_text_of_a_code(text: str) -> None:
    for read in (qrcode.read_code, lambda one: read_request_text(one, "0000A0001")):
        with contextlib.suppress(InvalidInput):
            read(text)


@given(st.lists(st.text(max_size=90), min_size=9, max_size=9), st.binary(max_size=40))
@settings(max_examples=200, deadline=None)
def test_the_headers_of_a_signed_call(texts: list[str], body: bytes) -> None:
    method, path, query, app_id, key_id, timestamp, nonce, sign_type, signature = texts
    request = SignedRequest(
        method=method,
        path=path,
        query=query,
        body=body,
        app_id=app_id,
        key_id=key_id,
        timestamp=timestamp,
        nonce=nonce,
        sign_type=sign_type,
        signature=signature,
    )
    assert request.is_shaped() in (True, False)
    assert decoded_signature(signature) is None or signature.isascii()


@given(st.text("%&=+;abc0Zé\x00/?#", max_size=60))
@settings(max_examples=500, deadline=None)
def test_a_query_is_signed_in_one_form_and_read_or_refused(query: str) -> None:
    once = canonical_query(query)
    assert canonical_query(once) == once
    arguments = parse_qs_bytes(quote(query, safe="%&=+;").encode(), keep_blank_values=True)
    for model in (WaitQuery, PixQuery):
        with contextlib.suppress(Malformed):
            read_query(model, arguments)


@given(ANY, st.sampled_from(sorted(EVENT)), st.dictionaries(st.text(max_size=8), ANY, max_size=2))
@settings(max_examples=200, deadline=None)
def test_an_envelope_of_any_content(value: Any, name: str, more: dict[str, Any]) -> None:
    bodies = [value, {"events": value}, {"events": [{**EVENT, name: value, **more}]}, {"code": value, **more}]
    for body in bodies:
        for model in (UsageBatch, VerificationRequest):
            for raw in (json.dumps(body).encode(), json.dumps(body).encode()[:-1]):
                try:
                    read = read_body(model, raw)
                except EhcError as refused:
                    assert isinstance(refused, Malformed)
                    continue
                if isinstance(read, UsageBatch):
                    [event.told() for event in read.events]


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_an_envelope_of_any_bytes(raw: bytes) -> None:
    for content in (raw, b'{"events":[' + raw + b"]}", b"[" * 5000 + raw, urlencode({"a": raw}).encode()):
        with pytest.raises(Malformed):
            read_body(UsageBatch, content)
