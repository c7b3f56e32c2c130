"""The next place and task after everything that happens on a day at a hospital (B3.1.1)."""

import pytest

from server.visits.guidance import GuidancePolicy
from tests.harness import Platform
from tests.visits import INSIDE, Desk, check_in, confirmed, knows, seen, settle

pytestmark = [pytest.mark.feature("M4", "M5"), pytest.mark.gen_test(timeout=60)]


async def test_a_whole_visit_shows_the_next_place_after_every_event(platform: Platform) -> None:
    knows(platform)
    desk = await Desk.of(platform)
    token, card_id = await platform.holder(platform.residents[0])
    visit = await confirmed(platform, card_id)
    number = visit["registration_no"]
    before = await seen(platform, token, visit)
    assert (before["state"], before["queue"]) == ("expected", None)
    assert before["next"] == {"what": "check_in", "title": None, "place": "门诊楼 3 层 A 区", "step": 4}

    arrived = await check_in(platform, token, visit, place=INSIDE)
    assert arrived.status == 200, arrived.body
    assert arrived.json["queue"] == {
        "token": "001",
        "state": "waiting",
        "position": 1,
        "ahead": 0,
        "place": "门诊楼 3 层 A 区",
        "called_at": None,
        "as_of": None,
        "is_silent": False,
    }
    assert arrived.json["next"]["what"] == "wait"
    again = await check_in(platform, token, visit, place=INSIDE)
    assert again.json == arrived.json

    called = await desk.call()
    assert called["visit_id"] == visit["visit_id"]
    shown = await seen(platform, token, visit)
    assert (shown["next"]["what"], shown["next"]["place"]) == ("go_in", "3 诊室")
    await desk.tell(number, "consulted")
    assert (await seen(platform, token, visit))["next"] is None
    await desk.tell(number, "ordered", about="O-1", next={"what": "做心电图前先缴费", "place": "1 层收费处"})
    await desk.tell(number, "prescribed", about="P-1")
    shown = await seen(platform, token, visit)
    assert (shown["next"]["what"], shown["next"]["step"]) == ("book_examination", 8)
    assert shown["next"]["place"] == "1 层收费处"
    told = await desk.tell(number, "examined", about="O-1")
    assert [task["what"] for task in told["tasks"]] == ["pay", "wait_for_report", "fetch_medicine"]
    await desk.tell(number, "paid")
    await desk.tell(number, "report_ready", about="O-1", next={"place": "自助报告机"})
    assert (await seen(platform, token, visit))["next"]["what"] == "fetch_report"
    await desk.tell(number, "dispensed", about="P-1")
    await desk.tell(number, "finished")
    shown = await seen(platform, token, visit)
    assert (shown["state"], shown["next"]["what"]) == ("finished", "answer_survey")
    assert [step["event"] for step in shown["steps"]] == [
        *("booked", "checked_in", "consulted", "ordered", "prescribed", "examined", "paid"),
        *("report_ready", "dispensed", "finished"),
    ]
    await settle(platform)


async def test_whom_the_booked_queue_is_done_with_has_seen_the_doctor(platform: Platform) -> None:
    """The hospital tells nothing: its desk works with the platform's queue, and that is enough.  A second
    queue of the same morning says nothing of the doctor; who comes back with a report waits again."""
    desk = await Desk.of(platform)
    token, card_id = await platform.holder(platform.residents[0])
    visit = await confirmed(platform, card_id)
    await desk.open_queue("PHARMACY", department_id=None)

    async def what() -> str | None:
        await settle(platform)
        shown = await seen(platform, token, visit)
        return None if shown["next"] is None else str(shown["next"]["what"])

    joining = {"visit_id": visit["visit_id"]}
    assert (await check_in(platform, token, visit, scan=desk.desk_text())).status == 200
    await settle(platform)
    other = await desk.send("POST", "/queues/PHARMACY/tokens", joining)
    assert (await desk.call("PHARMACY"))["token_id"] == other["token_id"]
    await desk.move(other["token_id"], "finish", "PHARMACY")
    assert await what() == "wait"
    called = await desk.call()
    assert await what() == "go_in"
    await desk.move(called["token_id"], "finish")
    assert await what() is None
    shown = await seen(platform, token, visit)
    assert [step["event"] for step in shown["steps"]] == ["booked", "checked_in", "consulted"]

    platform.clock.advance(60)
    await desk.move(called["token_id"], "return")
    assert await what() == "wait"
    await desk.tell(visit["registration_no"], "report_ready", about="O-1")
    platform.clock.advance(60)
    again = await desk.call()
    assert await what() == "go_in"
    await desk.tell(visit["registration_no"], "consulted")
    assert await what() is None
    await desk.move(again["token_id"], "finish")
    assert await what() is None
    shown = await seen(platform, token, visit)
    assert [step["event"] for step in shown["steps"]].count("consulted") == 2, "not said a third time"


@pytest.mark.parametrize("event", ["prescribed", "ordered"])
async def test_whoever_has_a_prescription_or_an_order_does_not_wait_for_the_doctor(
    platform: Platform, event: str
) -> None:
    desk = await Desk.of(platform)
    token, card_id = await platform.holder(platform.residents[0])
    visit = await confirmed(platform, card_id)
    told = await desk.tell(visit["registration_no"], event)
    assert "see_doctor" not in [task["what"] for task in told["tasks"]]
    shown = await seen(platform, token, visit)
    assert shown["next"]["what"] in ("pay", "book_examination")


async def test_an_event_told_again_changes_nothing(platform: Platform) -> None:
    desk = await Desk.of(platform)
    _, card_id = await platform.holder(platform.residents[0])
    number = (await confirmed(platform, card_id))["registration_no"]
    for _ in range(2):
        told = await desk.tell(number, "ordered", about="O-1", event_id="e-1")
    assert [task["what"] for task in told["tasks"]].count("pay") == 1
    await desk.tell(number, "paid", about="O-1", event_id="e-2")
    told = await desk.tell(number, "ordered", about="O-1", event_id="e-1")
    assert "pay" not in [task["what"] for task in told["tasks"]]


async def test_a_centre_may_send_its_patients_another_way(platform: Platform) -> None:
    desk = await Desk.of(platform)
    _, card_id = await platform.holder(platform.residents[0])
    number = (await confirmed(platform, card_id))["registration_no"]
    rules = [{"event": "ordered", "ends": [], "begins": ["be_examined"]}]
    await platform.decide(GuidancePolicy, rules=rules)
    told = await desk.tell(number, "ordered")
    assert [task["what"] for task in told["tasks"]] == ["check_in", "be_examined"]
