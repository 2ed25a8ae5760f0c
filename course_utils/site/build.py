"""The site as a whole: its sources, written to a folder, and Sphinx, which reads it."""

import io
import shutil
from collections.abc import Sequence
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.site.configuration import DARK_CODE, settings
from course_utils.site.recordings import cores, record_all
from course_utils.site.sources import lessons_of, write_sources
from course_utils.site.states import MOST


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
            stand still. What is no lesson of the site, such as a lab, is left out.
        kept: where those drawings are kept for the next build.
        most: how many pictures a playground may have.

    Raises:
        CourseError: the lessons or the other pages are not there, `out` holds
            something else, or the site can't be built.
    """
    _check(out)
    sources = work / "sources"
    chosen = {lesson.resolve() for lesson in moving}
    shown = [lesson for lesson in lessons_of(root) if lesson.resolve() in chosen]
    recordings, said = record_all(shown, kept or work / "recordings", most)
    write_sources(root, sources, recordings)
    # Not into `out` itself: myst-nb leaves notebooks beside the folder that it fills.
    made = work / "made" / "site"
    said += _run_sphinx(sources, made, work / "doctrees")
    shutil.rmtree(out, ignore_errors=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(made, out)
    return said


def _check(out: Path) -> None:
    """Refuse to replace what is no site."""
    if out.is_dir() and any(out.iterdir()) and not (out / "objects.inv").is_file():
        raise CourseError(
            f"{out} holds something else than a site: name another folder with --out."
        )


def _run_sphinx(sources: Path, out: Path, doctrees: Path) -> list[str]:
    """Build `out` and return the warnings, one line each."""
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError

    # Of the file alone it is kept until the theme, loaded later, asks for it.
    conf = f"pygments_dark_style = {DARK_CODE!r}\n"
    (sources / "conf.py").write_text(conf, encoding="utf-8")
    warnings = io.StringIO()
    try:
        app = Sphinx(
            str(sources),
            str(sources),
            str(out),
            str(doctrees),
            "html",
            confoverrides=settings(),
            status=None,
            warning=warnings,
            parallel=cores(),
        )
        app.build()
    except SphinxError as error:
        raise CourseError(f"Sphinx could not build the site: {error}") from error
    return [line for line in warnings.getvalue().splitlines() if line.strip()]
