"""Uses a hospital saw itself (V9, A6.4): each row answered on its own, stored once, whatever comes twice."""

import asyncio
import json
from typing import Any

import pytest
from pymongo.database import Database

from server.core.audit_verifier import AuditVerifier
from server.core.clock import iso
from server.core.idempotency import LEASE
from server.usage.model import UsageReporting
from tests.api.calls import another_process, call, is_signed_by_platform
from tests.harness import APP_ID, Answer, Platform

pytestmark = [pytest.mark.feature("V9"), pytest.mark.gen_test(timeout=60)]

PATH = "/partner/v1/usage-events"
SCOPES = ("verification", "usage.report", "persons.pix")
INSTITUTION = f"institution-of-{APP_ID}"
Rows = dict[str, Any]


def event(platform: Platform, event_id: str, **changes: Any) -> Rows:
    """An indirect use, an hour ago, unless said otherwise."""
    return {
        "event_id": event_id,
        "step": "0101012",
        "channel": "0100",
        "cost_type": "0200",
        "department": "内科",
        "direct": False,
        "used_at": iso(platform.clock.now()),
        **changes,
    }


async def tell(platform: Platform, *events: Rows, key: str | None = None, app_id: str = APP_ID) -> Answer:
    sent = call(platform, json.dumps({"events": events}).encode(), path=PATH, app_id=app_id)
    headers = sent.headers() | ({"Idempotency-Key": key} if key else {})
    answer = await sent.send(platform.http, headers)
    assert is_signed_by_platform(platform, sent, answer)
    return answer


async def outcomes(answer: Answer) -> list[tuple[str, str | None]]:
    assert answer.status == 200, answer.body
    return [(row["outcome"], row["code"]) for row in answer.json["receipts"]]


async def known_patient(platform: Platform) -> tuple[str, str, str]:
    """(token, card_id, person_id) of a holder whom the hospital calls P-1."""
    await platform.admit(scopes=SCOPES)
    token, card_id = await platform.holder(platform.residents[0])
    seen = await platform.scan(platform.partner(), await platform.code(token, card_id))
    bound = {"hospital_patient_no": "P-1", "verification_id": seen.body["verification_id"]}
    reply = await platform.partner().call("POST", "/partner/v1/patients", bound)
    assert reply.status == 201
    return token, card_id, str(reply.body["person_id"])


async def test_a_use_is_told_by_number_by_card_by_person_and_by_code(
    platform: Platform, db: Database[Any]
) -> None:
    token, card_id, person_id = await known_patient(platform)
    platform.clock.advance(1)
    offline = await platform.code(token, card_id)
    static = await platform.code(token, card_id, "static")
    answer = await tell(
        platform,
        event(platform, "e-1", hospital_patient_no="P-1"),
        event(platform, "e-2", card_id=card_id),
        event(platform, "e-3", person_id=person_id),
        event(platform, "e-4", code=offline, direct=True),
        event(platform, "e-5", code=static, direct=True, cost_type=None, department=None),
    )
    assert await outcomes(answer) == [("accepted", None)] * 5
    assert (answer.json["accepted"], answer.json["duplicates"], answer.json["refused"]) == (5, 0, 0)
    rows = list(db.usages.find({"told_at": {"$exists": True}}).sort("_id"))
    assert {row["card_id"] for row in rows} == {card_id} and {row["person_id"] for row in rows} == {person_id}
    assert sorted(row["is_direct"] for row in rows) == [False, False, False, True, True]
    assert [row["is_dynamic"] for row in rows].count(True) == 1
    assert {row["institution_id"] for row in rows} == {INSTITUTION}
    [first] = [row for row in rows if row["use_key"].startswith("reported:")][:1]
    assert (first["scene"], first["channel"], first["cost_type"]) == ("0101012", "0100", "0200")
    assert (first["department"], first["is_late"]) == ("内科", False)
    # The offline code was used by this: a scan of it afterwards is refused, as a second telling is.
    refused = await platform.scan(platform.partner(), offline)
    assert refused.error and refused.error[0] == "code.already_used"
    assert [row["event_id"] for row in rows if "event_id" in row] == [], (
        "a hospital's id is not kept in clear"
    )
    again = await tell(platform, event(platform, "e-9", code=offline, direct=True))
    assert await outcomes(again) == [("duplicate", None)]
    await platform.work()
    assert len(await platform.messages(token)) == 1, "a use that is told afterwards is no receipt"
    await platform.app.chains[1].checkpoint()
    verifier: AuditVerifier = platform.app.verifier
    assert (await verifier.verify()).problems == []


async def test_each_row_is_refused_on_its_own(platform: Platform, db: Database[Any]) -> None:
    _, card_id, _ = await known_patient(platform)
    other_token, other_card = await platform.holder(platform.residents[1])
    old = await platform.code(other_token, other_card)
    forged = old[:-12] + ("0" if old[-12] != "0" else "1") + old[-11:]
    now = platform.clock.now()
    wrong = [
        (event(platform, "a", hospital_patient_no="P-2"), "usage.no_card"),
        (event(platform, "b", card_id="0" * 26), "usage.no_card"),
        (event(platform, "c", person_id="0" * 26), "usage.no_card"),
        (event(platform, "d"), "usage.subject_unclear"),
        (event(platform, "e", card_id=card_id, hospital_patient_no="P-1"), "usage.subject_unclear"),
        (event(platform, "f", card_id=card_id, step="999999"), "scene.unknown"),
        (event(platform, "g", card_id=card_id, channel="9999"), "channel.unknown"),
        (event(platform, "h", card_id=card_id, cost_type="9999"), "cost_type.unknown"),
        (event(platform, "i", card_id=card_id, used_at="2026-11-22T08:05:00.001Z"), "usage.impossible_time"),
        (event(platform, "j", card_id=card_id, used_at="2016-12-31T23:59:59Z"), "usage.impossible_time"),
        (event(platform, "k", card_id=card_id, used_at="0001-01-01T00:00:00+14:00"), "usage.impossible_time"),
        (event(platform, "l", card_id=card_id, used_at="9999-12-31T23:59:59-14:00"), "usage.impossible_time"),
        (event(platform, "m", code="hello", direct=True), "code.malformed"),
        (event(platform, "n", code=forged, direct=True), "code.forged"),
        (event(platform, "o", code="0" * 64 + ":1::0000A0001", direct=True), "usage.no_card"),
        (event(platform, "p", code="0" * 64 + ":1::0000B0001", direct=True), "usage.no_card"),
        (event(platform, "q", code=old, direct=True, used_at="2026-11-22T07:00:00Z"), "code.expired"),
    ]
    good = event(platform, "good", card_id=card_id, used_at="2026-11-22T08:05:00Z")
    answer = await tell(platform, *(row for row, _ in wrong), good)
    assert await outcomes(answer) == [*(("refused", code) for _, code in wrong), ("accepted", None)]
    [stored] = list(db.usages.find({"told_at": now}))
    assert stored["at"].isoformat().startswith("2026-11-22T08:05:00")
    entry = db.audit.find_one({"action": "usage.report"})
    assert entry and entry["detail"]["rows"] == 18 and "code.forged:1" in entry["detail"]["refused"]
    for shape in ({"step": {"$ne": 1}}, {"extra": 1}, {"used_at": 5}, {"direct": "yes"}, {"event_id": ""}):
        assert (
            await tell(platform, event(platform, "x", card_id=card_id) | shape)
        ).error == "request.invalid"
    assert (await tell(platform)).error == "request.invalid"
    many = [event(platform, f"m-{n}", card_id=card_id) for n in range(501)]
    assert (await tell(platform, *many)).error == "request.invalid"


async def test_what_comes_twice_is_kept_once_and_what_comes_late_is_marked(
    platform: Platform, db: Database[Any]
) -> None:
    _, card_id, _ = await known_patient(platform)
    await platform.admit("hospital-b-his", "T-0002", SCOPES)
    late = event(platform, "e-2", card_id=card_id, used_at="2026-11-21T07:59:59Z")
    first = [event(platform, "e-1", card_id=card_id), late, event(platform, "e-1", card_id=card_id)]
    answer = await tell(platform, *first, key="batch-1")
    assert await outcomes(answer) == [("accepted", None), ("accepted", None), ("duplicate", None)]
    assert [row["late"] for row in answer.json["receipts"]] == [False, True, False]
    assert (await tell(platform, *first, key="batch-1")).body == answer.body, "the same request, same bytes"
    again = await tell(platform, *first)
    assert await outcomes(again) == [("duplicate", None)] * 3
    assert [row["late"] for row in again.json["receipts"]] == [False, True, False]
    # Another institution's events are its own, whatever they are called.
    assert await outcomes(await tell(platform, *first[:1], app_id="hospital-b-his")) == [("accepted", None)]
    async with another_process(platform) as other:
        told = [tell(one, event(platform, "race", card_id=card_id)) for one in (platform, other) * 8]
        met = [(await outcomes(one))[0][0] for one in await asyncio.gather(*told)]
    assert sorted(met) == ["accepted"] + ["duplicate"] * 15
    assert db.usages.count_documents({"told_at": {"$exists": True}}) == 4
    assert db.usages.count_documents({"is_late": True}) == 1
    await platform.decide(UsageReporting, late_after_hours=48)
    answer = await tell(platform, late | {"event_id": "e-3"})
    assert answer.json["receipts"][0]["late"] is False


async def test_a_request_that_lost_its_answer_gets_it_again(platform: Platform, db: Database[Any]) -> None:
    """The process died between storing and keeping the answer: whoever asks again with the key is told that
    the rows are accepted, and the audit seals them."""
    _, card_id, _ = await known_patient(platform)
    batch = [event(platform, f"e-{n}", card_id=card_id) for n in range(3)]
    await tell(platform, *batch, key="lost")
    db.idempotency.update_many({}, {"$unset": {"answer": "", "status": ""}})
    platform.clock.advance(LEASE.total_seconds() + 1)
    assert await outcomes(await tell(platform, *batch, key="lost")) == [("accepted", None)] * 3
    entry = db.audit.find_one({"action": "usage.report"}, sort=[("_id", -1)])
    assert entry and len(entry["detail"]["repeated"]) == 3
    assert db.usages.count_documents({"told_at": {"$exists": True}}) == 3


async def test_a_full_batch_and_a_scope(platform: Platform, db: Database[Any]) -> None:
    _, card_id, _ = await known_patient(platform)
    batch = [event(platform, f"e-{n}", card_id=card_id) for n in range(500)]
    answer = await tell(platform, *batch)
    assert (answer.json["accepted"], len(answer.json["receipts"])) == (500, 500)
    assert db.usages.count_documents({"told_at": {"$exists": True}}) == 500
    await platform.admit(scopes=("verification",))
    assert (await tell(platform, *batch[:1])).error == "scope.missing"


async def test_a_merged_person_is_found_by_every_number(platform: Platform, db: Database[Any]) -> None:
    _, card_id, person_id = await known_patient(platform)
    await platform.admit(scopes=(*SCOPES, "persons.register"))
    entry = {"name": "欧阳明月", "id_type": "01", "id_no": platform.residents[3].id_no}
    entry |= {"name": platform.residents[3].name, "hospital_patient_no": "P-7"}
    reply = await platform.partner().call("POST", "/partner/v1/persons", entry)
    absorbed = reply.body["person_id"]
    nobody = await tell(platform, event(platform, "before", hospital_patient_no="P-7"))
    assert await outcomes(nobody) == [("refused", "usage.no_card")], "a person without a card uses none"
    db.persons.update_one({"_id": absorbed}, {"$set": {"state": "merged", "merged_into": person_id}})
    told = await tell(
        platform,
        event(platform, "e-1", hospital_patient_no="P-7"),
        event(platform, "e-2", person_id=absorbed),
    )
    assert await outcomes(told) == [("accepted", None)] * 2
    assert {row["card_id"] for row in db.usages.find({"told_at": {"$exists": True}})} == {card_id}
