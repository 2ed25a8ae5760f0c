"""The index of error messages."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from course_utils.site.catalogue import Entry, catalogue
from course_utils.site.errors import errors_page, treated
from tests.lessons import LESSONS


def error(text):
    """Return a cell that expects an error and prints this."""
    printed = new_output("stream", name="stdout", text=text)
    return new_code_cell("with expect_error(TypeError):\n    f()", outputs=[printed])


def test_a_message_is_read_across_its_lines_and_no_further():
    cell = error("TypeError: must be\n  Tensor, not\n  tuple\nNext line.\n")
    (found,) = treated([cell])
    assert (found.kind, found.message) == ("TypeError", "must be Tensor, not tuple")


def test_a_mistake_in_a_list_is_explained_before_its_cell():
    cells = [
        new_markdown_cell("## Traps\n\n**A tuple.** It returns two."),
        error("TypeError: must be Tensor"),
        new_markdown_cell("**Another.** That one."),
    ]
    (found,) = treated(cells)
    assert (found.heading, found.words) == ("Traps", "**A tuple.** It returns two.")


def test_a_cell_names_the_paragraphs_that_explain_its_errors():
    cell = error("TypeError: must be Tensor\nValueError: must be even\n")
    near = new_markdown_cell("Next subject.")
    cells = [
        new_markdown_cell("**A module.** Call it.\n\n**Odd.** Halves."),
        cell,
        near,
    ]
    assert [one.words for one in treated(cells)] == ["Next subject."] * 2
    cell.metadata["explained"] = ["**A module", "**Odd"]
    words = [one.words for one in treated(cells)]
    assert words == ["**A module.** Call it.", "**Odd.** Halves."]
    cell.metadata["explained"] = ["**Gone"]
    with pytest.raises(ValueError, match=r"no paragraph begins with '\*\*Gone'"):
        treated(cells)


def test_messages_that_differ_in_numbers_stand_under_one_heading():
    words = "mat1 and mat2 shapes cannot be multiplied"
    cells = [error(f"TypeError: {words} ({sizes})\n") for sizes in ("2x3", "10x4")]
    entry = Entry(Path("01_a.ipynb"), "1 · A", "Why.", "1 h", ())
    page = errors_page([(entry, treated(cells))])
    assert page.count("## ") == 1
    assert f"## `TypeError: {words} (…)`" in page
    assert page.count("lessons/01_a.html#") == 2


def test_every_error_that_a_lesson_expects_and_prints_is_in_the_index():
    lessons = []
    for entry in catalogue(LESSONS):
        cells = nbformat.read(entry.path, as_version=4).cells
        lessons.append((entry, treated(cells)))
    page = errors_page(lessons)
    assert "mat1 and mat2 shapes cannot be multiplied" in page
    for entry, found in lessons:
        for one in found:
            assert f'href="{entry.document}.html#{one.cell}"' in page
            assert "\n" not in one.message
    without = [one.cell for _, found in lessons for one in found if not one.words]
    assert without == ["c05-r102"]  # a broken network, which an exercise repairs
