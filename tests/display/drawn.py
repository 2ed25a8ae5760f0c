"""A diagram as it is drawn: shapes, and arrows that lead from one to another.

Nothing but the picture is read: what an arrow joins is found from where it begins and
ends, so that a test can compute what the picture says.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from math import dist, hypot
from typing import Any
from xml.etree import ElementTree

from course_utils.display.diagrams.diagram import SVG, load_diagram

Point = tuple[float, float]
REACH = 8  # an arrow's line ends a little before the shape that its head touches
BACKGROUND = {"paper", "card"}


@dataclass(eq=False)
class Shape:
    """A box or a circle, the text in it from top to bottom, and the arrows into it."""

    box: tuple[float, float, float, float]  # left, top, right, bottom
    kind: str
    label: str = ""
    incoming: list["Arrow"] = field(default_factory=list)
    outgoing: list["Arrow"] = field(default_factory=list)

    def holds(self, point: Point, margin: float = 1) -> bool:
        left, top, right, bottom = self.box
        x, y = point
        across = left - margin <= x <= right + margin
        return across and top - margin <= y <= bottom + margin


@dataclass(eq=False)
class Arrow:
    """A line through its points; it comes from a shape, another line or a label."""

    points: list[Point]
    source: "Shape | Arrow | str | None" = None
    target: Shape | None = None

    def tip(self) -> Point:
        (x0, y0), (x1, y1) = self.points[-2:]
        length = hypot(x1 - x0, y1 - y0)
        return x1 + REACH * (x1 - x0) / length, y1 + REACH * (y1 - y0) / length

    def passes(self, point: Point) -> bool:
        pairs = zip(self.points, self.points[1:], strict=False)
        return any(
            abs(dist(a, point) + dist(point, b) - dist(a, b)) < 0.1 for a, b in pairs
        )


Operation = Callable[[Shape, list[Any]], Any]


class Drawing:
    """The shapes and arrows of one diagram."""

    def __init__(self, name: str) -> None:
        root = ElementTree.fromstring(load_diagram(name).drawing)
        self.shapes = [_rect(e) for e in root.iter(f"{SVG}rect")]
        self.shapes += [_circle(e) for e in root.iter(f"{SVG}circle")]
        self.shapes = [s for s in self.shapes if s and s.kind not in BACKGROUND]
        self.labels: list[tuple[Point, str]] = []  # outside of shapes
        for element in sorted(root.iter(f"{SVG}text"), key=lambda e: float(e.get("y"))):
            self._place(element)
        lines = [e for e in root.iter(f"{SVG}path") if "go" in e.get("class").split()]
        self.arrows = [Arrow(_points(e.get("d"))) for e in lines]
        for arrow in self.arrows:
            self._join(arrow)

    def _place(self, element: ElementTree.Element) -> None:
        point = float(element.get("x")), float(element.get("y")) - 5
        text = "".join(element.itertext())
        for shape in self.shapes:
            if shape.holds(point):
                shape.label = f"{shape.label} {text}".strip()
                return
        if "small" not in element.get("class", "").split():
            self.labels.append((point, text))

    def _join(self, arrow: Arrow) -> None:
        start = arrow.points[0]
        shapes = [shape for shape in self.shapes if shape.holds(start)]
        others = [o for o in self.arrows if o is not arrow and o.passes(start)]
        if shapes:
            arrow.source = shapes[0]
            shapes[0].outgoing.append(arrow)
        elif others:
            arrow.source = others[0]
        else:
            arrow.source = min(self.labels, key=lambda label: dist(label[0], start))[1]
        for shape in self.shapes:
            if shape.holds(arrow.tip()):
                arrow.target = shape
                shape.incoming.append(arrow)

    def outputs(self, inputs: dict[str, Any], operation: Operation) -> list[Any]:
        """Return what leaves the picture, from left to right and from top to bottom."""
        known: dict[Shape, Any] = {}

        def value(arrow: Arrow) -> Any:
            if isinstance(arrow.source, str):
                return inputs[arrow.source]
            if isinstance(arrow.source, Arrow):
                return value(arrow.source)
            shape = arrow.source
            if shape not in known:
                into = sorted(shape.incoming, key=lambda a: a.points[-1][::-1])
                known[shape] = operation(shape, [value(one) for one in into])
            return _share(shape, arrow, known[shape])

        ends = [arrow for arrow in self.arrows if arrow.target is None]
        return [value(arrow) for arrow in sorted(ends, key=lambda a: a.points[-1])]


def _share(shape: Shape, arrow: Arrow, result: Any) -> Any:
    """Return an arrow's part where several leave a box: they share what it computes."""
    leaving = sorted(shape.outgoing, key=lambda one: one.points[0])
    if len(leaving) == 1:
        return result
    return result.chunk(len(leaving), dim=-1)[leaving.index(arrow)]


def _rect(element: ElementTree.Element) -> Shape:
    x, y = (float(element.get(name, 0)) for name in ("x", "y"))
    width, height = float(element.get("width")), float(element.get("height"))
    return Shape((x, y, x + width, y + height), element.get("class"))


def _circle(element: ElementTree.Element) -> Shape | None:
    """Return a circle; None for a dot, which marks where lines part."""
    if "dot" in element.get("class"):
        return None
    x, y, r = (float(element.get(name)) for name in ("cx", "cy", "r"))
    return Shape((x - r, y - r, x + r, y + r), element.get("class"))


def _points(path: str) -> list[Point]:
    """Return the corners of a path of straight lines, and of half circles (a)."""
    points: list[Point] = []
    for command, rest in re.findall(r"([MHVa])([^MHVa]*)", path):
        numbers = [float(number) for number in rest.split()]
        x, y = points[-1] if points else (0, 0)
        if command == "M":
            points.append((numbers[0], numbers[1]))
        elif command == "H":
            points.append((numbers[0], y))
        elif command == "V":
            points.append((x, numbers[0]))
        else:
            points.append((x + numbers[-2], y + numbers[-1]))
    return points
