"""A resident's phone and a hospital's screen: what a person does on them, one method for each thing done."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any

import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tests.browser.demo import RunningDemo

CHROMIUM = next(path for name in ("chromium", "chromium-browser", "google-chrome") if (path := which(name)))
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZE: Any = {"width": 375, "height": 812}
WAIT_MS = 15_000


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Phone:
    """One resident's phone at 375 × 812, with the web pages open."""

    def __init__(self, browser: Browser, demo: RunningDemo, resident: dict[str, str]) -> None:
        self.demo = demo
        self.resident = resident
        self.context: BrowserContext = browser.new_context(
            viewport=SIZE, device_scale_factor=2, locale="zh-CN", has_touch=True
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))

    def at(self, test: str) -> Locator:
        """Of the page that is seen: those that were left stay, hidden."""
        return self.page.locator(f'[data-test="{test}"]:visible').first

    def tap(self, test: str) -> None:
        self.at(test).click()

    def write(self, test: str, text: str) -> None:
        """Into a field: uni-app puts the real input inside the element that carries the hook."""
        field = self.at(test)
        inner = field.locator("input")
        (inner if inner.count() else field).fill(text)

    def open(self, *, elder: bool = False) -> None:
        self.page.goto(self.demo.web)
        self.tap("elder-yes" if elder else "elder-no")

    def sign_in(self) -> None:
        self.tap("go-sign-in")
        self.write("phone", self.resident["phone"])
        self.tap("send-code")
        expect(self.at("code-sent")).to_be_visible()
        self.write("sms-code", self.demo.last_sms_code(self.resident["phone"]))
        self.tap("sign-in")
        expect(self.at("go-claim")).to_be_visible()

    def fill_claim(self) -> None:
        self.tap("go-claim")
        self.write("name", self.resident["name"])
        self.write("id-no", self.resident["id_no"])
        self.write("phone", self.resident["phone"])
        self.tap("agree")

    def claim(self) -> None:
        self.fill_claim()
        self.tap("claim")
        self.expect_code("live")

    def type_pin(self, pin: str) -> None:
        for digit in pin:
            self.tap(f"key-{digit}")

    def prove_by_sms(self) -> None:
        """The factor panel, answered with the code on the card's own phone."""
        self.tap("factor-code-send")
        expect(self.at("factor-code-sent")).to_be_visible()
        self.write("factor-code", self.demo.last_sms_code(self.resident["phone"]))

    def expect_status(self, status: str) -> None:
        expect(self.at("card-status")).to_have_attribute("data-state", status)

    def expect_code(self, state: str) -> None:
        expect(self.at("code-state")).to_have_attribute("data-state", state, timeout=WAIT_MS)

    def picture(self, *, whole: bool = False) -> bytes:
        """A screenshot, as somebody would take one; `whole`: of a screen as long as the page, with the main
        button at its end."""
        if not whole:
            return self.page.screenshot()
        height = self.page.evaluate("() => Math.max(innerHeight, document.documentElement.scrollHeight)")
        self.page.set_viewport_size({**SIZE, "height": height})
        try:
            return self.page.screenshot()
        finally:
            self.page.set_viewport_size(SIZE)

    def read_code(self) -> str | None:
        """What a scanner reads off the screen; None when there is nothing to read."""
        found = zxingcpp.read_barcode(Image.open(io.BytesIO(self.picture())))
        return found.text if found else None

    def close(self) -> None:
        self.context.close()
        assert self.faults == [], f"the pages threw: {self.faults}"


class Terminal:
    """The hospital's own page."""

    def __init__(self, browser: Browser, demo: RunningDemo) -> None:
        self.page: Page = browser.new_page(viewport={"width": 1280, "height": 900})
        self.page.set_default_timeout(WAIT_MS)
        self.page.goto(demo.hospital)

    def verify_picture(self, picture: bytes, folder: Path, scene: str = "010101") -> None:
        path = folder / "code.png"
        path.write_bytes(picture)
        self.page.select_option("#scene", scene)
        self.page.set_input_files("#picture", str(path))
        self.page.click("#verify")

    def verify_text(self, text: str, scene: str = "010101") -> None:
        self.page.select_option("#scene", scene)
        self.page.fill("#paste", text)
        self.page.click("#verify")

    def ask(self, scene: str = "010101") -> str:
        """A code of the kiosk's own on its screen, and what a phone reads off it."""
        self.page.select_option("#scene", scene)
        self.page.click("#kiosk-start")
        expect(self.page.locator("#kiosk")).to_have_attribute("data-state", "waiting")
        read = zxingcpp.read_barcode(Image.open(io.BytesIO(self.page.locator("#kiosk-stage").screenshot())))
        assert read is not None and read.text == self.page.locator("#kiosk-text").inner_text()
        return str(read.text)

    def expect_answered(self, state: str) -> None:
        expect(self.page.locator("#kiosk")).to_have_attribute("data-state", state, timeout=WAIT_MS)

    def expect(self, *, ok: bool, code: str = "") -> None:
        result = self.page.locator("#result")
        expect(result).to_have_attribute("data-code", code)
        expect(result).to_have_attribute("data-ok", "true" if ok else "false")

    def text(self) -> str:
        return self.page.locator("#result").inner_text()

    def close(self) -> None:
        self.page.close()
