"""What an institution's codes mean, and how far uses of cards are on their way up, on the staff's pages."""

import json
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.demo import RunningDemo
from tests.browser.desk import Desk
from tests.browser.phone import Terminal
from tests.browser.test_console import ask, claim

pytestmark = pytest.mark.browser
POLICY = "/policies/usage_codes"
ADDED = "020101"


class Scans:
    """A resident who shows the card at the hospital's terminal again and again."""

    def __init__(self, browser: Browser, demo: RunningDemo, number: int) -> None:
        self.demo = demo
        self.token, card = claim(demo, number)
        self.path = f"/api/v1/cards/{card['card_id']}/code?kind=dynamic"
        self.terminal = Terminal(browser, demo)

    def scan(self, scene: str = "010101", *, refused: str = "") -> None:
        code = ask(self.demo, "GET", self.path, token=self.token)["text"]
        self.terminal.verify_text(code, scene)
        self.terminal.expect(ok=not refused, code=refused)


def tell_sandbox(demo: RunningDemo, method: str, path: str, body: Any = None) -> None:
    request = urllib.request.Request(
        f"{demo.told['sandbox']['control']}/upper_centre{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def write_pair(desk: Desk, kind: str, at: int, theirs: str, ours: str) -> Locator:
    """One row of the table: their code, and the name of ours."""
    pair = desk.page.locator(f'[data-test="codes-{kind}"] [data-test="pair"]').nth(at)
    pair.locator('[data-test="theirs"]').fill(theirs)
    pair.locator('[data-test="ours"]').click()
    desk.page.locator("[role=option]:visible", has_text=ours).first.click()
    return pair


def count(desk: Desk, name: str) -> int:
    return int(desk.page.locator(f'[data-test="count-{name}"] strong').inner_text())


def refresh_until(desk: Desk, standing: str, sent: int = 0) -> None:
    """Until so many were sent at least.  The worker sends every five seconds, later after it failed."""
    for _ in range(120):
        if desk.at("standing").get_attribute("data-standing") == standing and count(desk, "sent") >= sent:
            return
        desk.linger(250)
        desk.press("refresh")
    pytest.fail(f"the upload never was {standing}")


@pytest.mark.feature("V9")
def test_what_an_institutions_codes_mean_is_set_and_scans_are_read_by_it(
    browser: Browser, demo: RunningDemo
) -> None:
    holder = Scans(browser, demo, 12)
    clerk, reviewer = Desk(browser, demo, "wu.fang").sign_in(), Desk(browser, demo, "ma.qiang").sign_in()
    clerk.press("menu-code-mappings")
    expect(clerk.at("code-mappings")).to_contain_text("没有，用的就是我们的代码")
    clerk.page.locator('[data-test="open-mapping"][data-institution="H001"]').click()
    expect(clerk.at("version")).to_have_text("还没有对照")
    expect(clerk.at("save")).to_be_disabled()
    clerk.press("add-steps")
    pair = write_pair(clerk, "steps", 0, "挂号", "分诊")
    expect(pair).to_have_attribute("data-fault", "malformed")
    expect(clerk.at("save")).to_be_disabled()
    write_pair(clerk, "steps", 0, "010101", "分诊 0101014")
    clerk.press("save")
    expect(clerk.at("version")).to_have_text("第 1 版")
    clerk.linger(1200)  # in force everywhere within a second
    holder.scan()
    holder.scan("0101051", refused="scene.unknown")
    found: list[Any] = []
    while not found:
        clerk.linger(200)
        told = ask(demo, "GET", "/api/v1/messages?limit=20", token=holder.token)["messages"]
        found = [one for one in told if one["kind"] == "card_used"]
    assert "用于分诊" in found[0]["text"]

    clerk.open("code-mappings")
    expect(clerk.at("code-mappings")).to_contain_text("环节 1 个")
    reviewer.open("code-mappings/H001")
    expect(reviewer.at("codes-steps")).to_contain_text("分诊 0101014")
    expect(reviewer.at("read-only")).to_be_visible()
    assert reviewer.page.locator('[data-test="save"], [data-test="add-steps"]').count() == 0
    reviewer.open("code-mappings/nobody")
    expect(reviewer.at("state")).to_have_attribute("data-state", "failed")
    expect(reviewer.at("state")).to_contain_text("没有这家机构")
    clerk.close()
    reviewer.close()


@pytest.mark.feature("V9")
def test_who_was_overtaken_and_whose_code_is_gone_are_told(browser: Browser, demo: RunningDemo) -> None:
    clerk, security = Desk(browser, demo, "wu.fang").sign_in(), Desk(browser, demo, "sec.admin").sign_in()
    first = security.ask("GET", POLICY)
    more = {**first["content"]["steps"], ADDED: {"name": "门诊取药", "pays": False}}
    change = {"replaces": first["version"], "content": {**first["content"], "steps": more}}
    assert security.ask("PUT", POLICY, change)["version"] == 1
    clerk.linger(1200)
    clerk.open("code-mappings/H002")
    clerk.press("add-steps")
    write_pair(clerk, "steps", 0, "QY", "门诊取药")
    assert clerk.ask("PUT", "/code-mappings/H002", {"replaces": 0, "channels": {"W": "0100"}})["version"] == 1
    clerk.press("save")
    expect(clerk.at("fault")).to_contain_text("已经有人改过这份对照")
    expect(clerk.at("codes-steps")).not_to_contain_text("没有对照")
    clerk.press("newest")
    expect(clerk.at("version")).to_have_text("第 1 版")
    expect(clerk.at("fault")).to_have_count(0)
    expect(clerk.page.locator('[data-test="codes-channels"] [data-test="pair"]')).to_have_count(1)

    clerk.press("add-steps")
    pair = write_pair(clerk, "steps", 0, "QY", "门诊取药")
    assert security.ask("PUT", POLICY, {"replaces": 1, "content": first["content"]})["version"] == 2
    clerk.linger(1200)
    clerk.press("save")
    expect(clerk.at("fault")).to_contain_text("不在我们的代码表里")
    expect(pair).to_have_attribute("data-fault", "unknown")
    pair.locator('[data-test="remove"]').click()
    clerk.page.locator('[data-test="codes-channels"] [data-test="remove"]').click()
    clerk.press("save")
    expect(clerk.at("version")).to_have_text("第 2 版")
    expect(clerk.page.locator('[data-test="speaks-ours"]')).to_have_count(3)
    clerk.close()
    security.close()


@pytest.mark.feature("V9")
def test_the_way_up_is_told_as_it_is(browser: Browser, demo: RunningDemo) -> None:
    holder = Scans(browser, demo, 18)
    desk = Desk(browser, demo, "wu.fang").sign_in()
    desk.press("menu-usage-uploads")
    expect(desk.at("standing")).to_be_visible()
    before = count(desk, "sent")
    holder.scan()
    refresh_until(desk, "clear", before + 1)

    tell_sandbox(demo, "PUT", "", {"refuse": True})
    holder.scan()
    refresh_until(desk, "failing")
    expect(desk.at("standing")).to_contain_text("次没有成功")
    expect(desk.at("times")).to_contain_text("连不上上级中心")
    expect(desk.at("count-waiting")).to_contain_text("1")
    tell_sandbox(demo, "DELETE", "")
    tell_sandbox(demo, "PUT", "/unwanted", {"steps": ["010101", "0101014"]})
    refresh_until(desk, "clear")
    expect(desk.at("count-refused")).to_contain_text("1")
    expect(desk.at("refused-hint")).to_be_visible()
    expect(desk.at("times")).to_contain_text("上次没传成")
    tell_sandbox(demo, "PUT", "/unwanted", {"steps": []})

    desk.context.set_offline(True)
    desk.press("refresh")
    expect(desk.at("state")).to_have_attribute("data-state", "offline")
    desk.context.set_offline(False)
    desk.press("again")
    expect(desk.at("standing")).to_be_visible()
    desk.close()
    other = Desk(browser, demo, "chen.min").sign_in()
    for page in ("usage-uploads", "code-mappings", "code-mappings/H001"):
        other.open(page)
        expect(other.at("state")).to_have_attribute("data-state", "forbidden")
    assert other.page.locator("[data-test=menu-usage-uploads], [data-test=menu-code-mappings]").count() == 0
    other.close()
