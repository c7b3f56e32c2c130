from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.demo import RunningDemo, running_demo
from tests.browser.phone import chromium


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    """The product with codes that live ten seconds, so that a renewal is soon seen."""
    with running_demo(code_refresh_s=10) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running
