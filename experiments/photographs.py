"""How long do networks in use take for photographs of 224 x 224, how long must they by
the roofline, and what do two changes bring? Scores only, in turns; the roof from this
machine's own rate and bandwidth, measured in the same run."""

import os
import sys
from functools import cache
from statistics import median

import torch
import torchvision
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from course_utils.authoring.clock import (
    Work,
    copy_rate,
    in_turns,
    matrix_rate,
    shorter,
    spread,
)
from course_utils.authoring.record import record

REPEATS = int(os.environ.get("COURSE_BENCH_REPEATS", "5"))
THREADS = int(os.environ.get("COURSE_THREADS", "2"))
SIDE = 224
NETWORKS = ["vgg16", "resnet18", "mobilenet_v2", "convnext_tiny"]
SETTINGS = [
    {"network": name, "photographs": count} for name in NETWORKS for count in (1, 8)
]
RERUN = (
    SETTINGS.index({"network": "mobilenet_v2", "photographs": 1}),
    {"multiply_adds": (0.29, 0.31)},  # a count; a time is no test
)


@cache
def limits() -> tuple[float, float]:
    """Return this machine's operations and bytes a second."""
    return matrix_rate(), copy_rate()


def untrained(name: str) -> nn.Module:
    """Return an untrained network to score with: its speed doesn't need weights."""
    torch.manual_seed(0)
    return torchvision.models.get_model(name, weights=None).eval()


def layers_of(model: nn.Module, x: Tensor) -> list[tuple[int, int]]:
    """Return operations and least bytes of each layer, from the shapes.

    A multiply-add is two operations; a layer without products makes one operation
    for each number of its output.
    """
    found = []

    def look(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        products = isinstance(layer, nn.Conv2d | nn.Linear)
        each = 2 * layer.weight[0].numel() if products else 1
        weights = sum(weight.numel() for weight in layer.parameters())
        numbers = inputs[0].numel() + output.numel() + weights
        found.append((each * output.numel(), 4 * numbers))

    leaves = [layer for layer in model.modules() if not list(layer.children())]
    handles = [layer.register_forward_hook(look) for layer in leaves]
    model(x)
    for handle in handles:
        handle.remove()
    return found


def works_of(name: str, x: Tensor) -> dict[str, Work]:
    """Return the scoring as it is, and with one change each, and with both."""
    plain, last = untrained(name), untrained(name).to(memory_format=torch.channels_last)
    y = x.contiguous(memory_format=torch.channels_last)

    def scores(model: nn.Module, x: Tensor, bf16: bool) -> Work:
        def work() -> None:
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                model(x)

        return work

    return {
        "plain": scores(plain, x, False),
        "channels_last": scores(last, y, False),
        "bfloat16": scores(plain, x, True),
        "both": scores(last, y, True),
    }


@torch.inference_mode()
def measure(network: str, photographs: int) -> dict[str, object]:
    """Measure a network: milliseconds of a batch, and how many times as fast it gets.

    `roof_ms` is the least that the roofline allows, all layers one after the other.
    `multiply_adds` are billions, of one photograph.
    """
    torch.set_num_threads(THREADS)
    x = torch.randn(photographs, 3, SIDE, SIDE)
    works = works_of(network, x)
    seconds = in_turns(works, REPEATS)
    plain = median(seconds["plain"])
    rate, bandwidth = limits()
    layers = layers_of(untrained(network), x)
    roof = sum(max(work / rate, moved / bandwidth) for work, moved in layers)
    with FlopCounterMode(display=False) as counter:
        works["plain"]()
    products = counter.get_total_flops() / 2 / photographs
    return {
        "multiply_adds": shorter(products / 1e9, 3),
        "roof_ms": shorter(1000 * roof, 3),
        "ms": spread((1000 * one for one in seconds["plain"]), 3),
        **{
            name: round(plain / median(seconds[name]), 2)
            for name in ("channels_last", "bfloat16", "both")
        },
    }


if __name__ == "__main__":
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
