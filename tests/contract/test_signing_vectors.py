"""Known answers of the signed string, checked with two independent implementations (protocols, section 2)."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from server.core.crypto.hashes import hmac_sm3, sm3_hex
from server.core.crypto.provider import choose_provider
from server.core.signing import SignedRequest, canonical_query

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors.json").read_text("utf-8"))

pytestmark = pytest.mark.feature("V4", "S1")


def request(**parts: Any) -> SignedRequest:
    signed = {"key_id": "k1", "sign_type": "SM2", "signature": "", "query": "", "body": b""}
    return SignedRequest(**{**signed, "app_id": "hospital-a-his", **parts})


def test_sm3() -> None:
    assert sm3_hex(b"abc") == VECTORS["sm3"]["abc"]


def test_a_call_signed_with_sm2() -> None:
    known = VECTORS["partner_sm2"]
    text = request(
        method="POST",
        path="/partner/v1/verifications",
        body=known["body"].encode(),
        timestamp="1790000000000",
        nonce="5f2b7c1e9a0d4c3b8e6f7a1b2c3d4e5f",
    ).string_to_sign()
    assert text.decode() == known["string_to_sign"]
    key = choose_provider().public_key(bytes.fromhex(known["public_key"]))
    signature = base64.b64decode(known["signature_base64"])
    assert key.verify(text, signature)
    assert not key.verify(text + b"\n", signature)


def test_a_call_signed_with_a_session_key() -> None:
    known = VECTORS["partner_hmac"]
    call = request(
        method="GET",
        path="/partner/v1/cards",
        query=known["raw_query"],
        key_id="s-01J",
        timestamp="1790000000001",
        nonce="00000000000000000000000000000001",
    )
    assert canonical_query(known["raw_query"]) == known["canonical_query"]
    assert call.string_to_sign().decode() == known["string_to_sign"]
    signature = hmac_sm3(bytes.fromhex(known["session_key_hex"]), call.string_to_sign())
    assert base64.b64encode(signature).decode() == known["signature_base64"]
