"""`course grade` on a cluster: the same tables, whatever happens to the workers."""

import contextlib
import csv
import json
import shutil
import subprocess
import sys
from concurrent.futures import Future

import nbformat
import psutil
import pytest
from click.testing import CliRunner

from course_utils.cli import main
from course_utils.cluster import members
from course_utils.commands import grade as command
from course_utils.errors import WorkerLost
from course_utils.grading import batch
from course_utils.grading.batch import Grading, grade_all
from course_utils.grading.confinement import Limits
from course_utils.grading.model import Learner, Result, Submission
from course_utils.grading.records import read_results
from course_utils.grading.sections import read_paper
from tests.grading.lesson import write_lesson
from tests.labs.solutions_hinges import BASELINE, CEILING, PASS
from tests.lessons import ROOT, clean_environment
from tests.processes import eventually

pytestmark = pytest.mark.slow
confined = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("bwrap"),
    reason="code is confined by bubblewrap, on Linux",
)
RIGHT = "def answer(x, weight, bias):\n    return x @ weight.T + bias"
ANSWERS = {
    "ada": RIGHT,
    "bo": RIGHT.replace(" + bias", ""),
    "cy": "import time\ntime.sleep(4)\n" + RIGHT,
    "di": "raise SystemExit",
    "ed": "def answer(x, weight, bias):\n    while True: pass",
    "flo": RIGHT.replace("x @ weight.T", "torch.zeros(len(x), len(weight))"),
}


@pytest.fixture
def folder(tmp_path):
    """The submissions; beside them lies the lesson."""
    lesson = write_lesson(tmp_path / "01_lines.ipynb", ["linear.affine"])
    place = tmp_path / "subs"
    place.mkdir()
    for name, text in ANSWERS.items():
        notebook = json.loads(lesson.read_text())
        notebook["cells"][1]["source"] = text
        (place / f"{name}.ipynb").write_text(json.dumps(notebook))
    return place


def arguments(folder, out, *more):
    lesson = folder.parent / "01_lines.ipynb"
    every = ["grade", folder, "--lesson", lesson, "--out", folder.parent / out, *more]
    return list(map(str, every))


def course(*given):
    return CliRunner().invoke(main, list(map(str, given)))


def table(folder, out):
    return (folder.parent / out / "latest" / "grades.csv").read_bytes()


@confined
@pytest.mark.all
@pytest.mark.timeout(900)
def test_killed_worker_changes_nothing_in_the_tables(folder, machines):
    check_with_a_lost_worker(folder, machines, arguments, len(ANSWERS))
    assert b"1,1,graded" in table(folder, "plain")


@confined
@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_thirty_submissions_of_a_lab_lose_no_point_with_their_worker(
    tmp_path, machines
):
    lab = ROOT / "notebooks" / "labs" / "hinges.ipynb"
    place = tmp_path / "subs"
    place.mkdir()
    for number in range(30):
        answers = (BASELINE, PASS, CEILING)[number % 3]
        notebook = nbformat.read(lab, 4)
        for section in read_paper(lab).sections:
            (stub,) = [cell for cell in notebook.cells if cell.id == section.cell]
            stub.source = f"# {number}\n{answers[section.exercise]}"
        nbformat.write(notebook, place / f"learner{number}.ipynb")

    def given(folder, out, *more):
        every = ["grade", folder, "--lesson", lab, "--seed", "7", *more]
        return [*map(str, every), "--out", str(folder.parent / out)]

    check_with_a_lost_worker(place, machines, given, 30)
    rows = list(csv.DictReader(table(place, "plain").decode("utf-8-sig").splitlines()))
    assert len(rows) == 30 and {row["state"] for row in rows} == {"graded"}
    levels = [
        {row["total"] for row in rows if int(row["id"][7:]) % 3 == level}
        for level in range(3)
    ]
    assert [len(level) for level in levels] == [1, 1, 1], levels
    low, middle, high = (float(level.pop()) for level in levels)
    assert low < middle < high


def check_with_a_lost_worker(folder, machines, arguments, count):
    """Grade alone, then on two workers of which one is killed; compare the tables."""
    plain = course(*arguments(folder, "plain"))
    assert plain.exit_code == 0, plain.output
    first, second = machines.add(), machines.add()
    command = arguments(folder, "cluster", "--scheduler", machines.address)
    process = subprocess.Popen(
        [sys.executable, "-m", "course_utils.cli", *command],
        env=clean_environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith(f"[1/{count}]")
    eventually(lambda: len(psutil.Process(first.pid).children(recursive=True)) > 2)
    first.kill()
    rest = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=900) == 0, rest
    assert second.poll() is None
    assert table(folder, "cluster") == table(folder, "plain")


@pytest.mark.all
@pytest.mark.timeout(600)
def test_lost_scheduler_keeps_what_is_finished_and_is_gone_on_from(
    folder, machines, monkeypatch
):
    monkeypatch.setattr(members, "_LOST_SECONDS", 1)
    machines.add()
    show = batch.Result.to_json

    def to_json(result):
        machines.scheduler.kill()
        return show(result)

    monkeypatch.setattr(batch.Result, "to_json", to_json)
    more = ["--scheduler", machines.address, "--unconfined"]
    done = course(*arguments(folder, "out", *more))
    assert done.exit_code == 3, done.output
    assert "The scheduler of the cluster can't be reached any more" in done.output
    assert "What is finished is kept" in done.output
    (latest,) = (folder.parent / "out").glob("2*")
    assert f"course grade --resume {latest}" in done.output
    known = read_results(latest)
    assert 0 < len(known) < len(ANSWERS)
    monkeypatch.undo()
    again = course("grade", "--resume", latest, "--dask-local", "1")
    assert again.exit_code == 0, again.output
    assert len(read_results(latest)) == len(ANSWERS)


class _Ends:
    """An executor that judges one submission; all others end so."""

    def __init__(self, error):
        self.error, self.begun = error, False

    def submit(self, _function, submission):
        future = Future()
        if self.begun:
            future.set_exception(self.error)
        else:
            future.set_result(Result(submission))
        self.begun = True
        return future


def test_submission_that_is_lost_has_a_row_with_the_cause():
    given = [Submission(n, Learner(n), "01_lines", f"{n}.ipynb") for n in "ab"]
    results, executor = [], _Ends(WorkerLost("It was lost with its worker."))
    grading = Grading({}, Limits())
    assert grade_all(given, grading, executor=executor, on_result=results.append)
    assert {r.problem for r in results} == {"", "It was lost with its worker."}


def test_exit_code_of_a_lost_cluster_is_its_own(folder, monkeypatch):
    lost = _Ends(members.SchedulerLost("The scheduler is gone."))
    place = contextlib.nullcontext(lost)
    monkeypatch.setattr(command, "cluster_of", lambda *_, **__: place)
    done = course(*arguments(folder, "out", "--unconfined"))
    assert done.exit_code == 3, done.output
    assert "The scheduler is gone. What is finished is kept." in done.output
    (latest,) = (folder.parent / "out").glob("2*")
    assert f"course grade --resume {latest}" in done.output
    assert len(read_results(latest)) <= 1


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--resource", "GPU=1"], "--resource is for a cluster"),
        (["--dask-local", "1", "--resource", "GPU"], "say NAME=NUMBER, as GPU=1"),
        (["--dask-local", "1", "--jobs", "2"], "--jobs is for this machine alone"),
        (["--dask-local", "1", "--scheduler", "tcp://x:1"], "two clusters"),
        (["--scheduler", "nonsense://x"], "no Dask scheduler at nonsense://x"),
        (["--dask-local", "1", "--resource", "GPU=1"], "offers GPU=1; offered are:"),
    ],
)
def test_cluster_that_can_not_be_used_is_told_and_nothing_is_written(
    folder, more, told
):
    done = course(*arguments(folder, "out", "--unconfined", *more))
    assert done.exit_code == 2, done.output
    assert told in done.output
    assert not (folder.parent / "out").exists()
