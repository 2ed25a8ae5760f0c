"""A prediction and its answers."""

import pytest
from ipywidgets import RadioButtons, Widget

from course_utils import ask
from course_utils.display.bundles import markup
from course_utils.display.question import _radio_box


def question(**changes):
    given = {
        "question": "Is `a < b`?",
        "options": ["`yes`", "no", "perhaps"],
        "answer": 0,
        "why": "It is <b>less</b>.",
        "wrong": {1: "Look again."},
    }
    return given | changes


def chosen(index: int) -> str:
    box = _radio_box(**question())
    _title, radio, feedback = box.children
    assert isinstance(radio, RadioButtons)
    radio.index = index
    return feedback.value


def test_the_page_without_a_kernel_shows_question_options_and_folded_answer(displayed):
    ask(**question())
    ((data, _),) = displayed
    assert "<code>a &lt; b</code>" in data["text/html"]
    assert data["text/html"].count("<li>") == 3
    assert "<details>" in data["text/html"]
    assert data["text/plain"].splitlines() == [
        "Predict. Is `a < b`?",
        "  a) `yes`",
        "  b) no",
        "  c) perhaps",
    ]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_the_right_option_shows_why():
    assert "✓ Yes." in chosen(0)
    assert "It is &lt;b&gt;less&lt;/b&gt;." in chosen(0)


def test_a_wrong_option_shows_its_own_sentence_and_not_the_answer():
    assert "Look again." in chosen(1)
    assert "less" not in chosen(1)


def test_a_wrong_option_without_one_sends_to_the_next_cell():
    assert "run the next cell" in chosen(2)


def test_nothing_is_chosen_at_first():
    assert _radio_box(**question()).children[1].index is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"options": ["yes"]}, "two or more options"),
        ({"options": ["yes", "yes"]}, "all different"),
        ({"answer": 3}, "names no option"),
        ({"answer": -1}, "names no option"),
        ({"wrong": {0: "x"}}, "explains wrong options"),
        ({"wrong": {9: "x"}}, "explains wrong options"),
    ],
)
def test_an_unusable_question_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        ask(**question(**changes))


def test_code_between_backticks_and_stress_between_stars():
    assert markup("a `b<c` *all* d") == "a <code>b&lt;c</code> <em>all</em> d"
    assert markup("`a*b*c`, 2 * 3 * 4") == "<code>a*b*c</code>, 2 * 3 * 4"


def teardown_module():
    Widget.close_all()
