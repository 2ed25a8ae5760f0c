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

from course_utils.display import playground as module
from course_utils.display.controls import (
    Control,
    Entry,
    Matrix,
    Menu,
    Slider,
    Switch,
    controls_of,
)

MIXED = 24  # states in which every control stands anywhere
WORDS = ["", "a", "levels", "two words"]  # for a text that a learner types


@dataclass
class Recorded:
    """A playground as the lesson asked for it."""

    draw: Callable[..., object]
    ncols: int
    controls: dict[str, Any]


_recorded: list[Recorded] = []


def record() -> None:
    """Remember each playground that is shown from here on."""
    show = module.playground

    options = set(inspect.signature(show).parameters)

    def playground(draw, alt, *, ncols=1, **more) -> None:
        controls = {name: more[name] for name in more if name not in options}
        _recorded.append(Recorded(draw, ncols, controls))
        show(draw, alt, ncols=ncols, **more)

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
    controls = controls_of(shown.draw, shown.controls)
    start = {name: control.value(control.start) for name, control in controls.items()}
    choices = {name: values(control) for name, control in controls.items()}
    for name, every in choices.items():
        yield from (start | {name: value} for value in every)
    dice = random.Random(0)
    for _ in range(MIXED):
        yield {name: dice.choice(every) for name, every in choices.items()}


def values(control: Control) -> list[Any]:
    """Return every value that `draw` can get from a control; of a matrix, some."""
    match control:
        case Switch():
            return [False, True]
        case Entry():
            return [control.start, *WORDS]
        case Menu():
            return control.options
        case Slider():
            page = control.page()
            steps = round((page["high"] - page["low"]) / page["step"])
            every = np.linspace(page["low"], page["high"], steps + 1).round(9)
            return [control.value(value) for value in every]
        case Matrix():
            return [control.value(rows) for rows in _filled(control.page())]
    raise TypeError(f"no values are known for {control!r}")


def _filled(page: dict[str, Any]) -> Iterator[np.ndarray]:
    """Yield a matrix as it starts, then full of one number, then with one changed."""
    start = np.array(page["start"])
    numbers = [page["low"], page["high"]]
    yield start
    yield from (np.full_like(start, number) for number in numbers)
    for place in np.ndindex(start.shape):
        for number in numbers:
            changed = start.copy()
            changed[place] = number
            yield changed
