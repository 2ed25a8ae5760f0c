"""Errors for people: the course's own, and expected ones, printed."""

import pytest

from course_utils import CourseError, expect_error


def test_prints_the_match_and_the_rest_of_its_line(capsys):
    with expect_error(ValueError, match="sizes differ"):
        raise ValueError("addmm: sizes differ (2 and 3)\nsecond line")
    assert capsys.readouterr().out == "ValueError: sizes differ (2 and 3)\n"


def test_match_at_the_end_of_the_message(capsys):
    with expect_error(ValueError, match="sizes differ"):
        raise ValueError("addmm: sizes differ")
    assert capsys.readouterr().out == "ValueError: sizes differ\n"


def test_long_message_is_wrapped_and_indented(capsys):
    with expect_error(ValueError, match="word"):
        raise ValueError("word " * 40)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 66
    assert len(lines) == 4
    assert all(line.startswith("  word") for line in lines[1:])


def test_no_word_stands_alone_in_the_last_line(capsys):
    message = "mat1 and mat2 shapes cannot be multiplied (1x120 and 60x10)"
    with expect_error(RuntimeError, match="mat1 and"):
        raise RuntimeError(message)
    *_, last = capsys.readouterr().out.splitlines()
    assert last == "  and 60x10)"


def test_shape_is_not_broken(capsys):
    with expect_error(ValueError, match="expected"):
        raise ValueError("expected " + "words " * 7 + "[4, 6, 5, 5]")
    *_, last = capsys.readouterr().out.splitlines()
    assert last == "  [4, 6, 5, 5]"


def test_match_is_no_regular_expression(capsys):
    with expect_error(ValueError, match="(0-dim) [x]"):
        raise ValueError("got (0-dim) [x]")
    assert capsys.readouterr().out == "ValueError: (0-dim) [x]\n"


def test_any_of_several_types_is_accepted(capsys):
    with expect_error((KeyError, IndexError), match="gone"):
        raise IndexError("gone")
    assert "IndexError: gone" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "names"),
    [(ValueError, "ValueError"), ((KeyError, IndexError), "KeyError or IndexError")],
)
def test_block_without_an_error_is_reported(kind, names):
    with (
        pytest.raises(CourseError, match=f"expected a {names} .* nothing failed"),
        expect_error(kind, match="x"),
    ):
        pass


def test_other_message_is_reported():
    with (
        pytest.raises(CourseError, match="but it says: other"),
        expect_error(ValueError, match="these"),
    ):
        raise ValueError("other")


def test_other_type_passes_through():
    with pytest.raises(KeyError), expect_error(ValueError, match="x"):
        raise KeyError("x")


def test_course_error_shows_as_one_line_in_a_notebook():
    assert CourseError("Do this.")._render_traceback_() == ["CourseError: Do this."]
