"""Draw FashionSketch, the course's embedded data set.

    python tools/sketch/draw_sketches.py

The same ten classes, the same four IDX files and the same 28 x 28 grey pictures as
FashionMNIST, but drawn by this script and small enough to live in the repository.
`--check` compares with the files that are there, and writes nothing.
"""

import argparse
import gzip
import hashlib
import struct
import sys
import zlib
from pathlib import Path

import bags
import footwear
import garments
import numpy as np
import tops
from canvas import Canvas, Dice

FOLDER = Path(__file__).resolve().parents[2] / "data" / "sketch"
SIZES = {"train": 4000, "t10k": 1000}
DRAW = (  # in the order of FashionMNIST's labels
    tops.t_shirt,
    garments.trouser,
    tops.pullover,
    garments.dress,
    tops.coat,
    footwear.sandal,
    tops.shirt,
    footwear.sneaker,
    bags.bag,
    footwear.ankle_boot,
)


def draw(label: int, number: int) -> np.ndarray:
    """Sketch `number` of class `label` as uint8 (28, 28); always the same one."""
    dice = Dice(1_000_003 * number + label)
    canvas = Canvas(dice)
    DRAW[label](canvas)
    return canvas.pixels(noise=dice.between(0.02, 0.12))


def draw_split(first: int, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` sketches in random order, as many of each class: images, labels."""
    order = [(label, first + n) for n in range(count // 10) for label in range(10)]
    Dice(seed).shuffle(order)
    images = np.stack([draw(label, number) for label, number in order])
    return images, np.array([label for label, _ in order], dtype=np.uint8)


def idx(array: np.ndarray) -> bytes:
    """A uint8 array in the IDX format: 0, 0, type 8, dimensions, sizes, values."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return head + array.tobytes()


def packed(content: bytes) -> bytes:
    """gzip without time, name or platform, so that it depends on zlib alone."""
    press = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = press.compress(content) + press.flush()
    tail = struct.pack("<II", zlib.crc32(content), len(content))
    return b"\x1f\x8b\x08\0\0\0\0\0\x02\xff" + body + tail


def contents() -> dict[str, bytes]:
    """The four files, not yet compressed, by name."""
    files, first = {}, 0
    for split, count in SIZES.items():
        images, labels = draw_split(first, count, seed=count)
        files[f"{split}-images-idx3-ubyte"] = idx(images)
        files[f"{split}-labels-idx1-ubyte"] = idx(labels)
        first += count // 10
    return files


def check(folder: Path) -> list[str]:
    """Which files differ from what this script draws; a sentence for each."""
    wrong = []
    for name, content in contents().items():
        path = folder / f"{name}.gz"
        try:
            same = gzip.decompress(path.read_bytes()) == content
        except (OSError, EOFError, zlib.error):
            wrong.append(f"{path} is missing or damaged; draw it again.")
            continue
        if not same:
            wrong.append(f"{path} is not what this script draws; draw it again.")
    return wrong


def write(folder: Path) -> None:
    """Draw everything into `folder`, each file beside first and then renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents().items():
        path = folder / f"{name}.gz"
        beside = path.with_suffix(".part")
        beside.write_bytes(packed(content))
        beside.replace(path)
        print(f"{path.name:29} {path.stat().st_size:8,} bytes")
        print(f"  unpacked, sha256 {hashlib.sha256(content).hexdigest()}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Draw FashionSketch (about 20 s).")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where they go")
    chosen = parser.parse_args(arguments)
    if chosen.check:
        wrong = check(chosen.folder)
        print(*wrong or ["The files are what this script draws."], sep="\n")
        return 1 if wrong else 0
    try:
        write(chosen.folder)
    except OSError as error:
        print(
            f"Could not write into {chosen.folder}: {error.strerror}. "
            "Choose another place with --folder.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
