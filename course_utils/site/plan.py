"""The map of the lessons: which of them builds on which, as a drawing."""

from collections.abc import Mapping, Sequence
from html import escape

from course_utils.site.catalogue import Entry

WIDTH, HEIGHT = 176, 48  # of a lesson's box
ACROSS, DOWN = 18, 44  # between boxes


def drawing(entries: Sequence[Entry]) -> str:
    """Return the map as SVG: each lesson below all that it builds on.

    A line is left out where a way through other lessons leads there too.

    >>> drawing([])
    ''
    """
    if not entries:
        return ""
    known = {entry.number: entry for entry in entries}
    before = {number: nearest(entry, known) for number, entry in known.items()}
    rows = _rows(entries)
    places = _places(rows, before)
    lines = [
        _line(places[other], places[number])
        for number, others in before.items()
        for other in others
    ]
    boxes = [_box(entry, *places[entry.number]) for entry in entries]
    width = max(x for x, _ in places.values()) + WIDTH
    height = len(rows) * (HEIGHT + DOWN) - DOWN
    title = "Which lesson builds on which; the list below says the same in words."
    return (
        f'<div class="site-plan" role="group" aria-label="{title}" tabindex="0">'
        f'<svg viewBox="-2 -2 {width + 4:g} {height + 4}" width="{width:g}">'
        f"{''.join(lines)}{''.join(boxes)}</svg></div>"
    )


def _places(
    rows: Sequence[Sequence[Entry]], before: Mapping[str, Sequence[str]]
) -> dict[str, tuple[float, float]]:
    """Return where each box stands: under what it builds on, and beside no other."""
    places: dict[str, tuple[float, float]] = {}
    for row, entries in enumerate(rows):
        wished = {}
        for entry in entries:
            above = [places[number][0] for number in before[entry.number]]
            wished[entry.number] = sum(above) / len(above) if above else 0.0
        # Boxes that wish for one place spread to both sides of it.
        middle = sum(wished.values()) / len(wished)
        ordered = sorted(wished, key=lambda number: wished[number])
        x: list[float] = []
        for number in ordered:
            x.append(max([wished[number], *(last + WIDTH + ACROSS for last in x[-1:])]))
        shift = middle - sum(x) / len(x)
        for number, left in zip(ordered, x, strict=True):
            places[number] = (left + shift, row * (HEIGHT + DOWN))
    least = min(left for left, _ in places.values())
    return {number: (left - least, top) for number, (left, top) in places.items()}


def nearest(entry: Entry, entries: Mapping[str, Entry]) -> list[str]:
    """Return the lessons that a lesson builds on and that no other of them needs."""
    known = [number for number in entry.builds_on if number in entries]
    return [
        number
        for number in known
        if not any(
            number in _all_before(other, entries) for other in known if other != number
        )
    ]


def _all_before(number: str, entries: Mapping[str, Entry]) -> set[str]:
    before = {each for each in entries[number].builds_on if each in entries}
    return before.union(*(_all_before(each, entries) for each in before))


def _rows(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Return the lessons in rows, each below all that it builds on."""
    depth: dict[str, int] = {}
    for entry in entries:  # in order, so that what comes before is known
        before = [depth[number] for number in entry.builds_on if number in depth]
        depth[entry.number] = 1 + max(before, default=-1)
    rows: list[list[Entry]] = [[] for _ in range(max(depth.values()) + 1)]
    for entry in entries:
        rows[depth[entry.number]].append(entry)
    return rows


def _line(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x, y), (to_x, to_y) = start, end
    x, to_x, y = x + WIDTH / 2, to_x + WIDTH / 2, y + HEIGHT
    middle = DOWN * 0.6
    return (
        f'<path d="M{x:g} {y:g}C{x:g} {y + middle:g} {to_x:g} {to_y - middle:g} '
        f'{to_x:g} {to_y:g}"/>'
    )


def _box(entry: Entry, x: float, y: float) -> str:
    number, _, name = entry.title.partition(" · ")
    texts = [(17, number), (35, name)]
    words = "".join(
        f'<text x="{x + WIDTH / 2:g}" y="{y + down}">{escape(text)}</text>'
        for down, text in texts
    )
    return (
        f'<a href="{entry.document}.html" aria-label="Lesson {escape(entry.title)}">'
        f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f"{words}</a>"
    )
