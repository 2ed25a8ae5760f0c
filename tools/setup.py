"""Create or update .venv; every make command does this first, and Windows by hand.

    python tools/setup.py [--requirements FILE] [--constraints FILE]

The environment is .venv, or the folder that COURSE_VENV names. uv installs into it:
the uv on PATH, or one that pip installs there first. What goes wrong is reported in
uv's words, and README.md explains them. Standard library only, in syntax that Python
3.6 can read, so that an old Python can say that it is too old.
"""

import argparse
import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

if sys.version_info < (3, 10):  # noqa: UP036 - the one line for an older Python
    sys.exit(
        "The course needs Python 3.10 or newer and this is {}.{}: install a newer "
        "one and add PYTHON=python3.12 to the command.".format(*sys.version_info)
    )

ROOT = Path(__file__).resolve().parent.parent
# Not sys.executable, which may be in the environment that is being replaced.
BASE = getattr(sys, "_base_executable", sys.executable)
STAMP = "course-stamp.txt"  # what the last complete set-up started from
UNSOLVABLE = 1  # uv's exit code where no versions meet the requirements
STALE = "WARNING: no update (see above); going on with the packages of the last set-up."


def output(*command: str | Path) -> str | None:
    """Return what `command` prints, or None where it fails or does not start."""
    quiet = {"stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    try:
        return subprocess.check_output(command, text=True, timeout=60, **quiet)
    except (OSError, subprocess.SubprocessError):
        return None


def stop(venv: Path, reason: str = "") -> None:
    """End with a message after `reason`, or after what uv has just reported."""
    sys.exit(
        f"{reason}Set-up of {venv} stopped for the reason above; README.md lists "
        "remedies under 'When something is wrong'. The same command goes on from here."
    )


def interpreter(venv: Path) -> Path:
    """Return the path of the Python inside `venv`."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def location(venv: Path) -> str:
    """Return the lines of the stamp that say where the checkout and `venv` are."""
    return f"{ROOT}\n{os.path.realpath(venv)}\n"


def reason_to_replace(venv: Path, stamp: str) -> str | None:
    """Return why the environment at `venv` can't serve, or None where it can."""
    line = "import sys; print(*sys.version_info[:2])"
    text = output(interpreter(venv), "-I", "-S", "-c", line)
    if text is None:
        return "its Python does not start"
    version = tuple(map(int, text.split()))
    if version < (3, 10):
        return "its Python {}.{} is too old".format(*version)
    if "PYTHON" in os.environ and version != sys.version_info[:2]:
        return "it has Python {}.{} and PYTHON asks for another".format(*version)
    if stamp and not stamp.startswith(location(venv)):
        return "the folder was moved since it was made"
    return None


@contextlib.contextmanager
def aside(venv: Path, reason: str) -> Iterator[None]:
    """Keep the environment beside its place until the new one is complete."""
    print(f"Replacing {venv}: {reason}.", flush=True)
    old = venv.with_name(f"{venv.name}.old")
    remove(old)
    venv.rename(old)
    try:
        yield
    except BaseException:
        remove(venv)
        if not os.path.lexists(venv):
            old.rename(venv)
        raise
    remove(old)


def remove(venv: Path) -> None:
    """Delete an environment, and nothing else."""
    if venv.is_symlink():
        venv.unlink()
    elif (venv / "pyvenv.cfg").is_file():
        shutil.rmtree(venv, ignore_errors=True)


def create(venv: Path) -> None:
    """Create an environment without packages at `venv`."""
    print(f"Creating {venv} with Python {sys.version.split()[0]}.", flush=True)
    uv = ["uv", "venv", "--quiet", "--python", BASE]
    pip_comes_later = [BASE, "-m", "venv", "--without-pip"]
    command = uv if output("uv", "--version") else pip_comes_later
    if subprocess.call([*command, str(venv)]):
        stop(venv)


def install(venv: Path, requirements: Path, constraints: Path) -> int:
    """Install the packages into `venv`; return the exit code of what failed, or 0."""
    python = interpreter(venv)
    uv = ["uv"] if output("uv", "--version") else [python, "-m", "uv"]
    if not output(*uv, "--version"):
        pip = [BASE, "-m", "pip", "--python", python]
        if output(*pip, "--version") is None:  # none there, or an old one
            output(python, "-m", "ensurepip")
            pip = [python, "-m", "pip"]
        quiet = ["-q", "--disable-pip-version-check", "--no-input"]
        if subprocess.call([*pip, "install", *quiet, "-c", constraints, "uv"]):
            return -1
    print(f"Installing {requirements.name}; torch is large.", flush=True)
    files = ["-r", requirements, "-c", constraints]
    return subprocess.call([*uv, "pip", "install", "--python", python, *files])


def ensure(venv: Path, requirements: Path, constraints: Path) -> None:
    """Create, replace or update the environment, or do nothing where it is current."""
    present = (venv / "pyvenv.cfg").is_file()
    empty = venv.is_dir() and not any(venv.iterdir())
    if os.path.lexists(venv) and not present and not empty:
        sys.exit(
            f"{venv} is there but is not a Python environment, so it was left alone: "
            "move it away, or set COURSE_VENV to another folder."
        )
    files = [requirements, constraints, ROOT / "pyproject.toml"]
    digest = hashlib.sha256(b"\n".join(file.read_bytes() for file in files))
    current = location(venv) + digest.hexdigest()
    stamp = (venv / STAMP).read_text("utf-8") if (venv / STAMP).is_file() else ""
    reason = reason_to_replace(venv, stamp) if present else None
    if stamp == current and not reason:
        return
    with aside(venv, reason) if reason else contextlib.nullcontext():
        if reason or not present:
            create(venv)
        code = install(venv, requirements, constraints)
        if code:
            usable = stamp and not reason and code != UNSOLVABLE
            if not usable or output(interpreter(venv), "-m", "pip", "check") is None:
                stop(venv)
            print(STALE, file=sys.stderr)
        else:
            (venv / STAMP).write_text(current, encoding="utf-8")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requirements", type=Path, default=ROOT / "requirements.txt")
    parser.add_argument("--constraints", type=Path, default=ROOT / "constraints.txt")
    options = parser.parse_args()
    os.chdir(ROOT)  # where `-e .` counts from
    venv = Path(os.environ.get("COURSE_VENV") or ".venv").expanduser().absolute()
    try:
        ensure(venv, options.requirements, options.constraints)
    except OSError as error:
        stop(venv, f"{error}\n")
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
