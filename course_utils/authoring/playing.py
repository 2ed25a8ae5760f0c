"""Playgrounds moved without a page: what a browser would send, and how long it takes.

A move is measured from the message to the picture's bytes, in the process that draws.
"""

import io
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any
from unittest.mock import patch

import IPython.display

from course_utils.display.frame import widget


@contextmanager
def shown() -> Iterator[list[widget.Frame]]:
    """Collect the frames of the playgrounds that a block shows; nothing is displayed.

    >>> from course_utils import playground
    >>> with shown() as frames:
    ...     playground(lambda ax, slope=1.0: None, "A line.", slope=(0.0, 2.0))
    >>> len(frames)
    1
    """
    frames: list[widget.Frame] = []

    class Kept(widget.Frame):
        def __init__(self, data: dict[str, Any], scale: float) -> None:
            super().__init__(data, scale)
            frames.append(self)

    with (
        patch.object(widget, "Frame", Kept),
        patch.object(IPython.display, "display"),
        redirect_stdout(io.StringIO()),
    ):
        yield frames


def move(frame: widget.Frame, values: Mapping[str, Any]) -> float:
    """Set all controls, and return the seconds until the new picture is there.

    Raises:
        RuntimeError: the drawing failed.
    """
    number = frame.asked["number"] + 1
    start = time.perf_counter()
    frame.asked = {**frame.asked, "number": number, "values": dict(values)}
    seconds = time.perf_counter() - start
    if frame.said["failed"] or frame.answered != number:
        raise RuntimeError(frame.said["failed"] or "no answer")
    return seconds


def states(frame: widget.Frame, count: int) -> Iterator[dict[str, Any]]:
    """Yield so many states of a playground; in each all controls stand elsewhere."""
    for number in range(1, count + 1):
        yield {
            control["name"]: _state(control, number)
            for control in frame.data["controls"]
        }


def _state(control: Mapping[str, Any], number: int) -> Any:
    """Return what a control holds after so many moves; a text stays as it is.

    >>> slider = {"kind": "slider", "start": 0.5, "low": 0.0, "high": 1.0, "step": 0.5}
    >>> [_state(slider, number) for number in range(4)]
    [0.0, 0.5, 1.0, 0.0]
    """
    match control["kind"]:
        case "slider":
            low, step = control["low"], control["step"]
            places = round((control["high"] - low) / step) + 1
            return low + step * (number % places)
        case "menu":
            return number % len(control["names"])
        case "switch":
            return number % 2 == 1
        case "matrix":
            rows = [list(row) for row in control["start"]]
            rows[0][0] = control["high" if number % 2 else "low"]
            return rows
    return control["start"]
