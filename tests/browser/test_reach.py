"""How many taps a 70-year-old needs, in elder mode with the largest letters, and how large each target is."""

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.demo import RunningDemo
from tests.browser.phone import Phone

pytestmark = pytest.mark.browser

FAR_PX = 60
"The national specification's touch area in elder mode."
BODY_PX = 17 * 1.5
"One and a half times the main text of the normal mode."

# From the first page: what is wanted, the taps, and what shows that it is there.
WAYS = {
    "card": ([], "code-state"),
    "large code": (["enlarge"], "code-enlarged"),
    "family": (["go-family"], "member"),
    "another family member": (["go-family", "add"], "for-child"),
    "claim for a child": (["go-family", "add", "for-child"], "claim"),
    "messages": (["go-messages"], "state"),
    "report lost": (["go-lost"], "act"),
    "freeze": (["go-manage", "do-freeze"], "act"),
    "new code": (["go-manage", "do-reissue"], "sure"),
    "PIN": (["go-manage", "go-pin"], "set-pin"),
    "privacy": (["go-manage", "go-privacy"], "save"),
    "phone": (["go-settings", "go-account"], "new-phone"),
    "my bookings": (["go-appointments"], "go-book"),
    "waiting": (["go-visit"], "state"),
    "examinations": (["go-examinations"], "state"),
    "medicine": (["go-medications"], "state"),
    "reminders": (["go-settings", "go-reminders"], "save"),
}


class CountingPhone(Phone):
    """A phone that counts taps and looks at the size of what is tapped."""

    taps = 0

    def tap(self, test: str) -> None:
        self.taps += 1
        box = self.at(test).bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= FAR_PX or test in ("elder-yes", "elder-no"), (test, box)
        super().tap(test)


@pytest.fixture(scope="module")
def phone(browser: Browser, demo: RunningDemo) -> CountingPhone:
    phone = CountingPhone(browser, demo, demo.adult(25))
    phone.open(elder=True)
    phone.page.evaluate(
        "() => localStorage.setItem('reading', JSON.stringify({type: 'object', "
        "data: {elder: true, size: 2, asked: true}}))"
    )
    phone.page.reload()
    phone.sign_in()
    phone.claim()
    return phone


@pytest.mark.feature("C1")
@pytest.mark.parametrize("wanted", WAYS)
def test_everything_is_three_taps_from_the_first_page(phone: CountingPhone, wanted: str) -> None:
    taps, there = WAYS[wanted]
    phone.page.goto(phone.demo.web)
    phone.page.reload()
    phone.expect_code("live")
    phone.taps = 0
    for test in taps:
        expect(phone.at(test)).to_be_visible()
        phone.tap(test)
    expect(phone.at(there)).to_be_visible()
    assert phone.taps <= 3
    assert _font_px(phone.page.locator(".theme:visible").first) >= BODY_PX
    assert phone.page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth"), (
        "nothing is pushed off the side"
    )


@pytest.mark.feature("C1", "M1")
def test_from_the_card_to_a_booked_place_is_five_taps(phone: CountingPhone) -> None:
    """The first of each list is taken; the day is chosen already."""
    phone.page.goto(phone.demo.web)
    phone.page.reload()
    phone.expect_code("live")
    phone.taps = 0
    for test in ("go-book", "hospital", "department"):
        expect(phone.at(test)).to_be_visible()
        phone.tap(test)
    free = phone.page.locator('[data-test="slot"][aria-disabled="false"]:visible').first
    expect(free).to_be_visible()
    box = free.bounding_box()
    assert box is not None and min(box["width"], box["height"]) >= FAR_PX
    free.click()
    phone.taps += 1
    expect(phone.at("booking-facts")).to_be_visible()
    phone.tap("book")
    expect(phone.at("booked")).to_be_visible()
    assert phone.taps <= 5


@pytest.mark.feature("C4")
def test_a_lost_phone_is_two_taps(phone: CountingPhone) -> None:
    phone.page.goto(phone.demo.web)
    phone.page.reload()
    phone.expect_code("live")
    phone.taps = 0
    phone.tap("go-lost")
    phone.tap("act")
    expect(phone.at("done")).to_be_visible()
    assert phone.taps == 2


def _font_px(of: Locator) -> float:
    size: float = of.evaluate("element => parseFloat(getComputedStyle(element).fontSize)")
    return size
