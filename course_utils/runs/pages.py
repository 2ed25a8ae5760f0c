"""An executed notebook as one HTML page that needs no network: pictures, formulas."""

import copy
from functools import cache
from pathlib import Path

from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from course_utils.display.bundles import WIDGET_VIEW
from course_utils.files import write_whole
from course_utils.runs.formulas import formula

_TEMPLATE = Path(__file__).parent / "templates" / "page.html.j2"
# On the cells that papermill adds to a notebook where another failed.
_PAPERMILL_TAG = "papermill-error-cell-tag"


def write_page(
    notebook: NotebookNode, page: Path, folder: Path, failed: str = ""
) -> None:
    """Write `notebook` as an HTML page to `page`.

    Args:
        notebook: the executed notebook, which is not changed.
        page: the file to write.
        folder: where the pictures that the text links to are found.
        failed: the id of the cell in which the run failed; the page leads to it.

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
    resources = {"metadata": metadata, "failed_cell": failed}
    body, _ = _exporter().from_notebook_node(content, resources)
    write_whole(page, body)


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
            escape=False,
            embed_images=True,
            attachments=cell.get("attachments", {}),
            path=resources.get("metadata", {}).get("path", ""),
        )
        return MarkdownWithMath(renderer=renderer).render(source)


class _Renderer(IPythonRenderer):
    def inline_math(self, body: str) -> str:
        return formula(body, "inline")

    def block_math(self, body: str) -> str:
        return formula(body, "block")

    def latex_environment(self, name: str, body: str) -> str:
        return formula(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")

    def inline_html(self, html: str) -> str:
        # The base class closes each tag that it looks at for pictures.
        return super().inline_html(html) if html.startswith("<img") else html
