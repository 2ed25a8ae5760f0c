"""The glossary and the links to it."""

import nbformat

from course_utils.site import pages, terms
from course_utils.site.terms import Term
from tests.lessons import LESSONS

SOURCE = terms.SOURCE.read_text(encoding="utf-8")
FOUND = terms.terms(SOURCE)


def test_every_word_is_defined_once_and_in_order():
    names = [term.name for term in FOUND]
    assert names == sorted(set(names), key=str.lower)
    # A blank line stands before each, and one after the page's title.
    assert len(names) == SOURCE.count("\n\n") - 1


def test_a_definition_is_short():
    assert [term.name for term in FOUND if len(term.meaning.split()) > 36] == []


def test_every_word_comes_up_in_a_lesson():
    prose = {
        f"lessons/{path.stem}": pages.prose(nbformat.read(path, as_version=4).cells)
        for path in LESSONS
    }
    page = terms.page(SOURCE, prose)
    assert page.count("[Lesson ") == len(FOUND)


def test_the_longest_word_wins_and_others_are_no_part_of_it():
    words = terms.pattern([Term("mask", ""), Term("causal mask", "")])
    assert words.findall("A causal mask, masks, masked, mask-like.") == [
        "causal mask",
        "masks",
    ]
