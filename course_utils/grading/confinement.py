"""Confinement of code that nobody trusts: a process that can reach next to nothing."""

import functools
import os
import platform
import resource
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.grading.system_calls import is_known, open_filter

_PACKAGE = Path(__file__).parents[1]
# What an answer is compared with, or measured by: not to be seen where answers run.
_HIDDEN = (_PACKAGE / "exercises" / "bank", _PACKAGE / "labs" / "bank")
# The reference text of every Python here, and manuals: a lab holds parts of it out.
_TEXT = "pydoc_data"
_TEXT_PLACES = (_TEXT, *(f"{p}python*/{_TEXT}" for p in ("", "lib*/", "local/lib*/")))
_MANUALS = Path("/usr/share/doc")
# `data.sketches.FOLDERS`, which torch would come with: in a checkout, in a wheel.
_SKETCHES = _PACKAGE.parent / "data" / "sketch"
_SKETCHES_WITHIN = _PACKAGE / "data" / "_sketch"
_SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/etc/ld.so.cache")
_IN_PREFIX = ("bin", "lib", "lib64", "pyvenv.cfg")
_LEAST_VERSION = "0.6"
# Counts its processes apart from those of anybody else; no system gives such a number
# to a user.
_FIRST_USER = 2_000_000_000


@dataclass(frozen=True)
class Limits:
    """What the code of a submission may use.

    >>> Limits(exercise=5).exercise
    5

    Attributes:
        exercise: seconds for one exercise, with all that its cells compute.
        submission: seconds for all exercises together; the start does not count.
        memory: bytes, for one process beside the start, and for all in sum.
        processes: how many may run at once, threads among them.
        disk: bytes in the temporary folder.
        returned: bytes of all results of one exercise, and of what it gives to the
            functions that the check handed over.
        calls: how often one exercise may call those.
    """

    exercise: float = 10.0
    submission: float = 60.0
    memory: int = 2 << 30
    processes: int = 64
    disk: int = 64 << 20
    returned: int = 32 << 20
    calls: int = 10_000


@dataclass(frozen=True)
class Confinement:
    """How a process is confined on this machine.

    Attributes:
        program: the path of bubblewrap's `bwrap`.
        sketches: whether the sketches can be read there. Networks of an exercise may
            train on them; a recipe of a lab learns from what it is given alone.
    """

    program: str
    sketches: bool = True

    def command(
        self, command: list[str], limits: Limits, user: int, calls: int
    ) -> list[str]:
        """Return the command that runs another one confined.

        Args:
            command: what to run, with this Python.
            limits: the size of its temporary folder is taken from here.
            user: see `user_inside`.
            calls: an open descriptor; see `system_calls.open_filter`.
        """
        own_users = ["--unshare-user"] if not user else ["--cap-add", "CAP_SETUID"]
        if user:  # the worker changes its user itself, then has none of these
            own_users += ["--cap-add", "CAP_SETGID"]
        return [
            *(self.program, "--unshare-ipc", "--unshare-pid", "--unshare-net"),
            *("--unshare-uts", "--unshare-cgroup-try", "--die-with-parent"),
            *("--new-session", "--clearenv", "--cap-drop", "ALL", *own_users),
            *_bound([*_readable(self.sketches), str(_PACKAGE)]),
            *(p for place in _hidden(self.sketches) for p in _emptied(str(place))),
            *("--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"),
            *("--perms", "1777", "--size", str(limits.disk), "--tmpfs", "/tmp"),
            *("--remount-ro", "/", "--chdir", "/", "--seccomp", str(calls)),
            *(part for n, v in environment().items() for part in ("--setenv", n, v)),
            *("--", *command),
        ]


def find_confinement() -> Confinement:
    """Return how this machine confines the code of submissions.

    Raises:
        CourseError: it can't; the message says what is missing.

    >>> find_confinement().program if sys.platform == "linux" else ""  # doctest: +SKIP
    '/usr/bin/bwrap'
    """
    without = (
        "Grading runs other people's code, and confines it with bubblewrap on Linux. "
    )
    instead = (
        " Use the course's container, or grade with --unconfined where you trust "
        "every submission: it can then read and change all that you can."
    )
    if sys.platform != "linux":
        raise CourseError(f"{without}This is {platform.system()}.{instead}")
    program = shutil.which("bwrap")
    if program is None:
        raise CourseError(
            f"{without}There is no `bwrap` here: install the package bubblewrap "
            f"(apt install bubblewrap).{instead}"
        )
    if reason := _fault(program):
        raise CourseError(f"{without}`bwrap` does not work here: {reason}.{instead}")
    if hidden := [p for p in [*_readable(), str(_PACKAGE)] if _within(p, ["/tmp"])]:
        raise CourseError(
            f"{hidden[0]} lies in /tmp, of which submissions have one of their own: "
            "move the course and its environment to another folder."
        )
    return Confinement(program)


@functools.lru_cache(maxsize=4)
def _fault(program: str) -> str:
    """Say why bubblewrap can't be used; "" if it can."""
    helped = subprocess.run(
        [program, "--help"], capture_output=True, text=True, timeout=30, check=False
    )
    if "--size" not in helped.stdout + helped.stderr:
        return f"it is too old, {_LEAST_VERSION} or newer is needed"
    if not is_known():
        return f"no filter of system calls is known for {platform.machine()}"
    calls = open_filter()
    confined = Confinement(program).command(["true"], Limits(), user_inside(), calls)
    tried = subprocess.run(
        confined,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        pass_fds=[calls],
    )
    os.close(calls)
    return "" if tried.returncode == 0 else tried.stderr.strip().rstrip(".")


def user_inside() -> int:
    """Return the user that a worker becomes; 0 if it stays who it is.

    Root's processes are counted against no limit, so root needs another user.
    """
    return 0 if os.geteuid() else _FIRST_USER + os.getpid() % 1_000_000


def environment() -> dict[str, str]:
    """Return all variables of a worker: none of them is a secret."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": "/tmp",
        "TMPDIR": "/tmp",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(_PACKAGE.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONSAFEPATH": "1",
        "COURSE_DEVICE": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        # What training frees is kept for its next step, not asked of the kernel again.
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
        "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": "/tmp",
    }


def resource_limits(limits: Limits) -> dict[int, int]:
    """Return the limits that the system keeps for each process, by their numbers."""
    return {
        resource.RLIMIT_AS: limits.memory,
        resource.RLIMIT_NPROC: limits.processes,
        resource.RLIMIT_FSIZE: limits.disk,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: int(limits.submission) + 1,
    }


def _bound(paths: list[str]) -> list[str]:
    """Return the options that show these paths, and can be read by every user."""
    above = sorted({str(parent) for path in paths for parent in Path(path).parents})
    own = [folder for folder in above if not _within(folder, paths)]
    options = [part for f in own[1:] for part in ("--perms", "0755", "--dir", f)]
    return [*options, *(part for path in paths for part in ("--ro-bind", path, path))]


def _emptied(place: str) -> tuple[str, ...]:
    """Return the options that show a folder as empty."""
    return "--tmpfs", place, "--remount-ro", place


def _hidden(sketches: bool = True) -> list[Path]:
    """Return the folders that are shown as empty."""
    tops = map(Path, _readable(sketches))
    texts = {text for top in tops for place in _TEXT_PLACES for text in top.glob(place)}
    more = texts | {_MANUALS} | ({_SKETCHES_WITHIN} if not sketches else set())
    return [*_HIDDEN, *sorted(folder for folder in more if folder.is_dir())]


def _within(path: str, folders: list[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _readable(sketches: bool = True) -> list[str]:
    """Return the folders that Python and its packages are in, and the sketches."""
    # A prefix itself may be the folder of a project, with all that is in it.
    prefixes = {sys.base_prefix, sys.exec_prefix, sys.prefix}
    paths = [*_SYSTEM, *(f"{p}/{part}" for p in prefixes for part in _IN_PREFIX)]
    paths += [sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")]
    paths += [str(_SKETCHES)] * sketches
    found = sorted({path for path in paths if Path(path).exists()})
    # What lies in another one of them is there already.
    return [
        p for p in found if not _within(p, [other for other in found if other != p])
    ]
