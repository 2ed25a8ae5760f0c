"""The small published language model: where it comes from and how it is read."""

import hashlib
import os
import struct
from pathlib import Path

import pytest
import torch

from course_utils.data import fashion, stories
from course_utils.errors import CourseError

COURSE_DATA = os.environ.get("COURSE_DATA")  # before the fixture hides it

pytestmark = pytest.mark.usefixtures("checkout")


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with two small files in the same layout, and their checksums."""
    d, hidden, layers, heads, kv_heads, vocabulary, length = 8, 6, 2, 4, 2, 5, 16
    each = [d, d * d, 4 * d, 4 * d, d * d, d, hidden * d, d * hidden, hidden * d]
    count = vocabulary * d + layers * sum(each) + d + 2 * length  # two tables of angles
    head = struct.pack("7i", d, hidden, layers, heads, kv_heads, vocabulary, length)
    model = head + struct.pack(f"{count}f", *range(count))
    pieces = [b"<unk>", b"\n<s>\n", b"\n</s>\n", b"<0x0A>", b" a"]
    tokenizer = struct.pack("i", 7)
    for piece in pieces:
        tokenizer += struct.pack("fi", 0.0, len(piece)) + piece
    folder = tmp_path / "given" / "tinyllamas"
    folder.mkdir(parents=True)
    for name, content in zip(stories.CHECKSUMS, (model, tokenizer), strict=True):
        (folder / name).write_bytes(content)
    sums = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in stories.CHECKSUMS
    }
    monkeypatch.setattr(stories, "CHECKSUMS", sums)
    return folder


def test_the_weights_are_read_in_the_files_order(
    monkeypatch: pytest.MonkeyPatch, files: Path
) -> None:
    monkeypatch.setenv("COURSE_DATA", str(files.parent))
    found = stories.load_stories()
    assert found is not None
    assert (found.heads, found.kv_heads) == (4, 2)
    assert found.tokens == [b"", b"", b"", b"\n", b" a"]
    assert list(found.weights) == [
        "tok_embeddings.weight",
        *(
            f"layers.{i}.{name}.weight"
            for name in (
                *("attention_norm", "attention.wq", "attention.wk", "attention.wv"),
                *("attention.wo", "ffn_norm", "feed_forward.w1", "feed_forward.w2"),
                "feed_forward.w3",
            )
            for i in (0, 1)
        ),
        "norm.weight",
    ]
    numbers = torch.cat([weight.flatten() for weight in found.weights.values()])
    assert torch.equal(numbers, torch.arange(len(numbers), dtype=torch.float32))
    assert found.weights["layers.1.attention.wk.weight"].shape == (4, 8)
    assert repr(found) == f"Stories({len(numbers):,} weights, 5 tokens)"


def test_without_files_and_network_it_says_where_to_put_them(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert stories.load_stories() is None
    said = capfd.readouterr().err
    assert "COURSE_OFFLINE is set, so nothing is downloaded" in said
    assert "put stories260K.bin and tok512.bin from huggingface.co" in said
    assert str(fashion.download_root() / "tinyllamas") in said


def test_a_download_goes_below_the_checkout_and_is_found_again(
    monkeypatch: pytest.MonkeyPatch, files: Path
) -> None:
    monkeypatch.delenv("COURSE_OFFLINE")
    monkeypatch.setattr(stories, "SERVER", files.as_uri() + "/")
    assert stories.load_stories() is not None
    monkeypatch.setattr(stories, "SERVER", "file:///nowhere/")
    assert stories.load_stories() is not None


def test_a_damaged_file_is_named(monkeypatch: pytest.MonkeyPatch, files: Path) -> None:
    monkeypatch.setenv("COURSE_DATA", str(files.parent))
    (files / "tok512.bin").write_bytes(b"no tokens")
    with pytest.raises(CourseError, match=r"tok512\.bin is damaged: .*Delete it"):
        stories.load_stories()


def test_the_published_files_where_they_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not COURSE_DATA or not Path(COURSE_DATA, "tinyllamas").is_dir():
        pytest.skip("COURSE_DATA has no tinyllamas")
    monkeypatch.setenv("COURSE_DATA", COURSE_DATA)
    found = stories.load_stories()
    assert repr(found) == "Stories(260,032 weights, 512 tokens)"
