"""The repository's address is written once, and everything else follows it."""

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from course_utils.authoring.links import (
    CITATION,
    COLAB,
    PAGES,
    address,
    find_outdated,
    title_of,
)
from course_utils.cli import main
from tests.lessons import LESSONS, ROOT, read

FILES = [*PAGES, CITATION, "notebooks"]


def links(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["links", *arguments])


@pytest.fixture
def renamed(tmp_path, monkeypatch) -> Path:
    """A current folder with what carries the address, under another owner and name."""
    for name in FILES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    project = project.replace(address(ROOT), "another-owner/another.name")
    (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_address_of_this_repository_agrees():
    assert [path.name for path in find_outdated(ROOT)] == []


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_lesson_has_its_own_badge_and_the_install_line(lesson):
    text = lesson.read_text(encoding="utf-8")
    badge = f"{COLAB}{address(ROOT)}/blob/main/notebooks/{lesson.name}"
    assert badge in text
    assert f"git+https://github.com/{address(ROOT)}" in text


def test_readme_lists_every_lesson_and_no_other():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[[^]]+\]\(notebooks/([^)]+)\)", text, re.MULTILINE)
    assert listed == [lesson.name for lesson in LESSONS]


def test_lesson_is_described_by_its_title_cell():
    title, why, time = title_of(ROOT / "notebooks" / "01_linear_layers.ipynb")
    assert title == "1 · Linear layers"
    assert why.endswith(".")
    assert time.endswith("minutes")


def test_changed_address_is_written_everywhere(renamed):
    assert links("--check").exit_code == 1
    assert links().exit_code == 0
    result = links("--check")
    assert (result.exit_code, result.stdout) == (0, "Every link agrees.\n")
    for path in [p for p in renamed.rglob("*") if p.is_file()]:
        text = path.read_text(encoding="utf-8", errors="replace")
        assert address(ROOT) not in text, path.name
        if path.suffix in (".md", ".ipynb", ".cff"):
            assert "another-owner/another.name" in text, path.name


def test_check_names_each_file_and_changes_none(renamed):
    readme = (renamed / "README.md").read_text(encoding="utf-8")
    output = links("--check").stdout
    pages = [renamed / page for page in (*PAGES, CITATION)]
    for path in [*pages, *(renamed / "notebooks").glob("*.ipynb")]:
        assert f"{path.relative_to(renamed)} disagrees with pyproject.toml" in output
    assert (renamed / "README.md").read_text(encoding="utf-8") == readme


def test_copied_lesson_gets_its_own_badge(renamed):
    copy = renamed / "notebooks" / "99_copy.ipynb"
    shutil.copy(renamed / "notebooks" / "01_linear_layers.ipynb", copy)
    assert links().exit_code == 0
    assert "/blob/main/notebooks/99_copy.ipynb" in copy.read_text(encoding="utf-8")
    assert "(notebooks/99_copy.ipynb)" in (renamed / "README.md").read_text("utf-8")


def test_lessons_link_their_neighbours(renamed):
    notebooks = sorted((renamed / "notebooks").glob("*.ipynb"))
    for path in notebooks:  # as a lesson that is new
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"\*\*(Before|Next):.*(?=\")", "", text), "utf-8")
    notebooks[1].unlink()
    assert links().exit_code == 0
    ends = ["".join(read(notebooks[n]).cells[-1].source) for n in (0, 2, -1)]
    last = [end.splitlines()[-1] for end in ends]
    assert last[0] == "**Next:** [2 · Activations](02_activations.ipynb)"
    assert last[1] == (
        "**Before:** [0 · Start here](00_start_here.ipynb) · "
        "**Next:** [3 · Dropout](03_dropout.ipynb)"
    )
    before = "[12 · A language model](12_language_model.ipynb)"
    assert last[2] == f"**Before:** {before}"
    for path in notebooks[2:]:
        assert '01_linear_layers.ipynb)"' not in path.read_text(encoding="utf-8")
    assert links("--check").exit_code == 0


def test_missing_address_is_reported(renamed):
    (renamed / "pyproject.toml").write_text("[project]\n")
    result = links()
    assert result.exit_code == 2
    assert result.stderr == (
        "course links: pyproject.toml has no GitHub address under [project.urls].\n"
    )


@pytest.mark.parametrize("page", ["README.md", "INSTRUCTORS.md"])
def test_missing_file_is_reported(renamed, page):
    (renamed / page).unlink()
    result = links()
    assert result.exit_code == 2
    assert f"there is no {page} here" in result.stderr


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": []}', '{"cells": [{}]}'])
def test_lesson_without_a_title_is_reported(renamed, text):
    (renamed / "notebooks" / "98_broken.ipynb").write_text(text)
    result = links()
    assert result.exit_code == 2
    assert "98_broken.ipynb does not begin with a title" in result.stderr
