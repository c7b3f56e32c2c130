"""F17: clocks that differ, jump back or stand still: a code is used once, a reminder comes once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from pymongo.database import Database

from handlers.routes import application
from server import app as composition
from server.core.clock import HeldClock
from tests.api.test_reminders import booked, reminded, until
from tests.harness import Http, Platform, listening

pytestmark = [pytest.mark.feature("V1", "N1"), pytest.mark.gen_test(timeout=60)]

SKEWS_S = (-3600, -300, -1, 0, 1, 300, 3600)
LIFE_S, GRACE_S = 60, 5


@asynccontextmanager
async def skewed_process(platform: Platform, skew_s: float) -> AsyncIterator[Platform]:
    """A second process on the same database, whose clock is so much ahead."""
    clock = HeldClock(platform.clock.now() + timedelta(seconds=skew_s))
    app = await composition.build(platform.settings, clock)
    async with listening(application(app.services)) as url:
        other = Platform(app, clock, Http(url), platform.sandbox_url, platform.settings)
        try:
            yield other
        finally:
            other.http.close()
            await app.stop()


async def accepted(code: str, *processes: Platform) -> int:
    """At how many of these terminals, that all ask at once, the code is accepted."""
    replies = await asyncio.gather(*(one.scan(one.partner(), code) for one in processes))
    return sum(reply.status == 200 for reply in replies)


@pytest.mark.parametrize("skew_s", SKEWS_S)
async def test_a_code_is_single_and_dies_whatever_the_clocks_say(platform: Platform, skew_s: int) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    async with skewed_process(platform, skew_s) as other:
        both = (platform, other)
        code = await platform.code(token, card_id)
        assert await accepted(code, *both * 8) == 1
        for moved_s in (1, 0, -30, 90):  # on, frozen, back, and on
            for process in both:
                process.clock.advance(moved_s)
            assert await accepted(code, *both) == 0
        # One that nobody has scanned is over when it is too old for the clock that reads it.
        code = await platform.code(token, card_id)
        until(other, platform.clock.now() + timedelta(seconds=LIFE_S + GRACE_S + 1))
        assert await accepted(code, other) == 0
        platform.clock.advance(LIFE_S + GRACE_S + 1)
        assert await accepted(code, *both) == 0


@pytest.mark.parametrize("skew_s", SKEWS_S)
async def test_a_reminder_comes_once_and_is_early_by_the_clocks_error_at_most(
    platform: Platform, db: Database[Any], skew_s: int
) -> None:
    token, _, appointment = await booked(platform, days=3)
    starts_at = datetime.fromisoformat(appointment["starts_at"])
    async with skewed_process(platform, skew_s) as other:
        workers = [one.app.services.reminders for one in (platform, other)] * 2
        for hours, kinds in ((24, ["visit_day_before"]), (2, ["visit_day_before", "visit_soon"])):
            due_at = starts_at - timedelta(hours=hours)
            ahead = timedelta(seconds=max(0, skew_s))
            until(platform, due_at - ahead - timedelta(seconds=1))
            until(other, platform.clock.now() + timedelta(seconds=skew_s))
            await asyncio.gather(*(worker.send_due() for worker in workers))
            assert await reminded(platform, token) == kinds[:-1], "not early"
            for moved_s in (1 + abs(skew_s), 0, -30, 120):  # on, frozen, back, and on
                for process in (platform, other):
                    process.clock.advance(moved_s)
                await asyncio.gather(*(worker.send_due() for worker in workers))
            assert await reminded(platform, token) == kinds, "once"
    assert {row["state"] for row in db.reminders.find()} == {"sent"}
