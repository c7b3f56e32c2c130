from typing import Annotated, Literal

from pydantic import StringConstraints

from handlers.authentication import ResidentHandler
from handlers.requests import Model, Ok, operation
from push.credits.model import Platform
from server.core.errors import NotFound

TemplateId = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]


class TemplateView(Model):
    """`taps`: the moments at which a page asks for it; `left`: messages the platform still takes of it."""

    template_id: str
    name: str
    taps: list[str]
    left: int


class TemplatesView(Model):
    """Empty where nobody has to be asked: on the web."""

    platform: Literal["wechat", "alipay"] | None
    templates: list[TemplateView]


class CreditRequest(Model):
    """What somebody answered to the platform's prompt."""

    template_id: TemplateId
    accepted: bool


class CreditView(Model):
    template_id: str
    left: int


class PlatformHandler(ResidentHandler):
    """What the handlers below share."""

    @property
    def platform(self) -> Platform | None:
        """Where the resident is, when that platform sends messages."""
        method = self.session.method
        return None if method == "sms" else method


class MessageTemplates(PlatformHandler):
    @operation("Which message templates to ask for at which tap, and how many are left", reply=TemplatesView)
    async def get(self) -> Ok:
        if self.platform is None:
            return Ok(TemplatesView(platform=None, templates=[]))
        offers = await self.services.message_credits.offers(self.session.account.account_id, self.platform)
        shown = [
            TemplateView(template_id=one.template_id, name=one.name, taps=list(one.taps), left=one.left)
            for one in offers
        ]
        return Ok(TemplatesView(platform=self.platform, templates=shown))


class MessageCredits(PlatformHandler):
    @operation(
        "Say what was answered to a prompt: an accepted one is one message",
        body=CreditRequest,
        reply=CreditView,
        refuses=(NotFound,),
        idempotent=True,
    )
    async def post(self, body: CreditRequest) -> Ok:
        if self.platform is None:
            raise NotFound("template.not_found", "there is no such template on this platform")
        left = await self.services.message_credits.count(
            self.session.account.account_id, self.platform, body.template_id, accepted=body.accepted
        )
        return Ok(CreditView(template_id=body.template_id, left=left))


ROUTES = [("/api/v1/message-templates", MessageTemplates), ("/api/v1/message-credits", MessageCredits)]
