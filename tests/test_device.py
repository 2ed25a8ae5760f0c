"""Which device a name selects on this machine."""

import pytest
import torch

from course_utils import CourseError, select_device

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
def test_cuda_without_a_gpu_names_the_alternatives(monkeypatch):
    with pytest.raises(CourseError, match=r"no CUDA GPU here: use \"auto\" or \"cpu\""):
        select_device("cuda")
    monkeypatch.setenv("COURSE_DEVICE", "cuda")
    with pytest.raises(CourseError, match=r"^COURSE_DEVICE="):
        select_device("auto")


def test_missing_gpu_number_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert select_device("cuda:1").index == 1
    with pytest.raises(CourseError, match=r"has 2 GPUs: use \"cuda:0\" to \"cuda:1\""):
        select_device("cuda:2")


@pytest.mark.parametrize("name", ["gpu", "meta", "", "cuda:x", "CPU 1"])
def test_unknown_device_is_refused(name, monkeypatch):
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    with pytest.raises(CourseError, match='"auto", "cpu", "cuda" or "mps"'):
        select_device(name)


def test_mps_without_an_apple_gpu_is_refused(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(CourseError, match="no Apple GPU"):
        select_device("mps")


def test_mps_is_used_when_named(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert select_device("mps").type == "mps"
