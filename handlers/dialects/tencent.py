"""The Tencent style: a token first, then one address for each call (docs/dialects.md)."""

from collections.abc import Awaitable
from typing import Any

from handlers.dialects.speaking import DialectHandler, Said, Speaking, read_said
from handlers.dialects.tencent_calls import CALLS
from handlers.partner.admissions import AppId
from server.core.errors import EhcError
from server.partners.dialects import tencent
from server.partners.dialects.codes import FAILED, SUCCESS, message_of, result_code
from server.partners.dialects.service import TOKEN_LIFE, require_call

BASE = "/rest/auth/HealthCard"


class TokenWanted(Said):
    appId: AppId


class TencentHandler(DialectHandler):
    async def _answered(self, work: Awaitable[Any]) -> None:
        with self.services.health.at_work():
            try:
                content = await work
            except EhcError as error:
                await self.tell_refusal(error, self.in_words(error))
                return
            request_id = tencent.request_id_of(self.request.body)
            await self.tell(tencent.reply_of(request_id, SUCCESS, "success", content))

    def in_words(self, error: EhcError) -> Any:
        code = FAILED if error.code == "server.failed" else result_code(error)
        return tencent.reply_of(tencent.request_id_of(self.request.body), code, message_of(error), {})


class AppToken(TencentHandler):
    async def post(self) -> None:
        await self._answered(self._token())

    async def _token(self) -> Any:
        question = tencent.read_question(self.request.body)
        app_id = read_said(TokenWanted, question.request).appId
        dialects = self.services.dialects
        _, token = await dialects.open_token(question, app_id, is_secure=self.is_secure)
        return {"appToken": token, "expiresIn": int(TOKEN_LIFE.total_seconds())}


class OpenObject(TencentHandler):
    async def post(self, call: str) -> None:
        await self._answered(self._done(call))

    async def _done(self, name: str) -> Any:
        question = tencent.read_question(self.request.body)
        proven = await self.services.dialects.prove_tencent(question, is_secure=self.is_secure)
        call = CALLS.get(name)
        require_call(call is not None)
        assert call is not None, "just required"
        return await call(Speaking(self.services, proven, ""), question.request)


ROUTES = [
    (f"{BASE}/HealthOpenAuth/AuthObj/getAppToken", AppToken),
    (f"{BASE}/HealthOpenPlatform/ISVOpenObj/{{call}}", OpenObject),
]
