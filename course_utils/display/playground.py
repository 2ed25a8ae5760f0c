"""A playground: controls beside one picture that is redrawn in place."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from textwrap import fill
from typing import TYPE_CHECKING, Any

from course_utils.display.bundles import (
    HTML,
    PLAIN,
    Bundle,
    caption_bundle,
    still_bundle,
    still_class,
    widget_view,
)
from course_utils.display.controls import Control, controls_of
from course_utils.display.drawing import Draw, Drawing
from course_utils.display.figures import SHARPNESS, figure_bundle

if TYPE_CHECKING:
    from course_utils.display.frame.widget import Frame

LINE = 66  # characters of plain text on a narrow page


def playground(
    draw: Draw,
    alt: str,
    *,
    ncols: int = 1,
    figsize: tuple[float, float] | None = None,
    labels: Mapping[str, str] | None = None,
    goal: str | None = None,
    **controls: Any,
) -> None:
    """Show controls and a picture that `draw` redraws whenever one of them moves.

    `draw(ax, **values)` draws everything into an empty axes. A sentence it returns
    appears above the picture and follows every move. Where `draw` gives a parameter
    a default, its control starts there.

    Args:
        draw: called with one axes (a list of them if `ncols` > 1) and the values.
        alt: what the picture shows, for those who can't see it.
        ncols: how many axes stand side by side.
        figsize: the figure's width and height in inches.
        labels: names in words, by parameter; else `line_width` is 'line width'.
        goal: what the learner tries to reach, such as 'loss below 0.07'. `draw` then
            returns its sentence and whether the goal is reached.
        **controls: one control per parameter of `draw`, chosen by type: True (check
            box), (low, high) or (low, high, step) (slider), a list or a dict (menu),
            a text (field), `Matrix` or `Steps`.

    Raises:
        TypeError: nothing fits a control, `draw` takes no such parameter, or it
            returns something else than a sentence, or than `goal` asks for.
        ValueError: `alt` is empty, a range is, or a default is outside it.

    Outside a notebook, as here, the outputs are printed instead:

    >>> def line(ax, slope=1.0):
    ...     ax.plot([0, 1], [0, slope])
    ...     return f"It rises by {slope}.", slope > 1.5
    >>> goal = "a rise above 1.5"
    >>> playground(line, "A line.", goal=goal, slope=(0.0, 2.0))  # doctest: +ELLIPSIS
    {...'text/plain': 'It rises by 1.0.\\nGoal: a rise above 1.5'}
    {...'text/plain': 'A line.'}
    {...'text/plain': 'A line.'}
    {...'Controls: slope = 1.0.\\nRun this cell to move them.'}
    """
    # Imported here to keep `import course_utils` quick.
    from IPython.display import display

    from course_utils.display.frame.widget import Frame

    chosen = controls_of(draw, controls)
    names = names_of(chosen, labels or {})
    start = {name: control.value(control.start) for name, control in chosen.items()}
    drawing = Drawing(
        draw, start, ncols=ncols, figsize=figsize, has_goal=goal is not None
    )
    still = still_class(draw.__name__, alt, str(list(names)))
    for data, metadata in _stills(drawing, alt, goal, still):
        display(data, metadata=metadata, raw=True)
    width, height = drawing.size
    data = {
        "controls": [
            {"name": name, "label": names[name], **control.page()}
            for name, control in chosen.items()
        ],
        **{"alt": alt, "goal": goal, "width": width, "height": height, "still": still},
    }
    frame = Frame(data, SHARPNESS)
    frame.picture = drawing.png(SHARPNESS)
    frame.say(drawing.said)
    _connect(frame, drawing, chosen)
    # Without a kernel a frontend shows the text, so it says what there is to move.
    text = _what_there_is({names[name]: value for name, value in start.items()})
    display(widget_view(frame.model_id or "") | {PLAIN: text}, raw=True)


def _what_there_is(values: Mapping[str, Any]) -> str:
    """Return the controls and their values, in lines that fit a narrow page.

    A frontend breaks longer ones inside a word. No line ends between a short name and
    its value.

    >>> print(_what_there_is({"p, share struck out": 0.5, "passes averaged": 4}))
    Controls: p, share struck out = 0.5, passes averaged = 4.
    Run this cell to move them.
    """
    pairs = [f"{name} = {value}" for name, value in values.items()]
    kept = [p.replace(" ", "\0") if len(p) < LINE - 10 else p for p in pairs]
    lines = fill(f"Controls: {', '.join(kept)}.", LINE).replace("\0", " ")
    return f"{lines}\nRun this cell to move them."


def names_of(
    controls: Mapping[str, Control], labels: Mapping[str, str]
) -> dict[str, str]:
    for name in labels:
        if name not in controls:
            raise TypeError(f"labels names '{name}', which is no control.")
    return {name: labels.get(name, name.replace("_", " ")) for name in controls}


@contextmanager
def collector_waits() -> Iterator[None]:
    """Let Python's garbage collector run after a block, not in it.

    It seldom looks through all that torch has made, but then for half a second.

    >>> with collector_waits():
    ...     gc.isenabled()
    False
    >>> gc.isenabled()
    True
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _connect(frame: "Frame", drawing: Drawing, controls: Mapping[str, Control]) -> None:
    """Answer whatever the page asks of a playground."""

    def answer(change: Mapping[str, Any]) -> None:
        asked, moved = change["new"], change["new"]["values"] != change["old"]["values"]
        failed = "" if moved else frame.said["failed"]
        with collector_waits(), frame.hold_sync():  # in one message
            try:
                if moved:
                    held = asked["values"].items()
                    drawing.redraw({n: controls[n].value(state) for n, state in held})
                if not failed:
                    frame.picture = drawing.png(asked["scale"])
            # An interrupt too, else the page waits for an answer and asks no more.
            except (Exception, KeyboardInterrupt) as error:
                failed = f"The drawing failed: {type(error).__name__}: {error}"
            frame.say(drawing.said, failed)
            frame.answered = asked["number"]

    frame.observe(answer, names="asked")


def _stills(
    drawing: Drawing, alt: str, goal: str | None, still: str
) -> list[tuple[Bundle, Bundle]]:
    """Return what stands where no kernel runs; the widget hides its class, `still`."""
    lines = [drawing.said.sentence, f"Goal: {goal}" if goal else ""]
    style = 'style="font-size:1.15em;line-height:1.4;margin:0 0 .3em 6px"'
    page = "".join(f"<p {style}>{escape(line)}</p>" for line in lines if line)
    words: Bundle = {HTML: page, PLAIN: "\n".join(filter(None, lines))}
    picture, metadata = figure_bundle(drawing.figure, alt)
    caption = still_bundle({**caption_bundle(alt)}, still, last=True)
    stills = [(still_bundle(picture, still), metadata), (caption, {})]
    return [(still_bundle(words, still), {}), *stills] if words[PLAIN] else stills
