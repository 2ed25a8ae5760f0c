"""Where FashionMNIST comes from, and what is said where it can't."""

import gzip
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from course_utils.data import fashion, idx
from course_utils.errors import CourseError

ROOT = Path(__file__).resolve().parents[2]
SKETCH = ROOT / "data" / "sketch"
GIVEN = os.environ.get("COURSE_DATA")  # before the fixture below hides it


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """A checkout without the photographs, no settings, and no network."""
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    checkout = tmp_path / "checkout" / "data"
    checkout.mkdir(parents=True)
    (checkout / "sketch").symlink_to(SKETCH, target_is_directory=True)
    monkeypatch.setattr(fashion, "_CHECKOUT", checkout)
    return checkout


@pytest.fixture
def photographs(monkeypatch, tmp_path):
    """A torchvision root whose 'photographs' are the sketches under another name."""
    monkeypatch.setattr(fashion, "REAL_SUMS", fashion.SKETCH_SUMS)
    root = tmp_path / "given"
    shutil.copytree(SKETCH, root / "FashionMNIST" / "raw")
    return root


def test_sketches_are_tensors_of_the_stated_kind():
    sketches = fashion.load_sketches()
    assert sketches.source == "fashion-sketch"
    assert sketches.classes[0] == "T-shirt/top"
    assert sketches.classes[9] == "Ankle boot"
    for split, count in ((sketches.train, 4000), (sketches.test, 1000)):
        assert split.images.shape == (count, 1, 28, 28)
        assert split.images.dtype == torch.uint8
        assert split.labels.dtype == torch.int64
        assert split.labels.bincount().tolist() == [count // 10] * 10
    assert sketches.train.images.min() == 0
    assert sketches.train.images.max() == 255


def test_it_shows_as_one_line():
    sketches = fashion.load_fashion_mnist("sketch")
    words = "FashionMNIST(4000 train, 1000 test, source='fashion-sketch')"
    assert repr(sketches) == words
    assert repr(sketches.test) == "Split(images (1000, 1, 28, 28), labels 1000)"


def test_an_unknown_source_is_told_the_choices():
    with pytest.raises(CourseError, match='"auto", "real" or "sketch"'):
        fashion.load_fashion_mnist("mnist")


@pytest.mark.parametrize("inner", ["", "FashionMNIST/raw"])
@pytest.mark.parametrize("source", ["auto", "real"])
def test_course_data_names_the_root_or_the_raw_folder(
    monkeypatch, photographs, capfd, inner, source
):
    monkeypatch.setenv("COURSE_DATA", str(photographs / inner))
    loaded = fashion.load_fashion_mnist(source)
    assert loaded.source == "fashion-mnist"
    assert loaded.train.images.shape == (4000, 1, 28, 28)
    assert capfd.readouterr() == ("", "")


def test_a_relative_course_data_may_be_meant_from_the_checkout(
    monkeypatch, photographs
):
    # a lesson's kernel runs in notebooks/, and `make` in the checkout
    monkeypatch.setattr(fashion, "_CHECKOUT", photographs.parent / "clone" / "data")
    (photographs.parent / "clone").mkdir()
    (photographs.parent / "elsewhere").mkdir()
    monkeypatch.chdir(photographs.parent / "elsewhere")
    monkeypatch.setenv("COURSE_DATA", f"../{photographs.name}")
    assert fashion.load_fashion_mnist().source == "fashion-mnist"
    monkeypatch.chdir("/")
    assert fashion.load_fashion_mnist().source == "fashion-mnist"


def test_unpacked_files_do_as_well(monkeypatch, photographs):
    raw = photographs / "FashionMNIST" / "raw"
    for name in idx.NAMES:
        packed = raw / f"{name}.gz"
        (raw / name).write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
    monkeypatch.setenv("COURSE_DATA", str(photographs))
    assert fashion.load_fashion_mnist().source == "fashion-mnist"


def test_course_data_comes_before_the_checkout(monkeypatch, photographs, bare):
    (bare / "FashionMNIST").symlink_to(photographs / "FashionMNIST")
    assert fashion.find_fashion_mnist() == bare / "FashionMNIST" / "raw"
    monkeypatch.setenv("COURSE_DATA", str(photographs))
    assert fashion.find_fashion_mnist() == photographs / "FashionMNIST" / "raw"


def test_the_checkout_is_found_without_a_setting(photographs, bare):
    shutil.move(photographs / "FashionMNIST", bare / "FashionMNIST")
    assert fashion.load_fashion_mnist().source == "fashion-mnist"


def test_a_course_data_that_is_not_there_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(CourseError, match=r"nowhere is no folder: .*or unset it\."):
        fashion.load_fashion_mnist()


def test_a_course_data_that_lacks_files_names_them(monkeypatch, photographs):
    raw = photographs / "FashionMNIST" / "raw"
    (raw / f"{idx.NAMES[2]}.gz").unlink()
    monkeypatch.setenv("COURSE_DATA", str(photographs))
    with pytest.raises(CourseError, match=f"lacks {idx.NAMES[2]}: "):
        fashion.load_fashion_mnist()


def test_a_damaged_file_is_named_and_nothing_takes_its_place(photographs, bare):
    shutil.move(photographs / "FashionMNIST", bare / "FashionMNIST")
    path = bare / "FashionMNIST" / "raw" / f"{idx.NAMES[3]}.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[-1] = (content[-1] + 1) % 10
    path.write_bytes(gzip.compress(bytes(content)))
    with pytest.raises(CourseError) as caught:
        fashion.load_fashion_mnist()
    words = str(caught.value)
    assert words.startswith(f"{path} is damaged: its sha256 is ")
    assert f"expected {fashion.SKETCH_SUMS[idx.NAMES[3]]}" in words
    assert "Move it away and fetch it" in words
    assert path.exists()


def test_without_photographs_one_notice_and_the_sketches(capfd):
    assert fashion.load_fashion_mnist().source == "fashion-sketch"
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "COURSE_OFFLINE is set" in err
    assert "Using FashionSketch instead" in err
    assert "COURSE_DATA" in err


def test_real_never_falls_back():
    with pytest.raises(CourseError, match=r"COURSE_OFFLINE is set.*COURSE_DATA"):
        fashion.load_fashion_mnist("real")


def test_where_nothing_can_be_written_the_sketches_serve(monkeypatch, bare, capfd):
    monkeypatch.delenv("COURSE_OFFLINE")
    # root may write anywhere; a file where the folder should be stops even root
    (bare.parent / "file").touch()
    monkeypatch.setattr(fashion, "_home", lambda: bare.parent / "file" / "data")
    assert fashion.load_fashion_mnist().source == "fashion-sketch"
    assert "can't be written" in capfd.readouterr().err


def test_a_wheel_brings_the_sketches_inside_the_package(monkeypatch, tmp_path):
    package = tmp_path / "site-packages" / "course_utils"
    shutil.copytree(SKETCH, package / "_sketch")
    monkeypatch.setattr(fashion, "_PACKAGE", package)
    monkeypatch.setattr(fashion, "_CHECKOUT", package.parent / "data")
    assert len(fashion.load_sketches().test.labels) == 1000
    assert fashion._home() == Path.home() / ".cache" / "layer-by-layer"


def test_sketches_that_are_gone_are_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(fashion, "_PACKAGE", tmp_path)
    monkeypatch.setattr(fashion, "_CHECKOUT", tmp_path)
    with pytest.raises(CourseError, match=r"python tools/sketch/draw_sketches\.py"):
        fashion.load_sketches()


def test_importing_the_module_leaves_torchvision_alone():
    code = "import sys, course_utils.data.fashion; print('torchvision' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.strip() == "False", done.stderr


@pytest.mark.skipif(not GIVEN, reason="COURSE_DATA is not set: no FashionMNIST here")
def test_the_real_photographs(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", GIVEN)
    start = time.process_time()
    real = fashion.load_fashion_mnist("real")
    assert time.process_time() - start < 2  # 0.5 s on an idle machine
    assert real.source == "fashion-mnist"
    assert real.train.images.shape == (60_000, 1, 28, 28)
    assert real.test.labels.bincount().tolist() == [1000] * 10
    assert real.train.labels[:5].tolist() == [9, 0, 0, 3, 0]
