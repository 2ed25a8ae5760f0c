"""The learner's diary: what it keeps, and that no lesson depends on it."""

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

from course_utils import ask, check, diary, setup
from course_utils.diary import REACHED, SOLVED, Entry
from tests.lessons import LESSONS, read


def today() -> str:
    return date.today().isoformat()


AFFINE = Entry("01", SOLVED, "linear.affine", "2026-11-28")


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Return where the diary of this test lies; it is not there yet."""
    path = tmp_path / "data" / "progress.jsonl"
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    monkeypatch.setattr(diary, "_noted", set())
    monkeypatch.setattr(diary, "_complained", False)
    return path


@pytest.fixture
def reader(monkeypatch):
    """Have a person run the cells, of lesson 01."""
    monkeypatch.setattr(diary, "reader_present", lambda: True)
    monkeypatch.setenv(
        "JPY_SESSION_NAME", "/home/ada/my-lessons/01_linear_layers.ipynb"
    )


def put_question() -> None:
    ask("Which?", ["`a`", "`b`"], answer=0, why="It is.")


def test_lessons_are_those_of_the_notebooks():
    last = [read(path).cells for path in LESSONS]
    calls = [
        next(c.source for c in reversed(cells) if c.cell_type == "code")
        for cells in last
    ]
    assert calls == [f'progress("{lesson}")' for lesson in diary.LESSONS]
    assert [path.name[:2] for path in LESSONS] == [*map(diary.number, diary.LESSONS)]


def test_what_is_solved_and_reached_is_noted_once_a_day(file, reader, displayed):
    for _ in range(2):
        check("linear.affine", lambda x, weight, bias: x @ weight.T + bias)
        check("linear.count", lambda widths, bias: 0)  # wrong
        put_question()
    solved, reached = diary.read()
    assert solved == ("01", SOLVED, "linear.affine", today())
    assert reached[:2] + reached[3:] == ("01", REACHED, today())
    assert f'name="{reached.name}"' in displayed[-1][0]["text/html"]


@pytest.mark.parametrize("name", ["repair_shop.ipynb", "99_mine.ipynb", "01.ipynb", ""])
def test_prediction_outside_of_the_lessons_is_not_noted(
    name, file, reader, displayed, monkeypatch
):
    monkeypatch.setenv("JPY_SESSION_NAME", name)
    put_question()
    assert not file.exists()


def test_batch_notes_nothing_and_shows_nothing(file, displayed, capsys, monkeypatch):
    diary.append(AFFINE)
    monkeypatch.setenv("JPY_SESSION_NAME", "01_linear_layers.ipynb")
    before = file.read_bytes()
    check("linear.affine", lambda x, weight, bias: x @ weight.T + bias)
    put_question()
    setup("cpu")
    assert file.read_bytes() == before
    assert diary.recall() == []
    assert capsys.readouterr().out == "Device: cpu. Seed: 0.\n"


def test_setup_says_what_was_done_in_this_lesson(file, reader, capsys):
    lesson = LESSONS[1].read_text(encoding="utf-8")
    asked = len(re.findall(r'(?m)^ *"ask\(', lesson))
    setup("cpu")
    assert capsys.readouterr().out == "Device: cpu. Seed: 0.\n"
    diary.append(AFFINE)
    diary.append(AFFINE._replace(when="2026-11-20"))
    diary.append(Entry("01", REACHED, "predict-12ab34cd", "2026-11-21"))
    diary.append(Entry("02", SOLVED, "activations.relu", "2026-11-29"))
    setup("cpu")
    assert capsys.readouterr().out == (
        "Device: cpu. Seed: 0.\nYou were here on 2026-11-28. "
        f"So far, exercises solved: 1, predictions reached: 1 of {asked}.\n"
    )


def test_two_processes_that_write_at_once_lose_nothing(file):
    lines = [
        "import sys",
        "from course_utils.diary import Entry, append",
        "print('ready', flush=True)",
        "sys.stdin.readline()",
        "for i in range(200):",
        "    append(Entry('01', 'solved', f'linear.{sys.argv[1]}{i}', '2026-11-29'))",
    ]
    command = [sys.executable, "-c", "\n".join(lines)]
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with (
        subprocess.Popen([*command, "a"], **options) as a,
        subprocess.Popen([*command, "b"], **options) as b,
    ):
        assert a.stdout.readline() == b.stdout.readline() == b"ready\n"
        a.stdin.close()
        b.stdin.close()
    assert a.returncode == b.returncode == 0
    names = {entry.name for entry in diary.read()}
    assert names == {f"linear.{name}{i}" for name in "ab" for i in range(200)}


@pytest.mark.parametrize(
    "damage",
    [
        b'{"lesson": "01", "kind": "sol',
        b"\0" * 4096,
        b"\xff\xfe{",
        b"[" * 100_000,
        b'["01", "solved"]',
        b'{"lesson": "01", "kind": "solved", "name": "linear.count"}',
        *(
            json.dumps(AFFINE._asdict() | changed).encode()
            for changed in (
                {"lesson": "14"},
                {"lesson": "1"},
                {"lesson": 1},
                {"lesson": None},
                {"kind": "won"},
                {"kind": []},
                {"name": "\ud800"},
                {"name": '=HYPERLINK("x")'},
                {"name": 3},
                {"when": "yesterday"},
                {"when": 20261128},
            )
        ),
    ],
)
def test_damaged_line_is_skipped_and_kept(damage, file):
    file.parent.mkdir()
    file.write_bytes(damage)  # without a newline, as where the write was cut off
    diary.append(AFFINE)
    assert diary.read() == [AFFINE]
    assert file.read_bytes().startswith(damage)


def test_file_that_cant_be_written_is_one_sentence(file, reader, displayed, capsys):
    file.parent.write_text("a file where the folder should be")
    check("linear.affine", lambda x, weight, bias: x @ weight.T + bias)
    put_question()
    assert diary.recall() == []
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"Your progress can't be written in {file} (")
    assert line.endswith("COURSE_PROGRESS names another file.")
    assert displayed[0][0]["text/plain"].endswith("correct.")


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_read_only_folder_is_one_sentence(file, reader, capsys):
    file.parent.mkdir(mode=0o500)
    diary.note("01", SOLVED, "linear.affine")
    assert "Permission denied" in capsys.readouterr().out


def test_file_that_cant_be_read_is_one_sentence(file, reader, capsys):
    file.mkdir(parents=True)
    assert diary.recall() == diary.recall() == []
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"Your progress can't be read in {file} (")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_full_disk_is_one_sentence(reader, capsys, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", "/dev/full")  # zeros without end, if read
    monkeypatch.setattr(diary, "_noted", set())
    monkeypatch.setattr(diary, "_complained", False)
    diary.note("01", SOLVED, "linear.affine")
    assert diary.recall() == []
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("Your progress can't be written in /dev/full (No space")


def test_without_the_variable_it_lies_in_the_users_data(monkeypatch):
    monkeypatch.delenv("COURSE_PROGRESS")
    assert diary.place().is_absolute()
    assert diary.place().parts[-2:] == ("layer-by-layer", "progress.jsonl")


class _Kernel(KernelManager):
    """A kernel of this interpreter; a registered "python3" may be another."""

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(**get_kernel_dict())


@contextmanager
def kernel(**env: str):
    """Yield what runs code in a new kernel, for a person or not; it returns output."""
    manager = _Kernel()
    manager.start_kernel(env=os.environ | env)
    client = manager.client()
    client.start_channels()

    def run(code: str, *, answers: bool) -> str:
        texts: list[str] = []

        def keep(message: dict) -> None:
            content = message["content"]
            texts.append(content.get("text", ""))
            texts.append(content.get("data", {}).get("text/plain", ""))
            texts.extend(content.get("traceback", []))

        client.execute_interactive(
            code, allow_stdin=answers, output_hook=keep, timeout=60
        )
        return "".join(texts)

    try:
        client.wait_for_ready(timeout=60)
        yield run
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


BEGIN = """
from course_utils import ask, check, progress, setup
setup("cpu"); ask("Which?", ["`a`", "`b`"], answer=0, why="It is."); progress("linear")
"""
SOLVE = 'check("linear.affine", lambda x, weight, bias: x @ weight.T + bias)'


@pytest.mark.slow
def test_kernel_notes_for_a_person_alone_and_the_next_one_knows(file):
    env = {"JPY_SESSION_NAME": "01_linear_layers.ipynb"}
    with kernel(**env) as run:
        run(BEGIN + SOLVE, answers=False)
        assert not file.exists()
        assert "in this session: 1 of 9." in run(BEGIN + SOLVE, answers=True)
        assert [entry.kind for entry in diary.read()] == [REACHED, SOLVED]
    with kernel(**env) as run:
        text = run(BEGIN, answers=False)
        assert "You were here" not in text
        assert "Solved in this session: 0 of 9." in text
        text = run(BEGIN, answers=True)
        assert f"You were here on {today()}. So far, exercises solved: 1" in text
        assert "Solved: 1 of 9 (1 in another session)." in text
