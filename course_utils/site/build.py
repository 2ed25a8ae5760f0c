"""The site as a whole: its sources, written to a folder, and Sphinx, which reads it."""

import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import nbformat

from course_utils.authoring.links import address
from course_utils.errors import CourseError
from course_utils.site import pages
from course_utils.site.catalogue import Entry, catalogue
from course_utils.site.font import math_font
from course_utils.site.lesson import as_page, exercises_of

ASSETS = Path(__file__).parent / "assets"
PICTURES = "pictures"  # of the lessons' outputs
FONT = "stix-two-math.woff"
SCRIPTS = ["predictions.js", "scrolling.js"]


def build(root: Path, out: Path, work: Path, *, quiet: bool = True) -> list[str]:
    """Build the site and return what Sphinx warns of.

    Args:
        root: the course's folder.
        out: the folder that takes the site; what is there is replaced.
        work: a folder for sources and what Sphinx remembers between two builds.
        quiet: don't say which page is being read.

    Raises:
        CourseError: the lessons or the other pages are not there, or the site can't
            be built.
    """
    sources = work / "sources"
    write_sources(root, sources)
    _clear(out)
    return _run_sphinx(sources, out, work / "doctrees", quiet=quiet)


def _clear(out: Path) -> None:
    """Remove the site that lies in `out`, and nothing else."""
    if out.is_dir() and any(out.iterdir()) and not (out / "objects.inv").is_file():
        raise CourseError(
            f"{out} holds something else than a site: name another folder with --out."
        )
    shutil.rmtree(out, ignore_errors=True)


def write_sources(root: Path, folder: Path) -> None:
    """Write all that Sphinx reads into an empty `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "lessons").mkdir(parents=True)
    (folder / "extra" / PICTURES).mkdir(parents=True)
    (folder / "static").mkdir()
    lessons = sorted((root / "notebooks").glob("*.ipynb"))
    if not lessons:
        raise CourseError("there are no lessons here: go to the course's folder.")
    repository, entries = address(root), catalogue(lessons)
    for entry in entries:
        _write_lesson(entry, repository, folder)
    notebooks = [entry.path.name for entry in entries]
    texts = {
        name: pages.with_links(_read(root / name), repository, notebooks)
        for name in pages.PAGES
    }
    start = pages.section(
        texts["README.md"], "Start", "Commands", "When something is wrong", "Licence"
    )
    texts["README.md"] = f"# Run it on your machine\n\n{start}"
    for name, page in pages.PAGES.items():
        (folder / f"{page}.md").write_text(texts[name], encoding="utf-8")
    (folder / "index.md").write_text(pages.landing(entries), encoding="utf-8")
    names = pages.public(_read(Path(__file__).parents[1] / "__init__.pyi"))
    (folder / "api.md").write_text(pages.api(names), encoding="utf-8")
    for asset in ASSETS.iterdir():
        shutil.copy(asset, folder / "static")
    (folder / "static" / FONT).write_bytes(math_font())
    shutil.copytree(root / "notebooks", folder / "extra" / "notebooks")


def _write_lesson(entry: Entry, repository: str, folder: Path) -> None:
    """Write a lesson as its page shows it, and its pictures."""

    def store(picture: bytes, kind: str) -> str:
        name = f"{PICTURES}/{sha256(picture).hexdigest()[:16]}.{kind}"
        (folder / "extra" / name).write_bytes(picture)
        return f"../{name}"

    notebook = nbformat.read(entry.path, as_version=4)
    page = as_page(
        notebook,
        store=store,
        exercises=exercises_of(notebook),
        opens=pages.opening(entry, repository),
    )
    nbformat.write(page, folder / f"{entry.document}.ipynb")


def settings() -> dict[str, Any]:
    """Return Sphinx's configuration."""
    return {
        "project": "Layer by Layer",
        "author": "the Layer by Layer authors",
        "html_title": "Layer by Layer",
        "language": "en",
        "extensions": [
            "myst_nb",
            "sphinx.ext.autodoc",
            "sphinx.ext.napoleon",
            "course_utils.site.mathml",
        ],
        "html_theme": "furo",
        "html_static_path": ["static"],
        "html_extra_path": ["extra"],
        "html_css_files": ["site.css"],
        "html_js_files": [(name, {"defer": "defer"}) for name in SCRIPTS],
        "html_math_renderer": "mathml",
        "html_show_sourcelink": False,
        "html_copy_source": False,
        "html_show_copyright": False,
        # A page opened as a file may not read another one.
        "html_show_search_summary": False,
        "default_role": "literal",
        "nb_execution_mode": "off",
        "nb_merge_streams": True,
        "myst_enable_extensions": ["amsmath", "dollarmath"],
        "myst_dmath_double_inline": True,
        "myst_heading_anchors": 4,
        "myst_links_external_new_tab": False,
        "pygments_style": "a11y-high-contrast-light",
        "exclude_patterns": ["extra", "static"],
        "suppress_warnings": ["myst.xref_ambiguous"],
        "autodoc_typehints": "description",
        "napoleon_use_ivar": True,
    }


def _run_sphinx(sources: Path, out: Path, doctrees: Path, *, quiet: bool) -> list[str]:
    """Build `out` and return the warnings, one line each."""
    import io
    import sys

    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError

    warnings = io.StringIO()
    try:
        app = Sphinx(
            str(sources),
            None,
            str(out),
            str(doctrees),
            "html",
            confoverrides=settings(),
            status=None if quiet else sys.stdout,
            warning=warnings,
        )
        app.build()
    except SphinxError as error:
        raise CourseError(f"Sphinx could not build the site: {error}") from error
    return [line for line in warnings.getvalue().splitlines() if line.strip()]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CourseError(
            f"there is no {path.name} here: go to the course's folder."
        ) from None
