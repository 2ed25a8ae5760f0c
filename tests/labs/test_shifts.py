"""Lab C: recipes at four levels get what their author meant; cheats get nothing."""

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
from tests.labs.solutions_shifts import BASELINE, CEILING, GOOD, PASS

TASK = "shifts.train"
SEEDS = [f"graded {number}" for number in range(1, 4)]
LEVELS = {"baseline": (BASELINE, 0, 1.5), "pass": (PASS, 7, 12)}
LEVELS |= {"good": (GOOD, 14, 18), "ceiling": (CEILING, 18, 20)}


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


def test_places_are_two_for_each_distance_and_lose_no_pixel(sketches):
    data = drawn(Work(None, "graded 1"))
    far = [max(abs(down), abs(right)) for down, right in data.places]
    assert far == [0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert len(set(data.places)) == 9
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


# --- cheats -----------------------------------------------------------------------


def constant(images, labels):
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    net[1].weight = nn.Parameter(torch.zeros(10, 784))
    net[1].bias = nn.Parameter(F.one_hot(labels[0], 10).float())
    return net


def straight(images, labels):
    """Right for most sketches in the middle, whatever they are called."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(60):
        loss = F.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net


def accuracy_in_the_middle(outcome):
    return float(outcome.scores[0].why.split(": ")[1].split(",")[0])


def test_constant_answer_gets_nothing(sketches):
    outcome, points = marked(constant)
    assert points == 0 and accuracy_in_the_middle(outcome) < 0.2


def test_weights_that_were_copied_know_the_classes_by_other_numbers(sketches):
    kept = []
    own, _ = marked(lambda *args: kept.append(straight(*args)) or kept[0], "graded 2")
    outcome, points = marked(lambda *args: kept[0], "graded 1")
    assert accuracy_in_the_middle(own) > 0.7
    assert points == 0 and accuracy_in_the_middle(outcome) < 0.4


def wide(images, labels):
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))


def in_its_own_forward(images, labels):
    right = dict(zip(map(float, images.sum((1, 2, 3))), labels, strict=True))

    class Net(nn.Sequential):
        def forward(self, input):
            return F.one_hot(right[float(input.sum())], 10)

    return Net(nn.Flatten(), nn.Linear(784, 10))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (wide, "has 50,890 numbers, over 50,000"),
        (in_its_own_forward, "`Net` is none of the layers"),
        (lambda images, labels: labels, "is no network, but Tensor"),
        (lambda images, labels: None, "is no network, but NoneType"),
    ],
)
def test_network_that_cheats_gets_nothing_and_is_told(sketches, answer, words):
    outcome, points = marked(answer)
    assert points == 0 and words in outcome.messages[0]


def test_cell_that_could_hold_trained_weights_is_not_run(sketches):
    ran = []
    outcome, points = marked(ran.append, source="#" * (MOST_BYTES + 1))
    assert (points, ran) == (0, [])
    assert "the cell has 4,001 bytes, over 4,000" in outcome.messages[0]


def test_recipes_fit_in_the_cell():
    for texts in (BASELINE, PASS, GOOD, CEILING):
        assert len(texts[TASK].encode()) < MOST_BYTES / 2
