"""Which names a cell defines, and what tells one cell from another."""

import pytest

from course_utils.copies.origins import asked, defined, find_origins
from tests.copies.lesson import code, text


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def line(x): ...", ["line"]),
        ("async def line(x): ...", ["line"]),
        ("class Line(Shape):\n    height = 3", ["Line"]),
        ("size = ...\nsize: int = 3", ["size", "size"]),
        ("size == 3\nprint(size=3)\nsizes[0] = 3", []),
        ("def line(x:\n    return", ["line"]),
        ("", []),
    ],
)
def test_names_are_found_at_the_beginning_of_a_line(source, names):
    assert defined(code("n1", source)) == names
    assert defined(text("n1", source)) == []


def test_cell_without_a_tag_is_known_by_no_name():
    assert asked(code("n1", "slope = 2")) == []


def test_no_two_cells_are_the_same_cell():
    places = {"e1": code("e1", "def line(x): ...", "exercise")}
    copies = [code(id, f"def line(x): {id}", "exercise") for id in ("n1", "e1", "n2")]
    assert find_origins(copies, places, {"e1": ""}) == ["", "e1", ""]


def test_text_counts_before_a_name_and_a_name_before_an_id():
    places = {
        "a": code("a", "def line(x): ...", "exercise"),
        "b": code("b", "print(1)"),
        "c": text("c", "Goodbye."),
    }
    mine = [
        code("a", "print(1)"),
        code("c", "def line(x): 1", "exercise"),
        text("x", "c"),
    ]
    assert find_origins(mine, places, dict.fromkeys(places, "")) == ["b", "a", ""]
