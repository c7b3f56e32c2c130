"""The staff's pages as pictures: `make screens` puts them into docs/screens/."""

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect

from tests.browser.demo import RunningDemo
from tests.browser.desk import SIZE, Desk
from tests.browser.test_console import claim
from tests.browser.test_console_partners import APP, apply, check, dialog, object_to_a_use, register_of
from tests.browser.test_console_usage import Scans, refresh_until, tell_sandbox, write_pair

SCREENS = Path("docs/screens")
TABLET = {"width": 820, "height": 1180}


def keep(desk: Desk, name: str, *, whole: bool = False) -> None:
    """As the screen shows it, or (`whole`) a screen as long as the page."""
    desk.page.wait_for_load_state("networkidle")
    moving = "[class*=-enter-active], [class*=-leave-active]"  # dialogs and choices, on their way in or out
    expect(desk.page.locator(f".el-message, {moving}")).to_have_count(0)
    if whole:
        height = desk.page.evaluate("document.documentElement.scrollHeight")
        desk.page.set_viewport_size({"width": SIZE["width"], "height": height})
    image = Image.open(io.BytesIO(desk.page.screenshot())).convert("RGB")
    if whole:
        desk.page.set_viewport_size(SIZE)
    image.quantize(128).save(SCREENS / f"console-{name}.png", optimize=True)
    print(f"docs/screens/console-{name}.png", flush=True)


def console_pages(browser: Browser, demo: RunningDemo) -> None:
    claim(demo, 12)
    security = Desk(browser, demo, "sec.admin")
    security.open("sign-in")
    expect(security.at("login-name")).to_be_visible()
    keep(security, "sign-in")
    security.sign_in()
    security.open("policies")
    expect(security.at("policies")).to_be_visible()
    keep(security, "policies")
    security.open("policies/claims")
    security.at("field-review_channels").click()
    security.page.get_by_role("option", name="网页").click()
    security.page.keyboard.press("Escape")
    security.press("save")
    expect(security.at("version")).to_have_text("第 1 版")
    security.page.evaluate("scrollTo(0, 0)")
    keep(security, "policy")
    security.open("staff")
    expect(security.at("accounts")).to_be_visible()
    keep(security, "staff")
    for number in (18, 19, 23):
        claim(demo, number)
    reviewer = Desk(browser, demo, "chen.min", TABLET)
    reviewer.sign_in()
    reviewer.open("reviews")
    expect(reviewer.at("reviews")).to_be_visible()
    keep(reviewer, "reviews-tablet")
    reviewer.page.set_viewport_size({"width": 1280, "height": 800})
    reviewer.press("open-review")
    expect(reviewer.at("claimant")).to_be_visible()
    keep(reviewer, "review")
    reviewer.open("persons")
    reviewer.write("id-no", demo.resident(12)["id_no"])
    reviewer.press("search")
    reviewer.press("open-person")
    expect(reviewer.at("person")).to_be_visible()
    keep(reviewer, "persons")
    reviewer.open("merges")
    expect(reviewer.at("state")).to_have_attribute("data-state", "empty")
    keep(reviewer, "merges")
    reviewer.open("audit")
    expect(reviewer.at("state")).to_have_attribute("data-state", "forbidden")
    keep(reviewer, "forbidden")
    audit = Desk(browser, demo, "aud.admin")
    audit.sign_in()
    audit.open("audit")
    expect(audit.at("entries")).to_be_visible()
    keep(audit, "audit")
    for desk in (security, reviewer, audit):
        desk.close()


def admission_pages(browser: Browser, demo: RunningDemo) -> None:
    """A new institution on its way in, then another app of it."""
    apply(demo)
    clerk, reviewer = Desk(browser, demo, "wu.fang").sign_in(), Desk(browser, demo, "ma.qiang").sign_in()
    clerk.open("admissions")
    expect(clerk.at("admissions")).to_be_visible()
    keep(clerk, "admissions")
    clerk.press("open-admission")
    expect(clerk.at("register")).to_be_visible()
    keep(clerk, "admission", whole=True)
    address = clerk.page.url
    for name in ("registered", "form_stamped", "network", "contact"):
        check(clerk, name)
    clerk.write("reason", "材料齐全")
    clerk.press("pass")
    expect(clerk.at("own")).to_be_visible()
    reviewer.page.goto(address)
    reviewer.write("reason", "同意入网")
    reviewer.press("pass")
    expect(reviewer.at("admission-state")).to_have_attribute("data-state", "admitted")
    keep(reviewer, "admission-admitted", whole=True)
    apply(demo, "river-hospital-kiosk")
    expect(register_of(clerk, "river-hospital-kiosk")).to_have_attribute("data-standing", "known")
    keep(clerk, "admission-known", whole=True)
    apply(demo, "river-hospital-pay", "云溪市河滨诊所")
    expect(register_of(clerk, "river-hospital-pay")).to_have_attribute("data-standing", "differs")
    keep(clerk, "admission-differs", whole=True)
    clerk.open("partners")
    expect(clerk.at("partners")).to_contain_text(APP)
    keep(clerk, "partners", whole=True)
    clerk.open("usage-uploads")
    expect(clerk.at("standing")).to_have_attribute("data-standing", "off")
    keep(clerk, "uploads-off")
    clerk.close()
    reviewer.close()


def partner_pages(browser: Browser, demo: RunningDemo) -> None:
    reviewer = Desk(browser, demo, "ma.qiang").sign_in()
    reviewer.open(f"partners/{demo.told['partner']['app_id']}")
    for part in ("merchant", "terminals", "criteria"):
        expect(reviewer.at(part)).to_be_visible()
    keep(reviewer, "partner", whole=True)
    reviewer.press("dialect-ehc")
    expect(dialog(reviewer).locator('[data-test="success-code"]')).to_be_visible()
    keep(reviewer, "dialects", whole=True)
    dialog(reviewer).locator(".el-dialog__headerbtn").click()
    reviewer.press("limit")
    dialog(reviewer).locator(".el-select").click()
    reviewer.page.get_by_role("option", name="核验通过后，得到完整的证件号码和手机号码").click()
    dialog(reviewer).locator(".el-dialog__title").click()
    reviewer.press("limit-it")
    expect(reviewer.at("proposed")).to_be_visible()
    keep(reviewer, "partner-proposed", whole=True)
    reviewer.press("refuse-limits")
    expect(reviewer.at("proposed")).to_have_count(0)
    reviewer.close()
    clerk = Desk(browser, demo, "wu.fang").sign_in()
    object_to_a_use(browser, demo, 20)
    clerk.open("security-events")
    for _ in range(50):
        clerk.press("refresh")
        clerk.linger(200)
        if clerk.at("event").count() and "已停卡" in clerk.at("event").inner_text():
            break
    keep(clerk, "security")
    clerk.press("close")
    clerk.write("note", "家属代刷，已说明；窗口以后先核对证件")
    keep(clerk, "security-closing")
    clerk.press("close-it")
    expect(clerk.at("state")).to_have_attribute("data-state", "empty")
    keep(clerk, "security-empty")
    clerk.close()


def usage_pages(browser: Browser, demo: RunningDemo) -> None:
    """What codes mean, and the way to the centre above."""
    holder = Scans(browser, demo, 12)
    clerk, reviewer = Desk(browser, demo, "wu.fang").sign_in(), Desk(browser, demo, "ma.qiang").sign_in()
    clerk.open("usage-uploads")
    expect(clerk.at("standing")).to_have_attribute("data-standing", "idle")
    keep(clerk, "uploads-idle")
    holder.scan()
    refresh_until(clerk, "clear")
    keep(clerk, "uploads")
    tell_sandbox(demo, "PUT", "", {"refuse": True})
    holder.scan()
    refresh_until(clerk, "failing")
    keep(clerk, "uploads-failing")
    tell_sandbox(demo, "DELETE", "")
    clerk.open("code-mappings/H002")
    for at, (theirs, ours) in enumerate([("GH", "挂号 010101"), ("MZSF", "门诊缴费"), ("ZYSF", "住院缴费")]):
        clerk.press("add-steps")
        write_pair(clerk, "steps", at, theirs, ours)
    clerk.press("add-channels")
    write_pair(clerk, "channels", 0, "W", "窗口")
    clerk.press("add-channels")
    write_pair(clerk, "channels", 1, "W", "自助机")
    keep(clerk, "code-mapping-faults")
    clerk.page.locator('[data-test="codes-channels"] [data-test="theirs"]').nth(1).fill("Z")
    clerk.press("save")
    expect(clerk.at("version")).to_have_text("第 1 版")
    keep(clerk, "code-mapping")
    clerk.open("code-mappings")
    expect(clerk.at("code-mappings")).to_be_visible()
    keep(clerk, "code-mappings")
    reviewer.open("code-mappings/H002")
    expect(reviewer.at("read-only")).to_be_visible()
    keep(reviewer, "code-mapping-read")
    clerk.close()
    reviewer.close()


def main() -> None:
    from tests.browser.demo import running_demo
    from tests.browser.phone import chromium

    SCREENS.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        with running_demo(is_below=False) as demo:
            partner_pages(browser, demo)
            admission_pages(browser, demo)
            console_pages(browser, demo)
        with running_demo() as demo:
            usage_pages(browser, demo)


if __name__ == "__main__":
    main()
