"""Alipay's gateway: signatures both ways, its refusals, and python-alipay-sdk driven against it."""

import asyncio
import base64
import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from alipay import AliPay
from alipay.exceptions import AliPayException
from alipay.utils import AliPayConfig
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

TOKEN = "alipay.system.oauth.token"


def sdk(keys: Any, url: str = "", app_id: str = "2021000000000001", private: str = "") -> Any:
    client = AliPay(
        appid=app_id,
        app_notify_url=None,
        app_private_key_string=private or keys.app_private,
        alipay_public_key_string=keys.alipay_public,
        config=AliPayConfig(timeout=5),
    )
    client._gateway = f"{url}/alipay/gateway.do"
    return client


def signed_query(keys: Any, auth_code: str, **changed: str) -> str:
    """A signed request; `changed` parameters replace the right ones after signing."""
    client = sdk(keys)
    body = client.build_body(TOKEN, grant_type="authorization_code", code=auth_code)
    return urlencode(dict(parse_qsl(client.sign_data(body))) | changed)


@pytest.mark.feature("C1")
def test_the_sdk_exchanges_a_code_once_and_gets_a_stable_user(with_sandbox: Any, rsa_keys: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        client = sdk(rsa_keys, sandbox.url)

        async def exchange(code: str) -> Any:
            return await asyncio.to_thread(
                client.server_api, TOKEN, grant_type="authorization_code", code=code
            )

        first = await exchange("ali:zhang")
        assert first["user_id"].startswith("2088")
        assert len(first["user_id"]) == 16
        assert (await exchange("ali:zhang:2"))["user_id"] == first["user_id"]
        assert (await exchange("ali:li"))["user_id"] != first["user_id"]
        with pytest.raises(AliPayException) as refused:
            await exchange("ali:zhang")
        assert "isv.code-invalid" in str(refused.value)
        user = await asyncio.to_thread(
            client.server_api, "alipay.user.info.share", auth_token=first["access_token"]
        )
        assert user["user_id"] == first["user_id"]

    with_sandbox(scenario)


@pytest.mark.feature("C1")
@pytest.mark.parametrize(
    ("changed", "sub_code"),
    [
        ({"code": "ali:somebody-else"}, "isv.invalid-signature"),
        ({"sign": "bm90IGEgc2lnbmF0dXJl"}, "isv.invalid-signature"),
        ({"sign": "@@@"}, "isv.invalid-signature"),
        ({"app_id": "2021000000000002"}, "isv.invalid-app-id"),
        ({"sign_type": "RSA"}, "isv.invalid-signature-type"),
        ({"timestamp": "now"}, "isv.invalid-timestamp"),
        ({"sign": ""}, "isv.missing-signature"),
    ],
)
def test_an_altered_request_is_refused(
    with_sandbox: Any, rsa_keys: Any, changed: dict[str, str], sub_code: str
) -> None:
    async def scenario(sandbox: Any) -> None:
        query = signed_query(rsa_keys, "ali:zhang", **changed)
        answer = await sandbox.json("GET", f"/alipay/gateway.do?{query}")
        assert answer["error_response"]["sub_code"] == sub_code
        assert answer["error_response"]["code"] in ("40001", "40002")

    with_sandbox(scenario)


@pytest.mark.feature("C1")
def test_the_answer_is_signed_over_its_very_characters(with_sandbox: Any, rsa_keys: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        query = signed_query(rsa_keys, "ali:zhang")
        text = (await sandbox.fetch("POST", "/alipay/gateway.do", query.encode())).body.decode()
        content = text[text.index(":") + 1 : text.rindex(',"sign"')]
        signature = base64.b64decode(json.loads(text)["sign"])
        key = serialization.load_pem_public_key(rsa_keys.alipay_public.encode())
        assert isinstance(key, rsa.RSAPublicKey)
        key.verify(signature, content.encode(), padding.PKCS1v15(), hashes.SHA256())
        with pytest.raises(InvalidSignature):
            key.verify(
                signature, content.replace("2088", "2089").encode(), padding.PKCS1v15(), hashes.SHA256()
            )

    with_sandbox(scenario)


@pytest.mark.feature("C1")
def test_a_wrong_access_token_is_refused_under_the_calls_own_name(with_sandbox: Any, rsa_keys: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        client = sdk(rsa_keys, sandbox.url)
        answer = await asyncio.to_thread(client.server_api, "alipay.user.info.share", auth_token="guess")
        assert answer["sub_code"] == "aop.invalid-auth-token"

    with_sandbox(scenario)
