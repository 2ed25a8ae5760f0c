"""A prediction: a question asked before the cell that answers it."""

from collections.abc import Mapping, Sequence

from course_utils.display.bundles import markup, widget_view

# ipywidgets sets lines as far apart as sliders.
TIGHT = 'style="line-height:1.45"'


def ask(
    question: str,
    options: Sequence[str],
    answer: int,
    why: str,
    wrong: Mapping[int, str] | None = None,
) -> None:
    """Ask a question with options; a chosen one is answered at once.

    Without a kernel the page shows the question, the options and the folded answer.
    Words between backticks are set as code.

    Args:
        question: what to predict about the next cell.
        options: the answers to choose from, two or more, all different.
        answer: the index of the right one, from 0.
        why: the reason, shown with the right answer.
        wrong: for the index of a wrong option, the sentence that helps.

    Raises:
        ValueError: fewer than two options, two alike, or an index out of range.
    """
    from IPython.display import display  # kept out of `import course_utils`

    wrong = dict(wrong or {})
    _require_usable(options, answer, wrong)
    box = _radio_box(question, options, answer, why, wrong)
    display(
        widget_view(box.model_id) | _static(question, options, answer, why), raw=True
    )


def _require_usable(options: Sequence[str], answer: int, wrong: Mapping) -> None:
    if len(options) < 2 or len(set(options)) < len(options):
        raise ValueError("give two or more options, all different.")
    last = len(options) - 1
    if not 0 <= answer <= last:
        raise ValueError(f"answer={answer} names no option: use 0 to {last}.")
    if answer in wrong or not all(0 <= index <= last for index in wrong):
        raise ValueError("wrong= explains wrong options, by their index.")


def _radio_box(question: str, options: Sequence[str], answer: int, why: str, wrong):
    from ipywidgets import HTML, Layout, RadioButtons, VBox

    # Radio buttons show plain text, so backticks are dropped there.
    radio = RadioButtons(
        options=[option.replace("`", "") for option in options],
        value=None,
        layout=Layout(width="auto"),
    )
    feedback = HTML(_feedback("", ""))

    def react(change) -> None:
        if (index := radio.index) is None:
            return
        if index == answer:
            feedback.value = _feedback("✓ Yes.", why)
        else:
            hint = wrong.get(index, "Think again, or run the next cell and look.")
            feedback.value = _feedback("✗ Not this one.", hint)

    radio.observe(react, names="value")
    title = HTML(f'<div class="course-quiz" {TIGHT}>{_question(question)}</div>')
    return VBox([title, radio, feedback], layout=Layout(max_width="46em"))


def _question(question: str) -> str:
    return f"<b>Predict.</b> {markup(question)}"


def _feedback(verdict: str, text: str) -> str:
    said = f"<b>{verdict}</b> {markup(text)}" if verdict else ""
    return f'<div class="course-quiz" aria-live="polite" {TIGHT}>{said}</div>'


def _static(question: str, options: Sequence[str], answer: int, why: str) -> dict:
    items = "".join(f"<li>{markup(option)}</li>" for option in options)
    folded = f"<b>{markup(options[answer])}</b>. {markup(why)}"
    lines = [f"Predict. {question}"]
    lines += [
        f"  {letter}) {o}" for letter, o in zip("abcdefgh", options, strict=False)
    ]
    return {
        "text/html": f'<div class="course-quiz">{_question(question)}'
        f'<ol type="a">{items}</ol>'
        f"<details><summary>Answer</summary>{folded}</details></div>",
        "text/plain": "\n".join(lines),
    }
