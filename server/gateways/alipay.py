"""Alipay: who is there (alipay.system.oauth.token), and template messages, through python-alipay-sdk, both
sides signing RSA2."""

import json
from functools import partial
from pathlib import Path
from typing import Any

from alipay import AliPay
from alipay.exceptions import AliPayException, AliPayValidationError

from server.gateways.login import Login, refused, unavailable
from server.gateways.messages import MessageRefused, silent
from server.gateways.vendor import Vendor

# All after OSError are how the SDK falls over an answer that is not the gateway's.
FAILURES = (
    AliPayException,
    AliPayValidationError,
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
)
SEND = "alipay.open.app.mini.templatemessage.send"
TAKEN, BUSINESS_FAILED, GATEWAY_BUSY = "10000", "40004", "20000"
CODE_REFUSED = {"isv.code-invalid", "isv.grant-type-invalid", "aop.invalid-auth-code"}


class _Client(AliPay):  # type: ignore[misc]
    def __init__(self, gateway_url: str, vendor: Vendor, **more: Any) -> None:
        super().__init__(**more)
        self._gateway = gateway_url  # the SDK knows two addresses and lets no other be set
        self._vendor = vendor

    def verified_sync_response(self, data: dict[str, Any], response_type: str) -> Any:
        """As the SDK does it, except that the vendor makes the call."""
        answer = self._vendor.fetch("GET", f"{self._gateway}?{self.sign_data(data)}")
        return self._verify_and_return_sync_response(answer.body.decode(), response_type)


def _client(
    gateway_url: str, app_id: str, app_private_key: Path, alipay_public_key: Path, vendor: Vendor
) -> _Client:
    return _Client(
        gateway_url,
        vendor,
        appid=app_id,
        app_private_key_string=app_private_key.read_text(),
        alipay_public_key_string=alipay_public_key.read_text(),
        sign_type="RSA2",
    )


class AlipayLogin:
    def __init__(
        self,
        gateway_url: str,
        app_id: str,
        app_private_key: Path,
        alipay_public_key: Path,
        *,
        public_only: bool = False,
    ) -> None:
        self._vendor = Vendor("Alipay", public_only=public_only)
        self._client = _client(gateway_url, app_id, app_private_key, alipay_public_key, self._vendor)

    async def sign_in(self, code: str, phone_code: str | None) -> Login:
        try:
            return await self._vendor.run(partial(self._sign_in, code))
        except TimeoutError:
            raise unavailable("Alipay") from None

    def _sign_in(self, code: str) -> Login:
        try:
            answer: dict[str, Any] = self._client.server_api(
                "alipay.system.oauth.token", grant_type="authorization_code", code=code
            )
        except FAILURES as error:
            if _sub_code(error) in CODE_REFUSED:
                raise refused() from None
            raise unavailable("Alipay") from None
        subject = answer.get("open_id") or answer.get("user_id")
        if subject:
            return Login("alipay", str(subject))
        if answer.get("sub_code") in CODE_REFUSED:
            raise refused()
        raise unavailable("Alipay")


def _sub_code(error: Exception) -> str | None:
    """The SDK puts the gateway's refusal into the exception's text as it came."""
    text = str(error)
    return next((code for code in CODE_REFUSED if code in text), None)


class AlipayMessages:
    """Template messages to who has subscribed: such a template needs no `form_id`."""

    def __init__(
        self,
        gateway_url: str,
        app_id: str,
        app_private_key: Path,
        alipay_public_key: Path,
        *,
        public_only: bool = False,
    ) -> None:
        self._vendor = Vendor("Alipay-messages", public_only=public_only)
        self._client = _client(gateway_url, app_id, app_private_key, alipay_public_key, self._vendor)

    async def send(self, address: str, template_id: str, fields: dict[str, str], page: str) -> str:
        """As `MessagePlatform.send`."""
        try:
            return await self._vendor.run(partial(self._send, address, template_id, fields, page))
        except TimeoutError:
            raise silent("Alipay") from None

    def _send(self, address: str, template_id: str, fields: dict[str, str], page: str) -> str:
        data = {name: {"value": value} for name, value in fields.items()}
        message = {
            "to_user_id": address,
            "user_template_id": template_id,
            "page": page,
            "data": json.dumps(data, ensure_ascii=False),
        }
        try:
            answer: dict[str, Any] = self._client.server_api(SEND, message)
        except FAILURES:
            # Also a refusal that is not signed: anybody on the way could have said it.
            raise silent("Alipay") from None
        code, sub_code = str(answer.get("code")), str(answer.get("sub_code", "")).upper()
        if code == TAKEN:
            return ""  # Alipay gives a sent message no number
        if code == GATEWAY_BUSY:
            raise silent("Alipay")  # "service unavailable" does not say whether it was done
        if code == BUSINESS_FAILED and "SUBSCRI" in sub_code:
            raise MessageRefused("no_credit", is_passing=False)
        raise MessageRefused("refused", is_passing=False)
