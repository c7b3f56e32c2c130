"""Every way a partner's call can be unproven (V4; security: "Signed calls")."""

import asyncio
import base64
import json
import secrets
from collections import Counter
from typing import Any

import pytest
from pymongo.database import Database

from sandbox import sm2
from sandbox.partner_client import hmac_sm3
from server.core.crypto.provider import choose_provider
from tests.api.calls import SignedCall, another_process, call, is_signed_by_platform, scan_body
from tests.harness import APP_ID, PAIR, Answer, Platform

pytestmark = [pytest.mark.feature("V4", "S1"), pytest.mark.gen_test(timeout=60)]

BODY = scan_body("no code at all")  # a proven call with it is answered 422
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123


def is_unproven(answer: Answer) -> bool:
    """Refused without a word about the reason, and without a signature."""
    error = answer.json["error"]
    return (
        answer.status == 401
        and error["code"] == "partner.unauthenticated"
        and error["detail"] == {}
        and "X-Signature" not in answer.headers
        and "Www-Authenticate" not in {name.title() for name in answer.headers}
    )


async def variants(platform: Platform) -> list[SignedCall]:
    """The same call signed in both ways."""
    session = await platform.partner().open_session("T-0001")
    return [call(platform, BODY), call(platform, BODY, session=session)]


async def test_a_call_without_one_of_its_headers_is_unproven(platform: Platform) -> None:
    for sent in await variants(platform):
        for name in ("X_App_Id", "X_Key_Id", "X_Timestamp", "X_Nonce", "X_Sign_Type", "X_Signature"):
            for value in (None, "", "x"):
                fresh = sent.again()
                answer = await fresh.send(platform.http, fresh.headers(**{name: value}))
                assert is_unproven(answer), (name, value)
        assert (await sent.send(platform.http)).status == 422


async def test_a_call_altered_after_signing_is_unproven(platform: Platform) -> None:
    await platform.admit("hospital-b", "T-B")
    for sent in await variants(platform):
        headers = sent.headers()
        altered = {
            "path": sent.again(nonce=sent.nonce, path="/partner/v1/sessions"),
            "query": sent.again(nonce=sent.nonce, query="a=1"),
            "body": sent.again(nonce=sent.nonce, body=BODY + b" "),
            "no body": sent.again(nonce=sent.nonce, body=b""),
        }
        for what, changed in altered.items():
            assert is_unproven(await changed.send(platform.http, headers)), what
        changes = (
            ("X_App_Id", "hospital-b"),
            ("X_Timestamp", str(sent.at_ms + 1)),
            ("X_Nonce", secrets.token_hex(16)),
            ("X_Nonce", sent.nonce[:-1] + "G"),
        )
        for name, value in changes:
            answer = await sent.send(platform.http, sent.headers(**{name: value}))
            assert is_unproven(answer), name
        assert (await sent.send(platform.http)).status == 422


async def test_a_query_is_signed_in_one_spelling(platform: Platform) -> None:
    """No partner route takes a query yet, so a proven call that has one is answered 400, signed."""
    for sent in await variants(platform):
        signed = sent.again(query="a=1&b=%E5%8C%BB&b=2&c=")
        for spelling in ("c=&b=%e5%8c%bb&a=1&b=2", "b=2&b=%E5%8C%BB&%61=1&c", "a=1&b=医&b=2&c=&&"):
            same = signed.again(query=spelling)
            headers = signed.again(nonce=same.nonce).headers()
            answer = await same.send(platform.http, headers)
            if spelling.isascii():
                assert (answer.status, answer.error) == (400, "request.invalid"), spelling
            else:
                assert answer.status in (400, 401), spelling
        for other in ("a=1&b=%E5%8C%BB&b=2", "a=1&b=%E5%8C%BB&b=2&c=1", "a=1%26b=%E5%8C%BB&b=2&c="):
            changed = signed.again(query=other)
            headers = signed.again(nonce=changed.nonce).headers()
            assert is_unproven(await changed.send(platform.http, headers)), other
        plus = signed.again(query="a=1%2B1")
        read_as_a_space = plus.again(nonce=plus.nonce, query="a=1+1")
        assert is_unproven(await read_as_a_space.send(platform.http, plus.headers()))
        assert (await plus.send(platform.http)).status == 400


@pytest.mark.parametrize(
    ("off_ms", "is_proven"),
    [
        (300_000, True),
        (-300_000, True),
        (299_000, True),
        (300_001, False),
        (-300_001, False),
        (-301_000, False),
    ],
)
async def test_the_window_is_300_seconds_on_both_sides(
    platform: Platform, off_ms: int, is_proven: bool
) -> None:
    for sent in await variants(platform):
        answer = await sent.again(at_ms=sent.at_ms + off_ms).send(platform.http)
        assert answer.status == (422 if is_proven else 401)


@pytest.mark.parametrize(
    "stamp", ["1790000000", "17900000000000", "-179000000000", "1790000000.00", "１７９００００００００００"]
)
async def test_a_timestamp_is_13_digits(platform: Platform, stamp: str) -> None:
    sent = call(platform, BODY)
    headers = sent.headers(X_Timestamp=stamp if stamp.isascii() else "0x1a0d6e0c800")
    assert is_unproven(await sent.send(platform.http, headers))


async def test_a_nonce_is_good_once(platform: Platform) -> None:
    for sent in await variants(platform):
        headers = sent.headers()
        assert (await sent.send(platform.http, headers)).status == 422
        assert is_unproven(await sent.send(platform.http, headers))
        async with another_process(platform) as other:
            assert is_unproven(await sent.send(other.http, headers))
        other_call = sent.again(body=BODY + b" ", nonce=sent.nonce)
        assert is_unproven(await other_call.send(platform.http))
        platform.clock.advance(299)
        assert is_unproven(await sent.send(platform.http, headers))
        platform.clock.advance(-299)


async def test_a_nonce_is_kept_longer_than_the_window(platform: Platform, db: Database[Any]) -> None:
    await call(platform, BODY).send(platform.http)
    row = db.partner_nonces.find_one()
    assert (row["expires_at"] - platform.clock.now()).total_seconds() >= 600


async def test_a_nonce_sent_64_times_at_once_is_good_once(platform: Platform) -> None:
    for sent in await variants(platform):
        headers = sent.headers()
        answers = await asyncio.gather(*(sent.send(platform.http, headers) for _ in range(64)))
        assert Counter(answer.status for answer in answers) == {422: 1, 401: 63}


async def test_a_nonce_of_an_unproven_call_is_not_spent(platform: Platform) -> None:
    sent = call(platform, BODY)
    forged = sent.headers(X_Signature=base64.b64encode(bytes(64)).decode())
    assert is_unproven(await sent.send(platform.http, forged))
    assert (await sent.send(platform.http)).status == 422


async def test_two_apps_may_choose_the_same_nonce(platform: Platform) -> None:
    await platform.admit("hospital-b", "T-B")
    one = call(platform, BODY)
    assert (await one.send(platform.http)).status == 422
    theirs = await one.again(app_id="hospital-b", nonce=one.nonce).send(platform.http)
    assert (theirs.status, theirs.error) == (403, "terminal.unknown")


async def test_another_key_proves_nothing(platform: Platform) -> None:
    stranger = choose_provider().generate_key_pair()
    sent = call(platform, BODY, private=stranger.private)
    assert is_unproven(await sent.send(platform.http))
    assert is_unproven(await call(platform, BODY, key_id="k2").send(platform.http))
    assert is_unproven(await call(platform, BODY, app_id="nobody").send(platform.http))


async def test_a_session_of_another_app_proves_nothing(platform: Platform) -> None:
    await platform.admit("hospital-b", "T-B")
    session = await platform.partner("hospital-b").open_session("T-B")
    assert is_unproven(await call(platform, BODY, session=session).send(platform.http))
    own = call(platform, BODY, session=session, app_id="hospital-b")
    answer = await own.send(platform.http)
    assert (answer.status, answer.error) == (403, "terminal.unknown")


async def test_a_session_ends_after_eight_hours(platform: Platform) -> None:
    session = await platform.partner().open_session("T-0001")
    assert session.expires_at == platform.clock.now().timestamp() + 8 * 3600
    platform.clock.advance(8 * 3600 - 0.001)
    assert (await call(platform, BODY, session=session).send(platform.http)).status == 422
    platform.clock.advance(0.001)
    assert is_unproven(await call(platform, BODY, session=session).send(platform.http))


async def test_a_session_opens_no_session(platform: Platform) -> None:
    client = platform.partner()
    session = await client.open_session("T-0001")
    refused = await client.call("POST", "/partner/v1/sessions", {"terminal_id": "T-0001"}, session=session)
    assert (refused.status, refused.error[0]) == (403, "session.needs_sm2")


async def test_a_session_key_is_kept_sealed(platform: Platform, db: Database[Any]) -> None:
    session = await platform.partner().open_session("T-0001")
    [row] = list(db.partner_sessions.find())
    assert session.key not in row["key"]
    assert session.key.hex().encode() not in row["key"]


async def test_a_signature_has_one_spelling(platform: Platform) -> None:
    for sent in await variants(platform):
        signature = sent.signature()
        text = base64.b64encode(signature).decode()
        spare = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        last = len(text.rstrip("=")) - 1
        twin = text[:last] + spare[spare.index(text[last]) ^ 1] + text[last + 1 :]
        assert base64.b64decode(twin) == signature
        spellings = {
            "unused bits": twin,
            "no padding": text.rstrip("="),
            "more padding": text + "=",
            "url-safe": text.replace("+", "-").replace("/", "_") + "-",
            "hex": signature.hex(),
            "twice": text + "," + text,
        }
        for what, spelling in spellings.items():
            assert is_unproven(await sent.send(platform.http, sent.headers(X_Signature=spelling))), what
        assert (await sent.send(platform.http)).status == 422


async def test_a_signature_has_one_length_and_one_value(platform: Platform) -> None:
    for sent in await variants(platform):
        signature = sent.signature()
        size = len(signature)
        r, s = signature[: size // 2], signature[size // 2 :]
        forged = {
            "zero": bytes(size),
            "ones": b"\xff" * size,
            "short": signature[:-1],
            "long": signature + b"\x00",
            "empty r": bytes(size // 2) + s,
            "empty s": r + bytes(size // 2),
            "swapped": s + r,
            "one bit": signature[:-1] + bytes([signature[-1] ^ 1]),
        }
        if not sent.session:
            number = int.from_bytes(s, "big")
            forged["negated s"] = r + (ORDER - number).to_bytes(32, "big")
            forged["s plus the order"] = r + ((number + ORDER) % 2**256).to_bytes(32, "big")
            forged["order"] = ORDER.to_bytes(32, "big") * 2
        for what, value in forged.items():
            headers = sent.headers(X_Signature=base64.b64encode(value).decode())
            assert is_unproven(await sent.send(platform.http, headers)), what
        assert (await sent.send(platform.http)).status == 422


async def test_an_algorithm_cannot_be_talked_down(platform: Platform) -> None:
    session = await platform.partner().open_session("T-0001")
    by_key, by_session = call(platform, BODY), call(platform, BODY, session=session)
    for kind in ("none", "sm2", "HMAC-SHA256", "HMAC-SM3", "SM2,HMAC-SM3"):
        assert is_unproven(await by_key.send(platform.http, by_key.headers(X_Sign_Type=kind))), kind
    assert is_unproven(await by_session.send(platform.http, by_session.headers(X_Sign_Type="SM2")))
    # The public key is no secret: it must not serve as one.
    for secret in (PAIR.public, PAIR.public.hex().encode(), b"", bytes(32)):
        signature = base64.b64encode(hmac_sm3(secret, by_key.text())).decode()
        headers = by_key.headers(X_Sign_Type="HMAC-SM3", X_Signature=signature)
        assert is_unproven(await by_key.send(platform.http, headers))


async def test_a_proven_call_that_may_not_is_refused_signed(platform: Platform) -> None:
    await platform.admit(APP_ID, scopes=())
    sent = call(platform, b"not json")
    answer = await sent.send(platform.http)
    assert (answer.status, answer.error) == (403, "scope.missing")
    assert is_signed_by_platform(platform, sent, answer)


async def test_a_session_is_asked_for_with_its_declared_shape(platform: Platform) -> None:
    for body in (
        b"",
        b"{}",
        b'{"terminal_id": 1}',
        b'{"terminal_id": "T-0001", "more": 1}',
        b'{"terminal_id": "T 1"}',
    ):
        sent = call(platform, body, path="/partner/v1/sessions")
        answer = await sent.send(platform.http)
        assert answer.status == 400
        assert is_signed_by_platform(platform, sent, answer)
    sent = call(platform, json.dumps({"terminal_id": "T-0001"}).encode(), path="/partner/v1/sessions")
    opened = await sent.send(platform.http)
    assert opened.status == 201
    assert len(sm2.decrypt(PAIR.private, base64.b64decode(opened.json["key"], validate=True))) == 32
