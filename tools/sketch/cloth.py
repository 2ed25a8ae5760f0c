"""Cloth for the sketches: a tone, the tone of its details, and a texture."""

from dataclasses import dataclass

import numpy as np
from canvas import Canvas


@dataclass(frozen=True)
class Cloth:
    grey: np.ndarray  # (28, 28): what to paint the garment with, texture included
    tone: float  # the plain grey, 0..1
    detail: float  # seams, buttons, straps: always far enough from the tone
    dark: float  # an opening or a shadow


def wave(along: np.ndarray, duty: float) -> np.ndarray:
    """Soft stripes of period 1 along a coordinate: 1 on the stripe, 0 between."""
    part = along - np.floor(along)
    rise = (duty - np.abs(2 * part - 1)) * 4 + 0.5
    return np.minimum(np.maximum(rise, 0.0), 1.0)


def _texture(canvas: Canvas, kind: str) -> np.ndarray:
    dice = canvas.dice
    period, shift = dice.between(0.24, 0.5), dice.between(0, 1)
    duty = dice.between(0.35, 0.6)
    down, across = canvas.y / period + shift, canvas.x / period + shift
    if kind == "hoops":
        return wave(down, duty)
    if kind == "stripes":
        return wave(across, duty)
    if kind == "checks":
        return 0.5 * wave(down, duty) + 0.5 * wave(across, duty)
    if kind == "dots":
        return wave(down, duty + 0.1) * wave(across, duty + 0.1)
    if kind == "diagonal":
        return wave((down + across) / 2, duty)
    if kind == "fade":
        part = 0.5 + 0.5 * canvas.y * dice.pick((-1.0, 1.0))
        return np.minimum(np.maximum(part, 0.0), 1.0)
    return np.zeros_like(canvas.x)


def cloth(canvas: Canvas, kinds: tuple[str, ...], plain: float = 0.5) -> Cloth:
    """A cloth, plain with probability `plain`, else of one of these `kinds`."""
    dice = canvas.dice
    tone = dice.between(0.3, 1.0)
    kind = "plain" if dice.chance(plain) else dice.pick(kinds)
    sign = -1.0 if tone > 0.62 else 1.0
    contrast = dice.between(0.18, 0.38)
    grey = tone + sign * contrast * _texture(canvas, kind)
    detail = tone + sign * dice.between(0.36, 0.5)
    dark = tone * dice.between(0.2, 0.4)
    return Cloth(grey, tone, min(max(detail, 0.2), 1.0), dark)
