"""What is measured of a task, and what may come back from a learner's code."""

import pytest
import torch
from torch import nn

from course_utils.exercises.guard import OutOfTime
from course_utils.exercises.model import State
from course_utils.grading.channel import Lost
from course_utils.labs.model import Curve, Item, Task
from course_utils.labs.outcome import measure, measure_rounds
from course_utils.labs.returned import Unfit, tensor_of
from course_utils.labs.work import Work

FIRST, SECOND = Item("first", 2, "One."), Item("second", 3, "Two.")


def task(then):
    def steps(work):
        yield FIRST.full("Done.")
        yield SECOND.share(then(work), "So far.")

    return Task("mine.task", "Mine", (), (FIRST, SECOND), steps)


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(), OutOfTime()])
def test_scores_before_an_error_stay_and_the_rest_is_nothing(error):
    def fails(work):
        raise error

    outcome = measure(task(fails), Work(None))
    assert [score.points for score in outcome.scores] == [2, 0]
    assert outcome.late == isinstance(error, OutOfTime)
    assert bool(outcome.messages) != outcome.late


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OutOfTime(), "It took too long."),
        (
            Lost("it returned too much data"),
            "It was stopped: it returned too much data.",
        ),
    ],
)
def test_what_stopped_a_function_is_said_by_its_name(error, why):
    def fails(work):
        raise error

    assert measure(task(fails), Work(None)).scores[1].why == why


def test_interrupt_is_the_learners_own():
    def interrupted(work):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(task(interrupted), Work(None))


@pytest.mark.parametrize(("share", "state"), [(1, State.CORRECT), (0.5, State.WRONG)])
def test_verdict_is_correct_for_all_points_alone(share, state):
    outcome = measure(task(lambda work: share), Work(None))
    assert outcome.verdict.state is state


def in_rounds(then):
    def steps(work):
        yield FIRST.share(then(work), f"Round {work.round}.")
        yield Curve("Sizes", "steps", {f"round {work.round}": [1.0, 2.0]})

    task = Task("mine.task", "Mine", (), (FIRST, SECOND), steps, rounds=3)
    return measure_rounds(task, (Work(None, round=number) for number in range(3)))


def test_points_are_the_mean_of_the_rounds():
    outcome = in_rounds(lambda work: work.round / 2)
    assert [score.points for score in outcome.scores] == [1, 0]
    assert outcome.scores[0].why == "Round 0. Round 1. Round 2."
    assert outcome.scores[1].why == "It was not reached."
    (curve,) = outcome.curves
    assert list(curve.lines) == ["round 0", "round 1", "round 2"]


@pytest.mark.parametrize("error", [ValueError("no"), OutOfTime()])
def test_round_that_is_stopped_is_the_last(error):
    seen = []

    def then(work):
        seen.append(work.round)
        if work.round:
            raise error
        return 1

    outcome = in_rounds(then)
    assert seen == [0, 1] and outcome.scores[0].points == 0.67
    assert outcome.late == isinstance(error, OutOfTime)
    assert bool(outcome.messages) != outcome.late


def test_item_that_was_not_reached_is_there_without_points():
    none = Task("mine.none", "None", (), (FIRST,), lambda work: iter(()))
    (score,) = measure(none, Work(None)).scores
    assert (score.points, score.why) == (0, "It was not reached.")


def test_code_that_draws_finds_a_state_that_tells_nothing():
    seen = []
    torch.manual_seed(123)
    measure(task(lambda work: seen.append(torch.initial_seed()) or 1), Work(None, "s"))
    assert seen == [0]
    assert torch.initial_seed() == 123


def test_seeds_differ_by_secret_and_by_name():
    seeds = {
        Work(None, secret).generator(*names).initial_seed()
        for secret in ("a", "b")
        for names in ((), (1,), (1, 2), ("12",))
    }
    assert len(seeds) == 8 and all(0 <= seed < 2**63 for seed in seeds)
    draws = [torch.rand(2, generator=Work(None, "a").generator("x")) for _ in range(2)]
    assert torch.equal(*draws)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "is no tensor, but NoneType"),
        ([1.0], "is no tensor, but list"),
        (torch.ones(3, 2), "has the shape (3, 2), not (any, 3)"),
        (torch.ones(2, 3).long(), "has the dtype torch.int64"),
        (torch.ones(2, 3, dtype=torch.complex64), "has the dtype torch.complex64"),
        (torch.full((2, 3), torch.nan), "holds nan: 0 / 0 gives it"),
        (torch.full((2, 3), torch.inf), "holds an infinite number: the log of 0"),
        (-torch.full((2, 3), torch.inf), "holds an infinite number: the log of 0"),
        (torch.ones(100, 3), "has 300 numbers, over 200"),
        (torch.ones(2, 3).to_sparse(), "no plain tensor"),
        (torch.ones(2, 3, device="meta"), "no plain tensor"),
        (nn.Linear(3, 2), "is no tensor, but Linear"),
    ],
)
def test_what_is_no_tensor_of_the_kind_is_refused(value, words):
    with pytest.raises(Unfit) as caught:
        tensor_of(value, (None, 3), "the weight", most=200)
    assert words in str(caught.value)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_numbers_that_were_trained_are_lost_to_the_learning_rate(value):
    with pytest.raises(Unfit, match="most often the learning rate is too high"):
        tensor_of(torch.full((2,), value), (2,), "the bias", trained=True)


def test_missing_name_is_said_with_those_that_grading_has():
    outcome = measure(task(lambda work: held_out), Work(None))  # noqa: F821
    assert "name 'held_out' is not defined" in outcome.messages[0]
    assert "is not there where your code is graded" in outcome.messages[1]
    assert len(outcome.messages) == 2


def test_own_kinds_of_tensors_are_refused():
    class Equal(torch.Tensor):
        pass

    with pytest.raises(Unfit):
        tensor_of(torch.ones(2).as_subclass(Equal), (2,), "the bias")


def test_arguments_are_copies():
    x, both = torch.zeros(2), [torch.zeros(2)]
    Work(lambda a, b: (a.add_(1), b[0].add_(1), b.append(3))).call(x, both)
    assert x.sum() == both[0].sum() == 0 and len(both) == 1
