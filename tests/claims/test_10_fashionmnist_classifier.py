"""Lesson 10 says more than its page shows: each sentence, tested."""

from collections import namedtuple

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torch.testing import assert_close
from torch.utils.data import DataLoader, TensorDataset

from course_utils import load_sketches
from tests.lessons import LESSONS, code_cells, read


def from_the_lesson(start: str, **scope):
    """Run the lesson's cell that begins so, and return what it defines."""
    (cell,) = [c for c in code_cells(read(LESSONS[10])) if c.source.startswith(start)]
    scope |= {"torch": torch, "nn": nn, "F": F, "device": torch.device("cpu")}
    exec(cell.source, scope)
    return scope


def test_the_best_of_two_hundred_guessers_looks_like_nineteen_percent():
    torch.manual_seed(0)
    hits = torch.distributions.Binomial(100, torch.tensor(0.1)).sample((2_000, 200))
    best = hits.amax(dim=1) / 100
    assert 0.185 < best.mean() < 0.195
    assert best.min() > 0.13
    assert best.max() < 0.3


def test_a_chain_gives_the_same_numbers_as_the_class():
    net = from_the_lesson("class NeuralNetwork")["NeuralNetwork"]()
    chain = from_the_lesson("def make_mlp")["make_mlp"]()
    for mine, theirs in zip(chain.parameters(), net.parameters(), strict=True):
        mine.data.copy_(theirs)
    x = torch.randn(3, 1, 28, 28)
    assert_close(chain(x), net(x))


@pytest.mark.parametrize("training", [True, False])
def test_max_pooling_changes_places_with_relu_but_not_with_batch_norm(training):
    torch.manual_seed(0)
    x, pool = torch.randn(8, 4, 6, 6), nn.MaxPool2d(2)
    norm = nn.BatchNorm2d(4).train(training)
    assert torch.equal(pool(x.relu()), pool(x).relu())
    assert torch.allclose(norm(pool(x)), pool(norm(x))) is not training


def test_adamw_steps_equally_far_for_gradients_a_hundred_times_as_small():
    w = nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.AdamW([w], lr=0.01, weight_decay=0)
    for _ in range(10):
        w.grad = torch.tensor([1.0, 0.01])
        optimizer.step()
    assert_close(w[0], w[1], rtol=1e-3, atol=0)


def test_weight_decay_shrinks_apart_from_the_gradient():
    w = nn.Parameter(torch.ones(1))
    optimizer = torch.optim.AdamW([w], lr=0.1)  # weight_decay=0.01
    w.grad = torch.zeros(1)
    optimizer.step()
    assert_close(w.detach(), torch.tensor([1 - 0.1 * 0.01]))


def test_one_cycle_lowers_beta_while_the_rate_is_high():
    optimizer = torch.optim.AdamW([nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.1, total_steps=100, pct_start=0.22
    )
    seen = []
    for _ in range(99):
        group = optimizer.param_groups[0]
        seen.append((group["lr"], group["betas"][0]))
        optimizer.step()
        schedule.step()
    rates, betas = zip(*seen, strict=True)
    assert 0.15 < rates.index(max(rates)) / 100 < 0.25
    assert rates.index(max(rates)) == betas.index(min(betas))
    assert min(betas) < betas[0]


def test_a_mean_of_batch_accuracies_is_no_accuracy():
    hits = torch.tensor([1.0, 1.0, 1.0, 1.0, 0.0])
    parts = [part.mean() for part in hits.split(4)]
    assert sum(parts) / 2 == 0.5
    assert_close(hits.mean(), torch.tensor(0.8))


def test_losses_are_means_per_image_though_the_last_batch_is_smaller():
    scope = {"DataLoader": DataLoader, "namedtuple": namedtuple}
    for start in ("def train_step", "@torch.no_grad()\ndef eval_step", "def fit"):
        scope |= from_the_lesson(start, **scope)
    torch.manual_seed(0)
    data, net = (
        TensorDataset(torch.randn(501, 4), torch.arange(501) % 3),
        nn.Linear(4, 3),
    )
    x, y = data.tensors
    loss, accuracy = scope["evaluate"](net, data)
    assert loss == pytest.approx(F.cross_entropy(net(x), y).item())
    assert accuracy == pytest.approx((net(x).argmax(1) == y).float().mean().item())
    slow = scope["Plan"](epochs=1, batch_size=400, rate=1e-9)
    ((training, validation, _),) = scope["fit"](net, data, data, slow)
    assert training == pytest.approx(loss, rel=1e-4)
    assert validation == pytest.approx(loss, rel=1e-4)


def test_late_in_training_batches_agree_far_less():
    helper = "# @title Helper: the direction"
    direction = from_the_lesson(helper)["direction"]
    torch.manual_seed(0)
    sketches = load_sketches().train
    x, y = (sketches.images / 255 - 0.3) / 0.35, sketches.labels
    net = nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 10))

    def agreement():
        whole = direction(net, x, y)
        draws = [torch.randperm(len(y))[:100] for _ in range(20)]
        found = [
            F.cosine_similarity(direction(net, x[d], y[d]), whole, 0) for d in draws
        ]
        return torch.stack(found).mean()

    early = agreement()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=400)
    for _ in range(10):
        for rows in torch.randperm(len(y)).split(100):
            optimizer.zero_grad()
            F.cross_entropy(net(x[rows]), y[rows]).backward()
            optimizer.step()
            schedule.step()
    assert early > 0.7
    assert agreement() < 0.5


@pytest.mark.parametrize("temperature", [0.5, 2.0, 5.0])
def test_a_temperature_changes_no_answer(temperature):
    torch.manual_seed(0)
    z = 5 * torch.randn(200, 10)
    assert torch.equal((z / temperature).argmax(1), z.argmax(1))
    milder = (z / temperature).softmax(1).amax(1) <= z.softmax(1).amax(1)
    assert milder.all() == (temperature > 1)


def test_small_cnn_and_the_adapted_first_layer():
    layers = [nn.Conv2d(1, 16, 3), nn.Conv2d(16, 32, 3), nn.Linear(32 * 49, 10)]
    assert sum(p.numel() for one in layers for p in one.parameters()) == 20_490
    with torch.device("meta"):
        resnet = torchvision.models.resnet18()
        resnet.conv1 = nn.Conv2d(1, 64, 3, padding=1, bias=False)
        resnet.fc = nn.Linear(512, 10)
        assert resnet(torch.empty(2, 1, 28, 28)).shape == (2, 10)


def test_the_broken_epoch_fails_every_line_of_its_test(capsys):
    broken = from_the_lesson("def broken")["broken"]
    examine = from_the_lesson("# @title Helper: examine")["examine"]
    examine(broken)
    lines = capsys.readouterr().out.splitlines()
    said = [line.partition(": ")[2].partition(", should be") for line in lines[:1]]
    assert all(found != wanted.strip() for found, _, wanted in said)
    assert "it is a Tensor" in lines[1]
    assert "mode: eval" in lines[2]
    assert float(lines[3].split(": ")[1].split(",")[0]) > 0.3
