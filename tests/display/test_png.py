"""PNG files with a palette."""

import io

import numpy as np
from matplotlib.image import imread, imsave

from course_utils.display.png import palette_png


def decoded(png: bytes) -> np.ndarray:
    return (255 * imread(io.BytesIO(png))).round().astype(np.uint8)


def test_few_colours_are_kept_with_their_opacity():
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 4), dtype=np.uint8)
    np.testing.assert_array_equal(decoded(palette_png(pixels)), pixels)


def test_frequent_colours_are_kept_and_rare_ones_nearly():
    ramp = np.arange(3 * 256).reshape(3, 256) // 3
    pixels = np.full((64, 256, 4), [17, 70, 176, 255], dtype=np.uint8)
    pixels[:3] = np.stack([ramp, ramp, ramp[::-1], np.full_like(ramp, 255)], axis=-1)
    result = decoded(palette_png(pixels)).astype(int)
    np.testing.assert_array_equal(result[3:], pixels[3:])
    assert np.abs(result[:3] - pixels[:3]).max() <= 8


def test_palette_saves_bytes():
    pixels = np.random.default_rng(0).integers(0, 2, (64, 64, 1), dtype=np.uint8) * 255
    pixels = np.repeat(pixels, 4, axis=2)
    truecolour = io.BytesIO()
    imsave(truecolour, pixels, format="png")
    assert len(palette_png(pixels)) < 0.8 * len(truecolour.getvalue())
