"""No notebook, whatever its name or its kind, costs the others or the report."""

import json
import os
import re
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from click.testing import CliRunner, Result
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils.cli import main
from course_utils.errors import CourseError
from course_utils.runs.lessons import find_notebooks, make_grid, read_lesson
from course_utils.runs.model import FaultKind

linux = pytest.mark.skipif(sys.platform != "linux", reason="names and files of Linux")
EMPTY = nbformat.writes(new_notebook())


def run(notebooks: Path, out: Path) -> Result:
    # Nothing here imports torch, for which a warm start would wait first.
    arguments = ["run", str(notebooks), "--cold", "--out", str(out)]
    return CliRunner().invoke(main, arguments)


def fault_of(path: Path) -> tuple[FaultKind, str]:
    fault = read_lesson(path).fault
    assert fault, f"{path} can be read"
    return fault.kind, fault.cause


class Links(HTMLParser):
    """The targets of a page's links."""

    def __init__(self, text: str):
        super().__init__()
        self.targets: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.targets.append(dict(attrs)["href"])


@linux
def test_no_name_costs_the_report(tmp_path):
    names = [
        b"bad\xff.ipynb",
        b"a%20b#c?d.ipynb",
        b"javascript:alert(1),x.ipynb",
        b"index.ipynb",
        b"line\nbreak \x1b[2J.ipynb",
        "\N{SNAKE}".encode() * 60 + b".ipynb",
    ]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_text(EMPTY)
    (tmp_path / "round.ipynb").symlink_to("round.ipynb")
    os.mkfifo(tmp_path / "pipe.ipynb")
    out = tmp_path / "runs"
    done = run(tmp_path, out)
    assert done.exit_code == 1, done.output
    assert f"{len(names)} of {len(names) + 2} runs succeeded" in done.stdout
    assert "\x1b" not in done.stdout
    (folder,) = out.glob("*Z-1")
    rows = json.loads((folder / "report.json").read_text(encoding="utf-8"))["results"]
    sources = {os.fsencode(Path(row["source"]).name) for row in rows}
    assert sources == {*names, b"round.ipynb", b"pipe.ipynb"}
    targets = Links((folder / "index.html").read_text(encoding="utf-8")).targets
    assert len(targets) == 2 * len(names)
    for target in targets:
        assert re.fullmatch(r"\./[\w.%~-]+", target)
        assert (folder / unquote(target)).is_file()


def test_pages_of_a_batch_lead_to_each_other(tmp_path):
    for name, other in [("01_a", "02_b"), ("02_b", "03_c")]:
        cell = new_markdown_cell(f"[There]({other}.ipynb).")
        nbformat.write(new_notebook(cells=[cell]), tmp_path / f"{name}.ipynb")
    assert run(tmp_path, tmp_path / "runs").exit_code == 0
    (folder,) = (tmp_path / "runs").glob("*Z-1")
    texts = [
        (folder / f"{n}.html").read_text(encoding="utf-8") for n in ("01_a", "02_b")
    ]
    assert [Links(text).targets for text in texts] == [["./02_b.html"], []]


@linux
def test_what_is_no_file_is_not_read(tmp_path):
    pipe = tmp_path / "pipe.ipynb"
    os.mkfifo(pipe)
    assert fault_of(pipe) == (
        FaultKind.BROKEN,
        f"{pipe} is no file that can be read.",
    )


@linux
def test_links_in_a_circle(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "up").symlink_to(tmp_path)
    (tmp_path / "inside" / "round.ipynb").symlink_to("round.ipynb")
    (found,) = find_notebooks([str(tmp_path)])
    kind, cause = fault_of(found)
    assert kind is FaultKind.BROKEN
    assert "symbolic links" in cause


@linux
def test_link_keeps_its_own_name(tmp_path):
    (tmp_path / "8f3a.txt").write_text(EMPTY)
    for name in ("anna", "ben"):
        (tmp_path / f"{name}.ipynb").symlink_to("8f3a.txt")
    tasks, _ = make_grid(map(read_lesson, find_notebooks([str(tmp_path)])))
    assert [task.lesson for task in tasks] == ["anna", "ben"]


def test_folders_are_searched_and_hidden_files_are_not(tmp_path):
    for name in ("b/c/one.ipynb", "a.IPYNB", ".hidden.ipynb", "._a.ipynb", "x.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(EMPTY)
    checkpoints = tmp_path / ".ipynb_checkpoints"
    checkpoints.mkdir()
    (checkpoints / "a-checkpoint.ipynb").write_text(EMPTY)
    found = find_notebooks([str(tmp_path)])
    assert found == [tmp_path / "a.IPYNB", tmp_path / "b" / "c" / "one.ipynb"]


def test_same_names_are_told_apart_by_their_folders(tmp_path):
    for folder in ("adams_1_file", "baker_2_file"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "01_linear.ipynb").write_text(EMPTY)
    tasks, _ = make_grid(map(read_lesson, find_notebooks([str(tmp_path)])))
    lessons = ["adams_1_file/01_linear", "baker_2_file/01_linear"]
    assert [task.lesson for task in tasks] == lessons
    assert [task.name for task in tasks] == [x.replace("/", "--") for x in lessons]


def test_zip_is_said_to_be_none(tmp_path):
    archive = tmp_path / "subs.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.ipynb", EMPTY)
    kind, cause = fault_of(archive)
    assert kind is FaultKind.BROKEN
    assert cause.startswith(f"{archive} is a zip archive, no notebook: unpack it")
    with pytest.raises(CourseError, match="Unpack archives first"):
        find_notebooks([str(tmp_path)])


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"kernelspec": {"name": "julia-1.10", "language": "julia"}}, "julia"),
        ({"kernelspec": {"name": "ir"}, "language_info": {"name": "R"}}, "R"),
    ],
)
def test_other_language_is_said(tmp_path, metadata, language):
    metadata["kernelspec"]["display_name"] = "Other"
    path = tmp_path / "other.ipynb"
    path.write_text(nbformat.writes(new_notebook(metadata=metadata)))
    kind, cause = fault_of(path)
    assert kind is FaultKind.OTHER_LANGUAGE
    assert cause.startswith(f"It is written in {language} (kernel ")


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"kernelspec": {"name": "conda-env-x", "display_name": "x"}},
        {"language_info": {"name": "ipython"}},
    ],
)
def test_what_may_be_python_is_run(tmp_path, metadata):
    path = tmp_path / "mine.ipynb"
    path.write_text(nbformat.writes(new_notebook(metadata=metadata)))
    assert read_lesson(path).fault is None


def test_mark_before_the_text_is_no_fault(tmp_path):
    """Windows' Notepad puts it there."""
    path, out = tmp_path / "bom.ipynb", tmp_path / "runs"
    cell = new_code_cell("print(1 + 1)")
    path.write_text(nbformat.writes(new_notebook(cells=[cell])), encoding="utf-8-sig")
    done = run(path, out)
    assert done.exit_code == 0, done.output
