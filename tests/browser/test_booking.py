"""From the card page to a booked place in five taps; giving it back; the queue; medicine ticked off."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from sandbox.alipay import user_id_of
from sandbox.wechat import openid_of
from tests.browser.demo import RunningDemo, ask
from tests.browser.partner import tell
from tests.browser.phone import Phone, Terminal

pytestmark = pytest.mark.browser
SECOND = "云溪市中医医院"
VENDORS: dict[str, dict[str, Any]] = {
    "wechat": {"code": "wx:lan", "who": {"openid": openid_of("wx-demo", "lan")}, "number": 50},
    "alipay": {"code": "ali:lan", "who": {"user_id": user_id_of("2026000000000001", "lan")}, "number": 51},
}
FIRST_MESSAGE = """async url => {
  for (let tries = 0; tries < 200; tries += 1) {
    const { messages } = await (await fetch(url)).json()
    if (messages.length) return messages[0]
    await new Promise((done) => setTimeout(done, 100))
  }
}"""
"What a platform has brought, once it has brought something."


@pytest.fixture(scope="module")
def phone(browser: Browser, demo: RunningDemo) -> Phone:
    phone = Phone(browser, demo, demo.adult(40))
    phone.open(elder=True)
    phone.sign_in()
    phone.claim()
    return phone


def kept_card(phone: Phone) -> str:
    """The card that the phone shows."""
    found: str = phone.page.evaluate("() => JSON.parse(localStorage.cards).data.cards[0].card.card_id")
    return found


def book(phone: Phone, department: str = "中医内科") -> None:
    """Five taps: book, hospital, department, a time, yes; and one more for a day on which no time is over."""
    phone.page.goto(phone.demo.web)
    phone.page.reload()
    phone.tap("go-book")
    phone.page.locator('[data-test="hospital"]:visible', has_text=SECOND).click()
    phone.page.locator('[data-test="department"]:visible', has_text=department).click()
    days = phone.page.locator('[data-test="day"]:visible')
    expect(days).to_have_count(14)
    days.nth(2).click()
    expect(days.nth(2)).to_have_attribute("aria-checked", "true")
    expect(days.nth(2).locator(".day-tick")).to_be_visible()
    phone.page.locator('[data-test="slot"][aria-disabled="false"]:visible').first.click()
    expect(phone.at("booking-facts")).to_contain_text(department)
    phone.tap("book")


@pytest.mark.feature("M1", "M2")
def test_a_place_is_booked_in_five_taps_and_given_back_by_the_rule(phone: Phone) -> None:
    book(phone)
    expect(phone.at("done")).to_contain_text("号已约好")
    expect(phone.at("done")).to_contain_text("诊室")
    phone.tap("go-appointments")
    expect(phone.at("appointment")).to_have_attribute("data-state", "confirmed")
    phone.tap("appointment")
    expect(phone.at("rule")).to_contain_text("不算爽约")
    phone.tap("cancel")
    phone.tap("cancel-yes")
    expect(phone.at("done")).to_contain_text("已经取消")
    expect(phone.at("one")).to_have_attribute("data-state", "cancelled")
    phone.page.go_back()
    expect(phone.at("state")).to_have_attribute("data-state", "empty")
    phone.tap("which-past")
    expect(phone.at("appointment")).to_have_attribute("data-state", "cancelled")


@pytest.mark.feature("M1")
def test_a_place_with_a_fee_is_held_and_it_is_said_what_to_do(phone: Phone) -> None:
    book(phone, "推拿科")
    expect(phone.at("booked")).to_have_attribute("data-state", "held")
    expect(phone.at("booked")).to_contain_text("¥50.00")
    expect(phone.at("booked")).to_contain_text("医院窗口付")
    expect(phone.at("go-appointments")).to_be_visible()
    expect(phone.at("another")).to_be_visible()


@pytest.mark.feature("M1")
def test_a_doctor_has_a_calendar_and_without_network_nothing_is_lost(phone: Phone) -> None:
    phone.page.goto(phone.demo.web)
    phone.tap("go-book")
    phone.page.locator('[data-test="hospital"]:visible', has_text=SECOND).click()
    phone.page.locator('[data-test="department"]:visible', has_text="中医内科").click()
    phone.page.locator('[data-test="day"]:visible').nth(2).click()
    phone.tap("doctor-calendar")
    expect(phone.at("doctor-shown")).to_contain_text("医生")
    phone.page.locator('[data-test="day"]:visible').nth(2).click()
    expect(phone.page.locator('[data-test="doctor"]:visible')).to_have_count(1)
    phone.page.locator('[data-test="slot"][aria-disabled="false"]:visible').first.click()
    expect(phone.at("book")).to_be_visible()
    phone.context.set_offline(True)
    phone.tap("book")
    expect(phone.at("failure")).to_contain_text("什么都没有丢")
    phone.context.set_offline(False)
    phone.tap("book")
    expect(phone.at("done")).to_contain_text("号已约好")


@pytest.mark.feature("M4", "M5")
def test_the_queue_moves_on_the_screen_and_the_next_place_is_said(phone: Phone, demo: RunningDemo) -> None:
    phone.page.goto(demo.web)
    phone.tap("go-visit")
    expect(phone.at("visit")).to_have_attribute("data-state", "expected")
    expect(phone.at("next")).to_have_attribute("data-what", "check_in")
    with phone.page.expect_response(lambda answer: "/api/v1/visits/" in answer.url) as waited:
        pass
    visit_id = waited.value.url.rpartition("/visits/")[2].partition("?")[0]
    place = "门诊楼一层 2 诊室"
    joined = {
        "visit_id": visit_id,
        "event": "joined",
        "queue_id": "TCM-2",
        "token_no": "A017",
        "ahead": 4,
        "place": place,
    }
    assert tell(demo, "/partner/v1/queue-events", joined).error is None
    expect(phone.at("token")).to_have_text("A017")
    expect(phone.at("ahead")).to_have_text("前面还有 4 人")
    moved = {
        "visit_id": visit_id,
        "event": "moved",
        "queue_id": "TCM-2",
        "token_no": "A017",
        "ahead": 0,
        "place": place,
    }
    assert tell(demo, "/partner/v1/queue-events", moved).error is None
    expect(phone.at("ahead")).to_have_text("下一个就是您")
    called = {
        "visit_id": visit_id,
        "event": "called",
        "queue_id": "TCM-2",
        "token_no": "A017",
        "place": place,
    }
    assert tell(demo, "/partner/v1/queue-events", called).error is None
    expect(phone.at("ahead")).to_have_text("叫到您了，请进去")
    told = {"visit_id": visit_id, "event": "prescribed", "next": {"what": "pay", "place": "收费处"}}
    assert tell(demo, "/partner/v1/visit-events", told).error is None
    expect(phone.page.locator('[data-test="step"]:visible', has_text="医生开了药")).to_be_visible()


@pytest.mark.feature("N2")
def test_medicine_is_ticked_off_and_its_times_are_moved(
    browser: Browser, phone: Phone, demo: RunningDemo, tmp_path: Path
) -> None:
    now = datetime.now(UTC) + timedelta(hours=8)
    today = now.date()
    drug = {"drug": "阿莫西林胶囊", "dose": "2", "unit": "粒", "times_a_day": 4, "meal": "after", "days": 5}
    prescription = {
        "card_id": kept_card(phone),
        "prescription_no": "P-1",
        "first_on": str(today - timedelta(days=1)),
        "items": [drug],
    }
    phone.page.goto(demo.web)
    phone.expect_code("live")
    terminal = Terminal(browser, demo)
    terminal.verify_picture(phone.picture(), tmp_path)
    terminal.expect(ok=True)
    terminal.close()
    assert tell(demo, "/partner/v1/prescriptions", prescription, first=True).error is None
    phone.page.goto(demo.web)
    phone.tap("go-medications")
    expect(phone.at("plan")).to_contain_text("阿莫西林胶囊 2粒 饭后")
    if now.hour < 21:  # later in the evening nothing of today is left to take
        with phone.page.expect_response(lambda reply: reply.url.endswith("/ticks") and reply.ok):
            phone.tap("dose")  # the tick is there at once, and kept a moment later
        expect(phone.at("dose")).to_have_attribute("aria-checked", "true")
        phone.page.reload()
        expect(phone.at("dose")).to_have_attribute("aria-checked", "true")
    phone.tap("change-times")
    phone.tap("breakfast-later")
    expect(phone.at("breakfast")).to_have_text("上午7:45")
    phone.tap("save")
    expect(phone.at("saved")).to_be_visible()


@pytest.mark.feature("N2")
def test_what_goes_where_is_chosen_and_kept(phone: Phone, demo: RunningDemo) -> None:
    phone.page.goto(demo.web)
    phone.tap("go-settings")
    phone.tap("go-reminders")
    phone.tap("queue-inbox")
    assert phone.page.locator('[data-test="card-nowhere"]').count() == 0
    phone.tap("save")
    expect(phone.at("saved")).to_be_visible()
    phone.page.reload()
    expect(phone.at("queue-inbox")).to_have_attribute("aria-checked", "true")
    phone.page.goto(demo.web)
    phone.tap("go-examinations")
    expect(phone.at("state")).to_have_attribute("data-state", "empty")
    phone.close()


@pytest.mark.feature("N3")
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_booking_is_told_by_the_platform_the_resident_came_by(
    browser: Browser, demo: RunningDemo, vendor: str
) -> None:
    """Through HTTP alone, and read in the sandbox's own record."""
    known, api = VENDORS[vendor], f"{demo.told['api']}/api/v1"
    sandbox = demo.told["sandbox"]["control"].removesuffix("/control")
    resident = demo.adult(known["number"])
    token = ask(f"{api}/sessions", {"method": vendor, "code": known["code"]})["token"]
    ask(f"{api}/sms-codes", {"phone": resident["phone"], "purpose": "phone"})
    proven = {"phone": resident["phone"], "code": demo.last_sms_code(resident["phone"])}
    ask(f"{api}/account/phone", proven, token, "PUT")
    card_id = ask(f"{api}/cards", {**resident, "relation": "self"}, token)["card_id"]

    awake = {"quiet_hours": None, "groups": {"visits": "everywhere"}}  # this may be run at night
    ask(f"{api}/message-preferences", awake, token, "PUT")
    templates = ask(f"{api}/message-templates", token=token)["templates"]
    visit = next(one for one in templates if one["name"] == "visit" and "book" in one["taps"])
    prompt = {**known["who"], "template_id": visit["template_id"]}
    ask(f"{sandbox}/{vendor}/prompts", prompt)
    ask(f"{api}/message-credits", {"template_id": visit["template_id"], "accepted": True}, token)

    institutions = ask(f"{api}/institutions", token=token)["institutions"]
    second = next(one for one in institutions if one["name"] == SECOND)["institution_id"]
    path = f"{api}/institutions/{second}"
    days = ask(f"{path}/days?department_id=ACU&kind=clinic", token=token)["days"]
    on = next(day["on"] for day in days[1:] if day["free"])
    slots = ask(f"{path}/slots?department_id=ACU&on={on}", token=token)["slots"]
    slot_id = next(one["slot_id"] for one in slots if one["free"])
    ask(f"{api}/appointments", {"card_id": card_id, "institution_id": second, "slot_id": slot_id}, token)

    page = browser.new_page()
    page.goto(f"{sandbox}/sms/")
    brought = page.evaluate(FIRST_MESSAGE, f"{sandbox}/{vendor}/messages")
    page.close()
    assert brought["template_id"] == visit["template_id"]
    assert known["who"].items() <= brought.items()
    said = [one["value"] for one in brought["data"].values()]
    assert said[:3] == ["预约成功", SECOND, "针灸科"]
