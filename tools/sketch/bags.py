"""Bags, with handles, a strap or a flap, each drawn on a canvas."""

from canvas import Canvas
from fabric import choose_fabric


def bag(canvas: Canvas) -> None:
    """Draw a bag with handles, a strap or neither."""
    dice = canvas.dice
    fabric = choose_fabric(canvas, ("checks", "fade", "diagonal", "dots"), 0.6)
    wide, narrow = dice.between(0.7, 0.95), dice.between(0.55, 0.95)
    top, bottom = dice.between(-0.4, -0.05), dice.between(0.62, 0.92)
    rise = top + dice.between(-0.02, 0.05)
    kind = dice.pick(("handle", "handle", "two", "strap", "none"))
    hold, high = narrow * dice.between(0.4, 0.7), max(top - 0.85, -0.95)
    width = dice.between(1.2, 2.2)
    if kind in ("handle", "two"):
        arc = [(-hold, rise + 0.1), (-hold, high + 0.1), (-hold * 0.5, high)]
        arc += [(hold * 0.5, high), (hold, high + 0.1), (hold, rise + 0.1)]
        canvas.line(arc, width, fabric.detail, smooth=2)
        if kind == "two":
            inner = [(x * 0.8 + 0.06, y + 0.14) for x, y in arc]
            canvas.line(inner, width * 0.7, fabric.dark, smooth=2)
    elif kind == "strap":
        sway = dice.between(-0.3, 0.3)
        loop = [(-narrow * 0.9, top + 0.1), (-0.5 + sway, high), (0.4 + sway, high)]
        canvas.line([*loop, (narrow * 0.9, top + 0.1)], 0.9, fabric.detail, smooth=2)
    corner = dice.pick((0, 1, 2))
    outline = [(-narrow, top), (-narrow, top), (narrow, top), (narrow, top)]
    outline += [(wide, bottom), (wide, bottom), (-wide, bottom), (-wide, bottom)]
    shape = canvas.fill(outline, fabric.grey, edge=0.25, smooth=corner)
    if dice.chance(0.55):  # a flap with a clasp
        tip = top + (bottom - top) * dice.between(0.35, 0.6)
        flap = [(-narrow, top), (narrow, top), (narrow * 0.9, tip - 0.1), (0.0, tip)]
        canvas.line(
            [flap[1], flap[2], flap[3], (-narrow * 0.9, tip - 0.1), flap[0]],
            0.9,
            fabric.dark,
            shape,
        )
        canvas.dot(0.0, tip - 0.03, dice.between(0.8, 1.3), fabric.detail, shape)
    else:
        canvas.line([(-1, top + 0.14), (1, top + 0.14)], 1.0, fabric.dark, shape)
    if dice.chance(0.4):
        y = bottom - dice.between(0.12, 0.25)
        canvas.line([(-1, y), (1, y)], 0.9, fabric.detail, shape)
