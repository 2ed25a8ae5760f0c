"""T-shirt, trouser, pullover, dress, coat and shirt, each drawn on a canvas."""

from typing import Literal

from canvas import Canvas
from fabric import Texture, choose_fabric
from outlines import mirrored
from pieces import draw_collar, draw_neckline, half_with_sleeves

ALL: tuple[Texture, ...] = ("hoops", "stripes", "checks", "dots", "diagonal", "fade")


def t_shirt(canvas: Canvas) -> None:
    """Draw a T-shirt, some with a print."""
    dice = canvas.dice
    fabric = choose_fabric(canvas, ALL)
    body = dice.between(0.46, 0.58)
    bottom = dice.between(0.72, 0.96)
    hem = body + dice.between(-0.04, 0.06)
    half = half_with_sleeves(canvas, "short", body, hem, bottom)
    shape = canvas.fill(mirrored(half), fabric.grey, edge=0.2)
    draw_neckline(canvas, half, dice.between(0.14, 0.4), fabric, dice.chance(0.35))
    if dice.chance(0.4):  # a print on the chest
        w, h = dice.between(0.14, 0.3), dice.between(0.1, 0.26)
        y = dice.between(-0.15, 0.2)
        block = [(-w, y - h), (w, y - h), (w, y + h), (-w, y + h)]
        canvas.fill(block, fabric.detail, smooth=dice.pick((0, 1, 2)))
    if dice.chance(0.5):
        canvas.line(
            [(-hem, bottom - 0.1), (hem, bottom - 0.1)], 0.6, fabric.dark, 0.7 * shape
        )


def trouser(canvas: Canvas) -> None:
    """Draw a pair of trousers."""
    dice = canvas.dice
    fabric = choose_fabric(canvas, ("stripes", "checks", "fade"), 0.7)
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


def pullover(canvas: Canvas) -> None:
    """Draw a pullover with a roll neck or an open one."""
    kinds: tuple[Texture, ...] = (
        "hoops",
        "hoops",
        "checks",
        "dots",
        "diagonal",
        "fade",
    )
    dice = canvas.dice
    fabric = choose_fabric(canvas, kinds, 0.45)
    body = dice.between(0.42, 0.52)
    bottom = dice.between(0.7, 0.94)
    hem = body + dice.between(-0.05, 0.04)
    half = half_with_sleeves(canvas, "long", body, hem, bottom)
    shape = canvas.fill(mirrored(half), fabric.grey, edge=0.25)
    neck, top = half[0]
    if dice.chance(0.3):  # a roll neck
        roll = [(-neck, top - 0.04), (neck, top - 0.04), (neck, top + 0.16)]
        canvas.fill([*roll, (-neck, top + 0.16)], fabric.detail, 0.3, smooth=1)
    else:
        draw_neckline(canvas, half, dice.between(0.1, 0.3), fabric, dice.chance(0.25))
    canvas.line(
        [(-0.8, bottom - 0.05), (0.8, bottom - 0.05)],
        dice.between(1.0, 2.0),
        fabric.detail,
        shape * (abs(canvas.x) < body + 0.06),
    )
    (ox, oy), (ix, iy) = half[4], half[6]
    for side in (-1, 1):  # cuffs, and the shadow between sleeve and body
        canvas.line(
            [(side * ox, oy - 0.07), (side * ix, iy - 0.07)],
            dice.between(1.0, 1.8),
            fabric.detail,
            shape,
            smooth=0,
        )
        arm = (half[7][0] - 0.01, half[7][1] - 0.08)
        canvas.line(
            [(side * arm[0], arm[1] - 0.25), (side * arm[0], arm[1] + 0.1)],
            0.7,
            fabric.dark,
            0.6 * shape,
        )


def dress(canvas: Canvas) -> None:
    """Draw a dress with straps, sleeves or neither."""
    kinds: tuple[Texture, ...] = ("hoops", "stripes", "dots", "diagonal", "fade")
    dice = canvas.dice
    fabric = choose_fabric(canvas, kinds)
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
        draw_neckline(canvas, half, dice.between(0.12, 0.34), fabric, dice.chance(0.5))
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


def coat(canvas: Canvas) -> None:
    """Draw a long coat with a hood or lapels."""
    dice = canvas.dice
    fabric = choose_fabric(canvas, ("checks", "diagonal", "fade"), 0.75)
    body, bottom = dice.between(0.4, 0.48), dice.between(0.9, 0.99)
    hem = body + dice.between(0.04, 0.16)
    half = half_with_sleeves(canvas, "long", body, hem, bottom)
    shape = canvas.fill(mirrored(half), fabric.grey, edge=0.25)
    neck, top = half[0]
    lean, depth = dice.between(-0.05, 0.05), dice.between(0.45, 0.75)
    if dice.chance(0.25):  # a hood instead of a collar
        hood = [(-neck - 0.12, top + 0.2), (-neck - 0.06, top - 0.02)]
        hood += [(neck + 0.06, top - 0.02), (neck + 0.12, top + 0.2), (0.0, top + 0.3)]
        canvas.fill(hood, fabric.detail, edge=0.3)
        canvas.fill([(-0.12, top + 0.1), (0.12, top + 0.1), (0, top + 0.26)], 0.05)
        depth = 0.26
    else:  # lapels around what is worn below
        canvas.fill(
            [(-neck, top), (neck, top), (lean, top + depth)],
            fabric.dark * 0.5,
            smooth=0,
        )
        for side in (-1, 1):
            leaf = [(side * neck * 0.7, top - 0.02), (side * (neck + 0.14), top + 0.1)]
            leaf += [(side * (neck + 0.1), top + depth * 0.6), (lean, top + depth)]
            canvas.fill(leaf, fabric.detail, edge=0.3, smooth=0)
    canvas.line(
        [(lean, top + depth), (lean, 1.0)],
        dice.between(1.0, 1.6),
        fabric.dark * 0.5,
        shape,
        smooth=0,
    )
    rows, double = dice.pick((3, 4)), dice.chance(0.5)
    for step in range(rows):
        y = top + depth + 0.1 + step * 0.24
        for x in (-0.15, 0.15) if double else (0.12,):
            canvas.dot(lean + x, y, dice.between(0.5, 0.8), fabric.detail, shape)
    for side in (-1, 1):
        y = dice.between(0.25, 0.4)
        canvas.line([(side * 0.2, y), (side * 0.42, y - 0.06)], 1.1, fabric.dark, shape)
        edge = half[7][0]
        canvas.line(
            [(side * edge, -0.4), (side * edge, 0.1)], 0.7, fabric.dark, 0.6 * shape
        )


def shirt(canvas: Canvas) -> None:
    """Draw a buttoned shirt with a collar."""
    kinds: tuple[Texture, ...] = ("stripes", "stripes", "checks", "checks", "dots")
    dice = canvas.dice
    fabric = choose_fabric(canvas, kinds, 0.4)
    sleeve: Literal["short", "long"] = "short" if dice.chance(0.35) else "long"
    body, bottom = dice.between(0.42, 0.52), dice.between(0.72, 0.9)
    hem = body + dice.between(-0.04, 0.04)
    half = half_with_sleeves(canvas, sleeve, body, hem, bottom)
    tail = [(hem * 0.5, bottom + 0.09), (0.0, bottom + 0.09)]
    shape = canvas.fill(mirrored(half + tail), fabric.grey, edge=0.22)
    drop = half[0][1] + dice.between(0.24, 0.32)
    placket = dice.between(-0.03, 0.03)
    canvas.line(
        [(placket, drop - 0.1), (placket, 1.0)],
        dice.between(1.4, 2.0),
        fabric.detail,
        0.55 * shape,
        smooth=0,
    )
    for step in range(6):
        y = drop + 0.08 + step * 0.22
        if y < bottom:
            canvas.dot(placket, y, 0.55, fabric.dark, shape)
    draw_collar(canvas, half, drop - half[0][1], dice.between(0.22, 0.3), fabric)
    if dice.chance(0.5):  # a breast pocket
        x, y = dice.pick((-1, 1)) * body * 0.55, dice.between(-0.35, -0.25)
        pocket = [(x - 0.12, y), (x - 0.12, y + 0.24), (x + 0.12, y + 0.24)]
        canvas.line([*pocket, (x + 0.12, y)], 0.6, fabric.dark, 0.7 * shape, smooth=0)
        canvas.line([(x - 0.12, y), (x + 0.12, y)], 0.8, fabric.detail, shape)
