"""A picture and its description."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from course_utils import course_style, show
from course_utils.display.bundles import HTML, PLAIN, stored_picture
from course_utils.display.figures import figure_bundle, figure_png

ON_LIGHT, ON_DARK = (np.full(3, level) for level in (1.0, 17 / 255))


def on_page(png: bytes, page: np.ndarray) -> np.ndarray:
    """Return what a page of this colour shows, shape (height, width, 3)."""
    pixels = plt.imread(io.BytesIO(png))
    opacity = pixels[..., 3:]
    return pixels[..., :3] * opacity + page * (1 - opacity)


def test_show_puts_picture_and_caption_on_the_page(displayed):
    fig, _ = plt.subplots()
    show(fig, alt="The curve rises to 3, by 40 %.")
    (picture, _), (caption, _) = displayed
    assert stored_picture(picture[HTML]).startswith(b"\x89PNG")
    assert picture[PLAIN] == "The curve rises to 3, by 40 %."
    assert caption[PLAIN] == "The curve rises to 3, by 40 %."
    assert "The curve rises to 3, by 40\N{NO-BREAK SPACE}%." in caption[HTML]


def test_picture_is_stored_once_with_its_description_and_size():
    fig = Figure(figsize=(4.2, 2.5), dpi=100)
    data, metadata = figure_bundle(fig, 'a < "b"')
    assert set(data) == {HTML, PLAIN}
    assert 'alt="a &lt; &quot;b&quot;" width="420" height="250"' in data[HTML]
    assert "max-width:100%;height:auto" in data[HTML]
    assert metadata == {"alt": 'a < "b"'}


def test_picture_has_two_pixels_to_one_of_the_page():
    fig = Figure(figsize=(2, 1), dpi=50)
    assert plt.imread(io.BytesIO(figure_png(fig))).shape[:2] == (100, 200)
    assert fig.dpi == 50


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
    assert plt.imread(io.BytesIO(figure_png(fig))).shape[:2] == (100, 200)


def test_paper_is_white_on_a_light_page_and_grey_on_a_dark_one():
    course_style()
    fig = plt.figure()
    light = on_page(figure_png(fig), ON_LIGHT)
    dark = on_page(figure_png(fig), ON_DARK)
    assert (light == 1).all()
    assert 0.8 < dark.min() <= dark.max() < 0.87


def test_data_have_the_same_colours_on_every_page():
    course_style()
    fig, ax = plt.subplots()
    ax.set_axis_off()
    ax.imshow([[0, 1]], cmap="cividis", aspect="auto")
    png = figure_png(fig)
    light, dark = on_page(png, ON_LIGHT), on_page(png, ON_DARK)
    for place in [0.25, 0.75]:
        row, column = light.shape[0] // 2, int(place * light.shape[1])
        assert (light[row, column] == dark[row, column]).all()
