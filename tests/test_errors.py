"""Errors as sentences."""

import pytest

from course_utils import CourseError, expect_error


def test_prints_the_words_and_the_rest_of_their_line(capsys):
    with expect_error(ValueError, match="sizes differ"):
        raise ValueError("addmm: sizes differ (2 and 3)\nsecond line")
    assert capsys.readouterr().out == "ValueError: sizes differ (2 and 3)\n"


def test_a_long_message_fits_the_page(capsys):
    with expect_error(ValueError, match="word"):
        raise ValueError("word " * 40)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 88
    assert len(lines) == 3


def test_words_are_literal(capsys):
    with expect_error(ValueError, match="(0-dim) [x]"):
        raise ValueError("got (0-dim) [x]")
    assert capsys.readouterr().out == "ValueError: (0-dim) [x]\n"


def test_several_kinds(capsys):
    with expect_error((KeyError, IndexError), match="gone"):
        raise IndexError("gone")
    assert "IndexError: gone" in capsys.readouterr().out


def test_nothing_raised():
    with (
        pytest.raises(CourseError, match=r"expected a ValueError .* nothing failed"),
        expect_error(ValueError, match="x"),
    ):
        pass


def test_other_words():
    with (
        pytest.raises(CourseError, match="but it says: other"),
        expect_error(ValueError, match="these"),
    ):
        raise ValueError("other")


def test_another_kind_passes_through():
    with pytest.raises(KeyError), expect_error(ValueError, match="x"):
        raise KeyError("x")


def test_a_course_error_shows_as_one_line():
    assert CourseError("Do this.")._render_traceback_() == ["CourseError: Do this."]
