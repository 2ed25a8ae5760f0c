"""The checks of figures: they let the course's style pass, and find what is pale."""

import matplotlib.pyplot as plt
import pytest
import torch

from course_utils import PALETTE, course_style, plot_band, plot_image, plot_matrix
from course_utils.display.plots import GREY
from tests.support.looks import faults

BARS = [1.0, 2.0, 3.0]


@pytest.fixture
def ax():
    course_style()
    return plt.subplots()[1]


def test_figure_in_the_style_of_the_course_has_no_faults():
    course_style()
    fig, axes = plt.subplots(2, 3, figsize=(7.6, 4.4))
    for row, colour in enumerate(PALETTE.values()):
        axes[0, 0].plot([0, 1], [row, row + 1], color=colour, label=str(row))
    axes[0, 0].set(xlabel="step", ylabel="loss", title="six lines")
    axes[0, 0].axhline(2, color=GREY, linewidth=1)
    axes[0, 1].bar(range(3), BARS)
    axes[0, 2].scatter(BARS, BARS)
    axes[0, 2].vlines(BARS, 0, 1, color=GREY)
    plot_band(BARS, [BARS, [2.0, 3.0, 4.0]], axes[1, 0], label="runs").legend()
    plot_matrix(torch.arange(9.0).reshape(3, 3), axes[1, 1], title="numbers")
    plot_image(torch.eye(8), axes[1, 2], title="image")
    assert faults(fig) == []


FAULTS = {
    "a pale line": (lambda ax: ax.plot(BARS, color="#E69F00"), "2.25:1 on a light"),
    "a thin line of little opacity": (lambda ax: ax.plot(BARS, alpha=0.3), ":1 on a"),
    "pale bars": (lambda ax: ax.bar(BARS, BARS, color="#56B4E9"), "Rectangle"),
    "pale dots": (lambda ax: ax.scatter(BARS, BARS, color="0.7"), "PathCollection"),
    "pale bars of errors": (lambda ax: ax.vlines(BARS, 0, 1, color="0.7"), "LineColl"),
    "a pale text": (lambda ax: ax.text(0.5, 0.5, "low", color="0.6"), "'low' is pale"),
    "a line that is pale on the dark": (
        lambda ax: ax.plot(BARS, color="0.55"),
        ":1 on a dark page",
    ),
    "a text on a picture of its colour": (
        lambda ax: (ax.imshow([[0, 1]]), ax.text(0, 0, "dark"))[1],
        "'dark' is pale or crossed",
    ),
    "a text under a line": (
        lambda ax: (ax.axhline(0.5, lw=4), ax.text(0.4, 0.5, "under", va="center")),
        "'under' is pale or crossed",
    ),
    "a text out of the page": (
        lambda ax: ax.figure.text(0.9, 0.5, "x" * 60),
        "is clipped",
    ),
    "a tiny text": (lambda ax: ax.set_title("tiny", fontsize=7), "'tiny' has 7 points"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found(ax, name):
    draw, words = FAULTS[name]
    draw(ax)
    assert any(words in fault for fault in faults(ax.figure)), faults(ax.figure)


def test_unseen_texts_are_left_out(ax):
    ax.set(xlabel="pale")
    ax.xaxis.label.set_color("0.8")
    assert faults(ax.figure)
    ax.set_axis_off()
    assert faults(ax.figure) == []


def test_titles_of_a_lower_row_are_found_where_they_are():
    course_style()
    fig, axes = plt.subplots(2, 2, figsize=(4.2, 3.8))
    for ax in axes.flat:
        plot_image(torch.ones(8, 8).triu(), ax, title="two\nlines")
    assert faults(fig) == []
