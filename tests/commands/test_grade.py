"""`course grade`: from folders to tables, interrupted and resumed."""

import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from course_utils.cli import main
from course_utils.exercises.model import State, Verdict
from course_utils.grading import batch
from course_utils.grading.confinement import Limits
from course_utils.grading.model import Mark, Result
from course_utils.grading.records import read_results
from course_utils.runs.processes import await_ends
from tests.grading.lesson import write_lesson
from tests.lessons import clean_environment

EXERCISES = ["linear.count", "linear.affine"]
GOOD = "def answer(n):\n    return n"
NAMES = ["ada", "bo", "cy", "di", "ed"]


@pytest.fixture
def lesson(tmp_path):
    return write_lesson(tmp_path / "01_lines.ipynb", EXERCISES)


@pytest.fixture
def folder(tmp_path, lesson):
    place = tmp_path / "subs"
    place.mkdir()
    for name in NAMES:
        put(place / f"{name}.ipynb", lesson, GOOD)
    return place


def put(path, lesson, text):
    notebook = json.loads(lesson.read_text())
    notebook["cells"][1]["source"] = text
    path.write_text(json.dumps(notebook))


@pytest.fixture
def judged(monkeypatch):
    """Judge in threads, without running anything; the list has who was judged."""
    keys = []

    def grade(submission, grading):
        keys.append(submission.learner.id)
        if submission.problem:
            return Result(submission, problem=submission.problem)
        text = submission.cells["linear.count"]
        if "signal" in text:
            time.sleep(1)  # what came before it is written by then
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.5)
        state = State.CORRECT if text == GOOD else State.WRONG
        marks = [Mark(name, Verdict(state, steps=(1, 2)), 0.1) for name in EXERCISES]
        return Result(submission, tuple(marks))

    monkeypatch.setattr(batch, "grade", grade)
    monkeypatch.setattr(batch, "Workers", lambda jobs: ThreadPoolExecutor(1))
    return keys


def course(*arguments):
    return CliRunner().invoke(main, ["grade", *map(str, arguments)])


def graded(folder, lesson, tmp_path, *more):
    out = tmp_path / "grades"
    done = course(folder, "--lesson", lesson, "--out", out, "--unconfined", *more)
    return done, out / "latest"


def table(folder):
    return (folder / "grades.csv").read_text("utf-8-sig")


def test_tables_and_results_are_written(folder, lesson, tmp_path, judged):
    (folder / "odd.ipynb").write_bytes(b"")
    done, latest = graded(folder, lesson, tmp_path)
    assert done.exit_code == 1, done.output
    assert "5 graded, 1 not graded in" in done.output
    assert {path.name for path in latest.iterdir()} == {
        "batch.json",
        "grades-canvas.csv",
        "grades-moodle.csv",
        "feedback",
        "grades.csv",
        "index.html",
        "results.jsonl",
    }
    assert [r.submission.learner.id for r in read_results(latest)] == [*NAMES, "odd"]
    assert "odd,,,,,,2,not graded" in table(latest)


def test_all_graded_or_missing_is_a_success(folder, lesson, tmp_path, judged):
    roster = tmp_path / "roster.csv"
    roster.write_text(
        "id,name\n" + "".join(f"{n},{n.title()}\n" for n in [*NAMES, "flo"])
    )
    points = tmp_path / "points.csv"
    points.write_text("exercise,points\nlinear.affine,3\n")
    put(folder / "bo.ipynb", lesson, "wrong")
    more = ("--roster", roster, "--points", points, "--partial", "0.5")
    done, latest = graded(folder, lesson, tmp_path, *more)
    assert done.exit_code == 0, done.output
    assert "5 graded, 1 missing" in done.output
    assert "ada,Ada,,1,3,4,4,graded" in table(latest)
    assert "bo,Bo,,0.25,0.75,1,4,graded" in table(latest)
    assert "flo,Flo,,,,0,4,missing" in table(latest)


def test_interrupted_batch_goes_on_to_the_same_tables(folder, lesson, tmp_path, judged):
    put(folder / "di.ipynb", lesson, "signal")
    done, latest = graded(folder, lesson, tmp_path)
    assert done.exit_code == 130, done.output
    assert "course grade --resume" in done.output
    known = [r.submission.learner.id for r in read_results(latest)]
    assert known == NAMES[: len(known)] and 0 < len(known) < len(NAMES)
    put(folder / "di.ipynb", lesson, GOOD)
    put(folder / "ada.ipynb", lesson, "changed")
    judged.clear()
    again = course("--resume", latest.resolve())
    assert again.exit_code == 0, again.output
    assert judged == ["ada", *NAMES[len(known) :]]
    resumed = table(latest)
    _, latest = graded(folder, lesson, tmp_path)
    assert resumed == table(latest)


def test_nothing_left_to_do_rebuilds_the_tables(folder, lesson, tmp_path, judged):
    _, latest = graded(folder, lesson, tmp_path)
    before, place = table(latest), latest.resolve()
    (latest / "grades.csv").unlink()
    judged.clear()
    assert course("--resume", place).exit_code == 0
    assert table(latest) == before and not judged


@pytest.fixture
def limits(judged, monkeypatch):
    """Return the limits that submissions were judged with."""
    found, judge = [], batch.grade

    def grade(submission, grading):
        found.append(grading.limits)
        return judge(submission, grading)

    monkeypatch.setattr(batch, "grade", grade)
    return found


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ((), {}),
        (("--exercise-timeout", "2.5"), {"exercise": 2.5}),
        (("--exercise-timeout", "90"), {"exercise": 90, "submission": 90}),
        (
            ("--timeout", "30", "--max-memory", "0.5"),
            {"submission": 30, "memory": 500_000_000},
        ),
    ],
)
def test_limits_are_as_given_and_stay_so(
    folder, lesson, tmp_path, limits, options, given
):
    _, latest = graded(folder, lesson, tmp_path, *options)
    assert set(limits) == {Limits(**given)}
    limits.clear()
    put(folder / "ada.ipynb", lesson, "changed")
    assert course("--resume", latest.resolve()).exit_code == 0
    assert limits == [Limits(**given)]


def test_batch_from_before_limits_could_be_given_goes_on(
    folder, lesson, tmp_path, limits
):
    _, latest = graded(folder, lesson, tmp_path)
    settings = json.loads((latest / "batch.json").read_text())
    del settings["limits"]
    (latest / "batch.json").write_text(json.dumps(settings))
    limits.clear()
    put(folder / "ada.ipynb", lesson, "changed")
    assert course("--resume", latest.resolve()).exit_code == 0
    assert limits == [Limits()]


def test_help_says_what_the_limits_are():
    told = " ".join(course("--help").output.split())
    limits = Limits()
    assert f"[default: ({limits.exercise:g}); x>0]" in told
    assert f"[default: ({limits.submission:g}, or that for an exercise" in told
    assert f"[default: ({limits.memory / 1e9:.1f}); x>0]" in told


def report(*arguments):
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def test_report_writes_tables_and_pages_again(folder, lesson, tmp_path, judged):
    _, latest = graded(folder, lesson, tmp_path)
    place = latest.resolve()
    kept = ("results.jsonl", "batch.json")
    files = [path for path in place.rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    for path in files:
        if path.name not in kept:
            path.unlink()
    shutil.rmtree(folder)  # the results are enough
    judged.clear()
    done = report(latest)
    assert done.exit_code == 0, done.output
    assert "5 graded" in done.output
    assert "Report of `course grade`: " in done.output
    assert {path: path.read_bytes() for path in place.rglob("*.*")} == before
    assert not judged
    elsewhere = tmp_path / "new" / "elsewhere"
    assert report(latest, "--out", elsewhere).exit_code == 0
    assert table(elsewhere) == table(latest)
    assert len(list((elsewhere / "feedback").iterdir())) == len(NAMES)


def test_report_takes_the_points_that_count_by_now(folder, lesson, tmp_path, judged):
    points = tmp_path / "points.csv"
    points.write_text("exercise,points\nlinear.affine,3\n")
    _, latest = graded(folder, lesson, tmp_path, "--points", points)
    assert "ada,,,1,3,4,4,graded" in table(latest)
    points.write_text("exercise,points\nlinear.affine,7\n")
    assert report(latest).exit_code == 0
    assert "ada,,,1,7,8,8,graded" in table(latest)


def test_what_a_teacher_decides_counts_on_resume_and_in_reports(
    folder, lesson, tmp_path, judged
):
    _, latest = graded(folder, lesson, tmp_path)
    found, place = (latest / "results.jsonl").read_bytes(), latest.resolve()
    judged.clear()
    decided = tmp_path / "overrides.csv"
    decided.write_text("learner,exercise,points,reason\nada,linear.affine,9,So.\n")
    done = course("--resume", place, "--overrides", decided)
    assert done.exit_code == 2 and "which has 0 to 1" in done.output
    assert report(latest).exit_code == 0  # what was refused is not kept
    decided.write_text("learner,exercise,points,reason\nada,linear.affine,0.5,So.\n")
    done = course("--resume", place, "--overrides", decided)
    assert done.exit_code == 0, done.output
    assert "ada,,,1,0.5,1.5,2,graded" in table(latest) and not judged
    assert (latest / "results.jsonl").read_bytes() == found
    decided.write_text("learner,exercise,points,reason\nada,linear.affine,0,So.\n")
    assert report(latest).exit_code == 0
    assert "ada,,,1,0,1,2,graded" in table(latest)
    decided.write_text("learner,exercise,points,reason\nzed,linear.affine,0,So.\n")
    assert "'zed' names no learner" in report(latest).output
    done, _ = graded(folder, lesson, tmp_path, "--overrides", decided)
    assert done.exit_code == 2 and "'zed' names no learner" in done.output


def test_points_for_what_is_not_graded_yet_wait_for_it(
    folder, lesson, tmp_path, judged
):
    put(folder / "cy.ipynb", lesson, "signal")  # ends the batch there
    decided, waits = tmp_path / "overrides.csv", "1 of the points that you set wait"
    decided.write_text("learner,exercise,points,reason\ned,linear.affine,0.5,So.\n")
    done, latest = graded(folder, lesson, tmp_path, "--overrides", decided)
    assert done.exit_code == 130 and waits in done.output, done.output
    done = report(latest)
    assert done.exit_code == 0 and waits in done.output, done.output
    aside = folder.rename(tmp_path / "aside")
    done = report(latest)
    assert done.exit_code == 2 and "only while the submissions lie" in done.output
    aside.rename(folder)
    put(folder / "cy.ipynb", lesson, GOOD)
    done = course("--resume", latest.resolve())
    assert done.exit_code == 0 and waits not in done.output, done.output
    assert "ed,,,1,0.5,1.5,2,graded" in table(latest)


def test_report_that_can_not_be_made_is_told(folder, lesson, tmp_path, judged):
    _, latest = graded(folder, lesson, tmp_path)
    junit = tmp_path / "x.xml"
    for more in ((latest,), (folder,), ("--junit", junit)):
        done = report(latest, *more)
        assert done.exit_code == 2, done.output
        assert "is a folder of `course grade`: report on it alone" in done.output
    for place in (folder, tmp_path / "nowhere"):
        done = report(place)
        assert done.exit_code == 2, done.output
        assert f"{place} is no folder of `course run`" in done.output
        assert "or `course grade` in grades/." in done.output
    assert not (tmp_path / "nowhere").exists() and not junit.exists()
    (latest / "results.jsonl").unlink()
    done = report(latest)
    assert done.exit_code == 2 and "course grade --resume" in done.output
    write_lesson(lesson, EXERCISES[:1])
    assert "has changed since" in report(latest).output


def test_batch_of_a_changed_lesson_is_not_resumed(folder, lesson, tmp_path, judged):
    _, latest = graded(folder, lesson, tmp_path)
    write_lesson(lesson, EXERCISES[:1])
    done = course("--resume", latest.resolve())
    assert done.exit_code == 2 and "has changed since" in done.output


def test_lost_process_is_tried_again_on_resume(folder, lesson, tmp_path, judged):
    _, latest = graded(folder, lesson, tmp_path)
    path = latest / "results.jsonl"
    first, *rest = read_results(latest)
    lost = Result(first.submission, problem="The process was killed.")
    path.write_text("".join(r.to_json() + "\n" for r in [lost, *rest]))
    judged.clear()
    assert course("--resume", latest.resolve()).exit_code == 0
    assert judged == ["ada"]


class _Disk:
    """Room for so many bytes in the files that a batch writes; then it is full."""

    def __init__(self, monkeypatch, room):
        self.room = room
        opened, disk = Path.open, self

        class Results(io.FileIO):
            def write(self, content):
                return super().write(disk.take(content))

        def open_(path, mode="r", *args, **more):
            if path.name == "results.jsonl" and mode == "ab+":
                return Results(path, "a+")
            return opened(path, mode, *args, **more)

        def write_bytes(path, content):
            with opened(path, "wb") as file:
                written = file.write(self.take(content))
            if written < len(content):
                self.take(content[written:])
            return written

        monkeypatch.setattr(Path, "open", open_)
        monkeypatch.setattr(Path, "write_bytes", write_bytes)

    def take(self, content):
        """Return what there is room for, as the system's own write does."""
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = content[: self.room]
        self.room -= len(taken)
        return taken


@pytest.mark.parametrize("where", ["in a result", "in a table", "on a page"])
def test_full_disk_keeps_what_is_finished(
    folder, lesson, tmp_path, judged, monkeypatch, where
):
    _, latest = graded(folder, lesson, tmp_path)
    settings, whole, tables = (
        sum(path.stat().st_size for path in latest.glob(name))
        for name in ("batch.json", "results.jsonl", "*.csv")
    )
    room, known = {
        "in a result": (settings + whole // 2, 2),
        "in a table": (settings + 2 * whole + 10, 5),
        "on a page": (settings + 2 * whole + tables + 10, 5),
    }[where]
    judged.clear()
    with monkeypatch.context() as patch:
        _Disk(patch, room)
        done, latest = graded(folder, lesson, tmp_path)
    assert done.exit_code == 3, done.output
    *_, sentence = done.output.splitlines()
    assert "can't be written to" in sentence and "No space left" in sentence
    assert sentence.endswith(f"course grade --resume {latest.resolve()}")
    kept = {r.submission.learner.id for r in read_results(latest)}
    assert len(kept) == known
    assert not list(latest.rglob(".*"))
    judged.clear()
    again = course("--resume", latest.resolve())
    assert again.exit_code == 0, again.output
    assert set(judged) == set(NAMES) - kept
    assert len(list((latest / "feedback").iterdir())) == len(NAMES)
    assert table(latest) == table(sorted((tmp_path / "grades").glob("2*"))[0])


def test_folder_that_can_not_be_written_to_is_told_before_grading(
    folder, lesson, tmp_path, judged, monkeypatch
):
    opened = Path.open

    def refused(path, mode="w", *args, **more):
        if mode in ("r", "rb"):
            return opened(path, mode, *args, **more)
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        _Disk(patch, 0)
        done, latest = graded(folder, lesson, tmp_path)
    assert done.exit_code == 2, done.output
    assert "No space left on device. Choose another folder with --out" in done.output
    assert list((tmp_path / "grades").iterdir()) == []
    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", lambda path, *_, **__: refused(path))
        done, _ = graded(folder, lesson, tmp_path)
    assert done.exit_code == 2, done.output
    assert "Read-only file system. Choose another folder with --out" in done.output
    assert not judged
    _, latest = graded(folder, lesson, tmp_path)
    judged.clear()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refused)
        done = course("--resume", latest.resolve())
    assert done.exit_code == 3 and not judged, done.output
    assert "Read-only file system. What is finished is kept" in done.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "name what was submitted, or a batch with --resume"),
        (("{subs}", "--resume", "{subs}"), "name what was submitted, or a batch"),
        (("{subs}/none",), "there is no file or folder"),
        (("{subs}", "--lesson", "77"), "there is no lesson 77"),
        (("{subs}", "--roster", "{subs}/none.csv"), "can't be read"),
        (("{subs}", "--points", "{subs}/none.csv"), "can't be read"),
        (("{subs}", "--timeout", "5"), "less than the 10 s that each may take"),
        (("{subs}", "--max-memory", "0"), "not in the range x>0"),
        (
            ("{subs}", "--assignment", "L", "--lesson", "01", "--lesson", "02"),
            "--lesson",
        ),
    ],
)
def test_command_that_can_not_be_carried_out_writes_nothing(
    folder, lesson, tmp_path, monkeypatch, arguments, told
):
    monkeypatch.chdir(tmp_path)
    arguments = [a.format(subs=folder) for a in arguments]
    if "--lesson" not in arguments:
        arguments += ["--lesson", str(lesson)]
    done = course(*arguments, "--unconfined")
    assert done.exit_code == 2, done.output
    assert told in done.output
    assert not (tmp_path / "grades").exists()


def test_without_bubblewrap_nothing_is_run(folder, lesson, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    out = tmp_path / "grades"
    done = course(folder, "--lesson", lesson, "--out", out)
    assert done.exit_code == 2
    assert "--unconfined" in done.output and not out.exists()


def test_windows_is_told_where_to_go(folder, monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    done = course(folder)
    assert done.exit_code == 2 and "WSL" in done.output


def test_help_says_what_unconfined_means():
    assert "read and change every file" in " ".join(course("--help").output.split())


@pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("bwrap"),
    reason="code is confined by bubblewrap, on Linux",
)
@pytest.mark.all
@pytest.mark.parametrize(
    ("signals", "code"),
    [
        (("SIGINT", "SIGHUP", "SIGTERM"), 130),
        (("SIGKILL",), -9),
    ],
)
def test_command_that_is_ended_leaves_a_record_and_no_process(
    folder, lesson, tmp_path, signals, code
):
    put(folder / "bo.ipynb", lesson, "while True: pass")
    out, place = tmp_path / "grades", tmp_path / "place"
    place.mkdir()
    command = [sys.executable, "-m", "course_utils.cli", "grade", str(folder)]
    command += ["--lesson", str(lesson), "--out", str(out), "--jobs", "1"]
    env = clean_environment(TMPDIR=str(place))
    process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("[1/5]"):
            break
    rest: list[str] = []
    reader = threading.Thread(target=lambda: rest.extend(process.stderr))
    reader.start()
    children = psutil.Process(process.pid).children(recursive=True)
    for name in signals:
        process.send_signal(signal.Signals[name])
        time.sleep(0.05)
    assert process.wait(timeout=120) == code, rest
    reader.join()
    process.stderr.close()
    assert await_ends(children, 20) == []
    assert list(place.iterdir()) == []
    latest = next(out.glob("2*"))
    known = [r.submission.learner.id for r in read_results(latest)]
    assert known[:1] == ["ada"] and len(known) < 5
    assert (latest / "grades.csv").exists() is (code == 130)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "is no folder of `course grade`"),
        (
            ("--partial", "0.5", "--lesson", "01", "--unconfined"),
            "was begun with: leave out --lesson, --partial, --unconfined, or start",
        ),
    ],
)
def test_batch_that_can_not_be_resumed_says_why(folder, options, told):
    done = course("--resume", str(folder), *options)
    assert done.exit_code == 2, done.output
    assert told in done.output
