"""What a batch leaves as it goes, the reports made from that, and going on."""

import json
import os
from datetime import datetime, timezone
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from course_utils.cli import main
from course_utils.errors import CourseError
from course_utils.runs.journal import Batch, Journal, read_batch, read_results
from course_utils.runs.junit import write_junit
from course_utils.runs.model import Fault, FaultKind, Limits, Result, Task
from course_utils.runs.report import read_report

from .conftest import write_notebook

BEGUN = datetime(2026, 5, 1, 9, 30, tzinfo=timezone.utc)
ODD = {"n": 1, "x": 1.0, "on": True, "text": "1", "many": [1, (2,)], "none": None}
FIRST = Task("a--seed-0", Path("/x/a.ipynb"), {"seed": 0}, ODD, title="x/a")
SECOND = Task("b", Path(os.fsdecode(b"/x/b\xff.ipynb")))
BROKEN = Task("c", Path("/x/c.ipynb"), fault=Fault(FaultKind.BROKEN, "Broken."))
LOSS = {"name": "loss", "values": [0.5], "runs": [], "low": 0, "high": 1, "held": True}
GOOD = Result(FIRST, None, 1.5, "a--seed-0.ipynb", checksum="ab", measured=(LOSS,))
BAD = Result(SECOND, Fault(FaultKind.RAISED, "\x1b[0m\x00 <x>"), 2.0, "b.ipynb")


def leave(folder: Path, *results: Result, clock: float = 0.0) -> Batch:
    """Leave what a killed batch leaves."""
    folder.mkdir(exist_ok=True)
    batch = Batch([FIRST, SECOND, BROKEN], BEGUN, Limits(cell=5), machine={"os": "x"})
    batch.write(folder)
    with Journal(folder, clock) as journal:
        for result in results:
            journal.add(result)
    return batch


def course(*arguments: object):
    return CliRunner().invoke(main, list(map(str, arguments)))


def test_batch_is_read_as_it_was_written(tmp_path):
    batch = leave(tmp_path)
    assert read_batch(tmp_path) == batch
    assert repr(read_batch(tmp_path).tasks[0].defaults) == repr(ODD)


def test_results_are_read_as_they_were_written(tmp_path):
    batch = leave(tmp_path, GOOD, BAD, clock=30.0)
    (first, second, third), seconds = read_results(tmp_path, batch)
    assert (first, second) == (GOOD, BAD)
    assert third.fault.kind is FaultKind.INTERRUPTED
    assert not third.finished
    assert 30 <= seconds < 60


def test_later_result_counts_and_a_line_cut_off_does_not(tmp_path):
    batch = leave(tmp_path, BAD)
    with (tmp_path / "results.jsonl").open("ab") as file:
        file.write(b'{"task": "a--se')
    leave(tmp_path, GOOD, Result(SECOND, seconds=9.0))
    (first, second, _), _ = read_results(tmp_path, batch)
    assert first == GOOD
    assert second == Result(SECOND, seconds=9.0)


@pytest.mark.parametrize("content", [None, "{", "[]", '{"tasks": 1}', '{"tasks": [1]}'])
def test_folder_of_another_kind_is_refused(tmp_path, content):
    if content:
        (tmp_path / "batch.json").write_text(content)
    with pytest.raises(CourseError, match="is no folder of `course run`"):
        read_batch(tmp_path)
    for command in (["report"], ["run", "--resume"]):
        done = course(*command, tmp_path)
        assert done.exit_code == 2
        assert "is no folder of `course run`" in done.stderr


def test_journal_on_a_full_disk_costs_no_result(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    (tmp_path / "results.jsonl").symlink_to("/dev/full")
    with Journal(tmp_path) as journal:
        journal.add(GOOD)
        journal.add(BAD)
    assert journal.seconds >= 0


def test_report_of_a_batch_that_was_killed(tmp_path):
    leave(tmp_path, GOOD)
    junit = tmp_path / "junit.xml"
    done = course("report", tmp_path, "--junit", junit)
    assert done.exit_code == 130, done.output
    assert "1 of 3 runs succeeded" in done.stdout
    rows = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["results"]
    assert [row["state"] for row in rows] == ["succeeded", "interrupted", "interrupted"]
    assert rows[0]["checksum"] == "ab"
    assert len(ElementTree.parse(junit).findall("testcase/skipped")) == 2


def test_several_batches_in_one_report(tmp_path):
    for name in ("one", "two"):
        leave(tmp_path / name, GOOD, BAD)
    folders = [tmp_path / "one", tmp_path / "two"]
    assert "--out" in course("report", *folders).stderr
    out = tmp_path / "new" / "both"
    done = course("report", *folders, "--out", out)
    assert "2 of 6 runs succeeded" in done.stdout
    rows = read_report(folders, out).rows
    assert rows[3]["notebook"] == "../../two/a--seed-0.ipynb"
    page = (out / "index.html").read_text(encoding="utf-8")
    assert 'href="./../../two/a--seed-0.ipynb"' in page


def test_junit_has_a_case_for_each_run(tmp_path):
    lost = Result(BROKEN, BROKEN.fault)
    never = Result(FIRST, Fault(FaultKind.NOT_RUN, "Not run."))
    write_junit([GOOD, BAD, lost, never], 3.5, tmp_path / "junit.xml")
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()
    counts = {k: suite.get(k) for k in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    assert suite[0].attrib == {
        "classname": "x/a",
        "name": "x/a, seed=0",
        "file": "/x/a.ipynb",
        "time": "1.50",
    }
    assert suite[1][0].attrib == {"message": "\\x1b[0m\\x00 <x>", "type": "raised"}


def test_batch_goes_on_where_it_ended(tmp_path):
    lessons, out, flag = tmp_path / "lessons", tmp_path / "runs", tmp_path / "flag"
    lessons.mkdir()
    bad = f"import pathlib; assert pathlib.Path({str(flag)!r}).exists()"
    good = f"open({str(tmp_path / 'count')!r}, 'a').write('x')"
    write_notebook(lessons / "a_bad.ipynb", bad)
    write_notebook(lessons / "b_good.ipynb", good)
    # Nothing here imports torch, for which a warm start would wait first.
    begin = ["run", lessons, "--jobs", 1, "--no-html", "--cold"]

    done = course(*begin, "--dry-run", "--out", out)
    assert (done.exit_code, out.exists()) == (0, False)
    assert "2 to run. Nothing was run." in done.stdout

    done = course(*begin, "--fail-fast", "--out", out)
    assert done.exit_code == 1, done.output
    assert "a_bad failed, and --fail-fast ended the batch" in done.stdout
    (folder,) = out.glob("*Z-1")
    go_on = ["run", "--resume", folder, "--cold"]

    done = course(*go_on)
    assert done.exit_code == 1, done.output
    assert "1 of 2 runs succeeded" in done.stdout
    assert "[1/1] b_good: succeeded" in done.stderr
    assert read_batch(folder).pages is False

    flag.touch()
    done = course(*go_on, "--only-failed")
    assert done.exit_code == 0, done.output
    assert "[1/1] a_bad: succeeded" in done.stderr
    assert "2 of 2 runs succeeded" in done.stdout
    assert (tmp_path / "count").read_text() == "x"

    write_notebook(lessons / "b_good.ipynb", good, "1 + 1")
    done = course(*go_on, "--dry-run")
    assert done.stdout.startswith("b_good: ")
    assert "1 to run. 1 have a result." in done.stdout

    done = course(*go_on, "--seed", 1)
    assert done.exit_code == 2
    assert "leave out --seed, or start a new batch" in done.stderr
