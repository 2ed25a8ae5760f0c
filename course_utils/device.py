"""The device a lesson computes on."""

import os

import torch

from course_utils.errors import CourseError


def select_device(name: str = "auto") -> torch.device:
    """Turn a name into a `torch.device` that works on this machine.

    "auto" is the environment variable COURSE_DEVICE where that is set, else "cuda"
    where there is a GPU that torch can use, else "cpu". Apple's "mps" is used only
    when named: it has no float64, which some lessons need.

    Raises:
        CourseError: no such device; the message says what to use instead.

    >>> select_device("cpu")
    device(type='cpu')
    >>> select_device("gpu")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    course_utils.errors.CourseError: device='gpu' is no device torch knows: ...
    """
    source = "device"
    if name == "auto":
        source = "COURSE_DEVICE"
        name = os.environ.get("COURSE_DEVICE") or "auto"
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        raise CourseError(
            f"{source}={name!r} is no device torch knows: "
            'use "auto", "cpu", "cuda" or "mps".'
        ) from None
    _require(device, source)
    return device


def _require(device: torch.device, source: str) -> None:
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if count == 0:
            raise CourseError(
                f'{source}="{device}" was asked for, but torch sees no CUDA GPU here: '
                'use "auto" or "cpu", or install a CUDA build of torch and a driver.'
            )
        if (device.index or 0) >= count:
            raise CourseError(
                f'{source}="{device}" was asked for, but this machine has {count} '
                f'GPU{"s" if count > 1 else ""}: use "cuda:0" to "cuda:{count - 1}".'
            )
    elif device.type == "mps" and not torch.backends.mps.is_available():
        raise CourseError(
            f'{source}="mps" was asked for, but torch sees no Apple GPU here: '
            'use "auto" or "cpu".'
        )
    elif device.type not in ("cpu", "cuda", "mps"):
        raise CourseError(
            f'{source}="{device}" is not a device the lessons run on: '
            'use "auto", "cpu", "cuda" or "mps".'
        )
