"""A network is built again from layers and numbers: nothing else of it counts."""

import copy

import pytest
import torch
from torch import nn

from course_utils.labs.network import (
    MOST_LAYERS,
    Budget,
    Mean,
    Mirrored,
    Residual,
    network_of,
)
from course_utils.labs.returned import Unfit
from course_utils.labs.work import Work

SHAPE, CLASSES = (1, 28, 28), 10
FURTHER = (nn.BatchNorm1d, nn.LayerNorm, Mean, Mirrored)


def conv(c_in, c_out, **options):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, padding=1, bias=False, **options),
        nn.BatchNorm2d(c_out),
        nn.GELU(),
    )


def whole():
    """A network with every kind of layer; its running statistics are not those of
    the start.
    """
    net = nn.Sequential(
        conv(1, 8, padding_mode="circular"),
        nn.MaxPool2d(2),
        Residual(conv(8, 8, groups=8), nn.GroupNorm(2, 8), nn.SiLU()),
        nn.AvgPool2d(2, ceil_mode=True),
        nn.Conv2d(8, 12, (3, 1), stride=(2, 1), padding="valid", dilation=2),
        nn.ReLU(),
        nn.Dropout2d(0.2),
        nn.AdaptiveMaxPool2d((2, 1)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Identity(),
        nn.Linear(12, CLASSES),
    )
    for _ in range(3):
        net(torch.randn(16, *SHAPE))
    return net


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_network_built_again_computes_the_same():
    net = whole()
    again = network_of(net, SHAPE, CLASSES)
    x = torch.randn(150, *SHAPE)
    with torch.no_grad():
        assert torch.allclose(again.layers(x), net.eval()(x), atol=1e-5)
        assert torch.equal(again.classes(x), net(x).argmax(dim=1))


def test_network_is_as_fast_wherever_its_numbers_come_from():
    """Numbers from another process lie as in no convolution that is fast."""
    net = whole()
    fast = copy.deepcopy(net).to(memory_format=torch.channels_last)
    x = torch.randn(150, *SHAPE)
    one, other = network_of(net, SHAPE, CLASSES), network_of(fast, SHAPE, CLASSES)
    for network in one, other:
        for layer in network.layers.modules():
            if isinstance(layer, nn.Conv2d):
                weight = layer.weight
                assert weight.is_contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        assert torch.equal(one.scores(x), fast.eval()(x))


def test_threads_compute_the_same():
    network = network_of(whole(), SHAPE, CLASSES)
    x = torch.randn(350, *SHAPE)
    assert torch.equal(network.scores(x, threads=2), network.scores(x))
    assert not network.scores(x, threads=2).requires_grad


def mean_of_two():
    """Their running statistics are not those of the start."""
    one = nn.Sequential(
        nn.LayerNorm(SHAPE), nn.Flatten(), nn.Linear(784, CLASSES), nn.BatchNorm1d(10)
    )
    other = nn.Sequential(nn.Flatten(), nn.LayerNorm(784), nn.Linear(784, CLASSES))
    net = Mirrored(Mean(one, other))
    for _ in range(3):
        net(torch.randn(16, *SHAPE))
    return net


def test_mean_of_networks_and_mirror_images_computes_the_same():
    net, x = mean_of_two(), torch.randn(150, *SHAPE)
    network = network_of(net, SHAPE, CLASSES, FURTHER)
    with torch.no_grad():
        one, other = net.eval()[0]
        halves = [one(x), other(x), one(x.flip(-1)), other(x.flip(-1))]
        mean = torch.stack(halves).mean(dim=0)
        assert torch.allclose(network.scores(x), mean, atol=1e-5)
        assert torch.allclose(network.scores(x), net(x), atol=1e-6)
    assert network.work == 4 * 784 * CLASSES  # each image, and its mirror image


@pytest.mark.parametrize("layer", [*FURTHER, nn.InstanceNorm2d])
def test_layers_that_a_lab_does_not_ask_for_are_refused(layer):
    made = {nn.BatchNorm1d: [784], nn.LayerNorm: [784], nn.InstanceNorm2d: [1]}
    inner = layer(*made.get(layer, [nn.Identity()]))
    with pytest.raises(Unfit, match=f"`{layer.__name__}` is none of the layers"):
        network_of(nn.Sequential(inner, *FLAT), SHAPE, CLASSES)


def test_mean_of_nothing_is_refused():
    with pytest.raises(Unfit, match="do not fit"):
        network_of(nn.Sequential(Mean(), *FLAT), SHAPE, CLASSES, FURTHER)


def test_every_number_that_is_used_counts_once():
    net = whole()
    tensors = [t for t in net.state_dict().values() if t.is_floating_point()]
    assert network_of(net, SHAPE, CLASSES).numbers == sum(t.numel() for t in tensors)
    layer = nn.Conv2d(1, 1, 3, padding=1)
    shared = nn.Sequential(layer, layer, layer, nn.Flatten(), nn.Linear(784, CLASSES))
    assert network_of(shared, SHAPE, CLASSES).numbers == 10 + 7_850


def test_work_is_that_of_one_image():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 26 * 26, 10))
    assert network_of(net, SHAPE, CLASSES).work == 2 * 26 * 26 * (9 + 10)


HIDDEN = torch.randn(CLASSES, 784)


class InGlobal(nn.Module):
    def forward(self, x):
        return x.flatten(1) @ HIDDEN.T


class InBuffer(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(784, CLASSES))
        self.register_buffer("more", torch.randn(CLASSES, 784))

    def forward(self, input):
        return input.flatten(1) @ self.more.T


class Linear(nn.Linear):
    """Bears the name of a layer of torch, and computes something else."""

    def forward(self, input):
        return input @ HIDDEN.T


def in_closure():
    hidden = torch.randn(CLASSES, 784)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, CLASSES))
    net.forward = lambda x: x.flatten(1) @ hidden.T
    return net


def in_hook():
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, CLASSES))
    net.register_forward_hook(lambda module, args, y: args[0].flatten(1) @ HIDDEN.T)
    return net


def in_attribute():
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, CLASSES))
    net[1].hidden = HIDDEN
    net.register_buffer("hidden", HIDDEN)
    return net


@pytest.mark.parametrize(
    "net",
    [InGlobal(), InBuffer(), nn.Sequential(InGlobal())],
    ids=["global", "buffer", "inside"],
)
def test_module_with_a_forward_of_its_own_is_refused(net):
    with pytest.raises(Unfit, match="none of the layers"):
        network_of(net, SHAPE, CLASSES)


@pytest.mark.parametrize(
    "make",
    [
        in_closure,
        in_hook,
        in_attribute,
        lambda: nn.Sequential(nn.Flatten(), Linear(784, CLASSES)),
    ],
    ids=["closure", "hook", "attribute", "name"],
)
def test_numbers_that_are_hidden_elsewhere_compute_nothing(make):
    net = make()
    x = torch.randn(50, *SHAPE)
    network = network_of(net, SHAPE, CLASSES)
    assert network.numbers == 7_850
    plain = x.flatten(1) @ net[1].weight.T + net[1].bias
    assert torch.equal(network.classes(x), plain.argmax(dim=1))


FLAT = nn.Flatten(), nn.Linear(784, CLASSES)


def padded(value):
    layer = nn.Conv2d(1, 1, 3, padding=1)
    layer.padding = value
    return nn.Sequential(layer, *FLAT)


def forever():
    net = nn.Sequential()
    net.add_module("again", net)
    return net


def doubled():
    net = nn.Sequential(nn.Identity())
    for _ in range(40):
        net = nn.Sequential(net, net)
    return nn.Sequential(net, *FLAT)


def nan():
    net = nn.Sequential(*FLAT)
    net[1].bias = nn.Parameter(torch.full((CLASSES,), torch.nan))
    return net


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: 3, "is no network, but int"),
        (lambda: len, "function_or_method: return the `nn.Sequential` itself."),
        (lambda: (FLAT, 1), "but tuple: return the `nn.Sequential` itself."),
        (lambda: None, "is a `return` missing?"),
        (lambda: nn.LSTM(28, 10), "`LSTM` is none of the layers that may be used."),
        (lambda: nn.Sequential(*FLAT, nn.Softmax(1)), "no softmax is needed"),
        (lambda: InGlobal(), "a class of your own can't be built again"),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 9)), "not (2, 10)"),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(700, 10)), "do not fit"),
        (
            lambda: nn.Sequential(nn.Flatten(), nn.Linear(700, 10)),
            "`Linear(700, …)` was given 784 numbers",
        ),
        (lambda: nn.Sequential(nn.Flatten(0), *FLAT), "do not fit"),
        (lambda: padded((10**6, 10**6)), "has the padding (1000000"),
        (lambda: padded((5_000, 5_000)), "a layer makes over 500,000"),
        (lambda: padded("everything"), "has the padding everything."),
        (
            lambda: nn.Sequential(nn.Flatten(), nn.Linear(33_880, 10)),
            "has the in_features 33880: whole numbers up to 10,000 may be used.",
        ),
        (
            lambda: nn.Sequential(*(nn.Conv2d(1, 1, 1) for _ in range(MOST_LAYERS))),
            "more than 200 layers",
        ),
        (
            lambda: nn.Sequential(
                nn.Conv2d(1, 128, 1), nn.Conv2d(128, 128, 1), nn.Flatten()
            ),
            "not (2, 10)",
        ),
        (
            lambda: nn.Sequential(Residual(nn.Conv2d(1, 16, 3, padding=1)), *FLAT),
            "`Linear(784, …)` was given 12544 numbers",  # 1 channel goes with 16
        ),
        (
            lambda: nn.Sequential(Residual(nn.Conv2d(1, 16, 3)), *FLAT),
            "`Residual` adds its input to its output: both need the same shape, and "
            "here they have (1, 28, 28) and (16, 26, 26).",
        ),
        (forever, "more than 200 layers"),
        (doubled, "more than 200 layers"),
        (nan, "`bias` of a `Linear` holds nan: most often the learning rate is too"),
        (
            lambda: nn.Sequential(nn.BatchNorm2d(1, track_running_stats=False), *FLAT),
            "`running_mean` of a `BatchNorm2d` is no tensor",
        ),
    ],
)
def test_what_can_not_be_measured_is_said(make, words):
    with pytest.raises(Unfit) as caught:
        network_of(make(), SHAPE, CLASSES)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("numbers", "work", "over"),
    [
        (7_850, 7_840, ""),
        (7_849, 7_840, "it is over the limit of numbers."),
        (7_850, 7_839, "it is over the limit of multiply-adds."),
        (1, 1, "it is over the limit of numbers and the limit of multiply-adds."),
    ],
)
def test_broken_limits_are_all_said_with_what_was_used(numbers, work, over):
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, CLASSES))
    network = network_of(net, SHAPE, CLASSES)
    limits = Budget(numbers, work, 4_000, 95.0)
    used = f"It used 7,850 of {numbers:,} numbers, 7,840 of {work:,} multiply-adds for "
    used += "an image, 5 of 4,000 bytes"
    openly, graded = Work(None, source="train"), Work(None, "graded 1", "train")
    assert limits.used(network, openly, 41.3) == f"{used}, 41 of 95 seconds."
    assert limits.used(network, graded, 41.3) == f"{used}."
    if not over:
        return limits.require(network, openly)
    with pytest.raises(Unfit) as caught:
        limits.require(network, openly, 41.3)
    assert str(caught.value) == f"{over} {used}, 41 of 95 seconds."
