"""IDX files, the format of MNIST and its relatives: found, verified and read."""

import gzip
import hashlib
import math
import zlib
from pathlib import Path

import torch

from course_utils.errors import CourseError

# The four files of a data set: images and labels for training, then for testing.
NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def missing(folder: Path) -> list[str]:
    """Names of the four files that `folder` lacks, packed (.gz) and unpacked."""
    return [
        name
        for name in NAMES
        if not (folder / f"{name}.gz").is_file() and not (folder / name).is_file()
    ]


def read_idx(folder: Path, name: str, sums: dict[str, str], cure: str) -> torch.Tensor:
    """Read one file of `folder`, from `name`.gz where that is, else from `name`.

    Args:
        folder: where the files are.
        name: one of `NAMES`.
        sums: checksums by file name, MD5 (32 digits) or SHA-256 (64). That of
            `name`.gz is taken over the packed bytes; that of `name` over the
            unpacked ones, and is used where the first is not given.
        cure: what to do about a damaged file, as the end of a sentence.

    Returns:
        A uint8 tensor of the shape the file states: (N, 28, 28) or (N,).

    Raises:
        CourseError: the file can't be read, or is not what its checksum says.
            Nothing is ever deleted.
    """
    packed = folder / f"{name}.gz"
    path = packed if packed.is_file() else folder / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path} can't be read ({error.strerror}): {cure}.") from None
    if path is packed:
        if packed.name in sums:
            verify(path, content, sums[packed.name], cure)
        content = _unpack(path, content, cure)
    if name in sums and not (path is packed and packed.name in sums):
        verify(path, content, sums[name], cure)
    return parse(path, content, cure)


def verify(path: Path, content: bytes, expected: str, cure: str) -> None:
    """Compare a checksum: MD5 or SHA-256, whichever `expected` has the length of.

    Raises:
        CourseError: it differs; the sentence gives the path and both checksums.
    """
    kind = "md5" if len(expected) == 32 else "sha256"
    found = hashlib.new(kind, content, usedforsecurity=False).hexdigest()
    if found != expected:
        raise CourseError(
            f"{path} is damaged: its {kind} is {found}, expected {expected}. "
            f"{_sentence(cure)}"
        )


def _unpack(path: Path, content: bytes, cure: str) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise CourseError(
            f"{path} is damaged: it can't be unpacked ({error}). {_sentence(cure)}"
        ) from None


def parse(path: Path, content: bytes, cure: str) -> torch.Tensor:
    """The uint8 tensor in the bytes of an IDX file.

    Two zero bytes, the type (8: unsigned byte), the number of dimensions, each size
    as a big-endian 32-bit number, and the values, the last dimension fastest
    (http://yann.lecun.com/exdb/mnist/, 'the IDX file format').

    Raises:
        CourseError: the bytes are no such file, or too few or too many.
    """
    start = 4 + 4 * content[3] if len(content) >= 4 else 0
    if content[:3] != b"\0\0\x08" or not 4 < start <= len(content):
        raise CourseError(f"{path} is not an IDX file of bytes. {_sentence(cure)}")
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    if len(content) - start != math.prod(shape):
        raise CourseError(
            f"{path} is damaged: it states {' x '.join(map(str, shape))} values but "
            f"holds {len(content) - start}. {_sentence(cure)}"
        )
    # bytearray: a tensor over immutable bytes would be one nobody may write to
    values = torch.frombuffer(bytearray(content), dtype=torch.uint8)
    return values[start:].reshape(shape)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + "."
