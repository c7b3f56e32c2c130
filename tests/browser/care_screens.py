"""Pictures of what a resident does at a hospital: `make screens` puts them into docs/screens/."""

from playwright.sync_api import Browser, expect

from tests.browser.demo import RunningDemo, running_demo
from tests.browser.nurse import Nurse
from tests.browser.phone import WAIT_MS, Phone, Terminal, chromium
from tests.browser.screens import SCREENS, keep_picture

SILENCE_MS = 40_000


class Photographed(Phone):
    """A phone whose pages are kept, in one mode."""

    def __init__(self, browser: Browser, demo: RunningDemo, number: int, *, elder: bool) -> None:
        super().__init__(browser, demo, demo.adult(number))
        self.mode = "elder" if elder else "normal"
        self.open(elder=elder)
        self.sign_in()
        self.claim()

    def keep(self, name: str, *, listens: bool = False) -> None:
        """A page that listens all the time is never idle."""
        if not listens:
            self.page.wait_for_load_state("networkidle")
        self.page.wait_for_function(
            "() => !document.querySelector('.pressed')"
        )  # as it is with no finger on it
        keep_picture(f"{name}-{self.mode}", self.picture(whole=True))

    def go(self, *taps: str) -> None:
        """From the first page."""
        self.page.goto(self.demo.web)
        for test in taps:
            self.tap(test)

    def choose(self, test: str, text: str) -> None:
        self.page.locator(f'[data-test="{test}"]:visible', has_text=text).click()


def authorization_pages(browser: Browser, demo: RunningDemo, number: int, *, elder: bool) -> None:
    """A kiosk asks; the resident looks, says yes, says no."""
    phone, kiosk = Photographed(browser, demo, number, elder=elder), Terminal(browser, demo)
    text = kiosk.ask("0101051")
    if not elder:
        keep_picture("hospital-kiosk", kiosk.page.screenshot())
    phone.tap("go-scan")
    expect(phone.at("request-text")).to_be_visible()
    phone.keep("authorization-find")
    phone.write("request-text", text)
    phone.tap("look")
    expect(phone.at("factor")).to_be_visible()
    phone.keep("authorization-factor")
    phone.tap("refuse")
    expect(phone.at("done")).to_be_visible()
    phone.keep("authorization-refused")
    kiosk.expect_answered("refused")
    phone.tap("go-card")
    text = kiosk.ask()
    phone.tap("go-scan")
    phone.write("request-text", text)
    phone.tap("look")
    expect(phone.at("asks")).to_be_visible()
    phone.keep("authorization")
    phone.tap("approve")
    expect(phone.at("done")).to_be_visible()
    phone.keep("authorization-approved")
    kiosk.expect_answered("approved")
    kiosk.close()
    phone.close()


def booking_pages(browser: Browser, demo: RunningDemo, number: int, *, elder: bool) -> None:
    """From the card page to a booked place, and what comes after."""
    phone = Photographed(browser, demo, number, elder=elder)
    phone.keep("cards-whole")
    phone.tap("go-book")
    expect(phone.at("hospital")).to_be_visible()
    phone.keep("booking-hospitals")
    phone.page.locator('[data-test="hospital"]:visible', has_text="云溪市中医医院").click()
    expect(phone.at("department")).to_be_visible()
    phone.keep("booking-departments")
    phone.page.locator('[data-test="department"]:visible', has_text="中医内科").click()
    phone.page.locator('[data-test="day"]:visible').nth(2).click()
    expect(phone.at("slot")).to_be_visible()
    phone.keep("booking-slots")
    phone.page.locator('[data-test="slot"][aria-disabled="false"]:visible').first.click()
    expect(phone.at("rule")).to_be_visible()
    phone.keep("booking-confirm")
    phone.tap("book")
    expect(phone.at("done")).to_be_visible()
    phone.keep("booking-done")
    phone.tap("go-appointments")
    expect(phone.at("appointment")).to_be_visible()
    phone.keep("appointments")
    phone.tap("appointment")
    expect(phone.at("one")).to_be_visible()
    phone.keep("appointment")
    phone.go("go-settings", "go-reminders")
    expect(phone.at("save")).to_be_visible()
    phone.keep("reminders")
    phone.close()


def doctor_pages(browser: Browser, demo: RunningDemo, number: int, *, elder: bool) -> None:
    """The calendar of one doctor, and a place that costs something."""
    phone = Photographed(browser, demo, number, elder=elder)
    phone.go("go-book")
    phone.choose("hospital", "云溪市中医医院")
    phone.choose("department", "推拿科")
    phone.page.locator('[data-test="day"]:visible').nth(2).click()
    phone.tap("doctor-calendar")
    expect(phone.at("doctor-shown")).to_contain_text("医生")
    phone.page.locator('[data-test="day"]:visible').nth(2).click()
    expect(phone.at("slot")).to_be_visible()
    phone.keep("booking-calendar")
    phone.page.locator('[data-test="slot"][aria-disabled="false"]:visible').first.click()
    expect(phone.at("to-pay")).to_be_visible()
    phone.keep("booking-to-pay")
    phone.tap("book")
    expect(phone.at("booked")).to_have_attribute("data-state", "held")
    phone.keep("booking-held")
    phone.tap("go-appointments")
    phone.tap("appointment")
    expect(phone.at("one")).to_be_visible()
    phone.keep("appointment-held")
    phone.close()


def hospital_pages(browser: Browser, demo: RunningDemo) -> None:
    """A day at the hospital, for two residents at once: each page as it is for both ways of reading."""
    phones = [Photographed(browser, demo, number, elder=elder) for number, elder in ((20, False), (21, True))]
    nurse = Nurse(browser, demo, "内科 周明远")
    for phone in phones:
        phone.go("go-book")
        phone.choose("hospital", "云溪市第一人民医院")
        phone.choose("department", "内科")
        phone.page.locator('[data-test="day"]:visible').nth(1).click()
        doctor = phone.page.locator('[data-test="doctor"]:visible', has_text="周明远")
        doctor.locator('[data-test="slot"][aria-disabled="false"]').first.click()
        phone.tap("book")
        expect(phone.at("booked")).to_have_attribute("data-state", "confirmed", timeout=WAIT_MS)
        phone.go("go-visit")
        expect(phone.at("next")).to_be_visible(timeout=WAIT_MS)
        phone.tap("check-in")
        expect(phone.at("desk-code")).to_be_visible()
        phone.keep("visits", listens=True)
    nurse.go_to_tomorrow()
    for phone in phones:
        nurse.let_in(phone.resident["name"])
        expect(phone.at("queue")).to_have_attribute("data-state", "waiting", timeout=WAIT_MS)
        phone.keep("visits-queue", listens=True)
    nurse.door(refuse=True)
    for phone in phones:
        expect(phone.at("silent")).to_be_visible(timeout=SILENCE_MS)
        phone.keep("visits-silent", listens=True)
    nurse.door()
    for phone in phones:
        _seen_by_the_doctor(phone, nurse)
    for phone in phones:
        _afterwards(phone)
    nurse.close()


def _seen_by_the_doctor(phone: Photographed, nurse: Nurse) -> None:
    queue = phone.at("queue")
    for state, label in (("called", "叫下一位"), ("missed", "过号")):
        nurse.press(label)
        expect(queue).to_have_attribute("data-state", state, timeout=WAIT_MS)
        expect(phone.page.locator('[data-test="silent"]:visible')).to_have_count(0, timeout=SILENCE_MS)
        phone.keep(f"visits-{state}", listens=True)
    nurse.press("返回队列")
    expect(queue).to_have_attribute("data-state", "waiting", timeout=WAIT_MS)
    nurse.press("叫下一位")
    expect(queue).to_have_attribute("data-state", "called", timeout=WAIT_MS)
    nurse.end("us.abdomen", "lab.fasting", "ct.plain")
    expect(phone.at("next")).to_have_attribute("data-what", "book_examination", timeout=WAIT_MS)
    phone.keep("visits-next", listens=True)


def _afterwards(phone: Photographed) -> None:
    """Examinations, messages, medicine."""
    phone.go("go-examinations")
    orders = phone.page.locator('[data-test="choose-order"]:visible')
    expect(orders).to_have_count(3, timeout=WAIT_MS)
    for number in range(3):
        orders.nth(number).click()
    phone.keep("examinations")
    phone.tap("find-plan")
    expect(phone.at("plan")).to_be_visible(timeout=WAIT_MS)
    phone.keep("examinations-plan")
    phone.tap("book-plan")
    expect(phone.at("done")).to_be_visible(timeout=WAIT_MS)
    phone.keep("examinations-done")
    phone.go("go-messages")
    notices = phone.page.locator('[data-test="message"][data-kind="examination_planned"]:visible')
    expect(notices).to_have_count(3, timeout=WAIT_MS)
    phone.keep("messages-visit")
    phone.go("go-medications")
    expect(phone.at("plan")).to_be_visible(timeout=WAIT_MS)
    dose = phone.at("dose")
    if dose.count():  # late in the evening nothing of today is left
        dose.click()
        expect(dose).to_have_attribute("aria-checked", "true")
    phone.keep("medications")
    phone.tap("change-times")
    expect(phone.at("save")).to_be_visible()
    phone.keep("medications-times")
    phone.close()


def main() -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    with running_demo() as demo, chromium() as browser:
        authorization_pages(browser, demo, 10, elder=False)
        authorization_pages(browser, demo, 11, elder=True)
        booking_pages(browser, demo, 16, elder=False)
        booking_pages(browser, demo, 17, elder=True)
        doctor_pages(browser, demo, 18, elder=False)
        doctor_pages(browser, demo, 19, elder=True)
        hospital_pages(browser, demo)


if __name__ == "__main__":
    main()
