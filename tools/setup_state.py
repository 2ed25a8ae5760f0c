"""What environment is there, and whether it can serve."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from setup_faults import OLDEST

ROOT = Path(__file__).resolve().parent.parent
STAMP = "course-stamp.txt"
HASHED = ("[build-system", "[project", "[tool.hatch")  # sections that pip acts on


def interpreter(venv):
    """Return the path of the Python inside `venv`."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def run_quietly(python, *arguments):
    """Return the output of `python`, or None where it fails or does not start."""
    try:
        done = subprocess.run(
            [str(python), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode().strip() if done.returncode == 0 else None


def python_version(python):
    """Return (major, minor) of the Python at that path, or None if it is broken."""
    line = "import sys; print(*sys.version_info[:2])"
    text = run_quietly(python, "-I", "-S", "-c", line)
    return tuple(int(part) for part in text.split()) if text else None


def fingerprint(venv, files):
    """Return what the environment stands on: its place and what pip was given."""
    digest = hashlib.sha256()
    for file in files:
        kept = file.suffix != ".toml"
        for line in file.read_text(encoding="utf-8").splitlines():
            if file.suffix == ".toml" and line.startswith("["):
                kept = line.startswith(HASHED)
            if kept and line.strip() and not line.startswith("#"):
                digest.update(line.encode() + b"\n")
    return f"{ROOT}\n{os.path.realpath(str(venv))}\n{digest.hexdigest()}\n"


def read_stamp(venv):
    """Return what the last complete set-up left in `venv`, or an empty string."""
    try:
        return (venv / STAMP).read_text(encoding="utf-8")
    except OSError:
        return ""


def reason_to_replace(venv, stamp):
    """Return why the environment at `venv` can't serve, or None where it can."""
    version = python_version(interpreter(venv))
    if version is None:
        return "its Python does not start"
    if version < OLDEST:
        return "its Python {}.{} is too old".format(*version)
    if "PYTHON" in os.environ and version != sys.version_info[:2]:
        return "it has Python {}.{} and PYTHON asks for another".format(*version)
    if stamp and stamp.splitlines()[:2] != [str(ROOT), os.path.realpath(str(venv))]:
        return "the folder was moved since it was made"
    return None
