"""Measured values: numbers, their range, and a sentence where they lie outside."""

import math
from typing import get_args

import numpy as np
import pytest
import torch

from course_utils import measured
from course_utils.data.model import Source
from course_utils.display.bundles import HTML, MEASURED, PLAIN
from course_utils.display.measured import OUTSIDE

VALUES = {
    "a float": (0.5, "loss: 0.500 (expected 0 to 1)"),
    "a whole number": (1, "loss: 1.00 (expected 0 to 1)"),
    "a numpy number": (np.float32(0.25), "loss: 0.250 (expected 0 to 1)"),
    "a tensor with one number": (torch.tensor(0.5), "loss: 0.500 (expected 0 to 1)"),
    "a parameter": (
        torch.nn.Parameter(torch.tensor(0.5)),
        "loss: 0.500 (expected 0 to 1)",
    ),
    "a list": ([0.5, 0.25], "loss: 0.500 0.250 (expected 0 to 1)"),
    "a tensor": (torch.tensor([0.5, 0.25]), "loss: 0.500 0.250 (expected 0 to 1)"),
    "a generator": ((n / 4 for n in (1, 2)), "loss: 0.250 0.500 (expected 0 to 1)"),
    "runs by name": (
        {"seed 0": 0.5, "seed 1": 0.25},
        "loss: seed 0 0.500, seed 1 0.250 (expected 0 to 1)",
    ),
}


@pytest.mark.parametrize("kind", VALUES)
def test_every_kind_of_value_is_shown_with_its_range(kind, displayed):
    value, text = VALUES[kind]
    measured("loss", value, 0, 1)
    ((data, _),) = displayed
    assert data[PLAIN] == text
    assert data[MEASURED]["held"] is True


DIGITS = [
    ([0.88412, 0.88], 3, "0.884 0.880"),
    ([93.214, 9.5], 3, "93.2 9.5"),
    ([12345.6], 3, "12,346"),
    ([0.000123456], 3, "0.000123"),
    ([1.23e-7, 4e-8], 3, "1.23e-07 4.00e-08"),
    ([0.0, 0.0], 2, "0 0"),
    ([-0.5, 0.25], 2, "-0.50 0.25"),
    ([1 / 3], 1, "0.3"),
]

ENDS = [(0.87, "0.87"), (1e-9, "1e-09"), (5000, "5000"), (1e7, "10,000,000")]


@pytest.mark.parametrize(("high", "shown"), ENDS)
def test_range_is_written_as_people_do(high, shown, displayed):
    measured("x", 0, -20_000, high)
    ((data, _),) = displayed
    assert data[PLAIN].endswith(f"(expected -20,000 to {shown})")


@pytest.mark.parametrize(
    ("value", "low", "high", "left_out"),
    [(5, 0.1, 11, True), (5, 0.1, 10, False), (5, 0, 10, False), (5, 6, 900, False)],
)
def test_a_page_leaves_out_a_range_that_says_next_to_nothing(
    value, low, high, left_out, displayed
):
    measured("ms", value, low, high)
    ((data, _),) = displayed
    assert ("(expected" not in data[HTML]) is left_out
    assert f"(expected {low} to {high})" in data[PLAIN]


@pytest.mark.parametrize(("values", "digits", "shown"), DIGITS)
def test_digits_are_those_of_the_largest_value(values, digits, shown, displayed):
    measured("x", values, -1e9, 1e9, digits)
    ((data, _),) = displayed
    assert data[PLAIN].startswith(f"x: {shown} (expected")


@pytest.mark.parametrize("value", [0.99, 2.01, math.nan, math.inf, -math.inf])
def test_a_value_outside_gets_a_sentence_and_the_lesson_goes_on(value, displayed):
    measured("gain", [1.5, value], 1, 2)
    ((data, _),) = displayed
    assert data[PLAIN].endswith(f"(expected 1 to 2)\n{OUTSIDE}")
    assert OUTSIDE in data[HTML]
    assert data[MEASURED]["held"] is False


@pytest.mark.parametrize("value", [1, 2])
def test_the_ends_of_the_range_belong_to_it(value, displayed):
    measured("gain", value, 1, 2)
    ((data, _),) = displayed
    assert data[MEASURED]["held"] is True
    assert OUTSIDE not in data[HTML] + data[PLAIN]


def test_the_bundle_holds_every_digit_and_nothing_that_json_lacks(displayed):
    measured("gain", {"a": 1 / 3, "b": math.nan}, 1, 2)
    ((data, _),) = displayed
    assert data[MEASURED] == {
        "name": "gain",
        "values": [1 / 3, "nan"],
        "runs": ["a", "b"],
        "low": 1,
        "high": 2,
        "held": False,
    }


def test_names_and_labels_are_text_not_markup(displayed):
    measured("a < b", {"<i>": 1}, 0, 2)
    ((data, _),) = displayed
    assert "a &lt; b" in data[HTML]
    assert "<i>" not in data[HTML]


@pytest.mark.parametrize("value", [[], {}, torch.zeros(0)])
def test_no_value_is_an_error(value):
    with pytest.raises(ValueError, match=r"loss: there is no value to show\."):
        measured("loss", value, 0, 1)


def test_a_range_the_wrong_way_round_is_an_error():
    with pytest.raises(ValueError, match="loss: low=1 is above high=0"):
        measured("loss", 0.5, 1, 0)


SAID = "gain: {} (expected 1 to 2; on sketches 3 to 4)"


@pytest.mark.parametrize(
    ("source", "value", "held"),
    [
        ("fashion-mnist", 1.5, True),
        ("fashion-mnist", 3.5, False),
        ("fashion-sketch", 3.5, True),
        ("fashion-sketch", 1.5, False),
    ],
)
def test_sketches_may_have_a_range_of_their_own(source, value, held, displayed):
    measured("gain", value, 1, 2, 2, source=source, sketches=(3, 4))
    ((data, _),) = displayed
    assert data[PLAIN].startswith(SAID.format(value))
    assert data[MEASURED]["held"] is held
    assert (OUTSIDE in data[PLAIN]) is not held
    low_high = (1, 2) if source == "fashion-mnist" else (3, 4)
    assert (data[MEASURED]["low"], data[MEASURED]["high"]) == low_high


@pytest.mark.parametrize("one", [{"source": "fashion-mnist"}, {"sketches": (0, 1)}])
def test_sketches_range_needs_to_know_which_pictures_were_used(one):
    with pytest.raises(ValueError, match="give both of source and sketches"):
        measured("loss", 0.5, 0, 1, **one)


def test_a_range_of_sketches_the_wrong_way_round_is_an_error():
    with pytest.raises(ValueError, match="loss: low=2 is above high=1"):
        measured("loss", 0.5, 0, 1, source="fashion-sketch", sketches=(2, 1))


def test_a_misspelt_source_is_an_error():
    with pytest.raises(ValueError, match=r"source='sketch' is neither 'fashion-mnist'"):
        measured("loss", 0.5, 0, 1, source="sketch", sketches=(0, 1))


@pytest.mark.parametrize("source", get_args(Source))
def test_every_source_of_pictures_is_known(source, displayed):
    measured("loss", 0.5, 0, 1, source=source, sketches=(0, 1))
    assert len(displayed) == 1
