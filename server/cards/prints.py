"""A static code on paper (A3.2.1, A4.3.1.4): a label of 50 × 30 mm, a wrist band of 280 × 25 mm, as PDF.

Everything is drawn as vectors: sharp at any printer's resolution, and nothing of a font is embedded.  A label
printer has 8 dots a millimetre, a module of the code is then 4 dots wide.  The name is drawn, masked, when a
font of the machine has all its characters; otherwise it is left out, never printed as empty boxes.
"""

import threading
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

from fontTools.pens.basePen import BasePen
from fontTools.ttLib import TTCollection, TTFont
from fpdf import FPDF

from server.cards.pictures import QUIET_ZONE, modules_of

PrintForm = Literal["label", "wristband"]
FONTS = (
    "opentype/noto/NotoSansCJK-Regular.ttc",
    "opentype/noto/NotoSerifCJK-Regular.ttc",
    "google-noto-cjk/NotoSansCJK-Regular.ttc",
    "noto-cjk/NotoSansCJK-Regular.ttc",
    "truetype/wqy/wqy-microhei.ttc",
    "truetype/arphic/uming.ttc",
)
"Where the common packages put a font with Chinese characters, below the folder of fonts."
FONT_FOLDER = Path("/usr/share/fonts")
_LOCK = threading.Lock()  # a font reads its tables when they are first asked for


@dataclass(frozen=True)
class Layout:
    """All in millimetres.  The text stands right of the code: name above, number below."""

    width: float
    height: float
    code_side: float
    left: float
    name_size: float
    number_size: float


LAYOUTS: dict[PrintForm, Layout] = {
    "label": Layout(50, 30, 27, 1, 4.2, 1.9),
    # The code stands clear of the clasp, where the band lies flat on the back of the wrist.
    "wristband": Layout(280, 25, 22, 60, 5.5, 3.0),
}
GAP = 0.5
COURIER_WIDTH = 0.6  # of its size, every character


def as_pdf(form: PrintForm, text: str, name_masked: str, number_masked: str, at: datetime) -> bytes:
    """One page of exactly the form's size; `number_masked` is ASCII."""
    layout = LAYOUTS[form]
    pdf = FPDF(unit="mm", format=(layout.height, layout.width), orientation="L")
    pdf.set_creation_date(at)
    pdf.set_auto_page_break(False)
    pdf.add_page()
    _draw_code(pdf, layout, text)
    left = layout.left + layout.code_side + GAP
    _draw_name(pdf, layout, name_masked, left)
    room = (layout.width - left - GAP) / len(number_masked) / COURIER_WIDTH
    pdf.set_font("Courier", size=min(layout.number_size, room) / 25.4 * 72)
    pdf.text(left, layout.height / 2 + layout.name_size, number_masked)
    return bytes(pdf.output())


def _draw_code(pdf: FPDF, layout: Layout, text: str) -> None:
    """Each run of dark modules in a row is one rectangle."""
    rows = modules_of(text)
    side = layout.code_side / len(rows)
    top = (layout.height - layout.code_side) / 2
    pdf.set_fill_color(0)
    for y, row in enumerate(rows):
        x = QUIET_ZONE
        while x < len(row):
            end = x
            while end < len(row) and row[end]:
                end += 1
            if end > x:
                pdf.rect(layout.left + x * side, top + y * side, (end - x) * side, side, "F")
            x = max(end, x + 1)


def _draw_name(pdf: FPDF, layout: Layout, name: str, left: float) -> None:
    with _LOCK:
        face = next((face for face in _faces() if face.has(name)), None)
        if face is None:
            return
        with pdf.new_path() as path:
            path.style.fill_color = "#000000"
            path.style.stroke_color = None
            size = min(layout.name_size, (layout.width - left - GAP) / face.width_of(name))
            face.draw(path, name, left, layout.height / 2, size)


class Face:
    """One font, by its outlines."""

    def __init__(self, font: TTFont) -> None:
        self._glyphs = font.getGlyphSet()
        self._names: dict[int, str] = font.getBestCmap()
        self._em: int = font["head"].unitsPerEm

    def has(self, text: str) -> bool:
        return all(ord(character) in self._names for character in text)

    def width_of(self, text: str) -> float:
        """In heights of the em."""
        widths = (self._glyphs[self._names[ord(character)]].width for character in text)
        return float(sum(widths)) / self._em

    def draw(self, path: Any, text: str, left: float, baseline: float, size: float) -> None:
        """`size` is the height of the em, in the units of the path."""
        scale = size / self._em
        for character in text:
            glyph = self._glyphs[self._names[ord(character)]]
            glyph.draw(_PathPen(self._glyphs, path, left, baseline, scale))
            left += glyph.width * scale


class _PathPen(BasePen):  # type: ignore[misc]
    """Puts a glyph's outline into a path, scaled, its y axis turned down."""

    def __init__(self, glyphs: Any, path: Any, left: float, baseline: float, scale: float) -> None:
        super().__init__(glyphs)
        self._path = path
        self._left, self._baseline, self._scale = left, baseline, scale

    def _at(self, point: tuple[float, float]) -> tuple[float, float]:
        return self._left + point[0] * self._scale, self._baseline - point[1] * self._scale

    def _moveTo(self, pt: tuple[float, float]) -> None:
        self._path.move_to(*self._at(pt))

    def _lineTo(self, pt: tuple[float, float]) -> None:
        self._path.line_to(*self._at(pt))

    def _curveToOne(
        self, pt1: tuple[float, float], pt2: tuple[float, float], pt3: tuple[float, float]
    ) -> None:
        self._path.curve_to(*self._at(pt1), *self._at(pt2), *self._at(pt3))

    def _closePath(self) -> None:
        self._path.close()


@cache
def _faces() -> tuple[Face, ...]:
    """The fonts of this machine that may have Chinese characters, in the order of FONTS."""
    return tuple(Face(_font(FONT_FOLDER / name)) for name in FONTS if (FONT_FOLDER / name).is_file())


def _font(path: Path) -> TTFont:
    """The font of the file; of a collection the one for simplified Chinese."""
    if path.suffix != ".ttc":
        return TTFont(path, lazy=True)
    fonts = TTCollection(path, lazy=True).fonts
    simplified = [font for font in fonts if "SC" in str(font["name"].getDebugName(4)).split()]
    return (simplified or fonts)[0]
