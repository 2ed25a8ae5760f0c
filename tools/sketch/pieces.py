"""Pieces that several garments share: the outline with sleeves, neck and collar."""

from collections.abc import Sequence
from typing import Literal

from canvas import Canvas
from fabric import Fabric
from outlines import Point


def half_with_sleeves(
    canvas: Canvas,
    sleeve: Literal["short", "long"],
    body: float,
    hem: float,
    bottom: float,
) -> list[Point]:
    """Return the right half of a garment with sleeves, from the neck down.

    `body` and `hem` are half widths at the armpit and below, `bottom` is the hem's y.
    """
    dice = canvas.dice
    neck, top = dice.between(0.2, 0.28), dice.between(-0.95, -0.88)
    shoulder = body + dice.between(-0.02, 0.06)
    half = [(neck, top), (neck, top), (shoulder, top + dice.between(0.1, 0.17))]
    armpit = (body, top + dice.between(0.5, 0.62))
    if sleeve == "short":
        reach, drop = dice.between(0.84, 1.0), dice.between(-0.42, -0.2)
        out, inner = (reach, drop), (reach - 0.19, drop + dice.between(0.1, 0.2))
        half += [out, out, inner, inner, armpit, armpit]
    else:
        reach, drop = dice.between(0.82, 1.0), dice.between(0.5, 0.85)
        width = dice.between(0.17, 0.23)
        elbow = ((shoulder + reach) / 2 + 0.05, (top + drop) / 2 - 0.12)
        half += [elbow, (reach, drop), (reach, drop)]
        half += [(reach - width, drop + 0.06), (reach - width, drop + 0.06)]
        half += [armpit, armpit]
    waist = (body + hem) / 2 - dice.between(0.0, 0.05)
    return [*half, (waist, (armpit[1] + bottom) / 2), (hem, bottom), (hem, bottom)]


def draw_neckline(
    canvas: Canvas, half: Sequence[Point], depth: float, fabric: Fabric, vee: bool
) -> None:
    """Draw a round or pointed opening with the inside of the back and a ribbed edge."""
    neck, top = half[0]
    sag = [(-neck, top), (0.0, top + depth), (0.0, top + depth), (neck, top)]
    if not vee:
        sag = [(-neck, top), (-neck * 0.6, top + depth), (neck * 0.6, top + depth)]
        sag.append((neck, top))
    canvas.fill([*sag, (0.0, top + 0.02)], fabric.dark * 0.6, smooth=1)
    canvas.line(sag, 1.0, fabric.detail, canvas.grey > 0, smooth=1)


def draw_collar(
    canvas: Canvas, half: Sequence[Point], drop: float, spread: float, fabric: Fabric
) -> None:
    """Draw two pointed leaves over the neck."""
    neck, top = half[0]
    for side in (-1, 1):
        leaf = [(0.0, top + 0.1), (side * neck * 0.9, top - 0.06)]
        leaf += [(side * (neck + 0.1), top + 0.07), (side * spread, top + drop)]
        canvas.fill(leaf, fabric.detail, edge=0.25, smooth=0)
        canvas.line([leaf[3], (0.0, top + 0.1)], 0.7, fabric.dark, smooth=0)
