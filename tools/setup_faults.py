"""What can go wrong while the environment is made, each in a sentence that helps."""

import errno
import importlib.util
import re
import shutil
import subprocess

OLDEST = (3, 10)
NEWER = [f"python3.{minor}" for minor in (13, 12, 11, 14, 10)]
LOG_LINES = 12  # of pip's own words, above the sentence
FULL = 2**24  # bytes: with less room than this a disk counts as full

NO_NETWORK = (
    r"NewConnectionError|ConnectionError|Temporary failure in name resolution|"
    r"Name or service not known|nodename nor servname|getaddrinfo failed|"
    r"Network is unreachable|ConnectTimeout|ReadTimeout|Connection broken|ProxyError"
)
DISK_FULL = r"No space left on device|Disk quota exceeded|not enough space on the disk"
READ_ONLY = r"Read-only file system|Permission denied|Access is denied"
NO_WHEEL = r"No matching distribution found for ([\w.\-]+)"


class SetupFault(Exception):
    """A set-up that can't go on; the message says why and what to do."""

    def __init__(self, message, offline=False):
        super().__init__(message)
        self.offline = offline


def _newer_python():
    """Return the name of a newer Python that starts here, or None."""
    for name in NEWER:
        if shutil.which(name):
            # A shim may stand there and start nothing.
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            if subprocess.call([name, "-c", "import ensurepip"], **quiet) == 0:
                return name
    return None


def explain_python(version):
    """Raise SetupFault if this Python is too old or can't make environments."""
    here = "{}.{}".format(*version[:2])
    if tuple(version[:2]) < OLDEST:
        newer = _newer_python()
        raise SetupFault(
            "The course needs Python 3.10 or newer and this is {}: {}.".format(
                here,
                f"add PYTHON={newer} to the command"
                if newer
                else "install a newer one from https://www.python.org and add "
                "PYTHON=python3.12 to the command",
            )
        )
    if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        raise SetupFault(
            f"This Python {here} can't make environments: install its venv module "
            f"(Debian, Ubuntu: sudo apt install python{here}-venv) and run the same "
            "command again."
        )


def _read_only(venv):
    return SetupFault(
        f"{venv} can't be written: set COURSE_VENV to a folder that can, for example "
        "COURSE_VENV=~/.course-venv."
    )


def _disk_full(venv):
    return SetupFault(
        f"The disk is full: make about 8 GB free, or set COURSE_VENV (now {venv}) and "
        "TMPDIR to folders on a larger disk, and run the same command again."
    )


def explain_os(error, venv):
    """Return the SetupFault for an OSError met while working on `venv`."""
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return _read_only(venv)
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return _disk_full(venv)
    return SetupFault(f"Setting up {venv} stopped: {error}.")


def _no_room(venv):
    """Return whether the disk of `venv` is full; venv itself does not say so."""
    try:
        return shutil.disk_usage(str(venv)).free < FULL
    except OSError:
        return False


def explain_pip(output, venv, action):
    """Return the SetupFault for what pip or venv wrote before it failed."""
    if re.search(DISK_FULL, output, re.IGNORECASE) or _no_room(venv):
        return _disk_full(venv)
    if re.search(NO_NETWORK, output):
        return SetupFault(
            "No network: the first set-up downloads its packages, so connect and run "
            "the same command again; afterwards the course works offline.",
            offline=True,
        )
    missing = re.search(NO_WHEEL, output)
    if missing:
        return SetupFault(
            f"There is no {missing.group(1)} for this Python on this system: add "
            "PYTHON=python3.12 to the command (3.10 to 3.14 are supported)."
        )
    if re.search(READ_ONLY, output):
        return _read_only(venv)
    tail = "\n".join(output.strip().splitlines()[-LOG_LINES:])
    return SetupFault(
        f"{tail}\nSetting up {venv} failed while {action}; pip's words are above."
    )
