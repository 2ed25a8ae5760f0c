"""Lab C: recipes at four levels get what their author meant."""

import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.data.fashion import find_fashion_mnist
from course_utils.data.model import CLASSES, FashionMNIST, Split
from course_utils.data.sketches import load_sketches
from course_utils.errors import CourseError
from course_utils.labs.bank import shifts
from course_utils.labs.bank.shifts import MOST_BYTES, drawn
from course_utils.labs.model import total
from course_utils.labs.network import Residual
from course_utils.labs.outcome import measure
from course_utils.labs.registry import find_task
from course_utils.labs.work import OPEN, Work
from tests.labs.solutions_shifts import BASELINE, CEILING, GOOD, PASS, QUICK

TASK = "shifts.train"
SEEDS = [f"graded {number}" for number in range(1, 4)]
LEVELS = {"baseline": (BASELINE, 0, 1.5), "pass": (PASS, 8, 12)}
LEVELS |= {"good": (GOOD, 13, 16), "quick": (QUICK, 15, 17.8)}
LEVELS |= {"ceiling": (CEILING, 18, 19.7)}


def has_photographs():
    try:
        return find_fashion_mnist() is not None
    except CourseError:
        return False


photographs = pytest.mark.skipif(
    not has_photographs(), reason="points are those of FashionMNIST"
)


def defined(text):
    scope = {"torch": torch, "nn": nn, "F": F, "Residual": Residual}
    exec(text, scope)
    return scope["train"]


def marked(answer, secret="graded 1", source=""):
    outcome = measure(find_task(TASK), Work(answer, secret, source))
    return outcome, total(outcome.scores)


@photographs
@pytest.mark.nightly
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("secret", SEEDS)
@pytest.mark.parametrize("level", LEVELS)
def test_recipe_gets_the_points_that_were_meant(level, secret):
    texts, low, high = LEVELS[level]
    outcome, points = marked(defined(texts[TASK]), secret, texts[TASK])
    assert low <= points <= high, outcome
    assert len(outcome.curves[0].lines["accuracy"]) == 5


# --- what is drawn ----------------------------------------------------------------


@pytest.fixture
def sketches(monkeypatch):
    """Draw from the sketches, which are on every machine."""
    monkeypatch.setattr(shifts, "load_fashion_mnist", lambda source: load_sketches())


@pytest.fixture
def marks(monkeypatch):
    """Draw from images whose brightness says which half of the data they are of."""
    labels = torch.arange(10_000) % 10

    def split(value):
        return Split(torch.full((10_000, 1, 28, 28), value, dtype=torch.uint8), labels)

    data = FashionMNIST(split(51), split(255), CLASSES, "fashion-mnist")
    monkeypatch.setattr(shifts, "load_fashion_mnist", lambda source: data)


def test_recipe_sees_training_images_and_is_tested_on_others(marks):
    openly, graded = drawn(Work(None)), drawn(Work(None, "graded 1"))
    for data in (openly, graded):
        assert data.images.max() == openly.test_images.max() < 0.21
        assert (len(data.images), len(data.test_images)) == (6_000, 2_000)
    assert graded.test_images.max() == 1


def test_images_that_are_tested_openly_are_not_trained_on(monkeypatch):
    images = torch.zeros(9_000, 1, 28, 28, dtype=torch.uint8)
    images[:, 0, 4:24, 4:24] = (torch.arange(9_000) // 100).view(-1, 1, 1).byte()
    images[:, 0, 8:20, 8:20] = (torch.arange(9_000) % 100).view(-1, 1, 1).byte()
    data = FashionMNIST(
        Split(images, torch.zeros(9_000).long()), load_sketches().test, CLASSES, "x"
    )
    monkeypatch.setattr(shifts, "load_fashion_mnist", lambda source: data)
    found = drawn(Work(None))
    kinds = [
        {(float(i[0, 6, 6]), float(i[0, 14, 14])) for i in part}
        for part in (found.images, found.test_images)
    ]
    assert len(kinds[0]) == 6_000 and len(kinds[1]) == 2_000
    assert not kinds[0] & kinds[1]


def test_classes_places_and_images_differ_from_seed_to_seed(sketches):
    first, again, other = (drawn(Work(None, s)) for s in ("graded 1",) * 2 + (OPEN,))
    assert torch.equal(first.images, again.images) and first.places == again.places
    assert not torch.equal(first.images, other.images)
    assert first.places != other.places
    images = load_sketches().train.images

    def names(data):
        """Return the number that the data give to the class of each of ten images."""
        known = {i.numpy().tobytes(): int(n) for i, n in zip(*data[:2], strict=True)}
        every = shifts.framed(images)
        return [known.get(i.numpy().tobytes()) for i in every]

    pairs = [
        (a, b)
        for a, b in zip(
            names((first.images, first.labels)),
            names((other.images, other.labels)),
            strict=True,
        )
        if a is not None and b is not None
    ]
    assert len(set(pairs)) == 10 and any(a != b for a, b in pairs)


def test_places_are_six_for_each_distance_and_lose_no_pixel(sketches):
    data = drawn(Work(None, "graded 1"))
    far = [max(abs(down), abs(right)) for down, right in data.places]
    assert far == [0, *(distance for distance in (1, 2, 3, 4) for _ in range(6))]
    assert len(set(data.places)) == 25
    frame = data.test_images.clone()
    frame[:, :, 4:24, 4:24] = 0
    assert frame.abs().max() == 0


def test_grading_without_photographs_is_no_learners_error(monkeypatch):
    def none(source):
        assert source == "real"
        raise CourseError("not here")

    monkeypatch.setattr(shifts, "load_fashion_mnist", none)
    with pytest.raises(CourseError):
        marked(lambda images, labels: None)


# --- the rubric ---------------------------------------------------------------------


@pytest.fixture
def grey(monkeypatch):
    """Return what lets garments be drawn that are grey all over, by their class.

    So many of the 2,000 that are tested have another class's grey.
    """
    labels = torch.arange(8_000) % 10

    def images_of(classes):
        return (25 * classes).byte().view(-1, 1, 1, 1).expand(-1, 1, 28, 28)

    def draw_from(wrong):
        seen = labels[:2_000].clone()
        seen[:wrong] = (seen[:wrong] + 5) % 10
        known = Split(images_of(labels), labels)
        held_out = Split(images_of(seen), labels[:2_000])
        data = FashionMNIST(known, held_out, CLASSES, "fashion-mnist")
        monkeypatch.setattr(shifts, "load_fashion_mnist", lambda source: data)

    return draw_from


def by_grey(seen):
    """Return a recipe that tells classes by the mean of the pixels that it sees."""

    def train(images, labels):
        net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
        means = (images.flatten(1) * seen).mean(dim=1)
        middles = torch.stack([means[labels == n].mean() for n in range(10)])
        net[1].weight = nn.Parameter(2 * middles.outer(seen) / 784)
        net[1].bias = nn.Parameter(-middles.square())
        return net

    return train


EVERYWHERE = torch.ones(784)
MIDDLE = F.pad(torch.ones(20, 20), [4] * 4).flatten()


@pytest.mark.parametrize(
    ("wrong", "seen", "points"),
    [
        (0, EVERYWHERE, [3, 6, 7, 4]),
        (280, EVERYWHERE, [2.18, 6, 7, 4]),
        (300, EVERYWHERE, [1.91, 5.83, 7, 4]),
        (400, EVERYWHERE, [0.55, 5, 6.53, 4]),
        (402, EVERYWHERE, [0.52, 4.98, 6.52, 0]),
        (440, EVERYWHERE, [0, 4.67, 6.35, 0]),
        (1_000, EVERYWHERE, [0, 0, 3.73, 0]),
    ],
)
def test_points_are_those_of_the_rubric(grey, wrong, seen, points):
    grey(wrong)
    outcome, _ = marked(by_grey(seen))
    assert [score.points for score in outcome.scores] == points, outcome


def test_why_an_answer_that_stays_the_same_gets_nothing_is_said(grey):
    for wrong, low in ((400, False), (402, True)):
        grey(wrong)
        why = marked(by_grey(EVERYWHERE))[0].scores[3].why
        assert why.startswith("The same class at all 25 places: 1.000")
        assert ("No points, as accuracy in the middle is below 0.80." in why) == low


def test_network_that_sees_the_middle_alone_is_steady_nowhere(grey):
    grey(0)
    outcome, _ = marked(by_grey(MIDDLE))
    centred, _, everywhere, steady = (score.points for score in outcome.scores)
    assert (centred, steady) == (3, 0) and everywhere < 1, outcome


def test_what_a_recipe_uses_is_said_beside_its_limits(grey):
    grey(0)
    said = "It used 7,850 of 50,000 numbers, 7,840 of 10,000,000 multiply-adds for an "
    said += "image, 5 of 4,000 bytes"
    for secret, seconds in ((OPEN, r", \d+ of 240 seconds"), ("graded 1", "")):
        outcome, _ = marked(by_grey(EVERYWHERE), secret, "train")
        assert re.search(f"{said}{seconds}\\.$", outcome.scores[0].why), outcome


def test_ceiling_is_steady_by_what_it_is_built_of(grey):
    """Even where it was hardly trained: all but what rounding decides."""
    text = CEILING[TASK].replace("labels, 60,", "labels, 1,")
    outcome, _ = marked(defined(text))
    assert outcome.scores[3].why.startswith("The same class at all 25 places: 1.000")


def test_recipes_fit_in_the_cell():
    for texts in (BASELINE, PASS, GOOD, QUICK, CEILING):
        assert len(texts[TASK].encode()) < MOST_BYTES / 2
