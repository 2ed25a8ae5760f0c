"""Seconds of works that are done in turns, and what they say of the machine."""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean, median

import torch

Work = Callable[[], object]
GAIN = 0.9  # of the seconds: bfloat16 must take less than that, or it is noise


def in_turns(works: Mapping[str, Work], repeats: int = 5) -> dict[str, list[float]]:
    """Return the seconds of each work: all of them once, then all of them again.

    In turns, so that whatever else the machine does meets all of them alike. Each is
    done once before, unmeasured: a first call also pays for memory and for the choice
    of kernels.

    >>> done = []
    >>> works = {name: lambda name=name: done.append(name) for name in "ab"}
    >>> seconds = in_turns(works, repeats=2)
    >>> "".join(done), {name: len(runs) for name, runs in seconds.items()}
    ('ababab', {'a': 2, 'b': 2})
    """
    for work in works.values():
        work()
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            wait()
            start = time.perf_counter()
            work()
            wait()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def wait() -> None:
    """Wait until a GPU has done what it was given; nothing where there is none."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()


def spread(values: Iterable[float], digits: int = 4) -> list[float]:
    """Return the smallest, the median and the largest, to so many digits.

    >>> spread([3.0, 1.00004, 2.0])
    [1.0, 2.0, 3.0]
    """
    values = sorted(values)
    return [shorter(v, digits) for v in (values[0], median(values), values[-1])]


def shorter(value: float, digits: int = 4) -> float:
    """Return a number with so many significant digits.

    >>> shorter(1234.567, 3)
    1230.0
    """
    return float(f"{value:.{digits}g}")


def matrix_rate(
    side: int = 1024, repeats: int = 5, dtype: torch.dtype = torch.float32
) -> float:
    """Return how many operations a second a product of two square matrices makes.

    A multiply-add is two operations.

    >>> matrix_rate(side=8) > 0
    True
    """
    a, b = torch.randn(2, side, side, dtype=dtype)
    out = torch.empty(side, side, dtype=dtype)
    runs = in_turns({"product": lambda: torch.mm(a, b, out=out)}, repeats)["product"]
    return 2 * side**3 / median(runs)


def copy_rate(megabytes: int = 256, repeats: int = 5) -> float:
    """Return how many bytes a second a copy in memory reads and writes together.

    >>> copy_rate(megabytes=1) > 0
    True
    """
    a = torch.zeros(megabytes * 2**18)
    b = torch.zeros_like(a)
    runs = in_turns({"copy": lambda: b.copy_(a)}, repeats)["copy"]
    return 2 * a.numel() * a.element_size() / median(runs)


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return p of the power law that fits best: values about sizes ** p.

    The least squares of the logarithms.

    >>> round(exponent([1, 2, 4], [3, 12, 48]), 6)
    2.0
    """
    x, y = ([math.log(one) for one in column] for column in (sizes, values))
    middle_x, middle_y = fmean(x), fmean(y)
    rise = sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y, strict=True))
    return rise / sum((a - middle_x) ** 2 for a in x)


def faster_precision(
    step: Callable[[torch.dtype], object],
    repeats: int = 5,
    timed: Callable[..., Mapping[str, Sequence[float]]] = in_turns,
) -> torch.dtype:
    """Return bfloat16 where a step is quicker with it, float32 elsewhere.

    A processor without units for bfloat16 emulates it, often slower. What it says it
    can do differs between systems, so a short measurement decides.

    Args:
        step: does one step with a precision.
        repeats: how often each is measured.
        timed: measures works by name; the clock.

    >>> clock = lambda works, repeats: {"float32": [3, 3], "bfloat16": [1, 1]}
    >>> faster_precision(print, timed=clock)
    torch.bfloat16
    >>> clock = lambda works, repeats: {"float32": [3, 3], "bfloat16": [5, 5]}
    >>> faster_precision(print, timed=clock)
    torch.float32
    """
    names = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    works = {name: lambda dtype=dtype: step(dtype) for name, dtype in names.items()}
    seconds = {name: median(runs) for name, runs in timed(works, repeats).items()}
    faster = seconds["bfloat16"] < GAIN * seconds["float32"]
    return torch.bfloat16 if faster else torch.float32
