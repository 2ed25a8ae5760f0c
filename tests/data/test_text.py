"""The reference text: three parts that share nothing."""

import sys

import pytest

from course_utils import CourseError, load_text


def words(text):
    return {" ".join(paragraph.split()) for paragraph in text.split("\n\n")}


def test_parts_share_no_paragraph():
    train, validation, test = map(words, load_text())
    assert not train & validation
    assert not train & test
    assert not validation & test


def test_training_quotes_nearly_nothing_of_the_test_part():
    train, _, test = (" ".join(part.split()) for part in load_text())
    pieces = [test[start : start + 40] for start in range(0, len(test) - 40, 10)]
    assert len(pieces) > 2000
    assert sum(piece in train for piece in pieces) / len(pieces) < 0.01


def test_held_out_parts_are_a_tenth_each():
    sizes = [len(part) for part in load_text()]
    assert 250_000 < sizes[0] < 500_000
    assert all(0.05 < size / sum(sizes) < 0.15 for size in sizes[1:])


def test_text_is_the_same_each_time():
    assert load_text() == load_text()


def test_python_without_the_text_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(CourseError, match="without its reference text"):
        load_text()
