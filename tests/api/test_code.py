"""Showing the code (A3.3): its text, its pictures, and when there is none (C5)."""

import io
import re
import urllib.parse
from typing import Any

import pytest
import zxingcpp
from PIL import Image, ImageDraw
from pymongo.database import Database

from tests.harness import Platform

pytestmark = [pytest.mark.feature("C5", "C6"), pytest.mark.gen_test(timeout=60)]

DYNAMIC = re.compile(r"[0-9A-F]{64}:0:[0-9A-F]{2}[0-9A-F]{8}[0-9A-F]{16}[0-9A-F]{32}:0000A0001")
STATIC = re.compile(r"[0-9A-F]{64}:1::0000A0001")
QR_ALPHANUMERIC = re.compile(r"[0-9A-Z $%*+\-./:]+")


def read_png(png: bytes) -> str:
    [found] = zxingcpp.read_barcodes(Image.open(io.BytesIO(png)))
    return str(found.text)


def read_svg(svg: bytes) -> str:
    """Draws the rectangles of the one path of the picture, as a browser would, and reads that."""
    text = svg.decode()
    view = re.search(r'viewBox="0 0 ([\d.]+) ', text)
    path = re.search(r' d="([^"]+)"', text)
    assert view is not None and path is not None
    scale = 8
    side = int(float(view[1]) * scale)
    picture = Image.new("L", (side, side), 255)
    pen = ImageDraw.Draw(picture)
    number = r"([\d.]+)"
    for corner in re.findall(rf"M{number},{number}H{number}V{number}H{number}z", path[1]):
        left, top, right, bottom, _ = (float(value) * scale for value in corner)
        pen.rectangle((left, top, right - 1, bottom - 1), fill=0)
    [found] = zxingcpp.read_barcodes(picture)
    return str(found.text)


async def show(platform: Platform, token: str, card_id: str, form: str = "", kind: str = "dynamic") -> Any:
    return await platform.http.get(f"/api/v1/cards/{card_id}/code{form}?kind={kind}", token=token)


async def test_the_text_is_what_scanners_read(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    platform.clock.advance(0.25)
    shown = (await show(platform, token, card_id)).json
    assert DYNAMIC.fullmatch(shown["text"])
    assert QR_ALPHANUMERIC.fullmatch(shown["text"])
    card = (await platform.http.get(f"/api/v1/cards/{card_id}", token=token)).json
    assert shown["text"].startswith(card["ehealth_card_id"] + ":")
    issued_at_s = int(shown["text"].split(":")[2][2:10], 16)
    assert issued_at_s == int(platform.clock.now().timestamp())
    assert {name: value for name, value in shown.items() if name != "text"} == {
        "kind": "dynamic",
        "issued_at": "2026-11-22T08:00:00.250Z",
        "expires_at": "2026-11-22T08:01:00.250Z",
        "refresh_seconds": 60,
    }
    by_default = await platform.http.get(f"/api/v1/cards/{card_id}/code", token=token)
    assert by_default.json["kind"] == "dynamic"


@pytest.mark.parametrize("platform_changes", [{"code_refresh_seconds": 30, "centre_id": "5100B0007"}])
async def test_the_centre_sets_its_name_and_the_refresh(
    platform: Platform, platform_changes: dict[str, Any]
) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    shown = (await show(platform, token, card_id)).json
    assert shown["text"].endswith(":5100B0007")
    assert (shown["refresh_seconds"], shown["expires_at"]) == (30, "2026-11-22T08:00:30Z")


async def test_a_static_code_has_no_end_and_stays_the_same(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    one = (await show(platform, token, card_id, kind="static")).json
    platform.clock.advance(3600)
    other = (await show(platform, token, card_id, kind="static")).json
    assert STATIC.fullmatch(one["text"])
    assert QR_ALPHANUMERIC.fullmatch(one["text"])
    assert (one["expires_at"], one["refresh_seconds"]) == (None, None)
    assert one["text"] == other["text"]


async def test_every_dynamic_code_is_another_one(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    assert len({await platform.code(token, card_id) for _ in range(20)}) == 20


@pytest.mark.parametrize(("form", "read"), [(".png", read_png), (".svg", read_svg)])
async def test_a_picture_says_what_the_text_says(platform: Platform, form: str, read: Any) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    static = await platform.code(token, card_id, "static")
    picture = await show(platform, token, card_id, form, "static")
    assert picture.headers["Content-Type"].startswith("image/")
    assert picture.headers["Cache-Control"] == "no-store"
    assert read(picture.body) == static
    dynamic = read((await show(platform, token, card_id, form)).body)
    assert DYNAMIC.fullmatch(dynamic)
    seen = await platform.scan(platform.partner(), dynamic)
    assert (seen.status, seen.body["card"]["card_id"]) == (200, card_id)


@pytest.mark.parametrize("status", ["pending", "frozen", "lost", "cancelled", "refused"])
async def test_a_card_that_is_not_active_shows_no_code(
    platform: Platform, db: Database[Any], status: str
) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    db.cards.update_one({"_id": card_id}, {"$set": {"status": status}})
    for form in ("", ".svg", ".png"):
        for kind in ("dynamic", "static"):
            refused = await show(platform, token, card_id, form, kind)
            assert (refused.status, refused.error) == (409, "card.not_active")
            assert refused.json["error"]["detail"] == {"status": status}


async def test_another_account_sees_no_card_and_no_code(platform: Platform) -> None:
    _, card_id = await platform.holder(platform.residents[0])
    stranger = await platform.sign_in(platform.residents[1])
    nobody = "0" * 26
    for path in ("", "/code", "/code.svg", "/code.png"):
        theirs = await platform.http.get(f"/api/v1/cards/{card_id}{path}", token=stranger)
        none = await platform.http.get(f"/api/v1/cards/{nobody}{path}", token=stranger)
        assert (theirs.status, theirs.json["error"]) == (404, none.json["error"])


@pytest.mark.parametrize("kind", ["Dynamic", "", "both", "dynamic\u0000", "1"])
async def test_there_are_two_kinds(platform: Platform, kind: str) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    refused = await show(platform, token, card_id, kind=urllib.parse.quote(kind))
    assert (refused.status, refused.error) == (400, "request.invalid")
