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


def _call_next(demo: RunningDemo, queue: str = QUEUE) -> str:
    """Who is called now."""
    reply = tell(demo, f"/partner/v1/queues/{queue}/calls", {})
    return str(reply.body["token"]["token_id"])


def _move(demo: RunningDemo, token_id: str, action: str, queue: str = QUEUE) -> None:
    path = f"/partner/v1/queues/{queue}/tokens/{token_id}/transitions"
    assert tell(demo, path, {"action": action}).error is None


def _visit_id(phone: Phone) -> str:
    """Of the visit that the phone looks at."""
    url: str = phone.page.evaluate(
        "() => performance.getEntriesByType('resource').map(one => one.name)"
        ".filter(name => name.includes('/visits/')).pop()"
    )
    return url.rpartition("/visits/")[2].partition("?")[0]


def _open_room(demo: RunningDemo, item: str, place: str, *days: int, minutes: int = 20) -> None:
    """Places for an examination, so many days and minutes from now."""
    for day in days:
        begins = (datetime.now(UTC) + timedelta(days=day, minutes=minutes)).replace(second=0, microsecond=0)
        ends = begins + timedelta(minutes=20)
        slot = {"slot_id": "01", "starts_at": begins.isoformat(), "ends_at": ends.isoformat(), "capacity": 4}
        pool = {
            "kind": "examination",
            "department": {"department_id": item.upper(), "name": "检查科"},
            "item": item,
            "place": place,
            "on": str(city_day(begins)),
            "slots": [slot],
        }
        path = f"/partner/v1/slot-pools/{item.upper()}-{day}"
        assert tell(demo, path, pool, method="PUT").error is None


def _order(demo: RunningDemo, visit_id: str, item: str, name: str) -> None:
    """The doctor orders it, and the visit hears of it."""
    told = {"visit_id": visit_id, "event": "ordered", "about": f"O-{item}"}
    reply = tell(demo, "/partner/v1/visit-events", told)
    assert reply.error is None, reply.error
    order = {
        "registration_no": reply.body["registration_no"],
        "order_no": f"O-{item}",
        "item": item,
        "name": name,
        "department_id": item.upper(),
    }
    assert tell(demo, "/partner/v1/examination-orders", order).error is None


def _plan(phone: Phone, *names: str) -> None:
    """Chooses what was ordered, and asks for times."""
    for name in names:
        phone.page.locator('[data-test="choose-order"]:visible', has_text=name).click()
    phone.tap("find-plan")
    expect(phone.at("plan")).to_be_visible()


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
    expect(phone.page.locator('[data-test="step"]:visible', has_text="看过医生")).to_be_visible()
    expect(phone.at("nothing")).to_contain_text("现在没有要做的")
    expect(phone.page.locator('[data-test="queue"]:visible')).to_have_count(0)
    told = {"visit_id": _visit_id(phone), "event": "prescribed", "next": {"what": "pay", "place": "收费处"}}
    assert tell(demo, "/partner/v1/visit-events", told).error is None
    expect(phone.at("next")).to_contain_text("收费处")
    expect(phone.page.locator('[data-test="step"]:visible', has_text="医生开了药")).to_be_visible()


@pytest.mark.feature("M3")
def test_what_was_ordered_is_planned_booked_and_checked_in_by_the_desks_code(
    phones: tuple[Phone, Phone], demo: RunningDemo
) -> None:
    """B3.1.1, 8 and 9: two examinations in one trip though one could be earlier, what to prepare in the
    inbox; a third at once, checked in by scan at its own door."""
    phone = phones[1]
    _open_room(demo, "ecg", "医技楼 1 层 心电图室", 0, 1)
    _open_room(demo, "us.heart", "医技楼 2 层 超声科", 1, minutes=60)
    _open_room(demo, "dr.chest", "医技楼 1 层 放射科", 0)
    visit_id = _visit_id(phone)
    for item, name in (("ecg", "心电图"), ("us.heart", "心脏彩超"), ("dr.chest", "胸部 DR")):
        _order(demo, visit_id, item, name)
    expect(phone.at("next")).to_have_attribute("data-what", "book_examination")
    phone.tap("go-examinations")
    expect(phone.page.locator('[data-test="order"][data-state="open"]:visible')).to_have_count(3)
    _plan(phone, "心电图", "心脏彩超")
    expect(phone.at("plan")).to_contain_text("跑一趟就能做完")
    expect(phone.page.locator('[data-test="trip"]:visible')).to_have_count(1)
    expect(phone.page.locator('[data-test="planned"]:visible')).to_have_count(2)
    expect(phone.at("plan")).to_contain_text("做之前先坐 10 分钟")
    phone.tap("book-plan")
    expect(phone.at("done")).to_contain_text("检查都约好了")

    phone.page.goto(demo.web)
    phone.tap("go-examinations")
    expect(phone.page.locator('[data-test="order"][data-state="booked"]:visible')).to_have_count(2)
    _plan(phone, "胸部 DR")
    phone.tap("book-plan")
    phone.tap("go-appointments")
    expect(phone.page.locator('[data-test="appointment"]:visible')).to_have_count(4)
    phone.page.locator('[data-test="appointment"]:visible', has_text="放射科").click()
    phone.tap("go-visit")
    expect(phone.at("next")).to_have_attribute("data-what", "check_in")
    phone.context.clear_permissions()
    phone.tap("check-in")
    phone.write("desk-code", _desk_code(demo, "DR.CHEST"))
    phone.tap("check-in-code")
    expect(phone.at("ahead")).to_have_text("下一个就是您")
    _move(demo, _call_next(demo, "DR.CHEST"), "finish", "DR.CHEST")
    expect(phone.page.locator('[data-test="step"]:visible', has_text="做了检查")).to_be_visible()
    expect(phone.at("next")).to_have_attribute("data-what", "wait_for_report")

    phone.page.goto(demo.web)
    phone.tap("go-messages")
    notices = phone.page.locator('[data-test="message"][data-kind="examination_planned"]:visible')
    expect(notices).to_have_count(2)
    expect(notices.filter(has_text="心电图")).to_contain_text("检查前先坐 10 分钟")
    expect(notices.filter(has_text="胸部 DR")).to_contain_text("身上不要带金属")


@pytest.mark.feature("N1")
def test_whoever_has_booked_is_reminded_in_time(phones: tuple[Phone, Phone], demo: RunningDemo) -> None:
    """B3.1.1, 2: two hours before; the place begins two hours and some seconds from now."""
    phone = phones[0]
    begins = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2, seconds=20)
    ends = begins + timedelta(minutes=30)
    slot = {"slot_id": "01", "starts_at": begins.isoformat(), "ends_at": ends.isoformat(), "capacity": 1}
    pool = {
        "kind": "clinic",
        "department": {"department_id": "ENT", "name": "耳鼻喉科"},
        "place": "门诊楼二层 7 诊室",
        "on": str(city_day(begins)),
        "slots": [slot],
    }
    assert tell(demo, "/partner/v1/slot-pools/ENT-SOON", pool, method="PUT").error is None
    phone.page.goto(demo.web)
    phone.tap("go-book")
    phone.page.locator('[data-test="hospital"]:visible', has_text=HOSPITAL).click()
    phone.page.locator('[data-test="department"]:visible', has_text="耳鼻喉科").click()
    phone.page.locator('[data-test="slot"][aria-disabled="false"]:visible').first.click()
    phone.tap("book")
    expect(phone.at("booked")).to_have_attribute("data-state", "confirmed")
    phone.page.goto(demo.web)
    phone.tap("go-messages")
    reminder = phone.page.locator('[data-test="message"][data-kind="visit_soon"]:visible')
    expect(reminder).to_have_count(1, timeout=40_000)
    expect(reminder).to_contain_text("请准时到达")
