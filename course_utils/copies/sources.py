"""Where the course's settings of JupyterLab lie."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
# in a wheel, in a checkout
JUPYTER = (_PACKAGE / "_jupyter", _PACKAGE.parent / "tools" / "jupyter")


def lab_settings() -> Path | None:
    """Return the file of JupyterLab's settings for lessons; None without one.

    Example:
        >>> lab_settings().name
        'lab.py'
    """
    files = (folder / "lab.py" for folder in JUPYTER)
    return next((file for file in files if file.is_file()), None)
