"""FashionSketch, the embedded data set: drawn garments in FashionMNIST's classes."""

from pathlib import Path

from course_utils.data import idx
from course_utils.data.model import FashionMNIST, read_data_set
from course_utils.errors import CourseError

# SHA-256 of the unpacked files: versions of zlib pack the same bytes differently.
_SHA256 = (
    "975f14dd4b7163cb75bd93f21541755647ea2bfed4365a24fb7b9f24aa2b6b7f",
    "844dc49450f1c44748cb93965cca6387b2ed616f51aff9263466a5c855014b1c",
    "b3cca65852c111e3e24e9603b12de8d05ba1141333826acde8eb485483959cf0",
    "13947191c46f8fe3cb10961a9321214223ee3bdec74769010cd2b1f1bb6ce8ba",
)
CHECKSUMS: dict[str, str] = dict(zip(idx.NAMES, _SHA256, strict=True))

_PACKAGE = Path(__file__).resolve().parent
# in a wheel, in a checkout
FOLDERS = (_PACKAGE / "_sketch", _PACKAGE.parents[1] / "data" / "sketch")
ADVICE = (
    "Restore it with 'python tools/sketch/draw_sketches.py', "
    "or install the course again."
)


def load_sketches() -> FashionMNIST:
    """Load FashionSketch, 4,000 + 1,000 garments that this project draws itself.

    It needs no network, and its pictures are the same on every machine.

    Returns:
        Images as uint8 (N, 1, 28, 28), 0 to 255, and labels as int64 (N,), 0 to 9.

    Raises:
        CourseError: its files are missing or damaged.

    Example:
        >>> sketches = load_sketches()
        >>> sketches.train
        Split(images (4000, 1, 28, 28), labels 4000)
        >>> sketches.classes[sketches.test.labels[0]]
        'Ankle boot'
    """
    installed, checkout = FOLDERS
    folder = checkout if idx.missing(installed) else installed
    if idx.missing(folder):
        raise CourseError(f"FashionSketch is not complete in {folder}. {ADVICE}")
    return read_data_set(folder, CHECKSUMS, "fashion-sketch", ADVICE)
