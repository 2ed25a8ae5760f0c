"""The folder of one batch: always a new one, so that nothing is overwritten."""

from datetime import datetime
from pathlib import Path

from course_utils.errors import CourseError

_MOST = 1000


def make_run_folder(out: Path, begun: datetime) -> Path:
    """Make and return `out`/<UTC time>-<number>, a folder nobody else has.

    Raises:
        CourseError: the folder can't be made.
    """
    stamp = begun.strftime("%Y%m%dT%H%M%SZ")
    try:
        out.mkdir(parents=True, exist_ok=True)
        for number in range(1, _MOST):
            folder = out / f"{stamp}-{number}"
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder.resolve()
    except OSError as error:
        raise CourseError(
            f"results can't be written to {out}: {error.strerror}. "
            "Choose another folder with --out."
        ) from error
    raise CourseError(f"{out} holds too many runs of this second: try again.")


def point_latest(folder: Path) -> Path | None:
    """Make `latest` beside `folder` lead to it: a link, or a text file with its name.

    Returns None where something else of that name is in the way.
    """
    latest = folder.parent / "latest"
    beside = folder.parent / f".latest-{folder.name}"
    try:
        try:
            beside.symlink_to(folder.name, target_is_directory=True)
        except OSError:  # Windows without the right to make links, or FAT
            beside.write_text(folder.name + "\n", encoding="utf-8")
        beside.replace(latest)
    except OSError:
        beside.unlink(missing_ok=True)
        return None
    return latest
