"""The dialects of existing hospital software in the demo: the sandbox hospital speaks both."""

from typing import Any

from server import app as composition
from server.core.audit import Actor
from server.partners.dialects.model import Dialect

CLERK_ID = "c-0001"
HOSPITAL_ID = "30001"


async def speak(app: composition.App, app_id: str, terminal_id: str, secret: str) -> dict[str, Any]:
    """Switches both on for the hospital's app, with parts of the demo's shared secret; returns what its
    software has to know."""
    spoken = (
        Dialect(app_id, "ehc", secret[:16].upper(), terminal_id, clerk_id=CLERK_ID),
        Dialect(app_id, "tencent", secret[16:48], terminal_id, clerk_id=CLERK_ID, hospital_id=HOSPITAL_ID),
    )
    for dialect in spoken:
        await app.services.dialects.switch_on(dialect, Actor("system", "demo"))
    return {dialect.name: _told(dialect) for dialect in spoken}


def _told(dialect: Dialect) -> dict[str, Any]:
    plain = {name: value for name, value in vars(dialect).items() if name not in ("name", "terminals")}
    return {name: value for name, value in plain.items() if value is not None}
