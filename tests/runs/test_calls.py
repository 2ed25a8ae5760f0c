"""Calls of an executor: each task has one outcome, whatever becomes of its process."""

from concurrent.futures import BrokenExecutor, Future

import pytest
from pebble import ProcessExpired

from course_utils.errors import CourseError, WorkerLost
from course_utils.runs.calls import outcomes

# Unlike each other, and none can be a key.
ONE, TWO = {"task": 1}, {"task": 1}


class _Answers:
    """Answers each call with the next of these."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, task):
        self.asked.append(task)
        future, answer = Future(), self.answers.pop(0)
        if answer == "hangs":
            future.set_running_or_notify_cancel()
        elif answer == "refused":
            raise RuntimeError("the pool is closed")
        elif isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
        return future


@pytest.mark.parametrize("loss", [BrokenExecutor("x"), ProcessExpired("x", code=-9)])
def test_lost_call_is_made_once_more(loss):
    lost = []
    found = outcomes([ONE, TWO], _Answers(loss, 2, 3), {}, on_lost=lost.append)
    assert [outcome for _, outcome in found] == [2, 3]
    assert lost == [ONE] and lost[0] is ONE


def test_call_that_is_lost_twice_is_given_up_and_the_others_are_not():
    loss, waiting = BrokenExecutor("killed"), {}
    (two, good), (one, bad) = outcomes([ONE, TWO], _Answers(loss, 2, loss), waiting)
    assert two is TWO and good == 2 and one is ONE
    assert isinstance(bad, WorkerLost) and "killed, twice" in str(bad)
    assert not waiting


def test_call_without_an_end_is_given_up():
    answers = _Answers("hangs", 2)
    found = list(outcomes([ONE, TWO], answers, {}, longest=-1))
    assert found[0][1].args[0].startswith("This took far longer than its limits allow")
    assert found[1] == (TWO, 2)


def test_call_that_is_refused_or_fails_is_its_tasks_own():
    (_, refused), (_, failed) = outcomes(
        [ONE, TWO], _Answers("refused", ValueError("bad")), {}
    )
    assert str(refused) == "the pool is closed" and str(failed) == "bad"


def test_outcomes_that_are_there_come_in_the_order_of_the_tasks():
    tasks = list(range(50))
    found = outcomes(tasks, _Answers(*tasks), {})
    assert [task for task, _ in found] == tasks


def test_lost_cluster_ends_it_and_the_rest_can_be_cancelled():
    waiting = {}
    with pytest.raises(CourseError, match="It is gone"):
        list(
            outcomes([ONE, TWO], _Answers(CourseError("It is gone."), "hangs"), waiting)
        )
    assert list(waiting.values()) == [TWO]
