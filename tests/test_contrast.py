"""The colours of text can be read by people with low vision: WCAG 2.2, 1.4.3 and 1.4.11 (AA)."""

import re

import pytest

from predictions.core.report_charts import tint
from tests.services.server import ROOT

TEXT, SHAPE = 4.5, 3.0
EMOTIONS = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
CODE = ["ink-soft", "accent", "warm", "bad", "fear", "sad", "surprise"]  # in an answer
PAIRS = [
    *[(front, back, TEXT) for front in ("ink", "ink-soft") for back in ("paper", "surface")],
    *[("accent", back, TEXT) for back in ("paper", "surface", "accent-wash")],
    *[("ink", back, TEXT) for back in ("accent-wash", "warm-wash", "bad-wash", "sunken")],
    *[(name, "sunken", TEXT) for name in CODE],
    ("accent-ink", "accent", TEXT),
    ("bad-ink", "bad", TEXT),
    ("bad", "surface", TEXT),
    ("bad", "paper", TEXT),
    ("line-strong", "surface", SHAPE),
    ("line-strong", "paper", SHAPE),
    *[(name, "surface", SHAPE) for name in EMOTIONS],
]


def colours(scheme: int) -> dict[str, str]:
    css = (ROOT / "static/css/tokens.css").read_text(encoding="utf-8")
    found = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", css)
    return {name: both[scheme] for name, *both in found}


def luminance(colour: str) -> float:
    """Relative luminance of sRGB, 0 to 1 (WCAG 2.2, glossary)."""
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def mixed(front: str, back: str, opacity: float) -> str:
    """What is seen where `front` lies over `back` with that opacity."""
    pairs = [(int(front[at : at + 2], 16), int(back[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(a * opacity + b * (1 - opacity)):02x}" for a, b in pairs)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_front_stands_out_from_back(front: str, back: str, least: float, scheme: int) -> None:
    named = colours(scheme)
    assert contrast(named[front], named[back]) >= least


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("share", [0.001, 0.25, 0.499, 0.5, 0.75, 1.0])
def test_a_number_in_the_confusion_matrix_stands_out(share: float, scheme: int) -> None:
    named = colours(scheme)
    opacity, strong = tint(share)
    back = mixed(named["accent"], named["surface"], float(opacity))
    assert contrast(named["accent-ink" if strong else "ink"], back) >= TEXT
