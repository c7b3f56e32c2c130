"""The fault door: one mechanism, every service."""

import json
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

SMS = {"app_id": "sms-app", "secret": "sms-secret"}
MESSAGE = {"phone": "19900001234", "template": "login_code", "params": {"code": "482913"}}
DOOR = "/control/sms"


async def send(sandbox: Any) -> Any:
    return await sandbox.signed(SMS, "/sms/v1/messages", MESSAGE)


async def count(sandbox: Any) -> int:
    return len((await sandbox.json("GET", "/sms/messages"))["messages"])


def test_a_door_shows_sets_and_clears_its_fault(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        assert await sandbox.json("GET", DOOR) == {"service": "sms", "fault": None, "requests": 0}
        fault = {"refuse": 503, "times": 2}
        assert (await sandbox.json("PUT", DOOR, fault))["fault"] == fault
        assert (await send(sandbox)).code == 503
        assert (await sandbox.json("GET", DOOR))["fault"] == {"refuse": 503, "times": 1}
        assert (await send(sandbox)).code == 503
        assert await sandbox.json("GET", DOOR) == {"service": "sms", "fault": None, "requests": 2}
        assert (await send(sandbox)).code == 202
        await sandbox.json("PUT", DOOR, {"refuse": 500})
        assert (await sandbox.json("DELETE", DOOR))["fault"] is None
        assert (await send(sandbox)).code == 202
        assert await count(sandbox) == 2

    with_sandbox(scenario)


def test_refusing_hangs_up_and_does_nothing(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        await sandbox.json("PUT", DOOR, {"refuse": True})
        with pytest.raises(HTTPClientError) as lost:
            await send(sandbox)
        assert lost.value.code == 599
        assert await count(sandbox) == 0

    with_sandbox(scenario)


def test_a_lost_answer_comes_after_the_work(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        await sandbox.json("PUT", DOOR, {"lose_answer": True, "times": 1})
        with pytest.raises(HTTPClientError) as lost:
            await send(sandbox)
        assert lost.value.code == 599
        assert await count(sandbox) == 1
        assert (await send(sandbox)).code == 202

    with_sandbox(scenario)


def test_a_repeated_request_is_carried_out_so_many_times(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        await sandbox.json("PUT", DOOR, {"repeat": 3})
        assert (await send(sandbox)).code == 202
        assert await count(sandbox) == 3

    with_sandbox(scenario)


def test_garbage_is_answered_after_the_work(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        await sandbox.json("PUT", DOOR, {"garbage": True})
        response = await send(sandbox)
        assert response.code == 200
        with pytest.raises(ValueError, match="Expecting value"):
            json.loads(response.body)
        assert await count(sandbox) == 1

    with_sandbox(scenario)


def test_a_delay_comes_before_the_rest(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        await sandbox.json("PUT", DOOR, {"delay_s": 0.2, "refuse": 502})
        response = await send(sandbox)
        assert response.code == 502
        assert response.request_time >= 0.2

    with_sandbox(scenario)


@pytest.mark.feature("N3")
def test_a_vendors_own_error_can_be_answered(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        quota = {"errcode": 45009, "errmsg": "reach max api daily quota limit"}
        await sandbox.json("PUT", "/control/wechat", {"answer": quota, "times": 1})
        assert await sandbox.json("GET", "/wechat/sns/jscode2session") == quota
        assert (await sandbox.json("GET", "/wechat/sns/jscode2session"))["errcode"] == 41002

    with_sandbox(scenario)


def test_looking_in_from_outside_is_never_at_fault(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        await sandbox.json("PUT", DOOR, {"refuse": True})
        assert (await sandbox.fetch("GET", "/sms/")).code == 200
        assert await count(sandbox) == 0

    with_sandbox(scenario)


@pytest.mark.parametrize(
    "fault", [{"refuse": 200}, {"refuse": "yes"}, {"slow": 1}, {"repeat": 0}, {"times": 0}, {"delay_s": -1}]
)
def test_a_fault_written_wrongly_is_refused(with_sandbox: Any, fault: dict[str, Any]) -> None:
    async def scenario(sandbox: Any) -> None:
        response = await sandbox.fetch("PUT", DOOR, fault)
        assert response.code == 400
        assert json.loads(response.body)["error"]["code"] == "fault.malformed"
        assert (await sandbox.json("GET", DOOR))["fault"] is None

    with_sandbox(scenario)


def test_an_unknown_or_absent_service_has_no_door(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        assert (await sandbox.fetch("GET", "/control/fax")).code == 404
        assert (await sandbox.fetch("GET", "/control/hospital")).code == 404

    with_sandbox(scenario)
