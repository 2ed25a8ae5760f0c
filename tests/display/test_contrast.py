"""Contrast of colours, as WCAG counts it."""

import re
from pathlib import Path

import numpy as np
import pytest

import course_utils.display.touch
from course_utils.display.contrast import contrast, luminance


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [((0, 0, 0), 0), ((1, 1, 1), 1), ((0, 1, 0), 0.7152), ((0.04,) * 3, 0.04 / 12.92)],
)
def test_luminance(rgb, expected):
    assert luminance(rgb) == pytest.approx(expected)


def test_opacity_is_left_out():
    assert luminance((0, 1, 0, 0.5)) == luminance((0, 1, 0))


def test_contrast_is_the_same_both_ways():
    grey = (0x76 / 255,) * 3  # the lightest grey that WCAG lets stand on white
    assert contrast(grey, (1, 1, 1)) == contrast((1, 1, 1), grey)
    assert contrast(grey, (1, 1, 1)) == pytest.approx(4.54, abs=0.005)


TOUCH = Path(course_utils.display.touch.__file__).parent


@pytest.mark.parametrize(
    ("scheme", "paper", "ink"), [(0, "#ffffff", "#000000"), (1, "#131416", "#ffffff")]
)
def test_numbers_in_the_attention_matrix_stand_out_at_every_share(scheme, paper, ink):
    css = (TOUCH / "attention.css").read_text(encoding="utf-8")
    script = (TOUCH / "attention.js").read_text(encoding="utf-8")
    strong = float(re.search(r"STRONG = ([\d.]+)", script)[1])
    full, on_full = (
        re.findall(rf"--{name}: (#\w+);", css)[scheme] for name in ("full", "on-full")
    )
    if scheme:
        assert re.findall(r"--on-part: (#\w+);", css) == [ink]
    for share in np.linspace(0, 1, 101):
        below = share * rgb(full) + (1 - share) * rgb(paper)
        assert contrast(rgb(on_full if share >= strong else ink), below) >= 4.5, share


def rgb(text):
    """Return a colour such as '#ff8000' as numbers from 0 to 1."""
    return np.array([int(text[n : n + 2], 16) for n in (1, 3, 5)]) / 255
