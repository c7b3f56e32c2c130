"""The staff's pages as pictures: `make screens` puts them into docs/screens/."""

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect

from tests.browser.demo import RunningDemo
from tests.browser.desk import Desk
from tests.browser.test_console import claim

SCREENS = Path("docs/screens")
TABLET = {"width": 820, "height": 1180}


def keep(desk: Desk, name: str) -> None:
    desk.page.wait_for_load_state("networkidle")
    image = Image.open(io.BytesIO(desk.page.screenshot())).convert("RGB")
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
    expect(security.page.locator(".el-message")).to_have_count(0)
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


def main() -> None:
    from tests.browser.demo import running_demo
    from tests.browser.phone import chromium

    SCREENS.mkdir(parents=True, exist_ok=True)
    with running_demo() as demo, chromium() as browser:
        console_pages(browser, demo)


if __name__ == "__main__":
    main()
