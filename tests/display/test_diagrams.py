"""Diagrams: their files, their descriptions, their colours, their way onto the page."""

import base64
import re
from html import unescape
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from course_utils import CourseError, show_diagram
from course_utils.display.bundles import CAPTION_CLASS, HTML, PLAIN
from course_utils.display.contrast import contrast
from course_utils.display.diagrams.diagram import HERE, diagram_names, load_diagram

NAMES = [
    "attention",
    "cache",
    "decoder",
    "encoder",
    "gpt",
    "groups",
    "gru",
    "heads",
    "llama",
    "lstm",
    "norms",
    "residual",
    "rnn",
    "rotary",
]
PAGES = {"light": "#ffffff", "dark": "#111111"}  # JupyterLab's
CSS = (HERE / "style.css").read_text(encoding="utf-8")
STYLE = dict(re.findall(r"(?m)^\.?([a-z.-]+) \{([^}]*)\}", CSS))  # by class or element
FILLED = ["weights", "norm", "plain", "each", "card"]


def colour(kind: str, part: str) -> str:
    return re.search(rf"\b{part}: (#\w+)", STYLE[kind])[1]


def paper(page: str) -> np.ndarray:
    """Return the paper's colour on a page, some of which shines through."""
    opacity = float(re.search(r"fill-opacity: ([\d.]+)", STYLE["paper"])[1])
    white, behind = np.array(to_rgb(colour("paper", "fill"))), np.array(to_rgb(page))
    return opacity * white + (1 - opacity) * behind


def test_the_diagrams_are_these():
    assert diagram_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_file_is_small_and_loads_no_other(name):
    assert len((HERE / f"{name}.svg").read_bytes()) <= 8 * 1024
    drawing = load_diagram(name).drawing
    assert ElementTree.fromstring(drawing).tag.endswith("svg")
    assert set(re.findall(r"url\((.)|href=\"(.)", drawing)) <= {("#", ""), ("", "s")}
    assert not re.search(r"<(script|image|use|foreignObject)\b|@import", drawing)


@pytest.mark.parametrize("name", NAMES)
def test_description_says_what_the_diagram_shows(name):
    description = load_diagram(name).description
    assert 60 < len(description) < 480
    assert re.match(r"[A-Z].*\.$", description)


@pytest.mark.parametrize("name", NAMES)
def test_size_is_made_for_a_page(name):
    diagram = load_diagram(name)
    assert 640 <= diagram.width <= 760
    assert diagram.height <= 520
    size = f'viewBox="0 0 {diagram.width} {diagram.height}"'
    assert size in diagram.drawing


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("kind", ["text", "small"])
def test_text_stands_out_from_paper_and_boxes(page, kind):
    grounds = [paper(page), *(to_rgb(colour(kind, "fill")) for kind in FILLED)]
    assert contrast(to_rgb(colour(kind, "fill")), grounds).min() >= 4.5


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("kind", [*FILLED, "line", "state"])
def test_lines_and_edges_stand_out_from_the_paper(page, kind):
    assert contrast(to_rgb(colour(kind, "stroke")), paper(page)) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_diagram_is_an_image_with_its_description_and_a_caption(displayed, name):
    show_diagram(name)
    (picture, _), (caption, _) = displayed
    diagram = load_diagram(name)
    alt, width, source = re.search(
        r'alt="([^"]*)" width="(\d+)".* src="data:image/svg\+xml;base64,([^"]*)"',
        picture[HTML],
    ).groups()
    assert unescape(alt) == picture[PLAIN] == caption[PLAIN] == diagram.description
    assert int(width) == diagram.width
    assert base64.b64decode(source).decode() == diagram.drawing
    assert CAPTION_CLASS in caption[HTML]


def test_drawing_carries_the_style():
    assert CSS in load_diagram("lstm").drawing


def test_lesson_may_describe_a_diagram_in_its_own_words(displayed):
    show_diagram("lstm", alt="The gate f stays at 1.")
    (picture, _), (caption, _) = displayed
    assert picture[PLAIN] == caption[PLAIN] == "The gate f stays at 1."
    assert 'alt="The gate f stays at 1."' in picture[HTML]


@pytest.mark.parametrize("name", ["lstmm", "", "../lstm", "style"])
def test_unknown_name_is_refused_with_the_names_there_are(name):
    with pytest.raises(CourseError, match=f"{name}.*There are: {', '.join(NAMES)}"):
        show_diagram(name)
