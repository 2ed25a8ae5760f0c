"""Markup and captions."""

import pytest

from course_utils.display.bundles import (
    CAPTION_CLASS,
    ERROR_CLASS,
    HTML,
    LIVE,
    PLAIN,
    caption_bundle,
    markup,
    still_bundle,
)


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("a `b<c` *all* d", "a <code>b&lt;c</code> <em>all</em> d"),
        ("`a*b*c`, 2 * 3 * 4", "<code>a*b*c</code>, 2 * 3 * 4"),
        ("<b>&", "&lt;b&gt;&amp;"),
    ],
)
def test_backticks_become_code_and_stars_stress(text, page):
    assert markup(text) == page


def test_caption_is_escaped_and_drops_empty_paragraphs():
    bundle = caption_bundle("a < b", "", "c")
    assert "a &lt; b" in bundle[HTML]
    assert bundle[HTML].count("<p ") == 2
    assert bundle[PLAIN] == "a < b\nc"


def test_screen_readers_are_told_when_a_caption_changes():
    assert LIVE == 'aria-live="polite"'
    assert LIVE in caption_bundle("A line.")[HTML]


@pytest.mark.parametrize("error", [True, False])
def test_only_a_failed_drawing_has_the_class_of_errors(error):
    page = caption_bundle("A line.", error=error)[HTML]
    assert CAPTION_CLASS in page
    assert (ERROR_CLASS in page) == error


@pytest.mark.parametrize("last", [True, False])
def test_only_the_last_still_says_what_helps(last):
    data = still_bundle({HTML: "<p>", PLAIN: "A line."}, "course-still-1", last=last)
    assert data[HTML].startswith('<div class="course-still-1"><p>')
    assert ("run this cell" in data[HTML]) == last
    assert data[PLAIN] == "A line."
