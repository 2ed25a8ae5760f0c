"""Lessons as nbgrader takes them: metadata, solutions in marks, tests that raise."""

import ast
import re

import nbformat
import pytest
from traitlets.config.loader import PyFileConfigLoader

from course_utils.authoring.assignment import CONFIG, make_assignment, with_solution
from course_utils.authoring.lint.document import Document, checks
from course_utils.errors import CourseError
from course_utils.exercises.registry import numbered_exercises
from course_utils.grading.sections import read_paper
from tests.authoring.test_release import released
from tests.lessons import LESSONS, code_cells, read, solutions, tags

# The keys of version 3 of nbgrader's metadata that a source may have, and their types.
FORMAT = {
    "schema_version": int,
    "grade": bool,
    "solution": bool,
    "locked": bool,
    "task": bool,
    "grade_id": str,
}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The folder of a course for nbgrader, with all lessons."""
    folder = tmp_path_factory.mktemp("nbgrader") / "course"
    released("--nbgrader", "--out", folder)
    return folder


def source(course, lesson):
    return course / "source" / lesson.stem / lesson.name


def for_learner(text: str, stub: str) -> str:
    """Return a cell as nbgrader gives it to learners: regions replaced or dropped."""
    lines, inside = [], False
    for line in text.splitlines():
        if re.search("BEGIN (SOLUTION|HIDDEN TESTS)", line):
            inside = True
            if "SOLUTION" in line:
                indent = line[: len(line) - len(line.lstrip())]
                lines += [indent + part for part in stub.splitlines()]
        elif re.search("END (SOLUTION|HIDDEN TESTS)", line):
            inside = False
        elif not inside:
            lines.append(line)
    assert not inside
    return "\n".join(lines)


def statements(text: str) -> list[str]:
    return [ast.dump(statement) for statement in ast.parse(text).body]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_cells_carry_nbgraders_metadata(course, lesson):
    marked = [c for c in read(source(course, lesson)).cells if "nbgrader" in c.metadata]
    ids = [cell.metadata.nbgrader.grade_id for cell in marked]
    assert len(set(ids)) == len(ids) == 2 * len(solutions(read(lesson)))
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", id) for id in ids)
    for answer, test in zip(marked[::2], marked[1::2], strict=True):
        for cell in (answer, test):
            marks = dict(cell.metadata.nbgrader)
            points = marks.pop("points", None)
            assert {key: type(value) for key, value in marks.items()} == FORMAT
            assert marks["schema_version"] == 3 and not marks["task"]
            assert points == (1 if cell is test else None)
            assert marks["grade"] is marks["locked"] is (cell is test)
            assert marks["solution"] is (cell is answer)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_solved_cells_are_the_solutions(course, lesson):
    document = Document(lesson, source(course, lesson).read_bytes())
    solved = {checks(test)[0][0]: cell.source for cell, test in document.stubs()}
    expected = solutions(read(lesson))
    assert list(solved) == [s.exercise for s in read_paper(lesson).sections]
    for section in read_paper(lesson).sections:
        code = re.sub(r"(\w)_solution\b", r"\1", expected[section.exercise][0])
        # Below the stub, where it is more than the bodies of the stub's functions.
        below = statements(section.stub) + statements(code)
        assert statements(solved[section.exercise]) in (statements(code), below)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_learner_gets_the_stubs_and_no_solution(course, lesson):
    config = re.search(r'code_stub = \{"python": "(.*?)"\}', CONFIG)
    assert config
    notebook = read(source(course, lesson))
    cells = {cell.id: cell.source for cell in code_cells(notebook)}
    for section in read_paper(lesson).sections:
        stub = statements(section.stub)
        given = statements(for_learner(cells[section.cell], config[1]))
        assert given in (stub, [*stub, *statements(config[1])])
    assert not [cell for cell in notebook.cells if "solution" in tags(cell)]
    assert "_solution" not in str(notebook) and "## Solutions" not in str(notebook)


def test_grading_finds_the_exercises_of_what_learners_get(course, tmp_path):
    lesson = LESSONS[1]
    document = Document(lesson, source(course, lesson).read_bytes())
    for _, test in document.stubs():
        test.source = for_learner(test.source, "...")
    path = tmp_path / lesson.name
    nbformat.write(document.notebook, path)
    found = [(s.exercise, s.cell, s.answer) for s in read_paper(path).sections]
    expected = read_paper(lesson).sections
    assert found == [(s.exercise, s.cell, s.answer) for s in expected]
    assert [name for name, *_ in found] == list(numbered_exercises("linear"))


def run_test_cell(answer: str, test: str) -> None:
    page: dict = {}
    exec("import torch\nfrom course_utils import check", page)
    exec(answer, page)
    exec(test, page)


@pytest.fixture
def affine(course) -> tuple[str, str]:
    """The solved cell of an exercise, and its test."""
    document = Document(LESSONS[1], source(course, LESSONS[1]).read_bytes())
    answer, test = document.stubs()[2]
    return answer.source, test.source


def test_solution_passes_its_test(affine, displayed):
    run_test_cell(*affine)
    assert "correct" in displayed[-1][0]["text/plain"]


def test_stub_and_wrong_answer_raise(affine, displayed):
    answer, test = affine
    with pytest.raises(CourseError, match=r"linear\.affine: not attempted yet"):
        run_test_cell(for_learner(answer, "..."), test)
    with pytest.raises(CourseError, match=r"linear\.affine: not yet"):
        run_test_cell(answer.replace("+ bias", ""), test)
    assert "the bias is missing" in displayed[-1][0]["text/plain"]


def test_stub_of_a_course_with_its_own_config_raises_too(affine, displayed):
    answer, test = affine
    stub = for_learner(answer, "# YOUR CODE HERE\nraise NotImplementedError()")
    with pytest.raises(CourseError, match=r"linear\.affine: stopped by an error"):
        run_test_cell(stub, test)


def test_page_with_a_check_of_its_own_gets_no_points(affine):
    forged = "def check(*args, **more): pass\ndef affine(*args): pass"
    run_test_cell(forged, for_learner(affine[1], ""))  # what the learner sees
    with pytest.raises(AssertionError, match="of its own"):
        run_test_cell(forged, affine[1])


@pytest.mark.parametrize(
    ("stub", "solution", "solved"),
    [
        (
            "def f(x):\n    ...",
            "def f_solution(x):\n    # twice\n\n    return 2 * x",
            "def f(x):\n    ### BEGIN SOLUTION\n    # twice\n\n    return 2 * x\n"
            "    ### END SOLUTION",
        ),
        (  # arguments of its own: below the stub
            "def f(): ...",
            "def f_solution(n=2):\n    return n",
            "def f(): ...\n\n### BEGIN SOLUTION\ndef f(n=2):\n    return n\n"
            "### END SOLUTION",
        ),
        (  # a body beside its header
            "def f(): ...",
            "def f_solution(): return 1",
            "def f(): ...\n\n### BEGIN SOLUTION\ndef f(): return 1\n### END SOLUTION",
        ),
        (  # a method more than the stub has
            "class A:\n    def f(self): ...",
            "class A_solution:\n    def f(self):\n        return 1\n\n"
            "    def g(self):\n        return 2",
            "class A:\n    def f(self): ...\n\n### BEGIN SOLUTION\nclass A:\n"
            "    def f(self):\n        return 1\n\n    def g(self):\n        return 2\n"
            "### END SOLUTION",
        ),
        (  # one less
            "class A:\n    def f(self): ...\n    def g(self): ...",
            "class A_solution:\n    def f(self):\n        return 1",
            "class A:\n    def f(self): ...\n    def g(self): ...\n\n"
            "### BEGIN SOLUTION\nclass A:\n    def f(self):\n        return 1\n"
            "### END SOLUTION",
        ),
    ],
)
def test_solution_stands_where_the_learners_goes(stub, solution, solved):
    assert with_solution(stub, solution) == solved


def test_exercise_without_a_solution_is_said():
    document = Document(LESSONS[9], LESSONS[9].read_bytes())
    for cell in document.tagged("solution")[:1]:
        cell.metadata.tags = []
    with pytest.raises(CourseError, match=r"09_flatten.ipynb: cell \d+ .* no solution"):
        make_assignment(document)


def test_every_assignment_has_the_licence_and_nbgrader_its_settings(course):
    assert sorted(path.name for path in course.iterdir()) == [
        "constraints.txt",
        "nbgrader_config.py",
        "requirements.txt",
        "source",
    ]
    for lesson in LESSONS:
        beside = {path.name for path in source(course, lesson).parent.iterdir()}
        assert beside == {lesson.name, "LICENSE"}


def test_settings_are_read_as_traitlets_reads_them(course):
    loader = PyFileConfigLoader("nbgrader_config.py", str(course))
    settings = loader.load_config()
    assert settings.ClearSolutions.code_stub == {"python": "..."}
    assert settings.Execute.timeout >= 600
