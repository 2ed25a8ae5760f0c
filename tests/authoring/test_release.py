"""What learners get: no solutions, helpers of one version, and nothing overwritten."""

import re
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

import nbformat
import papermill
import pytest
from click.testing import CliRunner, Result

from course_utils.authoring.links import COLAB, address, title_of
from course_utils.authoring.pin import make_pin
from course_utils.authoring.release import github_folder
from course_utils.cli import main
from course_utils.display.bundles import CHECK
from course_utils.grading.sections import read_paper
from tests.lessons import LESSONS, ROOT, clean_environment, code_cells, read, tags

VERSION = make_pin(ROOT, None, None).version
BESIDE = {"LICENSE", "README.md", "constraints.txt", "requirements.txt"}


def release(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["release", *map(str, arguments)])


def released(*arguments: object) -> Result:
    result = release(*arguments)
    assert result.exit_code == 0, result.output
    return result


def contents(folder: Path) -> Mapping[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def everything(tmp_path_factory) -> Path:
    """All lessons, released."""
    folder = tmp_path_factory.mktemp("release") / "all"
    released("--out", folder)
    return folder


@pytest.fixture
def course(tmp_path, monkeypatch) -> Path:
    """A current folder with the course's files and lesson 09, which is small."""
    folder = tmp_path / "course"
    (folder / "notebooks").mkdir(parents=True)
    for name in ["pyproject.toml", "LICENSE", "constraints.txt"]:
        shutil.copy(ROOT / name, folder)
    shutil.copy(LESSONS[9], folder / "notebooks")
    monkeypatch.chdir(folder)
    return folder


def prose(notebook: nbformat.NotebookNode) -> str:
    return "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")


# --- what is in a lesson ----------------------------------------------------------


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_nothing_of_the_solutions_is_left(everything, lesson):
    notebook = read(everything / lesson.name)
    assert not [cell for cell in notebook.cells if "solution" in tags(cell)]
    text = (everything / lesson.name).read_text(encoding="utf-8")
    assert not re.search(r"\w_solution\b|Solutions?\b[^.]*\b(end|below)\b", text)
    assert "# Solution" not in text and "Solution: " not in text


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_all_else_is_as_it_was(everything, lesson):
    before, after = read(lesson), read(everything / lesson.name)
    kept = [c for c in before.cells if "solution" not in tags(c)]
    kept = [c for c in kept if not c.source.startswith("## Solutions")]
    assert [c.id for c in after.cells] == [c.id for c in kept]
    for old, new in zip(kept, after.cells, strict=True):
        if old.cell_type == "code" and "setup" not in tags(old):
            assert new.source == old.source
        if old.cell_type == "code":
            assert len(new.outputs) == len(old.outputs)
    nbformat.validate(after)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_grading_finds_the_same_exercises(everything, lesson):
    assert read_paper(everything / lesson.name).sections == read_paper(lesson).sections


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_cells_are_counted_as_if_executed_in_this_form(everything, lesson):
    cells = code_cells(read(everything / lesson.name))
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        counts = {o.execution_count for o in cell.outputs if "execution_count" in o}
        assert counts <= {cell.execution_count}


def test_outputs_stay_or_go(everything, tmp_path):
    released("01", "--no-outputs", "--out", tmp_path / "bare")
    with_outputs = code_cells(read(everything / LESSONS[1].name))
    bare = code_cells(read(tmp_path / "bare" / LESSONS[1].name))
    assert any(CHECK in o.get("data", {}) for c in with_outputs for o in c.outputs)
    assert not any(c.outputs or c.execution_count for c in bare)
    assert [c.source for c in bare] == [c.source for c in with_outputs]


def test_links_lead_to_what_is_released(tmp_path):
    released("01", "02", "--out", tmp_path / "two")
    text = prose(read(tmp_path / "two" / LESSONS[1].name))
    assert "**Builds on:** lesson 00 (tensors" in text
    assert text.endswith(
        "**Before:** 0 · Start here · **Next:** [2 · Activations](02_activations.ipynb)"
    )
    notebooks = [read(path) for path in (tmp_path / "two").glob("*.ipynb")]
    links = set(re.findall(r"\]\(([^)#:]+\.ipynb)", "\n".join(map(prose, notebooks))))
    assert links == {"01_linear_layers.ipynb", "02_activations.ipynb"}


# --- which helpers it meets -------------------------------------------------------


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_lesson_installs_the_helpers_of_this_version(everything, lesson):
    notebook = read(everything / lesson.name)
    (setup,) = [cell for cell in notebook.cells if "setup" in tags(cell)]
    source = f"git+https://github.com/{address(ROOT)}@{VERSION}"
    assert f'%pip install -q "{source}"\n' in setup.source
    text = (everything / lesson.name).read_text(encoding="utf-8")
    assert text.count("git+https://") == 1


def test_repository_and_version_can_be_named(tmp_path):
    result = released(
        "01", "--out", tmp_path / "x", "--repository", "me/mine.x", "--version", "s26"
    )
    source = "git+https://github.com/me/mine.x@s26"
    (setup,) = [
        c for c in read(tmp_path / "x" / LESSONS[1].name).cells if c.id == "c01-002"
    ]
    assert f'%pip install -q "{source}"' in setup.source
    requirements = (tmp_path / "x" / "requirements.txt").read_text()
    assert requirements == f"layer-by-layer-course[lab] @ {source}\n"
    assert result.stdout.endswith("1 notebook; the helpers are s26 of me/mine.x.\n")
    result = released("01", "--out", tmp_path / "y", "--version", "0123456789")
    assert "(not checked whether GitHub has that commit).\n" in result.stdout


def test_badges_go_as_they_would_open_the_solutions(everything):
    for lesson in LESSONS:
        title = read(everything / lesson.name).cells[0]
        assert COLAB not in title.source and "attachments" not in title
    assert COLAB not in (everything / "README.md").read_text(encoding="utf-8")


def test_badges_open_the_release_where_it_is_said_to_lie(tmp_path):
    result = released("01", "--out", tmp_path / "x", "--colab", "me/students")
    assert "badges" not in result.stderr
    url = f"{COLAB}me/students/blob/main/01_linear_layers.ipynb"
    title = read(tmp_path / "x" / LESSONS[1].name).cells[0]
    assert f"[![Open in Colab](attachment:colab.png)]({url})" in title.source
    assert list(title.attachments) == ["colab.png"]
    readme = (tmp_path / "x" / "README.md").read_text(encoding="utf-8")
    assert f"]({url}) |" in readme and "use the badges" in readme


@pytest.mark.parametrize(
    "text", ["me", "me/it/more", "https://example.org/me/it", "me/it/tree/main/a b", ""]
)
def test_what_is_no_folder_on_github_is_said(text):
    with pytest.raises(RuntimeError, match="--colab is a folder on GitHub"):
        github_folder(text)


# --- what lies beside it ----------------------------------------------------------


def test_learners_find_a_readme_the_licence_and_the_versions(everything):
    files = contents(everything)
    assert set(files) == BESIDE | {lesson.name for lesson in LESSONS}
    for name in ("LICENSE", "constraints.txt"):
        assert files[name] == (ROOT / name).read_bytes()
    readme = files["README.md"].decode()
    for lesson in LESSONS:
        assert f"| [{title_of(lesson)[0]}]({lesson.name}) |" in readme
    assert VERSION in readme and "$" not in readme


def test_readme_speaks_of_labs_where_one_is_given_out(tmp_path):
    path = tmp_path / "x" / "README.md"
    texts = []
    for names in (["hinges"], ["01", "hinges"], ["01"]):
        released(*names, "--out", path.parent, "--force")
        texts.append(path.read_text(encoding="utf-8"))
    lab, both, lesson = texts
    assert "submission(...)" in lab and "under its name: `hinges.ipynb`." in lab
    assert "check below it" not in lab and "hints to open" not in lab
    assert "check below it" in both and "`hinges.ipynb`." in both
    assert "check below it" in lesson and "submission(...)" not in lesson


def test_missing_tag_is_a_warning_that_says_what_to_do(tmp_path):
    result = released("01", "--out", tmp_path / "x", "--version", "no-such-tag")
    assert "WARNING: This checkout has no tag no-such-tag" in result.stderr
    assert "git push origin no-such-tag" in result.stderr


def test_archive_holds_the_files_of_the_folder(everything, tmp_path):
    released("--out", tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    assert files == contents(everything)


@pytest.mark.parametrize("more", [(), ("--nbgrader",), ("--no-outputs",)])
def test_released_twice_is_the_same_to_the_byte(tmp_path, more):
    for name in ("a", "b"):
        released("00", "09", "--out", tmp_path / name, *more)
        released("09", "00", "--out", tmp_path / f"{name}.zip", *more)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


# --- what is refused --------------------------------------------------------------


@pytest.mark.parametrize("name", ["folder", "x.zip"])
def test_nothing_is_overwritten_unless_forced(tmp_path, name):
    out = tmp_path / name
    released("09", "--out", out)
    if out.is_dir():
        (out / "mine.txt").write_text("kept")
    (out / "LICENSE" if out.is_dir() else out).write_text("changed")
    before = contents(tmp_path)
    result = release("09", "--out", out)
    assert result.exit_code == 2 and "--force" in result.stderr
    assert contents(tmp_path) == before
    released("09", "--out", out, "--force")
    after = contents(tmp_path)
    assert b"changed" not in after.values()
    assert after.get("folder/mine.txt", b"kept") == b"kept"


def test_empty_folder_is_filled(tmp_path):
    released("09", "--out", tmp_path)
    assert set(contents(tmp_path)) == BESIDE | {LESSONS[9].name}


def test_lessons_themselves_are_never_replaced(course):
    before = contents(course)
    result = release("09", "--out", "notebooks", "--force")
    assert result.exit_code == 2 and "the lessons themselves" in result.stderr
    assert contents(course) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["77", "--out", "x"], "77"),
        (["broken.ipynb", "--out", "x"], "not JSON from line 1"),
        (["untitled.ipynb", "--out", "x"], "does not begin with a title"),
        (["09", "copy/09_flatten.ipynb", "--out", "x"], "two lessons are called"),
        (["09", "--out", "LICENSE"], "LICENSE is a file"),
        (["09", "--out", "LICENSE/x"], "can't be written: Not a directory"),
        (["09", "--out", "folder.zip"], "folder.zip is a folder"),
        (["09", "--out", "x", "--repository", "mine"], "--repository is the owner"),
        (["09", "--out", "x", "--version", '1" $(x)'], "--version is a tag"),
        (["09", "--out", "x", "--version", "-v"], "--version is a tag"),
        (["09", "--out", "x", "--colab", "a/b", "--nbgrader"], "no --colab"),
        (["unsolved.ipynb", "--out", "x", "--nbgrader"], "has no check or no solution"),
    ],
)
def test_what_cannot_be_released_is_said(course, arguments, words):
    Path("folder.zip").mkdir()
    Path("copy").mkdir()
    shutil.copy("notebooks/09_flatten.ipynb", "copy")
    Path("broken.ipynb").write_text("{")
    notebook = nbformat.v4.new_notebook()
    nbformat.write(notebook, "untitled.ipynb")
    notebook = read(LESSONS[9])
    notebook.cells = [c for c in notebook.cells if "solution" not in tags(c)]
    nbformat.write(notebook, "unsolved.ipynb")
    before = contents(course)
    result = release(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("course release: ") and words in result.stderr
    assert result.stderr.count("\n") == 1
    assert contents(course) == before


@pytest.mark.parametrize("name", ["pyproject.toml", "LICENSE", "constraints.txt"])
def test_missing_file_of_the_course_is_said(course, name):
    (course / name).unlink()
    result = release("09", "--out", "x")
    assert result.exit_code == 2 and f"there is no {name} here" in result.stderr
    assert not Path("x").exists()


# --- that it runs -----------------------------------------------------------------


@pytest.mark.slow
def test_papermill_runs_a_released_lesson_elsewhere(everything, tmp_path, monkeypatch):
    for name, value in clean_environment(COURSE_DEVICE="cpu").items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    name = LESSONS[9].name
    papermill.execute_notebook(
        str(everything / name), "out.ipynb", {"seed": 1}, progress_bar=False
    )
    cells = code_cells(read(Path("out.ipynb")))
    states = [
        o.data[CHECK]["state"]
        for c in cells
        for o in c.outputs
        if CHECK in o.get("data", {})
    ]
    assert states == ["not attempted"] * len(read_paper(LESSONS[9]).sections)
