"""`make screens`: every page in both modes at 375 × 812, into docs/screens/, to be looked at together."""

import io
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect

from tests.browser.demo import RunningDemo, running_demo
from tests.browser.phone import Phone, Terminal, chromium

SCREENS = Path("docs/screens")


def _keep(name: str, picture: bytes) -> None:
    """At the size of the page and in few colours: the pictures live in the repository."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image = (
        image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
        if name[0] != "h"
        else image
    )
    image.quantize(128).save(SCREENS / f"{name}.png", optimize=True)
    print(f"docs/screens/{name}.png", flush=True)


def _resident_pages(browser: Browser, demo: RunningDemo, number: int, *, elder: bool) -> None:
    mode = "elder" if elder else "normal"
    phone = Phone(browser, demo, demo.adult(number))

    def keep(name: str) -> None:
        phone.page.wait_for_load_state("networkidle")
        _keep(f"{name}-{mode}", phone.picture())

    phone.page.goto(demo.web)
    expect(phone.at("elder-question")).to_be_visible()
    keep("cards-first-use")
    phone.tap("elder-yes" if elder else "elder-no")
    keep("cards-signed-out")
    phone.tap("go-sign-in")
    keep("signin")
    phone.page.go_back()
    phone.sign_in()
    keep("cards-empty")
    phone.tap("go-claim")
    phone.write("name", phone.resident["name"])
    phone.write("id-no", phone.resident["id_no"][:-1] + ("0" if phone.resident["id_no"][-1] != "0" else "1"))
    phone.tap("claim")
    keep("claim-faults")
    phone.page.go_back()
    phone.claim()
    keep("cards-dynamic")
    phone.tap("enlarge")
    keep("cards-enlarged")
    phone.tap("shrink")
    phone.tap("switch-static")
    phone.expect_code("static")
    keep("cards-static")
    phone.tap("switch-dynamic")
    phone.expect_code("live")
    phone.context.set_offline(True)
    phone.expect_code("offline")
    keep("cards-offline")
    phone.context.set_offline(False)
    phone.expect_code("live")
    phone.tap("go-messages")
    expect(phone.at("state")).to_have_attribute("data-state", "empty")
    keep("messages-empty")
    phone.page.go_back()
    phone.expect_code("live")
    phone.page.wait_for_function("() => window.scrollY === 0")
    _terminal_pages(browser, demo, phone.picture(), keep=not elder)
    phone.tap("go-messages")
    phone.tap("message-open")
    expect(phone.at("receipt")).to_be_visible()
    keep("messages")
    phone.page.go_back()
    phone.tap("go-settings")
    keep("settings")
    phone.close()


def _life_pages(browser: Browser, demo: RunningDemo, number: int, *, elder: bool) -> None:
    """What can be done with a card, before and after."""
    mode = "elder" if elder else "normal"
    phone = Phone(browser, demo, demo.adult(number))

    def keep(name: str) -> None:
        phone.page.wait_for_load_state("networkidle")
        _keep(f"{name}-{mode}", phone.picture(whole=True))

    phone.open(elder=elder)
    phone.sign_in()
    phone.claim()
    keep("cards-whole")
    phone.tap("go-manage")
    expect(phone.at("state-now")).to_be_visible()
    keep("lifecycle")
    phone.tap("go-pin")
    expect(phone.at("pin-state")).to_be_visible()
    keep("pin")
    phone.tap("set-pin")
    phone.prove_by_sms()
    keep("pin-prove")
    phone.tap("prove")
    phone.type_pin("290")
    keep("pin-first")
    phone.type_pin("715")
    phone.tap("pin-next")
    phone.type_pin("290715")
    phone.tap("pin-save")
    expect(phone.at("done")).to_be_visible()
    keep("pin-done")
    phone.tap("pin-back")
    phone.tap("go-privacy")
    expect(phone.at("save")).to_be_visible()
    keep("privacy")
    phone.page.go_back()
    phone.tap("do-report_lost")
    expect(phone.at("act")).to_be_visible()
    keep("lifecycle-lost")
    phone.tap("act")
    expect(phone.at("done")).to_be_visible()
    keep("lifecycle-lost-done")
    phone.tap("go-card")
    phone.expect_status("lost")
    keep("cards-lost")
    phone.tap("go-reactivate")
    phone.tap("sure")
    expect(phone.at("factor")).to_be_visible()
    phone.type_pin("111222")
    phone.tap("act")
    expect(phone.at("pin-fault")).to_be_visible()
    keep("lifecycle-reactivate")
    phone.page.go_back()
    phone.tap("go-manage")
    phone.tap("do-cancel")
    expect(phone.at("sure")).to_be_visible()
    keep("lifecycle-cancel")
    phone.tap("sure")
    phone.tap("factor-sms")
    keep("lifecycle-cancel-sure")
    phone.close()


def _terminal_pages(browser: Browser, demo: RunningDemo, picture: bytes, *, keep: bool) -> None:
    terminal = Terminal(browser, demo)
    with tempfile.TemporaryDirectory() as folder:
        terminal.verify_picture(picture, Path(folder))
        terminal.expect(ok=True)
        if keep:
            _keep("hospital-verified", terminal.page.screenshot())
        terminal.verify_picture(picture, Path(folder))
        terminal.expect(ok=False, code="code.already_used")
        if keep:
            _keep("hospital-refused", terminal.page.screenshot())
    terminal.close()


def main() -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    # Codes that live short, so that an offline phone is soon seen as one.
    with running_demo(code_refresh_s=12) as demo, chromium() as browser:
        _resident_pages(browser, demo, 10, elder=False)
        _resident_pages(browser, demo, 11, elder=True)
        _life_pages(browser, demo, 12, elder=False)
        _life_pages(browser, demo, 13, elder=True)


if __name__ == "__main__":
    main()
