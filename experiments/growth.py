"""How do time and memory grow with images, batch, width and depth, and what limits
each layer: its arithmetic, the caches or the memory? Fitted exponents of a training
step of a residual network; layers beside this machine's own rate and bandwidth."""

import os
import sys
from collections.abc import Callable
from functools import partial
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from course_utils.authoring.classifier import cnn
from course_utils.authoring.clock import (
    Work,
    copy_rate,
    exponent,
    in_turns,
    matrix_rate,
    shorter,
)
from course_utils.authoring.recipes import PERCEPTRON
from course_utils.authoring.record import record
from course_utils.authoring.resnet import BasicBlock, garment_resnet

REPEATS = int(os.environ.get("COURSE_BENCH_REPEATS", "5"))
THREADS = int(os.environ.get("COURSE_THREADS", "2"))
BATCH, WIDTH, BLOCKS = 64, 32, 2
SIZES = {
    "images": [256, 512, 1024, 2048],
    "batch": [16, 32, 64, 128, 256],
    "width": [16, 32, 64, 128],
    "depth": [1, 2, 4, 8],
}
LAYERS = [
    "ReLU",
    "BatchNorm, train",
    "3 x 3, 1 to 32 channels",
    "3 x 3, 32 channels",
    "3 x 3, 128 channels",
    "3 x 3 depthwise, 128 channels",
    "linear 512 to 512, batch 1",
    "linear 512 to 512, batch 128",
    "linear 512 to 512, batch 2048",
]
COPIES = [128, 512, 2048, 8192, 32768, 131072]  # from the caches to memory
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "MLP": PERCEPTRON,
    "lesson 10's CNN": cnn,
    "residual network": partial(garment_resnet, 24),
}
SETTINGS = [
    *({"grows": name} for name in SIZES),
    {"grows": "machine"},
    *({"grows": "nothing", "network": name} for name in NETWORKS),
    *({"grows": "nothing", "layer": name} for name in LAYERS),
    *({"grows": "nothing", "copied_kilobytes": size} for size in COPIES),
]
RERUN = (0, {"memory_exponent": (-0.1, 0.1)})


def even_network(width: int, blocks: int) -> nn.Sequential:
    """Return a stem that halves, blocks of equal width, and a head."""
    stem = [nn.Conv2d(1, width, 3, 2, padding=1, bias=False), nn.BatchNorm2d(width)]
    body = [BasicBlock(width, width) for _ in range(blocks)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10)]
    net = nn.Sequential(*stem, nn.ReLU(), *body, *head)
    return net.to(memory_format=torch.channels_last)


def kept_bytes(model: nn.Module, x: Tensor, y: Tensor) -> int:
    """Return the bytes that a forward pass keeps for the backward one, no weights."""
    own = {p.data_ptr() for p in model.parameters()}
    seen: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = F.cross_entropy(model(x), y)
    found = sum(seen.values())  # `loss` keeps them until here
    del loss
    return found


def case(grows: str, size: int) -> tuple[Work, int]:
    """Return the work, an epoch or a step, and the bytes that a step keeps."""
    images = size if grows == "images" else 0
    batch = size if grows == "batch" else BATCH
    width = size if grows == "width" else WIDTH
    model = even_network(width, size if grows == "depth" else BLOCKS)
    x = torch.randn(batch, 1, 28, 28).contiguous(memory_format=torch.channels_last)
    y = torch.arange(batch) % 10
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def work() -> None:
        for _ in range(max(1, images // batch)):
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return work, kept_bytes(model, x, y)


def fitted(grows: str) -> dict[str, object]:
    """Measure all sizes in turns, and fit two exponents."""
    cases = {str(size): case(grows, size) for size in SIZES[grows]}
    seconds = in_turns({name: work for name, (work, _) in cases.items()}, REPEATS)
    middle = [shorter(median(runs)) for runs in seconds.values()]
    memory = [kept for _, kept in cases.values()]
    return {
        "sizes": SIZES[grows],
        "seconds": middle,
        "kept_bytes": memory,
        "exponent": round(exponent(SIZES[grows], middle), 2),
        "memory_exponent": round(exponent(SIZES[grows], memory), 2),
    }


def linear(batch: int) -> tuple[Work, float, float]:
    """Return a product's work, operations and bytes: input, weights, output."""
    layer, x = nn.Linear(512, 512), torch.randn(batch, 512)
    moved = 4 * (2 * batch * 512 + 512 * 512)
    return lambda: layer(x), 2 * batch * 512 * 512, moved


def conv(c_in: int, c: int, groups: int = 1) -> tuple[Work, float, float]:
    """Return a convolution's work, operations and bytes on 128 maps of 14 x 14."""
    layer = nn.Conv2d(c_in, c, 3, padding=1, groups=groups, bias=False)
    layer = layer.to(memory_format=torch.channels_last)
    x = torch.randn(128, c_in, 14, 14).contiguous(memory_format=torch.channels_last)
    places, weights = 128 * 14 * 14, layer.weight.numel()
    return lambda: layer(x), 2 * places * weights, 4 * (places * (c_in + c) + weights)


def pointwise(layer: nn.Module, per_number: int) -> tuple[Work, float, float]:
    """Return a pointwise layer's work, operations and bytes on maps of 64 MB."""
    x = torch.randn(128, 128, 32, 32).contiguous(memory_format=torch.channels_last)
    return lambda: layer(x), per_number * x.numel(), 4 * 2 * x.numel()


def layer_of(name: str) -> tuple[Work, float, float]:
    """Return a layer's work, its operations, and the bytes that it must move."""
    cases: dict[str, Callable[[], tuple[Work, float, float]]] = {
        "ReLU": lambda: pointwise(nn.ReLU(), 1),
        "BatchNorm, train": lambda: pointwise(nn.BatchNorm2d(128), 5),
        "3 x 3, 1 to 32 channels": lambda: conv(1, 32),
        "3 x 3, 32 channels": lambda: conv(32, 32),
        "3 x 3, 128 channels": lambda: conv(128, 128),
        "3 x 3 depthwise, 128 channels": lambda: conv(128, 128, 128),
        "linear 512 to 512, batch 1": lambda: linear(1),
        "linear 512 to 512, batch 128": lambda: linear(128),
        "linear 512 to 512, batch 2048": lambda: linear(2048),
    }
    return cases[name]()


def under_the_roof(
    operations: float, moved: float, seconds: float
) -> dict[str, object]:
    """Return a point: operations a byte, and what is reached of both in a second."""
    return {
        "intensity": shorter(operations / moved, 3),
        "gigaflops": shorter(operations / seconds / 1e9, 3),
        "gigabytes": shorter(moved / seconds / 1e9, 3),
    }


@torch.no_grad()
def measured_layer(name: str) -> dict[str, object]:
    """Measure a layer's forward pass: its intensity and the rate that it reaches."""
    work, operations, moved = layer_of(name)
    seconds = median(in_turns({name: work}, REPEATS)[name])
    return under_the_roof(operations, moved, seconds)


def least_bytes(model: nn.Module, x: Tensor) -> int:
    """Return the bytes that a forward pass moves, layer by layer, from the shapes."""
    found = []

    def look(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        weights = sum(weight.numel() for weight in layer.parameters())
        found.append(4 * (inputs[0].numel() + output.numel() + weights))

    leaves = [layer for layer in model.modules() if not list(layer.children())]
    handles = [layer.register_forward_hook(look) for layer in leaves]
    model(x)
    for handle in handles:
        handle.remove()
    return sum(found)


@torch.no_grad()
def measured_network(name: str) -> dict[str, object]:
    """Measure a network's forward pass of 128 pictures, in evaluation mode."""
    model = NETWORKS[name]().eval().to(memory_format=torch.channels_last)
    x = torch.randn(128, 1, 28, 28)
    with FlopCounterMode(display=False) as counter:
        model(x)
    seconds = median(in_turns({name: lambda: model(x)}, REPEATS)[name])
    return under_the_roof(counter.get_total_flops(), least_bytes(model, x), seconds)


def copied(kilobytes: int) -> dict[str, object]:
    """Copy so many bytes again and again, 128 MB in all: where do they come from?"""
    a = torch.zeros(kilobytes * 256)
    b, times = torch.zeros_like(a), 131072 // kilobytes

    def work() -> None:
        for _ in range(times):
            b.copy_(a)

    seconds = median(in_turns({"copy": work}, REPEATS)["copy"])
    return {"gigabytes": shorter(2 * times * kilobytes * 1024 / seconds / 1e9, 3)}


def measure(
    grows: str,
    layer: str | None = None,
    network: str | None = None,
    copied_kilobytes: int | None = None,
) -> dict[str, object]:
    """Measure a row: a fit, the machine, a layer, a network of the lesson, a copy."""
    torch.set_num_threads(THREADS)
    if copied_kilobytes is not None:
        return copied(copied_kilobytes)
    if layer is not None:
        return measured_layer(layer)
    if network is not None:
        return measured_network(network)
    if grows == "machine":
        rate, bandwidth = matrix_rate() / 1e9, copy_rate() / 1e9
        ridge = shorter(rate / bandwidth, 3)  # operations a byte, where both limit
        return {
            "gigaflops": shorter(rate, 3),
            "gigabytes": shorter(bandwidth, 3),
            "ridge": ridge,
        }
    return fitted(grows)


if __name__ == "__main__":
    if "--try" in sys.argv:
        REPEATS = 1
        SIZES = {name: sizes[:2] for name, sizes in SIZES.items()}
        for setting in SETTINGS:
            print(setting | measure(**setting), flush=True)
    else:
        record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
