"""The site as a whole: its sources, written to a folder, and Sphinx, which reads it."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import nbformat

from course_utils.authoring.links import address
from course_utils.display import frame, touch
from course_utils.errors import CourseError
from course_utils.site import pages, terms
from course_utils.site.catalogue import Entry, catalogue
from course_utils.site.errors import errors_page, treated
from course_utils.site.font import math_font
from course_utils.site.lesson import as_page, exercises_of
from course_utils.site.moving import Moving, read
from course_utils.site.recordings import record_all
from course_utils.site.states import MOST
from course_utils.site.touching import WIDGETS, Touching, read_touching

ASSETS = Path(__file__).parent / "assets"
PICTURES = "pictures"  # of the lessons' outputs
FONT = "stix-two-math.woff"
STATES = "states"  # of the playgrounds
SCRIPTS = ["theme.js", "predictions.js", "playgrounds.js", "scrolling.js"]
FRAME = Path(frame.__file__).parent
TOUCH = Path(touch.__file__).parent


def build(
    root: Path,
    out: Path,
    work: Path,
    *,
    moving: Sequence[Path] = (),
    kept: Path | None = None,
    most: int = MOST,
) -> list[str]:
    """Build the site and return what went wrong, a line each.

    Args:
        root: the course's folder.
        out: the folder that takes the site; the one that is there is replaced.
        work: an empty folder for what is needed on the way.
        moving: the lessons whose playgrounds are drawn in all states; in others they
            stand still.
        kept: where those drawings are kept for the next build.
        most: how many pictures a playground may have.

    Raises:
        CourseError: the lessons or the other pages are not there, `out` holds
            something else, or the site can't be built.
    """
    _check(out)
    sources = work / "sources"
    recordings, said = record_all(moving, kept or work / "recordings", most)
    write_sources(root, sources, recordings)
    shutil.rmtree(out, ignore_errors=True)
    return said + _run_sphinx(sources, out, work / "doctrees")


def _check(out: Path) -> None:
    """Refuse to replace what is no site."""
    if out.is_dir() and any(out.iterdir()) and not (out / "objects.inv").is_file():
        raise CourseError(
            f"{out} holds something else than a site: name another folder with --out."
        )


def write_sources(
    root: Path, folder: Path, recordings: Mapping[Path, Path] | None = None
) -> None:
    """Write all that Sphinx reads into a new `folder`.

    Args:
        root: the course's folder.
        folder: takes the sources.
        recordings: the folders of the lessons whose playgrounds were drawn.
    """
    (folder / "lessons").mkdir(parents=True)
    (folder / "extra" / PICTURES).mkdir(parents=True)
    (folder / "extra" / STATES).mkdir()
    (folder / "static").mkdir()
    lessons = sorted((root / "notebooks").glob("*.ipynb"))
    if not lessons:
        raise CourseError("there are no lessons here: go to the course's folder.")
    repository, entries = address(root), catalogue(lessons)
    first = ""
    errors = []
    prose = {}
    for entry in entries:
        cells = nbformat.read(entry.path, as_version=4).cells
        errors.append((entry, treated(cells)))
        prose[entry.document] = pages.prose(cells)
        own = _take_over((recordings or {}).get(entry.path), entry, folder)
        _write_lesson(entry, repository, folder, own)
        first = first or _shown_first(own)
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
    (folder / "index.md").write_text(pages.landing(entries, first), encoding="utf-8")
    names = pages.public(_read(Path(__file__).parents[1] / "__init__.pyi"))
    (folder / "api.md").write_text(pages.api(names), encoding="utf-8")
    (folder / "errors.md").write_text(errors_page(errors), encoding="utf-8")
    shutil.copy(pages.TEMPLATES / "layers.md", folder)
    glossary = terms.page(_read(terms.SOURCE), prose)
    (folder / f"{terms.PAGE}.md").write_text(glossary, encoding="utf-8")
    (folder / "map.md").write_text(pages.map_page(entries), encoding="utf-8")
    for name, text in static_files().items():
        (folder / "static" / name).write_text(text, encoding="utf-8")
    (folder / "static" / FONT).write_bytes(math_font())
    shutil.copytree(root / "notebooks", folder / "extra" / "notebooks")


def _take_over(
    recording: Path | None, entry: Entry, folder: Path
) -> dict[str, Moving | Touching]:
    """Copy what was recorded of a lesson to the site; return it by its cell."""
    if recording is None:
        return {}
    target = folder / "extra" / STATES
    place = f"../{STATES}"
    moving: dict[str, Moving | Touching] = {}
    moving |= read(recording, entry.number, place)
    moving |= read_touching(recording, entry.number, place)
    for picture in recording.glob("*.webp"):
        shutil.copy(picture, target)
    for playground in moving.values():
        if table := playground.table():
            script = target / f"{playground.name}.js"
            script.write_text(table, encoding="utf-8")
    return moving


def _shown_first(moving: Mapping[str, Moving | Touching]) -> str:
    """Return a playground as the landing page shows it: with its first picture."""
    playgrounds = [one for one in moving.values() if isinstance(one, Moving)]
    if not playgrounds:
        return ""
    here = replace(playgrounds[0], folder=STATES)
    words = "Each lesson has a playground. This is the first one: move the controls."
    return f"{words}\n\n{here.place(here.still())}"


def _write_lesson(
    entry: Entry, repository: str, folder: Path, moving: Mapping[str, Moving | Touching]
) -> None:
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
        moving=moving,
    )
    nbformat.write(page, folder / f"{entry.document}.ipynb")


def static_files() -> dict[str, str]:
    """Return the styles and scripts of the pages, by name.

    The playground of the lessons and the widgets, which are ES modules, come as
    scripts: a page that is opened as a file may load no module.
    """
    files = {path.name: _read(path) for path in ASSETS.iterdir()}
    frame_script = as_script(_read(FRAME / "frame.js"), "Frame")
    files["playgrounds.js"] = f"{frame_script}\n{files['playgrounds.js']}"
    for widget in WIDGETS:
        name = widget.__name__
        files[f"touch-{name}.js"] = as_script(str(widget._esm), name)
    names = ("touch", "attention", "garment", "sliding_window")
    looks = [*(TOUCH / f"{name}.css" for name in names), FRAME / "frame.css"]
    return files | {"playgrounds.css": "\n".join(map(_read, looks))}


def as_script(module: str, name: str) -> str:
    """Return an ES module of a widget as a script that leaves it in `courseWidgets`.

    >>> print(as_script("export const a = 1;\\nexport default { render };", "A"))
    (() => {
    const a = 1;
    const exported = { render };
    (window.courseWidgets ??= {})["A"] = exported;
    })();
    """
    body, count = re.subn(r"(?m)^export default ", "const exported = ", module)
    if count != 1 or re.search(r"(?m)^import ", body):
        raise CourseError(f"The script of {name} is no module with one default export.")
    body = re.sub(r"(?m)^export ", "", body).strip()
    kept = f'(window.courseWidgets ??= {{}})["{name}"] = exported;'
    return f"(() => {{\n{body}\n{kept}\n}})();"


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
            "course_utils.site.terms",
        ],
        "html_theme": "furo",
        "html_static_path": ["static"],
        "html_extra_path": ["extra"],
        "html_css_files": ["playgrounds.css", "site.css"],
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


def _run_sphinx(sources: Path, out: Path, doctrees: Path) -> list[str]:
    """Build `out` and return the warnings, one line each."""
    import io

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
            status=None,
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
