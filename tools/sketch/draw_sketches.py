"""Draw FashionSketch, the course's embedded data set.

    python tools/sketch/draw_sketches.py

The same ten classes, the same four IDX files and the same 28 x 28 grey pictures as
FashionMNIST, but drawn by this script and small enough to live in the repository.
`--check` compares the files with what the script draws, and writes nothing.
"""

import argparse
import gzip
import hashlib
import struct
import sys
import zlib
from pathlib import Path

import bags
import clothes
import footwear
import numpy as np
from canvas import Canvas
from dice import Dice
from numpy.typing import NDArray

from course_utils.files import write_whole

FOLDER = Path(__file__).resolve().parents[2] / "data" / "sketch"
SIZES = {"train": 4000, "t10k": 1000}
DRAW = (  # in the order of FashionMNIST's labels
    clothes.t_shirt,
    clothes.trouser,
    clothes.pullover,
    clothes.dress,
    clothes.coat,
    footwear.sandal,
    clothes.shirt,
    footwear.sneaker,
    bags.bag,
    footwear.ankle_boot,
)


def draw(label: int, number: int) -> NDArray[np.uint8]:
    """Return sketch `number` of class `label`, always the same one: uint8 (28, 28)."""
    dice = Dice(1_000_003 * number + label)
    canvas = Canvas(dice)
    DRAW[label](canvas)
    return canvas.pixels(noise=dice.between(0.02, 0.12))


def draw_split(
    first: int, count: int, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return images and labels of `count` sketches, shuffled, as many of each class."""
    order = [(label, first + n) for n in range(count // 10) for label in range(10)]
    Dice(seed).shuffle(order)
    images = np.stack([draw(label, number) for label, number in order])
    return images, np.array([label for label, _ in order], dtype=np.uint8)


def encode_idx(array: NDArray[np.uint8]) -> bytes:
    """Return the array as an IDX file: 0, 0, type 8, dimensions, sizes, values."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


def pack(content: bytes) -> bytes:
    """Compress as gzip without time, name or platform: zlib alone decides the bytes."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = compressor.compress(content) + compressor.flush()
    trailer = struct.pack("<II", zlib.crc32(content), len(content))
    return b"\x1f\x8b\x08\0\0\0\0\0\x02\xff" + body + trailer


def draw_files() -> dict[str, bytes]:
    """Draw the four files: unpacked content by name."""
    files: dict[str, bytes] = {}
    first = 0
    for split, count in SIZES.items():
        images, labels = draw_split(first, count, seed=count)
        files[f"{split}-images-idx3-ubyte"] = encode_idx(images)
        files[f"{split}-labels-idx1-ubyte"] = encode_idx(labels)
        first += count // 10
    return files


def check(folder: Path) -> list[str]:
    """Return one message per file that differs from what this script draws."""
    messages: list[str] = []
    for name, content in draw_files().items():
        path = folder / f"{name}.gz"
        try:
            if gzip.decompress(path.read_bytes()) != content:
                messages.append(f"{path} is not what this script draws; draw it again.")
        except (OSError, EOFError, zlib.error):
            messages.append(f"{path} is missing or damaged; draw it again.")
    return messages


def write(folder: Path) -> None:
    """Draw everything into `folder`, and print sizes and checksums."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in draw_files().items():
        path = folder / f"{name}.gz"
        write_whole(path, pack(content))
        print(f"{path.name:29} {path.stat().st_size:8,} bytes")
        print(f"  unpacked, sha256 {hashlib.sha256(content).hexdigest()}")


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(description="Draw FashionSketch (about 20 s).")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where they go")
    options = parser.parse_args(arguments)
    if options.check:
        messages = check(options.folder)
        print(*messages or ["The files are what this script draws."], sep="\n")
        return 1 if messages else 0
    try:
        write(options.folder)
    except OSError as error:
        print(
            f"Could not write into {options.folder}: {error.strerror}. "
            "Choose another place with --folder.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
