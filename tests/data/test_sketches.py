"""FashionSketch: drawn alike everywhere, small, varied, and right for its purpose."""

import gzip
import sys
import zlib
from pathlib import Path

import pytest
import torch
from torch import nn

from course_utils.data.idx import NAMES
from course_utils.data.sketches import CHECKSUMS, load_sketches

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
ZLIB = "1.2.13"  # what packed the files that are committed
MODULES = "bags canvas cloth draw_sketches footwear garments tailoring tops".split()


@pytest.fixture
def script(monkeypatch):
    """The drawing script as a module; its neighbours are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(ROOT / "tools" / "sketch"))
    import draw_sketches

    yield draw_sketches
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def small(script, monkeypatch):
    """The script with 20 sketches in place of 5,000."""
    monkeypatch.setattr(script, "SIZES", {"train": 10, "t10k": 10})
    return script


@pytest.fixture
def one_thread():
    """Train on one thread, so that tests side by side don't wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
def test_the_script_draws_the_committed_files_to_the_byte(script):
    same_zlib = zlib.ZLIB_RUNTIME_VERSION == ZLIB
    for name, content in script.contents().items():
        stored = (DATA / "sketch" / f"{name}.gz").read_bytes()
        assert gzip.decompress(stored) == content, name
        if same_zlib:
            assert script.packed(content) == stored, name


def test_the_files_are_small_and_no_others_lie_beside():
    files = list((DATA / "sketch").iterdir())
    assert sorted(f.name for f in files) == sorted(f"{name}.gz" for name in NAMES)
    assert sum(f.stat().st_size for f in files) < 1_500_000


@pytest.mark.parametrize("name", NAMES)
def test_the_packing_names_no_file_no_time_and_no_platform(name):
    head = (DATA / "sketch" / f"{name}.gz").read_bytes()[:10]
    assert head == b"\x1f\x8b\x08" + bytes(5) + b"\x02\xff"


def test_the_readme_states_the_checksums_of_the_files():
    words = (DATA / "README.md").read_text(encoding="utf-8")
    assert [name for name, sha256 in CHECKSUMS.items() if sha256 not in words] == []


def test_writing_then_checking_agrees(small, tmp_path, capsys):
    assert small.main(["--folder", str(tmp_path)]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        f"{name}.gz" for name in NAMES
    )
    assert small.main(["--check", "--folder", str(tmp_path)]) == 0
    assert "The files are what this script draws." in capsys.readouterr().out


def test_a_check_names_what_differs_and_writes_nothing(small, tmp_path, capsys):
    small.main(["--folder", str(tmp_path)])
    other = tmp_path / f"{NAMES[0]}.gz"
    other.write_bytes(gzip.compress(b"other"))
    (tmp_path / f"{NAMES[1]}.gz").write_bytes(b"no gzip")
    (tmp_path / f"{NAMES[2]}.gz").unlink()
    capsys.readouterr()
    assert small.main(["--check", "--folder", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0] == f"{other} is not what this script draws; draw it again."
    assert "is missing or damaged" in lines[1]
    assert gzip.decompress(other.read_bytes()) == b"other"


def test_a_folder_that_cannot_be_written_is_a_sentence(small, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert small.main(["--folder", str(tmp_path / "file" / "in")]) == 1
    assert "Choose another place with --folder." in capsys.readouterr().err


def test_no_two_sketches_are_alike():
    sketches = load_sketches()
    both = torch.cat([sketches.train.images, sketches.test.images]).flatten(1)
    assert len({bytes(image.tolist()) for image in both}) == 5000


def test_each_class_varies_in_place_size_and_brightness():
    images, labels = load_sketches().train
    for label in range(10):
        drawn = images[labels == label].squeeze(1).float()
        there = drawn > 20
        rows = torch.arange(28.0)
        weight = there.sum((1, 2))
        middle = (there.sum(2) * rows).sum(1) / weight
        width = there.any(1).sum(1).float()
        assert middle.std() > 0.8, label
        assert width.std() > 1, label
        assert (drawn.sum((1, 2)) / weight).std() > 20, label
        assert width.max() <= 28
        assert weight.min() > 30, label


def _accuracy(model: nn.Module, epochs: int, rate: float) -> float:
    """Percent of the test sketches a model gets right after training."""
    train, test = load_sketches().train, load_sketches().test
    x, y = train.images / 255, train.labels
    optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, epochs=epochs, steps_per_epoch=-(-len(x) // 64)
    )
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
            schedule.step()
    model.eval()
    with torch.no_grad():
        guess = model(test.images / 255).argmax(1)
    return 100 * (guess == test.labels).float().mean().item()


def test_a_linear_model_gets_less_than_90_percent(one_thread):
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    assert 75 < _accuracy(model, epochs=15, rate=1e-2) < 90


def test_a_small_cnn_gets_more_than_95_percent(one_thread):
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, 10),
    )
    assert _accuracy(model, epochs=3, rate=1e-2) > 95
