"""The grid of tasks, and what is read from a notebook to make it."""

from pathlib import Path

import pytest

from course_utils.errors import CourseError
from course_utils.runs.lessons import (
    Lesson,
    find_notebooks,
    make_grid,
    parse_parameters,
    read_lesson,
)
from course_utils.runs.model import Fault, FaultKind

from .conftest import FIXTURES

LINEAR = Lesson(Path("01_linear.ipynb"), {"device": "auto", "seed": 0})
TRAIN = Lesson(Path("10_train.ipynb"), {"device": "auto", "seed": 0, "epochs": 3})


def test_without_choices_each_lesson_runs_once_with_its_defaults():
    tasks, notes = make_grid([LINEAR, TRAIN])
    assert [(t.lesson, t.values) for t in tasks] == [
        ("01_linear", {}),
        ("10_train", {}),
    ]
    assert (tasks[0].device, tasks[0].seed, tasks[0].parameters) == ("auto", "0", "")
    assert notes == []


def test_every_combination():
    tasks, _ = make_grid([TRAIN], ["cpu", "cuda"], [0, 1], {"epochs": [2, 4]})
    seen = {(t.device, t.seed, t.parameters) for t in tasks}
    assert len(tasks) == len(seen) == len({t.name for t in tasks}) == 8
    assert ("cuda", "1", "epochs=4") in seen
    assert tasks[0].name == "10_train--device-cpu--seed-0--epochs-2"


def test_parameter_that_one_lesson_lacks_is_left_out_with_a_note():
    tasks, notes = make_grid([LINEAR, TRAIN], parameters={"epochs": [2, 4]})
    assert [t.values for t in tasks] == [{}, {"epochs": 2}, {"epochs": 4}]
    assert notes == ["01_linear has no parameter 'epochs': it runs without it."]


def test_parameter_that_no_lesson_has():
    with pytest.raises(CourseError, match="no lesson here has a parameter 'epoch'; "):
        make_grid([LINEAR, TRAIN], parameters={"epoch": [2]})
    with pytest.raises(CourseError, match="there are none"):
        make_grid([Lesson(Path("plain.ipynb"))], devices=["cpu"])


def test_unreadable_notebook_is_one_task():
    bad = Lesson(Path("bad.ipynb"), fault=Fault(FaultKind.BROKEN, "Broken."))
    tasks, notes = make_grid([bad, TRAIN], seeds=[0, 1])
    assert [t.lesson for t in tasks] == ["bad", "10_train", "10_train"]
    assert tasks[0].fault == bad.fault
    assert notes == []


def test_repeated_values_run_once_but_types_differ():
    tasks, _ = make_grid([TRAIN], ["cpu", "cpu"], [1, 1], {"epochs": [1, 1.0, True]})
    assert [t.values["epochs"] for t in tasks] == [1, 1.0, True]
    assert [type(t.values["epochs"]) for t in tasks] == [int, float, bool]


def test_names_of_files_are_unique_and_safe():
    same = Lesson(Path("other/10_TRAIN.ipynb"), TRAIN.defaults | {"text": ""})
    tasks, _ = make_grid([TRAIN, same])
    assert [t.name for t in tasks] == ["10_train", "10_TRAIN--2"]
    tasks, _ = make_grid([same], parameters={"text": ["a/b c", "a:b?c", "x" * 300]})
    names = [t.name for t in tasks]
    assert names[:2] == ["10_TRAIN--text-a-b-c", "10_TRAIN--text-a-b-c--2"]
    assert max(map(len, names)) < 160


def test_defaults_come_from_the_parameters_cell():
    lesson = read_lesson(FIXTURES / "fine.ipynb")
    assert lesson.defaults == {"device": "auto", "seed": 0, "epochs": 1}
    assert read_lesson(FIXTURES / "dies.ipynb").defaults == {}


def test_json_that_is_no_notebook(tmp_path):
    path = tmp_path / "list.ipynb"
    path.write_text('{"title": "JSON, but no notebook"}', encoding="utf-8")
    fault = read_lesson(path).fault
    assert fault.kind is FaultKind.BROKEN
    assert fault.cause.startswith("The notebook is broken: ")


def test_notebook_that_is_not_text(tmp_path):
    path = tmp_path / "bytes.ipynb"
    path.write_bytes(b"\xff\xfe\x00")
    assert read_lesson(path).fault.cause.endswith("it is not UTF-8 text.")


def test_lessons_are_found_by_folder_by_start_and_by_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notebooks").mkdir()
    source = (FIXTURES / "fine.ipynb").read_bytes()
    for name in ("02_b", "01_a", "10_c"):
        (tmp_path / "notebooks" / f"{name}.ipynb").write_bytes(source)
    assert [x.stem for x in find_notebooks()] == ["01_a", "02_b", "10_c"]
    assert [x.stem for x in find_notebooks(("10", "01"))] == ["10_c", "01_a"]
    assert [x.stem for x in find_notebooks(("notebooks",))] == ["01_a", "02_b", "10_c"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(CourseError, match="no notebook found in empty"):
        find_notebooks(("empty",))


def test_values_of_parameters_are_python_or_text():
    pairs = (("n", "2"), ("n", "0.5"), ("on", "true"), ("how", "relu"), ("k", "[1, 2]"))
    assert parse_parameters(pairs) == {
        "n": [2, 0.5],
        "on": [True],
        "how": ["relu"],
        "k": [[1, 2]],
    }
    with pytest.raises(CourseError, match="use --device cpu"):
        parse_parameters((("device", "cpu"),))


def test_labs_are_found_by_their_letters():
    found = [path.stem for path in find_notebooks(list("ABCDE"))]
    assert found == ["hinges", "few_labels", "shifts", "bits", "budget"]
    for letter, path in zip("ABCDE", find_notebooks(list("ABCDE")), strict=True):
        assert f"# Lab {letter} ·" in path.read_text(encoding="utf-8")
