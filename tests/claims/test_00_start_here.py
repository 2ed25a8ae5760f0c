"""Lesson 00 says more than its page shows: each sentence, tested."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from course_utils import load_fashion_mnist, load_sketches
from course_utils.data.model import Split
from course_utils.exercises.diagnose import diagnose
from course_utils.exercises.registry import find_exercise
from tests.lessons import LESSONS, code_cells, read

POINTS = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0])
HEIGHTS = torch.tensor([-3.0, -2.0, 0.0, 1.0, 3.0])


def source_of(name: str) -> str:
    """Return the cell of the lesson that defines this function."""
    cells = code_cells(read(LESSONS[0]))
    (source,) = [cell.source for cell in cells if f"def {name}(" in cell.source]
    return source


def defined(name: str):
    """Return the function of this name as the lesson writes it."""
    scope = {"torch": torch, "nn": nn, "F": F, "points": POINTS, "heights": HEIGHTS}
    exec(source_of(name), scope)
    return scope[name]


@pytest.mark.parametrize("start", [(0.0, 0.0), (5.0, -5.0), (-30.0, 30.0)])
def test_every_path_downhill_ends_at_the_same_line(start):
    train_step, line = defined("train_step"), nn.Linear(1, 1)
    with torch.no_grad():
        line.weight.fill_(start[0])
        line.bias.fill_(start[1])
    optimizer = torch.optim.SGD(line.parameters(), lr=0.1)
    for _ in range(100):
        train_step(line, POINTS[:, None], HEIGHTS[:, None], optimizer, F.mse_loss)
    assert line.weight.item() == pytest.approx(1.5, abs=5e-3)
    assert line.bias.item() == pytest.approx(-0.2, abs=5e-3)


def test_from_steps_that_are_too_long_the_line_is_lost():
    train_step, line = defined("train_step"), nn.Linear(1, 1)
    optimizer = torch.optim.SGD(line.parameters(), lr=0.6)
    for _ in range(100):
        train_step(line, POINTS[:, None], HEIGHTS[:, None], optimizer, F.mse_loss)
    assert abs(line.weight.item()) > 1_000


def test_the_best_slope_does_not_change_with_the_intercept():
    for b in (-2.0, 0.0, 3.0):
        slopes = torch.arange(-1, 3, 0.01)[:, None]
        losses = ((slopes * POINTS + b - HEIGHTS) ** 2).mean(dim=1)
        assert slopes[losses.argmin()].item() == pytest.approx(1.5, abs=0.006)


def test_no_limit_on_the_height_tells_more_shirts_from_t_shirts():
    test = load_sketches().test
    rows = (test.images > 0).any(dim=3).sum(dim=(1, 2))
    pair = (test.labels == 0) | (test.labels == 6)
    is_shirt = test.labels[pair] == 6
    right = [((rows[pair] >= limit) == is_shirt).sum().item() for limit in range(30)]
    assert (max(right), 200 - min(right)) == (126, 100)


@pytest.fixture(scope="module")
def networks():
    """Return the three networks that the lesson trains, with seed 0."""
    sketches = load_sketches()
    scope = {"torch": torch, "nn": nn, "F": F, "device": "cpu", "seed": 0}
    scope |= {"sketches": sketches, "x_train": sketches.train.images / 255}
    for name in ("train_step", "make_network", "train_network"):
        exec(source_of(name), scope)
    return [network for network, _ in scope["runs"]]


def test_shirts_are_taken_for_t_shirts_above_all(networks):
    sketches = load_sketches()
    is_shirt = sketches.test.labels == sketches.classes.index("Shirt")
    shirts = sketches.test.images[is_shirt] / 255
    named = torch.stack([network(shirts).argmax(dim=1) for network in networks])
    counts = named.flatten().bincount(minlength=10)
    places = counts.argsort(descending=True)[:3].tolist()
    assert [sketches.classes[kind] for kind in places] == [
        "Shirt",
        "T-shirt/top",
        "Pullover",
    ]


def test_the_boot_is_one_until_10_to_12_rows_are_gone(networks):
    sketches = load_sketches()
    boot = sketches.classes.index("Ankle boot")
    rubbed = (sketches.test.images[:1] / 255).repeat(29, 1, 1, 1)
    for rows in range(29):
        rubbed[rows, :, :rows] = 0
    for network in networks:
        is_boot = network(rubbed).argmax(dim=1) == boot
        assert 10 <= is_boot.int().argmin().item() <= 12


def test_gradients_add_up_unless_they_are_cleared():
    w = torch.tensor(2.0, requires_grad=True)
    for total in (3.0, 6.0, 9.0):
        (3 * w).backward()
        assert w.grad.item() == total


@pytest.mark.parametrize("channels", [1, 3])
def test_a_cross_entropy_of_knowing_nothing_is_the_logarithm_of_the_kinds(channels):
    for kinds in (10, 1_000):
        loss = F.cross_entropy(torch.zeros(channels, kinds), torch.arange(channels))
        assert_close(loss, torch.tensor(float(kinds)).log())


MENDED = {
    "all against all": ("w * x + b", "w * x.squeeze(1) + b"),
    "never cleared": ("loss.backward()", "w.grad = b.grad = None; loss.backward()"),
    "uphill": ("+= lr", "-= lr"),
}


@pytest.mark.parametrize("left", [*MENDED, None])
def test_the_broken_fit_has_three_mistakes_and_no_fourth(left):
    source = source_of("broken_fit").partition("found =")[0]
    for name, (wrong, right) in MENDED.items():
        assert wrong in source
        if name != left:
            source = source.replace(wrong, right)
    scope = {"torch": torch}
    exec(source, scope)
    verdict = diagnose(find_exercise("start.fit"), scope["broken_fit"])
    assert (verdict.state == "correct") == (left is None)
    assert verdict.misconception == left


def test_the_broken_fit_as_it_is_printed():
    found = defined("broken_fit")(POINTS[:, None], HEIGHTS, 0.1, 4)
    assert find_exercise("start.fit").reference(POINTS[:, None], HEIGHTS, 0.1, 4) == (
        pytest.approx((1.31, -0.12), abs=5e-3)
    )
    verdict = diagnose(find_exercise("start.fit"), defined("broken_fit"))
    assert verdict.misconception == "as it was"
    assert found != pytest.approx((1.31, -0.12), abs=0.1)


class Pairs(list):
    """Examples as torchvision hands them out, with the names of their kinds."""

    def __init__(self, part: Split, classes: tuple[str, ...], count: int) -> None:
        pictures = (part.images[:count] / 255, part.labels[:count].tolist())
        super().__init__(zip(*pictures, strict=True))
        self.classes = list(classes)


@pytest.mark.parametrize("load", [load_sketches, load_fashion_mnist])
def test_the_program_in_one_file_runs_as_it_stands(load, monkeypatch, tmp_path, capsys):
    (cell,) = [cell for cell in read(LESSONS[0]).cells if cell.id == "c00-r642"]
    program = cell.source.split("```python\n")[1].split("```")[0]
    monkeypatch.setenv("COURSE_OFFLINE", "1")  # no photographs here: sketches again
    garments = load()

    def photographs(root: str, train: bool, transform: object, download: bool) -> Pairs:
        part = garments.train if train else garments.test
        return Pairs(part, garments.classes, 4_000 if train else 1_000)

    monkeypatch.setattr("torchvision.datasets.FashionMNIST", photographs)
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    exec(program, {})
    *epochs, loaded, named = capsys.readouterr().out.splitlines()
    shares = [float(line.split("share named correctly ")[1]) for line in epochs]
    assert len(shares) == 5
    assert shares[0] < shares[-1]
    assert 0.6 < shares[-1] < 0.9
    assert loaded == f"saved and loaded: share named correctly {shares[-1]:.3f}"
    assert named == "named Ankle boot, labelled Ankle boot"
    assert (tmp_path / "network.pt").exists()
