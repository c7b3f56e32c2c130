"""Pictures of what a resident does at a hospital: `make screens` puts them into docs/screens/."""

from playwright.sync_api import Browser, expect

from tests.browser.demo import RunningDemo, running_demo
from tests.browser.phone import Phone, Terminal, chromium
from tests.browser.screens import SCREENS, keep_picture


class Photographed(Phone):
    """A phone whose pages are kept, in one mode."""

    def __init__(self, browser: Browser, demo: RunningDemo, number: int, *, elder: bool) -> None:
        super().__init__(browser, demo, demo.adult(number))
        self.mode = "elder" if elder else "normal"
        self.open(elder=elder)
        self.sign_in()
        self.claim()

    def keep(self, name: str) -> None:
        self.page.wait_for_load_state("networkidle")
        keep_picture(f"{name}-{self.mode}", self.picture(whole=True))


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
    phone.tap("go-visit")
    expect(phone.at("next")).to_be_visible()
    keep_picture(f"visits-{phone.mode}", phone.picture(whole=True))  # it listens all the time
    phone.page.goto(demo.web)
    phone.tap("go-settings")
    phone.tap("go-reminders")
    expect(phone.at("save")).to_be_visible()
    phone.keep("reminders")
    phone.close()


def main() -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    with running_demo() as demo, chromium() as browser:
        authorization_pages(browser, demo, 10, elder=False)
        authorization_pages(browser, demo, 11, elder=True)
        booking_pages(browser, demo, 16, elder=False)
        booking_pages(browser, demo, 17, elder=True)


if __name__ == "__main__":
    main()
