"""An executed notebook as one HTML page, pictures inside."""

import html
from functools import cache
from pathlib import Path

_TEMPLATE = """\
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block notebook_css -%}
{{ super() }}
{{ resources.include_css("static/theme-dark.css")
   | replace("<style", '<style media="screen and (prefers-color-scheme: dark)"') }}
<style>
  :root { color-scheme: light dark; }
  main { max-width: 62rem; margin: 0 auto; padding: 1rem; }
  /* 16 px, and all of Jupyter's other sizes in proportion */
  :root { --jp-content-font-size1: 16px; --jp-code-font-size: 14.5px; }
  .jp-RenderedHTMLCommon { line-height: 1.6; }
  .jp-RenderedHTMLCommon img, .jp-OutputArea-output img {
    max-width: 100%; height: auto; background: white; }
  .jp-OutputArea-output pre, .highlight pre { overflow-x: auto; }
  .jp-OutputArea-output pre { word-break: normal; overflow-wrap: break-word; }
  .jp-InputPrompt, .jp-OutputPrompt { font-size: 12px; min-width: 4.5em; }
  @media (max-width: 50rem) {
    .jp-InputPrompt, .jp-OutputPrompt { display: none; }
  }
</style>
{%- endblock -%}
"""
_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def write_page(notebook: Path, page: Path, folder: Path) -> None:
    """Write `notebook` as an HTML page to `page`.

    Args:
        notebook: the executed notebook.
        page: the file to write.
        folder: where the pictures that the text links to are found.
    """
    import nbformat

    content = nbformat.read(notebook, as_version=4)
    # A page has no kernel: it shows what the widgets say as text instead.
    content.metadata.pop("widgets", None)
    content.metadata["title"] = page.stem
    for cell in content.cells:
        for output in cell.get("outputs", []):
            if "data" in output:
                output["data"].pop(_WIDGET_VIEW, None)
                _describe_picture(output)
    resources = {"metadata": {"name": page.stem, "path": str(folder)}}
    body, _ = _exporter().from_notebook_node(content, resources)
    page.write_text(body, encoding="utf-8")


def _describe_picture(output) -> None:
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
def _exporter():
    """Return nbconvert's exporter, which takes a second to make."""
    from nbconvert.exporters import HTMLExporter

    exporter = HTMLExporter(embed_images=True)
    exporter.raw_template = _TEMPLATE
    return exporter
