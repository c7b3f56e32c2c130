"""The text-message gateway and the real-name authority: signed requests in, the right answers out."""

import json
import re
from typing import Any

import pytest

SMS = {"app_id": "sms-app", "secret": "sms-secret"}
REAL_NAME = {"app_id": "rn-app", "secret": "rn-secret"}
LOGIN_CODE = {"phone": "19900001234", "template": "login_code", "params": {"code": "482913"}}
KNOWN = {"name": "阿卜杜拉·艾力", "id_type": "01", "id_no": "99010119900307001X"}
CHECKS = "/real-name/v1/checks"


@pytest.mark.feature("N3")
def test_a_login_code_arrives_and_is_the_only_six_digit_number(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        assert (await sandbox.signed(SMS, "/sms/v1/messages", LOGIN_CODE)).code == 202
        text = (await sandbox.fetch("GET", "/sms/messages?phone=19900001234")).body.decode()
        assert set(re.findall(r"(?<!\d)\d{6}(?!\d)", text)) == {"482913"}
        [message] = json.loads(text)["messages"]
        assert message["text"] == "【电子健康卡】验证码 482913，5 分钟内有效，请勿告诉他人。"
        assert message["sent_at"] == "2026-09-21T14:13:20Z"
        assert (await sandbox.json("GET", "/sms/messages?phone=19900009999"))["messages"] == []
        page = (await sandbox.fetch("GET", "/sms/")).body.decode()
        assert "<strong>482913</strong>" in page

    with_sandbox(scenario)


@pytest.mark.feature("N3")
def test_messages_are_listed_as_they_came_and_shown_newest_first(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        codes = [f"{number:06d}" for number in range(40)]
        for code in codes:
            await sandbox.signed(SMS, "/sms/v1/messages", LOGIN_CODE | {"params": {"code": code}})
        listed = (await sandbox.json("GET", "/sms/messages"))["messages"]
        assert [message["params"]["code"] for message in listed] == codes
        page = (await sandbox.fetch("GET", "/sms/")).body.decode()
        assert re.findall(r"<strong>(\d+)</strong>", page) == codes[:9:-1]

    with_sandbox(scenario)


@pytest.mark.feature("N3")
@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"phone": "12345"}, "phone.invalid"),
        ({"template": "advertisement"}, "template.unknown"),
        ({"params": {}}, "params.missing"),
        ({"params": ["482913"]}, "params.invalid"),
    ],
)
def test_a_message_the_gateway_cannot_send_is_refused(
    with_sandbox: Any, changed: dict[str, Any], code: str
) -> None:
    async def scenario(sandbox: Any) -> None:
        response = await sandbox.signed(SMS, "/sms/v1/messages", LOGIN_CODE | changed)
        assert response.code == 422
        assert json.loads(response.body)["error"]["code"] == code
        assert (await sandbox.json("GET", "/sms/messages"))["messages"] == []

    with_sandbox(scenario)


@pytest.mark.feature("N3")
def test_a_text_cannot_put_markup_on_the_page(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        message = LOGIN_CODE | {"params": {"code": "<script>1</script>"}}
        await sandbox.signed(SMS, "/sms/v1/messages", message)
        page = (await sandbox.fetch("GET", "/sms/")).body.decode()
        assert "&lt;script&gt;1" in page
        assert "<script>1" not in page

    with_sandbox(scenario)


@pytest.mark.feature("I1")
@pytest.mark.parametrize(
    ("changed", "result"),
    [
        ({}, "match"),
        ({"id_no": "99010119900307001x"}, "match"),
        ({"name": "阿卜杜拉•艾力"}, "mismatch"),
        ({"id_no": "990101199003070028"}, "mismatch"),
        ({"id_type": "03"}, "mismatch"),
        ({"id_type": "02"}, "match"),
    ],
)
def test_the_authority_compares_name_and_number(
    with_sandbox: Any, changed: dict[str, str], result: str
) -> None:
    async def scenario(sandbox: Any) -> None:
        answer = json.loads((await sandbox.signed(REAL_NAME, CHECKS, KNOWN | changed)).body)
        assert answer["result"] == result
        assert set(answer) == {"result", "serial_no"}

    with_sandbox(scenario)


@pytest.mark.feature("I1")
def test_a_person_becomes_known_through_the_control_room(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        new = {"name": "何堃", "id_type": "01", "id_no": "990105197611066163"}
        before = json.loads((await sandbox.signed(REAL_NAME, CHECKS, new)).body)
        assert before["result"] == "mismatch"
        assert (await sandbox.json("POST", "/control/real_name/persons", {"persons": [new]}))["known"] == 2
        after = json.loads((await sandbox.signed(REAL_NAME, CHECKS, new)).body)
        assert after["result"] == "match"
        assert before["serial_no"] != after["serial_no"]
        assert (await sandbox.fetch("POST", "/control/real_name/persons", {"name": "何堃"})).code == 422

    with_sandbox(scenario)


@pytest.mark.feature("I1", "N3")
@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"X_App_Id": "somebody"}, "caller.unknown"),
        ({"X_Signature": "0" * 64}, "signature.wrong"),
        ({"X_Signature": "ß"}, "signature.wrong"),
        ({"X_Nonce": "short"}, "nonce.malformed"),
        ({"X_Timestamp": "1789999699999"}, "timestamp.outside_window"),
        ({"X_Timestamp": "1790000300001"}, "timestamp.outside_window"),
        ({"X_Timestamp": "1790000000001"}, "signature.wrong"),
    ],
)
def test_an_altered_signed_request_is_refused(with_sandbox: Any, changed: dict[str, str], code: str) -> None:
    async def scenario(sandbox: Any) -> None:
        response = await sandbox.signed(REAL_NAME, CHECKS, KNOWN, **changed)
        assert response.code == 401
        assert json.loads(response.body)["error"]["code"] == code

    with_sandbox(scenario)


@pytest.mark.feature("I1")
def test_the_same_signed_request_is_taken_once(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        first = await sandbox.signed(REAL_NAME, CHECKS, KNOWN)
        again = await sandbox.fetch("POST", CHECKS, first.request.body, dict(first.request.headers))
        assert first.code == 200
        assert again.code == 401
        assert json.loads(again.body)["error"]["code"] == "nonce.repeated"

    with_sandbox(scenario)


@pytest.mark.feature("I1")
def test_a_body_changed_on_the_way_is_refused(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        first = await sandbox.signed(REAL_NAME, CHECKS, KNOWN, X_Nonce="wrong")
        body = json.dumps(KNOWN | {"name": "何堃"}).encode()
        headers = dict(first.request.headers) | {"X-Nonce": "0" * 32}
        response = await sandbox.fetch("POST", CHECKS, body, headers)
        assert json.loads(response.body)["error"]["code"] == "signature.wrong"

    with_sandbox(scenario)
