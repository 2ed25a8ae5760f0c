"""What `setup` prepares: device, seed, precision, figure style, threads."""

import random
import subprocess
import sys
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from course_utils import PALETTE, CourseError, current_device, seed_everything, setup
from course_utils import session as session_module


def draw_numbers():
    return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "0", True, None])
def test_unusable_seed_is_refused(seed):
    with pytest.raises(CourseError, match="whole number from 0"):
        seed_everything(seed)


@pytest.mark.parametrize("seed_all", [seed_everything, lambda seed: setup("cpu", seed)])
def test_one_seed_gives_the_same_numbers_in_every_generator(seed_all):
    seed_all(7)
    first = draw_numbers()
    seed_all(7)
    assert draw_numbers() == first
    seed_all(8)
    assert all(new != old for new, old in zip(draw_numbers(), first, strict=True))


def test_setup_prints_device_and_seed(capsys):
    device = setup("cpu", 3)
    assert capsys.readouterr().out == "Device: cpu. Seed: 3.\n"
    assert device == torch.device("cpu")


def test_current_device_is_what_setup_chose(monkeypatch):
    monkeypatch.setattr(session_module, "_current", torch.device("cpu"))
    chosen = torch.device("meta")
    monkeypatch.setattr(session_module, "select_device", lambda name: chosen)
    assert current_device() == torch.device("cpu")
    assert setup() is chosen
    assert current_device() is chosen


def test_setup_applies_the_figure_style():
    setup("cpu")
    _, ax = plt.subplots()
    (line,) = ax.plot([1, 2])
    assert line.get_color() == PALETTE["blue"]
    assert not ax.spines["top"].get_visible()


def test_setup_turns_off_what_rounds_or_varies_on_a_gpu():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of torch 2.9.0
        torch.backends.cudnn.allow_tf32 = True
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.deterministic = False
        setup("cpu")
        assert torch.backends.cudnn.allow_tf32 is False
        assert torch.backends.cuda.matmul.allow_tf32 is False
        assert torch.backends.cudnn.benchmark is False
        assert torch.backends.cudnn.deterministic is True
        # Raises where the newer switches were set too.
        with torch.backends.cudnn.flags(enabled=False):
            pass


def test_setup_shows_no_warning():
    # In a process of its own: torch warns of its old switches once per process.
    code = (
        "import warnings; from course_utils import setup; "
        "warnings.simplefilter('error'); setup('cpu')"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("Device: cpu. Seed: 0.\n", "")


def test_threads_are_set_only_where_asked():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        setup("cpu", 0)
        assert torch.get_num_threads() == 2
        setup("cpu", 0, threads=1)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", True])
def test_unusable_number_of_threads_is_refused(threads):
    before = torch.get_num_threads()
    with pytest.raises(CourseError, match="give a whole number, 1 or more"):
        setup("cpu", 0, threads=threads)
    assert torch.get_num_threads() == before
