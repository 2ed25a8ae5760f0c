"""How commands name files to people."""

from pathlib import Path


def near(path: Path) -> Path:
    """Return the path from the current folder, where it lies under that.

    >>> near(Path.cwd() / "runs" / "latest").as_posix()
    'runs/latest'
    """
    here = Path.cwd().resolve()
    return path.relative_to(here) if path.is_relative_to(here) else path
