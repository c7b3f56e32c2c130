"""`ehc.*`: one address, one envelope, a method in it (docs/dialects.md)."""

from typing import Any

from handlers.dialects.ehc_methods import METHODS
from handlers.dialects.speaking import DialectHandler, Speaking
from handlers.dialects.usage import EHC_LISTS
from server.core.errors import EhcError
from server.partners.dialects import ehc
from server.partners.dialects.codes import message_of
from server.partners.dialects.envelopes import as_json, read_object, read_rows
from server.partners.dialects.model import FAILURE_CODE, Dialect
from server.partners.dialects.service import Proven, require_call


class BusinessDo(DialectHandler):
    proven: Proven | None = None

    async def post(self) -> None:
        with self.services.health.at_work():
            try:
                content = await self._done()
            except EhcError as error:
                await self.tell_refusal(error, self.in_words(error))
                return
            assert self.proven is not None, "nothing is done for who is not proven"
            dialect = self.proven.dialect
            await self.tell(_reply(dialect, dialect.success_code, "success", content))

    async def _done(self) -> Any:
        envelope = ehc.read_envelope(self.request.body)
        self.proven, plain = await self.services.dialects.prove_ehc(envelope, is_secure=self.is_secure)
        call = METHODS.get(envelope.method)
        require_call(call is not None)
        assert call is not None, "just required"
        given = {"rows": read_rows(plain)} if envelope.method in EHC_LISTS else read_object(plain)
        return await call(Speaking(self.services, self.proven, envelope.term_id), given)

    def in_words(self, error: EhcError) -> Any:
        if self.proven is None:
            return ehc.unproven_reply(FAILURE_CODE, message_of(error))
        dialect = self.proven.dialect
        return _reply(dialect, dialect.failure_code, message_of(error), error.detail)


def _reply(dialect: Dialect, code: str, message: str, content: Any) -> dict[str, str]:
    return ehc.reply_of(
        code=code,
        message=message,
        content=as_json(content),
        rule=dialect.digest_rule,
        encoding=dialect.encoding,
        secret=dialect.app_secret,
    )


ROUTES = [("/erhc/ehealthcard/business.do", BusinessDo)]
