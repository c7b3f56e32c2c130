"""Claims beyond the straight path: for a child, for a parent, with another document, with a physical card."""

import io
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from sandbox.city import build_city
from tests.browser.demo import RunningDemo
from tests.browser.desk import Desk
from tests.browser.phone import Phone

pytestmark = pytest.mark.browser

FAMILIES: list[dict[str, Any]] = build_city().registers()["families"]


def _parent_of(demo: RunningDemo, family: dict[str, Any]) -> dict[str, str]:
    """The mother as the demo tells of her, with her phone."""
    id_no = family["parents"][1]["id_no"]
    found: dict[str, str] = next(person for person in demo.told["residents"] if person["id_no"] == id_no)
    return found


def _with_card(browser: Browser, demo: RunningDemo, resident: dict[str, str]) -> Phone:
    phone = Phone(browser, demo, resident)
    phone.open()
    phone.sign_in()
    phone.claim()
    return phone


def _fill(phone: Phone, person: dict[str, str], own_phone: str) -> None:
    phone.write("name", person["name"])
    phone.write("id-no", person["id_no"])
    phone.write("phone", own_phone)


@pytest.mark.feature("C3")
def test_a_mother_claims_for_her_child_and_switches_with_one_tap(browser: Browser, demo: RunningDemo) -> None:
    family = next(f for f in FAMILIES if f["child"]["id_type"] == "01")
    phone = _with_card(browser, demo, _parent_of(demo, family))
    own = phone.at("holder").inner_text()
    phone.tap("go-family")
    phone.tap("add")
    phone.tap("for-child")
    _fill(phone, family["child"], phone.resident["phone"])
    phone.tap("claim")
    expect(phone.at("proof-fault")).to_be_visible()
    phone.tap("proof-birth_certificate")
    phone.write("proof-number", "Z990000000")
    phone.tap("agree")
    phone.tap("claim")
    expect(phone.at("proof-number-fault")).to_be_visible()
    # Going back loses nothing.
    phone.tap("back")
    phone.tap("for-child")
    expect(phone.at("name").locator("input")).to_have_value(family["child"]["name"])
    phone.write("proof-number", family["birth_certificate_no"])
    phone.tap("claim")
    phone.expect_code("live")
    expect(phone.at("relation")).to_have_text("孩子的卡")
    childs = phone.read_code()

    phone.tap("switch-card")
    expect(phone.at("holder")).to_have_text(own)
    phone.expect_code("live")
    assert phone.read_code() != childs
    phone.tap("go-family")
    expect(phone.page.locator('[data-test="member"]:visible')).to_have_count(2)
    phone.tap("remove")
    phone.tap("remove-yes")
    expect(phone.at("removed")).to_be_visible()
    expect(phone.page.locator('[data-test="member"]:visible')).to_have_count(1)
    phone.close()


@pytest.mark.feature("C3")
def test_a_parent_agrees_by_a_text_message(browser: Browser, demo: RunningDemo) -> None:
    phone = _with_card(browser, demo, demo.adult(30))
    parent = demo.adult(31)
    phone.tap("go-family")
    phone.tap("add")
    phone.tap("for-parent")
    _fill(phone, parent, parent["phone"])
    phone.tap("proof-consent_sms")
    phone.tap("consent-code-send")
    expect(phone.at("consent-code-sent")).to_be_visible()
    phone.write("consent-code", demo.last_sms_code(parent["phone"]))
    phone.tap("agree")
    phone.tap("claim")
    phone.expect_code("live")
    expect(phone.at("relation")).to_have_text("父母的卡")
    phone.close()


@pytest.mark.feature("C3", "C1")
def test_papers_wait_for_people_and_the_page_says_so(browser: Browser, demo: RunningDemo) -> None:
    phone = _with_card(browser, demo, demo.adult(32))
    _show_papers(phone, demo.adult(33))
    expect(phone.at("steps")).to_be_visible()
    expect(phone.page.get_by_text("1 个工作日")).to_be_visible()
    phone.close()


def _show_papers(phone: Phone, ward: dict[str, str]) -> None:
    """A guardian's claim by papers, until people have to look at it."""
    phone.tap("go-family")
    phone.tap("add")
    phone.tap("for-ward")
    _fill(phone, ward, phone.resident["phone"])
    phone.tap("proof-guardianship")
    with phone.page.expect_file_chooser() as chooser:
        phone.tap("guardianship-add")
    chooser.value.set_files(files=[_photo()])
    expect(phone.at("guardianship-photo")).to_be_visible()
    phone.tap("agree")
    phone.tap("claim")
    phone.expect_status("pending")


@pytest.mark.feature("C3")
def test_papers_for_somebody_with_a_card_stop_nothing_and_a_reviewer_ties_it(
    browser: Browser, demo: RunningDemo
) -> None:
    ward = _with_card(browser, demo, demo.adult(34))
    guardian = _with_card(browser, demo, demo.adult(35))
    _show_papers(guardian, ward.resident)
    guardian.tap("go-family")
    waiting = guardian.page.locator('[data-test="member"][data-status="pending"]:visible')
    claim_id = waiting.get_attribute("data-card")
    ward.page.reload()
    ward.expect_code("live")

    reviewer = Desk(browser, demo, "chen.min")
    reviewer.sign_in()
    expect(reviewer.at("menu-reviews")).to_be_visible()
    reviewer.open(f"reviews/{claim_id}")
    expect(reviewer.at("joins")).to_be_visible()
    expect(reviewer.at("paper")).to_be_visible()
    reviewer.write("reason", "法院文书核对无误")
    reviewer.press("approve")
    expect(reviewer.page.locator(f'[data-card="{claim_id}"]')).to_have_count(0)
    reviewer.close()

    guardian.page.reload()
    expect(guardian.page.locator('[data-test="member"][data-status="active"]:visible')).to_have_count(2)
    expect(waiting).to_have_count(0)
    ward.close()
    guardian.close()


@pytest.mark.feature("C1", "I2")
def test_a_passport_asks_for_birthday_and_sex(browser: Browser, demo: RunningDemo) -> None:
    visitor = next(person for person in build_city().visitors if person.id_type == "03")
    phone = Phone(browser, demo, {"name": visitor.name, "id_no": visitor.id_no, "phone": visitor.phone})
    phone.open()
    phone.sign_in()
    phone.tap("go-claim")
    phone.tap("other-document")
    phone.tap("document-03")
    _fill(phone, phone.resident, visitor.phone)
    phone.tap("agree")
    phone.tap("claim")
    expect(phone.at("gender-fault")).to_be_visible()
    expect(phone.at("birth-fault")).to_be_visible()
    phone.tap(f"gender-{visitor.gender}")
    phone.write("birth", visitor.birth_on.strftime("%Y%m%d"))
    phone.tap("claim")
    phone.expect_code("live")
    phone.close()


@pytest.mark.feature("C1")
def test_a_physical_card_with_a_text_message(browser: Browser, demo: RunningDemo) -> None:
    cards = build_city().registers()["physical_cards"]
    old_enough = (card for card in cards if card["state"] == "valid" and int(card["id_no"][6:10]) < 2000)
    card = list(old_enough)[3]
    phone = Phone(browser, demo, {key: card[key] for key in ("name", "id_no", "phone")})
    phone.open()
    phone.sign_in()
    phone.fill_claim()
    phone.tap("physical")
    phone.write("physical-no", card["card_no"])
    phone.tap("claim")
    expect(phone.at("phone-code-fault")).to_be_visible()
    phone.tap("phone-code-send")
    expect(phone.at("phone-code-sent")).to_be_visible()
    phone.write("phone-code", demo.last_sms_code(card["phone"]))
    phone.tap("claim")
    phone.expect_code("live")
    phone.close()


@pytest.mark.feature("I1")
def test_the_phone_of_an_account_is_changed_by_a_code_to_the_new_one(
    browser: Browser, demo: RunningDemo
) -> None:
    phone = Phone(browser, demo, demo.adult(50))
    phone.open()
    phone.sign_in()
    phone.tap("go-settings")
    phone.tap("go-account")
    phone.write("new-phone", "19900009999")
    phone.tap("new-phone-code-send")
    expect(phone.at("new-phone-code-sent")).to_be_visible()
    right = demo.last_sms_code("19900009999")
    phone.write("new-phone-code", "000000" if right != "000000" else "111111")
    phone.tap("save-phone")
    expect(phone.at("new-phone-code-fault")).to_be_visible()
    phone.write("new-phone-code", right)
    phone.tap("save-phone")
    expect(phone.at("done")).to_contain_text("199****9999")
    phone.close()


def _photo() -> Any:
    """A picture that is too large as it is: the page makes it smaller."""
    noise = Image.effect_noise((2400, 1800), 90).convert("RGB")
    content = io.BytesIO()
    noise.save(content, "JPEG", quality=95)
    assert len(content.getvalue()) > 900 * 1024
    return {"name": "paper.jpg", "mimeType": "image/jpeg", "buffer": content.getvalue()}
