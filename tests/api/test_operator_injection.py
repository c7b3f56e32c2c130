"""No operator of the database comes from a caller: neither in JSON, query nor path, on any route."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from handlers.openapi import operations
from handlers.routes import ROUTES
from handlers.scopes import SCOPES
from server.staff.roles import PERMISSIONS
from tests.api.calls import call
from tests.api.recorder import RECORDER
from tests.api.test_admission import form as admission_form
from tests.harness import Answer, Platform

pytestmark = [pytest.mark.feature("S2", "V4"), pytest.mark.gen_test(timeout=90)]

MARK = "zq7canary"
OPERATORS: list[Any] = [
    {"$ne": MARK},
    {"$gt": MARK},
    {"$where": f"'{MARK}'"},
    {"$regex": MARK},
    {"$in": [MARK]},
    [{"$ne": MARK}],
    {f"a.{MARK}": 1},
]
BODIES: dict[str, list[dict[str, Any]]] = {
    "/api/v1/sms-codes": [{"phone": "19900000000", "purpose": "phone"}],
    "/api/v1/account/phone": [{"phone": "19900000000", "code": "123456", "request_id": "x" * 26}],
    "/api/v1/sessions": [
        {"method": "sms", "phone": "19900000000", "code": "000000", "request_id": "0" * 26},
        {"method": "wechat", "code": "x", "phone_code": "x"},
        {"method": "alipay", "code": "x"},
    ],
    "/api/v1/cards": [
        {
            "name": "王三",
            "id_type": "01",
            "id_no": "990101199003070011",
            "phone": "19900000000",
            "relation": "self",
            "notice_version": "2026-11",
        }
    ],
    "/api/v1/cards/{card_id}/transitions": [{"action": "freeze", "factor": {"kind": "pin", "pin": "192837"}}],
    "/api/v1/cards/{card_id}/pin": [{"pin": None, "factor": None}],
    "/api/v1/cards/{card_id}/preferences": [
        {
            "shows": "dynamic",
            "static_needs_pin": True,
            "static_allowed": True,
            "privacy": {"records": "ask", "reports": "ask", "visits": "ask", "payments": "ask"},
        }
    ],
    "/api/v1/appointments": [
        {"card_id": "0" * 26, "institution_id": "H001", "slot_id": "clinic:D01:20261127:lin-1~s1"}
    ],
    "/partner/v1/slot-pools/{schedule_id}": [
        {
            "kind": "clinic",
            "department": {"department_id": "D01", "name": "x"},
            "place": "x",
            "on": "2026-11-27",
            "slots": [],
        }
    ],
    "/staff/v1/institutions/{institution_id}/hospital-system": [{"kind": "pools", "name": "x"}],
    "/staff/v1/institutions/{institution_id}/slot-pools/{schedule_id}": [
        {
            "kind": "clinic",
            "department": {"department_id": "D01", "name": "x"},
            "place": "x",
            "on": "2026-11-27",
            "slots": [],
        }
    ],
    "/api/v1/authorization-requests/{request_id}/approval": [{"card_id": "0" * 26}],
    "/api/v1/messages/{message_id}/read": [],
    "/api/v1/visits/{visit_id}/check-in": [
        {"place": {"latitude": 30.0, "longitude": 120.0, "accuracy_m": 20.0, "system": "gcj02"}},
        {"scan": "x"},
    ],
    "/api/v1/examination-plans": [
        {
            "card_id": "0" * 26,
            "institution_id": "i",
            "order_ids": ["0" * 26],
            "from_on": "2026-11-23",
        }
    ],
    "/partner/v1/examination-orders": [
        {
            "registration_no": "r",
            "verification_id": "0" * 26,
            "order_no": "o",
            "item": "ecg",
            "name": "x",
            "department_id": "d",
            "state": "open",
            "fee_fen": 0,
            "ordered_at": "2026-11-22T08:00:00Z",
        }
    ],
    "/partner/v1/visits": [
        {
            "verification_id": "0" * 26,
            "registration_no": "r",
            "department": "x",
            "department_id": "d",
            "doctor": "x",
            "doctor_id": "d",
            "place": "x",
        }
    ],
    "/partner/v1/visit-events": [
        {
            "registration_no": "r",
            "visit_id": "0" * 26,
            "event": "ordered",
            "about": "o",
            "event_id": "e",
            "happened_at": "2026-11-22T08:00:00Z",
            "next": {"what": "x", "place": "x"},
        }
    ],
    "/partner/v1/queue-events": [
        {
            "registration_no": "r",
            "visit_id": "0" * 26,
            "event": "joined",
            "queue_id": "q",
            "token_no": "1",
            "position": 1,
            "ahead": 0,
            "place": "x",
            "happened_at": "2026-11-22T08:00:00Z",
        }
    ],
    "/partner/v1/queues/{queue_id}": [{"name": "x", "place": "x", "department_id": "d", "doctor_id": "d"}],
    "/partner/v1/queues/{queue_id}/tokens": [
        {"registration_no": "r", "visit_id": "0" * 26, "priority": "emergency"}
    ],
    "/partner/v1/queues/{queue_id}/calls": [{"place": "x"}],
    "/partner/v1/queues/{queue_id}/tokens/{token_id}/transitions": [{"action": "miss"}],
    "/api/v1/message-preferences": [
        {"quiet_hours": {"begins": "22:00", "ends": "07:00"}, "groups": {"queue": "inbox"}}
    ],
    "/api/v1/message-credits": [{"template_id": "x", "accepted": True}],
    "/api/v1/medication-plans/{plan_id}": [
        {
            "meals": {"breakfast": "07:00", "lunch": "12:00", "dinner": "18:00", "bedtime": "21:00"},
            "is_active": True,
        }
    ],
    "/api/v1/medication-plans/{plan_id}/ticks": [
        {"at": "2026-11-22T23:30:00Z", "item_nos": [1], "state": "taken"}
    ],
    "/partner/v1/messages": [
        {
            "kind": "bill_due",
            "hospital_patient_no": "x",
            "fields": {"amount_fen": 1, "item": "x", "note": "x", "starts_at": "2026-11-22T23:30:00Z"},
        }
    ],
    "/partner/v1/prescriptions": [
        {
            "hospital_patient_no": "x",
            "prescription_no": "x",
            "first_on": "2026-11-22",
            "items": [{"drug": "x", "dose": "1", "unit": "x", "times_a_day": 3, "days": 3}],
        }
    ],
    "/staff/v1/sessions": [{"login_name": "x", "password": "x", "totp": "000000"}],
    "/staff/v1/password": [{"password": "x", "totp": "000000", "new_password": "x"}],
    "/staff/v1/enrolment": [{"token": "x" * 43, "password": "x"}],
    "/staff/v1/enrolment/confirmation": [{"token": "x" * 43, "totp": "000000"}],
    "/staff/v1/partners/{app_id}/dialects/{dialect}": [{"clerk_id": "x", "hospital_id": "x"}],
    "/staff/v1/policies/{name}": [{"replaces": 0}],
    "/staff/v1/accounts": [{"login_name": "amy", "display_name": "x"}],
    "/staff/v1/accounts/{staff_id}/transitions": [{"action": "suspend", "reason": "away"}],
    "/staff/v1/accounts/{staff_id}/roles": [{"role": "claim_reviewer"}],
    "/staff/v1/claim-reviews/{card_id}/decision": [{"decision": "refuse", "reason": "unclear"}],
    "/staff/v1/cards/{card_id}/transitions": [{"action": "freeze", "reason": "x"}],
    "/staff/v1/security-events/{event_id}/closure": [{"note": "x"}],
    "/staff/v1/persons/searches": [
        {"phone": "x", "name": "x"},
        {"document": {"id_type": "01", "id_no": "x"}, "identifier": {"domain": "x", "value": "x"}},
    ],
    "/staff/v1/persons/{person_id}": [{"version": 1, "reason": "married", "name": "x"}],
    "/staff/v1/persons/{person_id}/unmasked": [{"reason": "a letter"}],
    "/staff/v1/persons/{person_id}/identifiers": [{"domain": "x", "value": "x"}],
    "/staff/v1/person-reviews/{review_id}/decision": [{"decision": "new", "reason": "two people"}],
    "/staff/v1/merges": [{"absorbed_id": "0" * 26, "survivor_id": "1" * 26, "reason": "alike"}],
    "/staff/v1/merges/{merge_id}/refusal": [{"reason": "sisters"}],
    "/staff/v1/merges/{merge_id}/reversal": [{"reason": "sisters"}],
    "/staff/v1/merges/{merge_id}/reversal/refusal": [{"reason": "sisters"}],
    "/partner/v1/persons": [
        {
            "name": "x",
            "id_type": "01",
            "id_no": "x",
            "gender": "male",
            "birth_on": "1980-05-17",
            "phone": "x",
            "address": "x",
            "nation": "x",
            "hospital_patient_no": "x",
            "guardian": {"name": "x", "relation": "mother", "phone": "x"},
        }
    ],
    "/partner/v1/patients": [{"hospital_patient_no": "x", "person_id": "0" * 26}],
    "/partner/v1/cards": [
        {
            "name": "王三",
            "id_type": "01",
            "id_no": "990101199003070011",
            "phone": "19900000000",
            "terminal_id": "T-0001",
            "reading": {"how": "typed"},
            "face_to_face": {"clerk_id": "c-1"},
        }
    ],
    "/partner/v1/sessions": [{"terminal_id": "T-0001"}],
    "/api/v1/authorization-requests": [{"text": "EHCA1:" + "0" * 26 + ":0000A0001"}],
    "/partner/v1/authorization-requests": [
        {"terminal_id": "T-0001", "scene": "010101", "channel": "0100", "department": "x", "purpose": "x"}
    ],
    "/partner/v1/admissions": [admission_form()],
    "/partner/v1/admissions/states": [{"token": "x" * 43}],
    "/partner/v1/keys": [{"key_id": "k9", "public_key_hex": "04" + "0" * 128}],
    "/staff/v1/admissions/{admission_id}/vetting": [{"decision": "pass", "reason": "papers seen"}],
    "/staff/v1/admissions/{admission_id}/decision": [{"decision": "pass", "reason": "papers seen"}],
    "/staff/v1/partners/{app_id}/suspension": [{"reason": "an incident"}],
    "/staff/v1/partners/{app_id}/limits": [{"scopes": ["verification"], "valid_until": None}],
    "/staff/v1/partners/{app_id}/terminals/{terminal_id}": [
        {"place": "x", "channel": "0100", "is_active": True, "scenes": ["010101"]}
    ],
    "/staff/v1/partners/{app_id}/criteria/{name}": [{"state": "met", "note": "x", "due_on": "2026-12-01"}],
    "/partner/v1/usage-events": [
        {
            "events": [
                {
                    "event_id": "e-1",
                    "hospital_patient_no": "x",
                    "step": "010101",
                    "channel": "0100",
                    "department": "x",
                    "cost_type": "0100",
                    "direct": False,
                    "used_at": "2026-11-22T08:00:00Z",
                }
            ]
        }
    ],
    "/staff/v1/code-mappings/{institution_id}": [{"replaces": 0, "steps": {"A1": "010101"}}],
    "/partner/v1/verifications": [
        {
            "code": "0" * 64 + ":1::0000A0001",
            "scene": "010101",
            "terminal_id": "T-0001",
            "channel": "0100",
            "department": "x",
            "purpose": "x",
            "pin": "192837",
        }
    ],
}


def spoiled(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in body:
        for operator in OPERATORS:
            yield {**body, name: operator}
    for key in ("$where", f"${MARK}", f"name.${MARK}", "_id.$ne", MARK):
        yield {**body, key: MARK}


def filled(path: str, id: str = "0" * 26) -> str:
    """The path with something of the right form for each of its parts."""
    words = (
        path.replace("{role}", "claim_reviewer").replace("{name}", "claims").replace("{app_id}", "some-his")
    )
    return re.sub(r"\{\w+\}", id, words)


async def tokens(platform: Platform) -> dict[str, str]:
    """A resident's token, and one of staff who may do everything, by audience; the partner may, too."""
    await platform.admit(scopes=tuple(SCOPES))
    resident = await platform.sign_in(platform.residents[0])
    return {"resident": resident, "staff": await platform.staff(*PERMISSIONS)}


async def send(
    platform: Platform, known: dict[str, str], method: str, target: str, body: Any = None
) -> Answer:
    token = known["staff" if target.startswith("/staff/") else "resident"]
    if target.startswith(("/partner/", "/fhir/")):
        path, _, query = target.partition("?")
        raw = b"" if body is None else json.dumps(body).encode()
        return await call(platform, raw, method=method, path=path, query=query).send(platform.http)
    raw_body = None if body is None else json.dumps(body).encode()
    if method in ("POST", "PUT", "PATCH") and raw_body is None:
        raw_body = b""
    return await platform.http.send(method, target, raw=raw_body, token=token)


def values(command: Any) -> Iterator[Any]:
    """Every key and every plain value anywhere in a command."""
    if isinstance(command, dict):
        for key, value in command.items():
            yield key
            yield from values(value)
    elif isinstance(command, list | tuple):
        for value in command:
            yield from values(value)
    else:
        yield command


def carries_mark(commands: list[dict[str, Any]]) -> list[str]:
    return [c["command"] for c in commands if any(isinstance(v, str) and MARK in v for v in values(c))]


async def test_no_json_field_takes_an_operator(platform: Platform) -> None:
    known = await tokens(platform)
    with RECORDER.looking() as commands:
        for path, method, _, described in operations(ROUTES):
            if described.body is None or path.startswith("/federation/"):
                continue  # the last: test_federation_calls.py signs as a centre
            assert BODIES[path], f"{path} needs a body to spoil"
            for body in BODIES[path]:
                for spoiled_body in spoiled(body):
                    target = filled(path)
                    answer = await send(platform, known, method.upper(), target, spoiled_body)
                    assert (answer.status, answer.error) == (400, "request.invalid"), (path, spoiled_body)
                    assert MARK not in answer.body.decode()
    assert commands, "the recorder sees nothing"
    assert carries_mark(commands) == []


async def test_no_query_takes_an_operator(platform: Platform) -> None:
    _, card_id = await platform.holder(platform.residents[0])
    signed_in = await tokens(platform)
    with RECORDER.looking() as commands:
        for path, method, _, described in operations(ROUTES):
            if path.startswith("/federation/"):
                continue  # test_federation_calls.py signs as a centre
            known = list(described.query.model_fields) if described.query else []
            target = filled(path, card_id)
            operator = quote(json.dumps({"$ne": MARK}))
            queries = [f"{name}={operator}" for name in known]
            queries += [f"{name}[$ne]={MARK}" for name in (*known, "x")]
            queries += [f"$where={MARK}", f"{quote('$where')}={MARK}", f"a.b={MARK}"]
            for query in queries:
                body = BODIES[path][0] if described.body else None
                answer = await send(platform, signed_in, method.upper(), f"{target}?{query}", body)
                assert (answer.status, answer.error) == (400, "request.invalid"), (path, query)
    assert commands
    assert carries_mark(commands) == []


async def test_no_path_takes_an_operator(platform: Platform) -> None:
    known = await tokens(platform)
    with RECORDER.looking() as commands:
        for path, method, _, described in operations(ROUTES):
            if not described.path:
                continue
            # The mark is a good name for an app, a key, a terminal, an institution; an operator is none.
            named = ("app_id", "key_id", "terminal_id", "institution_id", "queue_id", "schedule_id")
            is_named = any(f"{{{part}}}" in path for part in named)
            for operator in OPERATORS if is_named else (*OPERATORS, MARK):
                text = quote(operator if isinstance(operator, str) else json.dumps(operator), safe="")
                target = "/".join(text if part.startswith("{") else part for part in path.split("/"))
                answer = await send(platform, known, method.upper(), target)
                assert (answer.status, answer.error) == (404, "resource.not_found"), target
    assert commands
    assert carries_mark(commands) == []


async def test_no_header_takes_an_operator(platform: Platform) -> None:
    resident = platform.residents[0]
    token = await platform.sign_in(resident)
    operator = json.dumps({"$ne": MARK})
    with RECORDER.looking() as commands:
        bearer = await platform.http.get("/api/v1/cards", token=operator)
        assert bearer.status == 401
        for name in ("X_App_Id", "X_Key_Id", "X_Nonce"):
            sent = call(platform, b"{}")
            assert (await sent.send(platform.http, sent.headers(**{name: operator}))).status == 401
        body = platform.application(resident)
        keyed = await platform.http.post(
            "/api/v1/cards", body, token=token, headers={"Idempotency-Key": operator}
        )
        assert keyed.status == 201
    assert carries_mark(commands) == []


async def test_the_recorder_would_see_it(platform: Platform) -> None:
    with RECORDER.looking() as commands:
        await platform.app.mongo.collection("cards").find_one({"status": {"$ne": MARK}})
    assert carries_mark(commands) == ["find"]
