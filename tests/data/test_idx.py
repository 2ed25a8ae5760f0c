"""Reading IDX files, and the message about a damaged one."""

import gzip
import hashlib
from pathlib import Path

import pytest
import torch

from course_utils.data.idx import NAMES, missing, parse, read, verify
from course_utils.errors import CourseError

NAME = NAMES[1]
LABELS = b"\0\0\x08\x01\0\0\0\x03\x07\x08\x09"  # three labels: 7, 8, 9
IMAGES = b"\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x02\x01\x02\x03\x04"


def test_packed_and_unpacked_files_are_read_alike(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(LABELS)
    unpacked = read(tmp_path, NAME, {})
    (tmp_path / NAME).unlink()
    (tmp_path / f"{NAME}.gz").write_bytes(gzip.compress(LABELS, mtime=0))
    packed = read(tmp_path, NAME, {})
    assert unpacked.tolist() == packed.tolist() == [7, 8, 9]
    assert packed.dtype == torch.uint8


def test_packed_file_comes_before_an_unpacked_one(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(LABELS[:-1] + b"\0")
    (tmp_path / f"{NAME}.gz").write_bytes(gzip.compress(LABELS, mtime=0))
    assert read(tmp_path, NAME, {}).tolist() == [7, 8, 9]


def test_images_have_the_shape_the_file_states() -> None:
    images = parse(IMAGES)
    assert images.shape == (2, 1, 2)
    assert images.flatten().tolist() == [1, 2, 3, 4]


def test_tensor_is_writable() -> None:
    labels = parse(LABELS)
    labels[0] = 1
    assert labels.tolist() == [1, 8, 9]


def test_missing_counts_packed_and_unpacked_files(tmp_path: Path) -> None:
    assert missing(tmp_path) == list(NAMES)
    (tmp_path / NAMES[0]).touch()
    (tmp_path / f"{NAMES[2]}.gz").touch()
    assert missing(tmp_path) == [NAMES[1], NAMES[3]]


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_damaged_file_is_reported_with_both_checksums_and_kept(
    tmp_path: Path, algorithm: str
) -> None:
    path = tmp_path / NAME
    path.write_bytes(LABELS[:-1] + b"\0")
    actual = hashlib.new(algorithm, path.read_bytes()).hexdigest()
    expected = hashlib.new(algorithm, LABELS).hexdigest()
    with pytest.raises(CourseError) as caught:
        read(tmp_path, NAME, {NAME: expected})
    assert str(caught.value) == (
        f"{path} is damaged: its {algorithm} is {actual}, expected {expected}"
    )
    assert path.exists()


def test_packed_checksum_covers_the_packed_bytes(tmp_path: Path) -> None:
    path = tmp_path / f"{NAME}.gz"
    path.write_bytes(gzip.compress(LABELS, mtime=0))
    right = hashlib.md5(path.read_bytes()).hexdigest()
    assert len(read(tmp_path, NAME, {path.name: right, NAME: "0" * 32})) == 3
    with pytest.raises(CourseError, match=r"ubyte\.gz is damaged: its md5"):
        read(tmp_path, NAME, {path.name: "0" * 32})


def test_repacked_file_is_judged_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / f"{NAME}.gz"
    checksums = {NAME: hashlib.sha256(LABELS).hexdigest()}
    for level in (1, 9):
        path.write_bytes(gzip.compress(LABELS, level, mtime=0))
        assert read(tmp_path, NAME, checksums).tolist() == [7, 8, 9]
    path.write_bytes(gzip.compress(LABELS[:-1] + b"\0", mtime=0))
    with pytest.raises(CourseError, match=r"ubyte\.gz is damaged: its sha256"):
        read(tmp_path, NAME, checksums)


@pytest.mark.parametrize(
    "content",
    [
        b"no gzip",
        gzip.compress(LABELS, mtime=0)[:-9],
        gzip.compress(LABELS, mtime=0)[:10] + b"\xff" * 20,
    ],
    ids=["no gzip", "cut off", "no deflate"],
)
def test_file_that_cannot_be_unpacked_is_reported(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / f"{NAME}.gz"
    path.write_bytes(content)
    with pytest.raises(CourseError) as caught:
        read(tmp_path, NAME, {})
    assert str(caught.value).startswith(f"{path} is damaged: it can't be unpacked (")


def test_empty_packed_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.gz").touch()
    with pytest.raises(CourseError, match=rf"{NAME}\.gz is damaged"):
        read(tmp_path, NAME, {})


@pytest.mark.parametrize("content", [b"", b"\0\0", b"\0\0\x0d\x01\0\0\0\0", LABELS[:6]])
def test_other_formats_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="it is not an IDX file of bytes"):
        parse(content)


@pytest.mark.parametrize("content", [LABELS[:-1], LABELS + b"\0"])
def test_too_few_and_too_many_values_are_counted(content: bytes) -> None:
    message = f"it states 3 values but holds {len(content) - 8}"
    with pytest.raises(ValueError, match=message):
        parse(content)


def test_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=rf"{NAME} can't be read \("):
        read(tmp_path, NAME, {})


def test_verify_accepts_the_right_checksum() -> None:
    verify(LABELS, hashlib.md5(LABELS).hexdigest())
    verify(LABELS, hashlib.sha256(LABELS).hexdigest())
    with pytest.raises(ValueError, match="its sha256 is"):
        verify(LABELS, hashlib.sha256(LABELS[:-1]).hexdigest())
