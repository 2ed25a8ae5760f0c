"""Where FashionMNIST comes from, and the messages where it can't."""

import gzip
import os
import shutil
from pathlib import Path
from typing import Literal

import pytest
import torch

from course_utils.data import fashion, idx, sketches
from course_utils.errors import CourseError

ROOT = Path(__file__).resolve().parents[2]
SKETCH = ROOT / "data" / "sketch"
COURSE_DATA = os.environ.get("COURSE_DATA")  # before the fixture hides it

pytestmark = pytest.mark.usefixtures("checkout")


@pytest.fixture
def photographs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A torchvision root whose 'photographs' are the sketches under another name."""
    monkeypatch.setattr(fashion, "CHECKSUMS", sketches.CHECKSUMS)
    root = tmp_path / "root"
    shutil.copytree(SKETCH, root / "FashionMNIST" / "raw")
    return root


def test_readme_states_the_checksums_of_the_packed_files() -> None:
    text = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    packed = [f"{name}.gz" for name in idx.NAMES]
    lines = [f"| `{name}` | `{fashion.CHECKSUMS[name]}` |" for name in packed]
    assert [line for line in lines if line not in text] == []


def test_sketches_have_the_documented_shapes_and_types() -> None:
    loaded = sketches.load_sketches()
    assert loaded.source == "fashion-sketch"
    assert loaded.classes[0] == "T-shirt/top"
    assert loaded.classes[9] == "Ankle boot"
    for split, count in ((loaded.train, 4000), (loaded.test, 1000)):
        assert split.images.shape == (count, 1, 28, 28)
        assert split.images.dtype == torch.uint8
        assert split.labels.dtype == torch.int64
        assert split.labels.bincount().tolist() == [count // 10] * 10
    assert loaded.train.images.min() == 0
    assert loaded.train.images.max() == 255


def test_repr_is_one_line() -> None:
    loaded = fashion.load_fashion_mnist("sketch")
    expected = "FashionMNIST(4000 train, 1000 test, source='fashion-sketch')"
    assert repr(loaded) == expected
    assert repr(loaded.test) == "Split(images (1000, 1, 28, 28), labels 1000)"


def test_unknown_source_lists_the_choices() -> None:
    with pytest.raises(CourseError, match='"auto", "real" or "sketch"'):
        fashion.load_fashion_mnist("mnist")  # type: ignore[arg-type]


@pytest.mark.parametrize("inner", ["", "FashionMNIST/raw"])
@pytest.mark.parametrize("source", ["auto", "real"])
def test_course_data_names_the_root_or_the_raw_folder(
    monkeypatch: pytest.MonkeyPatch,
    photographs: Path,
    capfd: pytest.CaptureFixture[str],
    inner: str,
    source: Literal["auto", "real"],
) -> None:
    monkeypatch.setenv("COURSE_DATA", str(photographs / inner))
    loaded = fashion.load_fashion_mnist(source)
    assert loaded.source == "fashion-mnist"
    assert loaded.train.images.shape == (4000, 1, 28, 28)
    assert capfd.readouterr() == ("", "")


def test_relative_course_data_may_start_from_the_checkout(
    monkeypatch: pytest.MonkeyPatch, photographs: Path
) -> None:
    # a lesson's kernel runs in notebooks/, and `make` in the checkout
    elsewhere = photographs.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("COURSE_DATA", f"../{photographs.name}")
    assert fashion.load_fashion_mnist().source == "fashion-mnist"
    monkeypatch.chdir("/")
    assert fashion.load_fashion_mnist().source == "fashion-mnist"


def test_unpacked_files_are_read(
    monkeypatch: pytest.MonkeyPatch, photographs: Path
) -> None:
    raw = photographs / "FashionMNIST" / "raw"
    for name in idx.NAMES:
        packed = raw / f"{name}.gz"
        (raw / name).write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
    monkeypatch.setenv("COURSE_DATA", str(photographs))
    assert fashion.load_fashion_mnist().source == "fashion-mnist"


def test_course_data_comes_before_the_checkout(
    monkeypatch: pytest.MonkeyPatch, photographs: Path, checkout: Path
) -> None:
    shutil.copytree(photographs, checkout / "data", dirs_exist_ok=True)
    raw = Path("FashionMNIST", "raw")
    assert fashion.find_fashion_mnist() == checkout / "data" / raw
    monkeypatch.setenv("COURSE_DATA", str(photographs))
    assert fashion.find_fashion_mnist() == photographs / raw


def test_checkout_is_found_without_a_setting(photographs: Path, checkout: Path) -> None:
    shutil.move(photographs / "FashionMNIST", checkout / "data" / "FashionMNIST")
    assert fashion.load_fashion_mnist().source == "fashion-mnist"


def test_course_data_that_does_not_exist_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(CourseError, match=r"nowhere is no folder: .*or unset it\."):
        fashion.load_fashion_mnist()


def test_course_data_that_lacks_files_names_them(
    monkeypatch: pytest.MonkeyPatch, photographs: Path
) -> None:
    raw = photographs / "FashionMNIST" / "raw"
    (raw / f"{idx.NAMES[2]}.gz").unlink()
    monkeypatch.setenv("COURSE_DATA", str(photographs))
    with pytest.raises(CourseError, match=f"lacks {idx.NAMES[2]}: "):
        fashion.load_fashion_mnist()


def damage(path: Path) -> None:
    """Change the last value in a packed file; the packing stays whole."""
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[-1] = (content[-1] + 1) % 10
    path.write_bytes(gzip.compress(bytes(content)))


def test_damaged_photographs_are_reported_and_kept(
    photographs: Path, checkout: Path
) -> None:
    shutil.move(photographs / "FashionMNIST", checkout / "data" / "FashionMNIST")
    path = checkout / "data" / "FashionMNIST" / "raw" / f"{idx.NAMES[3]}.gz"
    damage(path)
    with pytest.raises(CourseError) as caught:
        fashion.load_fashion_mnist()
    message = str(caught.value)
    assert message.startswith(f"{path} is damaged: its sha256 is ")
    assert f"expected {fashion.CHECKSUMS[idx.NAMES[3]]}. Move it away" in message
    assert message.endswith("fetch it from github.com/zalandoresearch/fashion-mnist.")
    assert path.exists()


def test_damaged_sketches_are_reported_and_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, checkout: Path
) -> None:
    folder = checkout / "data" / "sketch"
    monkeypatch.setattr(sketches, "FOLDERS", (tmp_path / "nowhere", folder))
    path = folder / f"{idx.NAMES[0]}.gz"
    damage(path)
    with pytest.raises(CourseError) as caught:
        sketches.load_sketches()
    message = str(caught.value)
    assert message.startswith(f"{path} is damaged: its sha256 is ")
    assert f"expected {sketches.CHECKSUMS[idx.NAMES[0]]}. Restore it" in message
    assert message.endswith("or install the course again.")
    assert path.exists()


def test_without_photographs_the_notice_is_one_line(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert fashion.load_fashion_mnist().source == "fashion-sketch"
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "COURSE_OFFLINE is set" in err
    assert "Using FashionSketch instead" in err
    assert "COURSE_DATA" in err


def test_real_never_falls_back() -> None:
    with pytest.raises(CourseError, match=r"COURSE_OFFLINE is set.*COURSE_DATA"):
        fashion.load_fashion_mnist("real")


def test_read_only_checkout_falls_back_to_the_sketches(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("COURSE_OFFLINE")
    # root may write anywhere; a file in place of the folder stops even root
    (tmp_path / "file").touch()
    monkeypatch.setattr(fashion, "download_root", lambda: tmp_path / "file" / "data")
    assert fashion.load_fashion_mnist().source == "fashion-sketch"
    assert "can't be written" in capfd.readouterr().err


def test_installed_course_reads_the_sketches_of_the_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed = tmp_path / "site-packages" / "course_utils" / "data" / "_sketch"
    shutil.copytree(SKETCH, installed)
    monkeypatch.setattr(sketches, "FOLDERS", (installed, tmp_path / "nowhere"))
    monkeypatch.setattr(fashion, "CHECKOUT", tmp_path / "site-packages")
    assert len(sketches.load_sketches().test.labels) == 1000
    assert fashion.download_root() == Path.home() / ".cache" / "layer-by-layer"


def test_missing_sketches_are_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sketches, "FOLDERS", (tmp_path / "a", tmp_path / "b"))
    with pytest.raises(CourseError, match=r"python tools/sketch/draw_sketches\.py"):
        sketches.load_sketches()


@pytest.mark.skipif(
    not COURSE_DATA, reason="COURSE_DATA is not set: no FashionMNIST here"
)
def test_real_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_DATA", str(COURSE_DATA))
    real = fashion.load_fashion_mnist("real")
    assert real.source == "fashion-mnist"
    assert real.train.images.shape == (60_000, 1, 28, 28)
    assert real.test.labels.bincount().tolist() == [1000] * 10
    assert real.train.labels[:5].tolist() == [9, 0, 0, 3, 0]
