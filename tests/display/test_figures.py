"""A picture and its description."""

import base64
import io

import matplotlib.pyplot as plt
import pytest
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from course_utils import show
from course_utils.display.bundles import HTML, PLAIN, PNG
from course_utils.display.figures import figure_bundle


def test_show_puts_picture_and_caption_on_the_page(displayed):
    fig, _ = plt.subplots()
    show(fig, alt="The curve rises from 0 to 3.")
    (picture, _), (caption, _) = displayed
    assert base64.b64decode(picture[PNG]).startswith(b"\x89PNG")
    assert picture[PLAIN] == "The curve rises from 0 to 3."
    assert caption[PLAIN] == "The curve rises from 0 to 3."
    assert "The curve rises from 0 to 3." in caption[HTML]


def test_metadata_carries_the_description_twice():
    _, metadata = figure_bundle(plt.figure(), "Two humps.")
    assert metadata == {"alt": "Two humps.", PNG: {"alt": "Two humps."}}


def test_show_closes_the_figure(displayed):
    show(plt.figure(), alt="Nothing but white.")
    assert plt.get_fignums() == []
    assert len(displayed) == 2


@pytest.mark.parametrize("alt", ["", "  \n"])
def test_picture_without_a_description_is_refused(alt):
    with pytest.raises(ValueError, match="alt is empty"):
        show(plt.figure(), alt=alt)


def test_picture_of_a_canvas_without_pixels():
    fig = Figure(figsize=(2, 1), dpi=50)
    FigureCanvasSVG(fig)
    png = base64.b64decode(figure_bundle(fig, "White.")[0][PNG])
    assert plt.imread(io.BytesIO(png)).shape[:2] == (50, 100)
