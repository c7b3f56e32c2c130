"""A card's life in its holder's hands: lost, frozen, taken back, renewed, given up; its PIN; its privacy."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.demo import RunningDemo
from tests.browser.phone import Phone, Terminal

pytestmark = pytest.mark.browser


def _with_card(browser: Browser, demo: RunningDemo, number: int, *, elder: bool = False) -> Phone:
    phone = Phone(browser, demo, demo.adult(number))
    phone.open(elder=elder)
    phone.sign_in()
    phone.claim()
    return phone


@pytest.mark.feature("C4")
def test_lost_in_two_taps_and_a_new_code_makes_the_old_print_void(
    browser: Browser, demo: RunningDemo, tmp_path: Path
) -> None:
    phone, terminal = _with_card(browser, demo, 20), Terminal(browser, demo)
    phone.tap("switch-static")
    phone.expect_code("static")
    printed = phone.read_code()
    assert printed is not None

    phone.tap("go-lost")
    phone.tap("act")
    expect(phone.at("done")).to_contain_text("已经挂失")
    terminal.verify_text(printed)
    terminal.expect(ok=False, code="card.lost")

    phone.tap("go-card")
    phone.expect_status("lost")
    phone.tap("go-manage")
    phone.tap("do-reissue")
    phone.tap("sure")
    phone.prove_by_sms()
    phone.tap("act")
    expect(phone.at("done")).to_contain_text("新码换好了")
    phone.tap("go-card")
    phone.expect_code("live")
    terminal.verify_text(printed)
    terminal.expect(ok=False, code="code.reissued")
    terminal.verify_picture(phone.picture(), tmp_path)
    terminal.expect(ok=True)
    phone.close()
    terminal.close()


@pytest.mark.feature("C4", "C7")
def test_a_pin_is_set_by_sms_and_takes_a_frozen_card_back(browser: Browser, demo: RunningDemo) -> None:
    phone = _with_card(browser, demo, 21, elder=True)
    phone.tap("go-manage")
    phone.tap("go-pin")
    phone.tap("set-pin")
    phone.prove_by_sms()
    phone.tap("prove")
    phone.type_pin("123456")
    phone.tap("pin-next")
    expect(phone.at("pin-fault")).to_contain_text("太容易猜")
    phone.type_pin("290715")
    phone.tap("pin-next")
    phone.type_pin("290716")
    phone.tap("pin-save")
    expect(phone.at("pin-fault")).to_contain_text("两遍不一样")
    phone.type_pin("290715")
    phone.tap("pin-next")
    phone.type_pin("290715")
    phone.tap("pin-save")
    expect(phone.at("done")).to_be_visible()
    phone.tap("pin-back")
    expect(phone.at("go-pin-value")).to_have_text("已设好")

    phone.tap("do-freeze")
    phone.tap("act")
    phone.tap("go-card")
    phone.expect_status("frozen")
    phone.tap("go-reactivate")
    phone.tap("sure")
    phone.type_pin("290714")
    phone.tap("act")
    expect(phone.at("pin-fault")).to_contain_text("还能试 4 次")
    phone.type_pin("290715")
    phone.tap("act")
    expect(phone.at("done")).to_contain_text("又可以用了")
    phone.tap("go-card")
    phone.expect_code("live")
    phone.close()


@pytest.mark.feature("C4")
def test_to_cancel_is_asked_twice_and_nothing_is_lost_by_going_back(
    browser: Browser, demo: RunningDemo
) -> None:
    phone = _with_card(browser, demo, 22)
    phone.tap("go-manage")
    phone.tap("do-cancel")
    expect(phone.page.get_by_text("医院里的病历不会删")).to_be_visible()
    phone.tap("keep")
    expect(phone.at("state-now")).to_have_attribute("data-state", "active")
    phone.tap("do-cancel")
    phone.tap("sure")
    expect(phone.at("factor")).to_be_visible()
    phone.tap("act")
    expect(phone.at("factor-code-fault")).to_be_visible()
    phone.prove_by_sms()
    phone.tap("act")
    expect(phone.at("done")).to_contain_text("已经注销")
    phone.tap("go-card")
    phone.expect_status("cancelled")
    expect(phone.at("go-claim")).to_be_visible()
    phone.close()


@pytest.mark.feature("C7")
def test_preferences_are_kept_and_a_static_code_can_be_turned_off(
    browser: Browser, demo: RunningDemo
) -> None:
    phone, terminal = _with_card(browser, demo, 23), Terminal(browser, demo)
    phone.tap("switch-static")
    phone.expect_code("static")
    printed = phone.read_code()
    assert printed is not None
    phone.tap("switch-dynamic")
    phone.tap("go-manage")
    phone.tap("go-privacy")
    phone.tap("reports-closed")
    phone.tap("static-allowed")
    phone.tap("save")
    expect(phone.at("saved")).to_be_visible()
    phone.page.reload()
    expect(phone.at("reports-closed")).to_have_attribute("aria-checked", "true")
    expect(phone.at("static-allowed")).to_have_attribute("aria-checked", "false")
    terminal.verify_text(printed)
    terminal.expect(ok=False, code="card.static_refused_by_holder")
    phone.close()
    terminal.close()


@pytest.mark.feature("C4")
def test_without_network_a_report_says_so_and_works_later(browser: Browser, demo: RunningDemo) -> None:
    phone = _with_card(browser, demo, 24)
    phone.tap("go-lost")
    expect(phone.at("act")).to_have_attribute("aria-disabled", "false")
    phone.context.set_offline(True)
    phone.tap("act")
    expect(phone.at("failure")).to_contain_text("什么都没有丢")
    phone.context.set_offline(False)
    phone.tap("act")
    expect(phone.at("done")).to_be_visible()
    phone.close()


@pytest.mark.feature("V8")
def test_it_was_not_me_stops_the_card_and_leads_to_a_new_code(
    browser: Browser, demo: RunningDemo, tmp_path: Path
) -> None:
    phone, terminal = _with_card(browser, demo, 26), Terminal(browser, demo)
    phone.tap("switch-static")
    phone.expect_code("static")
    printed = phone.read_code()
    assert printed is not None
    terminal.verify_text(printed)
    terminal.expect(ok=True)

    phone.tap("go-messages")
    phone.tap("message-open")
    phone.tap("not-me")
    phone.tap("object")
    expect(phone.at("done")).to_contain_text("已经停用这张卡")
    terminal.verify_text(printed)
    terminal.expect(ok=False, code="card.frozen")

    phone.tap("go-reissue")
    phone.tap("sure")
    phone.prove_by_sms()
    phone.tap("act")
    phone.tap("go-card")
    phone.expect_code("live")
    phone.close()
    terminal.close()
