"""An executed notebook as one HTML page that needs no network: pictures, formulas."""

import copy
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urljoin

from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from course_utils.display.bundles import WIDGET_VIEW
from course_utils.files import write_whole
from course_utils.runs.colours import COLOURS
from course_utils.runs.formulas import formula

_TEMPLATE = Path(__file__).parent / "templates" / "page.html.j2"
# On the cells that papermill adds to a notebook where another failed.
_PAPERMILL_TAG = "papermill-error-cell-tag"
# The badge of a lesson holds its address.
_BADGE = re.compile(
    r"\(https://colab\.research\.google\.com/github/([\w./-]+\.ipynb)\)"
)


def write_page(
    notebook: NotebookNode,
    page: Path,
    folder: Path,
    failed: str = "",
    beside: Mapping[str, str] | None = None,
) -> None:
    """Write `notebook` as an HTML page to `page`.

    Args:
        notebook: the executed notebook, which is not changed.
        page: the file to write.
        folder: where the pictures that the text links to are found.
        failed: the id of the cell in which the run failed; the page leads to it.
        beside: the pages in the same folder, by the names of their notebooks, to which
            links between lessons lead. To others they lead on GitHub.

    Raises:
        OSError: the page can't be written.
    """
    content = copy.deepcopy(notebook)
    # A page has no kernel: it shows what the widgets say as text instead.
    content.metadata.pop("widgets", None)
    # The page has a link of its own, as papermill's is lost on the way.
    content.cells = [
        cell
        for cell in content.cells
        if _PAPERMILL_TAG not in cell.metadata.get("tags", [])
    ]
    for cell in content.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
    metadata = {"name": page.stem, "path": str(folder)}
    resources = {
        "metadata": metadata,
        "failed_cell": failed,
        "colours": COLOURS.read_text(encoding="utf-8"),
        "links": partial(_target, beside=beside or {}, origin=_origin(content)),
    }
    body, _ = _exporter().from_notebook_node(content, resources)
    write_whole(page, body)


def _origin(notebook: NotebookNode) -> str:
    """Return a lesson's address on GitHub; '' where it has no badge."""
    found = _BADGE.search("".join(cell.source for cell in notebook.cells[:1]))
    return f"https://github.com/{found[1]}" if found else ""


def _target(url: str, *, beside: Mapping[str, str], origin: str) -> str:
    """Return where a link of a notebook leads from its page; '' for nowhere.

    >>> other = {"03_dropout.ipynb": "03_dropout--seed-1.html"}
    >>> _target("03_dropout.ipynb#why", beside=other, origin="")
    './03_dropout--seed-1.html#why'
    >>> here = "https://github.com/me/course/blob/main/notebooks/01_linear.ipynb"
    >>> _target("../README.md", beside={}, origin=here)
    'https://github.com/me/course/blob/main/README.md'
    """
    file, hash_, part = url.partition("#")
    if not file or re.match(r"\w+:|//", file):
        return url
    if page := beside.get(unquote(PurePosixPath(file).name)):
        return f"./{quote(page)}{hash_}{part}"
    return urljoin(origin, url) if origin else ""


@cache
def _exporter() -> HTMLExporter:
    """Return nbconvert's exporter, which takes a second to create."""
    exporter = _Exporter(embed_images=True)
    exporter.raw_template = _TEMPLATE.read_text(encoding="utf-8")
    return exporter


class _Exporter(HTMLExporter):
    @pass_context
    def markdown2html(self, context: Context, source: str) -> str:
        """Return Markdown as HTML, formulas as MathML, which browsers show."""
        cell, resources = context.get("cell", {}), context.get("resources", {})
        renderer = _Renderer(
            resources.get("links", str),
            escape=False,
            embed_images=True,
            attachments=cell.get("attachments", {}),
            path=resources.get("metadata", {}).get("path", ""),
        )
        return MarkdownWithMath(renderer=renderer).render(source)


class _Renderer(IPythonRenderer):
    def __init__(self, target: Callable[[str], str], **options: Any) -> None:
        super().__init__(**options)
        self._target = target

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """Return a link, or its words alone where it would lead nowhere."""
        target = self._target(url)
        return super().link(text, target, title) if target else text

    def inline_math(self, body: str) -> str:
        return formula(body, "inline")

    def block_math(self, body: str) -> str:
        return formula(body, "block")

    def latex_environment(self, name: str, body: str) -> str:
        return formula(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")

    def inline_html(self, html: str) -> str:
        # The base class closes each tag that it looks at for pictures.
        return super().inline_html(html) if html.startswith("<img") else html
