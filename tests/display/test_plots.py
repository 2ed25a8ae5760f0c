"""Plots in one axes, and the style of the course."""

import inspect
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from course_utils import PALETTE, course_style, plot_band, plot_image, plot_matrix
from course_utils.display.contrast import contrast
from course_utils.display.plots import GREY, PAPER, SMALL, TEXT, TITLE, to_numpy
from tests.display.pixels import pixels, small_axes

PLOTS = {
    plot_matrix: (torch.arange(6.0).reshape(2, 3),),
    plot_image: (torch.zeros(1, 4, 5),),
    plot_band: (range(3), [[0, 1, 2], [2, 3, 4]]),
}


@pytest.mark.parametrize("plot", PLOTS, ids=lambda p: p.__name__)
def test_takes_an_axes_and_returns_it(plot):
    _, ax = plt.subplots()
    assert plot(*PLOTS[plot], ax) is ax


@pytest.mark.parametrize("plot", PLOTS, ids=lambda p: p.__name__)
def test_creates_an_axes_where_none_is_given(plot):
    ax = plot(*PLOTS[plot])
    assert ax.figure.number in plt.get_fignums()
    assert inspect.signature(plot).parameters["ax"].default is None


def test_matrix_picture():
    course_style()
    ax, expected = small_axes(), small_axes()
    plot_matrix([[0, 1, 2], [3, 4, 5]], ax, title="weight")
    expected.imshow([[0, 1, 2], [3, 4, 5]], cmap="cividis")
    expected.set_xticks([0, 1, 2])
    expected.set_yticks([0, 1])
    expected.tick_params(length=0)
    for side in ("left", "right", "top", "bottom"):
        expected.spines[side].set_visible(False)
    expected.set_title("weight")
    for value in range(6):
        place, colour = (value % 3, value // 3), "white" if value < 3 else "black"
        expected.text(*place, str(value), ha="center", va="center", color=colour)
    np.testing.assert_array_equal(pixels(ax.figure), pixels(expected.figure))


def test_matrix_picture_with_limits_and_another_format():
    ax, expected = small_axes(), small_axes()
    plot_matrix([2, 4], ax, fmt="{:.1f}", cmap="gray", limits=(0, 10))
    expected.imshow([[2, 4]], cmap="gray", vmin=0, vmax=10)
    expected.set(xticks=[0, 1], yticks=[0])
    expected.tick_params(length=0)
    expected.spines[:].set_visible(False)
    for column, text in enumerate(["2.0", "4.0"]):
        expected.text(column, 0, text, ha="center", va="center", color="white")
    np.testing.assert_array_equal(pixels(ax.figure), pixels(expected.figure))


def test_image_picture():
    course_style()
    ax, expected = small_axes(), small_axes()
    plot_image(torch.arange(6.0).reshape(1, 2, 3), ax, title="ramp")
    expected.imshow([[0, 1, 2], [3, 4, 5]], cmap="gray_r")
    expected.axis("off")
    expected.set_title("ramp", fontsize=9, loc="center")
    for image_ax in (ax, expected):  # white paper, for gray_r has no other
        image_ax.figure.set_facecolor("white")
    # Blending the ink rounds where gray_r does not.
    np.testing.assert_allclose(
        pixels(ax.figure).astype(int), pixels(expected.figure), atol=1
    )


@pytest.mark.parametrize("color", [None, PALETTE["green"]])
def test_band_picture(color):
    course_style()
    ax, expected = small_axes(), small_axes()
    plot_band([0, 1, 2], [[0, 5, 2], [2, 1, 4]], ax, label="runs", color=color)
    ax.legend()
    colour = color or PALETTE["blue"]
    expected.plot([0, 1, 2], [1, 3, 3], color=colour, label="runs")
    expected.fill_between(
        [0, 1, 2], [0, 1, 2], [2, 5, 4], color=colour, alpha=0.2, linewidth=0
    )
    expected.legend()
    np.testing.assert_array_equal(pixels(ax.figure), pixels(expected.figure))


def test_matrix_shows_its_numbers_in_their_cells():
    ax = plot_matrix([[1, 2], [3, 4.5]])
    texts = {text.get_position(): text.get_text() for text in ax.texts}
    assert texts == {(0, 0): "1", (1, 0): "2", (0, 1): "3", (1, 1): "4.5"}


@pytest.mark.parametrize("cmap", ["cividis", "gray_r", "PuOr_r", "Blues", "viridis"])
def test_numbers_can_be_read_on_every_colour(cmap):
    ax = plot_matrix(torch.linspace(0, 1, 256).reshape(16, 16), cmap=cmap)
    image = ax.images[0]
    for text, value in zip(ax.texts, image.get_array().flat, strict=True):
        cell = image.cmap(image.norm(value))
        assert contrast(to_rgb(text.get_color()), cell) >= 4.5


@pytest.mark.parametrize("page", [1.0, 17 / 255], ids=["light page", "dark page"])
def test_thin_lines_of_every_colour_can_be_seen(page):
    paper = [PAPER[3] * PAPER[0] + (1 - PAPER[3]) * page] * 3
    for colour in [*PALETTE.values(), GREY]:
        assert contrast(to_rgb(colour), paper) >= 3


# What colour-blind eyes make of linear RGB. Source: G. M. Machado et al., "A
# Physiologically-based Model for Simulation of Color Vision Deficiency", 2009.
EYES = {
    "all cones": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "no red cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}
TO_XYZ = [[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]]
FROM_XYZ = np.array([[0, 116, 0], [500, -500, 0], [0, 200, -200]])


def lab(colour: str, eyes: list) -> np.ndarray:
    """Return the colour in CIELAB, as these eyes see it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(eyes @ linear, 0, 1) / [0.9505, 1, 1.089]
    return FROM_XYZ @ np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)


@pytest.mark.parametrize("eyes", EYES)
def test_colours_stay_apart_for_the_colour_blind(eyes):
    seen = [lab(colour, EYES[eyes]) for colour in [*PALETTE.values(), "black"]]
    distances = [np.linalg.norm(a - b) for a, b in combinations(seen, 2)]
    assert min(distances) > 15  # one can just be seen at 2.3


def test_dark_cells_have_light_numbers():
    ax = plot_matrix([[0, 10]], cmap="gray", limits=(0, 10))
    assert [text.get_color() for text in ax.texts] == ["white", "black"]


def test_matrix_of_one_row_without_numbers():
    ax = plot_matrix(torch.tensor([1.0, 2.0]), fmt="")
    assert ax.images[0].get_array().shape == (1, 2)
    assert not ax.texts


def test_image_is_dark_on_light():
    ax = plot_image(torch.eye(3)[None], title="eye")
    blank, ink = ax.images[0].get_cmap()([0.0, 1.0])
    assert blank[3] == 0 and ink.tolist() == [0, 0, 0, 1]
    assert (ax.get_title(), ax.axison) == ("eye", False)


def test_band_is_mean_and_range():
    ax = plot_band([0, 1], [[0, 1], [2, 5]], label="runs")
    assert ax.lines[0].get_ydata().tolist() == [1, 3]
    edges = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (edges.min(), edges.max()) == (0, 5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.int64])
def test_any_tensor_becomes_an_array(dtype):
    values = torch.ones(2, dtype=dtype)
    if dtype.is_floating_point:
        values.requires_grad_()
    np.testing.assert_array_equal(to_numpy(values), [1, 1])


def test_style_draws_six_lines_in_different_colours_of_the_palette():
    course_style()
    _, ax = plt.subplots()
    colours = [ax.plot([0, 1])[0].get_color() for _ in range(6)]
    assert len(set(colours)) == 6
    assert colours == list(PALETTE.values())


def test_style_makes_room_for_labels():
    course_style()
    fig, ax = plt.subplots()
    ax.set(xlabel="two\nlines", ylabel="four\nlines\nof\ntext", title="a\ntitle")
    fig.canvas.draw()
    page = fig.bbox
    for text in (ax.xaxis.label, ax.yaxis.label, ax.title):
        box = text.get_window_extent()
        assert page.x0 <= box.x0 and box.x1 <= page.x1
        assert page.y0 <= box.y0 and box.y1 <= page.y1


def test_style_is_quiet():
    plt.rcParams.update({"axes.grid": True, "figure.facecolor": "black"})
    course_style()
    fig, ax = plt.subplots()
    line, image = ax.plot([0, 1], label="a")[0], ax.imshow([[0, 1]])
    assert [s for s in ax.spines if ax.spines[s].get_visible()] == ["left", "bottom"]
    assert not ax.xaxis.get_gridlines()[0].get_visible()
    assert not ax.legend().get_frame_on()
    assert ax.set_title("left").get_position()[0] == 0
    assert line.get_linewidth() == 2
    assert image.get_cmap().name == "cividis"
    assert fig.get_facecolor() == PAPER
    assert ax.patch.get_alpha() is None and ax.get_facecolor()[3] == 0


def test_style_fits_the_page_and_its_text_can_be_read():
    plt.rcParams["axes.labelsize"] = "x-small"
    course_style()
    fig, ax = plt.subplots()
    assert pixels(fig).shape[:2] == (340, 560)
    ax.plot([0, 1], label="line")
    tick, label = ax.xaxis.get_ticklabels()[0], ax.legend().get_texts()[0]
    texts = [ax.set_title("t"), ax.xaxis.label, ax.text(0, 0, "t"), tick, label]
    sizes = [text.get_fontsize() for text in texts]
    assert sizes == [TITLE, TEXT, TEXT, SMALL, SMALL]
