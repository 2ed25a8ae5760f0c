"""The files that were handed in: found in folders and zip archives, read safely."""

import io
import os
import re
import stat
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from course_utils.errors import CourseError

LARGEST = 20 << 20  # bytes of one notebook; a lesson with all outputs has under 1 MB
_LARGEST_INNER_ZIP = 100 << 20
_LARGEST_ZIP = 4 << 30  # bytes of all that is read from one archive
_NOTEBOOK = re.compile(r"\.ipynb(\.txt|\.json)?$", re.I)  # some browsers add an ending
_SUBMITTED = "submitted"  # nbgrader's folder, beside source/, release/, autograded/ …
_TIMES = "timestamp.txt"  # nbgrader's, beside the notebooks of a submission


@dataclass(frozen=True)
class Upload:
    """One file that was handed in.

    Attributes:
        parts: the names of the folders and of the file, from the place that was
            searched on; an archive counts as a folder. All can be printed.
        data: what is in it; empty where only its name matters.
        changed: when, in seconds since 1970; 0 where it is not known.
        problem: why it can't be read, in a sentence; "" if it can.
    """

    parts: tuple[str, ...]
    data: bytes = b""
    changed: float = 0.0
    problem: str = ""

    @property
    def source(self) -> str:
        """The path, for people."""
        return "/".join(self.parts)

    @property
    def is_notebook(self) -> bool:
        """Whether its name is that of a notebook."""
        return _NOTEBOOK.search(self.parts[-1]) is not None

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return _NOTEBOOK.sub("", self.parts[-1])


def printable(text: str) -> str:
    r"""Return a text in which every character can be printed, and written as UTF-8.

    >>> printable("a\nb\udcff")
    'a\\x0ab\\xff'
    """
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


def find_uploads(paths: Iterable[Path]) -> Iterator[Upload]:
    """Yield the files in folders and zip archives, in the order of their names.

    Left out are what systems leave behind (hidden files, `__MACOSX`), and beside a
    folder `submitted` all others, which are nbgrader's own.

    Raises:
        CourseError: a path is not there, or is neither folder, notebook nor archive.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "ada.ipynb").write_bytes(b"{}")
    ...     [(upload.stem, upload.data) for upload in find_uploads([Path(folder)])]
    [('ada', b'{}')]
    """
    for path in paths:
        whole = Path(os.path.abspath(path))  # noqa: PTH100 - links stay as they are
        name = printable(whole.name)
        if whole.is_dir():
            yield from _in_folder(str(whole), (name,), whole.resolve())
        elif not whole.is_file():
            raise CourseError(f"there is no file or folder {printable(str(path))}.")
        elif zipfile.is_zipfile(whole) and not _NOTEBOOK.search(name):
            with whole.open("rb") as file:
                yield from _in_zip(file, (name[: -len(whole.suffix) or None],), True)
        elif _NOTEBOOK.search(name):
            above = printable(whole.parent.name)
            yield _from_file(str(whole), (above, name), whole.parent.resolve())
        else:
            raise CourseError(
                f"{printable(str(path))} is no folder, notebook or zip archive."
            )


def _is_clutter(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _in_folder(folder: str, parts: tuple[str, ...], root: Path) -> Iterator[Upload]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        yield Upload((*parts, "?"), problem=f"The folder can't be read: {_why(error)}.")
        return
    inner = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    if any(entry.name == _SUBMITTED for entry in inner):
        entries = [entry for entry in inner if entry.name == _SUBMITTED]
    for entry in entries:
        name = printable(entry.name)
        if _is_clutter(entry.name):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _in_folder(entry.path, (*parts, name), root)
        elif name.lower().endswith(".zip") and entry.is_file(follow_symlinks=False):
            with open(entry.path, "rb") as file:  # noqa: PTH123 - any name of a file
                yield from _in_zip(file, (*parts, name[:-4]), True)
        else:
            yield _from_file(entry.path, (*parts, name), root)


def _from_file(path: str, parts: tuple[str, ...], root: Path) -> Upload:
    if not _NOTEBOOK.search(parts[-1]) and parts[-1] != _TIMES:
        return Upload(parts)
    try:
        if os.path.islink(path):  # noqa: PTH114
            # A learner's archive may hold a link to anything of the instructor's.
            if not Path(path).resolve(strict=True).is_relative_to(root):
                return Upload(parts, problem=f"{_LINK} out of the folder.")
        known = os.stat(path)  # noqa: PTH116
        if stat.S_ISDIR(known.st_mode):
            return Upload(parts, problem=f"{_LINK} to a folder.")
        if not stat.S_ISREG(known.st_mode):
            return Upload(parts, problem="This is a device or a pipe, not a file.")
        with open(path, "rb") as file:  # noqa: PTH123
            data = file.read(LARGEST + 1)
    except (OSError, RuntimeError) as error:  # the latter: links in a circle
        return Upload(parts, problem=f"The file can't be read: {_why(error)}.")
    return _checked(Upload(parts, data, known.st_mtime))


_LINK = "This is a link, and leads"


def _checked(upload: Upload) -> Upload:
    if len(upload.data) <= LARGEST:
        return upload
    problem = (
        f"The file holds more than {LARGEST >> 20} MB: clear the notebook's outputs, "
        "then submit it again."
    )
    return Upload(upload.parts, problem=problem)


def _why(error: Exception) -> str:
    return (getattr(error, "strerror", None) or "a link leads in a circle").lower()


def _in_zip(file: IO[bytes], parts: tuple[str, ...], outer: bool) -> Iterator[Upload]:
    """Yield the files in an archive. Nothing is unpacked: no name leads anywhere."""
    left = _LARGEST_ZIP
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        yield Upload((*parts, "?"), problem="The zip archive is broken.")
        return
    with archive:
        for entry in sorted(archive.infolist(), key=_zip_name):
            names = re.split(r"[/\\]", _zip_name(entry))
            names = [printable(name) for name in names if name not in ("", ".", "..")]
            if entry.is_dir() or not names or any(map(_is_clutter, names)):
                continue
            inside = (*parts, *names)
            is_zip = outer and names[-1].lower().endswith(".zip")
            if not (_NOTEBOOK.search(names[-1]) or is_zip or names[-1] == _TIMES):
                yield Upload(inside)
                continue
            largest = min(left, _LARGEST_INNER_ZIP if is_zip else LARGEST)
            try:
                with archive.open(entry) as stream:  # what the entry says of its size
                    data = stream.read(largest + 1)  # may be a lie
            except Exception as error:  # zlib, passwords, methods, all that is broken
                reason = str(error) or type(error).__name__
                problem = f"It can't be read from the zip archive: {printable(reason)}."
                yield Upload(inside, problem=problem)
                continue
            left -= len(data)
            if left <= 0:
                problem = f"The archive holds more than {_LARGEST_ZIP >> 30} GB."
                yield Upload(inside, problem=problem)
            elif is_zip and len(data) <= largest:
                stem = inside[-1][:-4]
                yield from _in_zip(io.BytesIO(data), (*inside[:-1], stem), False)
            else:
                yield _checked(Upload(inside, data, _zip_time(entry)))


def _zip_name(entry: zipfile.ZipInfo) -> str:
    """Return an entry's name; many programs write UTF-8 and don't say so."""
    if not entry.flag_bits & 0x800:
        with suppress(UnicodeError):
            return entry.filename.encode("cp437").decode("utf-8")
    return entry.filename


def _zip_time(entry: zipfile.ZipInfo) -> float:
    try:
        return datetime(*entry.date_time).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0
