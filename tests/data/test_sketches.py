"""FashionSketch: drawn alike everywhere, small, varied, and right for its purpose."""

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

from course_utils.data.idx import NAMES, parse
from course_utils.data.sketches import CHECKSUMS, load_sketches

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
TOOL = ROOT / "tools" / "sketch"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The drawing script as a module; its neighbours are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(TOOL))
    import draw_sketches

    yield draw_sketches
    for path in TOOL.glob("*.py"):
        sys.modules.pop(path.stem, None)


@pytest.fixture
def small(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script with 20 sketches in place of 5,000."""
    monkeypatch.setattr(script, "SIZES", {"train": 10, "t10k": 10})
    return script


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Train on one thread, so that parallel tests don't wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
def test_script_draws_the_committed_files_byte_by_byte(script: ModuleType) -> None:
    # Unpacked bytes: versions of zlib pack the same content differently.
    files = script.draw_files()
    assert sorted(files) == sorted(NAMES)
    for name, content in files.items():
        packed = (DATA / "sketch" / f"{name}.gz").read_bytes()
        assert gzip.decompress(packed) == content, name


def test_files_are_small_and_complete() -> None:
    files = list((DATA / "sketch").iterdir())
    assert sorted(f.name for f in files) == sorted(f"{name}.gz" for name in NAMES)
    assert sum(f.stat().st_size for f in files) < 1_500_000


HEADER = b"\x1f\x8b\x08" + bytes(5) + b"\x02\xff"  # no name, no time, no platform


@pytest.mark.parametrize("name", NAMES)
def test_committed_files_name_no_file_no_time_and_no_platform(name: str) -> None:
    assert (DATA / "sketch" / f"{name}.gz").read_bytes()[:10] == HEADER


def test_packed_bytes_depend_on_the_content_alone(script: ModuleType) -> None:
    content = bytes(range(256)) * 30
    packed = script.pack(content)
    assert packed[:10] == HEADER
    assert gzip.decompress(packed) == content
    assert len(packed) < len(content) / 5


def test_script_writes_the_format_that_the_course_reads(script: ModuleType) -> None:
    images = script.draw(label=3, number=0)[None]
    assert parse(script.encode_idx(images)).tolist() == images.tolist()


def test_readme_states_the_checksums_of_the_files() -> None:
    text = (DATA / "README.md").read_text(encoding="utf-8")
    lines = [f"| `{name}` | `{sha256}` |" for name, sha256 in CHECKSUMS.items()]
    assert [line for line in lines if line not in text] == []


def test_check_agrees_with_files_just_written(
    small: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert small.main(["--folder", str(tmp_path)]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        f"{name}.gz" for name in NAMES
    )
    assert small.main(["--check", "--folder", str(tmp_path)]) == 0
    assert "The files are what this script draws." in capsys.readouterr().out


def test_check_names_the_differing_files_and_writes_nothing(
    small: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small.main(["--folder", str(tmp_path)])
    other = tmp_path / f"{NAMES[0]}.gz"
    other.write_bytes(gzip.compress(b"other"))
    (tmp_path / f"{NAMES[1]}.gz").write_bytes(b"no gzip")
    (tmp_path / f"{NAMES[2]}.gz").unlink()
    capsys.readouterr()
    assert small.main(["--check", "--folder", str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{other} is not what this script draws; draw it again.",
        f"{tmp_path / NAMES[1]}.gz is missing or damaged; draw it again.",
        f"{tmp_path / NAMES[2]}.gz is missing or damaged; draw it again.",
    ]
    assert gzip.decompress(other.read_bytes()) == b"other"
    assert not (tmp_path / f"{NAMES[2]}.gz").exists()


def test_unwritable_folder_is_reported(
    small: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert small.main(["--folder", str(tmp_path / "file" / "in")]) == 1
    assert "Choose another place with --folder." in capsys.readouterr().err


def test_all_sketches_differ() -> None:
    sketches = load_sketches()
    both = torch.cat([sketches.train.images, sketches.test.images]).flatten(1)
    assert len({bytes(image.tolist()) for image in both}) == 5000


def test_each_class_varies_in_place_size_and_brightness() -> None:
    images, labels = load_sketches().train
    for label in range(10):
        drawn = images[labels == label].squeeze(1).float()
        garment = drawn > 20
        rows = torch.arange(28.0)
        area = garment.sum((1, 2))
        middle = (garment.sum(2) * rows).sum(1) / area
        width = garment.any(1).sum(1).float()
        assert middle.std() > 0.8, label
        assert width.std() > 1, label
        assert (drawn.sum((1, 2)) / area).std() > 20, label
        assert width.max() <= 28
        assert area.min() > 30, label


def _accuracy(model: nn.Module, epochs: int, rate: float) -> float:
    """Train a model and return the percentage of the test sketches it gets right."""
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


def test_a_linear_model_gets_less_than_90_percent(one_thread: None) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    assert 75 < _accuracy(model, epochs=15, rate=1e-2) < 90


def test_a_small_cnn_gets_more_than_95_percent(one_thread: None) -> None:
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
