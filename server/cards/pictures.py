"""The code as a picture, for who cannot draw it: SVG and PNG (C5, C6)."""

import io

import qrcode
import qrcode.image.svg
from qrcode.constants import ERROR_CORRECT_M
from qrcode.image.pil import PilImage

# Trying all eight masks to find the prettiest costs six times as much and reads no better on a phone.
MASK = 3
QUIET_ZONE = 4


def as_svg(text: str) -> bytes:
    buffer = io.BytesIO()
    _drawn(text).make_image(image_factory=qrcode.image.svg.SvgPathFillImage).save(buffer)
    return buffer.getvalue()


def as_png(text: str) -> bytes:
    buffer = io.BytesIO()
    _drawn(text).make_image(image_factory=PilImage).save(buffer)
    return buffer.getvalue()


def modules_of(text: str) -> list[list[bool]]:
    """The code as rows of dark and light modules, with its quiet zone."""
    rows: list[list[bool]] = _drawn(text).get_matrix()
    return rows


def _drawn(text: str) -> qrcode.QRCode:
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, box_size=8, border=QUIET_ZONE, mask_pattern=MASK)
    code.add_data(text)
    code.make(fit=True)
    return code
