"""A layer's output as a workbook and as pictures."""

import io
import time

import numpy as np
import pytest
from openpyxl import load_workbook
from PIL import Image

from fpga_export.core.ir import Format
from fpga_export.core.maps import (
    IntegerMaps,
    channel_pictures,
    feature_workbook,
    limits_of,
    mosaic,
)


def rows_of(data: bytes, name: str) -> list[tuple[object, ...]]:
    return list(load_workbook(io.BytesIO(data))[name].iter_rows(values_only=True))


def colours(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def two_channels() -> np.ndarray:
    maps = np.zeros((2, 3, 2), np.float32)
    maps[:, :, 0] = [[0, 0.25, 0.5], [0, -0.25, 1]]
    maps[:, :, 1] = 7
    return maps


def test_a_workbook_has_a_summary_and_a_sheet_a_channel() -> None:
    data = feature_workbook("conv2d_1", two_channels())
    assert load_workbook(io.BytesIO(data)).sheetnames == ["summary", "channel_0", "channel_1"]
    assert rows_of(data, "channel_0") == [(0, 0.25, 0.5), (0, -0.25, 1)]
    summary = rows_of(data, "summary")
    assert summary[0][:2] == ("layer", "conv2d_1")
    assert summary[1][:4] == ("height, width, channels", 2, 3, 2)
    assert summary[3] == ("channel", "min", "max", "mean", "zeros", "numbers")
    assert summary[4] == (0, -0.25, 1, 0.25, 2, 6)
    assert summary[5] == (1, 7, 7, 7, 0, 6)


def test_codes_and_errors_stand_beside_the_floats() -> None:
    codes = np.zeros((2, 3, 2), np.int64)
    codes[:, :, 0] = [[0, 2, 4], [1, -2, 7]]
    codes[:, :, 1] = 7  # of Q1.3: 0.875, the largest
    data = feature_workbook("conv2d_1", two_channels(), IntegerMaps(codes, Format(4, 3)))
    kinds = ["channel", "integer", "error"]
    names = [f"{kind}_{n}" for kind in kinds for n in range(2)]
    assert load_workbook(io.BytesIO(data)).sheetnames == ["summary", *names]
    assert rows_of(data, "integer_0") == [(0, 2, 4), (1, -2, 7)]
    assert rows_of(data, "error_0") == [(0, 0, 0), (-0.125, 0, 0.125)]
    summary = rows_of(data, "summary")
    assert summary[2][:3] == ("integer format", "Q1.3", "value = code * 2**-3")
    assert summary[5][6:] == (-2, 7, 2, 1, 1, 0.125, pytest.approx(0.25 / 6))
    assert summary[6][6:] == (7, 7, 7, 0, 6, 6.125, 6.125)


def test_a_vector_is_one_row() -> None:
    vector = np.arange(10, dtype=np.float32)
    for shape in ((10,), (1, 1, 10)):
        data = feature_workbook("dense", vector.reshape(shape))
        assert rows_of(data, "channel_0") == [tuple(range(10))]


def test_a_vector_longer_than_a_row_of_excel_goes_on_below() -> None:
    data = feature_workbook("flatten", np.arange(16_400, dtype=np.float32))
    first, second = rows_of(data, "channel_0")
    assert first[-1] == 16_383
    assert second[:17] == (*range(16_384, 16_400), 0)


def test_many_channels_share_one_sheet() -> None:
    maps = np.arange(100, dtype=np.float32).reshape(1, 1, 100) + np.zeros((2, 2, 1), np.float32)
    data = feature_workbook("deep", maps)
    assert load_workbook(io.BytesIO(data)).sheetnames == ["summary", "channel_0_to_99"]
    rows = rows_of(data, "channel_0_to_99")
    assert rows[3:6] == [("channel_1", None), (1, 1), (1, 1)]
    assert rows[-1] == (99, 99)


def test_a_layer_called_like_a_formula_stays_text() -> None:
    data = feature_workbook("=1+1", two_channels())
    cell = load_workbook(io.BytesIO(data))["summary"]["B1"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_more_numbers_than_fit_are_counted_in_the_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fpga_export.core.maps.MOST_NUMBERS", 7)
    data = feature_workbook("conv", two_channels())
    assert load_workbook(io.BytesIO(data)).sheetnames == ["summary", "channel_0"]
    assert ("sheets", "channels 0 to 0; more would not fit") in [
        row[:2] for row in rows_of(data, "summary")
    ]


def test_16_channels_of_96_by_96_take_less_than_two_seconds_of_a_processor() -> None:
    maps = np.random.default_rng(0).normal(size=(96, 96, 16)).astype(np.float32)
    codes = IntegerMaps(np.floor(maps * 16).astype(np.int64), Format(8, 4))
    started = time.process_time()
    data = feature_workbook("conv2d", maps, codes)
    channel_pictures("conv2d", maps)
    mosaic(maps)
    assert time.process_time() - started < 2
    grid = np.array(rows_of(data, "channel_15"), np.float32)
    np.testing.assert_array_equal(grid, maps[:, :, 15])


def test_a_channel_goes_from_dark_at_its_smallest_to_bright_at_its_largest() -> None:
    pictures = channel_pictures("conv2d_1", two_channels())
    assert list(pictures) == ["conv2d_1_channel_0.png", "conv2d_1_channel_1.png"]
    first = colours(pictures["conv2d_1_channel_0.png"])
    assert first.shape == (128, 192, 3)  # 2 x 3, enlarged 64 times
    assert first[-1, 64].tolist() == [68, 1, 84]  # -0.25
    assert first[-1, -1].tolist() == [253, 231, 37]  # 1
    assert (colours(pictures["conv2d_1_channel_1.png"]) == (68, 1, 84)).all()


def test_pictures_that_share_limits_share_colours() -> None:
    maps = two_channels()
    half = channel_pictures("c", maps / 2, limits_of(maps))["c_channel_0.png"]
    brightest = colours(half)[-1, -1]
    whole = channel_pictures("c", maps)["c_channel_0.png"]
    assert brightest.tolist() == colours(whole)[0, -1].tolist()  # 0.5 in both


def test_a_name_with_a_path_stays_a_file() -> None:
    assert list(channel_pictures("../a/b", np.zeros((1, 2, 1)))) == ["_a_b_channel_0.png"]


@pytest.mark.parametrize(
    "shape",
    [(1, 1, 1), (26,), (1, 1, 4096), (1, 1, 26), (3, 3, 7), (28, 28, 8), (96, 96, 64), (500, 2, 3)],
)
def test_a_mosaic_is_large_enough_to_see_and_small_enough_to_send(shape: tuple[int, ...]) -> None:
    picture = colours(mosaic(np.random.default_rng(0).normal(size=shape)))
    assert 300 <= max(picture.shape[:2]) <= 2048


def test_a_mosaic_shows_channels_row_by_row() -> None:
    maps = np.zeros((4, 4, 4))
    maps[0, 0, :] = 1
    picture = colours(mosaic(maps))
    assert picture.shape == (11 * 40, 16 * 40, 3)  # 2 rows of 3, 1 between, enlarged 40 times
    small = picture[::40, ::40]
    bright = np.argwhere((small == (253, 231, 37)).all(axis=2))
    assert bright.tolist() == [[1, 1], [1, 6], [1, 11], [6, 1]]
    assert (small[0] == 255).all()
    assert (small[6:10, 6:] == 255).all()


def test_numbers_that_are_not_finite_do_no_harm() -> None:
    maps = np.array([[[np.nan], [np.inf], [1.0]]])
    assert mosaic(maps)
    assert rows_of(feature_workbook("x", maps), "channel_0") == [("nan", "inf", 1)]
