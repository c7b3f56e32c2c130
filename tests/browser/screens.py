"""`make screens`: every page in both modes at 375 × 812, into docs/screens/, to be looked at together."""

import io
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, expect

from sandbox.city import build_city
from tests.browser.demo import RunningDemo, running_demo
from tests.browser.phone import Phone, Terminal, chromium

SCREENS = Path("docs/screens")


def keep_picture(name: str, picture: bytes) -> None:
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
        keep_picture(f"{name}-{mode}", phone.picture())

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
    phone.tap("not-me")
    expect(phone.at("object")).to_be_visible()
    keep("objection")
    phone.page.go_back()
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
        keep_picture(f"{name}-{mode}", phone.picture(whole=True))

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


def _family_pages(browser: Browser, demo: RunningDemo, family: dict[str, Any], *, elder: bool) -> None:
    """A mother's claim for her child, other documents, and what waits for people."""
    mode = "elder" if elder else "normal"
    mother = next(r for r in demo.told["residents"] if r["id_no"] == family["parents"][1]["id_no"])
    phone = Phone(browser, demo, mother)

    def keep(name: str) -> None:
        phone.page.wait_for_load_state("networkidle")
        keep_picture(f"{name}-{mode}", phone.picture(whole=True))

    phone.open(elder=elder)
    phone.sign_in()
    phone.tap("go-claim")
    phone.tap("other-document")
    phone.tap("document-03")
    phone.tap("physical")
    keep("claim-passport")
    phone.page.go_back()
    phone.page.reload()
    phone.claim()
    phone.tap("go-family")
    expect(phone.at("member")).to_be_visible()
    phone.tap("add")
    expect(phone.at("for-child")).to_be_visible()
    keep("claim-relation")
    phone.tap("for-child")
    phone.write("name", family["child"]["name"])
    phone.write("id-no", family["child"]["id_no"])
    phone.write("phone", mother["phone"])
    phone.tap("proof-birth_certificate")
    phone.write("proof-number", "Z990000000")
    phone.tap("agree")
    phone.tap("claim")
    expect(phone.at("proof-number-fault")).to_be_visible()
    keep("claim-child")
    phone.write("proof-number", family["birth_certificate_no"])
    phone.tap("claim")
    phone.expect_code("live")
    keep("cards-child")
    phone.tap("go-family")
    phone.tap("remove")
    keep("family")
    phone.page.go_back()
    phone.tap("go-settings")
    phone.tap("go-account")
    expect(phone.at("phone-now")).to_be_visible()
    keep("account")
    phone.close()


def _waiting_pages(browser: Browser, demo: RunningDemo, number: int, *, elder: bool) -> None:
    """Papers that people look at."""
    phone = Phone(browser, demo, demo.adult(number))
    phone.open(elder=elder)
    phone.sign_in()
    phone.claim()
    phone.tap("go-family")
    phone.tap("add")
    phone.tap("for-ward")
    ward = demo.adult(number + 20)
    phone.write("name", ward["name"])
    phone.write("id-no", ward["id_no"])
    phone.write("phone", phone.resident["phone"])
    phone.tap("proof-guardianship")
    paper = io.BytesIO()
    Image.effect_noise((600, 400), 40).convert("RGB").save(paper, "JPEG")
    with phone.page.expect_file_chooser() as chooser:
        phone.tap("guardianship-add")
    chooser.value.set_files(
        files=[{"name": "paper.jpg", "mimeType": "image/jpeg", "buffer": paper.getvalue()}]
    )
    expect(phone.at("guardianship-photo")).to_be_visible()
    mode = "elder" if elder else "normal"
    keep_picture(f"claim-ward-{mode}", phone.picture(whole=True))
    phone.tap("agree")
    phone.tap("claim")
    phone.expect_status("pending")
    keep_picture(f"cards-pending-{mode}", phone.picture(whole=True))
    phone.close()


def _terminal_pages(browser: Browser, demo: RunningDemo, picture: bytes, *, keep: bool) -> None:
    terminal = Terminal(browser, demo)
    with tempfile.TemporaryDirectory() as folder:
        terminal.verify_picture(picture, Path(folder))
        terminal.expect(ok=True)
        if keep:
            keep_picture("hospital-verified", terminal.page.screenshot())
        terminal.verify_picture(picture, Path(folder))
        terminal.expect(ok=False, code="code.already_used")
        if keep:
            keep_picture("hospital-refused", terminal.page.screenshot())
    terminal.close()


def main() -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    # Codes that live short, so that an offline phone is soon seen as one.
    with running_demo(code_refresh_s=12) as demo, chromium() as browser:
        _resident_pages(browser, demo, 10, elder=False)
        _resident_pages(browser, demo, 11, elder=True)
        _life_pages(browser, demo, 12, elder=False)
        _life_pages(browser, demo, 13, elder=True)
        families = [f for f in build_city().registers()["families"] if f["child"]["id_type"] == "01"]
        _family_pages(browser, demo, families[0], elder=False)
        _family_pages(browser, demo, families[-1], elder=True)
        _waiting_pages(browser, demo, 14, elder=False)
        _waiting_pages(browser, demo, 15, elder=True)


if __name__ == "__main__":
    main()
