"""What hospitals send their patients (B7.10)."""

from typing import Any

import pytest
from pymongo.database import Database

from sandbox.partner_client import PartnerClient
from tests.harness import Platform

pytestmark = [pytest.mark.feature("N2"), pytest.mark.gen_test(timeout=60)]
MESSAGES = "/partner/v1/messages"
SENT: dict[str, dict[str, Any]] = {
    "prescription_due": {"department": "内科", "amount_fen": 1230},
    "bill_due": {"amount_fen": 500, "item": "检查费"},
    "medicine_ready": {"place": "门诊药房 3 号窗口"},
    "examination_booked": {
        "item": "腹部超声",
        "starts_at": "2026-11-23T01:00:00Z",
        "place": "超声科",
        "preparation": "检查前禁食八小时",
    },
    "report_ready": {"item": "血常规"},
    "queue_position": {"place": "内科 2 诊室", "ahead": 5, "token": "A012"},
    "queue_near": {"place": "内科 2 诊室", "ahead": 1},
    "queue_called": {"place": "内科 2 诊室"},
    "queue_missed": {"place": "内科 2 诊室"},
    "clinic_stopped": {"department": "内科", "starts_at": "2026-11-24T01:00:00Z"},
    "admission_ready": {"department": "外科", "admit_on": "2026-11-25", "bed": "12 床"},
    "daily_list": {"on": "2026-11-22", "amount_fen": 88000},
    "deposit_low": {"amount_fen": 10000},
    "discharge_ready": {"department": "外科"},
}


async def known(platform: Platform) -> tuple[str, str, PartnerClient]:
    """(token, card_id, hospital) that has verified the card."""
    await platform.admit(scopes=("verification", "messages", "persons.pix"))
    token, card_id = await platform.holder(platform.residents[0])
    client = platform.partner()
    await platform.scan(client, await platform.code(token, card_id))
    return token, card_id, client


async def test_every_kind_of_the_guide_reaches_the_inbox(platform: Platform, db: Database[Any]) -> None:
    token, card_id, client = await known(platform)
    for kind, fields in SENT.items():
        sent = await client.call("POST", MESSAGES, {"kind": kind, "card_id": card_id, "fields": fields})
        assert (sent.status, sent.body["inboxes"]) == (201, 1), (kind, sent.body)
        platform.clock.advance(1)
    inbox = {one["kind"]: one for one in await platform.messages(token)}
    assert inbox.keys() >= SENT.keys()
    assert all("云溪市第一人民医院" in inbox[kind]["text"] for kind in SENT)
    assert "12.30 元" in inbox["prescription_due"]["text"]
    assert "血常规" in inbox["report_ready"]["text"]
    assert "血常规" not in str(list(db.messages.find())) + str(list(db.deliveries.find()))


async def test_a_message_is_sent_once_for_one_key(platform: Platform, db: Database[Any]) -> None:
    token, card_id, client = await known(platform)
    body = {"kind": "report_ready", "card_id": card_id, "fields": SENT["report_ready"]}
    answers = [await client.call("POST", MESSAGES, body, idempotency_key="k-1") for _ in range(2)]
    assert answers[0].body == answers[1].body
    db.idempotency.delete_many({})  # as if the process had died before it answered
    platform.clock.advance(60)
    assert (await client.call("POST", MESSAGES, body, idempotency_key="k-1")).body == answers[0].body
    assert len([one for one in await platform.messages(token) if one["kind"] == "report_ready"]) == 1


async def test_a_hospital_names_its_patient_in_its_own_way(platform: Platform) -> None:
    token, card_id, client = await known(platform)
    card = (await platform.http.get("/api/v1/cards", token=token)).json["cards"][0]
    assert card["card_id"] == card_id
    verified = await platform.scan(client, await platform.code(token, card_id))
    number = {"hospital_patient_no": "P-7", "verification_id": verified.body["verification_id"]}
    assert (await client.call("POST", "/partner/v1/patients", number)).status == 201
    fields = SENT["bill_due"]
    for whom in ({"hospital_patient_no": "P-7"}, {"person_id": verified.body["person"]["person_id"]}):
        assert (
            await client.call("POST", MESSAGES, {"kind": "bill_due", **whom, "fields": fields})
        ).status == 201
    unknown = {"kind": "bill_due", "hospital_patient_no": "P-8", "fields": fields}
    refused = await client.call("POST", MESSAGES, unknown)
    assert (refused.status, refused.body["error"]["code"]) == (404, "patient.not_found")
    none = await client.call("POST", MESSAGES, {"kind": "bill_due", "fields": fields})
    assert (none.status, none.body["error"]["code"]) == (400, "request.invalid")


async def test_only_what_hospitals_may_send_with_the_fields_it_has(platform: Platform) -> None:
    _, card_id, client = await known(platform)
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("card_frozen", {}, "message.kind_unknown"),
        ("visit_soon", {}, "message.kind_unknown"),
        ("bill_due", {"item": "检查费"}, "message.fields_wrong"),
        ("bill_due", {"amount_fen": 1, "bed": "1"}, "message.fields_wrong"),
    ]
    for kind, fields, code in wrong:
        sent = await client.call("POST", MESSAGES, {"kind": kind, "card_id": card_id, "fields": fields})
        assert (sent.status, sent.body["error"]["code"]) == (422, code), kind
    told = await client.call(
        "POST", MESSAGES, {"kind": "bill_due", "card_id": card_id, "fields": {"bed": "1"}}
    )
    assert told.body["error"]["detail"] == {"missing": ["amount_fen"], "unexpected": ["bed"]}
    lines = {"amount_fen": 1, "note": "first\nsecond"}
    broken = await client.call("POST", MESSAGES, {"kind": "bill_due", "card_id": card_id, "fields": lines})
    assert broken.status == 400
    stranger = platform.residents[1]
    _, other_card = await platform.holder(stranger)
    sent = await client.call(
        "POST", MESSAGES, {"kind": "bill_due", "card_id": other_card, "fields": SENT["bill_due"]}
    )
    assert sent.status == 404


async def test_nobody_floods_a_patient(platform: Platform) -> None:
    _, card_id, client = await known(platform)
    body = {"kind": "report_ready", "card_id": card_id, "fields": SENT["report_ready"]}
    budgets = platform.app.mongo.collection("budgets")
    assert (await client.call("POST", MESSAGES, body)).status == 201
    await budgets.update({"_id": {"$regex": "^patient_messages"}}, {"$set": {"spent": 60}})
    refused = await client.call("POST", MESSAGES, body)
    assert (refused.status, refused.body["error"]["code"]) == (429, "patient_messages.too_many")
