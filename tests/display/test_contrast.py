"""Contrast of colours, as WCAG counts it."""

import pytest

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
