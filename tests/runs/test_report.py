"""The table, report.json, index.html, and the folder they lie in."""

import json
import sys
from datetime import datetime, timezone
from html.parser import HTMLParser
from pathlib import Path

import pytest

from course_utils.errors import CourseError
from course_utils.runs.model import Fault, FaultKind, Result, Task
from course_utils.runs.report import COLOURS, Report, make_run_folder, point_latest

GOOD = Result(
    Task("a--seed-1", Path("a.ipynb"), {"seed": 1, "epochs": 2}, {"device": "auto"}),
    seconds=1.25,
    notebook="a--seed-1.ipynb",
    page="a--seed-1.html",
)
BAD = Result(
    Task("b", Path("b.ipynb"), defaults={"seed": 0}),
    Fault(FaultKind.RAISED, "Cell [2] raised ValueError: <b> & co"),
    seconds=70.0,
)
BEGUN = datetime(2026, 5, 1, 9, 30, tzinfo=timezone.utc)
STOPPED = Result(Task("c", Path("c.ipynb")), Fault(FaultKind.INTERRUPTED, "Stopped."))


def make(*results: Result) -> Report:
    return Report(results, 71.4, BEGUN)


def test_table_has_a_row_for_each_run():
    head, rule, first, second = make(GOOD, BAD).table().splitlines()
    columns = ["Lesson", "Device", "Seed", "Parameters", "State", "Seconds", "Cause"]
    assert head.split() == columns
    assert set(rule) == {"─"}
    assert first.split() == ["a", "auto", "1", "epochs=2", "succeeded", "1.2"]
    assert second.split()[:4] == ["b", "0", "raised", "70.0"]
    assert second.endswith("Cell [2] raised ValueError: <b> & co")
    assert "Cause" not in make(GOOD).table()


@pytest.mark.parametrize(
    ("results", "code"),
    [((GOOD,), 0), ((GOOD, BAD), 1), ((GOOD, BAD, STOPPED), 130), ((), 0)],
)
def test_exit_code(results, code):
    assert make(*results).exit_code == code


def test_summary():
    assert make(GOOD, BAD).summary == "1 of 2 runs succeeded in 1 min 11 s."
    assert Report([GOOD], 2.4, BEGUN).summary == "1 of 1 run succeeded in 2 s."


class Links(HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.targets: list[str] = []
        self.rows = 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.rows += tag == "tr"
        if tag == "a":
            self.targets.append(dict(attrs)["href"])


def test_page_has_a_row_and_links_for_each_run(tmp_path):
    index = make(GOOD, BAD).write(tmp_path)
    text = index.read_text(encoding="utf-8")
    links = Links(text)
    assert links.rows == 3
    assert links.targets == ["./a--seed-1.html", "./a--seed-1.ipynb"]
    assert "ValueError: &lt;b&gt; &amp; co" in text
    assert "1 of 2 runs succeeded" in text
    assert '<td class="seconds">1.2</td>' in text
    assert COLOURS.read_text().strip() in text
    assert '<time datetime="2026-05-01T09:30:00+00:00">2026-05-01 09:30:00 UTC' in text


def test_json_holds_what_a_program_wants_to_know(tmp_path):
    make(GOOD, BAD).write(tmp_path)
    content = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    good, bad = content["results"]
    assert good["values"] == {"seed": 1, "epochs": 2}
    assert (good["state"], good["cause"], good["page"]) == (
        "succeeded",
        None,
        "a--seed-1.html",
    )
    assert bad["cause"] == "Cell [2] raised ValueError: <b> & co"
    assert content["machine"]["executable"] == sys.executable


def test_failed_write_leaves_no_half_report(tmp_path, monkeypatch):
    def full(self, *args, **kwargs):
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        make(GOOD).write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_each_batch_gets_a_folder_of_its_own(tmp_path):
    first = make_run_folder(tmp_path / "runs", BEGUN)
    second = make_run_folder(tmp_path / "runs", BEGUN)
    assert first != second
    assert first.name == "20260501T093000Z-1"
    assert second.name == "20260501T093000Z-2"


def test_folder_that_can_not_be_created(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CourseError, match="Choose another folder with --out"):
        make_run_folder(tmp_path / "file", BEGUN)


def test_latest_leads_to_the_last_batch(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        assert point_latest(tmp_path / name) == tmp_path / "latest"
    latest = tmp_path / "latest"
    if latest.is_symlink():
        assert latest.resolve() == (tmp_path / "two").resolve()
    else:
        assert latest.read_text(encoding="utf-8") == "two\n"


def test_latest_without_links_is_a_text_file(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    (tmp_path / "one").mkdir()
    assert point_latest(tmp_path / "one").read_text(encoding="utf-8") == "one\n"


def test_latest_never_replaces_a_folder(tmp_path):
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest" / "file").touch()
    (tmp_path / "one").mkdir()
    assert point_latest(tmp_path / "one") is None
    assert sorted(p.name for p in tmp_path.iterdir()) == ["latest", "one"]
