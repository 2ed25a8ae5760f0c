"""Attacks on the grader, its machine and other submissions: none has an effect."""

import importlib
import os
import pkgutil
import re
import shutil
import socket
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

import course_utils
from course_utils.exercises import bank
from course_utils.exercises.model import Exercise
from course_utils.grading.confinement import Limits
from course_utils.grading.judge import judge
from tests.grading.attacks import attempt, forged
from tests.grading.lesson import write_lesson

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("bwrap"),
    reason="code is confined by bubblewrap, on Linux",
)
SECRET = "hunter2-7f3a"
PACKAGE = Path(course_utils.__file__).parent
REPOSITORY = PACKAGE.parent
# Exercises that simply call an answer, to hang attacks on.
PLAIN = [
    exercise.name
    for module in pkgutil.iter_modules(bank.__path__)
    for exercise in importlib.import_module(
        f"course_utils.exercises.bank.{module.name}"
    ).EXERCISES
    if exercise.cases and exercise.apply is Exercise.apply and not exercise.forbidden
]
LIMITS = Limits(exercise=6, submission=280, memory=1 << 30, processes=40)

# What an attempt finds, as a pattern: the error that refused it, or nothing there.
NOT_THERE = "refused FileNotFoundError"
ATTEMPTS = {
    "read a key in the home folder": (
        "return open('{home}/.ssh/id_rsa').read()",
        NOT_THERE,
    ),
    "read the environment": (
        "return [v for v in os.environ.values() if '{secret}' in v]",
        r"\[\]",
    ),
    "read the environment of other processes": (
        """
        found = []
        for place in Path('/proc').glob('[0-9]*/environ'):
            try:
                found.append('{secret}' in place.read_text())
            except OSError:
                pass
        return any(found)
        """,
        "False",
    ),
    "read the grader's memory": (
        "return open(f'/proc/{{os.getppid()}}/mem', 'r+b').read(1)",
        "refused PermissionError",
    ),
    "read the lesson and its solutions": (
        "return open('{repository}/notebooks/01_linear_layers.ipynb').read()",
        NOT_THERE,
    ),
    "read the tests": ("return os.listdir('{repository}/tests')", NOT_THERE),
    "read another submission": ("return open('{other}').read()", NOT_THERE),
    "write into another submission": (
        "return open('{other}', 'a').write('x')",
        NOT_THERE,
    ),
    "write into the gradebook": (
        "return open('{gradebook}', 'a').write('x')",
        NOT_THERE,
    ),
    "change course_utils on disk": (
        "return open('{package}/exercises/diagnose.py', 'a').write('x')",
        "refused (OSError|PermissionError)",
    ),
    "put a module beside course_utils": (
        "return open('{repository}/torch.py', 'w').write('x')",
        "refused (OSError|PermissionError)",
    ),
    "write anywhere else": (
        """
        places = []
        for folder in ('/', '/dev', '/dev/shm', '/usr', '/etc', '/root', '/var',
                       '/var/tmp', '/proc', '/proc/sys/kernel', '/home'):
            try:
                open(folder + '/x', 'w')
                places.append(folder)
            except OSError:
                pass
        return places
        """,
        r"\[\]",
    ),
    "leave a startup file for IPython": (
        """
        place = Path('~/.ipython/profile_default/startup/00.py').expanduser()
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text('HACKED = 1')
        return place
        """,
        "/tmp/.ipython",
    ),
    "connect to this machine": (
        "return socket.create_connection(('127.0.0.1', {port}), 2)",
        "refused",
    ),
    "look up a name": (
        "return socket.gethostbyname('localhost.test')",
        "refused gaierror",
    ),
    "use a device of the network": (
        "return [n for _, n in socket.if_nameindex() if n != 'lo']",
        r"\[\]",
    ),
    # Where the tests run as another user, there is no root in the worker's world.
    "become root": ("return os.setuid(0)", "refused (OSError|PermissionError)"),
    "mount a file system": (
        """
        import ctypes
        return ctypes.CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None)
        """,
        "-1",
    ),
    "make a world of users of its own": (
        "import ctypes\nreturn ctypes.CDLL(None).unshare(0x10000000)",
        "-1",
    ),
    "hold memory in a file without a name": ("return os.memfd_create('x')", "refused"),
    "find the reference": (
        """
        from course_utils.exercises.registry import find_exercise
        return find_exercise('linear.affine').reference
        """,
        "refused LookupError",
    ),
    "find the bank among the modules": (
        "return [m for m in sys.modules if 'exercises.bank' in m]",
        r"\[\]",
    ),
    "find the bank on disk": (
        "return [str(p) for p in Path('{package}').glob('exercises/bank/*')]",
        r"\[\]",
    ),
    "find an exercise among all objects": (
        "return sum(type(o).__name__ == 'Exercise' for o in gc.get_objects())",
        "'0'",
    ),
    "find the checker among the frames": (
        """
        frame, names = sys._getframe(), []
        while frame:
            names += [frame.f_code.co_name, *frame.f_locals]
            frame = frame.f_back
        return [n for n in names if n in ('diagnose', 'exercise', 'expected', 'trials')]
        """,
        r"\[\]",
    ),
    "need a lot of memory at once": (
        "return len(bytearray(20 << 30))",
        "refused MemoryError",
    ),
    "share a lot of memory": ("return len(mmap.mmap(-1, 20 << 30))", "refused"),
    "fill the disk": (
        """
        for number in range(1000):
            Path(f'/tmp/{{number}}').write_bytes(bytes(10 << 20))
        """,
        "refused OSError",
    ),
    "slow the others down": (
        """
        done = []
        for slow in (
            lambda: os.setpriority(os.PRIO_USER, os.getuid(), 19),
            lambda: os.sched_setaffinity(os.getppid(), {{0}}),
            lambda: os.sched_setscheduler(
                os.getppid(), os.SCHED_IDLE, os.sched_param(0)
            ),
            lambda: resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (9, 9)),
        ):
            try:
                done.append(slow())
            except PermissionError:
                pass
        return done
        """,
        r"\[\]",
    ),
    "leave a message for others": (
        "import ctypes\nreturn ctypes.CDLL(None).mq_open(b'/x', 0o102, 0o600, None)",
        "-1",
    ),
    "find memory that is shared": (
        "return [m for m in open('/proc/self/maps') if 'rw-s' in m]",
        r"\[\]",
    ),
    "find what its parent has open": (
        """
        places = [os.readlink(p) for p in Path('/proc/self/fd').glob('*')
                  if p.is_symlink()]
        return sorted(p for p in places if p != '/dev/null' and 'proc' not in p)
        """,
        r"\['socket:\[\d+\]'\]",
    ),
    "leave a process behind": (
        "return subprocess.Popen(['sleep', '{sleep}'], start_new_session=True).poll()",
        "None",
    ),
}

FORGERIES = {
    "print a verdict": """
        print('{"application/vnd.course.check+json": {"state": "correct"}}')
        """,
    "write replies to every descriptor": r"""
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, b'{"verdict": "correct", "value": true}\n')
            except OSError:
                pass
        """,
    "send no JSON": """
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, b"[" * 200_000 + b"\\n")
            except OSError:
                pass
        """,
    "patch what compares": """
        torch.allclose = torch.equal = torch.isclose = lambda *a, **k: True
        torch.Tensor.__eq__ = lambda *a: True
        torch.testing.assert_close = lambda *a, **k: None
        """,
    "patch the course": """
        import course_utils.exercises.compare as compare
        import course_utils.exercises.diagnose as diagnose
        compare.difference = diagnose.difference = lambda *a: None
        """,
    "return a tensor that equals all": """
        class Liar(torch.Tensor):
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                return True
        return torch.full((1,), 0.123).as_subclass(Liar)
        """,
    "return a number that equals all": """
        class Liar(int):
            __eq__ = __ge__ = __le__ = lambda self, other: True
            __hash__ = int.__hash__
        return Liar(123_456_789)
        """,
    "return what runs when it is unpickled": """
        class Trap:
            def __reduce__(self):
                return os.system, ('touch /tmp/trapped-by-a-pickle',)
        return Trap()
        """,
    "return what runs when it is shown": """
        class Trap:
            def __repr__(self):
                os._exit(0)
        return Trap()
        """,
    "return more than anybody wants": "return torch.zeros(30_000_000)",
    "return a list without an end": """
        items = []
        items.append(items)
        return items
        """,
    "exit": "exit()",
    "exit at once": "os._exit(0)",
    "end all processes": "os.kill(-1, signal.SIGKILL)",
    "end its parent": """
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
        """,
    "stop its parent": "os.kill(os.getppid(), signal.SIGSTOP)",
    "never end": "while True: pass",
    "never end, whatever is raised": """
        while True:
            try:
                time.sleep(1)
            except BaseException:
                pass
        """,
    "print without an end": "while True: print('x' * 1000)",
    "fork without an end": "while True: os.fork()",
    "take memory in many processes": """
        for _ in range(20):
            if not os.fork():
                data = bytearray(900 << 20)
                while True: pass
        time.sleep(60)
        """,
}


class World:
    """What there is to attack."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        (self.home / ".ssh").mkdir(parents=True)
        (self.home / ".ssh" / "id_rsa").write_text(SECRET)
        self.other = folder / "submissions" / "other.ipynb"
        self.other.parent.mkdir()
        self.other.write_text(SECRET)
        self.gradebook = folder / "grades.csv"
        self.gradebook.write_text(SECRET)
        self.sleep = f"31{os.getpid()}"
        self.server = socket.create_server(("127.0.0.1", 0))
        self.connected: list[object] = []
        threading.Thread(target=self._accept, daemon=True).start()
        self.package_state = self.state_of_package()
        self.children = self.children_of_tests()

    def _accept(self) -> None:
        while True:
            try:
                self.connected.append(self.server.accept())
            except OSError:
                return

    def state_of_package(self) -> dict[str, int]:
        files = PACKAGE.rglob("*.py")
        return {str(file): file.stat().st_mtime_ns for file in files}

    @staticmethod
    def children_of_tests() -> set[psutil.Process]:
        return set(psutil.Process().children(recursive=True))

    def fill(self, code: str) -> str:
        return code.format(
            home=self.home,
            secret=SECRET,
            repository=REPOSITORY,
            package=PACKAGE,
            other=self.other,
            gradebook=self.gradebook,
            port=self.server.getsockname()[1],
            sleep=self.sleep,
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("world"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(world.home))
        patch.setenv("GITHUB_TOKEN", SECRET)
        yield world
    world.server.close()


def run(folder, cells):
    """Judge cells, each on an exercise of its own; return the marks by title."""
    names = dict(zip(cells, PLAIN, strict=False))
    assert len(names) == len(cells)
    lesson = write_lesson(folder / "lesson.ipynb", names.values())
    submitted = {names[title]: cell for title, cell in cells.items()}
    marks = judge(submitted, lesson, limits=LIMITS)
    return dict(zip(cells, marks, strict=True))


@pytest.fixture(scope="module")
def attempts(world, tmp_path_factory):
    cells = {t: attempt(world.fill(code)) for t, (code, _) in ATTEMPTS.items()}
    return run(tmp_path_factory.mktemp("attempts"), cells)


@pytest.fixture(scope="module")
def forgeries(world, tmp_path_factory):
    cells = {title: forged(code) for title, code in FORGERIES.items()}
    return run(tmp_path_factory.mktemp("forgeries"), cells)


@pytest.mark.parametrize("title", ATTEMPTS)
def test_attempt_finds_nothing(attempts, title):
    mark = attempts[title]
    told = " ".join((*mark.verdict.messages, mark.verdict.case))
    assert mark.verdict.state == "wrong", told
    assert re.search(ATTEMPTS[title][1], told), told
    assert SECRET not in told


@pytest.mark.parametrize("title", FORGERIES)
def test_forgery_is_not_correct(forgeries, title):
    assert forgeries[title].verdict.state in ("wrong", "error")


def test_nothing_outside_is_changed(world, attempts, forgeries):
    assert not (world.home / ".ipython").exists()
    secrets = [world.home / ".ssh" / "id_rsa", world.other, world.gradebook]
    assert {path.read_text() for path in secrets} == {SECRET}
    assert world.state_of_package() == world.package_state
    assert not Path("/tmp/trapped-by-a-pickle").exists()
    assert not world.connected


def test_no_process_is_left(world, attempts, forgeries):
    time.sleep(0.2)
    assert world.children_of_tests() <= world.children
    commands = [p.info["cmdline"] or [] for p in psutil.process_iter(["cmdline"])]
    assert not [c for c in commands if world.sleep in c]


@pytest.mark.parametrize(
    ("title", "fault"),
    [
        ("never end", "out of time"),
        ("never end, whatever is raised", "out of time"),
        ("print without an end", "out of time"),
        ("exit at once", "its process ended"),
        ("end its parent", "it ended the process that runs it"),
        ("return more than anybody wants", "it returned too much data"),
        ("send no JSON", "it sent data that can't be read"),
    ],
)
def test_why_the_code_was_ended_is_told(forgeries, title, fault):
    assert forgeries[title].fault == fault


def test_each_exercise_breaks_for_itself_alone(tmp_path):
    right = "def answer(x):\n    return x.mean(dim=0)"
    bad = forged(FORGERIES["end its parent"])
    lesson = write_lesson(tmp_path / "l.ipynb", ["linear.count", "start.means"])
    marks = judge({"linear.count": bad, "start.means": right}, lesson, limits=LIMITS)
    assert [mark.verdict.state for mark in marks] == ["error", "correct"]
