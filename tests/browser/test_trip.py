"""The whole trip in a real browser at phone size: claim, show, be read off the screen, see the receipt."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.demo import RunningDemo
from tests.browser.phone import Phone, Terminal

pytestmark = pytest.mark.browser


@pytest.mark.feature("C1", "C5", "V1", "V8", "N3")
def test_a_screenshot_of_the_card_is_read_once_and_the_holder_is_told(
    browser: Browser, demo: RunningDemo, tmp_path: Path
) -> None:
    phone, terminal = Phone(browser, demo, demo.resident(0)), Terminal(browser, demo)
    phone.open()
    phone.sign_in()
    phone.claim()
    picture, text = phone.picture(), phone.read_code()
    assert text is not None and text.split(":")[1] == "0"

    terminal.verify_picture(picture, tmp_path)
    terminal.expect(ok=True)
    assert phone.resident["name"] in terminal.text()
    assert phone.resident["id_no"] not in terminal.text()

    terminal.verify_picture(picture, tmp_path)
    terminal.expect(ok=False, code="code.already_used")

    phone.tap("go-messages")
    expect(phone.at("message")).to_contain_text("挂号")
    phone.close()
    terminal.close()


@pytest.mark.feature("C5")
def test_the_code_renews_itself_before_it_ends(browser: Browser, demo: RunningDemo) -> None:
    phone = Phone(browser, demo, demo.resident(1))
    phone.open()
    phone.sign_in()
    phone.claim()
    first = phone.read_code()
    phone.page.wait_for_function(
        "before => performance.now() - before > 10000", arg=phone.page.evaluate("performance.now()")
    )
    phone.expect_code("live")
    second = phone.read_code()
    assert first is not None and second is not None and first != second
    phone.close()


@pytest.mark.feature("C5")
def test_a_static_code_looks_different_and_does_not_pay(browser: Browser, demo: RunningDemo) -> None:
    phone, terminal = Phone(browser, demo, demo.resident(2)), Terminal(browser, demo)
    phone.open(elder=True)
    phone.sign_in()
    phone.claim()
    phone.tap("switch-static")
    phone.expect_code("static")
    text = phone.read_code()
    assert text is not None and text.split(":")[1] == "1"
    terminal.verify_text(text, scene="0101051")
    terminal.expect(ok=False, code="scene.requires_dynamic")
    terminal.verify_text(text)
    terminal.expect(ok=True)
    phone.close()
    terminal.close()


@pytest.mark.feature("C5", "C1")
def test_with_the_network_cut_the_old_code_is_covered_and_comes_back(
    browser: Browser, demo: RunningDemo
) -> None:
    phone = Phone(browser, demo, demo.resident(3))
    phone.open()
    phone.sign_in()
    phone.claim()
    assert phone.read_code() is not None

    phone.context.set_offline(True)
    phone.expect_code("offline")
    kept = phone.read_code()
    assert kept is None or kept.split(":")[1] == "1", (
        "offline shows the static code or none, never an old one"
    )

    phone.context.set_offline(False)
    phone.expect_code("live")
    renewed = phone.read_code()
    assert renewed is not None and renewed.split(":")[1] == "0"
    phone.close()


@pytest.mark.feature("C1")
def test_a_claim_sent_into_a_dead_network_loses_nothing(browser: Browser, demo: RunningDemo) -> None:
    phone = Phone(browser, demo, demo.resident(4))
    phone.open()
    phone.sign_in()
    phone.fill_claim()
    phone.context.set_offline(True)
    phone.tap("claim")
    expect(phone.at("failure")).to_be_visible()
    assert phone.at("name").locator("input").input_value() == phone.resident["name"]

    phone.context.set_offline(False)
    phone.tap("claim")
    phone.expect_code("live")
    phone.close()
