"""Alipay: who is there (alipay.system.oauth.token), through python-alipay-sdk, both sides signing RSA2."""

from functools import partial
from pathlib import Path
from typing import Any

from alipay import AliPay
from alipay.exceptions import AliPayException, AliPayValidationError
from alipay.utils import AliPayConfig

from server.core.threads import run_in
from server.gateways.login import TIMEOUT_S, Login, refused, unavailable, vendor_pool

# The last four are how the SDK falls over an answer that is not the gateway's.
FAILURES = (AliPayException, AliPayValidationError, OSError, ValueError, KeyError, TypeError, AttributeError)
CODE_REFUSED = {"isv.code-invalid", "isv.grant-type-invalid", "aop.invalid-auth-code"}


class AlipayLogin:
    def __init__(self, gateway_url: str, app_id: str, app_private_key: Path, alipay_public_key: Path) -> None:
        self._client = AliPay(
            appid=app_id,
            app_private_key_string=app_private_key.read_text(),
            alipay_public_key_string=alipay_public_key.read_text(),
            sign_type="RSA2",
            config=AliPayConfig(timeout=TIMEOUT_S),
        )
        self._client._gateway = gateway_url  # the SDK knows two addresses and lets no other be set
        self._threads = vendor_pool("alipay")

    async def sign_in(self, code: str, phone_code: str | None) -> Login:
        return await run_in(self._threads, partial(self._sign_in, code))

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
