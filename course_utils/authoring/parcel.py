"""Files that are given out: as a folder or a zip archive, the same bytes each time."""

import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.files import write_whole

_FORCE = "name another, or replace what is released in it with --force"


def write_parcel(
    files: Mapping[str, bytes],
    out: Path,
    *,
    force: bool = False,
    sources: Iterable[Path] = (),
) -> None:
    """Write files to a folder, or to an archive where the name ends in .zip.

    Args:
        files: what they hold, by their path in it.
        out: the folder or the archive.
        force: replace an archive, or files of a folder; its other files stay.
        sources: files that are never replaced.

    Raises:
        CourseError: there is something already, or it can't be written.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_parcel({"a/b.txt": b"words"}, Path(folder, "x.zip"))
    ...     zipfile.ZipFile(Path(folder, "x.zip")).namelist()
    ['a/b.txt']
    """
    is_zip = out.suffix.lower() == ".zip"
    targets = {out: _archive(files)} if is_zip else {out / f: files[f] for f in files}
    try:
        _make_sure(
            out, is_zip, force, {source.resolve() for source in sources}, targets
        )
        for path, content in targets.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
    except OSError as error:
        raise CourseError(f"{out} can't be written: {error.strerror}.") from error


def _make_sure(
    out: Path, is_zip: bool, force: bool, sources: set[Path], targets: Iterable[Path]
) -> None:
    """Raise CourseError where writing would destroy something."""
    if is_zip and out.is_dir():
        raise CourseError(f"{out} is a folder: name an archive that is not.")
    if not is_zip and out.exists() and not out.is_dir():
        raise CourseError(f"{out} is a file: name a folder, or an archive x.zip.")
    if is_zip and out.exists() and not force:
        raise CourseError(f"{out} is there already: {_FORCE}.")
    if not is_zip and out.is_dir() and any(out.iterdir()) and not force:
        raise CourseError(f"{out} is not empty: {_FORCE}; other files in it stay.")
    if lost := sorted(path.name for path in targets if path.resolve() in sources):
        raise CourseError(
            f"{out} holds the lessons themselves, with their solutions: name another "
            f"folder, or {lost[0]} would be replaced."
        )


def _archive(files: Mapping[str, bytes]) -> bytes:
    """Return a zip archive without what differs from one day or machine to another."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name)  # of 1980
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()
