"""The two pages in a real browser: a clerk reads codes, somebody trying the demo reads a text message."""

import asyncio
import io
import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import qrcode
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sandbox.app import make_app
from sandbox.signed import request_signature

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium"),
]


def picture_of(text: str, form: str) -> bytes:
    out = io.BytesIO()
    qrcode.make(text, box_size=12, border=6).convert("RGB").resize((640, 480)).save(out, form)
    return out.getvalue()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """Chromium whose camera looks at the code "dynamic"."""
    film = tmp_path / "camera.mjpeg"
    film.write_bytes(picture_of("dynamic", "JPEG") * 2)
    flags = [*FLAGS, f"--use-file-for-fake-video-capture={film}"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture
def url(platform: Any, serving: Any, config: dict[str, Any]) -> Iterator[str]:
    """The sandbox and the tiny platform in a loop of their own; the browser's calls hold this one."""
    loop = asyncio.new_event_loop()
    started, ended = threading.Event(), asyncio.Event()
    addresses: list[str] = []

    async def serve() -> None:
        async with serving(platform.app()) as api:
            app = make_app(config | {"hospital": platform.hospital(api)}, now=platform.now)
            async with serving(app) as address:
                addresses.append(address)
                started.set()
                await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert started.wait(10)
    yield addresses[0]
    loop.call_soon_threadsafe(ended.set)
    thread.join(10)
    loop.close()


def terminal(browser: Browser, url: str, width: int = 1280) -> Page:
    page = browser.new_page(viewport={"width": width, "height": 812})
    page.goto(f"{url}/hospital/")
    return page


@pytest.mark.feature("V1")
@pytest.mark.parametrize("width", [1280, 375])
def test_a_clerk_reads_a_code_by_scanner_and_by_picture(browser: Browser, url: str, width: int) -> None:
    page = terminal(browser, url, width)
    page.locator("#scene").select_option("0101051")
    page.locator("#paste").fill("static")
    page.locator("#paste").press("Enter")
    result = page.locator("#result")
    expect(result).to_have_attribute("data-ok", "true")
    expect(result).to_contain_text("静态码")
    picture = {"name": "code.png", "mimeType": "image/png", "buffer": picture_of("dynamic", "PNG")}
    page.locator("#picture").set_input_files(picture)
    page.locator("#verify").click()
    expect(result).to_contain_text("动态码")
    expect(result).to_contain_text("古丽娜尔·艾山")
    expect(result).to_contain_text("1953年2月1日")
    expect(page.locator("#history > li")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.feature("V1")
def test_a_refusal_says_what_happened_and_what_to_do(browser: Browser, url: str, platform: Any) -> None:
    page = terminal(browser, url)
    page.locator("#paste").fill("expired")
    page.locator("#verify").click()
    result = page.locator("#result")
    expect(result).to_have_attribute("data-code", "code.expired")
    expect(result).to_have_attribute("data-ok", "false")
    expect(result).to_contain_text("请居民刷新健康码后再扫")
    platform.alter = lambda headers, body: body.replace(b"female", b"male")
    page.locator("#paste").fill("dynamic")
    page.locator("#verify").click()
    expect(result).to_have_attribute("data-code", "reply.forged")
    expect(result).not_to_contain_text("古丽娜尔")


@pytest.mark.feature("V1")
def test_a_clerk_reads_a_code_by_camera(browser: Browser, url: str, platform: Any) -> None:
    page = terminal(browser, url)
    page.locator("#camera").click()
    expect(page.locator("#result")).to_have_attribute("data-ok", "true", timeout=15_000)
    expect(page.locator("#camera")).to_have_attribute("aria-pressed", "false")
    assert [asked["code"] for asked in platform.asked] == ["dynamic"]


@pytest.mark.feature("N3")
def test_a_new_text_message_appears_by_itself(browser: Browser, url: str, held_clock: Any) -> None:
    page = browser.new_page(viewport={"width": 375, "height": 812})
    page.goto(f"{url}/sms/")
    expect(page.locator("#messages")).to_contain_text("还没有短信")
    _send_code(url, held_clock)
    expect(page.locator("#messages strong")).to_have_text("482913", timeout=10_000)
    assert page.evaluate("document.documentElement.scrollWidth") == 375


def _send_code(url: str, now: Any) -> None:
    path, nonce, timestamp = "/sms/v1/messages", "0" * 32, str(int(now() * 1000))
    message = {"phone": "19900001234", "template": "login_code", "params": {"code": "482913"}}
    body = json.dumps(message).encode()
    headers = {
        "X-App-Id": "sms-app",
        "X-Timestamp": timestamp,
        "X-Nonce": nonce,
        "X-Signature": request_signature("sms-secret", "POST", path, timestamp, nonce, body),
    }
    urllib.request.urlopen(urllib.request.Request(url + path, body, headers), timeout=5).close()
