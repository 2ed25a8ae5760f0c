"""Which files count as a notebook, and what of a cell counts."""

import json

import pytest
from nbformat.v4 import new_code_cell, new_notebook, writes

from course_utils.copies.notebook import digest, read_cells
from course_utils.errors import CourseError

NOTEBOOK = writes(new_notebook(cells=[new_code_cell("x = 1", id="a")])).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"3",
        b'{"nbformat": 4}',
        b'{"nbformat": 4, "cells": [3]}',
        b'{"nbformat": 4, "cells": [{"cell_type": "code"}]}',
        NOTEBOOK[:40],
        b"<<<<<<< HEAD\n" + NOTEBOOK,
    ],
)
def test_what_is_no_notebook_says_so(content):
    with pytest.raises(CourseError, match="no notebook"):
        read_cells(content)


def test_older_format_is_read():
    cell = {"cell_type": "code", "input": ["x = 1"], "outputs": [], "language": "py"}
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}}
    old["worksheets"] = [{"cells": [cell], "metadata": {}}]
    assert [c.source for c in read_cells(json.dumps(old).encode())] == ["x = 1"]


def test_mark_at_the_beginning_of_a_file_is_passed_over():
    assert read_cells(b"\xef\xbb\xbf" + NOTEBOOK)[0].id == "a"


def test_outputs_do_not_count_and_the_type_does():
    (cell,) = read_cells(NOTEBOOK)
    before = digest(cell)
    cell.execution_count = 3
    assert digest(cell) == before
    cell.cell_type = "markdown"
    assert digest(cell) != before


def test_half_a_character_is_read():
    content = NOTEBOOK.replace(b"x = 1", b"x = '\\ud83d'")
    assert len(digest(read_cells(content)[0])) == 20
