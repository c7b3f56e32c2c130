"""WeChat: who is there (code2session), the phone number they chose to give, and subscription messages, all
through wechatpy.

wechatpy leaves gaps, filled here: the token's URL is fixed in it, a lasting 40001 makes it call itself
without end, and the phone number and stable-token calls are missing.  The stable token is the same for
whoever asks while it lives, so any number of processes may fetch it and none makes another's invalid.
"""

import io
from collections.abc import Mapping
from functools import partial
from typing import Any

import requests
from wechatpy import WeChatClient
from wechatpy.client import api
from wechatpy.exceptions import WeChatClientException

from server.core.errors import EhcError, InvalidInput
from server.core.phones import read_phone
from server.gateways.login import Login, refused, unavailable
from server.gateways.messages import MessageRefused, Why, silent
from server.gateways.vendor import Vendor

CODE_REFUSED = {40029, 40163, 40226}  # not a code, used already, blocked by WeChat as a risk
TOKEN_REFUSED = {40001, 40014, 42001}
# Why a message was not taken, and whether another try later may do better.
NOT_TAKEN: Mapping[int, tuple[Why, bool]] = {
    43101: ("no_credit", False),
    47003: ("fields_refused", False),
    40037: ("template_refused", False),
    41030: ("page_refused", False),
    40003: ("address_refused", False),
    45009: ("quota", True),
    -1: ("busy", True),
}
CHINA = "86"


class _Adapter(requests.adapters.BaseAdapter):
    """Lets the vendor make the calls of a `requests` session."""

    def __init__(self, vendor: Vendor) -> None:
        super().__init__()
        self._vendor = vendor

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        headers = {"Content-Type": str(request.headers.get("Content-Type", "application/json"))}
        body = request.body.encode() if isinstance(request.body, str) else request.body
        assert body is None or isinstance(body, bytes), "nothing is streamed"
        found = self._vendor.fetch(request.method or "", request.url or "", headers, body)
        answer = requests.Response()
        answer.status_code, answer.raw = found.code, io.BytesIO(found.body)
        answer.request, answer.url = request, request.url or ""
        return answer

    def close(self) -> None:
        """Keeps no connection."""


class _Wxa(api.WeChatWxa):  # type: ignore[misc]
    def get_phone_number(self, code: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._post("wxa/business/getuserphonenumber", data={"code": code})
        return answer


class _Client(WeChatClient):  # type: ignore[misc]
    wxa = _Wxa()

    def __init__(self, base_url: str, app_id: str, secret: str, vendor: Vendor) -> None:
        self.base_url = base_url.rstrip("/")
        super().__init__(app_id, secret, auto_retry=False)
        for scheme in ("https://", "http://"):
            self._http.mount(scheme, _Adapter(vendor))
        self._http.trust_env = False  # or it would look for passwords in a .netrc
        self.API_BASE_URL = f"{self.base_url}/cgi-bin/"
        self.wxa.API_BASE_URL = f"{self.base_url}/"

    def fetch_access_token(self) -> dict[str, Any]:
        answer = self._http.post(
            f"{self.base_url}/cgi-bin/stable_token",
            json={"grant_type": "client_credential", "appid": self.appid, "secret": self.secret},
        )
        answer.raise_for_status()
        token: dict[str, Any] = answer.json()
        if "access_token" not in token:
            raise WeChatClientException(token.get("errcode"), token.get("errmsg"), client=self)
        self.session.set(self.access_token_key, token["access_token"], int(token["expires_in"]))
        return token

    def code_to_session(self, code: str) -> dict[str, Any]:
        """Asked directly: wechatpy would send the access token along, which this call must not carry."""
        answer = self._http.get(
            f"{self.base_url}/sns/jscode2session",
            params={
                "appid": self.appid,
                "secret": self.secret,
                "js_code": code,
                "grant_type": "authorization_code",
            },
        )
        answer.raise_for_status()
        result: dict[str, Any] = self._handle_result(answer)
        return result

    def phone_number(self, code: str) -> str | None:
        """The number of a phone code, None for one that is not of mainland China; a token that WeChat no
        longer takes is fetched anew, once."""
        try:
            answer = self.wxa.get_phone_number(code)
        except WeChatClientException as error:
            if error.errcode not in TOKEN_REFUSED:
                raise
            self.fetch_access_token()
            answer = self.wxa.get_phone_number(code)
        return _chinese_number(answer["phone_info"])

    def send_subscription(self, openid: str, template_id: str, fields: dict[str, str], page: str) -> str:
        """WeChat's number of the message; a token that it no longer takes is fetched anew, once."""
        message = {
            "touser": openid,
            "template_id": template_id,
            "page": page,
            "data": {name: {"value": value} for name, value in fields.items()},
            "lang": "zh_CN",
        }
        try:
            answer = self.post("message/subscribe/send", data=message)
        except WeChatClientException as error:
            if error.errcode not in TOKEN_REFUSED:
                raise
            self.fetch_access_token()
            answer = self.post("message/subscribe/send", data=message)
        if answer["errcode"] != 0:  # of an answer that is no JSON wechatpy makes no dict
            raise ValueError("not an answer of WeChat's")
        return str(answer.get("msgid", ""))


def _chinese_number(info: Mapping[str, Any]) -> str | None:
    """`purePhoneNumber` comes without its country: abroad, somebody else has the same eleven digits."""
    number = str(info["purePhoneNumber"])
    if info.get("countryCode") != CHINA:
        return None
    try:
        return read_phone(number)
    except InvalidInput:
        return None


class WeChatLogin:
    def __init__(self, base_url: str, app_id: str, secret: str, *, public_only: bool = False) -> None:
        self._vendor = Vendor("WeChat", public_only=public_only)
        self._client = _Client(base_url, app_id, secret, self._vendor)

    async def sign_in(self, code: str, phone_code: str | None) -> Login:
        try:
            return await self._vendor.run(partial(self._sign_in, code, phone_code))
        except TimeoutError:
            raise unavailable("WeChat") from None

    def _sign_in(self, code: str, phone_code: str | None) -> Login:
        try:
            openid = str(self._client.code_to_session(code)["openid"])
            phone = None if phone_code is None else self._client.phone_number(phone_code)
        except WeChatClientException as error:
            raise self._translated(error) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            # `from None`: the exception's text holds the URL, and the URL the secret and the code.
            raise unavailable("WeChat") from None
        return Login("wechat", openid, phone)

    @staticmethod
    def _translated(error: WeChatClientException) -> EhcError:
        return refused() if error.errcode in CODE_REFUSED else unavailable("WeChat")


class WeChatMessages:
    """Subscription messages (subscribeMessage.send): one for one accepted prompt."""

    def __init__(self, base_url: str, app_id: str, secret: str, *, public_only: bool = False) -> None:
        self._vendor = Vendor("WeChat-messages", public_only=public_only)
        self._client = _Client(base_url, app_id, secret, self._vendor)

    async def send(self, address: str, template_id: str, fields: dict[str, str], page: str) -> str:
        """As `MessagePlatform.send`."""
        try:
            return await self._vendor.run(partial(self._send, address, template_id, fields, page))
        except TimeoutError:
            raise silent("WeChat") from None

    def _send(self, address: str, template_id: str, fields: dict[str, str], page: str) -> str:
        try:
            return self._client.send_subscription(address, template_id, fields, page)
        except WeChatClientException as error:
            if error.errcode is None:  # no answer of WeChat's own, so nobody knows
                raise silent("WeChat") from None
            if error.errcode in TOKEN_REFUSED:
                raise MessageRefused("token", is_passing=True) from None
            why, is_passing = NOT_TAKEN.get(error.errcode, ("refused", False))
            raise MessageRefused(why, is_passing=is_passing) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise silent("WeChat") from None  # the exception's text holds the URL, and that the token
