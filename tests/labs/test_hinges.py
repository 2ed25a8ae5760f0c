"""Lab A: solutions at four levels get what their authors meant; cheats get nothing."""

import pytest
import torch

from course_utils.labs.bank.hinges import DEPTH, activations, targets
from course_utils.labs.model import total
from course_utils.labs.outcome import measure
from course_utils.labs.registry import find_task
from course_utils.labs.work import Work
from tests.labs.solutions_hinges import BASELINE, CEILING, GOOD, NET, PASS

SEEDS = [f"graded {number}" for number in range(1, 4)]
FIT = {"baseline": (BASELINE, 4), "pass": (PASS, 6), "good": (GOOD, 8)}
FIT |= {"ceiling": (CEILING, 10)}
DEEP = {
    "baseline": (BASELINE, 0, 2),
    "pass": (PASS, 3.5, 7),
    "good": (GOOD, 7, 10),
}
DEEP |= {"ceiling": (CEILING, 8, 10)}


def defined(texts, task):
    scope = {"torch": torch}
    exec(texts[task] if isinstance(texts, dict) else texts, scope)
    return scope[task.partition(".")[2]]


def marked(answer, task, secret="graded 1"):
    outcome = measure(find_task(task), Work(answer, secret))
    return outcome, total(outcome.scores)


@pytest.mark.parametrize("secret", SEEDS)
@pytest.mark.parametrize("level", FIT)
def test_functions_from_hinges_get_the_points_that_were_meant(level, secret):
    texts, meant = FIT[level]
    outcome, points = marked(defined(texts, "hinges.fit"), "hinges.fit", secret)
    assert points == meant, outcome


@pytest.mark.parametrize("secret", SEEDS)
@pytest.mark.parametrize("level", DEEP)
def test_fifty_layers_get_the_points_that_were_meant(level, secret):
    texts, low, high = DEEP[level]
    outcome, points = marked(defined(texts, "hinges.deep"), "hinges.deep", secret)
    assert low <= points <= high, outcome
    assert len(outcome.curves[0].lines) == 6


def test_hidden_functions_and_activations_differ_from_the_open_ones():
    x = torch.linspace(0, 1, 11).double()
    openly, graded = targets(Work(None)), targets(Work(None, "graded 1"))
    for one, other in zip(openly, graded, strict=True):
        assert (one.value(x) - other.value(x)).abs().max() > 0.02
    pair = zip(
        activations(Work(None)), activations(Work(None, "graded 1")), strict=True
    )
    assert all((a.value(x) - b.value(x)).abs().max() > 0.005 for a, b in pair)


def copied(task, secret):
    """Return an answer that hands out what is right for another seed, in order."""
    kept = []
    solve = defined(CEILING, task)

    def keep(*args):
        kept.append(solve(*args))
        return kept[-1]

    marked(keep, task, secret)
    return lambda *args: kept.pop(0)


def test_copied_hinges_are_for_functions_that_nobody_asks_for():
    assert marked(copied("hinges.fit", "open"), "hinges.fit")[1] == 0


def test_copied_layers_have_another_width():
    assert marked(copied("hinges.deep", "graded 2"), "hinges.deep")[1] == 0


CHEATS_FIT = {
    "constant": "def fit(x, y, t): return (torch.ones(1),) * 3 + (torch.zeros(()),)",
    "nan": "def fit(x, y, t): return (torch.full((9,), float('nan')),) * 3 + (y[0],)",
    "infinite": "def fit(x, y, t): return (torch.full((9,), 3e38),) * 3 + (y[0],)",
    "no tensors": "def fit(x, y, tolerance): return [1, 2, 3, 4]",
    "a network": "def fit(x, y, tolerance): return torch.nn.Linear(1, 1)",
    "whole numbers": "def fit(x, y, t): return (torch.ones(9).long(),) * 3 + (y[0],)",
    # One hinge that is told to be many: a row of weights, a view without numbers.
    "wide hinges": "def fit(x, y, t): return (torch.ones(1, 400),) * 3 + (y[0],)",
    "expanded": "def fit(x, y, t): return (torch.ones(1).expand(10**7),) * 3 + (y[0],)",
    "a hinge at each sample": NET
    + "def fit(x, y, t): return net(x.double(), y.double())",
    "nothing": "def fit(x, y, tolerance): pass",
    "an empty network": "def fit(x, y, t): return (torch.ones(0),) * 3 + (y.mean(),)",
    "samples that are moved": (
        "def fit(x, y, t):\n    y.zero_(); x.zero_()\n"
        "    return (torch.zeros(1),) * 3 + (torch.zeros(()),)"
    ),
}


@pytest.mark.parametrize("cheat", CHEATS_FIT)
def test_cheat_with_hinges_gets_nothing(cheat):
    outcome, points = marked(defined(CHEATS_FIT[cheat], "hinges.fit"), "hinges.fit")
    assert points == 0, outcome


def test_hinges_that_do_nothing_count_as_well():
    scope = {"torch": torch}
    exec(CEILING["hinges.fit"], scope)

    def padded(x, y, tolerance):
        weight, bias, height, shift = scope["fit"](x, y, tolerance)
        none = torch.zeros(3 * len(weight))
        return *(torch.cat([p, none]) for p in (weight, bias, height)), shift

    outcome, points = marked(padded, "hinges.fit")
    assert points == 4 and "times the fewest" in outcome.scores[1].why


CHEATS_DEEP = {
    "zeros": "(torch.zeros(w, w), torch.zeros(w))",
    "identity": "(torch.eye(w), torch.zeros(w))",
    "nan": "(torch.full((w, w), float('nan')), torch.zeros(w))",
    "huge": "(torch.full((w, w), 1e30), torch.zeros(w))",
    "numbers": "(1.0, 0.0)",
    "short": "torch.eye(w)",
}


@pytest.mark.parametrize("cheat", CHEATS_DEEP)
def test_cheat_with_layers_gets_nothing(cheat):
    text = f"def deep(f, w, depth): return [{CHEATS_DEEP[cheat]}] * depth"
    outcome, points = marked(defined(text, "hinges.deep"), "hinges.deep")
    assert points == 0, outcome


def test_straight_network_gets_no_points_for_bending():
    texts = CEILING["hinges.deep"].replace(
        "sizes = (0.05, 0.1, 0.2,", "sizes = (1e-4,)\n    _ = (0.2,"
    )
    outcome, _ = marked(defined(texts, "hinges.deep"), "hinges.deep")
    found = {score.item: score.points for score in outcome.scores}
    assert found["alive"] >= 4 and found["bends"] <= 0.5


def test_error_after_some_functions_is_told():
    def fit(x, y, tolerance):
        raise ZeroDivisionError("half way")

    outcome, points = marked(fit, "hinges.fit")
    assert points == 0 and "half way" in outcome.messages[0]
    assert outcome.verdict.state.value == "error"


def test_depth_is_fifty():
    assert DEPTH == 50
