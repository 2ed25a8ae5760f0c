"""Lessons meet the helpers they were released with; where git doubts it, it says so."""

import subprocess
from pathlib import Path

import pytest

from course_utils.authoring.pin import Pin, make_pin
from course_utils.errors import CourseError

PROJECT = """\
version = "1.2.0"
Repository = "https://github.com/owner/name"
"""


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A git checkout of some helpers in version 1.2.0, as yet without a tag."""
    (tmp_path / "course_utils").mkdir()
    (tmp_path / "course_utils" / "check.py").write_text("x = 1\n")
    (tmp_path / "README.md").write_text("words\n")
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "helpers")
    return tmp_path


def test_version_is_the_packages_unless_named(checkout):
    assert make_pin(checkout, None, None) == Pin("owner/name", "v1.2.0")
    assert make_pin(checkout, "a/b", "main-2") == Pin("a/b", "main-2")


def test_project_without_a_version_is_said(checkout):
    text = PROJECT.replace("version", "name")
    (checkout / "pyproject.toml").write_text(text)
    with pytest.raises(CourseError, match="name a tag with --version"):
        make_pin(checkout, None, None)


def test_tag_of_these_helpers_leaves_no_doubt(checkout):
    git(checkout, "tag", "-a", "-m", "one", "v1.2.0")
    assert Pin("owner/name", "v1.2.0").doubt(checkout) == ""
    # Lessons and texts may have changed since: they are not installed.
    (checkout / "README.md").write_text("other words\n")
    assert Pin("owner/name", "v1.2.0").doubt(checkout) == ""


def test_commit_is_as_good_as_a_tag(checkout):
    commit = git(checkout, "rev-parse", "HEAD").strip()
    assert Pin("owner/name", commit).doubt(checkout) == ""
    assert Pin("owner/name", commit[:10]).doubt(checkout) == ""


@pytest.mark.parametrize("version", ["v1.2.0", "branch", "0123456789abcdef"])
def test_unknown_tag_is_doubted_and_so_is_a_branch(checkout, version):
    git(checkout, "branch", "branch")
    doubt = Pin("owner/name", version).doubt(checkout)
    assert f"no tag {version}" in doubt and f"git tag {version}" in doubt


@pytest.mark.parametrize(("owner", "fork"), [("owner", ""), ("me", "me/name")])
def test_who_may_not_push_is_told_a_commit_that_is_there(checkout, owner, fork):
    pin = Pin("owner/name", "v1.2.0")
    assert "may not push" not in pin.doubt(checkout)
    url = f"https://github.com/{owner}/name.git"
    git(checkout, "remote", "add", "origin", url)
    assert "may not push" not in pin.doubt(checkout)  # nothing says that it is there
    git(checkout, "update-ref", "refs/remotes/origin/main", "HEAD")
    commit = git(checkout, "rev-parse", "HEAD").strip()
    options = f"--version {commit}" + (f" --repository {fork}" if fork else "")
    assert pin.doubt(checkout).endswith(f"--force {options}")
    assert Pin(fork or "owner/name", commit).doubt(checkout) == ""
    (checkout / "course_utils" / "check.py").write_text("x = 2\n")
    assert "may not push" not in pin.doubt(checkout)


@pytest.mark.parametrize("committed", [False, True])
def test_other_helpers_than_the_tags_are_doubted(checkout, committed):
    git(checkout, "tag", "v1.2.0")
    (checkout / "course_utils" / "check.py").write_text("x = 2\n")
    if committed:
        git(checkout, "commit", "-qam", "changed")
    assert "are not those of v1.2.0" in Pin("owner/name", "v1.2.0").doubt(checkout)


def test_without_git_nothing_is_known(tmp_path, monkeypatch):
    pin = Pin("owner/name", "v1.2.0")
    assert "no git checkout" in pin.doubt(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no git checkout" in pin.doubt(tmp_path)
