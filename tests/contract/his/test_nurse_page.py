"""The nurse's page in a real browser: who has which slot, check in, call, finish, and what was told."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.his import running_his

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")

pytestmark = [
    pytest.mark.feature("M1", "M5"),
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium"),
]


@pytest.fixture
def url() -> Iterator[str]:
    """A hospital in a loop of its own; two patients have slots of today at its second doctor of medicine."""
    loop = asyncio.new_event_loop()
    started, ended = threading.Event(), asyncio.Event()
    addresses: list[str] = []

    async def serve() -> None:
        async with running_his() as his:
            for patient, slot in enumerate((await his.schedule(days=0)).slots[:2]):
                await his.registered(slot, patient)
            addresses.append(his.url)
            started.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert started.wait(20)
    yield addresses[0]
    loop.call_soon_threadsafe(ended.set)
    thread.join(10)
    loop.close()


@pytest.mark.parametrize("width", [1280, 375])
def test_a_nurse_checks_in_calls_and_finishes(url: str, width: int) -> None:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = chromium.new_page(viewport={"width": width, "height": 812})
        page.goto(f"{url}/his/")
        _play(page)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        chromium.close()


def _play(page: Page) -> None:
    schedule = page.locator("#schedules > section", has_text="周明远")
    expect(schedule).to_contain_text("试用者0")
    expect(schedule).to_contain_text("试用者1")
    schedule.get_by_role("button", name="窗口报到").first.click()
    expect(schedule).to_contain_text("前面 0 人")
    schedule.get_by_role("button", name="叫下一位").click()
    expect(page.locator("#news")).to_contain_text("请 A001 号就诊")
    schedule.get_by_label("开检查单（可多选）").select_option(["ct.plain"])
    schedule.get_by_role("button", name="就诊结束").click()
    expect(schedule).to_contain_text("已就诊")
    schedule.get_by_role("button", name="胸部 CT 平扫 出报告").click()
    expect(schedule).to_contain_text("胸部 CT 平扫 已出报告")
    expect(page.locator("#told")).to_contain_text("no answer from the platform")
    schedule.get_by_role("button", name="停诊").click()
    expect(schedule).to_contain_text("已停诊")
    page.get_by_role("button", name="快进一天").click()
    expect(page.locator("#now")).to_contain_text("11月24日")
    expect(page.locator("#schedules")).not_to_contain_text("试用者")
