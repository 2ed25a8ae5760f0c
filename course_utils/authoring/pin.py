"""The helpers that a released lesson meets: their repository and their version."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from course_utils.authoring.links import address
from course_utils.doctor import COURSE
from course_utils.errors import CourseError

# What the package is made of, as pyproject.toml says.
_HELPERS = ("course_utils", "data/sketch", "experiments/results", "pyproject.toml")


@dataclass(frozen=True)
class Pin:
    """Where the helpers come from.

    >>> Pin("owner/name", "v1.0.0").source
    'git+https://github.com/owner/name@v1.0.0'

    Attributes:
        repository: the owner and the name on GitHub.
        version: a tag there, or the hash of a commit.
    """

    repository: str
    version: str

    @property
    def source(self) -> str:
        """What pip installs them from."""
        return f"git+https://github.com/{self.repository}@{self.version}"

    @property
    def is_commit(self) -> bool:
        """Whether the version looks like the hash of a commit."""
        return re.fullmatch("[0-9a-f]{7,40}", self.version) is not None

    @property
    def requirement(self) -> str:
        """The line of a requirements.txt that brings the helpers and JupyterLab."""
        return f"{COURSE}[lab] @ {self.source}"

    def doubt(self, root: Path) -> str:
        """Say why this may not be the version of the helpers in `root`; "" if it is.

        It is asked of git in that folder: what GitHub has is not looked up.
        """
        version = self.version
        if _git(root, "rev-parse", "--git-dir") is None:
            return (
                f"Nothing here says whether {self.repository} has {version}: "
                "this is no git checkout."
            )
        commits = [f"refs/tags/{version}"]
        if self.is_commit:
            commits.append(version)
        verify = ("rev-parse", "--quiet", "--verify")
        known = [_git(root, *verify, f"{commit}^{{commit}}") for commit in commits]
        if not any(known):
            return (
                f"This checkout has no tag {version}: on learners' machines nothing is "
                f"installed until {self.repository} has it. Before you give this out: "
                f"git tag {version}; git push origin {version}; or name a tag or a "
                f"commit that is there with --version.{_instead(root, self.repository)}"
            )
        if _git(root, "diff", "--quiet", commits[-1], "--", *_HELPERS) is None:
            return (
                f"The helpers here are not those of {version}: the lessons get those. "
                "Commit, tag and push what you have, and name that with --version."
                f"{_instead(root, self.repository)}"
            )
        return ""


def make_pin(root: Path, repository: str | None, version: str | None) -> Pin:
    """Return the helpers to install; what isn't named comes from pyproject.toml.

    Args:
        root: the course's folder.
        repository: on GitHub, as owner/name.
        version: a tag or a commit; by default v and the package's version.

    Raises:
        CourseError: one of them can't be used, or pyproject.toml doesn't say it.

    >>> make_pin(Path(), "owner/name", "v 1")
    Traceback (most recent call last):
    ...
    course_utils.errors.CourseError: --version is a tag or a commit, as v1.0.0, not \
'v 1'.
    """
    repository = repository or address(root)
    version = version or f"v{_package_version(root)}"
    if not re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", repository, re.ASCII):
        raise CourseError(
            f"--repository is the owner and name on GitHub, as owner/name, "
            f"not '{repository}'."
        )
    # It stands in a %pip line, in which IPython replaces $ and braces.
    if not re.fullmatch(r"\w[\w./+-]*", version, re.ASCII):
        raise CourseError(
            f"--version is a tag or a commit, as v1.0.0, not '{version}'."
        )
    return Pin(repository, version)


def _package_version(root: Path) -> str:
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    if not (match := re.search(r'(?m)^version = "(.+)"$', text)):
        raise CourseError("pyproject.toml has no version: name a tag with --version.")
    return match[1]


def _instead(root: Path, repository: str) -> str:
    """Say which options name a commit that was fetched; "" where none has the helpers.

    Who may not push can give out this checkout's own commit: a clone has it from there.
    """
    if _git(root, "diff", "--quiet", "HEAD", "--", *_HELPERS) is None:
        return ""
    refs = ("for-each-ref", "--contains", "HEAD", "--format=%(refname:lstrip=2)")
    for ref in (_git(root, *refs, "refs/remotes") or "").splitlines():
        url = _git(root, "remote", "get-url", ref.partition("/")[0]) or ""
        if found := re.search(r"github\.com[:/]([\w.-]+/[\w.-]+?)(\.git)?/?$", url):
            commit = _git(root, "rev-parse", "HEAD")
            fork = "" if found[1] == repository else f" --repository {found[1]}"
            return (
                " Who may not push there gives the commit that was cloned: course "
                f"release … --force --version {commit}{fork}"
            )
    return ""


def _git(root: Path, *arguments: str) -> str | None:
    """Return what a git command in a folder prints; None where it or git fails."""
    command = ["git", "-C", str(root), *arguments]
    try:
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
    except OSError:  # there is no git
        return None
    return None if ended.returncode else ended.stdout.strip()
