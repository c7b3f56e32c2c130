"""Credits: WeChat sends one message for one accepted prompt, and never says how many are left."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from push.kinds import TemplateName
from server.core.policies import Policy

Platform = Literal["wechat", "alipay"]
# What a page may show; also the most that is counted, so that a page that asks without end changes nothing.
MAX_LEFT = 50
Slot = Literal["subject", "institution", "place", "department", "when", "note"]


class PlatformTemplate(BaseModel):
    """A template as the platform has approved it: its id there, and what goes into which of its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    template_id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[!-~]+$")]
    fields: dict[Annotated[str, Field(pattern=r"^[a-z_]{1,24}[0-9]{1,2}$")], Slot]
    page: Annotated[str, Field(max_length=128)] = "pages/messages/index"


class MessageTemplates(Policy):
    """Nothing is sent through a platform by a template that is not here."""

    NAME: ClassVar[str] = "message_templates"
    SENTENCE: ClassVar[str] = "which templates the platforms have approved, and what goes into their fields"

    wechat: dict[TemplateName, PlatformTemplate] = {}
    alipay: dict[TemplateName, PlatformTemplate] = {}

    def find(self, platform: Platform, name: TemplateName) -> PlatformTemplate | None:
        found: PlatformTemplate | None = getattr(self, platform).get(name)
        return found

    def name_of(self, platform: Platform, template_id: str) -> TemplateName | None:
        approved: dict[TemplateName, PlatformTemplate] = getattr(self, platform)
        return next((name for name, one in approved.items() if one.template_id == template_id), None)


@dataclass(frozen=True)
class Offer:
    """A template a page may ask for: at which taps, and how many messages are left of it."""

    template_id: str
    name: TemplateName
    taps: tuple[str, ...]
    left: int
