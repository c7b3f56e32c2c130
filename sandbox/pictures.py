"""Reading a QR code from a picture, as a counter's camera or a clerk's file gives it; and drawing one."""

import io

import zxingcpp
from PIL import Image, UnidentifiedImageError

MAX_PIXELS = 40_000_000


class PictureUnreadable(Exception):
    """The bytes are not a picture, or one too large to look at."""


def read_code(picture: bytes) -> str | None:
    """The text of the first QR code in a PNG, JPEG or WebP picture; None when there is none."""
    try:
        with Image.open(io.BytesIO(picture), formats=("PNG", "JPEG", "WEBP", "BMP", "GIF")) as image:
            if image.width * image.height > MAX_PIXELS:
                raise PictureUnreadable("more than 40 million pixels")
            # A transparent ground would turn black in grey levels, and swallow the code.
            ground = Image.new("RGBA", image.size, "white")
            ground.alpha_composite(image.convert("RGBA"))
            grey = ground.convert("L")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise PictureUnreadable("not a picture") from error
    codes = zxingcpp.read_barcodes(grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return str(codes[0].text) if codes else None


def draw_code(text: str) -> str:
    """The QR code of `text` with its quiet zone, as an SVG document."""
    drawn = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    return str(drawn.to_svg(add_quiet_zones=True))
