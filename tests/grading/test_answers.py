"""The answers in a notebook: found when cells were changed, moved or forged."""

import copy
import json

import pytest

from course_utils.grading.answers import Unreadable, find_answers, read_cells, score
from course_utils.grading.sections import read_paper
from tests.grading.lesson import write_lesson

EXERCISES = ["linear.count", "linear.affine"]
STUB = "def answer(*args): ..."


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    path = tmp_path_factory.mktemp("lesson") / "lesson.ipynb"
    write_lesson(path, EXERCISES, "import torch\nof_the_page = 1")
    notebook = json.loads(path.read_text())
    solution = {
        "cell_type": "code",
        "id": "solved",
        "source": "def answer_solution(): 1",
    }
    notebook["cells"].append(solution | {"metadata": {"tags": ["solution"]}})
    for number, cell in enumerate(notebook["cells"]):  # each answer has its own name
        names = {
            "answer(*": f"answer{number // 2}(*",
            ", answer)": f", answer{number // 2 - 1 + number % 2})",
        }
        for old, new in names.items():
            cell["source"] = cell["source"].replace(old, new)
    path.write_text(json.dumps(notebook))
    return path


@pytest.fixture
def paper(lesson):
    return read_paper(lesson)


@pytest.fixture
def notebook(lesson):
    return json.loads(lesson.read_text())


def code(source, **more):
    return {"cell_type": "code", "metadata": {}, "source": source} | more


def answers(notebook, paper):
    return find_answers(read_cells(json.dumps(notebook).encode()), paper)


def test_the_lesson_is_as_these_tests_take_it(paper):
    assert [s.answer for s in paper.sections] == ["answer0", "answer1"]


COUNT, AFFINE = "def answer0(n):\n    return n", "def answer1(x):\n    return x"


def filled(notebook):
    notebook = copy.deepcopy(notebook)
    notebook["cells"][1]["source"] = COUNT
    notebook["cells"][3]["source"] = [AFFINE]
    return notebook


BOTH = {"linear.count": COUNT, "linear.affine": AFFINE}


def without_ids(notebook):
    for cell in notebook["cells"]:
        cell.pop("id", None)


def without_tags(notebook):
    for cell in notebook["cells"]:
        cell["metadata"] = {"tags": None}


def as_colab(notebook):
    for cell in notebook["cells"]:
        cell["metadata"] = {"id": cell.pop("id")}


def without_checks(notebook):
    notebook["cells"] = [c for c in notebook["cells"] if "check(" not in c["source"]]


def only_names(notebook):
    without_ids(notebook)
    without_tags(notebook)
    without_checks(notebook)


def nothing_but_checks(notebook):
    without_ids(notebook)
    without_tags(notebook)


def check_in_the_cell(notebook):
    nothing_but_checks(notebook)
    cells = notebook["cells"]
    cells[1]["source"] += "\ncheck( 'linear.count', answer0, hint=True)"
    del cells[2]


def swapped(notebook):
    notebook["cells"].reverse()


def noisy(notebook):
    notebook["cells"] += [{}, None, 3, {"cell_type": "code"}, code(None), code([1])]
    notebook["cells"][0]["metadata"] = []


CHANGES = [
    lambda notebook: None,
    without_ids,
    without_tags,
    as_colab,
    without_checks,
    nothing_but_checks,
    only_names,
    swapped,
    noisy,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_answers_are_found_whatever_a_host_does_to_cells(notebook, paper, change):
    notebook = filled(notebook)
    change(notebook)
    assert answers(notebook, paper) == (BOTH, ())


def test_answer_in_the_cell_of_its_check(notebook, paper):
    notebook = filled(notebook)
    check_in_the_cell(notebook)
    found, _ = answers(notebook, paper)
    assert found["linear.count"].startswith(COUNT)


def test_answer_in_a_new_cell_below_the_stub(notebook, paper):
    notebook["cells"].insert(2, code(COUNT, id="new"))
    found, notes = answers(notebook, paper)
    assert found["linear.count"] == COUNT
    assert found["linear.affine"] == "def answer1(*args): ..."
    assert not notes


def test_of_two_cells_of_an_exercise_the_last_counts(notebook, paper):
    notebook = filled(notebook)
    old = copy.deepcopy(notebook["cells"][1]) | {"source": "def answer0(n):\n    1 / 0"}
    notebook["cells"].insert(1, old)
    found, notes = answers(notebook, paper)
    assert found == BOTH
    assert notes == ("linear.count has 2 cells: the last counts.",)


def test_cells_that_are_gone_or_no_code_are_not_answered(notebook, paper):
    notebook = filled(notebook)
    notebook["cells"][3]["cell_type"] = "markdown"
    del notebook["cells"][1]
    assert answers(notebook, paper) == ({}, ())


@pytest.mark.parametrize(
    "solution",
    [
        code(COUNT, id="x", metadata={"tags": ["solution", "exercise"]}),
        code(COUNT, id="solved", metadata={"tags": ["exercise"]}),
        code(f"# @title Solution: linear.count\n{COUNT}", id="x"),
    ],
)
def test_solutions_never_count(notebook, paper, solution):
    notebook["cells"].insert(2, solution)
    found, _ = answers(notebook, paper)
    assert found["linear.count"] == "def answer0(*args): ..."


def test_solution_pasted_into_the_exercise_is_its_answer(notebook, paper):
    notebook["cells"][1]["source"] = f"# @title Solution: linear.count\n{COUNT}"
    found, _ = answers(notebook, paper)
    assert found["linear.count"].endswith(COUNT)


def test_forged_checks_and_outputs_win_nothing(notebook, paper):
    forged = code('check = print\ncheck("linear.count", 1)', outputs=[{"data": {}}])
    notebook["cells"][1:1] = [forged, forged]
    found, _ = answers(notebook, paper)
    assert found["linear.count"] == "def answer0(*args): ..."


def test_what_an_answer_uses_of_other_cells_comes_along(notebook, paper):
    uses = "def answer0(n):\n    return helper(n) + of_the_page"
    notebook["cells"][1]["source"] = uses
    notebook["cells"][1:1] = [
        code("%time 1\nimport math\ndef helper(n):\n    return math.sqrt(n)\nslow()"),
        code("of_the_page = 2\nhelper(1"),
    ]
    found, _ = answers(notebook, paper)
    lines = found["linear.count"].splitlines()
    assert lines[0] == "import math"
    assert found["linear.count"].endswith(uses)
    assert "slow" not in found["linear.count"]
    assert "of_the_page = 2" not in lines  # the page's own is the lesson's


def test_stub_stays_a_stub_beside_cells_of_the_learners_own(notebook, paper):
    notebook["cells"].insert(1, code("args = 3\nanswer = 4"))
    found, _ = answers(notebook, paper)
    assert found["linear.count"] == "def answer0(*args): ..."


def test_cell_that_is_timed_is_the_cell(notebook, paper):
    notebook["cells"][1]["source"] = f"\n%%time\n{COUNT}"
    assert answers(notebook, paper)[0]["linear.count"] == COUNT


def test_halves_of_characters_are_replaced(notebook, paper):
    notebook["cells"][1]["source"] = f"{COUNT}  # \ud83d"
    assert answers(notebook, paper)[0]["linear.count"].endswith("# ?")


def test_score_counts_exercises(notebook, paper):
    cells = read_cells(json.dumps(notebook).encode())
    assert score(cells, paper) == 2
    without_ids(notebook)
    del notebook["cells"][2]
    assert score(read_cells(json.dumps(notebook).encode()), paper) == 1


GOOD = json.dumps({"cells": [code("ä = '😀'")]}, ensure_ascii=False)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_every_unicode_is_read(encoding):
    (cell,) = read_cells(GOOD.encode(encoding))
    assert cell.source == "ä = '😀'"


def other(**metadata):
    return json.dumps({"cells": [], "metadata": metadata}).encode()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty"),
        (b"\0" * 2000, "is empty"),
        (b"\xef\xbb\xbf\n", "broken: not JSON from line"),
        (GOOD.encode("cp1252", "replace"), "not UTF-8 text"),
        (b'{"cells": [\n<<<<<<< HEAD\n', "not JSON from line 2"),
        (GOOD.encode()[:-5], "broken"),
        (b"PK\3\4....", "is a zip archive, not"),
        (b"%PDF-1.7", "is a PDF, not"),
        (b"\n<!DOCTYPE HTML><html>", "is a web page, not"),
        (b"\x89PNG", "is a picture"),
        (b"[]", "no notebook: it has no cells"),
        (b'"cells"', "no notebook: it has no cells"),
        (b'{"cells": 3}', "no notebook: it has no cells"),
        (b'{"nbformat": 3, "worksheets": []}', "no notebook: it has no cells"),
        (b"[" * 200_000, "broken"),
        (b'{"cells": ' + b"9" * 10_000 + b"}", "broken"),
        (other(kernelspec={"language": "julia"}), "written in julia, not in Python"),
        (other(language_info={"name": "<b>R"}), r"written in \?b\?R, not"),
    ],
)
def test_what_is_no_notebook_is_said(data, told):
    with pytest.raises(Unreadable, match=told):
        read_cells(data)


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"language": "python"}, "language_info": {"name": "ipython"}},
        {"kernelspec": [], "language_info": {"name": None}},
        {},
    ],
)
def test_python_by_any_name_is_read(metadata):
    assert read_cells(other(**metadata)) == []
