"""Make the course's environment: once, and again only when its packages change.

    python tools/bootstrap.py [--requirements FILE] [--constraints FILE]

The environment is .venv, or the folder that COURSE_VENV names. Standard library
only, in syntax that Python 3.6 still reads, so that an old Python can say that it
is too old. With PYTHON set, an environment of another Python is made anew.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from setup_faults import SetupFault, explain_os, explain_pip, explain_python
from setup_state import (
    ROOT,
    STAMP,
    fingerprint,
    interpreter,
    read_stamp,
    reason_to_replace,
    run_quietly,
)

LOG = "course-setup.log"
PIP = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
# Without a network pip gives up in seconds and not in two minutes.
PATIENCE = {"PIP_RETRIES": "3", "PIP_DEFAULT_TIMEOUT": "15"}


def create(venv):
    """Make an empty environment at `venv`, a folder that is missing or empty."""
    explain_python(sys.version_info)
    venv.mkdir(parents=True, exist_ok=True)
    print(f"Making {venv} with Python {sys.version.split()[0]}.", flush=True)
    command = [sys.executable, "-m", "venv", str(venv)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise explain_pip(done.stdout.decode(errors="replace"), venv, "making it")


def install(venv, requirements, constraints):
    """Install the packages into `venv`; pip's own words go to a log inside it."""
    python = str(interpreter(venv))
    if run_quietly(python, "-m", "pip", "--version") is None:
        run_quietly(python, "-m", "ensurepip", "--upgrade")
    print(
        f"Installing {requirements.name}; torch is large, so the first time takes "
        f"minutes. Details: {venv / LOG}",
        flush=True,
    )
    command = [python, *PIP, "-r", str(requirements), "-c", str(constraints)]
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    environ = {**PATIENCE, **os.environ}
    with (venv / LOG).open("w", encoding="utf-8") as log:
        pip = subprocess.Popen(command, cwd=str(ROOT), env=environ, **piped)
        for raw in pip.stdout:
            line = raw.decode(errors="replace")
            log.write(line)
            if sys.stdout.isatty():
                print("\r\033[K  " + line.strip()[:70], end="\r", flush=True)
    if sys.stdout.isatty():
        print("\033[K", end="", flush=True)
    if pip.wait():
        text = (venv / LOG).read_text(encoding="utf-8")
        raise explain_pip(text, venv, "installing the packages")


def remove(venv):
    """Delete an environment, and nothing that is not one."""
    if venv.is_symlink():
        venv.unlink()
    elif (venv / "pyvenv.cfg").is_file():
        shutil.rmtree(str(venv), ignore_errors=True)


def replace(venv, reason, build):
    """Make `venv` anew with `build()`; the old one stays beside until that is done."""
    print(f"The environment {venv} is made anew: {reason}.", flush=True)
    aside = venv.with_name(f"{venv.name}.old-{os.getpid()}")
    venv.rename(aside)
    try:
        build()
    except BaseException:
        remove(venv)
        if not venv.exists():
            aside.rename(venv)
        raise
    remove(aside)


def ensure(venv, requirements, constraints):
    """Bring the environment at `venv` up to the requirements; do nothing if it is."""
    wanted = fingerprint(venv, [requirements, constraints, ROOT / "pyproject.toml"])
    empty = venv.is_dir() and not any(venv.iterdir())
    present = os.path.lexists(str(venv)) and not empty
    if present and not (venv / "pyvenv.cfg").is_file():
        raise SetupFault(
            f"{venv} is there but is not a Python environment, so it was left alone: "
            "move it away, or set COURSE_VENV to another folder."
        )
    stamp = read_stamp(venv)
    reason = reason_to_replace(venv, stamp) if present else None
    if stamp == wanted and not reason:
        return
    started = time.time()

    def build():
        create(venv)
        install(venv, requirements, constraints)

    try:
        if reason:
            replace(venv, reason, build)
        elif present:
            install(venv, requirements, constraints)
        else:
            build()
    except SetupFault as fault:
        if not (fault.offline and stamp and not reason):
            raise
        print("No network: going on with the packages of the last set-up.")
        return
    (venv / STAMP).write_text(wanted, encoding="utf-8")
    print(f"Ready after {time.time() - started:.0f} s.", flush=True)


def main(arguments=None):
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requirements", type=Path, default=ROOT / "requirements.txt")
    parser.add_argument("--constraints", type=Path, default=ROOT / "constraints.txt")
    options = parser.parse_args(arguments)
    venv = Path(os.environ.get("COURSE_VENV") or ROOT / ".venv").expanduser().absolute()
    try:
        ensure(venv, options.requirements.absolute(), options.constraints.absolute())
    except (SetupFault, OSError) as error:
        fault = explain_os(error, venv) if isinstance(error, OSError) else error
        print(fault, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
