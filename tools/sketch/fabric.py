"""Fabrics for the sketches: a tone, the tone of its details, and a texture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from canvas import Array, Canvas

Texture: TypeAlias = Literal[
    "plain", "hoops", "stripes", "checks", "dots", "diagonal", "fade"
]


@dataclass(frozen=True)
class Fabric:
    """Greys from 0 (black) to 1."""

    grey: Array  # (28, 28): what to paint the garment with, texture included
    tone: float  # the plain grey, 0..1
    detail: float  # seams, buttons, straps: always far enough from the tone
    dark: float  # an opening or a shadow


def _wave(along: Array, duty: float) -> Array:
    """Return soft stripes of period 1: 1 on a stripe, 0 between two."""
    part = along - np.floor(along)
    rise = (duty - np.abs(2 * part - 1)) * 4 + 0.5
    return np.minimum(np.maximum(rise, 0.0), 1.0)


def _texture(canvas: Canvas, kind: Texture) -> Array:
    """Return the pattern: 0 to 1 for each pixel."""
    dice = canvas.dice
    period, shift = dice.between(0.24, 0.5), dice.between(0, 1)
    duty = dice.between(0.35, 0.6)
    down, across = canvas.y / period + shift, canvas.x / period + shift
    if kind == "hoops":
        return _wave(down, duty)
    if kind == "stripes":
        return _wave(across, duty)
    if kind == "checks":
        return 0.5 * _wave(down, duty) + 0.5 * _wave(across, duty)
    if kind == "dots":
        return _wave(down, duty + 0.1) * _wave(across, duty + 0.1)
    if kind == "diagonal":
        return _wave((down + across) / 2, duty)
    if kind == "fade":
        part = 0.5 + 0.5 * canvas.y * dice.pick((-1.0, 1.0))
        return np.minimum(np.maximum(part, 0.0), 1.0)
    return np.zeros_like(canvas.x)


def choose_fabric(
    canvas: Canvas, kinds: Sequence[Texture], plain: float = 0.5
) -> Fabric:
    """Return a fabric, plain with probability `plain`, else of one of `kinds`."""
    dice = canvas.dice
    tone = dice.between(0.3, 1.0)
    kind: Texture = "plain" if dice.chance(plain) else dice.pick(kinds)
    sign = -1.0 if tone > 0.62 else 1.0
    contrast = dice.between(0.18, 0.38)
    grey = tone + sign * contrast * _texture(canvas, kind)
    detail = tone + sign * dice.between(0.36, 0.5)
    dark = tone * dice.between(0.2, 0.4)
    return Fabric(grey, tone, min(max(detail, 0.2), 1.0), dark)
