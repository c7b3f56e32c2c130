"""The desk of the hospital that has a system of its own: its page, one method for each thing a nurse does."""

from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.demo import RunningDemo, ask
from tests.browser.phone import WAIT_MS

CHOOSE_AND_END = """(panel, items) => {
  for (const option of panel.querySelectorAll('select option')) option.selected = items.includes(option.value)
  for (const button of panel.querySelectorAll('button')) if (button.textContent === '就诊结束') button.click()
}"""


class Nurse:
    def __init__(self, browser: Browser, demo: RunningDemo, schedule: str) -> None:
        """`schedule`: department and doctor, as the page heads it."""
        self.demo, self._schedule = demo, schedule
        self.page: Page = browser.new_page(viewport={"width": 1280, "height": 1000})
        self.page.set_default_timeout(WAIT_MS)
        self.page.goto(str(demo.told["sandbox"]["his"]))
        expect(self._panel).to_be_visible()

    @property
    def _panel(self) -> Locator:
        return self.page.locator("#schedules > section").filter(has=self.page.get_by_text(self._schedule))

    def go_to_tomorrow(self) -> None:
        """The hospital's own clock: what was booked for tomorrow is today's there."""
        before = self.page.locator("#now").inner_text()
        self.page.get_by_role("button", name="快进一天").click()
        expect(self.page.locator("#now")).not_to_have_text(before)

    def let_in(self, name: str) -> None:
        """Somebody is at the window."""
        self._panel.locator(".person-line").filter(has_text=name).get_by_role(
            "button", name="窗口报到"
        ).click()

    def press(self, label: str) -> None:
        self._panel.get_by_role("button", name=label).click()

    def end(self, *items: str) -> None:
        """The doctor is done: these examinations are ordered, and medicine is prescribed.  In one go, for the
        page draws itself anew whenever something has happened, and forgets what was chosen."""
        expect(self._panel.locator("select")).to_be_visible()
        self._panel.evaluate(CHOOSE_AND_END, list(items))

    def door(self, **fault: Any) -> None:
        """The hospital's system misbehaves so towards the platform; without a fault it is well again."""
        door = f"{self.demo.told['sandbox']['control']}/his"
        ask(door, fault or None, method="PUT" if fault else "DELETE")

    def close(self) -> None:
        self.page.close()
