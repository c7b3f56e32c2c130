"""Uses go up to the next level (A6.4, U1): all of them, in order, each counted once, and nobody named."""

import asyncio
import json
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from pymongo.database import Database

from handlers.routes import application
from sandbox import sm2
from sandbox.app import make_app
from server import app as composition
from server import usage_commands
from server.core.errors import Unavailable
from server.core.mongo import Transaction
from server.gateways.upper_centre import NotTaken
from server.settings import SettingsError, load
from server.usage.model import UsageReporting
from server.usage.upload.service import LEASE, UsageUpload
from tests.api.test_usage_events import event, known_patient, tell
from tests.harness import Answer, Http, Platform, listening

pytestmark = [pytest.mark.feature("V9", "U1"), pytest.mark.gen_test(timeout=60)]

UPLOADS = "/staff/v1/usage-uploads"
UPPER_KEY = bytes(31) + b"\x05"
UPPER_PUBLIC = "04" + sm2.public_key_of(UPPER_KEY).hex()


@dataclass
class Upper:
    """The centre above, and two processes of ours that know of it."""

    url: str
    first: Platform
    second: Platform

    @property
    def upload(self) -> UsageUpload:
        return self.first.app.services.usage_upload

    async def kept(self) -> list[dict[str, Any]]:
        uses: list[dict[str, Any]] = (await self._look()).json["uses"]
        return uses

    async def batches(self) -> list[dict[str, int]]:
        batches: list[dict[str, int]] = (await self._look()).json["batches"]
        return batches

    async def _look(self) -> Answer:
        return await self.first.http.get(f"{self.url}/control/upper_centre/uses")

    async def fault(self, **fault: Any) -> None:
        method = "PUT" if fault else "DELETE"
        path = f"{self.url}/control/upper_centre"
        assert (await self.first.http.send(method, path, fault or None)).status == 200


@asynccontextmanager
async def upper_centre(platform: Platform) -> AsyncIterator[Upper]:
    ours = platform.app.seals.federation_key()[1].public.raw.hex()
    both = {"private_key_hex": UPPER_KEY.hex(), "platform_public_key_hex": ours, "centre_id": "0000A0001"}
    sandbox = make_app({"upper_centre": both}, now=lambda: platform.clock.now().timestamp())
    async with listening(sandbox) as url:
        known = {"upper_url": f"{url}/upper", "upper_keys": f"k1:{UPPER_PUBLIC}"}
        settings = platform.settings.model_copy(update=known)
        apps = [await composition.build(settings, platform.clock) for _ in range(2)]
        servers = [listening(application(app.services)) for app in apps]
        async with servers[0] as one, servers[1] as other:
            first, second = (
                Platform(app, platform.clock, Http(at), platform.sandbox_url, settings)
                for app, at in zip(apps, (one, other), strict=True)
            )
            try:
                yield Upper(url, first, second)
            finally:
                for process in (first, second):
                    process.http.close()
                    await process.app.stop()


async def some(process: Platform, card_id: str, *names: str) -> None:
    answer = await tell(process, *(event(process, name, card_id=card_id) for name in names))
    assert answer.json["accepted"] == len(names)


async def test_every_use_goes_up_once_in_order_and_names_nobody(
    platform: Platform, db: Database[Any]
) -> None:
    token, card_id, person_id = await known_patient(platform)  # before there was an upper centre
    async with upper_centre(platform) as upper:
        platform.clock.advance(1)
        seen = await upper.first.scan(upper.first.partner(), await platform.code(token, card_id))
        await some(upper.first, card_id, "e-1", "e-2")
        late = event(platform, "e-3", card_id=card_id, used_at="2026-11-20T08:00:00Z", cost_type="0300")
        await tell(upper.second, late)
        assert await upper.upload.send_due() == 4
        assert await upper.upload.send_due() == 0
        kept = await upper.kept()
        assert [use["use_id"] for use in kept] == sorted(use["use_id"] for use in kept)
        assert kept[0]["use_id"] == seen.body["verification_id"]
        assert [use["is_late"] for use in kept] == [False, False, False, True]
        assert [use["is_direct"] for use in kept] == [True, False, False, False]
        assert (kept[3]["cost_type"], kept[3]["used_at"]) == ("0300", "2026-11-20T08:00:00Z")
        assert (kept[0]["terminal_id"], kept[0]["app_id"]) == ("T-0001", "hospital-a-his")
        assert len({use["person"] for use in kept}) == len({use["card"] for use in kept}) == 1
        text = json.dumps(kept)
        for secret in (person_id, card_id, platform.residents[0].name, platform.residents[0].id_no, "P-1"):
            assert secret not in text
        # What was stored before is sent when somebody says so, and what was sent is counted once.
        arguments = Namespace(action="send-again", since="2026-11-22")
        assert await usage_commands.run(upper.first.app, arguments) == 0
        assert await upper.upload.send_due() == 5
        assert (await upper.batches())[-1] | {"fence": 0} == {"fence": 0, "accepted": 1, "duplicates": 4}
        assert (await upper.upload.progress()).sent == 5, "what went twice is there once"
        await platform.decide(UsageReporting, names_persons=True)
        await some(upper.second, card_id, "e-4")
        await upper.first.app.versions.poll()
        assert await upper.upload.send_due() == 1
        assert (await upper.kept())[-1]["person"] == person_id
        for app in (platform.app, upper.first.app, upper.second.app):
            await app.chains[1].checkpoint()
        assert (await platform.app.verifier.verify()).problems == [], "a mark is no part of what is sealed"
    assert await platform.app.services.usage_upload.send_due() == 0, "without an upper centre nothing goes"
    assert await usage_commands.run(platform.app, arguments) == 1


async def test_it_goes_on_after_the_upper_centre_was_down_and_after_answers_were_lost(
    platform: Platform, db: Database[Any]
) -> None:
    _, card_id, _ = await known_patient(platform)
    async with upper_centre(platform) as upper:
        await some(upper.first, card_id, "e-1", "e-2")
        bad: list[dict[str, Any]] = [
            {"refuse": True},
            {"refuse": 503},
            {"garbage": True},
            {"lose_answer": True},
            {"wrong_key": True},
            {"answer": {"accepted": 2}},
            {"answer": {"accepted": 1, "duplicates": 0, "refused": []}},
            {"answer": {"accepted": -1, "duplicates": 3, "refused": []}},
            {"answer": {"accepted": 1, "duplicates": 0, "refused": [{"use_id": "x", "code": "y"}]}},
        ]
        for fault in bad:
            await upper.fault(**fault)
            platform.clock.advance(600)
            with pytest.raises(NotTaken):
                await upper.upload.send_due()
            assert db.usages.count_documents({"upload.due": True}) == 2, fault
            assert await upper.upload.send_due() == 0, "the next turn is not now"
        await upper.fault()
        staff = await upper.first.staff("partners.read")
        shown = (await upper.first.http.get(UPLOADS, token=staff)).json
        assert (shown["is_set_up"], shown["waiting"], shown["failures"]) == (True, 2, len(bad))
        assert shown["failed_because"] == "the answer does not account for the batch"
        assert shown["next_try_at"] > shown["failed_at"] > shown["waiting_since"]
        platform.clock.advance(600)
        await upper.upload.measure()
        metrics = (await upper.first.http.get("/metrics")).body.decode()
        assert "ehc_usage_unsent 2.0" in metrics and "ehc_usage_upload_lag_seconds 6000.0" in metrics
        assert await upper.upload.send_due() == 2
        assert len(await upper.kept()) == 2
        shown = (await upper.first.http.get(UPLOADS, token=staff)).json
        assert (shown["sent"], shown["waiting"], shown["failures"], shown["next_try_at"]) == (2, 0, 0, None)
        assert shown["sent_at"] and shown["failed_at"] and shown["waiting_since"] is None
        assert (await upper.batches())[-1]["duplicates"] == 2, "the lost answers were of batches it has kept"
        await upper.upload.measure()
        metrics = (await upper.first.http.get("/metrics")).body.decode()
        assert "ehc_usage_unsent 0.0" in metrics and "ehc_usage_upload_lag_seconds 0.0" in metrics


async def test_one_sends_at_a_time_and_who_overslept_is_fenced(platform: Platform, db: Database[Any]) -> None:
    _, card_id, _ = await known_patient(platform)
    async with upper_centre(platform) as upper:
        await some(upper.first, card_id, *(f"e-{n}" for n in range(40)))
        both = (upper.first, upper.second) * 4
        taken = await asyncio.gather(*(one.app.services.usage_upload.send_due() for one in both))
        assert sum(taken) == 40 and sum(batch["duplicates"] for batch in await upper.batches()) == 0
        # The first one takes its turn and stands still; the second takes over when the lease is over.
        await some(upper.first, card_id, "late-1", "late-2")
        store = upper.upload._store
        now = platform.clock.now()
        fence = await store.claim(now, now + LEASE)
        assert fence is not None and await store.claim(now, now + LEASE) is None
        rows = await store.list_due(500)
        platform.clock.advance(LEASE.total_seconds())
        assert await upper.second.app.services.usage_upload.send_due() == 2
        assert upper.upload._upper is not None
        with pytest.raises(NotTaken, match=r"upload\.fenced"):
            await upper.upload._send(upper.upload._upper, fence, rows)
        until = now + timedelta(days=1)

        async def settle(within: Transaction) -> bool:
            return await store.settle(fence, rows, {}, until, now, within)

        assert not await upper.first.app.mongo.in_transaction(settle), "the turn was another's"
        await store.release(fence, now + timedelta(days=1))
        await some(upper.first, card_id, "after")
        assert await upper.second.app.services.usage_upload.send_due() == 1
        assert len(await upper.kept()) == 43


async def test_what_the_upper_centre_will_not_take_stays_with_its_reason_and_holds_up_nobody(
    platform: Platform, db: Database[Any]
) -> None:
    _, card_id, _ = await known_patient(platform)
    async with upper_centre(platform) as upper:
        path = f"{upper.url}/control/upper_centre/unwanted"
        await platform.http.send("PUT", path, {"steps": ["0101014"]})
        triage = [event(platform, f"t-{n}", card_id=card_id, step="0101014") for n in range(3)]
        others = [event(platform, f"o-{n}", card_id=card_id) for n in range(700)]
        await tell(upper.first, *triage, *others[:400])
        await tell(upper.first, *others[400:])
        assert await upper.upload.send_due() == 700
        assert [batch["accepted"] for batch in await upper.batches()] == [497, 203]
        assert db.usages.count_documents({"upload.refused": "use.unwanted"}) == 3
        shown = await upper.upload.progress()
        assert (shown.sent, shown.refused, shown.waiting) == (700, 3, 0)
        await upper.upload.measure()
        assert "ehc_usage_refused 3.0" in (await upper.first.http.get("/metrics")).body.decode()
        await platform.http.send("PUT", path, {"steps": []})
        assert await upper.upload.send_due() == 0
        await upper.upload.send_again(platform.clock.now() - timedelta(days=1))
        assert await upper.upload.send_due() >= 703
        assert len([use for use in await upper.kept() if use["step"] == "0101014"]) == 3
        shown = await upper.upload.progress()
        assert (shown.sent, shown.refused) == (len(await upper.kept()), 0)


async def test_who_dies_before_it_is_written_down_has_counted_nothing(
    platform: Platform, db: Database[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upper centre has the batch; ours neither marks it nor counts it, and the next turn does both."""
    _, card_id, _ = await known_patient(platform)
    async with upper_centre(platform) as upper:
        await some(upper.first, card_id, "e-1", "e-2", "e-3")

        async def dies(work: Any) -> Any:
            raise Unavailable("database.unavailable", "the process is gone")

        with monkeypatch.context() as patch, pytest.raises(Unavailable):
            patch.setattr(upper.upload, "_in_transaction", dies)
            await upper.upload.send_due()
        assert len(await upper.kept()) == 3
        shown = await upper.upload.progress()
        assert (shown.sent, shown.waiting) == (0, 3)
        platform.clock.advance(LEASE.total_seconds())
        assert await upper.upload.send_due() == 3
        shown = await upper.upload.progress()
        assert (shown.sent, shown.waiting) == (3, 0)


async def test_address_and_keys_come_together(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    values = platform.settings.model_dump() | {"mongodb_uri": "mongodb://x", "upper_url": "http://upper"}
    with pytest.raises(SettingsError, match="UPPER_KEYS is not set"):
        load(**values)
    with pytest.raises(SettingsError, match="UPPER_URL is refused in production"):
        load(**values | {"environment": "production", "upper_keys": f"k1:{UPPER_PUBLIC}"})
