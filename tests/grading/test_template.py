"""One process for many submissions: none sees what another one did."""

import re
import shutil
import sys

import pytest

from course_utils.grading import sandbox as sandboxes
from course_utils.grading import template as templates
from course_utils.grading.confinement import Limits
from course_utils.grading.judge import judge
from course_utils.grading.template import Template
from tests.grading.attacks import attempt
from tests.grading.lesson import write_lesson

confined = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("bwrap"),
    reason="code is confined by bubblewrap, on Linux",
)
RIGHT = "def answer(x):\n    return x.mean(dim=0)"
LOOK = attempt("""
found = [str(p) for p in Path('/tmp').rglob('*')]
processes = [p.name for p in Path('/proc').glob('[0-9]*')]
mode = oct(os.stat('/tmp').st_mode)[-4:]
return sorted(found), len(processes), mode, os.listxattr('/tmp')
""")
EMPTY = r"\(\[\], 3, '1777', \[\]\)"


@pytest.fixture
def started(monkeypatch):
    """Return a list that gets every sandbox that is started."""
    found = []

    class Sandbox(templates.Sandbox):
        def __init__(self, *args):
            super().__init__(*args)
            found.append(self)

    monkeypatch.setattr(templates, "Sandbox", Sandbox)
    return found


@pytest.fixture
def lesson(tmp_path):
    return write_lesson(tmp_path / "lesson.ipynb", ["start.means"])


LEAVES = {
    "a file": "Path('/tmp/x').write_text('x')",
    "a link": "os.symlink('/usr', '/tmp/x')",
    "a pipe": "os.mkfifo('/tmp/x')",
    "folders": "os.makedirs('/tmp/x/y')\nPath('/tmp/x/y/z').write_text('x')",
    "a process": "subprocess.Popen(['sleep', '60'], start_new_session=True)",
    "a process of nobody": """
        if not os.fork():
            os.setsid()
            if not os.fork():
                time.sleep(60)
            os._exit(0)
        """,
    "no room": """
        try:
            Path('/tmp/x').write_bytes(bytes(65 << 20))
        except OSError:
            pass
        """,
}
# After these the process is given up.
HARMS = {
    "a folder that nobody may read": "os.makedirs('/tmp/x/y')\nos.chmod('/tmp/x', 0)",
    "folders without an end": """
        for _ in range(3_000):
            os.mkdir('x')
            os.chdir('x')
        """,
    "a parent that stands still": "os.kill(os.getppid(), signal.SIGSTOP)",
    "no parent": "os.kill(os.getppid(), signal.SIGKILL)",
}


@confined
def test_what_a_submission_leaves_is_not_there_for_the_next(started, lesson):
    starts, found = {}, {}
    with Template(Limits(exercise=30), modules=()) as template:
        for title, code in (LEAVES | HARMS).items():
            judge({"start.means": attempt(code)}, lesson, template=template)
            (mark,) = judge({"start.means": LOOK}, lesson, template=template)
            found[title] = " ".join((*mark.verdict.messages, mark.verdict.case))
            starts[title] = len(started)
    assert [told for told in found.items() if not re.search(EMPTY, told[1])] == []
    wanted = [1] * len(LEAVES) + list(range(2, len(HARMS) + 2))
    assert starts == dict(zip(LEAVES | HARMS, wanted, strict=True))
    assert not any(sandbox.alive for sandbox in started)


FOLDER = ["os.chmod('/tmp', 0o700)", "os.setxattr('/tmp', 'user.x', b'x')"]


@confined
@pytest.mark.parametrize("user", ["another user", "the same user"])
def test_folder_itself_is_as_it_was(monkeypatch, lesson, user):
    if user == "the same user":  # as it is where root doesn't grade
        monkeypatch.setattr(sandboxes, "user_inside", lambda: 0)
    with Template(modules=()) as template:
        for code in FOLDER:  # refused, or another process is started
            judge({"start.means": attempt(code)}, lesson, template=template)
            (mark,) = judge({"start.means": LOOK}, lesson, template=template)
            told = " ".join((*mark.verdict.messages, mark.verdict.case))
            assert re.search(EMPTY, told), told


@confined
def test_no_module_is_changed_for_the_next(started, lesson):
    spoiled = f"torch.Tensor.mean = len\nsys.modules['torch'] = None\n{RIGHT}"
    with Template(modules=()) as template:
        marks = [
            judge({"start.means": cell}, lesson, template=template)[0]
            for cell in (RIGHT, spoiled, RIGHT)
        ]
    states = [mark.verdict.state for mark in marks]
    assert states == ["correct", "wrong", "correct"]
    assert len(started) == 1


def test_without_confinement_each_submission_gets_its_own(started, lesson):
    with Template(unconfined=True, modules=()) as template:
        for _ in range(2):
            (mark,) = judge({"start.means": RIGHT}, lesson, template=template)
            assert mark.verdict.state == "correct"
    assert len(started) == 2


def test_limits_are_those_of_the_template(started, lesson):
    with Template(Limits(exercise=0.5), unconfined=True, modules=()) as template:
        (mark,) = judge({"start.means": "while True: pass"}, lesson, template=template)
    assert mark.fault == "out of time"
