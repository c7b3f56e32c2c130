"""No name, document number or phone in the database, in logs or in the text of an error (I15, S2)."""

from typing import Any

import bson
import pytest
from pymongo.database import Database

from tests.api.calls import call, scan_body
from tests.harness import Platform

pytestmark = [pytest.mark.feature("S2", "S4"), pytest.mark.gen_test(timeout=60)]


def raw_rows(db: Database[Any]) -> dict[str, bytes]:
    """The stored bytes of every collection."""
    rows: dict[str, bytes] = {}
    for name in db.list_collection_names():
        raw = db.get_collection(
            name, codec_options=bson.CodecOptions(document_class=bson.raw_bson.RawBSONDocument)
        )
        rows[name] = b"".join(row.raw for row in raw.find())
    return rows


async def test_a_whole_trip_leaves_no_plain_field_behind(
    platform: Platform, db: Database[Any], logged: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    resident = platform.residents[6]
    await platform.admit(scopes=("verification", "verification.full"))
    token = await platform.sign_in(resident)
    headers = {"Idempotency-Key": "claim-1"}
    body = platform.application(resident)
    await platform.fault("real_name", refuse=True, times=1)
    await platform.fault("mobile", refuse=True, times=1)
    wrong = platform.application(resident, name="李四")
    assert (await platform.http.post("/api/v1/cards", wrong, token=token)).status == 202
    platform.clock.advance(11)
    await platform.work()
    assert (await platform.http.post("/api/v1/cards", body, token=token, headers=headers)).status == 201
    listed = await platform.http.get("/api/v1/cards", token=token)
    card_id = next(card["card_id"] for card in listed.json["cards"] if card["status"] == "active")
    assert resident.id_no not in listed.body.decode()
    code = await platform.code(token, card_id)
    sent = {"code": code, "scene": "010101", "terminal_id": "T-0001"}
    reply = await platform.partner().call("POST", "/partner/v1/verifications", sent, idempotency_key="scan-1")
    assert reply.body["person"]["id_no"] == resident.id_no
    await platform.scan(platform.partner(), code)
    await platform.work()
    assert len(await platform.messages(token)) == 2

    secrets = {"name": resident.name, "id_no": resident.id_no, "phone": resident.phone, "other": "李四"}
    born = resident.birth_on.isoformat()
    rows = raw_rows(db)
    assert {"cards", "persons", "accounts", "usages", "audit", "messages", "idempotency"} <= rows.keys()
    for what, secret in {**secrets, "birthday": born, "short number": resident.id_no[6:17]}.items():
        found = [name for name, raw in rows.items() if secret.encode() in raw]
        assert found == [], what
    text = "\n".join([*logged, *(f"{r.name} {r.getMessage()}" for r in caplog.records)])
    assert "verifications" in text, "the log is not looked at"
    for what, secret in secrets.items():
        assert secret not in text, what
    assert token not in text
    assert token.encode() not in b"".join(rows.values())


@pytest.mark.parametrize("audience", ["resident", "partner"])
async def test_a_bug_says_nothing_of_the_request(
    platform: Platform,
    logged: list[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    audience: str,
) -> None:
    resident = platform.residents[0]
    token = await platform.sign_in(resident)

    async def broken(*given: Any, **more: Any) -> None:
        raise RuntimeError(f"cannot handle {given} {more} {resident.name} {resident.id_no}")

    if audience == "resident":
        monkeypatch.setattr(platform.app.services.claims, "claim", broken)
        answer = await platform.claim(token, resident)
    else:
        monkeypatch.setattr(platform.app.services.verification, "verify", broken)
        answer = await call(platform, scan_body(resident.id_no, department=resident.name)).send(platform.http)
    assert answer.status == 500
    assert answer.json == {
        "error": {"code": "server.failed", "message": "Internal Server Error", "detail": {}},
        "request_id": answer.json["request_id"],
    }
    text = "\n".join([*logged, *(f"{r.name} {r.getMessage()} {r.exc_text}" for r in caplog.records)])
    assert "RuntimeError" in text
    assert "test_personal_data.py" in text
    for secret in (resident.name, resident.id_no, resident.phone, token):
        assert secret not in text


async def test_a_bug_leaves_its_idempotency_key_to_another_try(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident = platform.residents[0]
    token = await platform.sign_in(resident)
    body, headers = platform.application(resident), {"Idempotency-Key": "k"}

    async def broken(*_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(platform.app.services.claims, "claim", broken)
        assert (await platform.http.post("/api/v1/cards", body, token=token, headers=headers)).status == 500
    busy = await platform.http.post("/api/v1/cards", body, token=token, headers=headers)
    assert (busy.status, busy.error) == (409, "idempotency.in_progress")
    platform.clock.advance(30)
    assert (await platform.http.post("/api/v1/cards", body, token=token, headers=headers)).status == 201


async def test_every_refusal_has_the_one_form(platform: Platform) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    http = platform.http
    refusals = [
        await http.get("/api/v1/cards"),
        await http.get("/nothing"),
        await http.post("/api/v1/cards", {}, token=token),
        await http.get("/api/v1/cards/" + "0" * 26, token=token),
        await http.send("PUT", "/api/v1/cards"),
        await platform.claim(token, resident, phone="1"),
        await call(platform, b"{}").send(http),
        await http.post("/partner/v1/verifications", {}),
    ]
    for answer in refusals:
        assert answer.json.keys() == {"error", "request_id"}
        assert answer.json["error"].keys() == {"code", "message", "detail"}
        assert answer.error.count(".") == 1
        assert len(answer.json["request_id"]) == 16
        for secret in (resident.name, resident.id_no, resident.phone, token, card_id):
            assert secret not in answer.body.decode()
    assert len({answer.json["request_id"] for answer in refusals}) == len(refusals)
