"""The message templates that WeChat and Alipay have approved for a demo: without them nothing leaves there.

An operator enters those that were really approved (policy `message_templates`); what goes into their fields
is the same.  Times are told as text, for some messages name none.
"""

from collections.abc import Mapping

from push.credits.model import MessageTemplates, PlatformTemplate, Slot
from push.kinds import TemplateName
from server import app as composition
from server.core.audit import Actor

BY = Actor("system", "demo")
SAID: Mapping[TemplateName, tuple[Slot, ...]] = {
    "card": ("subject", "institution", "note"),
    "visit": ("subject", "institution", "department", "when", "note"),
    "queue": ("subject", "institution", "place", "note"),
    "bill": ("subject", "institution", "note"),
    "report": ("subject", "institution", "note"),
    "medicine": ("subject", "institution", "note"),
    "inpatient": ("subject", "institution", "note"),
}


def approved() -> MessageTemplates:
    """One template for each group of messages on either platform."""
    return MessageTemplates(wechat=_templates("thing"), alipay=_templates("keyword"))


def wechat_fields() -> dict[str, list[str]]:
    """Template id → its fields, as WeChat checks them."""
    return {one.template_id: list(one.fields) for one in approved().wechat.values()}


async def approve_templates(app: composition.App) -> None:
    """Safe to repeat; what staff have decided since stays."""
    policies = app.services.policies
    version, _ = await policies.describe(MessageTemplates.NAME)
    if version == 0:
        await policies.put(MessageTemplates.NAME, approved().model_dump(mode="json"), version, BY)


def _templates(field: str) -> dict[TemplateName, PlatformTemplate]:
    return {
        name: PlatformTemplate(
            template_id=f"demo-{field}-{name}",
            fields={f"{field}{number}": slot for number, slot in enumerate(slots, 1)},
        )
        for name, slots in SAID.items()
    }
