"""A measured value: shown as a number, with the range in which it is expected."""

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import SupportsFloat, cast

from course_utils.display import bundles
from course_utils.display.bundles import Bundle

# What `load_fashion_mnist(...).source` may be.
_PHOTOGRAPHS, _SKETCHES = "fashion-mnist", "fashion-sketch"
# At the left edge of JupyterLab's prose.
_STYLE = f"margin:.2em 0 .2em 6px;{bundles.TEXT_WIDTH};line-height:1.45"
OUTSIDE = (
    "Outside the expected range. Another seed, torch, processor or number of threads "
    "can do that; far outside, something in the cells above was changed."
)


def measured(
    name: str,
    value: SupportsFloat | Iterable[SupportsFloat] | Mapping[str, SupportsFloat],
    low: float,
    high: float,
    digits: int = 3,
    *,
    source: str | None = None,
    sketches: tuple[float, float] | None = None,
) -> None:
    """Show what was measured, with the range in which it is expected.

    Outside the range a sentence says what may differ, and the lesson goes on. A page
    leaves out a range whose end is over 100 times its beginning, while it holds.

    Args:
        name: what was measured, with its unit: "MLP, test accuracy".
        value: one number, several runs of it, or runs by name.
        low: the smallest value that is expected.
        high: the largest.
        digits: how many significant digits of the largest value are shown.
        source: which pictures were used, `load_fashion_mnist(...).source`.
        sketches: the range, from low to high, where `source` is "fashion-sketch".

    Raises:
        ValueError: there is no value, `low` is above `high`, only one of `source` and
            `sketches` is given, or there are no such pictures.

    Outside a notebook, as here, the output data are printed instead:

    >>> measured("accuracy", [0.8841, 0.88, 0.8862], 0.87, 0.9)  # doctest: +ELLIPSIS
    {... 'accuracy: 0.884 0.880 0.886 (expected 0.87 to 0.9)'...}

    Drawings, which stand in for photographs offline, may have a range of their own:

    >>> source = "fashion-sketch"
    >>> measured("accuracy", 0.95, 0.87, 0.9, source=source, sketches=(0.9, 0.97))
    ... # doctest: +ELLIPSIS
    {... 'accuracy: 0.950 (expected 0.87 to 0.9; on sketches 0.9 to 0.97)'...}
    """
    from IPython.display import display  # kept out of `import course_utils`

    labels, values = _runs(value)
    if not values:
        raise ValueError(f"{name}: there is no value to show.")
    if (source is None) != (sketches is None):
        raise ValueError(f"{name}: give both of source and sketches, or neither.")
    if source not in (None, _PHOTOGRAPHS, _SKETCHES):
        raise ValueError(
            f"{name}: source={source!r} is neither {_PHOTOGRAPHS!r} nor {_SKETCHES!r}: "
            "give load_fashion_mnist(...).source."
        )
    for start, end in filter(None, [(low, high), sketches]):
        if start > end:
            raise ValueError(f"{name}: low={start} is above high={end}.")
    said = f"{_end(low)} to {_end(high)}"
    if sketches:
        # Both are said, so that the text is the same whatever was downloaded.
        said += "; on sketches {} to {}".format(*map(_end, sketches))
        low, high = sketches if source == _SKETCHES else (low, high)
    display(measured_bundle(name, values, low, high, digits, labels, said), raw=True)


def measured_bundle(
    name: str,
    values: Sequence[float],
    low: float,
    high: float,
    digits: int = 3,
    labels: Sequence[str] = (),
    said: str | None = None,
) -> Bundle:
    """Return the output data of a measurement: HTML, plain text, JSON for tests.

    `said` is the range as the learner reads it, where that is more than low and high.

    >>> data = measured_bundle("loss", [0.5], 0.1, 0.2)
    >>> data["application/vnd.course.measured+json"]["held"]
    False
    """
    held = all(low <= value <= high for value in values)  # nan lies nowhere
    shown = _numbers(values, digits)
    if labels:
        shown = [f"{label} {run}" for label, run in zip(labels, shown, strict=True)]
    expected = f"(expected {said or f'{_end(low)} to {_end(high)}'})"
    told = f" {bundles.unbroken(expected)}"
    if held and 0 < 100 * low < high:  # says next to nothing: left to plain text
        told = ""
    runs = (", " if labels else " ").join(shown)
    page = (
        f'<div class="{bundles.MEASURED_CLASS}" style="{_STYLE}">'
        f"{html.escape(name)}: <b>{bundles.unbroken(html.escape(runs))}</b>{told}"
        + ("" if held else f"<div {bundles.LIVE}>{OUTSIDE}</div>")
        + "</div>"
    )
    return {
        bundles.HTML: page,
        bundles.PLAIN: f"{name}: {runs} {expected}" + ("" if held else f"\n{OUTSIDE}"),
        bundles.MEASURED: {
            "name": name,
            "values": list(map(_for_json, values)),
            "runs": list(labels),
            "low": low,
            "high": high,
            "held": held,
        },
    }


def _runs(
    value: SupportsFloat | Iterable[SupportsFloat] | Mapping[str, SupportsFloat],
) -> tuple[list[str], list[float]]:
    """Return the runs' names, none if they have none, and their values."""
    if isinstance(value, Mapping):
        return [str(label) for label in value], list(map(_number, value.values()))
    # A tensor of any shape can be iterated over, by its type.
    if isinstance(value, Iterable) and getattr(value, "ndim", 1):
        return [], list(map(_number, value))
    return [], [_number(cast(SupportsFloat, value))]


def _number(run: SupportsFloat) -> float:
    # A loss that still hangs on its graph: torch warns where that becomes a float.
    detach = getattr(run, "detach", None)
    return float(detach() if detach else run)


def _numbers(runs: Sequence[float], digits: int) -> list[str]:
    """Return the runs as text, all with as many decimals as the largest needs."""
    largest = max((abs(run) for run in runs if math.isfinite(run)), default=0.0)
    # Nothing but zeros: 0 without decimals.
    exponent = math.floor(math.log10(largest)) if largest else digits - 1
    if exponent < -4:
        return [f"{run:.{digits - 1}e}" for run in runs]
    return [f"{run:,.{max(0, digits - 1 - exponent)}f}" for run in runs]


def _end(value: float) -> str:
    """Return an end of the range as text: a large number in full, as the values are."""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:g}"


def _for_json(value: float) -> float | str:
    if not math.isfinite(value):
        return str(value)  # JSON has no nan
    return int(value) if value.is_integer() else value  # a browser saves 11.0 as 11
