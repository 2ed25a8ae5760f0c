"""Each rule sees what it is for, and `course lint` reports it."""

from copy import deepcopy
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils import Exercise, Misconception, register
from course_utils.authoring.lint import LAB_RULES, RULES
from course_utils.authoring.lint.document import Document
from course_utils.authoring.normal_form import dumps, normalise
from course_utils.cli import main
from tests.authoring.breaks import BREAKS
from tests.authoring.changes import Change, replace
from tests.authoring.fixture import EXERCISES, NAME, good_lesson


def known(name: str, count: int) -> Exercise:
    mistakes = [Misconception(f"{i}", i, f"This is {i}.") for i in range(count)]
    return Exercise(f"fixture.{name}", -1, mistakes)


for exercise in [*(known(name, 3) for name in EXERCISES), known("thin", 2)]:
    register(exercise)


def complaints(rule: str, notebook: NotebookNode, name: str = NAME) -> list[str]:
    return list(RULES[rule](Document(Path(name), dumps(notebook).encode())))


GOOD = normalise(good_lesson())


@pytest.fixture
def good() -> NotebookNode:
    return deepcopy(GOOD)


@pytest.mark.parametrize("rule", RULES)
def test_good_lesson_passes(good, rule):
    assert complaints(rule, good) == []


@pytest.mark.parametrize(
    ("rule", "change", "complaint"),
    [(rule, *case) for rule, cases in BREAKS.items() for case in cases],
)
def test_broken_lesson_gets_its_own_complaint(
    good, rule: str, change: Change, complaint: str
):
    change(good)
    assert complaint in "\n".join(complaints(rule, good))


@pytest.mark.parametrize("name", ["1_good.ipynb", "01-good.ipynb", "01_Good.ipynb"])
def test_bad_file_name_is_reported(good, name):
    problems = complaints("numbered_name", good, name)
    assert problems == [f"{name}: name it NN_snake_case.ipynb"]


def test_large_file_is_reported(good):
    replace("word ", "wordy " * 300, everywhere=True)(good)
    (problem,) = complaints("small_file", good)
    assert problem.endswith("bytes, over 1,500,000")


def test_widget_state_is_reported(good):
    good.metadata["widgets"] = {}
    (problem,) = complaints("no_widget_state", good)
    assert problem.startswith("stores widget state")
    (problem,) = complaints("normalised", good)
    assert problem.startswith("not normalised")


@pytest.mark.parametrize("count", [None, 1, 99])
def test_count_out_of_order_is_reported(good, count):
    good.cells[-2].execution_count = count
    (problem,) = complaints("executed_in_order", good)
    assert f"{count}]: run" in problem


def test_every_rule_is_broken_by_a_test():
    here = {"numbered_name", "small_file", "no_widget_state"}
    here |= {"normalised", "executed_in_order"}
    assert set(RULES) == set(BREAKS) | here


@pytest.mark.parametrize(
    "notebook",
    [
        new_notebook(),
        new_notebook(cells=[new_markdown_cell("")]),
        new_notebook(cells=[new_code_cell("")]),
        new_notebook(cells=[new_code_cell("check(", metadata={"tags": ["solution"]})]),
        new_notebook(cells=[new_code_cell("", metadata={"tags": ["solution"]})]),
    ],
    ids=["empty", "empty text", "empty code", "half a check", "empty solution"],
)
@pytest.mark.parametrize("rule", RULES)
def test_no_rule_fails_on_an_odd_notebook(rule, notebook):
    problems = complaints(rule, notebook)
    assert all(isinstance(problem, str) for problem in problems)


def test_check_over_several_lines_is_seen(good):
    check = 'check(\n    "fixture.one",\n    one,\n)'
    replace('check("fixture.one", one)', check)(good)
    assert complaints("stub_then_check", good) == []


def test_link_to_a_lesson_that_is_there_passes(good, tmp_path):
    (tmp_path / "00_a.ipynb").touch()
    replace("https://example.org", "00_a.ipynb")(good)
    path = str(tmp_path / NAME)
    assert complaints("links_lead_to_lessons", good, path) == []
    replace("nothing.", "lesson [00](00_a.ipynb).")(good)
    assert complaints("links_what_it_builds_on", good, path) == []


def lint(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["lint", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path, monkeypatch, good) -> Path:
    """A current folder with a good lesson in notebooks/."""
    monkeypatch.chdir(tmp_path)
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    (notebooks / NAME).write_bytes(dumps(good).encode())
    return notebooks


def test_command_passes_a_good_lesson(folder):
    result = lint()
    assert (result.exit_code, result.stdout) == (0, "1 lesson, no problems.\n")


def test_command_reports_one_line_per_problem(folder, good):
    good.cells[-2].execution_count = 1
    replace("45 minutes", "an hour")(good)
    (folder / "01_bad.ipynb").write_bytes(dumps(good).encode())
    result = lint()
    *lines, closing = result.stdout.splitlines()
    path = Path("notebooks") / "01_bad.ipynb"
    assert [line.split(": ")[:2] for line in lines] == [
        [str(path), "executed_in_order"],
        [str(path), "badge_opens_this_lesson"],
        [str(path), "says_how_long"],
    ]
    assert closing == "2 lessons, 3 problems."
    assert result.exit_code == 1


def test_command_takes_names_as_run_does(folder, good):
    (folder / "02_broken.ipynb").write_text("{", encoding="utf-8")
    assert lint("01").stdout == "1 lesson, no problems.\n"
    result = lint("02")
    assert "02_broken.ipynb: readable: The notebook is broken: " in result.stdout
    assert result.stdout.endswith("1 lesson, 1 problem.\n")
    assert result.exit_code == 1


def test_command_reports_a_missing_notebook(folder):
    result = lint("absent.ipynb")
    assert "absent.ipynb: readable: There is no notebook" in result.stdout
    assert result.exit_code == 1


def test_command_without_lessons_is_refused(tmp_path):
    result = lint(tmp_path)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"course lint: no notebook found in {tmp_path}: ")


def test_rules_are_listed_with_what_they_ask_for():
    result = lint("--rules")
    lines = result.stdout.splitlines()
    every = RULES | LAB_RULES
    assert [line.split()[0] for line in lines] == list(every)
    for line, rule in zip(lines, every.values(), strict=True):
        assert rule.__doc__ and rule.__doc__.endswith("."), rule
        assert line.endswith(f"  {rule.__doc__}")
