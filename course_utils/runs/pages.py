"""An executed notebook as one HTML page, pictures inside."""

import copy
import html
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from nbformat import NotebookNode

from course_utils.display.bundles import WIDGET_VIEW
from course_utils.files import write_whole

if TYPE_CHECKING:
    from nbconvert.exporters import HTMLExporter

_TEMPLATE = Path(__file__).parent / "templates" / "page.html.j2"


def write_page(notebook: NotebookNode, page: Path, folder: Path) -> None:
    """Write `notebook` as an HTML page to `page`.

    Args:
        notebook: the executed notebook, which is not changed.
        page: the file to write.
        folder: where the pictures that the text links to are found.

    Raises:
        OSError: the page can't be written.

    Example:
        >>> from nbformat.v4 import new_notebook
        >>> write_page(new_notebook(), Path("no_such_folder/page.html"), Path("."))
        Traceback (most recent call last):
        FileNotFoundError: ...
    """
    content = copy.deepcopy(notebook)
    # A page has no kernel: it shows what the widgets say as text instead.
    content.metadata.pop("widgets", None)
    content.metadata["title"] = page.stem
    for cell in content.cells:
        for output in cell.get("outputs", []):
            if "data" in output:
                output["data"].pop(WIDGET_VIEW, None)
                _describe_picture(output)
    resources = {"metadata": {"name": page.stem, "path": str(folder)}}
    body, _ = _exporter().from_notebook_node(content, resources)
    write_whole(page, body)


def _describe_picture(output: NotebookNode) -> None:
    """Turn a PNG with a description into an <img> that has it as its alt text."""
    picture = output["data"].get("image/png")
    metadata = output.get("metadata", {})
    own = metadata.get("image/png", {})
    alt = (own.get("alt") if isinstance(own, dict) else None) or metadata.get("alt")
    if not picture or not alt:
        return
    size = "".join(
        f' {name}="{own[name]:g}"'
        for name in ("width", "height")
        if isinstance(own, dict) and isinstance(own.get(name), int | float)
    )
    source = "".join(picture.split())
    output["data"] = {
        "text/html": f'<img src="data:image/png;base64,{source}"'
        f' alt="{html.escape(alt)}"{size}>'
    }


@cache
def _exporter() -> "HTMLExporter":
    """Return nbconvert's exporter, which takes a second to create."""
    from nbconvert.exporters import HTMLExporter

    exporter = HTMLExporter(embed_images=True)
    exporter.raw_template = _TEMPLATE.read_text(encoding="utf-8")
    return exporter
