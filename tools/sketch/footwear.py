"""Sandal, sneaker and ankle boot, from the side, the toe to the left."""

import numpy as np
from canvas import Canvas, Grey
from fabric import choose_fabric
from outlines import Point


def _draw_sole(
    canvas: Canvas, heel: float, ball: float, base: float, grey: Grey
) -> None:
    """Draw a sole from the toe to a heel of this height; the arch is off the ground."""
    toe, thick = -0.95, 0.1
    outline = [(toe, base - ball - thick * 0.4), (toe, base)]
    outline += [(-0.3, base), (-0.3, base)]
    if heel > 0.12:
        outline += [(0.2, base - heel * 0.5), (0.52, base - heel + 0.02)]
        outline += [(0.58, base), (0.58, base), (0.86, base), (0.86, base)]
    else:
        outline += [(0.92, base), (0.92, base)]
    outline += [(0.94, base - heel - thick), (0.5, base - heel - thick)]
    outline += [(-0.2, base - ball - thick), (-0.6, base - ball - thick)]
    canvas.fill(outline, grey, edge=0.15, smooth=1)


def _draw_strap(
    canvas: Canvas, left: Point, right: Point, rise: float, width: float, grey: Grey
) -> None:
    """Draw a band that arches over the foot between two points of the sole."""
    (lx, ly), (rx, ry) = left, right
    over = [(lx + 0.25 * (rx - lx), ly - rise), (lx + 0.75 * (rx - lx), ry - rise)]
    canvas.line([left, *over, right], width, grey, smooth=2)


def sandal(canvas: Canvas) -> None:
    """Draw a flip-flop, or a sandal with straps."""
    dice = canvas.dice
    fabric = choose_fabric(canvas, ("fade", "stripes"), 0.85)
    kind = dice.pick(("flip-flop", "flat", "flat", "heel", "wedge"))
    high = kind in ("heel", "wedge")
    heel = dice.between(0.45, 0.9) if high else dice.between(0.02, 0.1)
    base = dice.between(0.3, 0.5) + 0.45 * heel
    width, ball = dice.between(1.3, 2.3), min(heel, dice.between(0.02, 0.1))
    back, front = base - heel - 0.1, base - ball - 0.1
    if kind == "wedge":
        outline = [(-0.92, base), (0.86, base), (0.86, base), (0.9, back), (0.5, back)]
        outline += [(-0.2, front), (-0.92, front + 0.02)]
        canvas.fill(outline, fabric.detail, edge=0.2, smooth=1)
    else:
        _draw_sole(canvas, heel, ball, base, fabric.detail)
    if kind == "flip-flop":
        knot = (-0.55, front - 0.02)
        for end, rise in ((0.35, 0.3), (0.15, 0.22)):
            canvas.line(
                [knot, (-0.35, front - rise), (-0.05, front - rise), (end, front)],
                width,
                fabric.grey,
                smooth=2,
            )
        return
    starts = dice.pick(((-0.8,), (-0.85, -0.5), (-0.85, -0.55, -0.25)))
    for x in starts:
        rise = dice.between(0.24, 0.36) + 0.12 * (x + 0.85)
        _draw_strap(canvas, (x, front), (x + 0.4, front), rise, width, fabric.grey)
    tall = dice.between(0.35, 0.5)
    counter = [(0.88, back), (0.94, back - tall * 0.6), (0.86, back - tall)]
    canvas.line(counter, width, fabric.grey)
    ankle = [counter[2], (0.6, back - tall - 0.06), (0.3, back - tall * 0.8)]
    canvas.line(ankle, width * 0.7, fabric.grey)
    if dice.chance(0.6):  # a strap along the foot
        canvas.line(
            [ankle[2], (0.0, front - 0.42), (starts[-1] + 0.25, front - 0.25)],
            width * 0.8,
            fabric.grey,
        )
    else:
        canvas.line([ankle[2], (0.42, back + 0.02)], width * 0.8, fabric.grey)


def sneaker(canvas: Canvas) -> None:
    """Draw a sneaker with laces."""
    dice = canvas.dice
    fabric = choose_fabric(canvas, ("fade", "checks", "dots"), 0.8)
    base, thick = dice.between(0.4, 0.56), dice.between(0.12, 0.22)
    top = base - dice.between(0.78, 0.95)
    low = base - thick
    toe = dice.between(0.24, 0.36)
    upper = [(-0.94, low + 0.04), (-0.92, low - toe * 0.7), (-0.62, low - toe)]
    upper += [
        (-0.3, low - toe - 0.1),
        (0.18, top + 0.02),
        (0.26, top),
        (0.34, top + 0.1),
    ]
    upper += [(0.6, top + 0.16), (0.84, top - 0.02), (0.92, top), (0.86, top + 0.3)]
    upper += [(0.94, low + 0.04), (0.94, low + 0.04)]
    shape = canvas.fill(upper, fabric.grey, edge=0.2, smooth=1)
    for step in range(dice.pick((3, 4))):  # laces across the instep
        x = -0.26 + step * 0.15
        y = low - toe - 0.1 + (x + 0.3) * (top + 0.12 - low + toe) / 0.5
        canvas.line([(x - 0.02, y), (x + 0.14, y + 0.14)], 0.8, fabric.detail, shape)
    if dice.chance(0.6):  # stripes on the side
        for step in range(dice.pick((1, 2, 3))):
            x = 0.02 + step * 0.16
            canvas.line([(x, top + 0.26), (x - 0.16, low)], 1.0, fabric.detail, shape)
    if dice.chance(0.5):
        cap = shape * (canvas.x < -0.6)
        canvas.cover(cap * 0.8, fabric.detail)
    if dice.chance(0.5):
        canvas.cover(shape * (canvas.x > 0.7) * 0.7, fabric.dark)
    sole = [(-0.96, low), (-0.96, low), (0.96, low), (0.96, low)]
    sole += [(0.94, base), (0.94, base), (-0.9, base), (-0.9, base)]
    canvas.fill(sole, dice.pick((fabric.detail, 1.0, 0.95)), smooth=1)
    canvas.line([(-0.94, low), (0.94, low)], 0.7, fabric.dark, canvas.grey > 0)


def ankle_boot(canvas: Canvas) -> None:
    """Draw an ankle boot."""
    dice = canvas.dice
    fabric = choose_fabric(canvas, ("fade", "checks"), 0.85)
    base, heel = dice.between(0.78, 0.94), dice.between(0.06, 0.36)
    top, front = dice.between(-0.95, -0.75), dice.between(-0.1, 0.08)
    low = base - 0.1
    toe = dice.between(0.3, 0.45)
    shaft = [(-0.92, low), (-0.92, low - toe * 0.6), (-0.6, low - toe)]
    shaft += [
        (front - 0.16, low - toe - 0.22),
        (front, -0.1),
        (front, top),
        (front, top),
    ]
    shaft += [(0.82, top + 0.05), (0.82, top + 0.05), (0.8, 0.0), (0.9, low - heel)]
    shaft += [(0.9, low - heel), (0.45, low - heel), (-0.2, low)]
    shape = canvas.fill(shaft, fabric.grey, edge=0.25, smooth=1)
    kind = dice.pick(("laces", "zip", "elastic", "plain"))
    if kind == "laces":
        for step in range(5):
            y = top + 0.16 + step * 0.2
            canvas.line(
                [(front, y), (front + 0.24, y + 0.04)], 0.8, fabric.detail, shape
            )
    elif kind == "zip":
        x = dice.between(0.4, 0.6)
        canvas.line([(x, top), (x, low - heel)], 0.8, fabric.detail, shape)
    elif kind == "elastic":
        gusset = (np.abs(canvas.x - 0.45) < 0.16) & (canvas.y < 0.1)
        canvas.cover(shape * gusset, fabric.dark)
    if dice.chance(0.5):  # a cuff
        canvas.line([(-1, top + 0.08), (1, top + 0.08)], 1.8, fabric.detail, shape)
    _draw_sole(canvas, heel, 0.0, base, dice.pick((fabric.detail, fabric.dark)))
