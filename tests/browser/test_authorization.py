"""A kiosk asks through the resident's own phone: who asks is seen, and nothing is read without a yes."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.demo import RunningDemo
from tests.browser.desk import Desk
from tests.browser.phone import Phone, Terminal

pytestmark = [pytest.mark.browser, pytest.mark.feature("V2")]
BILL = "0101051"


@pytest.fixture(scope="module")
def phone(browser: Browser, demo: RunningDemo) -> Phone:
    phone = Phone(browser, demo, demo.adult(30))
    phone.open()
    phone.sign_in()
    phone.claim()
    return phone


def look_at(phone: Phone, text: str) -> None:
    """From the card page: one tap, and on the web the text below the code is typed, for want of a scanner."""
    phone.page.goto(phone.demo.web)
    phone.tap("go-scan")
    phone.write("request-text", text.lower())
    phone.tap("look")


def test_the_kiosk_shows_the_phone_says_yes_and_the_kiosk_has_the_person(
    browser: Browser, demo: RunningDemo, phone: Phone
) -> None:
    kiosk = Terminal(browser, demo)
    text = kiosk.ask()
    look_at(phone, text)
    expect(phone.at("institution")).to_have_text("云溪市第一人民医院")
    expect(phone.at("asks")).to_contain_text("挂号")
    expect(phone.at("proven")).to_be_visible()
    assert 0 < int(phone.at("countdown").inner_text()) <= 120
    assert phone.resident["name"] not in kiosk.text()
    phone.tap("approve")
    expect(phone.at("done")).to_contain_text("已经同意了")
    kiosk.expect_answered("approved")
    kiosk.expect(ok=True)
    assert phone.resident["name"] in kiosk.text()
    phone.tap("go-messages")
    expect(phone.at("message")).to_contain_text("挂号")

    look_at(phone, text)
    expect(phone.at("ending")).to_have_attribute("data-state", "decided")
    kiosk.close()


def test_a_no_gives_the_hospital_nothing(browser: Browser, demo: RunningDemo, phone: Phone) -> None:
    kiosk = Terminal(browser, demo)
    look_at(phone, kiosk.ask())
    phone.tap("refuse")
    expect(phone.at("done")).to_contain_text("没有看到您的任何资料")
    kiosk.expect_answered("refused")
    kiosk.expect(ok=False, code="authorization.refused")
    assert phone.resident["name"] not in kiosk.text()
    kiosk.close()


def test_paying_needs_the_number_or_a_text_message(browser: Browser, demo: RunningDemo, phone: Phone) -> None:
    kiosk = Terminal(browser, demo)
    look_at(phone, kiosk.ask(BILL))
    phone.tap("approve")
    expect(phone.at("factor-code-fault")).to_be_visible()
    phone.tap("factor-code-send")
    expect(phone.at("factor-code-sent")).to_be_visible()
    right = demo.last_sms_code(phone.resident["phone"])
    phone.write("factor-code", "000000" if right != "000000" else "111111")
    phone.tap("approve")
    expect(phone.at("factor-code-fault")).to_be_visible()
    assert phone.resident["name"] not in kiosk.text()
    phone.write("factor-code", right)
    phone.tap("approve")
    expect(phone.at("done")).to_be_visible()
    kiosk.expect_answered("approved")
    assert phone.resident["name"] in kiosk.text()
    kiosk.close()


def test_no_network_asks_again_and_other_codes_are_told_apart(
    browser: Browser, demo: RunningDemo, phone: Phone
) -> None:
    kiosk = Terminal(browser, demo)
    text = kiosk.ask()
    phone.page.goto(demo.web)
    phone.tap("go-scan")
    phone.tap("look")
    expect(phone.at("request-text-fault")).to_be_visible()
    phone.context.set_offline(True)
    phone.write("request-text", text)
    phone.tap("look")
    expect(phone.at("state")).to_have_attribute("data-state", "offline")
    phone.context.set_offline(False)
    phone.tap("retry")
    expect(phone.at("asks")).to_be_visible()
    phone.context.set_offline(True)
    phone.tap("approve")
    expect(phone.at("failure")).to_contain_text("什么都没有丢")
    phone.context.set_offline(False)
    phone.tap("approve")
    expect(phone.at("done")).to_be_visible()
    kiosk.expect_answered("approved")
    kiosk.close()
    look_at(phone, "HTTPS://EXAMPLE.CN/MENU")
    expect(phone.at("ending")).to_contain_text("这不是医院设备上的授权码")


def test_nobody_answers_and_both_are_told(browser: Browser, demo: RunningDemo, phone: Phone) -> None:
    security = Desk(browser, demo, "sec.admin").sign_in()
    security.open("policies/active_scan")
    security.at("field-life_s").locator("input").fill("30")
    security.page.keyboard.press("Tab")
    security.press("save")
    expect(security.at("version")).to_have_text("第 1 版")
    security.page.wait_for_function(
        "before => performance.now() - before > 1200", arg=security.page.evaluate("performance.now()")
    )  # in force everywhere within a second
    security.close()
    kiosk = Terminal(browser, demo)
    look_at(phone, kiosk.ask())
    expect(phone.at("approve")).to_be_visible()
    expect(phone.at("ending")).to_have_attribute("data-state", "expired", timeout=40_000)
    kiosk.page.wait_for_selector("#kiosk[data-state=expired]", timeout=40_000)
    kiosk.expect(ok=False, code="authorization.expired")
    kiosk.close()
    phone.close()
