"""The staff's pages in a real browser: second factor, rules that take effect, the review desk, refusals."""

import json
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.demo import RunningDemo
from tests.browser.desk import Desk

pytestmark = pytest.mark.browser


def ask(demo: RunningDemo, method: str, path: str, body: Any = None, token: str = "") -> Any:
    """What the resident's phone would ask the platform."""
    request = urllib.request.Request(
        demo.told["api"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def claim(demo: RunningDemo, number: int) -> tuple[str, dict[str, Any]]:
    """(token, card) of a resident who claims on the web."""
    resident = demo.resident(number)
    ask(demo, "POST", "/api/v1/sms-codes", {"phone": resident["phone"]})
    code = demo.last_sms_code(resident["phone"])
    signed_in = ask(
        demo, "POST", "/api/v1/sessions", {"method": "sms", "phone": resident["phone"], "code": code}
    )
    body = {name: resident[name] for name in ("name", "id_type", "id_no", "phone")}
    card = ask(demo, "POST", "/api/v1/cards", {**body, "relation": "self"}, signed_in["token"])
    return signed_in["token"], card


@pytest.mark.feature("S3")
def test_signing_in_needs_the_second_factor_and_signing_out_ends_it(
    browser: Browser, demo: RunningDemo
) -> None:
    desk = Desk(browser, demo, "aud.admin")
    desk.open("audit")
    expect(desk.at("login-name")).to_be_visible()
    wrong = "000000" if desk.first_code() != "000000" else "111111"
    desk.fill_sign_in(totp=wrong)
    desk.press("sign-in")
    expect(desk.at("fault")).to_contain_text("登录名、密码或验证码不对")
    desk.sign_in()
    desk.open("audit")
    expect(desk.at("entries")).to_contain_text("工作人员登录")
    desk.press("sign-out")
    expect(desk.at("login-name")).to_be_visible()
    desk.open("audit")
    expect(desk.at("login-name")).to_be_visible()
    desk.close()


@pytest.mark.feature("S3", "I3")
def test_two_records_become_one_by_two_people(browser: Browser, demo: RunningDemo) -> None:
    for number in (24, 25):
        claim(demo, number)
    maker, checker = Desk(browser, demo, "chen.min").sign_in(), Desk(browser, demo, "zhou.lei").sign_in()
    ids = []
    for number in (24, 25):
        maker.open("persons")
        maker.page.reload()
        maker.write("id-no", demo.resident(number)["id_no"])
        maker.press("search")
        maker.press("open-person")
        expect(maker.at("person")).to_be_visible()
        assert demo.resident(number)["id_no"] not in maker.page.content()
        ids.append(maker.at("person-id").inner_text())
    maker.press("merge")
    maker.write("absorbed", ids[0])
    maker.page.locator('[role=dialog]:visible [data-test="reason"]').fill("同一人，两份证件")
    maker.press("propose")
    expect(maker.page.get_by_text("已提出，等待复核")).to_be_visible()
    maker.open("merges")
    expect(maker.at("own")).to_be_visible()
    assert maker.page.locator('[data-test="approve"]').count() == 0

    checker.press("menu-merges")
    expect(checker.at("merges")).to_contain_text("同一人，两份证件")
    checker.press("approve")
    expect(checker.at("state")).to_have_attribute("data-state", "empty")
    checker.page.get_by_role("tab", name="已合并").click()
    expect(checker.at("merges")).to_contain_text(ids[0])
    maker.close()
    checker.close()


@pytest.mark.feature("S3", "C1")
def test_a_rule_that_is_changed_sends_claims_to_the_desk_and_a_reviewer_decides(
    browser: Browser, demo: RunningDemo
) -> None:
    security, reviewer = Desk(browser, demo, "sec.admin"), Desk(browser, demo, "chen.min")
    security.sign_in()
    security.open("policies/claims")
    expect(security.at("version")).to_have_text("默认")
    security.at("field-review_channels").click()
    security.page.get_by_role("option", name="网页").click()
    security.page.keyboard.press("Escape")
    security.press("save")
    expect(security.at("version")).to_have_text("第 1 版")

    security.page.wait_for_function(
        "before => performance.now() - before > 1200", arg=security.page.evaluate("performance.now()")
    )  # in force everywhere within a second
    token, card = claim(demo, 20)
    assert (card["status"], card["pending_reason"]) == ("pending", "review")

    reviewer.sign_in()
    reviewer.press("menu-reviews")
    reviewer.press("open-review")
    expect(reviewer.at("claimant")).to_contain_text(demo.resident(20)["name"])
    expect(reviewer.at("approve")).to_be_disabled()
    reviewer.write("reason", "材料齐全，同意办理")
    reviewer.press("approve")
    expect(reviewer.at("state")).to_have_attribute("data-state", "empty")
    [after] = ask(demo, "GET", "/api/v1/cards", token=token)["cards"]
    assert after["status"] == "active"
    security.close()
    reviewer.close()


@pytest.mark.feature("S3")
def test_an_account_is_opened_enrolled_and_given_a_role_by_two(browser: Browser, demo: RunningDemo) -> None:
    system = Desk(browser, demo, "sys.admin").sign_in()
    system.press("open-account")
    system.write("display-name", "林小红")
    system.write("new-login", "lin.xiaohong")
    system.press("open-it")
    link = system.at("invitation").inner_text()
    assert "/console/#/enrolment/" in link

    fresh = Desk(browser, demo, "chen.min")
    fresh.page.goto(link)
    for field in ("password", "repeat"):
        fresh.write(field, "password2026!")
    fresh.press("next")
    expect(fresh.at("fault")).to_contain_text("太常见")
    for field in ("password", "repeat"):
        fresh.write(field, "quiet 88 Harbour window")
    fresh.press("next")
    fresh.member = {
        "login_name": "lin.xiaohong",
        "name": "林小红",
        "password": "quiet 88 Harbour window",
        "totp_secret": fresh.at("secret").inner_text(),
    }
    fresh.write("totp", fresh.first_code())
    fresh.press("finish")
    expect(fresh.at("enrolled")).to_be_visible()
    fresh.sign_in()
    expect(fresh.page.locator("main")).to_contain_text("还没有角色")
    fresh.open("audit")
    expect(fresh.at("state")).to_have_attribute("data-state", "forbidden")
    fresh.close()
    system.close()


@pytest.mark.feature("S3")
def test_who_lacks_a_permission_sees_neither_page_nor_data(browser: Browser, demo: RunningDemo) -> None:
    desk = Desk(browser, demo, "zhou.lei").sign_in()
    assert desk.page.locator("[data-test^=menu-]").count() >= 2
    for page in ("staff", "policies", "audit"):
        assert desk.page.locator(f"[data-test=menu-{page}]").count() == 0
        desk.open(page)
        expect(desk.at("state")).to_have_attribute("data-state", "forbidden")
    status = desk.page.evaluate(
        "async () => (await fetch('/staff/v1/audit', {headers: {Authorization: 'Bearer ' + "
        "JSON.parse(sessionStorage.getItem('staff-session')).token}})).status"
    )
    assert status == 403
    desk.context.set_offline(True)
    desk.open("reviews")
    expect(desk.at("state")).to_have_attribute("data-state", "offline")
    desk.context.set_offline(False)
    desk.press("again")
    expect(desk.page.locator("[data-state=offline]")).to_have_count(0)
    desk.close()
