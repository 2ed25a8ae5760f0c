"""A prediction: a question asked before the cell that answers it."""

from collections.abc import Mapping, Sequence
from string import ascii_lowercase
from typing import TYPE_CHECKING

from course_utils.display import bundles
from course_utils.display.bundles import LIVE, QUESTION_CLASS, markup, widget_view

if TYPE_CHECKING:
    from ipywidgets import VBox

# ipywidgets sets lines as far apart as sliders.
_TIGHT = 'style="line-height:1.45"'


def ask(
    question: str,
    options: Sequence[str],
    answer: int,
    why: str,
    wrong: Mapping[int, str] | None = None,
) -> None:
    """Ask a question with options; choosing one shows at once whether it is right.

    Without a kernel the page shows the question, the options and the folded answer.
    Text between backticks is set as code.

    Args:
        question: what to predict about the next cell.
        options: the answers to choose from, two or more, all different.
        answer: the index of the right one, from 0.
        why: the reason, shown with the right answer.
        wrong: a hint for each wrong option that deserves one, by its index.

    Raises:
        ValueError: fewer than two options, two alike, or an index out of range.

    Outside a notebook, as here, the output is printed instead:

    >>> ask(
    ...     "What shape has `x.T`, for `x` of shape `(2, 3)`?",
    ...     ["`(2, 3)`", "`(3, 2)`"],
    ...     answer=1,
    ...     why="The two axes change places.",
    ...     wrong={0: "`.T` swaps the axes, even where nothing else moves."},
    ... )  # doctest: +ELLIPSIS
    {..., 'text/plain': 'Predict. What shape has `x.T`, for `x` of shape `(2, 3)`?...'}
    """
    from IPython.display import display  # kept out of `import course_utils`

    wrong = wrong or {}
    last = len(options) - 1
    if last < 1 or len(set(options)) < len(options):
        raise ValueError("give two or more options, all different.")
    if not 0 <= answer <= last:
        raise ValueError(f"answer={answer} names no option: use 0 to {last}.")
    if answer in wrong or not all(0 <= index <= last for index in wrong):
        raise ValueError("wrong= explains wrong options, by their index.")
    box = _radio_box(question, options, answer, why, wrong)
    static = _static(question, options, answer, why)
    display(widget_view(box.model_id) | static, raw=True)


def _radio_box(
    question: str,
    options: Sequence[str],
    answer: int,
    why: str,
    wrong: Mapping[int, str],
) -> "VBox":
    from ipywidgets import HTML, Layout, RadioButtons, VBox

    # Radio buttons show plain text, so backticks are dropped there.
    radio = RadioButtons(
        options=[option.replace("`", "") for option in options],
        value=None,
        layout=Layout(width="auto"),
    )
    feedback = HTML(_feedback(""))

    def react(_change: object) -> None:
        if (index := radio.index) is None:
            return
        if index == answer:
            feedback.value = _feedback(f"<b>✓ Yes.</b> {markup(why)}")
        else:
            hint = wrong.get(index, "Think again, or run the next cell and look.")
            feedback.value = _feedback(f"<b>✗ Not this one.</b> {markup(hint)}")

    radio.observe(react, names="value")
    title = f'<div class="{QUESTION_CLASS}" {_TIGHT}>{_question(question)}</div>'
    return VBox([HTML(title), radio, feedback], layout=Layout(max_width="46em"))


def _question(question: str) -> str:
    return f"<b>Predict.</b> {markup(question)}"


def _feedback(content: str) -> str:
    return f'<div class="{QUESTION_CLASS}" {LIVE} {_TIGHT}>{content}</div>'


def _static(
    question: str, options: Sequence[str], answer: int, why: str
) -> dict[str, str]:
    items = "".join(f"<li>{markup(option)}</li>" for option in options)
    folded = f"<b>{markup(options[answer])}</b>. {markup(why)}"
    letters = zip(ascii_lowercase, options, strict=False)
    lines = [f"  {letter}) {option}" for letter, option in letters]
    return {
        bundles.HTML: f'<div class="{QUESTION_CLASS}">{_question(question)}'
        f'<ol type="a">{items}</ol>'
        f"<details><summary>Answer</summary>{folded}</details></div>",
        bundles.PLAIN: "\n".join([f"Predict. {question}", *lines]),
    }
