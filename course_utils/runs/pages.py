"""An executed notebook as one HTML page, pictures inside."""

import copy
from functools import cache
from pathlib import Path

from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode

from course_utils.display.bundles import WIDGET_VIEW
from course_utils.files import write_whole

_TEMPLATE = Path(__file__).parent / "templates" / "page.html.j2"


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
    for cell in content.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
    resources = {"metadata": {"name": page.stem, "path": str(folder)}}
    body, _ = _exporter().from_notebook_node(content, resources)
    write_whole(page, body)


@cache
def _exporter() -> HTMLExporter:
    """Return nbconvert's exporter, which takes a second to create."""
    exporter = HTMLExporter(embed_images=True)
    exporter.raw_template = _TEMPLATE.read_text(encoding="utf-8")
    return exporter
