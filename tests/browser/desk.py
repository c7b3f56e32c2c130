"""A desk of the card centre: a browser at 1280 × 800, and a member of staff with an authenticator."""

import time
from typing import Any

import pyotp
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.demo import RunningDemo

SIZE: Any = {"width": 1280, "height": 800}
WAIT_MS = 15_000
STEP_S = 30


def linger(page: Page, duration_ms: int) -> None:
    """Looks at the page for so long."""
    begun = page.evaluate("performance.now()")
    page.wait_for_function(f"begun => performance.now() - begun > {duration_ms}", arg=begun)


class Desk:
    """`login_name` is one of the demo's staff."""

    def __init__(self, browser: Browser, demo: RunningDemo, login_name: str, size: Any = None) -> None:
        self.demo = demo
        self.member: dict[str, str] = next(
            one for one in demo.told["staff"] if one["login_name"] == login_name
        )
        self.context: BrowserContext = browser.new_context(viewport=size or SIZE, locale="zh-CN")
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        # A refused style or script only shows here; an answer of 4xx does too, and is meant.
        self.page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            self.faults.append(message.text)

    def at(self, test: str) -> Locator:
        return self.page.locator(f'[data-test="{test}"]').first

    def press(self, test: str) -> None:
        self.at(test).click()

    def write(self, test: str, text: str) -> None:
        self.at(test).fill(text)

    def code(self) -> str:
        """What the authenticator shows next: the enrolment of the demo has used an earlier one.  Each works
        once: whoever has just signed in waits for another."""
        used: dict[str, int] = self.demo.told.setdefault("used_steps", {})
        name = self.member["login_name"]
        self.page.wait_for_function(
            "used => Math.floor(Date.now() / 30000) + 1 > used", arg=used.get(name, 0), timeout=40_000
        )
        step = int(time.time()) // STEP_S + 1
        used[name] = step
        return pyotp.TOTP(self.member["totp_secret"]).generate_otp(step)

    def first_code(self) -> str:
        """What the authenticator shows now."""
        return pyotp.TOTP(self.member["totp_secret"]).now()

    def open(self, page: str = "") -> None:
        self.page.goto(f"{self.demo.told['console']}#/{page}")

    def fill_sign_in(self, **changes: str) -> None:
        given = {"password": self.member["password"], **changes}
        if "totp" not in given:
            given["totp"] = self.code()
        self.write("login-name", self.member["login_name"])
        self.write("password", given["password"])
        self.write("totp", given["totp"])

    def sign_in(self) -> "Desk":
        self.open("sign-in")
        self.fill_sign_in()
        self.press("sign-in")
        expect(self.at("self-name")).to_have_text(self.member["name"])
        return self

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What a colleague does meanwhile, with this member's session: the answer of /staff/v1."""
        return self.page.evaluate(
            """async ([method, path, body]) => {
                const token = JSON.parse(sessionStorage.getItem('staff-session')).token;
                const headers = { Authorization: 'Bearer ' + token, 'Content-Type': 'application/json' };
                const sent = body === null ? undefined : JSON.stringify(body);
                return (await fetch('/staff/v1' + path, { method, headers, body: sent })).json();
            }""",
            [method, path, body],
        )

    def linger(self, duration_ms: int) -> None:
        linger(self.page, duration_ms)

    def close(self) -> None:
        self.context.close()
        assert self.faults == [], f"the pages threw: {self.faults}"
