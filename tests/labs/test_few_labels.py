"""Lab B: recipes at four levels get what their author meant, in three draws."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.data.model import CLASSES, FashionMNIST, Split
from course_utils.data.sketches import load_sketches
from course_utils.errors import CourseError
from course_utils.labs.bank import few_labels
from course_utils.labs.bank.few_labels import MOST_BYTES, MOST_CALLS, ROUNDS, drawn
from course_utils.labs.model import total
from course_utils.labs.network import Mean, Mirrored
from course_utils.labs.outcome import measure_rounds
from course_utils.labs.registry import find_task
from course_utils.labs.work import OPEN, Work
from tests.labs.solutions_few_labels import BASELINE, CEILING, GOOD, PASS
from tests.labs.test_shifts import photographs

TASK = "few_labels.train"
SEEDS = [f"graded {number}" for number in range(1, 4)]
LEVELS = {"baseline": (BASELINE, 0, 1), "pass": (PASS, 6, 11)}
LEVELS |= {"good": (GOOD, 11, 16), "ceiling": (CEILING, 16.5, 20)}


def defined(text):
    scope = {"torch": torch, "nn": nn, "F": F, "Mean": Mean, "Mirrored": Mirrored}
    exec(text, scope)
    return scope["train"]


def marked(answer, secret="graded 1", source="", rounds=range(ROUNDS)):
    works = [Work(answer, secret, source, round=number) for number in rounds]
    outcome = measure_rounds(find_task(TASK), works)
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
    assert list(outcome.curves[0].lines) == ["draw 1", "draw 2", "draw 3"]


# --- what is drawn ----------------------------------------------------------------


@pytest.fixture
def sketches(monkeypatch):
    """Draw from the sketches, which are on every machine."""
    monkeypatch.setattr(
        few_labels, "load_fashion_mnist", lambda source: load_sketches()
    )


@pytest.fixture
def marks(monkeypatch):
    """Draw from images that say which ones they are, without any light."""
    images = torch.zeros(9_000, 1, 28, 28, dtype=torch.uint8)
    images[:, 0, 0, 0] = (torch.arange(9_000) // 100).byte()
    images[:, 0, 0, 1] = (torch.arange(9_000) % 100).byte()
    known = Split(images, torch.arange(9_000) % 10)
    images = images.clone()
    images[:, 0, 0, 2] = 1
    held_out = Split(images, torch.arange(9_000) % 10)
    data = FashionMNIST(known, held_out, CLASSES, "fashion-mnist")
    monkeypatch.setattr(few_labels, "load_fashion_mnist", lambda source: data)
    monkeypatch.setattr(few_labels, "lit", lambda images, g: images.float())


def places(images):
    """Return where images stand in the data, and of which half they are."""
    return [tuple(map(int, image)) for image in images[:, 0, 0, :3]]


@pytest.mark.parametrize(("secret", "half"), [(OPEN, 0), ("graded 1", 1)])
def test_images_of_one_part_are_in_no_other(marks, secret, half):
    data = drawn(Work(None, secret))
    parts = data.images, data.validation_images, data.test_images
    known, validation, test = (set(places(part)) for part in parts)
    assert [len(known), len(validation), len(test)] == [200, 500, 2_000]
    assert {place[2] for place in known | validation} == {0}
    assert {place[2] for place in test} == {half}
    assert not known & validation and not test & (known | validation)


@pytest.mark.parametrize("secret", [OPEN, "graded 1"])
def test_labels_belong_to_their_images(marks, secret):
    data = drawn(Work(None, secret))
    for images, labels in (
        (data.images, data.labels),
        (data.validation_images, data.validation_labels),
        (data.test_images, data.test_labels),
    ):
        named = [data.names[number] for number in labels]
        assert named == [CLASSES[place[1] % 10] for place in places(images)]
    assert data.labels.bincount().tolist() == [20] * 10
    assert data.validation_labels.bincount().tolist() == [50] * 10
    assert len(set(data.labels[:20].tolist())) > 3  # no class after another


def test_images_classes_and_light_differ_by_seed_and_by_round(sketches):
    works = [("graded 1", 0), ("graded 1", 0), ("graded 1", 1), ("graded 2", 0)]
    first, again, *others = (drawn(Work(None, s, round=n)) for s, n in works)
    assert torch.equal(first.images, again.images) and first.names == again.names
    for other in others:
        assert first.names != other.names
        assert not torch.equal(first.images, other.images)


def test_light_is_another_for_each_image_and_a_norm_takes_it_away():
    images = load_sketches().train.images[:300]
    lit = few_labels.lit(images)
    low = lit.amin((1, 2, 3))
    spread = lit.amax((1, 2, 3)) - low
    assert 0 <= low.min() < 0.1 and 3.9 < low.max() <= 4
    assert 0 < spread.min() < 0.1 and spread.max() > 10
    norm = nn.GroupNorm(1, 1, eps=1e-10)
    assert torch.allclose(norm(lit), norm(images / 255), atol=0.05)


def test_grading_without_photographs_is_no_learners_error(monkeypatch):
    def none(source):
        assert source == "real"
        raise CourseError("not here")

    monkeypatch.setattr(few_labels, "load_fashion_mnist", none)
    with pytest.raises(CourseError):
        marked(lambda images, labels, validate: None)


# --- the validation set -------------------------------------------------------------


def straight(images, labels, *_):
    """Right for most sketches, whatever they are called."""
    net = nn.Sequential(nn.GroupNorm(1, 1), nn.Flatten(), nn.Linear(784, 10))
    images = images.float()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(60):
        loss = F.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net


def test_recipe_learns_what_its_network_reaches_on_validation_images(sketches):
    told = []

    def train(images, labels, validate):
        net = straight(images, labels, validate).train()
        told.extend([validate(nn.Sequential(net, nn.Dropout(0.9))), validate(net)])
        assert net.training
        return net

    outcome, _ = marked(train, rounds=[0])
    (accuracy, loss), again = told
    assert again == (accuracy, loss)  # evaluation mode: without dropout
    assert accuracy > 0.5 and 0 < loss < 2
    assert outcome.curves[1].lines == {"draw 1": [accuracy, accuracy]}


def test_validate_answers_twenty_times_for_each_draw(sketches):
    def train(images, labels, validate, more=0):
        net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
        for _ in range(MOST_CALLS + more):
            validate(net)
        return net

    outcome, _ = marked(train)
    assert [len(line) for line in outcome.curves[1].lines.values()] == [MOST_CALLS] * 3
    outcome, points = marked(lambda *args: train(*args, more=1))
    assert points == 0 and "answers 20 times" in outcome.messages[0]


def test_network_that_may_not_be_handed_in_is_not_validated(sketches):
    def train(images, labels, validate):
        return validate(nn.Sequential(nn.Flatten(), nn.Linear(784, 100)))

    outcome, points = marked(train)
    assert points == 0 and "not (2, 10)" in outcome.messages[0]


# --- rounds, and what is handed in ---------------------------------------------------


def accuracies(outcome):
    return [float(part[:5]) for part in outcome.scores[0].why.split(": ")[1::2]]


def test_recipes_fit_in_the_cell():
    for texts in (BASELINE, PASS, GOOD, CEILING):
        assert len(texts[TASK].encode()) < MOST_BYTES * 0.6


def test_round_that_fails_costs_itself_and_those_after_it(sketches):
    seen = []

    def train(images, labels, validate):
        seen.append(images)
        if len(seen) == 2:
            raise ZeroDivisionError("second draw")
        return straight(images, labels, validate)

    whole, most = marked(straight)
    outcome, points = marked(train)
    assert len(seen) == 2 and "second draw" in outcome.messages[0]
    assert 0 < points < most
    assert outcome.scores[0].why.startswith(whole.scores[0].why.split(" Draw 2")[0])
    assert "It was not measured." in outcome.scores[0].why


def test_copies_of_a_network_may_be_averaged_and_mirrored(sketches):
    nets = []

    def train(images, labels, validate):
        net = straight(images, labels, validate)
        nets.append(net)
        return Mirrored(Mean(net, copy.deepcopy(net)))

    outcome, _ = marked(train, rounds=[0])
    assert accuracies(outcome)[0] > 0.5
    assert "with 15,704 numbers" in outcome.scores[0].why
