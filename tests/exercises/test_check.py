"""The check: what it shows, and that it never raises."""

import sys

import pytest
import torch

from course_utils import check
from course_utils.display.bundles import CHECK, CHECK_CLASS
from course_utils.errors import CourseError
from course_utils.exercises import check as check_module
from course_utils.exercises import registry
from course_utils.exercises.check import verdict_bundle
from course_utils.exercises.model import Exercise, State, Verdict
from course_utils.exercises.registry import register


def affine(x, weight, bias):
    return x @ weight.T + bias


def forgot_bias(x, weight, bias):
    return x @ weight.T


def shown(displayed) -> dict:
    ((data, _),) = displayed
    return data


def test_correct_answer(displayed):
    check("linear.affine", affine)
    data = shown(displayed)
    assert data["text/plain"] == "✓ Exercise 3 of 9 (linear.affine): correct."
    assert (
        "<b>✓ Exercise 3 of 9: correct.</b> <small>linear.affine</small>"
        in (data["text/html"])
    )
    assert data[CHECK] == {
        "name": "linear.affine",
        "state": "correct",
        "misconception": None,
    }


def test_known_mistake_is_named(displayed):
    check("linear.affine", forgot_bias)
    data = shown(displayed)
    assert data[CHECK]["misconception"] == "no bias"
    assert "the bias is missing" in data["text/plain"]
    assert 'data-state="wrong"' in data["text/html"]
    assert "<code>+ bias</code>" in data["text/html"]


def test_unknown_mistake_shows_the_smallest_failing_case(displayed):
    check("linear.affine", lambda x, weight, bias: 2 * affine(x, weight, bias))
    data = shown(displayed)
    assert data[CHECK]["state"] == "wrong"
    assert "Your result is 2 times the expected one" in data["text/plain"]
    assert "x = [[" in data["text/plain"]
    assert "expected [[" in data["text/plain"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("linear.afine", "Did you mean 'linear.affine'?"),
        ("lineal.affine", "No lesson has exercises named 'lineal.…'"),
        ("3x.affine", "names look like linear.affine"),
        (3, "is not the name of an exercise"),
    ],
)
def test_unknown_name_is_reported(name, words, displayed):
    check(name, affine)
    assert words in shown(displayed)["text/plain"]
    assert shown(displayed)[CHECK]["state"] == "error"


def test_answer_that_breaks_the_check_does_not_break_the_page(displayed):
    class Nasty(torch.Tensor):
        @property
        def shape(self):
            raise MemoryError("no")

    nasty = torch.zeros(2).as_subclass(Nasty)
    check("linear.affine", lambda x, weight, bias: nasty)
    assert shown(displayed)[CHECK]["state"] == "wrong"
    assert "yours is (2,)" in shown(displayed)["text/plain"]


def test_error_of_the_check_itself_is_shown(displayed, monkeypatch):
    def broken(exercise, answer):
        raise KeyError("missing")

    monkeypatch.setattr("course_utils.exercises.check.diagnose", broken)
    check("linear.affine", affine)
    text = shown(displayed)["text/plain"]
    assert text == (
        "✗ Exercise 3 of 9 (linear.affine): stopped by an error.\n"
        "The check itself failed: KeyError: 'missing'"
    )
    assert shown(displayed)[CHECK]["state"] == "error"


@pytest.mark.parametrize(
    ("state", "heading", "colour"),
    [
        (State.CORRECT, "✓ a.b: correct.", "#009E73"),
        (State.WRONG, "✗ a.b: not yet.", "#D55E00"),
        (State.ERROR, "✗ a.b: stopped by an error.", "#D55E00"),
        (State.NOT_ATTEMPTED, "○ a.b: not attempted yet.", "#0072B2"),
    ],
)
def test_bundle_of_each_state(state, heading, colour):
    bundle = verdict_bundle("a.b", Verdict(state))
    assert bundle == {
        "text/html": f'<div class="{CHECK_CLASS}" data-state="{state.value}" '
        f'role="status" style="border-left:4px solid {colour};padding:.3em .8em;'
        f'max-width:46em"><b>{heading}</b></div>',
        "text/plain": heading,
        CHECK: {"name": "a.b", "state": state.value, "misconception": None},
    }


def test_bundle_holds_messages_and_case_escaped():
    verdict = Verdict(State.WRONG, ("Use `a < b`.", "Twice."), "sign", "x = <3>\ny = 1")
    bundle = verdict_bundle("<a>.b", verdict)
    assert bundle["text/plain"] == (
        "✗ <a>.b: not yet.\nUse `a < b`.\nTwice.\nx = <3>\ny = 1"
    )
    assert bundle["text/html"].endswith(
        "<b>✗ &lt;a&gt;.b: not yet.</b>"
        "<div>Use <code>a &lt; b</code>.</div><div>Twice.</div>"
        '<pre style="font-size:.9em;margin:.4em 0 0 0;white-space:pre-wrap">'
        "x = &lt;3&gt;\ny = 1</pre></div>"
    )
    assert bundle[CHECK]["misconception"] == "sign"


@pytest.fixture
def doubling(monkeypatch):
    """An exercise with two hints, of which none was shown."""
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.setattr(check_module, "_hints_shown", {})
    hints = ("What is `x + x`?", "Use <two> of them.")
    cases = lambda: [(3,), (5,), (7,)]  # noqa: E731
    register(Exercise("mine.double", lambda x: 2 * x, (), cases, hints=hints))
    register(Exercise("mine.triple", lambda x: 3 * x, (), cases))
    return "mine.double"


def square(x):
    return x * x


def test_hints_are_folded_under_a_wrong_verdict(doubling, displayed):
    check(doubling, square)
    data = shown(displayed)
    assert data["text/html"].endswith(
        "<details><summary>Hint 1</summary>What is <code>x + x</code>?</details>"
        "<details><summary>Hint 2</summary>Use &lt;two&gt; of them.</details></div>"
    )
    assert data["text/plain"].endswith('For a hint: check("mine.double", …, hint=True)')


@pytest.mark.parametrize("answer", [..., lambda x: x + x])
def test_no_hints_under_other_verdicts(answer, doubling, displayed):
    check(doubling, answer)
    assert "int 1" not in str(shown(displayed))
    assert "hint" not in shown(displayed)["text/plain"]


@pytest.mark.parametrize("answer", [..., square, lambda x: x / 0])
def test_each_call_shows_the_next_hint_and_the_last_one_stays(
    answer, doubling, displayed
):
    for _ in range(3):
        check(doubling, answer, hint=True)
    steps = ["Hint 1 of 2: What is", "Hint 2 of 2: Use", "Hint 2 of 2: Use"]
    for (data, _), step in zip(displayed, steps, strict=True):
        assert step in data["text/plain"]
        assert step in data["text/html"]


def test_hints_are_counted_for_each_exercise(doubling, displayed):
    check(doubling, square, hint=True)
    check("mine.triple", square, hint=True)
    check(doubling, square, hint=True)
    texts = [data["text/plain"] for data, _ in displayed]
    assert "Hint 2 of 2" in texts[2]
    assert "This exercise has no hints." in texts[1]


def test_right_answer_needs_no_hint(doubling, displayed):
    check(doubling, lambda x: x + x, hint=True)
    assert shown(displayed)["text/plain"] == "✓ mine.double: correct."


def test_interrupt_of_the_learner_passes(doubling, displayed):
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(doubling, interrupted)
    assert not displayed


@pytest.mark.parametrize(
    ("answer", "words"),
    [(..., "not attempted yet"), (forgot_bias, "not yet"), (None, "not yet")],
)
def test_strict_check_raises_below_the_verdict(answer, words, displayed):
    with pytest.raises(CourseError, match=f"linear.affine: {words}"):
        check("linear.affine", answer, strict=True)
    assert words in shown(displayed)["text/plain"]


def test_strict_check_of_a_correct_answer_writes_nothing_to_stderr(displayed, capsys):
    def warns(x, weight, bias):
        print("careful", file=sys.stderr)
        return affine(x, weight, bias)

    check("linear.affine", warns, strict=True)
    assert shown(displayed)[CHECK]["state"] == "correct"
    out, err = capsys.readouterr()
    assert "careful" in out and err == ""
    check("linear.affine", warns)
    assert "careful" in capsys.readouterr().err
