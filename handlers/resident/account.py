from typing import Annotated

from pydantic import StringConstraints

from handlers.authentication import ResidentHandler
from handlers.requests import Id, Model, Ok, operation
from handlers.resident.sessions import AccountView
from handlers.resident.sms_codes import Phone
from server.core.errors import Conflict, InvalidInput, TooMany


class PhoneProof(Model):
    phone: Phone
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
    request_id: Id | None = None


class AccountPhone(ResidentHandler):
    @operation(
        "Prove the account's phone number, or change it, with a code sent for purpose phone",
        body=PhoneProof,
        reply=AccountView,
        refuses=(InvalidInput, Conflict, TooMany),
        idempotent=True,
    )
    async def put(self, body: PhoneProof) -> Ok:
        account = await self.services.accounts.prove_phone(
            self.session.account, body.phone, body.code, body.request_id
        )
        return Ok(AccountView.of(account))


ROUTES = [("/api/v1/account/phone", AccountPhone)]
