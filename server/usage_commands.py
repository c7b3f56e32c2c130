"""`ehc usage`: uses of cards that go to the centre above."""

import argparse
from datetime import UTC, date, datetime, time

from server import app as composition


async def run(app: composition.App, arguments: argparse.Namespace) -> int:
    """Lets uses wait for the upper centre again; the worker sends them."""
    try:
        since = datetime.combine(date.fromisoformat(arguments.since), time(), UTC)
    except ValueError:
        print("--since is a day: YYYY-MM-DD")
        return 2
    if app.settings.upper_url is None:
        print("UPPER_URL is not set: there is no centre to send them to")
        return 1
    print(f"{await app.services.usage_upload.send_again(since)} uses wait to be sent again")
    return 0
