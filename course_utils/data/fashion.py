"""FashionMNIST as tensors: from a folder, a download, or the embedded sketches."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from course_utils.data import idx
from course_utils.data.checksums import REAL_SUMS, SKETCH_SUMS
from course_utils.data.download import download
from course_utils.errors import CourseError

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1] / "data"


class Split(NamedTuple):
    """One part of a data set."""

    images: torch.Tensor  # uint8, (N, 1, 28, 28), 0 (black) to 255, on the CPU
    labels: torch.Tensor  # int64, (N,), 0 to 9

    def __repr__(self) -> str:
        return f"Split(images {tuple(self.images.shape)}, labels {len(self.labels)})"


@dataclass(frozen=True, eq=False, repr=False)
class FashionMNIST:
    """Pictures of garments: for training, for testing, and the names of the classes."""

    train: Split
    test: Split
    classes: tuple[str, ...]
    source: str  # "fashion-mnist" (photographs) or "fashion-sketch" (drawings)

    def __repr__(self) -> str:
        train, test = len(self.train.labels), len(self.test.labels)
        return f"FashionMNIST({train} train, {test} test, source={self.source!r})"


def load_fashion_mnist(source: str = "auto") -> FashionMNIST:
    """Load FashionMNIST, or the embedded FashionSketch in its place.

    Args:
        source: "auto" takes the first of: the folder in the environment variable
            COURSE_DATA; `data/` of the checkout; a download into it; FashionSketch,
            with a notice on stderr. "real" is "auto" without FashionSketch. "sketch"
            is FashionSketch, the same on every machine. COURSE_OFFLINE=1 leaves the
            download out.

    Raises:
        CourseError: unknown source, nothing in COURSE_DATA, a damaged file, or
            "real" without the files and without a network.
    """
    if source not in ("auto", "real", "sketch"):
        raise CourseError(
            f'source={source!r} is unknown: use "auto", "real" or "sketch".'
        )
    if source == "sketch":
        return load_sketches()
    folder = find_fashion_mnist()
    if folder is None:
        try:
            folder = download(_home())
        except CourseError as problem:
            advice = "set COURSE_DATA to a folder that holds FashionMNIST/raw"
            if source == "real":
                raise CourseError(
                    f"FashionMNIST is not on this machine, and {problem}: {advice}, "
                    'or use load_fashion_mnist("sketch").'
                ) from None
            print(
                f"FashionMNIST is not on this machine, and {problem}. Using "
                "FashionSketch instead: 5,000 drawn garments in the same ten "
                f"classes. For the photographs, {advice}.",
                file=sys.stderr,
            )
            return load_sketches()
    cure = "move it away and fetch it from github.com/zalandoresearch/fashion-mnist"
    return _load(folder, REAL_SUMS, "fashion-mnist", cure)


def load_sketches() -> FashionMNIST:
    """Load FashionSketch, 4,000 + 1,000 garments that this project draws itself.

    Raises:
        CourseError: its files are missing or damaged.
    """
    places = (_PACKAGE / "_sketch", _CHECKOUT / "sketch")  # in a wheel, in a checkout
    cure = (
        "restore it with 'python tools/sketch/draw_sketches.py', "
        "or install the course again"
    )
    for folder in places:
        if not idx.missing(folder):
            return _load(folder, SKETCH_SUMS, "fashion-sketch", cure)
    raise CourseError(f"FashionSketch is not complete in {places[-1]}: {cure}.")


def find_fashion_mnist() -> Path | None:
    """Return the folder with FashionMNIST's four files; None: a download is needed.

    Raises:
        CourseError: COURSE_DATA is set, but the files are not there.
    """
    given = os.environ.get("COURSE_DATA")
    if given:
        root = Path(given).expanduser()
        # A kernel runs in notebooks/; a relative path may be meant from the checkout.
        for base in (root, _CHECKOUT.parent / root):
            for folder in (base / "FashionMNIST" / "raw", base):
                if not idx.missing(folder):
                    return folder
        nested = root / "FashionMNIST" / "raw"
        lacking = idx.missing(nested if nested.is_dir() else root)
        what = f"lacks {', '.join(lacking)}" if root.is_dir() else "is no folder"
        raise CourseError(
            f"COURSE_DATA={given} {what}: let it name the folder that holds "
            "FashionMNIST/raw with the four files, or unset it."
        )
    folder = _home() / "FashionMNIST" / "raw"
    return None if idx.missing(folder) else folder


def _home() -> Path:
    """Where downloads are kept: `data/` of a checkout, else the user's cache."""
    if (_CHECKOUT / "sketch").is_dir():
        return _CHECKOUT
    return Path.home() / ".cache" / "layer-by-layer"


def _load(folder: Path, sums: dict[str, str], source: str, cure: str) -> FashionMNIST:
    parts = [idx.read_idx(folder, name, sums, cure) for name in idx.NAMES]
    train = Split(parts[0].unsqueeze(1), parts[1].long())
    test = Split(parts[2].unsqueeze(1), parts[3].long())
    return FashionMNIST(train, test, CLASSES, source)
