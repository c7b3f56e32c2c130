"""The independent partner client: known answers, both signatures, and disbelief."""

import asyncio
import base64
from typing import Any

import pytest

from sandbox import sm2
from sandbox.partner_client import (
    PartnerClient,
    ReplyForged,
    Unauthenticated,
    Unreachable,
    canonical_query,
    hmac_sm3,
    request_string,
    sm3_hex,
)

VERIFICATIONS = "/partner/v1/verifications"
BODY = {"code": "dynamic", "scene": "010101", "terminal_id": "T-0101"}


@pytest.mark.feature("V4")
def test_the_signed_string_and_the_sm2_signature_are_the_known_ones(vectors: dict[str, Any]) -> None:
    known = vectors["partner_sm2"]
    text = request_string(
        "POST",
        VERIFICATIONS,
        "",
        known["body"].encode(),
        "hospital-a-his",
        "k1",
        "1790000000000",
        "5f2b7c1e9a0d4c3b8e6f7a1b2c3d4e5f",
    )
    assert text.decode() == known["string_to_sign"]
    public_key = bytes.fromhex(known["public_key"])[1:]
    signature = base64.b64decode(known["signature_base64"])
    assert sm2.verify(public_key, text, signature)
    assert not sm2.verify(public_key, text + b"x", signature)
    assert not sm2.verify(public_key, text, signature[:63])
    assert not sm2.verify(public_key, text, bytes(64))


@pytest.mark.feature("V4")
def test_our_own_sm2_signature_is_accepted_under_the_derived_public_key(vectors: dict[str, Any]) -> None:
    known = vectors["partner_sm2"]
    private_key = bytes.fromhex(known["private_key"])
    public_key = sm2.public_key_of(private_key)
    assert "04" + public_key.hex() == known["public_key"]
    signature = sm2.sign(private_key, public_key, b"message")
    assert len(signature) == 64
    assert sm2.verify(public_key, b"message", signature)


@pytest.mark.feature("V4")
def test_the_query_and_the_hmac_signature_are_the_known_ones(vectors: dict[str, Any]) -> None:
    known = vectors["partner_hmac"]
    assert canonical_query(known["raw_query"]) == known["canonical_query"]
    text = request_string(
        "GET",
        "/partner/v1/cards",
        known["raw_query"],
        b"",
        "hospital-a-his",
        "s-01J",
        "1790000000001",
        "00000000000000000000000000000001",
    )
    assert text.decode() == known["string_to_sign"]
    signature = hmac_sm3(bytes.fromhex(known["session_key_hex"]), text)
    assert base64.b64encode(signature).decode() == known["signature_base64"]
    assert sm3_hex(b"abc") == vectors["sm3"]["abc"]


@pytest.mark.feature("V4")
@pytest.mark.parametrize(
    ("raw", "canonical"),
    [("", ""), ("a", "a="), ("a=1+1", "a=1%2B1"), ("b=~-._&a=%2f", "a=%2F&b=~-._"), ("a=2&a=10", "a=10&a=2")],
)
def test_a_query_has_one_signed_form(raw: str, canonical: str) -> None:
    assert canonical_query(raw) == canonical


@pytest.fixture
def ask(platform: Any, serving: Any) -> Any:
    """Runs `scenario(client)` with a client of the tiny platform; `changed` replaces its settings."""

    def run(scenario: Any, **changed: Any) -> Any:
        async def around() -> Any:
            async with serving(platform.app()) as url:
                settings = platform.hospital(url)
                names = ("api", "app_id", "key_id", "private_key_hex", "platform_public_key_hex")
                kept = {name: settings[name] for name in names} | changed
                return await scenario(PartnerClient(now=platform.now, **kept))

        return asyncio.run(around())

    return run


@pytest.mark.feature("V4")
def test_a_session_opened_with_sm2_signs_with_hmac(ask: Any, platform: Any) -> None:
    async def scenario(client: PartnerClient) -> None:
        session = await client.open_session("T-0101")
        assert platform.sessions[session.session_id] == session.key
        assert session.expires_at == platform.now() + 28_800
        assert session.key.hex() not in repr(session)
        reply = await client.call("POST", VERIFICATIONS, BODY, session=session)
        assert reply.status == 200
        assert reply.error is None
        assert reply.body["person"]["name"] == "古丽娜尔·艾山"
        refused = await client.call("POST", VERIFICATIONS, BODY | {"code": "expired"}, session=session)
        assert refused.error == ("code.expired", "the code has expired")

    ask(scenario)


FORGERIES = {
    "a changed person": lambda headers, body: body.replace("古丽娜尔".encode(), "阿依古丽".encode()),
    "no signature": lambda headers, body: headers.pop("X-Signature") and body,
    "another signature": lambda headers, body: headers.update({"X-Signature": "AAAA"}) or body,
    "not base64": lambda headers, body: headers.update({"X-Signature": "@"}) or body,
    "the reply to another request": lambda headers, body: headers.update({"X-Nonce": "0" * 32}) or body,
    "another time": lambda headers, body: headers.update({"X-Timestamp": "1790000000001"}) or body,
    "no time": lambda headers, body: headers.pop("X-Timestamp") and body,
}


@pytest.mark.feature("V4")
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_reply_is_not_believed(ask: Any, platform: Any, forgery: str) -> None:
    async def scenario(client: PartnerClient) -> None:
        session = await client.open_session("T-0101")
        platform.alter = FORGERIES[forgery]
        with pytest.raises(ReplyForged):
            await client.call("POST", VERIFICATIONS, BODY, session=session)

    ask(scenario)


@pytest.mark.feature("V4")
def test_a_reply_from_long_ago_is_not_believed(ask: Any, platform: Any, held_clock: Any) -> None:
    async def scenario(client: PartnerClient) -> None:
        session = await client.open_session("T-0101")
        there = platform.now
        platform.now = lambda: there() - 301
        with pytest.raises(ReplyForged):
            await client.call("POST", VERIFICATIONS, BODY, session=session)

    ask(scenario)


@pytest.mark.feature("V4")
def test_another_platforms_key_is_not_believed(ask: Any, vectors: dict[str, Any]) -> None:
    async def scenario(client: PartnerClient) -> None:
        with pytest.raises(ReplyForged):
            await client.open_session("T-0101")

    ask(scenario, platform_public_key_hex=vectors["partner_sm2"]["public_key"])


@pytest.mark.feature("V4")
def test_a_key_the_platform_does_not_know_is_unauthenticated(ask: Any, vectors: dict[str, Any]) -> None:
    async def scenario(client: PartnerClient) -> None:
        with pytest.raises(Unauthenticated):
            await client.open_session("T-0101")

    ask(scenario, private_key_hex=vectors["partner_sm2"]["private_key"])


@pytest.mark.feature("V4")
def test_no_platform_at_all_is_unreachable(ask: Any) -> None:
    async def scenario(client: PartnerClient) -> None:
        with pytest.raises(Unreachable):
            await client.open_session("T-0101")

    ask(scenario, api="http://127.0.0.1:9")
