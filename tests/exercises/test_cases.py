"""Inputs for cases: the same numbers each time, on the current device."""

import torch

from course_utils.exercises import cases
from course_utils.exercises.cases import randn


def test_numbers_are_the_same_whatever_the_seed():
    first = randn((2, 3), (4,))
    torch.manual_seed(7)
    again = randn((2, 3), (4,))
    assert [x.tolist() for x in first] == [x.tolist() for x in again]


def test_numbers_are_those_of_seed_1():
    (x,) = randn((2,))
    torch.testing.assert_close(x, torch.tensor([0.66135216, 0.26692411]))


def test_another_seed_gives_other_numbers():
    assert not torch.equal(*randn((5,)), *randn((5,), seed=2))


def test_generator_of_the_learner_is_left_alone():
    state = torch.get_rng_state()
    randn((5,))
    assert torch.equal(torch.get_rng_state(), state)


def test_inputs_are_on_the_current_device(monkeypatch):
    monkeypatch.setattr(cases, "current_device", lambda: torch.device("meta"))
    assert [x.device.type for x in randn((2,), (3,))] == ["meta", "meta"]
