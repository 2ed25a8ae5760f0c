"""JupyterLab on a learner's folder, set as the course sets it."""

import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from course_utils.copies.sources import lab_settings


def lab_command(folder: Path, first: str, *, browser: bool = True) -> list[str]:
    """Return the command that opens JupyterLab on a lesson.

    Args:
        folder: the learner's, which JupyterLab shows.
        first: the file to open in it.
        browser: open it in a browser; without, JupyterLab prints the address alone.

    Example:
        >>> lab_command(Path("mine"), "00_start_here.ipynb")[1:3]
        ['-m', 'jupyterlab']
    """
    command = [sys.executable, "-m", "jupyterlab"]
    if settings := lab_settings():
        command.append(f"--config={settings}")
    command.append(f"--ServerApp.root_dir={folder.resolve()}")
    command.append(f"--LabApp.default_url=/lab/tree/{first}")
    return command if browser else [*command, "--no-browser"]


def run_until_closed(command: Sequence[str]) -> int:
    """Run a command in this terminal until it ends; return its exit code.

    Ctrl-C is the command's: JupyterLab asks whether to end, and may go on.

    Example:
        >>> run_until_closed([sys.executable, "-c", "raise SystemExit(3)"])
        3
    """
    process = subprocess.Popen(command)
    while process.poll() is None:
        with suppress(KeyboardInterrupt):
            process.wait()
    return process.returncode
