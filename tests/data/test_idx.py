"""Reading IDX files, and saying what is wrong with one."""

import gzip
import hashlib

import pytest
import torch

from course_utils.data.idx import NAMES, missing, parse, read_idx, verify
from course_utils.errors import CourseError

CURE = "fetch it again"
NAME = NAMES[1]
LABELS = b"\0\0\x08\x01\0\0\0\x03\x07\x08\x09"  # three labels: 7, 8, 9
IMAGES = b"\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x02\x01\x02\x03\x04"


def test_reads_a_packed_and_an_unpacked_file(tmp_path):
    (tmp_path / NAME).write_bytes(LABELS)
    unpacked = read_idx(tmp_path, NAME, {}, CURE)
    (tmp_path / NAME).unlink()
    (tmp_path / f"{NAME}.gz").write_bytes(gzip.compress(LABELS, mtime=0))
    packed = read_idx(tmp_path, NAME, {}, CURE)
    assert unpacked.tolist() == packed.tolist() == [7, 8, 9]
    assert packed.dtype == torch.uint8


def test_images_have_the_shape_the_file_states(tmp_path):
    images = parse(tmp_path / "a", IMAGES, CURE)
    assert images.shape == (2, 1, 2)
    assert images.flatten().tolist() == [1, 2, 3, 4]


def test_the_tensor_may_be_written_to(tmp_path):
    labels = parse(tmp_path / "a", LABELS, CURE)
    labels[0] = 1
    assert labels.tolist() == [1, 8, 9]


def test_missing_counts_packed_and_unpacked_files(tmp_path):
    assert missing(tmp_path) == list(NAMES)
    (tmp_path / NAMES[0]).touch()
    (tmp_path / f"{NAMES[2]}.gz").touch()
    assert missing(tmp_path) == [NAMES[1], NAMES[3]]


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_a_damaged_file_is_named_with_both_checksums_and_kept(tmp_path, kind):
    path = tmp_path / NAME
    path.write_bytes(LABELS[:-1] + b"\0")
    found = hashlib.new(kind, path.read_bytes()).hexdigest()
    expected = hashlib.new(kind, LABELS).hexdigest()
    with pytest.raises(CourseError) as caught:
        read_idx(tmp_path, NAME, {NAME: expected}, CURE)
    assert str(caught.value) == (
        f"{path} is damaged: its {kind} is {found}, expected {expected}. "
        "Fetch it again."
    )
    assert path.exists()


def test_the_packed_checksum_is_taken_over_the_packed_bytes(tmp_path):
    path = tmp_path / f"{NAME}.gz"
    path.write_bytes(gzip.compress(LABELS, mtime=0))
    right = hashlib.md5(path.read_bytes()).hexdigest()
    assert len(read_idx(tmp_path, NAME, {path.name: right}, CURE)) == 3
    with pytest.raises(CourseError, match=r"ubyte\.gz is damaged: its md5"):
        read_idx(tmp_path, NAME, {path.name: "0" * 32}, CURE)


def test_a_repacked_file_is_judged_by_its_content(tmp_path):
    sums = {NAME: hashlib.sha256(LABELS).hexdigest()}
    for level in (1, 9):
        (tmp_path / f"{NAME}.gz").write_bytes(gzip.compress(LABELS, level, mtime=0))
        assert read_idx(tmp_path, NAME, sums, CURE).tolist() == [7, 8, 9]


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(LABELS, mtime=0)[:-9], b""],
    ids=["no gzip", "cut off", "empty"],
)
def test_a_file_that_cannot_be_unpacked_is_named(tmp_path, content):
    (tmp_path / f"{NAME}.gz").write_bytes(content)
    with pytest.raises(CourseError, match=rf"{NAME}\.gz .*Fetch it again\."):
        read_idx(tmp_path, NAME, {}, CURE)


@pytest.mark.parametrize("content", [b"", b"\0\0", b"\0\0\x0d\x01\0\0\0\0", LABELS[:6]])
def test_other_bytes_are_no_idx_file(tmp_path, content):
    with pytest.raises(CourseError, match="is not an IDX file of bytes"):
        parse(tmp_path / "a", content, CURE)


@pytest.mark.parametrize("content", [LABELS[:-1], LABELS + b"\0"])
def test_too_few_and_too_many_values_are_counted(tmp_path, content):
    holds = len(content) - 8
    with pytest.raises(CourseError, match=f"states 3 values but holds {holds}"):
        parse(tmp_path / "a", content, CURE)


def test_a_file_that_is_gone_is_a_sentence(tmp_path):
    with pytest.raises(CourseError, match=r"can't be read .*: fetch it again\."):
        read_idx(tmp_path, NAME, {}, CURE)


def test_verify_says_nothing_about_a_whole_file(tmp_path):
    good = hashlib.sha256(LABELS).hexdigest()
    assert verify(tmp_path / "a", LABELS, good, CURE) is None
