"""A diagram of a layer: its drawing, its description, and its way onto the page."""

from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from course_utils.display.bundles import caption_bundle, picture_bundle
from course_utils.errors import CourseError

HERE = Path(__file__).parent
SVG = "{http://www.w3.org/2000/svg}"


class Diagram(NamedTuple):
    """A drawing as SVG, with its style inside; what it shows; its size in pixels."""

    drawing: str
    description: str
    width: int
    height: int


def diagram_names() -> list[str]:
    """Return the names of all diagrams.

    >>> "lstm" in diagram_names()
    True
    """
    return sorted(path.stem for path in HERE.glob("*.svg"))


def load_diagram(name: str) -> Diagram:
    """Return a diagram.

    Args:
        name: one of `diagram_names()`.

    Raises:
        CourseError: there is no such diagram; the message lists those there are.

    >>> load_diagram("lstm").width
    640
    """
    if name not in diagram_names():
        known = ", ".join(diagram_names())
        raise CourseError(f"There is no diagram {name!r}. There are: {known}.")
    text = (HERE / f"{name}.svg").read_text(encoding="utf-8")
    style = (HERE / "style.css").read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    width, height = int(root.attrib["width"]), int(root.attrib["height"])
    # A picture inside a page loads no other file, so its style goes into it.
    drawing = text.replace("<desc>", f"<style>{style}</style>\n<desc>", 1)
    return Diagram(drawing, root.findtext(f"{SVG}desc", ""), width, height)


def show_diagram(name: str, alt: str | None = None) -> None:
    """Put a diagram on the page, its description as a caption under it.

    Args:
        name: 'rnn' (unrolled), 'lstm', 'gru', 'attention' (with its heads), 'residual',
            'norms', 'encoder' (post-norm and pre-norm, of a block and of a layer),
            'decoder' (a layer, and the encoder that it reads), 'gpt' (a whole one),
            'heads' (from one linear layer), 'cache' (of keys and values), 'rotary'
            (positions), 'groups' (of queries) or 'llama' (its block beside GPT-2's).
        alt: what it shows, where the lesson has more to say than the description that
            is stored with it.

    Raises:
        CourseError: there is no such diagram; the message lists those there are.

    Outside a notebook, as here, the outputs are printed instead:

    >>> show_diagram("lstm")  # doctest: +ELLIPSIS
    {'text/html': '<img ...>', 'text/plain': 'The cell c runs along the top ...'}
    {'text/html': ..., 'text/plain': 'The cell c runs along the top ...'}
    """
    from IPython.display import display  # kept out of `import course_utils`

    diagram = load_diagram(name)
    alt = alt or diagram.description
    data = picture_bundle(
        diagram.drawing.encode(), alt, diagram.width, diagram.height, kind="svg+xml"
    )
    display(data, metadata={"alt": alt}, raw=True)
    display(caption_bundle(alt), raw=True)
