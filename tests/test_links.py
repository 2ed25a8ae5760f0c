"""The repository's address stands once, and everything else follows it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.links import COLAB, address, disagreeing, title_of

ROOT = Path(__file__).resolve().parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WRITTEN = ["README.md", "CONTRIBUTING.md", "notebooks"]


def links(root: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run the command on the repository at `root`."""
    command = [sys.executable, "-m", "tools.links", "--root", str(root), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.fixture
def renamed(tmp_path):
    """A copy of what carries the address, under another owner and name."""
    for name in WRITTEN:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    project = project.replace(address(ROOT), "another-owner/another.name")
    (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
    return tmp_path


def test_everything_agrees():
    assert [path.name for path in disagreeing()] == []


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_lesson_has_its_own_badge_and_the_install_line(lesson):
    text = lesson.read_text(encoding="utf-8")
    badge = f"{COLAB}{address(ROOT)}/blob/main/notebooks/{lesson.name}"
    assert badge in text
    assert f"git+https://github.com/{address(ROOT)}" in text


def test_the_readme_lists_every_lesson_that_is_there_and_no_other():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[[^]]+\]\(notebooks/([^)]+)\)", text, re.MULTILINE)
    assert listed == [lesson.name for lesson in LESSONS]


def test_a_lesson_is_described_by_its_title_cell():
    title, why, time = title_of(ROOT / "notebooks" / "01_linear_layers.ipynb")
    assert title == "1 · Linear layers"
    assert why.endswith(".")
    assert time.endswith("minutes")


def test_a_changed_address_is_written_everywhere(renamed):
    assert links(renamed, "--check").returncode == 1
    assert links(renamed).returncode == 0
    assert links(renamed, "--check").returncode == 0
    for path in [p for p in renamed.rglob("*") if p.is_file()]:
        text = path.read_text(encoding="utf-8", errors="replace")
        assert address(ROOT) not in text, path.name
        if path.suffix in (".md", ".ipynb"):
            assert "another-owner/another.name" in text, path.name


def test_checking_names_each_file_and_changes_none(renamed):
    readme = (renamed / "README.md").read_text(encoding="utf-8")
    said = links(renamed, "--check").stdout
    for path in [renamed / "README.md", *(renamed / "notebooks").glob("*.ipynb")]:
        assert str(path.relative_to(renamed)) in said
    assert (renamed / "README.md").read_text(encoding="utf-8") == readme


def test_a_lesson_copied_from_another_gets_its_own_badge(renamed):
    copy = renamed / "notebooks" / "99_copy.ipynb"
    shutil.copy(renamed / "notebooks" / "01_linear_layers.ipynb", copy)
    assert links(renamed).returncode == 0
    assert "/blob/main/notebooks/99_copy.ipynb" in copy.read_text(encoding="utf-8")
    assert "(notebooks/99_copy.ipynb)" in (renamed / "README.md").read_text("utf-8")


def test_a_missing_address_is_said(renamed):
    (renamed / "pyproject.toml").write_text("[project]\n")
    done = links(renamed)
    assert done.returncode == 1
    assert done.stderr.startswith("pyproject.toml has no GitHub address")
    assert done.stderr.count("\n") == 1
