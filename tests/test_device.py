"""The device a lesson computes on, and its seed."""

import os
import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from course_utils import CourseError, current_device, select_device, setup
from course_utils.session import seed_everything

NO_GPU = not torch.cuda.is_available()


def test_auto_takes_the_gpu_where_there_is_one(monkeypatch):
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert select_device("auto").type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert select_device("auto").type == "cpu"


def test_course_device_overrides_auto_only(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert select_device("auto").type == "cpu"
    assert select_device("cuda").type == "cuda"


@pytest.mark.skipif(not NO_GPU, reason="there is a GPU here")
def test_cuda_without_a_gpu_says_what_to_do(monkeypatch):
    with pytest.raises(CourseError, match=r"no CUDA GPU here: use \"auto\" or \"cpu\""):
        select_device("cuda")
    monkeypatch.setenv("COURSE_DEVICE", "cuda")
    with pytest.raises(CourseError, match=r"^COURSE_DEVICE="):
        select_device("auto")


def test_a_gpu_number_that_is_not_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert select_device("cuda:1").index == 1
    with pytest.raises(CourseError, match=r"has 2 GPUs: use \"cuda:0\" to \"cuda:1\""):
        select_device("cuda:2")


@pytest.mark.parametrize("name", ["gpu", "meta", "", "cuda:x", "CPU 1"])
def test_an_unknown_device_is_named(name, monkeypatch):
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    with pytest.raises(CourseError, match='"auto", "cpu", "cuda" or "mps"'):
        select_device(name)


def test_mps_where_there_is_none(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(CourseError, match="no Apple GPU"):
        select_device("mps")


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "0", True, None])
def test_an_unusable_seed_is_refused(seed):
    with pytest.raises(CourseError, match="whole number from 0"):
        seed_everything(seed)


def test_one_seed_gives_the_same_draws_everywhere():
    def draws():
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002

    seed_everything(7)
    first = draws()
    seed_everything(7)
    assert draws() == first
    seed_everything(8)
    assert draws() != first


def test_setup_says_what_it_chose(capsys):
    device = setup("cpu", 3)
    assert capsys.readouterr().out == "Device: cpu. Seed: 3.\n"
    assert device == current_device() == torch.device("cpu")
    assert torch.backends.cudnn.allow_tf32 is False


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
def test_an_unusable_number_of_threads_is_refused(threads):
    before = torch.get_num_threads()
    with pytest.raises(CourseError, match="give a whole number, 1 or more"):
        setup("cpu", 0, threads=threads)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(("before", "after"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_idle_threads_wait_without_spinning_unless_told(before, after):
    kept = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    wanted = {**kept, **({"OMP_WAIT_POLICY": before} if before else {})}
    asked = "import course_utils, os; print(os.environ['OMP_WAIT_POLICY'])"
    done = subprocess.run(
        [sys.executable, "-c", asked], env=wanted, capture_output=True, text=True
    )
    assert done.stdout.strip() == after
