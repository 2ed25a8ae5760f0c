"""What is each change worth? Images a second with it and without, in turns: off, on,
off, on; five repeats. Nothing else differs; what this machine lacks is left out. The
last row, a schedule, changes no speed: it shows accuracies."""

import contextlib
import copy
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.utils.data import DataLoader, TensorDataset

from course_utils.authoring.classifier import cnn, raw_parts
from course_utils.authoring.clock import Work, in_turns, shorter, spread
from course_utils.authoring.recipes import PERCEPTRON, RECIPES, AsFiles
from course_utils.authoring.record import record
from course_utils.authoring.resnet import garment_resnet
from course_utils.authoring.training import accuracy
from course_utils.data.fashion import load_fashion_mnist

IMAGES = int(os.environ.get("COURSE_BENCH_IMAGES", "4000"))  # of one measurement
REPEATS = int(os.environ.get("COURSE_BENCH_REPEATS", "5"))
THREADS = int(os.environ.get("COURSE_THREADS", "2"))
LAST = torch.channels_last
Step = Callable[[Tensor, Tensor], Tensor]


def data(device: str = "cpu") -> tuple[Tensor, Tensor]:
    """Return standardised pictures and labels."""
    images, labels = (part[:IMAGES] for part in load_fashion_mnist().train)
    return ((images / 255 - 0.286) / 0.353).to(device), labels.to(device)


def stepper(
    model: nn.Module,
    *,
    bf16: bool = False,
    item: bool = False,
    call: Callable[[Tensor], Tensor] | None = None,
    **adamw: Any,
) -> Step:
    """Return one step of training with AdamW, as a function of a batch."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, **adamw)
    call = call or model

    def step(x: Tensor, y: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16, enabled=bf16):
            loss = F.cross_entropy(call(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if item:
            loss.item()
        return loss.detach()

    return step


def epoch(step: Step, batch: int = 125, device: str = "cpu", last: bool = True) -> Work:
    """Return a pass over the pictures, batches by index."""
    x, y = data(device)

    def work() -> None:
        for rows in torch.randperm(len(y), device=device).split(batch):
            part = x[rows]
            step(part.contiguous(memory_format=LAST) if last else part, y[rows])

    return work


def small(last: bool = True, device: str = "cpu") -> nn.Module:
    """Return lesson 10's CNN, always with the same start."""
    torch.manual_seed(0)
    model = cnn().to(device)
    return model.to(memory_format=LAST if last else torch.contiguous_format)


def by_loader(one_by_one: bool, **loading: Any) -> Work:
    """Return a pass of the MLP over the pictures as they come from a loader."""
    images, labels = load_fashion_mnist().train
    raw = images[:IMAGES], labels[:IMAGES]
    source = AsFiles(raw, standard=True) if one_by_one else TensorDataset(*data())
    step = stepper(PERCEPTRON())
    loader = DataLoader(source, 125, shuffle=True, **loading)

    def work() -> None:
        for x, y in loader:
            step(x, y)

    return work


def files() -> dict[str, Work]:
    """A loader that opens pictures, against rows of one tensor."""
    return {"off": by_loader(True), "on": epoch(stepper(PERCEPTRON()), last=False)}


def fetched() -> dict[str, Work]:
    """A loader that stacks prepared tensors, against rows of one tensor."""
    return {"off": by_loader(False), "on": epoch(stepper(PERCEPTRON()), last=False)}


def worked() -> dict[str, Work] | str:
    """A loader that opens pictures itself, against one with a process for each core."""
    if THREADS < 2:
        return "one core here"
    several = {"num_workers": THREADS, "persistent_workers": True}
    return {"off": by_loader(True), "on": by_loader(True, **several)}


def batches() -> dict[str, Work]:
    """64 images in a batch, against 512."""
    return {
        "off": epoch(stepper(small()), batch=64),
        "on": epoch(stepper(small()), batch=512),
    }


def one_cycle() -> dict[str, object]:
    """A constant rate, against one that rises and falls: the accuracy that they reach.

    The MLP of the quickstart, AdamW, two epochs. Each has the best of three rates, by
    validation pictures and a seed of its own; then three seeds, on the same pictures.
    """
    training, validation, _ = raw_parts()

    def reached(name: str, rate: float, seed: int) -> float:
        torch.manual_seed(seed)
        recipe = replace(RECIPES["our MLP"], rate=rate, constant=name == "off")
        *_, scores = recipe(training, 2)
        return accuracy(scores, *validation)

    found: dict[str, object] = {}
    for name, rates in {"off": (1e-4, 3e-4, 1e-3), "on": (3e-3, 9e-3, 2.7e-2)}.items():
        best = max(rates, key=lambda rate: reached(name, rate, 100))
        found[name] = [reached(name, best, seed) for seed in range(3)]
        found[f"rate {name}"] = best
    return found


def channels_last() -> dict[str, Work]:
    """A pixel's channels far apart, against side by side."""
    return {
        "off": epoch(stepper(small(last=False)), last=False),
        "on": epoch(stepper(small())),
    }


def bfloat16() -> dict[str, Work]:
    """float32 throughout, against autocast to bfloat16."""
    return {"off": epoch(stepper(small())), "on": epoch(stepper(small(), bf16=True))}


def waiting() -> dict[str, Work]:
    """`.item()` in every step, against none."""
    return {"off": epoch(stepper(small(), item=True)), "on": epoch(stepper(small()))}


def fused() -> dict[str, Work]:
    """AdamW parameter by parameter, against all in one call."""
    return {
        "off": epoch(stepper(small(), foreach=False)),
        "on": epoch(stepper(small(), fused=True)),
    }


def has_compiler() -> bool:
    """Say whether there is a C++ compiler, as `torch.compile` needs one here."""
    return any(shutil.which(name) for name in ("g++", "clang++", "cl"))


def compiled() -> dict[str, Work] | str:
    """Layer by layer, against `torch.compile`."""
    if not has_compiler():
        return "no C++ compiler here"
    model = small()
    return {
        "off": epoch(stepper(small())),
        "on": epoch(stepper(model, call=torch.compile(model))),
    }  # what compiling takes: `first`, in seconds


def called(call: Callable[[Tensor], Tensor], parts: Sequence[Tensor]) -> Work:
    """Return a pass that calls a function with each part, and records no gradients."""

    def passed() -> None:
        with torch.inference_mode():
            for part in parts:
                call(part)

    return passed


def chained() -> dict[str, Work] | str:
    """BatchNorm, ReLU and an addition: three calls, against one compiled pass."""
    if not has_compiler():
        return "no C++ compiler here"
    norm = nn.BatchNorm2d(32).eval()
    pixels = torch.randn(500, 32, 28, 28)  # 50 MB: more than a cache holds

    def chain(x: Tensor) -> Tensor:
        return torch.relu(norm(x)) + x

    parts = [pixels for _ in range(0, IMAGES, len(pixels))]
    return {"off": called(chain, parts), "on": called(torch.compile(chain), parts)}


def threaded() -> dict[str, Work] | str:
    """One thread, against all cores."""
    if THREADS < 2:
        return "one core here"

    def with_threads(count: int) -> Work:
        work = epoch(stepper(small()))

        def on_so_many() -> None:
            torch.set_num_threads(count)
            work()
            torch.set_num_threads(THREADS)

        return on_so_many

    return {"off": with_threads(1), "on": with_threads(THREADS)}


def scoring(model: nn.Module, around: Callable[[], object]) -> Work:
    """Return a pass that only scores the pictures."""
    x, _ = data()
    model = model.eval().to(memory_format=LAST)

    def work() -> None:
        with around():  # type: ignore[attr-defined]
            for part in x.split(500):
                model(part.contiguous(memory_format=LAST))

    return work


def inference() -> dict[str, Work]:
    """Scores with autograd on, against `torch.inference_mode`."""
    return {
        "off": scoring(small(), contextlib.nullcontext),
        "on": scoring(small(), torch.inference_mode),
    }


def folded(model: nn.Module) -> nn.Module:
    """Return a copy in which each BatchNorm right behind a convolution is folded."""
    model = copy.deepcopy(model).eval()
    for parent in list(model.modules()):
        if isinstance(parent, nn.Sequential):
            continue
        for conv, norm in (("conv1", "bn1"), ("conv2", "bn2")):
            if hasattr(parent, conv) and hasattr(parent, norm):
                both = getattr(parent, conv), getattr(parent, norm)
                setattr(parent, conv, fuse_conv_bn_eval(*both))
                setattr(parent, norm, nn.Identity())
    return model


def folding() -> dict[str, Work]:
    """BatchNorm behind its convolution, against folded into it, scores only."""
    torch.manual_seed(0)
    model = garment_resnet(24)
    return {
        "off": scoring(model, torch.inference_mode),
        "on": scoring(folded(model), torch.inference_mode),
    }


def exported() -> dict[str, Work]:
    """Scores by the module, against by its `torch.export`ed graph."""
    model = small().eval()
    program = torch.export.export(model, (torch.zeros(500, 1, 28, 28),)).module()
    x, _ = data()
    parts = x.split(500)[: len(x) // 500]
    return {"off": called(model, parts), "on": called(program, parts)}


def on_cuda(kind: str) -> dict[str, Work] | str:
    """Pinned memory, TF32 and a CUDA graph, where there is a GPU."""
    if not torch.cuda.is_available():
        return "no CUDA here: not run"
    return {"pinned": pinned, "TF32": tf32, "graph": graphed}[kind]()


def pinned() -> dict[str, Work]:
    """Copies from ordinary memory, against from pinned memory."""
    x, _ = data()
    held = x.pin_memory()
    return {
        "off": lambda: [part.to("cuda") for part in x.split(125)],
        "on": lambda: [p.to("cuda", non_blocking=True) for p in held.split(125)],
    }


def tf32() -> dict[str, Work]:
    """Exact float32 products, against TF32."""
    work = epoch(stepper(small(device="cuda")), device="cuda")

    def with_precision(name: str) -> Work:
        def run() -> None:
            torch.set_float32_matmul_precision(name)
            torch.backends.cudnn.allow_tf32 = name == "high"
            work()

        return run

    return {"off": with_precision("highest"), "on": with_precision("high")}


def graphed() -> dict[str, Work]:
    """Kernels launched one by one, against as one recorded graph."""
    model = small(device="cuda")
    step = stepper(model, capturable=True)
    x, y = (part[:125].clone() for part in data("cuda"))
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        for _ in range(3):
            step(x, y)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step(x, y)
    count = IMAGES // 125
    return {
        "off": lambda: [step(x, y) for _ in range(count)],
        "on": lambda: [graph.replay() for _ in range(count)],
    }


CHANGES: dict[str, Callable[[], dict[str, Work] | str]] = {
    "one tensor, not pictures (MLP)": files,
    "one tensor, not a loader (MLP)": fetched,
    "a worker process per core (MLP)": worked,
    "batches of 512, not 64": batches,
    "channels_last": channels_last,
    "bfloat16": bfloat16,
    "no .item() in the loop": waiting,
    "fused AdamW": fused,
    "torch.compile": compiled,
    "torch.compile, chain of three": chained,
    "all cores, not one": threaded,
    "inference_mode, scores only": inference,
    "BatchNorm folded, scores only": folding,
    "torch.export, scores only": exported,
    "pinned memory": lambda: on_cuda("pinned"),
    "TF32": lambda: on_cuda("TF32"),
    "CUDA graph": lambda: on_cuda("graph"),
}
SETTINGS = [{"change": name} for name in CHANGES] + [{"change": "one-cycle, accuracy"}]
# A time is no test; that rows of one tensor are quicker than files is none either, but
# a factor of 1.2 is far below what any machine has shown.
RERUN = (0, {"times": (1.2, 1000)})


def measure(change: str) -> dict[str, object]:
    """Measure with and without: the smallest, the median and the largest speeds.

    `first` are the seconds of the first call with the change, which may compile.
    """
    torch.set_num_threads(THREADS)
    if change not in CHANGES:
        return one_cycle()
    works = CHANGES[change]()
    if isinstance(works, str):
        return {"off": [], "on": [], "times": None, "first": None, "note": works}
    start = time.perf_counter()
    works["on"]()  # compiles, where there is something to compile
    first = time.perf_counter() - start
    seconds = in_turns(works, REPEATS)
    speeds = {name: spread(IMAGES / s for s in runs) for name, runs in seconds.items()}
    off, on = (median(seconds[name]) for name in ("off", "on"))
    pairs = zip(seconds["off"], seconds["on"], strict=True)
    ratios = spread((a / b for a, b in pairs), 3)
    found = {"times": round(off / on, 3), "range": ratios, "first": shorter(first, 3)}
    return {**speeds, **found, "note": ""}


def one_by_one() -> Iterator[dict[str, object]]:
    """Yield a row of every change, to try them."""
    for setting in SETTINGS:
        yield setting | measure(**setting)


if __name__ == "__main__":
    if "--try" in sys.argv:
        for row in one_by_one():
            print(row, flush=True)
    else:
        record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
