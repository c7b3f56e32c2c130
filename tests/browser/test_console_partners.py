"""Institutions that connect: admitted by two people, kept, stopped; and what holders object to."""

import asyncio
import base64
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from sandbox.partner_client import PartnerClient, Unauthenticated
from server.core.crypto.provider import choose_provider
from tests.browser.demo import RunningDemo, running_demo
from tests.browser.desk import Desk, linger
from tests.browser.phone import Terminal
from tests.browser.test_console import ask, claim

pytestmark = pytest.mark.browser
APP, CODE = "river-hospital-his", "91350100M000100Y43"  # the example of GB 32100, nobody's
NAME = "云溪市河滨医院"
PAIR = choose_provider().generate_key_pair()


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    """The product, with no centre above it."""
    with running_demo(is_below=False) as running:
        yield running


def apply(demo: RunningDemo, app_id: str = APP, name: str = NAME) -> None:
    """The institution's side: a signed form, and one paper."""
    lines = ("EHC-ADMISSION-1", app_id, CODE, "k1", PAIR.public.hex())
    text = "".join(line + "\n" for line in lines).encode()
    body = {
        "app_id": app_id,
        "institution": {
            "institution_id": "river-hospital",
            "name": name,
            "code": CODE,
            "address": "云溪市河滨路 1 号",
            "contact_name": "测试联系人",
            "contact_phone": "19900009999",
        },
        "key_id": "k1",
        "public_key_hex": PAIR.public.hex(),
        "scopes": ["app", "verification"],
        "terminals": [{"terminal_id": f"{app_id}-01", "place": "挂号窗口 1 号", "channel": "0100"}],
        "purpose": "窗口挂号、缴费时核验健康码",
        "signature": base64.b64encode(choose_provider().private_key(PAIR.private).sign(text)).decode(),
    }
    token = ask(demo, "POST", "/partner/v1/admissions", body)["token"]
    paper = urllib.request.Request(
        demo.told["api"] + "/partner/v1/admissions/documents?kind=application_form",
        method="POST",
        data=b"%PDF-1.7 a stamped form",
        headers={"X-Admission-Token": token, "Content-Type": "application/pdf"},
    )
    with urllib.request.urlopen(paper) as answer:
        assert answer.status == 201


def is_answered(demo: RunningDemo) -> bool:
    """Whether the institution's own call is let in."""

    async def call() -> bool:
        client = PartnerClient(
            api=demo.told["api"],
            app_id=APP,
            key_id="k1",
            private_key_hex=PAIR.private.hex(),
            platform_public_key_hex=demo.told["partner"]["platform_public_key_hex"],
        )
        try:
            return (await client.call("GET", "/partner/v1/app")).status == 200
        except Unauthenticated:
            return False

    with ThreadPoolExecutor(1) as aside:  # the browser has this thread's loop
        return aside.submit(lambda: asyncio.run(call())).result()


def register_of(desk: Desk, app_id: str) -> Locator:
    """What the page of the app's application says of its institution."""
    desk.open("admissions")
    row = desk.page.locator('[data-test="admissions"] tr', has_text=app_id)
    row.locator('[data-test="open-admission"]').click()
    return desk.at("register")


def dialog(desk: Desk) -> Locator:
    return desk.page.locator("[role=dialog]:visible")


def check(desk: Desk, criterion: str, state: str = "met") -> None:
    desk.press(f"check-{criterion}")
    dialog(desk).locator(f'[data-test="state-{state}"]').click()
    dialog(desk).locator('[data-test="note"]').fill("看过原件")
    if state == "later":
        dialog(desk).locator(".el-date-editor input").fill("2027-01-31")
        desk.page.keyboard.press("Enter")
    desk.press("check-it")
    expect(desk.page.locator(f'[data-criterion="{criterion}"]')).to_have_attribute("data-met", state)
    expect(dialog(desk)).to_have_count(0)


def object_to_a_use(browser: Browser, demo: RunningDemo, number: int) -> None:
    """A resident whose card was used at the terminal says that it was somebody else."""
    token, card = claim(demo, number)
    terminal = Terminal(browser, demo)
    code = ask(demo, "GET", f"/api/v1/cards/{card['card_id']}/code?kind=dynamic", token=token)["text"]
    terminal.verify_text(code)
    terminal.expect(ok=True)
    receipts: list[Any] = []
    while not receipts:
        told = ask(demo, "GET", "/api/v1/messages?limit=20", token=token)["messages"]
        receipts = [one for one in told if one["kind"] == "card_used"]
        linger(terminal.page, 200)
    terminal.close()
    ask(demo, "POST", f"/api/v1/messages/{receipts[0]['message_id']}/objection", {}, token)


@pytest.mark.feature("V3", "S3")
def test_two_people_admit_an_institution_and_one_stops_it(browser: Browser, demo: RunningDemo) -> None:
    apply(demo)
    clerk, reviewer = Desk(browser, demo, "wu.fang").sign_in(), Desk(browser, demo, "ma.qiang").sign_in()
    clerk.press("menu-admissions")
    expect(clerk.at("admissions")).to_contain_text(NAME)
    clerk.press("open-admission")
    expect(clerk.at("scopes")).to_contain_text("读取出示给它的终端的健康码")
    assert "19900009999" not in clerk.page.content()
    expect(clerk.at("register")).to_have_attribute("data-standing", "fresh")
    expect(clerk.at("pass")).to_have_text("通过")
    with clerk.page.expect_download() as paper:
        clerk.press("download")
    assert paper.value.path().read_bytes().startswith(b"%PDF-")
    address = clerk.page.url
    clerk.write("reason", "材料齐全")
    clerk.press("pass")
    expect(clerk.at("admission-state")).to_have_attribute("data-state", "vetted")
    expect(clerk.at("own")).to_be_visible()
    assert not is_answered(demo)

    reviewer.page.goto(address)
    reviewer.write("reason", "同意入网")
    reviewer.press("pass")
    expect(reviewer.at("fault")).to_contain_text("条件")
    for name in ("registered", "form_stamped", "network", "contact"):
        check(clerk, name)
    check(clerk, "client_examined", "later")
    reviewer.press("pass")
    expect(reviewer.at("admission-state")).to_have_attribute("data-state", "admitted")
    assert is_answered(demo)

    reviewer.press("to-partner")
    expect(reviewer.at("merchant")).to_contain_text("商户编号")
    clerk.open(f"partners/{APP}")
    clerk.press("retire-key")
    clerk.page.get_by_role("tooltip").get_by_role("button", name="确定").click()
    expect(clerk.at("fault")).to_contain_text("最后一把")
    clerk.press("suspend")
    dialog(clerk).locator('[data-test="reason"]').fill("终端被盗")
    clerk.press("suspend-it")
    expect(clerk.at("is-suspended")).to_contain_text("终端被盗")
    clerk.linger(1200)  # in force everywhere within a second
    assert not is_answered(demo)
    reviewer.page.reload()
    reviewer.press("resume")
    reviewer.page.get_by_role("tooltip").get_by_role("button", name="确定").click()
    expect(reviewer.at("is-suspended")).to_have_count(0)

    apply(demo, "river-hospital-kiosk")
    register = register_of(clerk, "river-hospital-kiosk")
    expect(register).to_have_attribute("data-standing", "known")
    expect(register.locator('[data-test="sibling"]')).to_contain_text(APP)
    expect(clerk.at("pass")).to_have_text("通过，归入已有机构")
    apply(demo, "river-hospital-pay", "云溪市河滨诊所")
    register = register_of(clerk, "river-hospital-pay")
    expect(register).to_have_attribute("data-standing", "differs")
    expect(register).to_contain_text("没弄清楚不要通过")
    clerk.close()
    reviewer.close()


@pytest.mark.feature("V3")
def test_terminals_are_kept_and_limits_are_a_reviewers(browser: Browser, demo: RunningDemo) -> None:
    app_id = demo.told["partner"]["app_id"]
    clerk, reviewer = Desk(browser, demo, "wu.fang").sign_in(), Desk(browser, demo, "ma.qiang").sign_in()
    clerk.press("menu-partners")
    clerk.page.locator(f'[data-test="open-partner"][data-app="{app_id}"]').click()
    clerk.press("add-terminal")
    clerk.write("terminal-id", "T-0199")
    clerk.write("place", "急诊分诊台")
    clerk.press("scenes")
    clerk.page.locator("[role=option]:visible", has_text="分诊 0101014").click()
    dialog(clerk).locator(".el-dialog__title").click()  # closes the choices
    clerk.press("keep-terminal")
    expect(clerk.at("terminals")).to_contain_text("急诊分诊台分诊")
    assert clerk.page.locator('[data-test="limit"]').count() == 0
    clerk.press("to-mapping")
    expect(clerk.at("version")).to_have_text("还没有对照")
    clerk.press("menu-usage-uploads")
    expect(clerk.at("standing")).to_have_attribute("data-standing", "off")
    assert clerk.page.locator("[data-test^=count-]").count() == 0, "no figures of what does not happen"

    reviewer.open(f"partners/{app_id}")
    expect(reviewer.at("terminals")).to_contain_text("T-0199")
    assert reviewer.page.locator('[data-test="suspend"]').count() == 0
    reviewer.press("limit")
    dialog(reviewer).locator(".el-date-editor input").fill("2030-01-01 08:00:00")
    reviewer.page.keyboard.press("Enter")
    reviewer.press("limit-it")
    expect(reviewer.at("partner")).to_contain_text("2030-01-01")
    expect(reviewer.at("proposed")).to_have_count(0)
    other = Desk(browser, demo, "xu.yan").sign_in()
    reviewer.press("limit")
    dialog(reviewer).locator(".el-date-editor input").fill("2031-01-01 08:00:00")
    reviewer.page.keyboard.press("Enter")
    reviewer.press("limit-it")
    expect(reviewer.at("proposed")).to_contain_text("2031-01-01")
    expect(reviewer.at("own")).to_be_visible()
    assert reviewer.page.locator('[data-test="approve-limits"]').count() == 0
    expect(reviewer.at("partner")).to_contain_text("2030-01-01")
    other.open(f"partners/{app_id}")
    other.press("approve-limits")
    expect(other.at("partner")).to_contain_text("2031-01-01")
    expect(other.at("proposed")).to_have_count(0)
    reviewer.press("refuse-limits")
    expect(reviewer.at("proposed").locator('[data-test="fault"]')).to_contain_text("已经处理了")
    other.close()
    reviewer.open(f"partners/{demo.told['hospitals'][1]['partner']['app_id']}")
    expect(reviewer.page.locator("[data-dialect=tencent]")).to_have_attribute("data-on", "false")
    reviewer.press("dialect-tencent")
    reviewer.press("dialect-save")
    expect(dialog(reviewer).locator('[data-test="fault"]')).to_contain_text("医院编号")
    reviewer.write("dialect-hospital", "H001")
    reviewer.press("dialect-save")
    expect(reviewer.at("dialect-secret")).to_be_visible()
    expect(reviewer.page.locator("[data-dialect=tencent]")).to_have_attribute("data-on", "true")
    clerk.close()
    reviewer.close()


@pytest.mark.feature("V8")
def test_an_objection_is_looked_into_and_closed_with_a_lesson(browser: Browser, demo: RunningDemo) -> None:
    desk = Desk(browser, demo, "wu.fang").sign_in()
    desk.press("menu-security")
    expect(desk.at("state")).to_have_attribute("data-state", "empty")
    object_to_a_use(browser, demo, 20)
    desk.press("refresh")
    expect(desk.at("event")).to_contain_text("门诊收费窗口 3 号")
    expect(desk.at("event")).to_contain_text("已停卡")
    expect(desk.at("event")).to_contain_text("挂号")
    desk.press("close")
    desk.write("note", "家属代刷，已说明；窗口以后先核对证件")
    desk.press("close-it")
    expect(desk.at("state")).to_have_attribute("data-state", "empty")
    desk.page.get_by_role("tab", name="已处理").click()
    expect(desk.at("event")).to_contain_text("家属代刷")
    desk.close()
