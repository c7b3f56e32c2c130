"""A printed code is read from its own drawing, at a label printer's resolution (C6)."""

import re
import zlib
from datetime import UTC, datetime

import pytest
import zxingcpp
from PIL import Image, ImageDraw

from server.cards import prints
from server.cards.prints import LAYOUTS, PrintForm, as_pdf
from server.cards.qrcode import static_text

pytestmark = pytest.mark.feature("C6")

AT = datetime(2026, 11, 22, tzinfo=UTC)
TEXT = static_text("0123456789ABCDEF" * 4, "0000A0001")
NUMBER = "990***********0806"
DOTS_PER_MM = 8
POINTS_PER_MM = 72 / 25.4


def content(pdf: bytes) -> str:
    """Everything that is drawn: the page's operators, uncompressed."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    texts = []
    for stream in streams:
        try:
            texts.append(zlib.decompress(stream).decode("latin-1"))
        except zlib.error:
            continue
    return "\n".join(texts)


def page_mm(pdf: bytes) -> tuple[float, float]:
    box = re.search(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", pdf)
    assert box is not None
    return round(float(box[1]) / POINTS_PER_MM, 1), round(float(box[2]) / POINTS_PER_MM, 1)


def printed(pdf: bytes, dots_per_mm: float = DOTS_PER_MM) -> Image.Image:
    """The page's own rectangles on a sheet of dots."""
    width, height = page_mm(pdf)
    sheet = Image.new("L", (round(width * dots_per_mm), round(height * dots_per_mm)), 255)
    draw = ImageDraw.Draw(sheet)
    scale = dots_per_mm / POINTS_PER_MM
    for numbers in re.findall(r"(-?[\d.]+) (-?[\d.]+) (-?[\d.]+) (-?[\d.]+) re f", content(pdf)):
        x, y, w, h = (float(number) * scale for number in numbers)
        left, top = round(x), round(sheet.height - y)
        right, bottom = round(x + w) - 1, round(sheet.height - y - h) - 1
        draw.rectangle((left, min(top, bottom), right, max(top, bottom)), fill=0)
    return sheet


@pytest.mark.parametrize("form", ["label", "wristband"])
@pytest.mark.parametrize("dots_per_mm", [8, 12, 24])
def test_the_code_is_read_at_the_size_it_is_printed(form: PrintForm, dots_per_mm: int) -> None:
    pdf = as_pdf(form, TEXT, "张**", NUMBER, AT)
    layout = LAYOUTS[form]
    assert page_mm(pdf) == (layout.width, layout.height)
    [found] = zxingcpp.read_barcodes(printed(pdf, dots_per_mm))
    assert found.text == TEXT
    assert b"/Subtype /Image" not in pdf


def test_the_name_is_drawn_as_outlines_and_the_number_as_text() -> None:
    if not prints._faces():
        pytest.skip("no font with Chinese characters on this machine")
    named = content(as_pdf("label", TEXT, "张**", NUMBER, AT))
    assert f"({NUMBER})" in named
    assert len(re.findall(r" c\b", named)) > 10  # curves
    rare = content(as_pdf("label", TEXT, "𠮷**", NUMBER, AT))
    assert len(re.findall(r" [cl]\b", rare)) > 10


@pytest.mark.parametrize("name", ["\U0003fffd**", "\ue000*"])
def test_a_name_no_font_has_is_left_out(name: str) -> None:
    drawn = content(as_pdf("label", TEXT, name, NUMBER, AT))
    assert not re.findall(r" [cl]\b", drawn)
    assert f"({NUMBER})" in drawn


def test_a_long_name_stays_on_the_paper() -> None:
    if not prints._faces():
        pytest.skip("no font with Chinese characters on this machine")
    drawn = content(as_pdf("label", TEXT, "阿" + "*" * 24, NUMBER, AT))
    across = [float(x) for x in re.findall(r"([\d.]+) [\d.]+ [ml]\b", drawn)]
    assert across and max(across) <= 50


def test_without_fonts_the_code_and_the_number_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prints, "_faces", lambda: ())
    pdf = as_pdf("wristband", TEXT, "张**", NUMBER, AT)
    [found] = zxingcpp.read_barcodes(printed(pdf))
    assert found.text == TEXT and f"({NUMBER})" in content(pdf)
