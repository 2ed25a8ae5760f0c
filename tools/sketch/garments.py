"""Trousers and dress, each drawn on a canvas."""

from canvas import Canvas, mirrored
from cloth import cloth
from tailoring import neckline


def trouser(canvas: Canvas) -> None:
    dice, fabric = canvas.dice, cloth(canvas, ("stripes", "checks", "fade"), 0.7)
    waist, hip = dice.between(0.26, 0.36), dice.between(0.34, 0.46)
    gap, ankle = dice.between(0.04, 0.16), dice.between(0.16, 0.3)
    crotch, bottom = dice.between(-0.42, -0.2), dice.between(0.86, 0.98)
    outer = max(hip - 0.06, gap + ankle)
    half = [(waist, -0.95), (waist, -0.95), (hip, crotch), (outer, bottom)]
    half += [(outer, bottom), (outer - ankle, bottom), (outer - ankle, bottom)]
    half += [(0.02, crotch + 0.06), (0.0, crotch)]
    shape = canvas.fill(mirrored(half), fabric.grey, edge=0.25)
    canvas.line([(-waist, -0.86), (waist, -0.86)], 1.0, fabric.detail, shape)
    canvas.line([(0, -0.82), (0.0, crotch)], 0.8, fabric.dark, 0.9 * shape)
    for side in (-1, 1):
        knee = side * (outer - ankle / 2)
        if dice.chance(0.4):
            canvas.line(
                [(side * 0.2, crotch), (knee, bottom)], 0.6, fabric.detail, 0.5 * shape
            )
        if dice.chance(0.5):
            canvas.line(
                [(side * waist, -0.6), (side * waist * 0.4, -0.76)],
                0.7,
                fabric.dark,
                shape,
            )


def dress(canvas: Canvas) -> None:
    kinds = ("hoops", "stripes", "dots", "diagonal", "fade")
    dice, fabric = canvas.dice, cloth(canvas, kinds)
    bust, waist = dice.between(0.26, 0.34), dice.between(0.2, 0.26)
    hem, bottom = dice.between(0.3, 0.62), dice.between(0.82, 0.98)
    middle = dice.between(-0.3, -0.1)
    skirt = [(waist, middle), (waist, middle)]
    skirt += [((waist + hem) / 2 + 0.03, (middle + bottom) / 2)]
    skirt += [(hem, bottom), (hem, bottom)]
    kind = dice.pick(("straps", "straps", "none", "short", "long"))
    if kind == "straps":
        top = dice.between(-0.72, -0.6)
        half = [(bust * 0.5, top + 0.04), (bust, top), (bust, top + 0.2), *skirt]
        for side in (-1, 1):
            canvas.line(
                [(side * bust * 0.75, -0.96), (side * bust * 0.8, top + 0.08)],
                dice.between(1.0, 1.8),
                fabric.tone,
            )
    else:
        neck, top = dice.between(0.12, 0.2), -0.94
        half = [(neck, top), (neck, top), (bust + 0.02, top + 0.1)]
        if kind != "none":
            reach = dice.between(0.5, 0.62)
            drop = (
                dice.between(-0.6, -0.4) if kind == "short" else dice.between(-0.1, 0.3)
            )
            half += [(reach, drop), (reach, drop), (reach - 0.14, drop + 0.06)]
            half += [(reach - 0.14, drop + 0.06)]
        half += [(bust, -0.5), *skirt]
    shape = canvas.fill(mirrored(half), fabric.grey, edge=0.25)
    if kind != "straps":
        neckline(canvas, half, dice.between(0.12, 0.34), fabric, dice.chance(0.5))
    if dice.chance(0.55):
        canvas.line(
            [(-waist, middle), (waist, middle)],
            dice.between(1.0, 2.0),
            fabric.detail,
            shape,
        )
    for _ in range(dice.pick((0, 1, 2, 3))):  # pleats
        x = dice.between(-0.8, 0.8)
        canvas.line(
            [(x * waist, middle + 0.1), (x * hem, bottom)],
            0.7,
            fabric.dark,
            0.6 * shape,
        )
