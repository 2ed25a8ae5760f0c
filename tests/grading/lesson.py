"""A lesson with the exercises that a test needs; each answer is called `answer`."""

import json
from collections.abc import Iterable
from pathlib import Path

SETUP = """
import gc, mmap, os, resource, signal, socket, subprocess, sys, time
from pathlib import Path
import torch
import torch.nn.functional as F
from torch import nn
"""


def write_lesson(path: Path, exercises: Iterable[str], setup: str = SETUP) -> Path:
    """Write a notebook with these exercises, and return its path."""
    cells = [_cell("setup", setup)]
    for name in exercises:
        cells.append(_cell(name, "def answer(*args): ...", "exercise"))
        cells.append(_cell(f"{name}-check", f'check("{name}", answer)'))
    path.write_text(json.dumps({"cells": cells}))
    return path


def _cell(name: str, source: str, *tags: str) -> dict[str, object]:
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {"tags": list(tags)},
        "source": source,
    }
