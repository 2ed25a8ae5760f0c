"""Pieces that several garments share: the outline with sleeves, neck and collar."""

from canvas import Canvas
from cloth import Cloth


def upper(canvas: Canvas, sleeve: str, body: float, hem: float, bottom: float):
    """Right half of a garment with sleeves, from the neck down: list of points."""
    dice = canvas.dice
    neck, top = dice.between(0.2, 0.28), dice.between(-0.95, -0.88)
    shoulder = body + dice.between(-0.02, 0.06)
    half = [(neck, top), (neck, top), (shoulder, top + dice.between(0.1, 0.17))]
    armpit = (body, top + dice.between(0.5, 0.62))
    if sleeve == "short":
        reach, drop = dice.between(0.84, 1.0), dice.between(-0.42, -0.2)
        out, inner = (reach, drop), (reach - 0.19, drop + dice.between(0.1, 0.2))
        half += [out, out, inner, inner, armpit, armpit]
    elif sleeve == "long":
        reach, drop = dice.between(0.82, 1.0), dice.between(0.5, 0.85)
        width = dice.between(0.17, 0.23)
        elbow = ((shoulder + reach) / 2 + 0.05, (top + drop) / 2 - 0.12)
        half += [elbow, (reach, drop), (reach, drop)]
        half += [(reach - width, drop + 0.06), (reach - width, drop + 0.06)]
        half += [armpit, armpit]
    else:
        half += [(shoulder - 0.04, armpit[1] - 0.2), armpit]
    waist = (body + hem) / 2 - dice.between(0.0, 0.05)
    return [*half, (waist, (armpit[1] + bottom) / 2), (hem, bottom), (hem, bottom)]


def neckline(canvas: Canvas, half, depth: float, fabric: Cloth, vee: bool) -> None:
    """A round or pointed opening with the inside of the back and a ribbed edge."""
    neck, top = half[0]
    sag = [(-neck, top), (0.0, top + depth), (0.0, top + depth), (neck, top)]
    if not vee:
        sag = [(-neck, top), (-neck * 0.6, top + depth), (neck * 0.6, top + depth)]
        sag.append((neck, top))
    canvas.fill([*sag, (0.0, top + 0.02)], fabric.dark * 0.6, smooth=1)
    canvas.line(sag, 1.0, fabric.detail, canvas.grey > 0, smooth=1)


def collar(canvas: Canvas, half, drop: float, spread: float, fabric: Cloth) -> None:
    """Two pointed leaves over the neck."""
    neck, top = half[0]
    for side in (-1, 1):
        leaf = [(0.0, top + 0.1), (side * neck * 0.9, top - 0.06)]
        leaf += [(side * (neck + 0.1), top + 0.07), (side * spread, top + drop)]
        canvas.fill(leaf, fabric.detail, edge=0.25, smooth=0)
        canvas.line([leaf[3], (0.0, top + 0.1)], 0.7, fabric.dark, smooth=0)
