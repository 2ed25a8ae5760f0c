"""A prediction and its answers."""

import html
import re

import pytest

from course_utils import ask
from course_utils.display.bundles import HTML, OPTION_CLASS, PLAIN, QUESTION_CLASS

RGBA = r"background:rgba\((\d+),(\d+),(\d+),([.\d]+)\)"


def question(**changes):
    example = {
        "question": "Is `a < b`?",
        "options": ["`yes`", "no", "perhaps"],
        "answer": 0,
        "why": "It is <b>less</b>.",
        "wrong": {1: "Look again."},
    }
    return example | changes


@pytest.fixture
def card(displayed) -> dict:
    ask(**question())
    ((data, _),) = displayed
    return data


def options(page: str) -> list[tuple[str, str]]:
    """Return each option's line and what stands under it."""
    parts = r"(?s)<details[^>]*><summary[^>]*>(.*?)</summary>(.*?)</details>"
    return re.findall(parts, page)


def words(page: str) -> str:
    return html.unescape(re.sub(r"<style>.*?</style>|<[^>]*>", "", page))


def test_card_is_plain_html_and_text(card):
    assert set(card) == {HTML, PLAIN}
    assert QUESTION_CLASS in card[HTML]
    assert "<script" not in card[HTML]


def test_text_shows_question_and_options_but_no_answer(card):
    assert card[PLAIN].splitlines() == [
        "Predict. Is `a < b`?",
        "  a) `yes`",
        "  b) no",
        "  c) perhaps",
    ]


def test_only_question_and_options_are_seen_at_first(card):
    folded = re.sub(r"(?s)</summary>.*?</details>", " ", card[HTML])
    seen = words(folded.replace("<summary", " <summary"))
    assert seen.split() == ["Predict.", "Is", "a", "<", "b?", "yes", "no", "perhaps"]
    assert "<details open" not in card[HTML]


def test_words_between_backticks_are_code_and_the_rest_no_markup(card):
    assert "<code>a &lt; b</code>" in card[HTML]
    (yes, why), *_ = options(card[HTML])
    assert yes == "<code>yes</code>"
    assert "It is &lt;b&gt;less&lt;/b&gt;." in why


def test_each_option_has_its_own_verdict(card):
    verdicts = [words(under) for _, under in options(card[HTML])]
    right, hinted, unhinted = verdicts
    assert right == "✓ Yes. It is <b>less</b>."
    assert hinted == "✗ Not this one. Look again."
    assert unhinted.startswith("✗ Not this one. ") and "run the next cell" in unhinted


def test_right_and_wrong_differ_in_colour_too(card):
    right, *wrong = [
        re.search(r"border-left:[^;]*rgb\(([^)]*)\)", under)[1]
        for _, under in options(card[HTML])
    ]
    assert right not in wrong and len(set(wrong)) == 1


@pytest.mark.parametrize(("page", "text"), [(255, 33), (17, 255)])
def test_verdicts_can_be_read_in_both_themes(card, page, text):
    """`page` and `text` are the greys of JupyterLab's light and dark theme."""
    for *colour, share in re.findall(RGBA, card[HTML]):
        behind = [float(share) * int(c) + (1 - float(share)) * page for c in colour]
        assert contrast([text] * 3, behind) >= 4.5
        if "border-left:4px solid rgb({},{},{})".format(*colour) in card[HTML]:
            assert contrast(list(map(int, colour)), behind) >= 3


def contrast(one: list[float], other: list[float]) -> float:
    """Return how far two colours differ in lightness, by WCAG 2.2: 1 to 21."""

    def luminance(colour: list[float]) -> float:
        parts = [c / 255 for c in colour]
        linear = [
            c / 12.92 if c <= 0.04 else ((c + 0.055) / 1.055) ** 2.4 for c in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def test_options_of_a_question_close_each_other_and_no_one_else_s(displayed):
    for changes in ({}, {}, {"question": "Is `b < a`?"}):
        ask(**question(**changes))
    names = [re.findall(r'<details[^>]* name="(.*?)"', d[HTML]) for d, _ in displayed]
    assert [len(set(group)) for group in names] == [1, 1, 1]
    first, again, other = (group[0] for group in names)
    assert first == again != other


def test_browser_finds_the_options_by_their_class(card):
    assert card[HTML].count(f'class="{OPTION_CLASS}"') == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"options": ["yes"]}, "two or more options"),
        ({"options": ["yes", "yes"]}, "all different"),
        ({"answer": 3}, "names no option"),
        ({"answer": -1}, "names no option"),
        ({"folds": 0}, "fold 1 output or more"),
        ({"wrong": {0: "x"}}, "explains wrong options"),
        ({"wrong": {9: "x"}}, "explains wrong options"),
        ({"wrong": {-1: "x"}}, "explains wrong options"),
    ],
)
def test_unusable_question_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        ask(**question(**changes))
