"""The sandbox hospital tells the platform of its patients: queue, orders, prescription, in its own words."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tornado.escape import json_decode, json_encode
from tornado.httpclient import AsyncHTTPClient
from tornado.httputil import url_concat

from sandbox.app import make_app
from server.core.clock import today
from server.core.crypto.provider import choose_provider
from server.core.http import OutboundHttp
from server.core.ids import new_id
from server.core.proving import PublicKeys
from server.core.signed_calls import SignedCalls
from server.gateways.his.http import HttpHospital, HttpHospitals
from server.gateways.his.model import HisAddress, Lock
from tests.harness import APP_ID, PAIR, Platform, listening
from tests.his import PATIENTS, his_section
from tests.visits import confirmed

pytestmark = [pytest.mark.feature("M1", "M5"), pytest.mark.gen_test(timeout=60)]
FETCH = {"raise_error": False, "request_timeout": 20}


class Nurse:
    """The hospital beside the platform: its page's buttons, and what it told."""

    def __init__(self, url: str, client: HttpHospital, platform: Platform) -> None:
        self.url, self.client, self.platform = url, client, platform

    async def press(self, name: str, **body: Any) -> Any:
        answer = await AsyncHTTPClient().fetch(
            f"{self.url}/his/{name}", method="POST", body=json_encode(body), **FETCH
        )
        assert answer.code == 200, answer.body
        return json_decode(answer.body)

    async def told(self) -> list[tuple[str, str]]:
        """(event, what came of it), oldest first."""
        url = url_concat(f"{self.url}/his/state", {"department_id": "D-IM"})
        state = json_decode((await AsyncHTTPClient().fetch(url, **FETCH)).body)
        return [
            (one["event"] or one["path"].rpartition("/")[2], one["outcome"])
            for one in reversed(state["told"])
        ]

    async def registered(self, patient: int) -> str:
        """Somebody with a slot of this afternoon."""
        day, now = today(self.platform.clock), self.platform.clock.now()
        (schedule,) = await self.client.schedules("clinic", "D-IM", day, day)
        slot = next(one for one in schedule.slots if one.free > 0)
        lock = Lock(new_id(now), slot.slot_id, PATIENTS[patient], slot.starts_at)
        await self.client.lock(lock)
        number = (await self.client.confirm(lock.lock_id)).registration_no
        assert number is not None
        return number


@asynccontextmanager
async def hospital_beside(platform: Platform) -> AsyncIterator[Nurse]:
    await platform.admit(scopes=("verification", "visits", "prescriptions", "messages"))
    section = his_section(
        platform.http.base,
        app_id=APP_ID,
        private_key_hex=PAIR.private.hex(),
        platform_public_key_hex=platform.app.seals.platform_public_key().hex(),
        centre_id=platform.settings.centre_id,
    )
    clock, http = platform.clock, OutboundHttp(public_only=False)
    app = make_app({"his": section}, now=lambda: clock.now().timestamp())
    async with listening(app) as url:
        with ThreadPoolExecutor(2) as threads:
            calls = SignedCalls(
                http,
                platform.app.seals.platform_key,
                PublicKeys(choose_provider(), threads),
                clock,
                threads,
                own_id=platform.settings.centre_id,
            )
            client = HttpHospitals(calls, clock).at(HisAddress("H001", url, (PAIR.public,)))
            yield Nurse(url, client, platform)
        http.close()


async def test_a_morning_at_the_hospital_reaches_the_residents_visit(platform: Platform) -> None:
    async with hospital_beside(platform) as nurse:
        token, card_id = await platform.holder(platform.residents[0])
        number = await nurse.registered(0)
        visit = await confirmed(platform, card_id, registration_no=number)
        ticket = await nurse.press("arrivals", registration_no=number)
        names = {"queue_id": ticket["queue_id"], "token_no": ticket["token_no"]}
        shown = await platform.http.get(f"/api/v1/visits/{visit['visit_id']}", token=token)
        assert shown.json["queue"]["token"] == ticket["token_no"], shown.body
        assert shown.json["queue"]["ahead"] == 0
        await nurse.press("calls", queue_id=ticket["queue_id"])
        shown = await platform.http.get(f"/api/v1/visits/{visit['visit_id']}", token=token)
        assert shown.json["queue"]["state"] == "called"
        done = await nurse.press("consultations", **names, items=["ct.plain"], prescribes=True)
        order_id = done["orders"][0]["order_id"]
        await nurse.press("reports", registration_no=number, order_id=order_id)
        await nurse.press("dispensings", registration_no=number)
        told = [one for one in await nurse.told() if one[0] != "prescriptions"]
        assert told == [
            ("joined", "200"),
            ("called", "200"),
            ("done", "200"),
            ("consulted", "200"),
            ("ordered", "200"),
            ("prescribed", "200"),
            ("examined", "200"),
            ("report_ready", "200"),
            ("dispensed", "200"),
            ("finished", "200"),
        ]
        shown = await platform.http.get(f"/api/v1/visits/{visit['visit_id']}", token=token)
        assert shown.json["state"] == "finished", shown.body


async def test_what_the_platform_refuses_does_not_stop_the_hospital(platform: Platform) -> None:
    """A patient the platform knows nothing of: each word is refused, signed, and the day goes on."""
    async with hospital_beside(platform) as nurse:
        number = await nurse.registered(1)
        ticket = await nurse.press("arrivals", registration_no=number)
        await nurse.press("calls", queue_id=ticket["queue_id"])
        assert await nurse.told() == [("joined", "visit.not_found"), ("called", "visit.not_found")]
        assert (await nurse.client.queue(ticket["queue_id"], ticket["token_no"])).state == "called"
