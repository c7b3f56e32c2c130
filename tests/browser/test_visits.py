"""At the hospital with a phone: check in, wait, be called, miss it, come back (B3.1.1)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from server.core.clock import city_day
from server.visits.arrival import shifted
from tests.browser.demo import RunningDemo
from tests.browser.partner import tell
from tests.browser.phone import Phone

pytestmark = [pytest.mark.browser, pytest.mark.feature("M4", "M5")]

HOSPITAL, DEPARTMENT, QUEUE, PLACE = "云溪市中医医院", "眼科", "EYE", "门诊楼二层 5 诊室"
GATE = (30.2609, 120.1702)
"The middle of the second hospital's grounds, as Chinese maps have it."


@pytest.fixture(scope="module")
def phones(browser: Browser, demo: RunningDemo) -> Iterator[tuple[Phone, Phone]]:
    """Two residents whose places begin in twenty minutes, neither old enough to be called earlier."""
    begins = (datetime.now(UTC) + timedelta(minutes=20)).replace(second=0, microsecond=0)
    ends = begins + timedelta(minutes=30)
    slot = {"slot_id": "01", "starts_at": begins.isoformat(), "ends_at": ends.isoformat(), "capacity": 4}
    pool = {
        "kind": "clinic",
        "department": {"department_id": QUEUE, "name": DEPARTMENT},
        "doctor": {"doctor_id": "fan", "name": "范医生"},
        "place": PLACE,
        "on": str(city_day(begins)),
        "slots": [slot],
    }
    assert tell(demo, "/partner/v1/slot-pools/EYE-NOW", pool, method="PUT").error is None
    young = [one for one in demo.told["residents"] if 1970 <= int(one["id_no"][6:10]) < 2000]
    pair = Phone(browser, demo, young[0]), Phone(browser, demo, young[1])
    for phone in pair:
        phone.open()
        phone.sign_in()
        phone.claim()
        _book(phone)
    yield pair
    for phone in pair:
        phone.close()


def _book(phone: Phone) -> None:
    phone.tap("go-book")
    phone.page.locator('[data-test="hospital"]:visible', has_text=HOSPITAL).click()
    phone.page.locator('[data-test="department"]:visible', has_text=DEPARTMENT).click()
    phone.page.locator('[data-test="slot"][aria-disabled="false"]:visible').first.click()
    phone.tap("book")
    expect(phone.at("booked")).to_have_attribute("data-state", "confirmed")
    phone.page.goto(phone.demo.web)
    phone.tap("go-visit")
    expect(phone.at("visit")).to_have_attribute("data-state", "expected")
    expect(phone.at("next")).to_have_attribute("data-what", "check_in")


def _stand(phone: Phone, north: float = 0) -> None:
    """At the gate, or so many degrees north of it: a browser says where in WGS-84."""
    latitude, longitude = (2 * here - there for here, there in zip(GATE, shifted(*GATE), strict=True))
    place: Any = {"latitude": latitude + north, "longitude": longitude, "accuracy": 20}
    phone.context.grant_permissions(["geolocation"])
    phone.context.set_geolocation(place)


def _desk_code(demo: RunningDemo, department_id: str) -> str:
    reply = tell(demo, "/partner/v1/desk-code", None, method="GET", department_id=department_id)
    return str(reply.body["text"])


def _call_next(demo: RunningDemo) -> str:
    """Who is called now."""
    reply = tell(demo, f"/partner/v1/queues/{QUEUE}/calls", {})
    return str(reply.body["token"]["token_id"])


def _move(demo: RunningDemo, token_id: str, action: str) -> None:
    path = f"/partner/v1/queues/{QUEUE}/tokens/{token_id}/transitions"
    assert tell(demo, path, {"action": action}).error is None


def test_they_check_in_by_the_desks_code_and_by_place(phones: tuple[Phone, Phone], demo: RunningDemo) -> None:
    first, second = phones
    first.tap("check-in")
    expect(first.at("failure")).to_contain_text("没有拿到位置")
    first.write("desk-code", _desk_code(demo, "TCM"))
    first.tap("check-in-code")
    expect(first.at("failure")).to_contain_text(PLACE)
    first.write("desk-code", _desk_code(demo, QUEUE))
    first.tap("check-in-code")
    expect(first.at("arrived")).to_be_visible()
    expect(first.at("visit")).to_have_attribute("data-state", "checked_in")
    expect(first.at("ahead")).to_have_text("下一个就是您")

    _stand(second, north=0.1)
    second.tap("check-in")
    expect(second.at("failure")).to_be_visible()
    expect(second.at("visit")).to_have_attribute("data-state", "expected")
    _stand(second)
    second.tap("check-in")
    expect(second.at("arrived")).to_be_visible()
    expect(second.at("ahead")).to_have_text("前面还有 1 人")


def test_who_is_called_missed_and_back_sees_it_at_once(
    phones: tuple[Phone, Phone], demo: RunningDemo
) -> None:
    first, second = phones
    token_id = _call_next(demo)
    expect(first.at("queue")).to_have_attribute("data-state", "called")
    expect(first.at("queue")).to_contain_text(PLACE)
    expect(first.at("next")).to_have_attribute("data-what", "go_in")
    expect(second.at("ahead")).to_have_text("下一个就是您")
    _move(demo, token_id, "miss")
    expect(first.at("ahead")).to_have_text("刚才叫过您，过号了")
    expect(first.at("next")).to_have_attribute("data-what", "ask_at_desk")
    _move(demo, token_id, "return")
    expect(first.at("queue")).to_have_attribute("data-state", "waiting")
    expect(second.at("queue")).to_have_attribute("data-state", "waiting")


def test_after_the_doctor_the_next_place_is_said(phones: tuple[Phone, Phone], demo: RunningDemo) -> None:
    phone = phones[1]
    for _ in range(2):
        _move(demo, _call_next(demo), "finish")
    expect(phone.page.locator('[data-test="queue"]:visible')).to_have_count(0)
    visit_id = phone.page.evaluate(
        "() => performance.getEntriesByType('resource').map(one => one.name)"
        ".filter(name => name.includes('/visits/')).pop()"
    )
    told = {"visit_id": visit_id.rpartition("/visits/")[2].partition("?")[0]}
    next_place = {"what": "pay", "place": "收费处"}
    for event in ({"event": "consulted"}, {"event": "prescribed", "next": next_place}):
        assert tell(demo, "/partner/v1/visit-events", told | event).error is None
    expect(phone.at("next")).to_contain_text("收费处")
    expect(phone.page.locator('[data-test="step"]:visible', has_text="医生开了药")).to_be_visible()
