"""What bytes from a stranger must be before they are kept as a picture.  Pure; slow: call it in a thread.

The picture is read and written anew, so nothing of the original's bytes is kept but what one can see: no
place where it was taken, no second file behind it, nothing for a reader with another idea of its type.
"""

import io
import re
import warnings
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageOps, UnidentifiedImageError

from server.core.errors import InvalidInput

MediaType = Literal["image/jpeg", "image/png"]
MEDIA_TYPES: tuple[MediaType, ...] = ("image/jpeg", "image/png")
MAX_BYTES = 900 * 1024
# A page of paper is readable at a quarter of this; each pixel takes three or four bytes to look at.
MAX_PIXELS = 16_000_000
MIN_SIDE = 32
JPEG_QUALITY = 85
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_RESTARTS_AND_STUFFING = re.compile(rb"\xff(?![\x00\xd0-\xd7\xff])")


@dataclass(frozen=True)
class Picture:
    media_type: MediaType
    content: bytes


def read_picture(raw: bytes) -> Picture:
    """The picture, drawn anew.  InvalidInput `attachment.invalid`; detail.reason is empty, size, type,
    pixels, animated, broken or trailing."""
    if not raw:
        raise _refused("empty")
    if len(raw) > MAX_BYTES:
        raise _refused("size")
    is_png = raw.startswith(PNG_MAGIC)
    if not is_png and not raw.startswith(b"\xff\xd8\xff"):
        raise _refused("type")
    drawn = _drawn_anew(raw, "PNG" if is_png else "JPEG")
    end = _end_of_png(raw) if is_png else _end_of_jpeg(raw)
    if end != len(raw):
        raise _refused("broken" if end is None else "trailing")
    return Picture("image/png" if is_png else "image/jpeg", drawn)


def _drawn_anew(raw: bytes, kind: str) -> bytes:
    buffer = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the size is judged here, before anything is decoded
            with Image.open(io.BytesIO(raw), formats=(kind,)) as picture:
                width, height = picture.size
                if width * height > MAX_PIXELS or min(width, height) < MIN_SIDE:
                    raise _refused("pixels")
                if getattr(picture, "n_frames", 1) != 1:
                    raise _refused("animated")
                picture.load()
                upright = ImageOps.exif_transpose(picture)
                modes = ("RGB", "L") if kind == "JPEG" else ("RGB", "RGBA", "L", "LA", "P", "1")
                plain = upright if upright.mode in modes else upright.convert("RGB")
                plain.info = {}
                plain.save(buffer, kind, **({"quality": JPEG_QUALITY} if kind == "JPEG" else {}))
    except Image.DecompressionBombError:  # the library's own limit, a few times ours
        raise _refused("pixels") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):
        raise _refused("broken") from None
    return buffer.getvalue()


def _end_of_png(raw: bytes) -> int | None:
    """Where the picture ends; None when it does not."""
    at = len(PNG_MAGIC)
    while at + 12 <= len(raw):
        length, kind = int.from_bytes(raw[at : at + 4], "big"), raw[at + 4 : at + 8]
        at += 12 + length
        if kind == b"IEND":
            return at
    return None


def _end_of_jpeg(raw: bytes) -> int | None:
    """Where the first picture ends: segments tell their length, what is drawn ends at the next marker."""
    at = 2
    while at + 2 <= len(raw) and raw[at] == 0xFF:
        marker = raw[at + 1]
        if marker == 0xD9:
            return at + 2
        if marker == 0xFF:
            at += 1
            continue
        at += 2 + int.from_bytes(raw[at + 2 : at + 4], "big")
        if marker == 0xDA:
            found = _RESTARTS_AND_STUFFING.search(raw, at)
            if found is None:
                return None
            at = found.start()
    return None


def _refused(reason: str) -> InvalidInput:
    return InvalidInput("attachment.invalid", "not a picture that can be kept: JPEG or PNG", reason=reason)
