"""A prediction and its answers."""

import pytest
from ipywidgets import RadioButtons, Widget

from course_utils import ask
from course_utils.display.bundles import HTML, LIVE, PLAIN, QUESTION_CLASS, WIDGET_VIEW
from course_utils.display.question import _radio_box


@pytest.fixture(scope="module", autouse=True)
def widgets_closed():
    yield
    Widget.close_all()


def question(**changes):
    example = {
        "question": "Is `a < b`?",
        "options": ["`yes`", "no", "perhaps"],
        "answer": 0,
        "why": "It is <b>less</b>.",
        "wrong": {1: "Look again."},
    }
    return example | changes


def children():
    title, radio, feedback = _radio_box(**question()).children
    assert isinstance(radio, RadioButtons)
    return title, radio, feedback


def feedback_after(*choices: int | None) -> str:
    _, radio, feedback = children()
    for index in choices:
        radio.index = index
    return feedback.value


def test_page_without_a_kernel_shows_question_options_and_folded_answer(displayed):
    ask(**question())
    ((data, _),) = displayed
    assert "<code>a &lt; b</code>" in data[HTML]
    assert data[HTML].count("<li>") == 3
    _, folded = data[HTML].split("<details>")
    assert "<code>yes</code>" in folded and "It is &lt;b&gt;less" in folded
    assert data[PLAIN].splitlines() == [
        "Predict. Is `a < b`?",
        "  a) `yes`",
        "  b) no",
        "  c) perhaps",
    ]
    assert WIDGET_VIEW in data


def test_radio_buttons_show_the_options_without_backticks():
    title, radio, _ = children()
    assert list(radio.options) == ["yes", "no", "perhaps"]
    assert "<b>Predict.</b> Is <code>a &lt; b</code>?" in title.value


def test_right_option_shows_why():
    assert "✓ Yes." in feedback_after(0)
    assert "It is &lt;b&gt;less&lt;/b&gt;." in feedback_after(0)


def test_wrong_option_shows_its_own_hint_and_not_the_answer():
    assert "Look again." in feedback_after(1)
    assert "less" not in feedback_after(1)


def test_wrong_option_without_a_hint_sends_to_the_next_cell():
    assert "run the next cell" in feedback_after(2)


def test_last_choice_counts():
    assert "✓ Yes." in feedback_after(1, 0)
    assert "✗ Not this one." in feedback_after(0, 2)


def test_clearing_the_choice_keeps_the_feedback():
    assert "✓ Yes." in feedback_after(0, None)


def test_screen_readers_are_told_the_feedback():
    for feedback in (feedback_after(), feedback_after(0), feedback_after(1)):
        assert LIVE in feedback
        assert QUESTION_CLASS in feedback  # the browser tests find it by this


def test_nothing_is_chosen_at_first():
    assert children()[1].index is None
    assert "Yes" not in feedback_after() and "Not this" not in feedback_after()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"options": ["yes"]}, "two or more options"),
        ({"options": ["yes", "yes"]}, "all different"),
        ({"answer": 3}, "names no option"),
        ({"answer": -1}, "names no option"),
        ({"wrong": {0: "x"}}, "explains wrong options"),
        ({"wrong": {9: "x"}}, "explains wrong options"),
        ({"wrong": {-1: "x"}}, "explains wrong options"),
    ],
)
def test_unusable_question_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        ask(**question(**changes))
