"""A doctor who does not come is one piece of news, whoever brings it first (N2)."""

from typing import Any

import pytest

from tests.api.booking import book, load, open_hospital, schedule, slot_ref
from tests.harness import Platform

pytestmark = [pytest.mark.feature("N2"), pytest.mark.gen_test(timeout=60)]
STOPS = {"clinic_stopped", "visit_stopped", "visit_refused"}


class Stopping:
    """A booked resident, a schedule that is closed, and a hospital that says so as well."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    async def prepare(self, fee_fen: int = 0) -> "Stopping":
        await open_hospital(self.platform)
        await self.platform.admit(scopes=("verification", "slots", "messages"))
        self.content = schedule(self.platform, 1, slots=1, fee_fen=fee_fen)
        await load(self.platform, "lin", self.content)
        self.token, self.card_id = await self.platform.holder(self.platform.residents[0])
        booked = await book(self.platform, self.token, self.card_id, slot_ref(self.content, "lin"))
        self.appointment: dict[str, Any] = booked.json
        await self.platform.work()
        return self

    async def close(self) -> None:
        await load(self.platform, "lin", {**self.content, "is_closed": True})
        for _ in range(3):
            await self.platform.work()

    async def say(self, **changes: Any) -> Any:
        body = {
            "kind": "clinic_stopped",
            "registration_no": self.appointment["registration_no"],
            "fields": {"department": "心内科", "starts_at": self.appointment["starts_at"]},
            **changes,
        }
        named = {name: value for name, value in body.items() if value is not None}
        return await self.platform.partner().call("POST", "/partner/v1/messages", named)

    async def told(self) -> list[str]:
        kinds = [one["kind"] for one in await self.platform.messages(self.token)]
        return [kind for kind in kinds if kind in STOPS]


async def test_the_hospital_first_and_then_the_booking(platform: Platform) -> None:
    stopping = await Stopping(platform).prepare()
    said = await stopping.say()
    assert (said.status, said.body["inboxes"]) == (201, 1)
    await stopping.close()
    assert await stopping.told() == ["clinic_stopped"]
    shown = await platform.http.get(
        f"/api/v1/appointments/{stopping.appointment['appointment_id']}", token=stopping.token
    )
    assert (shown.json["state"], shown.json["because"]) == ("cancelled", "closed")


async def test_the_booking_first_and_then_the_hospital(platform: Platform) -> None:
    stopping = await Stopping(platform).prepare()
    await stopping.close()
    for _ in range(2):
        said = await stopping.say()
        assert (said.status, said.body["inboxes"]) == (201, 1), "they have heard of it"
    assert await stopping.told() == ["visit_stopped"]


async def test_a_place_that_is_held_and_named_by_its_card(platform: Platform) -> None:
    stopping = await Stopping(platform).prepare(fee_fen=5000)
    assert stopping.appointment["state"] == "held"
    await platform.scan(platform.partner(), await platform.code(stopping.token, stopping.card_id))
    by_card = {"registration_no": None, "card_id": stopping.card_id}
    said = await stopping.say(**by_card)
    assert (said.status, said.body["inboxes"]) == (201, 1), said.body
    await stopping.close()
    assert await stopping.told() == ["clinic_stopped"]


async def test_what_nobody_booked_here_is_told_each_time(platform: Platform) -> None:
    stopping = await Stopping(platform).prepare()
    await platform.scan(platform.partner(), await platform.code(stopping.token, stopping.card_id))
    by_card = {"registration_no": None, "card_id": stopping.card_id}
    elsewhere = {"department": "眼科", "starts_at": "2026-12-24T01:00:00Z"}
    for _ in range(2):
        assert (await stopping.say(**by_card, fields=elsewhere)).status == 201
        platform.clock.advance(1)
    await stopping.close()
    assert sorted(await stopping.told()) == ["clinic_stopped", "clinic_stopped", "visit_stopped"]
