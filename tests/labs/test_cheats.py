"""Labs B, C and E ask for a recipe that trains a network: cheats get nothing in any."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.data.sketches import load_sketches
from course_utils.labs.bank import budget, few_labels, shifts
from course_utils.labs.work import Work
from tests.labs import test_budget, test_few_labels, test_shifts
from tests.labs.test_few_labels import straight

LABS = {
    "few_labels": (few_labels, test_few_labels.marked),
    "shifts": (shifts, test_shifts.marked),
    "budget": (budget, test_budget.marked),
}


@dataclass(frozen=True)
class Tried:
    """A lab on sketches, which are on every machine.

    Attributes:
        bank: its module.
        marked: returns the outcome of an answer, and its points.
    """

    bank: Any
    marked: Any


@pytest.fixture(params=LABS)
def lab(request, monkeypatch):
    bank, marked = LABS[request.param]
    monkeypatch.setattr(bank, "load_fashion_mnist", lambda source: load_sketches())
    return Tried(bank, marked)


def accuracies(outcome):
    """Return what each round reached."""
    why = outcome.scores[0].why
    found = re.findall(r"(?:middle|Draw \d|Training \d): ([\d.]+\d)", why)
    return [float(number) for number in found]


# --- networks that are built again, and are worth nothing -----------------------------


def flat(*more):
    return nn.Sequential(nn.GroupNorm(1, 1), nn.Flatten(), nn.Linear(784, 10), *more)


def constant(images, labels, *_):
    net = flat()
    nn.init.zeros_(net[2].weight)
    net[2].bias = nn.Parameter(F.one_hot(labels[0], 10).float())
    return net


def infinite(images, labels, *_):
    net = flat()
    nn.init.constant_(net[2].weight, 3e38)
    return net


def of_its_images(images, labels):
    """Return what knows the class of each training image, by its sum."""
    return dict(zip(map(float, images.sum((1, 2, 3))), labels, strict=True))


def forward_of_its_own(images, labels, *_):
    """Its method is lost: what is left is a constant network."""
    known, net = of_its_images(images, labels), constant(images, labels)
    net.forward = lambda x: F.one_hot(known[float(x.sum())], 10)
    return net


def hook(images, labels, *_):
    net = constant(images, labels)
    net.register_forward_hook(lambda *_: F.one_hot(labels, 10))
    return net


MEASURED = [constant, infinite, forward_of_its_own, hook]


@pytest.mark.parametrize("recipe", MEASURED)
def test_network_that_knows_nothing_gets_nothing(lab, recipe):
    outcome, points = lab.marked(recipe)
    assert points == 0 and not outcome.messages, outcome
    assert max(accuracies(outcome)) < 0.2


def test_copied_weights_know_the_classes_by_other_numbers(lab):
    """Of another learner's file, or of another batch."""
    kept = []
    own, _ = lab.marked(lambda *args: kept.append(straight(*args)) or kept[0])
    assert accuracies(own)[0] > 0.6
    outcome, points = lab.marked(lambda *args: kept[0], "graded 2")
    assert points == 0 and max(accuracies(outcome)) < 0.4


def test_network_of_the_first_round_is_worth_nothing_in_the_others(lab):
    kept = []
    outcome, _ = lab.marked(
        lambda *args: kept.append(kept[0] if kept else straight(*args)) or kept[0]
    )
    first, *others = accuracies(outcome)
    assert first > 0.6 and max(others, default=0) < 0.4


def test_training_on_the_images_that_are_tested_openly_wins_nothing(lab):
    data = lab.bank.drawn(Work(None))
    learnt = straight(data.test_images, data.test_labels)
    outcome, points = lab.marked(lambda *args: learnt)
    assert points == 0 and max(accuracies(outcome)) < 0.4


# --- what is not measured, and why ----------------------------------------------------


def wide(images, labels, *_):
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 126), nn.ReLU(), nn.Linear(126, 10)
    )


def wide_in_one_layer(images, labels, *_):
    """Counted by what is computed, whatever the layer says of its parameters."""
    net = wide(images, labels)
    net.parameters = net[1].parameters = lambda *args: iter(())
    return net


def costly(images, labels, *_):
    convs = [nn.Conv2d(32, 32, 3, padding=1) for _ in range(9)]
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)
    return nn.Sequential(nn.Conv2d(1, 32, 1), *convs, *head)


def class_of_its_own(images, labels, *_):
    known = of_its_images(images, labels)

    class Net(nn.Sequential):
        def forward(self, input):
            return F.one_hot(known[float(input.sum())], 10)

    return Net(nn.Flatten(), nn.Linear(784, 10))


def class_under_a_known_name(images, labels, *_):
    """What bears the name of a known container is that container."""
    known = of_its_images(images, labels)

    class Residual(nn.Sequential):
        def forward(self, input):
            return F.one_hot(known[float(input.sum())], 10)

    return Residual(nn.Flatten(), nn.Linear(784, 10))


def layer_under_a_known_name(images, labels, *_):
    class Linear(nn.Module):
        def forward(self, input):
            return input @ torch.zeros(784, 10)

    return nn.Sequential(nn.Flatten(), Linear())


def not_a_number(images, labels, *_):
    net = flat()
    nn.init.constant_(net[2].weight, float("nan"))
    return net


def claims_to_be_finite(images, labels, *_):
    class Claims(nn.Parameter):
        @classmethod
        def __torch_function__(cls, *args, **kwargs):
            return True

    net = flat()
    net[2]._parameters["weight"] = Claims(torch.zeros(10, 784))
    return net


REFUSED = {
    wide: "over the limit of numbers",
    wide_in_one_layer: "over the limit of numbers",
    costly: "the limit of multiply-adds. It used ",
    class_of_its_own: "`Net` is none of the layers",
    class_under_a_known_name: "the layers do not fit",
    layer_under_a_known_name: "`Linear` is none of the layers",
    not_a_number: "holds nan: most often the learning rate is too high",
    claims_to_be_finite: "is no tensor, but Claims",
}


@pytest.mark.parametrize("recipe", REFUSED)
def test_network_that_may_not_be_handed_in_is_refused_and_told(lab, recipe):
    outcome, points = lab.marked(recipe)
    assert points == 0 and REFUSED[recipe] in outcome.messages[0], outcome


@pytest.mark.parametrize("other", [torch.zeros(10), None, len, "network"])
def test_what_is_no_network_is_refused_and_told(lab, other):
    outcome, points = lab.marked(lambda *args: other)
    kind = type(other).__name__
    assert points == 0 and f"is no network, but {kind}" in outcome.messages[0]


def test_cell_that_could_hold_trained_weights_is_not_run(lab):
    ran, most = [], lab.bank.MOST_BYTES
    outcome, points = lab.marked(ran.append, source="#" * (most + 1))
    assert (points, ran) == (0, [])
    assert f"has {most + 1:,} bytes, over {most:,}" in outcome.messages[0]
