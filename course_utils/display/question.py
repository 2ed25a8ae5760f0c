"""A prediction: a question asked before the cell that answers it."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from string import ascii_lowercase

from course_utils import diary
from course_utils.display import bundles
from course_utils.display.bundles import (
    BORDER,
    OPTION_CLASS,
    QUESTION_CLASS,
    WIDE,
    details,
    markup,
    pointed_at,
)
from course_utils.display.folding import fold_next_output

_NO_HINT = "Try another, or run the next cell and look."
_GREEN, _ORANGE = "0,158,115", "213,94,0"  # as a check's verdict


def ask(
    question: str,
    options: Sequence[str],
    answer: int,
    why: str,
    wrong: Mapping[int, str] | None = None,
    *,
    folds: int = 1,
) -> None:
    """Ask a question with options; opening one shows at once whether it is right.

    The card needs no kernel and no widget, so it works before anything has run. What
    the next cell prints is folded, for it gives the answer away: `fold_next_output`.
    Text between backticks is set as code.

    The answer is opened in the page, and the kernel never hears of it. Where a person
    runs the cell, the learner's diary notes only that this prediction was reached.

    Args:
        question: what to predict about the next cell.
        options: the answers to choose from, two or more, all different.
        answer: the index of the right one, from 0.
        why: the reason, shown with the right answer.
        wrong: a hint for each wrong option that deserves one, by its index.
        folds: how many of the next outputs give the answer away, such as 2 where a
            drawing of the same numbers follows.

    Raises:
        ValueError: fewer than two options, two alike, or an index out of range, or
            `folds` is below 1.

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
    if folds < 1:
        raise ValueError(f"folds={folds}: fold 1 output or more.")
    # The same in every run, and another one for every question.
    group = f"predict-{sha256(question.encode()).hexdigest()[:8]}"
    letters = zip(ascii_lowercase, options, strict=False)
    lines = [f"  {letter}) {option}" for letter, option in letters]
    card = {
        bundles.HTML: _card(group, question, options, answer, why, wrong),
        bundles.PLAIN: "\n".join([f"Predict. {question}", *lines]),
    }
    display(card, raw=True)
    fold_next_output(folds)
    if lesson := diary.lesson_here():
        diary.note(lesson, diary.REACHED, group)


def _card(
    group: str,
    question: str,
    options: Sequence[str],
    answer: int,
    why: str,
    wrong: Mapping[int, str],
) -> str:
    """Return the card as HTML: under each option what there is to say about it."""
    verdicts = [
        _verdict(f"<b>✗ Not this one.</b> {markup(wrong.get(i, _NO_HINT))}", _ORANGE)
        for i in range(len(options))
    ]
    verdicts[answer] = _verdict(f"<b>✓ Yes.</b> {markup(why)}", _GREEN)
    rows = "".join(
        details(markup(option), verdict, OPTION_CLASS, group)
        for option, verdict in zip(options, verdicts, strict=True)
    )
    box = f"{BORDER};padding:12px 16px 16px;max-width:{WIDE - 34}px"  # with its edges
    return (
        f'{pointed_at(QUESTION_CLASS)}<div class="{QUESTION_CLASS}" style="{box}">'
        f'<div style="margin:0 0 10px"><b>Predict.</b> {markup(question)}</div>'
        f"{rows}</div>"
    )


def _verdict(content: str, colour: str) -> str:
    edge = f"border-left:4px solid rgb({colour});background:rgba({colour},.1)"
    return f'<div style="{edge};margin:4px 12px 12px;padding:4px 12px">{content}</div>'
