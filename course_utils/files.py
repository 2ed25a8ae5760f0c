"""Files that are whole or absent: written beside their place, then renamed."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SUFFIX = ".partial"

# What this process removes at its end, and whether it has given up writing.
_unfinished: set[Path] = set()
_given_up = False


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; after the block it replaces `path`.

    If the block raises, `path` stays as it was. In both cases nothing is left beside
    it, unless the process is killed: then a hidden file that ends in `.partial`.

    Raises:
        OSError: `path` can't be replaced.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with replacing(Path(folder, "words.txt")) as beside:
        ...         _ = beside.write_text("layer by layer")
        ...     [path.name for path in Path(folder).iterdir()]
        ['words.txt']
    """
    # By process, because two of them may write the same file at the same time.
    beside = path.with_name(f".{path.name}.{os.getpid()}{SUFFIX}")
    if _given_up:
        raise OSError(f"{path} is not written: this process is ending.")
    _unfinished.add(beside)
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
        _unfinished.discard(beside)


def give_up() -> None:
    """Remove what this process is writing for a time, and let it write no more.

    For a thread that is about to end the process.
    """
    global _given_up
    _given_up = True
    for path in list(_unfinished):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def passing_folder(prefix: str) -> Iterator[Path]:
    """Yield a new folder for this user alone, in the place for temporary files.

    It is removed after the block, and when this process gives up.

    Raises:
        OSError: it can't be made.

    Example:
        >>> with passing_folder("course-") as folder:
        ...     folder.is_dir()
        True
        >>> folder.exists()
        False
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    _unfinished.add(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _unfinished.discard(folder)


def write_whole(path: Path, content: str | bytes) -> None:
    r"""Write `content` to `path` at once: no reader ever sees half of it.

    Text is written as UTF-8, with the newlines that it has.

    Raises:
        OSError: the file can't be written; `path` is then as it was before.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "words.txt")
        ...     write_whole(path, "ωords\n")
        ...     path.read_bytes()
        b'\xcf\x89ords\n'
    """
    with replacing(path) as beside:
        beside.write_bytes(
            content.encode("utf-8") if isinstance(content, str) else content
        )
