import base64
import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from predictions.core.images import (
    MESSAGES,
    BadImage,
    Limits,
    Picture,
    decode,
    from_base64,
    inspect,
)
from predictions.tests.pictures import COLLINS, encoded, exif, four_corners, png_claiming

KINDS = ("JPEG", "PNG", "WEBP")
CORNERS = four_corners()
UPRIGHT = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def refusal(act: Callable[..., object], *given: object, **named: object) -> BadImage:
    with pytest.raises(BadImage) as caught:
        act(*given, **named)
    return caught.value


def close(picture: Picture, expected: Any, tolerance: int = 8) -> bool:
    difference = np.abs(picture.pixels.astype(int) - np.asarray(expected).astype(int))
    return picture.pixels.shape == np.asarray(expected).shape and difference.max() <= tolerance


@pytest.mark.parametrize("kind", KINDS)
def test_the_three_formats_give_the_same_picture(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    picture = decode(encoded(CORNERS, kind, **options))
    assert close(picture, CORNERS)
    assert (picture.width, picture.height, picture.reduction) == (32, 16, 1.0)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.flags["C_CONTIGUOUS"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(kind: str, orientation: int) -> None:
    stored = Image.fromarray(CORNERS)
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(stored, kind, exif=exif(orientation), **options)
    picture = decode(data)
    turn = UPRIGHT[orientation]
    upright = stored if turn is None else stored.transpose(turn)
    assert close(picture, upright)
    assert (picture.width, picture.height) == upright.size


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P", "RGBA"])
def test_png_modes_become_rgb(mode: str) -> None:
    gray = np.repeat(np.repeat([[0, 255], [255, 0]], 8, 0), 8, 1).astype(np.uint8)
    expected = np.repeat(gray[:, :, np.newaxis], 3, axis=2)
    assert close(decode(encoded(Image.fromarray(gray).convert(mode), "PNG")), expected, 0)


def test_sixteen_bits_of_gray_keep_their_high_byte() -> None:
    deep = np.array([[0x0000, 0x8000], [0xFFFF, 0x12FF]], np.uint16)
    picture = decode(encoded(Image.fromarray(deep), "PNG"))
    assert picture.pixels[:, :, 0].tolist() == [[0x00, 0x80], [0xFF, 0x12]]


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_gray_and_cmyk_jpegs_become_rgb(mode: str) -> None:
    source = Image.fromarray(CORNERS).convert(mode)
    assert close(decode(encoded(source)), source.convert("RGB"))


def test_what_is_transparent_lies_on_neutral_gray() -> None:
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    image.putpixel((0, 0), (255, 0, 0, 255))
    for kind in ("PNG", "WEBP"):
        pixels = decode(encoded(image, kind, lossless=True)).pixels
        assert pixels[0, 0].tolist() == [255, 0, 0]
        assert pixels[3, 3].tolist() == [128, 128, 128]


def test_a_transparent_palette_entry_is_flattened() -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 1), 1)
    pixels = decode(encoded(image, "PNG", transparency=0)).pixels
    assert pixels[0, 0].tolist() == [128, 128, 128]
    assert pixels[1, 1].tolist() == [200, 100, 50]


@pytest.mark.parametrize(
    ("width", "height", "decoded"),
    [(1919, 10, 1919), (1920, 10, 960), (3840, 1000, 960), (7679, 64, 1920), (7681, 64, 961)],
)
def test_a_big_jpeg_is_reduced_and_keeps_its_true_size(
    width: int, height: int, decoded: int
) -> None:
    picture = decode(encoded(np.full((height, width, 3), 90, np.uint8)), keep=960)
    assert (picture.width, picture.height) == (width, height)
    assert picture.pixels.shape[1] == decoded
    assert picture.reduction == pytest.approx(width / decoded, rel=0.01)


def test_a_reduced_jpeg_is_turned_too() -> None:
    data = encoded(four_corners(4000, 2000), exif=exif(6))
    picture = decode(data, keep=960)
    assert (picture.width, picture.height) == (2000, 4000)
    assert picture.pixels.shape == (1000, 500, 3)
    assert picture.pixels[10, 10, 2] > 200  # blue was lower left


def test_a_progressive_jpeg_is_read() -> None:
    assert close(decode(encoded(CORNERS, progressive=True)), CORNERS)


def test_a_jpeg_with_bytes_behind_its_end_is_read() -> None:
    assert close(decode(encoded(CORNERS) + b"\0" * 100), CORNERS)


def test_a_colour_profile_does_no_harm() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert close(decode(encoded(CORNERS, icc_profile=profile)), CORNERS)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"x" * 2001, "too_large"),
        (b"GIF89a" + b"\0" * 50, "unsupported_format"),
        (b"<svg></svg>", "unsupported_format"),
        (b"\xff\xd8\xff\xe0", "broken"),
        (b"\x89PNG\r\n\x1a\n", "broken"),
        (b"RIFF\0\0\0\0WEBP", "broken"),
        (png_claiming(100_000, 100_000), "too_many_pixels"),
        (png_claiming(0, 10), "broken"),
        (png_claiming(33, 17), "broken"),
    ],
)
def test_what_is_no_picture_is_refused_with_its_code(data: bytes, code: str) -> None:
    found = refusal(decode, data, limits=Limits(bytes=2000))
    assert found.code == code
    assert "{" not in str(found)


def test_the_facts_fill_the_sentence() -> None:
    found = refusal(decode, png_claiming(5000, 4000))
    assert found.facts == {"width": 5000, "height": 4000, "limit": 16_000_000}
    assert str(found) == MESSAGES["too_many_pixels"].format(**found.facts)


def test_only_a_jpeg_that_can_be_reduced_may_have_the_larger_size() -> None:
    limits = Limits(pixels=600, pixels_unpacked=500)
    assert decode(encoded(CORNERS), limits=limits).width == 32
    for data in (
        encoded(CORNERS, progressive=True),
        encoded(CORNERS, "PNG"),
        encoded(Image.fromarray(CORNERS).convert("CMYK")),
    ):
        found = refusal(decode, data, limits=limits)
        assert found.code == "too_many_pixels"


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_refused(kind: str) -> None:
    first, second = Image.fromarray(CORNERS), Image.fromarray(CORNERS[::-1])
    data = encoded(first, kind, save_all=True, append_images=[second])
    assert refusal(decode, data).code == "animated"


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_short_is_refused(kind: str) -> None:
    data = encoded(np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8), kind)
    for part in (0.1, 0.5, 0.9):
        assert refusal(decode, data[: int(len(data) * part)]).code == "broken"


def test_a_jpeg_of_very_many_scans_is_refused() -> None:
    data = encoded(CORNERS, progressive=True)
    scan = data.index(b"\xff\xda")
    bomb = data[:scan] + data[scan:-2] * 80 + data[-2:]
    assert refusal(decode, bomb).code == "broken"


@pytest.mark.parametrize(
    "filler",
    [
        b"\xff\xd8\xff" + b"\xff" * 2_000_000,
        b"\xff\xd8" + b"\xff\xe0\0\2" * 500_000,
        b"\xff\xd8" + b"\xff\xd0" * 1_000_000,
        encoded(CORNERS, "PNG")[:33] + struct.pack(">I4sI", 0, b"tEXt", 0) * 200_000,
    ],
)
def test_a_header_without_end_costs_little(filler: bytes) -> None:
    assert refusal(inspect, filler).code == "broken"


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,", "DATA:;BASE64,"])
def test_base64_comes_with_and_without_a_prefix(prefix: str) -> None:
    data = encoded(CORNERS, "PNG")
    assert from_base64(prefix + base64.b64encode(data).decode()) == data


def test_the_line_breaks_of_mime_are_let_through() -> None:
    data = COLLINS.read_bytes()
    assert from_base64(base64.encodebytes(data).decode().replace("\n", "\r\n")) == data


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("data:image/png;base64,", "empty"),
        ("data:image/png,abcd", "broken"),
        ("data:" + "x" * 300 + ";base64,AAAA", "broken"),
        ("AAA", "broken"),
        ("AAAA=", "broken"),
        ("AA==AAAA", "broken"),
        ("AA A", "broken"),
        ("A-_A", "broken"),
        ("ñandú", "broken"),
        ("A" * 200, "too_large"),
    ],
)
def test_base64_is_strict(text: str, code: str) -> None:
    assert refusal(from_base64, text, limits=Limits(bytes=100)).code == code


def test_base64_of_the_largest_file_passes() -> None:
    data = bytes(100)
    assert from_base64(base64.b64encode(data).decode(), limits=Limits(bytes=100)) == data


SMALL = Image.open(io.BytesIO(COLLINS.read_bytes())).resize((40, 30))
SEEDS = [
    encoded(SMALL),
    encoded(SMALL, progressive=True, exif=exif(6)),
    encoded(SMALL.convert("CMYK")),
    encoded(SMALL, "PNG", exif=exif(8)),
    encoded(SMALL.quantize(16), "PNG", transparency=3),
    encoded(SMALL.convert("LA"), "PNG"),
    encoded(SMALL, "WEBP", exif=exif(3)),
    encoded(SMALL.convert("RGBA"), "WEBP", lossless=True),
]


def is_array_or_bad_image(data: bytes) -> bool:
    try:
        picture = decode(data, limits=Limits(pixels=200_000, pixels_unpacked=200_000))
    except BadImage as found:
        return found.code in MESSAGES and "{" not in str(found)
    pixels = picture.pixels
    return pixels.dtype == np.uint8 and pixels.shape[2:] == (3,) and picture.reduction >= 1


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # it grumbles at a damaged EXIF block
@settings(max_examples=400, deadline=None)
@given(
    seed=st.sampled_from(SEEDS),
    edits=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=4)), max_size=4),
    head_edits=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=3),
    keep=st.floats(0, 1),
)
def test_mangled_files_give_an_array_or_a_bad_image(
    seed: bytes,
    edits: list[tuple[float, bytes]],
    head_edits: list[tuple[int, int]],
    keep: float,
) -> None:
    data = bytearray(seed)
    for where, replacement in edits:
        at = int(where * len(data))
        data[at : at + len(replacement)] = replacement
    for at, value in head_edits:
        data[min(at, len(data) - 1)] = value
    assert is_array_or_bad_image(bytes(data[: round(len(data) * (1 - keep / 4))]))


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8X"]),
    st.binary(max_size=300),
)
def test_random_bytes_behind_a_signature_give_a_bad_image(start: bytes, rest: bytes) -> None:
    assert is_array_or_bad_image(start + rest)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80))
def test_any_text_gives_bytes_or_a_bad_image(text: str) -> None:
    try:
        from_base64(text)
    except BadImage as found:
        code: str | None = found.code
    else:
        code = None
    assert code in {None, *MESSAGES}
