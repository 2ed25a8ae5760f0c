"""Attention to touch, without a browser: its data, its still picture, its errors."""

import math

import matplotlib.pyplot as plt
import pytest
import torch

from course_utils import CourseError, touch_attention
from course_utils.display.bundles import PLAIN, WIDGET_VIEW
from course_utils.display.touch import attention
from course_utils.display.touch.attention import AttentionWidget

TOKENS = ["the", "cat", "sat"]


def one_head(*rows):
    """Return queries whose products with the unit matrix, by the root, are `rows`."""
    scores = torch.tensor(rows, dtype=torch.float64)
    return scores[None] * math.sqrt(len(rows)), torch.eye(len(rows)).double()[None]


LOG = math.log(2)
QUERIES, KEYS = one_head([0, LOG, 0], [0, 0, 3 * LOG], [0, 0, 0])


@pytest.fixture
def made(monkeypatch):
    """The widgets that a call has made."""
    widgets = []

    class Recorded(AttentionWidget):
        def __init__(self, **values):
            super().__init__(**values)
            widgets.append(self)

    monkeypatch.setattr(attention, "AttentionWidget", Recorded)
    return widgets


def test_picture_says_where_each_token_looks(displayed):
    touch_attention(TOKENS, QUERIES, KEYS, heads=["its noun"])
    assert displayed[0][0][PLAIN] == displayed[2][0][PLAIN]
    assert displayed[0][0][PLAIN] == (
        "The head “its noun” without a mask, at temperature 1: “cat” looks at “sat” "
        "with 0.80 of its attention. Where each token looks most: the → cat 0.50, "
        "cat → sat 0.80, sat → the, cat and sat 0.33."
    )
    assert plt.get_fignums() == []


def test_widget_is_on_the_page_with_the_picture(displayed, made):
    touch_attention(TOKENS, QUERIES, KEYS)
    assert displayed[1][0][WIDGET_VIEW]["model_id"] == made[0].model_id


def test_page_gets_the_numbers_and_the_surest_token(displayed, made):
    touch_attention(TOKENS, QUERIES, KEYS, entries=["a", "b", "c"])
    data = made[0].data
    assert data["tokens"] == TOKENS
    assert data["queries"] == QUERIES.tolist()
    assert data["keys"] == KEYS.tolist()
    assert data["entries"] == ["a", "b", "c"]
    assert data["start"] == 1


def test_heads_are_counted_where_they_have_no_names(displayed, made):
    touch_attention(TOKENS, QUERIES.repeat(2, 1, 1), KEYS.expand(2, 3, 3))
    assert made[0].data["heads"] == ["1", "2"]


def test_token_that_comes_twice_is_named_with_its_place(displayed):
    touch_attention(["a", "cat", "a"], QUERIES, KEYS)
    assert "“cat” looks at “a” (token 3) with 0.80" in displayed[0][0][PLAIN]


def test_equal_shares_of_many_tokens_are_one_number(displayed):
    queries, keys = torch.zeros(2, 1, 8, 4)
    touch_attention(list("abcdefgh"), queries, keys)
    said = "“a” looks at 8 tokens alike, with 0.13 of its attention each."
    assert said in displayed[0][0][PLAIN]


def test_learnt_numbers_of_low_precision_are_taken(displayed, made):
    queries = torch.nn.Parameter(QUERIES.bfloat16())
    touch_attention(TOKENS, queries, KEYS.bfloat16())
    assert made[0].data["queries"] == queries.double().tolist()


@pytest.mark.parametrize("count", [2, 12])
def test_two_to_twelve_tokens_have_room(displayed, count):
    touch_attention(["abcdefghijkl"] * count, *torch.ones(2, 1, count, 3))
    assert f"{1 / count:.2f}" in displayed[0][0][PLAIN]


NAN = QUERIES * math.nan
BAD = [
    (("the cat", QUERIES, KEYS), {}, "tokens is one text: give a list"),
    ((["a"], QUERIES, KEYS), {}, "1 tokens have no room here: give 2 to 12"),
    ((["a"] * 13, QUERIES, KEYS), {}, "13 tokens have no room here"),
    ((["a", "b", " "], QUERIES, KEYS), {}, "the token ' ' has no room here"),
    ((["a", "b", "c" * 13], QUERIES, KEYS), {}, "texts of 1 to 12 letters"),
    ((["a", "b", 3], QUERIES, KEYS), {}, "the token 3 has no room here"),
    ((TOKENS, QUERIES.tolist(), KEYS), {}, "queries is a list: give a tensor"),
    ((TOKENS, QUERIES, KEYS[0]), {}, r"keys has the shape \(3, 3\): give \(heads"),
    ((TOKENS, QUERIES[:, :, :0], KEYS), {}, r"queries has the shape \(1, 3, 0\)"),
    ((["a", "b"], QUERIES, KEYS), {}, "queries has 3 rows per head, for 2 tokens"),
    ((TOKENS, NAN, KEYS), {}, "queries holds NaN"),
    ((TOKENS, QUERIES, KEYS[:, :, :2]), {}, "give both the same shape"),
    ((TOKENS, QUERIES, KEYS), {"heads": ["a", "b"]}, "2 names for 1 heads"),
    ((TOKENS, QUERIES, KEYS), {"entries": ["a"]}, "1 names for 3 entries"),
]


@pytest.mark.parametrize(("arguments", "names", "words"), BAD)
def test_what_does_not_fit_gets_a_sentence(displayed, arguments, names, words):
    with pytest.raises(CourseError, match=words):
        touch_attention(*arguments, **names)
    assert displayed == []
