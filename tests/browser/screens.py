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
    phone = Phone(browser, demo, demo.resident(number))

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
    _terminal_pages(browser, demo, phone.picture(), keep=not elder)
    phone.tap("go-messages")
    phone.tap("message-open")
    expect(phone.at("receipt")).to_be_visible()
    keep("messages")
    phone.page.go_back()
    phone.tap("go-settings")
    keep("settings")
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


if __name__ == "__main__":
    main()
