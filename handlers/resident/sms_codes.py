from typing import Annotated

from pydantic import Field, StringConstraints

from handlers.authentication import PublicHandler
from handlers.requests import Accepted, Model, Time, operation
from server.accounts.sms_codes import Purpose
from server.core.errors import InvalidInput, TooMany

Phone = Annotated[str, StringConstraints(min_length=1, max_length=30)]


class SmsCodeRequest(Model):
    phone: Phone
    purpose: Purpose = "sign_in"


class SmsCodeSent(Model):
    request_id: str
    expires_at: Time
    resend_after_s: Annotated[
        int,
        Field(
            description="A hint for the page: how long to keep the button for another code shut. "
            "Asking earlier is allowed within the hourly budget of the number."
        ),
    ]


class SmsCodes(PublicHandler):
    @operation(
        "Send a code of six digits to a phone; it works for its purpose only",
        body=SmsCodeRequest,
        reply=SmsCodeSent,
        replies=(Accepted,),
        refuses=(InvalidInput, TooMany),
    )
    async def post(self, body: SmsCodeRequest) -> Accepted:
        sent = await self.services.sms_codes.send(body.phone, self.source, body.purpose)
        return Accepted(SmsCodeSent(**sent.__dict__))


ROUTES = [("/api/v1/sms-codes", SmsCodes)]
