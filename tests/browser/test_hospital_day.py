"""A day at a hospital with its own system: the nurse's page and a resident's phone side by side (B3.1.1).

The place is booked for tomorrow, and the hospital's clock is moved there: so it is a day at any hour.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.demo import RunningDemo
from tests.browser.nurse import Nurse
from tests.browser.phone import WAIT_MS, Phone

pytestmark = [pytest.mark.browser]
HOSPITAL, DEPARTMENT, DOCTOR = "云溪市第一人民医院", "内科", "周明远"
ROOM = "门诊楼 2 层 A 区 2 诊室"
SILENCE_MS = 40_000
"""What the hospital told is new for fifteen seconds; then the phone asks, and waits a little."""


@pytest.fixture(scope="module")
def phone(browser: Browser, demo: RunningDemo) -> Iterator[Phone]:
    phone = Phone(browser, demo, demo.adult(20))
    phone.open()
    phone.sign_in()
    phone.claim()
    yield phone
    phone.close()


@pytest.fixture(scope="module")
def nurse(browser: Browser, demo: RunningDemo) -> Iterator[Nurse]:
    nurse = Nurse(browser, demo, f"{DEPARTMENT} {DOCTOR}")
    yield nurse
    nurse.door()
    nurse.close()


@pytest.mark.feature("M1", "M4", "M5")
def test_what_the_nurse_does_is_on_the_phone(phone: Phone, nurse: Nurse) -> None:
    phone.tap("go-book")
    phone.page.locator('[data-test="hospital"]:visible', has_text=HOSPITAL).click()
    phone.page.locator('[data-test="department"]:visible', has_text=DEPARTMENT).click()
    phone.page.locator('[data-test="day"]:visible').nth(1).click()
    doctor = phone.page.locator('[data-test="doctor"]:visible', has_text=DOCTOR)
    doctor.locator('[data-test="slot"][aria-disabled="false"]').first.click()
    phone.tap("book")
    expect(phone.at("booked")).to_have_attribute("data-state", "confirmed", timeout=WAIT_MS)
    phone.page.goto(phone.demo.web)
    phone.tap("go-visit")
    expect(phone.at("next")).to_have_attribute("data-what", "check_in", timeout=WAIT_MS)

    nurse.go_to_tomorrow()
    nurse.let_in(phone.resident["name"])
    expect(phone.at("visit")).to_have_attribute("data-state", "checked_in", timeout=WAIT_MS)
    expect(phone.at("token")).to_have_text("A001")
    expect(phone.at("ahead")).to_have_text("下一个就是您")


@pytest.mark.feature("M4")
def test_a_silent_hospital_is_said_to_be_silent(phone: Phone, nurse: Nurse) -> None:
    nurse.door(refuse=True)
    expect(phone.at("silent")).to_contain_text("没有回话", timeout=SILENCE_MS)
    expect(phone.at("silent")).to_contain_text("叫号屏")
    expect(phone.at("ahead")).to_have_text("下一个就是您")
    nurse.door()


@pytest.mark.feature("M4", "M5")
def test_the_call_is_on_the_phone_at_once(phone: Phone, nurse: Nurse) -> None:
    nurse.press("叫下一位")
    expect(phone.at("queue")).to_have_attribute("data-state", "called", timeout=WAIT_MS)
    expect(phone.at("queue")).to_contain_text(ROOM)
    expect(phone.at("next")).to_have_attribute("data-what", "go_in")
    nurse.press("过号")
    expect(phone.at("ahead")).to_have_text("刚才叫过您，过号了", timeout=WAIT_MS)
    nurse.press("返回队列")
    expect(phone.at("queue")).to_have_attribute("data-state", "waiting", timeout=WAIT_MS)
    nurse.press("叫下一位")
    expect(phone.at("queue")).to_have_attribute("data-state", "called", timeout=WAIT_MS)


@pytest.mark.feature("M3", "M5")
def test_what_the_doctor_orders_is_one_trip_with_what_to_prepare(phone: Phone, nurse: Nurse) -> None:
    nurse.end("us.abdomen", "lab.fasting", "ct.plain")
    expect(phone.at("next")).to_have_attribute("data-what", "book_examination", timeout=WAIT_MS)
    expect(phone.page.locator('[data-test="queue"]:visible')).to_have_count(0)
    phone.tap("go-examinations")
    orders = phone.page.locator('[data-test="choose-order"]:visible')
    expect(orders).to_have_count(3, timeout=WAIT_MS)
    for number in range(3):
        orders.nth(number).click()
    phone.tap("find-plan")
    expect(phone.at("plan")).to_contain_text("跑一趟就能做完", timeout=WAIT_MS)
    expect(phone.page.locator('[data-test="planned"]:visible')).to_have_count(3)
    expect(phone.at("plan")).to_contain_text("做之前 8 小时不要吃东西")
    phone.tap("book-plan")
    expect(phone.at("done")).to_contain_text("检查都约好了", timeout=WAIT_MS)
    phone.page.goto(phone.demo.web)
    phone.tap("go-messages")
    notices = phone.page.locator('[data-test="message"][data-kind="examination_planned"]:visible')
    expect(notices).to_have_count(3, timeout=WAIT_MS)
    expect(notices.filter(has_text="腹部超声")).to_contain_text("检查前 8 小时不要吃东西")
    nexts = phone.page.locator('[data-test="message"][data-kind="visit_next"]:visible')
    expect(nexts).to_have_count(2)
    expect(nexts.filter(has_text="预约检查")).to_have_count(1)
    expect(nexts.filter(has_text="缴费")).to_have_count(1)
    called = phone.page.locator('[data-test="message"][data-kind="queue_called"]:visible').first
    expect(called).to_contain_text(ROOM)


@pytest.mark.feature("N4")
def test_the_prescription_is_a_plan_whose_ticks_stay(phone: Phone) -> None:
    """Step 17: ticked, seen after a new start, taken back; another meal time forgets no tick."""
    phone.page.goto(phone.demo.web)
    phone.tap("go-medications")
    expect(phone.at("plan")).to_contain_text("二甲双胍片", timeout=WAIT_MS)
    if (datetime.now(UTC) + timedelta(hours=8)).hour >= 18:  # something is still to be taken today
        _move(phone, bedtime=8, dinner=17)
    dose = phone.page.locator('[data-test="dose"]:visible', has_text="二甲双胍").last
    for is_taken in ("true", "false", "true"):
        dose.click()
        expect(dose).to_have_attribute("aria-checked", is_taken)
        with phone.page.expect_response(lambda answer: "/medication-plans?" in answer.url):
            phone.page.reload()
        expect(dose).to_have_attribute("aria-checked", is_taken)
    at = phone.page.locator('[data-test="dose-time"]:visible').last
    before = at.get_attribute("data-at")
    _move(phone, bedtime=1, dinner=1)
    expect(at).not_to_have_attribute("data-at", before or "")
    expect(dose).to_have_attribute("aria-checked", "true")


def _move(phone: Phone, **quarters: int) -> None:
    """Meals so many quarters of an hour later; then the page of the doses again."""
    phone.tap("change-times")
    for meal, number in quarters.items():
        for _ in range(number):
            phone.tap(f"{meal}-later")
    phone.tap("save")
    expect(phone.at("saved")).to_be_visible()
    phone.page.go_back()
    expect(phone.at("dose")).to_be_visible()
