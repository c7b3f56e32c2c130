"""What a hospital of the demo says to the platform while a resident looks at the pages."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from sandbox.partner_client import PartnerClient, Reply
from tests.browser.demo import RunningDemo

KEYS = ("app_id", "key_id", "private_key_hex", "platform_public_key_hex")


def tell(
    demo: RunningDemo,
    path: str,
    body: dict[str, Any] | None,
    *,
    method: str = "POST",
    first: bool = False,
    **query: str,
) -> Reply:
    """What the second hospital, or the first, tells the platform or asks it."""
    hospital = demo.told["partner"] if first else demo.told["hospitals"][1]["partner"]

    async def call() -> Reply:
        client = PartnerClient(api=demo.told["api"], **{key: hospital[key] for key in KEYS})
        number = f"{datetime.now(UTC).timestamp():.6f}"
        return await client.call(method, path, body, query=list(query.items()), idempotency_key=number)

    with ThreadPoolExecutor(1) as aside:  # the browser has this thread's loop
        return aside.submit(lambda: asyncio.run(call())).result()
