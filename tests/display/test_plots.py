"""Axes-level plots."""

import inspect

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from course_utils import PALETTE, course_style, plot_band, plot_image, plot_matrix
from course_utils.display.plots import to_numpy

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
def test_makes_an_axes_where_none_is_given(plot):
    ax = plot(*PLOTS[plot])
    assert ax.figure.number in plt.get_fignums()
    assert inspect.signature(plot).parameters["ax"].default is None


def test_a_matrix_shows_its_numbers_where_they_stand():
    ax = plot_matrix([[1, 2], [3, 4.5]])
    texts = {text.get_position(): text.get_text() for text in ax.texts}
    assert texts == {(0, 0): "1", (1, 0): "2", (0, 1): "3", (1, 1): "4.5"}


def test_dark_cells_have_light_numbers():
    ax = plot_matrix([[0, 10]], cmap="gray", limits=(0, 10))
    assert [text.get_color() for text in ax.texts] == ["white", "black"]


def test_a_row_and_no_numbers():
    ax = plot_matrix(torch.tensor([1.0, 2.0]), fmt="")
    assert ax.images[0].get_array().shape == (1, 2)
    assert not ax.texts


def test_an_image_is_dark_on_light():
    ax = plot_image(torch.eye(3)[None], title="eye")
    assert ax.images[0].get_cmap().name == "gray_r"
    assert (ax.get_title(), ax.axison) == ("eye", False)


def test_a_band_is_mean_and_range():
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


def test_the_style_uses_the_palette():
    course_style()
    colours = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    assert set(colours) < set(PALETTE.values())
    assert plt.rcParams["figure.facecolor"] == "white"
