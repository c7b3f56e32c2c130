"""What is kept of a picture somebody uploads: one picture, drawn anew, and nothing else (C1)."""

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from server.cards.attachments import pictures
from server.cards.attachments.pictures import read_picture
from server.core.errors import InvalidInput

pytestmark = pytest.mark.feature("C1")


def drawn(kind: str = "JPEG", size: tuple[int, int] = (64, 48), **more: Any) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(buffer, kind, **more)
    return buffer.getvalue()


def reason(raw: bytes) -> str:
    with pytest.raises(InvalidInput) as refused:
        read_picture(raw)
    assert refused.value.code == "attachment.invalid"
    return str(refused.value.detail["reason"])


@pytest.mark.parametrize(("kind", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png")])
def test_a_picture_is_kept_as_its_type(kind: str, media_type: str) -> None:
    kept = read_picture(drawn(kind))
    assert kept.media_type == media_type
    with Image.open(io.BytesIO(kept.content)) as again:
        assert (again.format, again.size) == (kind, (64, 48))


def test_what_cannot_be_seen_is_not_kept() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at the kitchen table"
    raw = drawn(exif=exif, comment=b"<script>alert(1)</script>")
    assert b"kitchen" in raw and b"<script>" in raw
    kept = read_picture(raw).content
    assert b"kitchen" not in kept and b"script" not in kept


def test_a_photograph_taken_sideways_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(io.BytesIO(read_picture(drawn(exif=exif)).content)) as kept:
        assert kept.size == (48, 64)


def test_a_progressive_picture_and_one_with_restarts_are_whole() -> None:
    assert read_picture(drawn(progressive=True)).content
    assert read_picture(drawn(restart_marker_blocks=1)).content


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_second_file_behind_the_picture_is_refused(kind: str) -> None:
    assert reason(drawn(kind) + b"PK\x03\x04 and a program") == "trailing"
    assert reason(drawn(kind) + drawn(kind)) == "trailing"


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_that_was_cut_is_refused(kind: str) -> None:
    whole = drawn(kind, size=(300, 300))
    assert {reason(whole[: len(whole) * part // 10]) for part in range(2, 10)} <= {"broken", "type"}


def test_a_moving_picture_is_refused() -> None:
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:], duration=100)
    assert reason(buffer.getvalue()) == "animated"


@pytest.mark.parametrize(
    "raw",
    [b"GIF89a" + bytes(50), b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"BM" + bytes(60)],
)
def test_another_type_is_refused_whatever_it_says_it_is(raw: bytes) -> None:
    assert reason(raw) == "type"


def test_what_is_too_much_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reason(b"") == "empty"
    assert reason(b"\xff\xd8\xff" + bytes(pictures.MAX_BYTES)) == "size"
    assert reason(drawn(size=(20, 400))) == "pixels"
    large = []
    for side in (5_000, 20_000):
        buffer = io.BytesIO()
        Image.new("1", (side, side)).save(buffer, "PNG")
        assert len(buffer.getvalue()) < pictures.MAX_BYTES
        large.append(buffer.getvalue())
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("it was decoded"))
    assert [reason(raw) for raw in large] == ["pixels", "pixels"]


@settings(max_examples=150, deadline=None)
@given(
    head=st.sampled_from([b"", b"\xff\xd8\xff\xe0", pictures.PNG_MAGIC]),
    tail=st.binary(max_size=400),
    at=st.integers(0, 2000),
)
def test_any_bytes_are_kept_as_a_picture_or_refused(head: bytes, tail: bytes, at: int) -> None:
    whole = drawn("PNG" if at % 2 else "JPEG")
    for raw in (head + tail, whole[: at % len(whole)] + tail + whole[at % len(whole) + len(tail) :]):
        try:
            assert read_picture(raw).content
        except InvalidInput as refused:
            assert refused.code == "attachment.invalid"
