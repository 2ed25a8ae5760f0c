"""Draw every playground of a lesson, in every value of its controls.

The kernel's start-up calls `record`; a cell after the lesson's last calls `draw_all`.
"""

import inspect
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from ipywidgets import Checkbox, Text, Widget, interactive

from course_utils.display import playground as module

MIXED = 24  # states in which every control stands anywhere
WORDS = ["", "a", "levels", "two words"]  # for a text that a learner types


@dataclass
class Recorded:
    """A playground as the lesson asked for it."""

    draw: Callable[..., str | None]
    ncols: int
    controls: dict[str, Any]


_recorded: list[Recorded] = []


def record() -> None:
    """Remember each playground that is shown from here on."""
    show = module.playground

    def playground(draw, alt, *, ncols=1, figsize=None, **controls) -> None:
        _recorded.append(Recorded(draw, ncols, controls))
        show(draw, alt, ncols=ncols, figsize=figsize, **controls)

    module.playground = playground


def draw_all(expected: int) -> None:
    """Draw the recorded playgrounds, in place of the learner's hand.

    Raises:
        AssertionError: there are not as many as expected, or states failed: which,
            and why.
    """
    assert len(_recorded) == expected, f"{len(_recorded)} recorded, not {expected}"
    failed = [failure for shown in _recorded for failure in failures(shown)]
    assert not failed, "\n".join([f"{len(failed)} states failed", *failed[:5]])


def failures(shown: Recorded) -> Iterator[str]:
    """Draw a playground in its states; yield each that fails with the reason."""
    fig, axes = plt.subplots(1, shown.ncols, dpi=30)
    for state in states(shown):
        for ax in fig.axes:
            ax.clear()
        try:
            shown.draw(list(fig.axes) if shown.ncols > 1 else axes, **state)
            fig.canvas.draw()
        except Exception as error:
            yield f"{shown.draw.__name__}({state}): {type(error).__name__}: {error}"
    plt.close(fig)


def states(shown: Recorded) -> Iterator[dict[str, Any]]:
    """Yield each control's values with the others at their start, then mixed ones."""
    parameters = inspect.signature(shown.draw).parameters
    widgets = {
        name: interactive.widget_from_abbrev(spec, parameters[name].default)
        for name, spec in shown.controls.items()
    }
    start = {name: widget.value for name, widget in widgets.items()}
    choices = {name: values(widget) for name, widget in widgets.items()}
    for name, every in choices.items():
        yield from (start | {name: value} for value in every)
    dice = random.Random(0)
    for _ in range(MIXED):
        yield {name: dice.choice(every) for name, every in choices.items()}


def values(widget: Widget) -> list[Any]:
    """Return every value that a control can take."""
    if isinstance(widget, Checkbox):
        return [False, True]
    if isinstance(widget, Text):
        return [widget.value, *WORDS]
    if hasattr(widget, "options"):
        return [value for _, value in widget._options_full]
    steps = round((widget.max - widget.min) / widget.step)
    kind = type(widget.value)
    return [kind(v) for v in np.linspace(widget.min, widget.max, steps + 1).round(9)]
