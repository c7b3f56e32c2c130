"""WeChat's mini-program back end: its answers, its error codes, and wechatpy driven against it."""

import asyncio
import base64
from typing import Any

import pytest
from wechatpy import WeChatClient
from wechatpy.client import api
from wechatpy.exceptions import WeChatClientException

APP = "appid=wx00&secret=wechat-secret"
LOGIN = f"/wechat/sns/jscode2session?{APP}&grant_type=authorization_code&js_code="
TOKEN = f"/wechat/cgi-bin/token?grant_type=client_credential&{APP}"
STABLE = {"grant_type": "client_credential", "appid": "wx00", "secret": "wechat-secret"}
GOOD_DATA = {"thing1": {"value": "内科门诊"}, "time2": {"value": "2026年8月3日 09:00"}}


async def token_of(sandbox: Any) -> str:
    return str((await sandbox.json("GET", TOKEN))["access_token"])


@pytest.mark.feature("C1")
def test_a_js_code_gives_a_stable_openid_and_works_once(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        response = await sandbox.fetch("GET", LOGIN + "wx:zhang")
        assert response.headers["Content-Type"] == "text/plain"
        first = await sandbox.json("GET", LOGIN + "wx:zhang:2")
        assert first["openid"] in response.body.decode()
        assert len(first["openid"]) == 28
        assert len(base64.b64decode(first["session_key"])) == 16
        assert (await sandbox.json("GET", LOGIN + "wx:li"))["openid"] != first["openid"]
        again = await sandbox.json("GET", LOGIN + "wx:zhang")
        assert again["errcode"] == 40163
        assert again["errmsg"].startswith("code been used rid: ")
        assert (await sandbox.json("GET", LOGIN + "nonsense"))["errcode"] == 40029

    with_sandbox(scenario)


@pytest.mark.feature("C1")
@pytest.mark.parametrize(
    ("query", "errcode"),
    [
        ("secret=wechat-secret&grant_type=authorization_code&js_code=wx:a", 41002),
        ("appid=wx99&secret=wechat-secret&grant_type=authorization_code&js_code=wx:a", 40013),
        ("appid=wx00&grant_type=authorization_code&js_code=wx:a", 41004),
        ("appid=wx00&secret=guess&grant_type=authorization_code&js_code=wx:a", 40125),
        (f"{APP}&grant_type=authorization_code", 41008),
        (f"{APP}&js_code=wx:a", 40002),
    ],
)
def test_a_login_asked_wrongly_gets_wechats_own_code(with_sandbox: Any, query: str, errcode: int) -> None:
    async def scenario(sandbox: Any) -> None:
        assert (await sandbox.json("GET", f"/wechat/sns/jscode2session?{query}"))["errcode"] == errcode

    with_sandbox(scenario)


@pytest.mark.feature("C1")
def test_a_phone_code_gives_its_phone_once_and_needs_a_valid_token(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        path = "/wechat/wxa/business/getuserphonenumber?access_token="
        code = {"code": "phone:19900001234"}
        assert (await sandbox.json("POST", path, code))["errcode"] == 41001
        assert (await sandbox.json("POST", path + "made-up", code))["errcode"] == 40001
        token = await token_of(sandbox)
        answer = await sandbox.json("POST", path + token, code)
        assert answer["errcode"] == 0
        assert answer["phone_info"]["purePhoneNumber"] == "19900001234"
        assert answer["phone_info"]["watermark"]["appid"] == "wx00"
        assert (await sandbox.json("POST", path + token, code))["errcode"] == 40029
        sandbox.clock.at += 7200
        assert (await sandbox.json("POST", path + token, code))["errcode"] == 42001

    with_sandbox(scenario)


@pytest.mark.feature("N3")
def test_a_new_token_ends_the_old_one_after_five_minutes(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        path = "/wechat/wxa/business/getuserphonenumber?access_token="
        old, new = await token_of(sandbox), await token_of(sandbox)
        assert old != new
        assert (await sandbox.json("POST", path + old, {"code": "phone:19900000001"}))["errcode"] == 0
        sandbox.clock.at += 300
        assert (await sandbox.json("POST", path + old, {"code": "phone:19900000002"}))["errcode"] == 42001
        assert (await sandbox.json("POST", path + new, {"code": "phone:19900000002"}))["errcode"] == 0

    with_sandbox(scenario)


@pytest.mark.feature("N3")
def test_a_stable_token_stays_until_it_is_nearly_over_or_forced(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        async def ask(**more: Any) -> Any:
            return await sandbox.json("POST", "/wechat/cgi-bin/stable_token", STABLE | more)

        first = await ask()
        sandbox.clock.at += 60
        assert await ask() == {"access_token": first["access_token"], "expires_in": 7140}
        forced = await ask(force_refresh=True)
        assert forced["access_token"] != first["access_token"]
        assert await ask(force_refresh=True) == forced, "forcing again within 30 seconds changes nothing"
        phone = f"/wechat/wxa/business/getuserphonenumber?access_token={first['access_token']}"
        assert (await sandbox.json("POST", phone, {"code": "phone:19900000001"}))["errcode"] == 40001
        sandbox.clock.at += 6900
        assert (await ask())["access_token"] != forced["access_token"]
        for _ in range(19):
            sandbox.clock.at += 30
            assert "access_token" in await ask(force_refresh=True)
        sandbox.clock.at += 30
        assert (await ask(force_refresh=True))["errcode"] == 45009
        assert (await sandbox.json("GET", "/wechat/cgi-bin/stable_token"))["errcode"] == 43002

    with_sandbox(scenario)


@pytest.mark.feature("N3")
def test_a_subscription_message_costs_one_accepted_prompt(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        openid = (await sandbox.json("GET", LOGIN + "wx:zhang"))["openid"]
        path = f"/wechat/cgi-bin/message/subscribe/send?access_token={await token_of(sandbox)}"
        message = {"touser": openid, "template_id": "T-1", "data": GOOD_DATA, "page": "pages/card/card"}
        assert (await sandbox.json("POST", path, message))["errcode"] == 43101
        prompt = {"openid": openid, "template_id": "T-1"}
        assert (await sandbox.json("POST", "/wechat/prompts", prompt))["credits"] == 1
        bad = message | {"data": {"thing1": {"value": "长" * 21}, "time2": {"value": "09:00"}}}
        refused = await sandbox.json("POST", path, bad)
        assert refused["errcode"] == 47003
        assert refused["errmsg"].startswith("argument invalid! data.thing1.value invalid")
        assert (await sandbox.json("POST", path, message))["errcode"] == 0
        assert (await sandbox.json("POST", path, message))["errcode"] == 43101
        kept = (await sandbox.json("GET", f"/wechat/messages?openid={openid}"))["messages"]
        assert [one["data"] for one in kept] == [GOOD_DATA]
        assert (await sandbox.json("GET", "/wechat/messages?openid=somebody"))["messages"] == []

    with_sandbox(scenario)


@pytest.mark.feature("N3")
@pytest.mark.parametrize(
    ("changed", "errcode"),
    [
        ({"touser": "nobody"}, 40003),
        ({"template_id": "T-2"}, 40037),
        ({"data": {"thing1": {"value": "内科"}}}, 47003),
        ({"data": {}}, 47003),
        ({"data": GOOD_DATA | {"time2": {"value": "tomorrow"}}}, 47003),
        ({"data": GOOD_DATA | {"thing1": {"value": ""}}}, 47003),
    ],
)
def test_a_message_wechat_would_not_send_is_refused(
    with_sandbox: Any, changed: dict[str, Any], errcode: int
) -> None:
    async def scenario(sandbox: Any) -> None:
        openid = (await sandbox.json("GET", LOGIN + "wx:zhang"))["openid"]
        path = f"/wechat/cgi-bin/message/subscribe/send?access_token={await token_of(sandbox)}"
        message = {"touser": openid, "template_id": "T-1", "data": GOOD_DATA} | changed
        assert (await sandbox.json("POST", path, message))["errcode"] == errcode

    with_sandbox(scenario)


@pytest.mark.feature("C1", "N3")
def test_wechatpy_logs_in_and_sends_against_it(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        client = _client(f"{sandbox.url}/wechat/")
        openid = (await asyncio.to_thread(client.wxa.code_to_session, "wx:zhang"))["openid"]
        with pytest.raises(WeChatClientException) as refused:
            await asyncio.to_thread(client.wxa.code_to_session, "wx:zhang")
        assert refused.value.errcode == 40163
        await sandbox.json("POST", "/wechat/prompts", {"openid": openid, "template_id": "T-1"})
        sent = await asyncio.to_thread(client.wxa.send_subscribe_message, openid, "T-1", GOOD_DATA)
        assert sent["errcode"] == 0
        client.session.delete(client.access_token_key)

    with_sandbox(scenario)


def _client(base: str) -> Any:
    class Wxa(api.WeChatWxa):  # type: ignore[misc]
        API_BASE_URL = base

    class Client(WeChatClient):  # type: ignore[misc]
        API_BASE_URL = f"{base}cgi-bin/"
        wxa = Wxa()

        def fetch_access_token(self) -> Any:
            params = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
            return self._fetch_access_token(url=f"{base}cgi-bin/token", params=params)

    return Client("wx00", "wechat-secret", timeout=5, auto_retry=False)
