"""IDX, the file format of MNIST and its relatives."""

import gzip
import hashlib
import math
import zlib
from collections.abc import Mapping
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


def read(folder: Path, name: str, checksums: Mapping[str, str]) -> torch.Tensor:
    """Read one file of `folder`: `name`.gz where that exists, else `name`.

    Args:
        folder: where the files are.
        name: one of `NAMES`.
        checksums: MD5 (32 digits) or SHA-256 (64), by file name. That of `name`.gz
            covers the packed bytes. That of `name` covers the unpacked bytes, and
            is used where the other is unknown.

    Returns:
        A uint8 tensor of the shape the file states: (N, 28, 28) or (N,).

    Raises:
        CourseError: the file can't be read or is damaged. The message has no full
            stop: the caller, who knows where such a file comes from, adds what to do.
    """
    packed = folder / f"{name}.gz"
    path = packed if packed.is_file() else folder / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path} can't be read ({error.strerror})") from None
    try:
        if path.name in checksums:
            verify(content, checksums[path.name])
        if path == packed:
            content = gzip.decompress(content)
            if packed.name not in checksums and name in checksums:
                verify(content, checksums[name])
        return parse(content)
    except (OSError, EOFError, zlib.error) as error:
        raise CourseError(
            f"{path} is damaged: it can't be unpacked ({error})"
        ) from None
    except ValueError as problem:
        raise CourseError(f"{path} is damaged: {problem}") from None


def verify(content: bytes, checksum: str) -> None:
    """Compare `content` with its MD5 (32 hexadecimal digits) or SHA-256 (64).

    Raises:
        ValueError: they differ; the message states both checksums.
    """
    algorithm = "md5" if len(checksum) == 32 else "sha256"
    actual = hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()
    if actual != checksum:
        raise ValueError(f"its {algorithm} is {actual}, expected {checksum}")


def parse(content: bytes) -> torch.Tensor:
    """Return the uint8 tensor in the bytes of an IDX file.

    Two zero bytes, the type (8: unsigned byte), the number of dimensions, each size
    as a big-endian 32-bit number, and the values, the last dimension fastest
    (http://yann.lecun.com/exdb/mnist/, 'the IDX file format').

    Raises:
        ValueError: the bytes have another format, or are too few or too many.

    Example:
        >>> parse(bytes([0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 10, 20, 30]))
        tensor([[10, 20, 30]], dtype=torch.uint8)
    """
    start = 4 + 4 * content[3] if len(content) >= 4 else 0
    if content[:3] != b"\0\0\x08" or not 4 < start <= len(content):
        raise ValueError("it is not an IDX file of bytes")
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    if len(content) - start != math.prod(shape):
        raise ValueError(
            f"it states {' x '.join(map(str, shape))} values but holds "
            f"{len(content) - start}"
        )
    # bytearray: PyTorch warns about a tensor over immutable bytes
    values = torch.frombuffer(bytearray(content), dtype=torch.uint8)
    return values[start:].reshape(shape)
