"""FashionMNIST: from a folder, from a download, or the embedded sketches instead."""

import os
import sys
from pathlib import Path
from typing import Literal

from course_utils.data import idx
from course_utils.data.download import check_online, download
from course_utils.data.model import FashionMNIST, read_data_set
from course_utils.data.sketches import load_sketches
from course_utils.errors import CourseError

# The server and the packed files' MD5 are those of torchvision.datasets.FashionMNIST.
SERVER = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
CHECKSUMS = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}
CHECKOUT = Path(__file__).resolve().parents[2]
RAW = Path("FashionMNIST", "raw")  # below a root, as torchvision has it


def load_fashion_mnist(
    source: Literal["auto", "real", "sketch"] = "auto",
) -> FashionMNIST:
    """Load FashionMNIST, or the embedded FashionSketch in its place.

    Args:
        source: "auto" takes the first of: the folder in the environment variable
            COURSE_DATA; `data/` of the checkout; a download into it; FashionSketch,
            with a notice on stderr. "real" is "auto" without FashionSketch. "sketch"
            is FashionSketch, the same on every machine. COURSE_OFFLINE=1 leaves the
            download out.

    Returns:
        Images as uint8 (N, 1, 28, 28), 0 to 255, and labels as int64 (N,), 0 to 9:
        60,000 photographs for training and 10,000 for testing, or 4,000 and 1,000
        sketches.

    Raises:
        CourseError: unknown source, nothing in COURSE_DATA, a damaged file, or
            "real" without the files and without a network.

    Example:
        >>> garments = load_fashion_mnist("sketch")
        >>> garments.test.images.shape
        torch.Size([1000, 1, 28, 28])
        >>> garments.classes[9], garments.source
        ('Ankle boot', 'fashion-sketch')
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
            folder = download_fashion_mnist(download_root())
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
    advice = "Move it away and fetch it from github.com/zalandoresearch/fashion-mnist."
    return read_data_set(folder, CHECKSUMS, "fashion-mnist", advice)


def find_fashion_mnist() -> Path | None:
    """Return the folder with FashionMNIST's four files; None: a download is needed.

    Raises:
        CourseError: COURSE_DATA is set, but the files are not there.
    """
    if not (bases := given_roots()):
        folder = download_root() / RAW
        return None if idx.missing(folder) else folder
    for base in bases:
        for folder in (base / RAW, base):
            if not idx.missing(folder):
                return folder
    root, setting = bases[0], os.environ["COURSE_DATA"]
    nested = root / RAW
    lacking = idx.missing(nested if nested.is_dir() else root)
    what = f"lacks {', '.join(lacking)}" if root.is_dir() else "is no folder"
    raise CourseError(
        f"COURSE_DATA={setting} {what}: let it name the folder that holds "
        "FashionMNIST/raw with the four files, or unset it."
    )


def given_roots() -> list[Path]:
    """The folders that COURSE_DATA may mean; none where it is not set."""
    if not (setting := os.environ.get("COURSE_DATA")):
        return []
    root = Path(setting).expanduser()
    # A kernel runs in notebooks/; a relative path may be meant from the checkout.
    return [root, CHECKOUT / root]


def download_root() -> Path:
    """Where downloads are kept: `data/` of a checkout, else the user's cache."""
    if (CHECKOUT / "data" / "sketch").is_dir():
        return CHECKOUT / "data"
    return Path.home() / ".cache" / "layer-by-layer"


def download_fashion_mnist(root: Path) -> Path:
    """Fetch the files that `root`/FashionMNIST/raw lacks, and return that folder.

    All four are 30 MB. A file that is there already stays as it is.

    Raises:
        CourseError: COURSE_OFFLINE is set, or a download failed; files that arrived
            before stay, so the next attempt goes on from there.
    """
    check_online()
    raw = root / RAW
    print(f"Downloading FashionMNIST (30 MB) into {raw}", file=sys.stderr)
    for name in (f"{name}.gz" for name in idx.missing(raw)):
        download(SERVER + name, raw / name, CHECKSUMS[name])
    return raw
