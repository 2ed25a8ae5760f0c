"""One figure, drawn into again and again."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import course_style
from course_utils.display.drawing import Drawing, Said, empty
from tests.display.pixels import pixels, small_axes


def line(ax, slope=1.0):
    ax.plot([0, 1], [0, slope])
    return f"slope {slope:.1f}"


def test_first_drawing_is_there_and_pyplot_forgets_it():
    drawing = Drawing(line, {"slope": 2.0})
    assert drawing.said == Said("slope 2.0", False)
    assert drawing.png().startswith(b"\x89PNG")
    assert plt.get_fignums() == []


def test_several_axes_come_as_a_list_and_are_empty_each_time():
    line_counts = []

    def draw_two(axes, k=1):
        for ax in axes:
            line_counts.append(len(ax.lines))
            ax.plot([k])

    drawing = Drawing(draw_two, {"k": 1}, ncols=2)
    drawing.redraw({"k": 2})
    assert line_counts == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("options", "inches"),
    [({}, (6.4, 3.8)), ({"ncols": 2}, (10.6, 3.8)), ({"figsize": (3, 2)}, (3, 2))],
)
def test_figure_grows_with_the_number_of_axes(options, inches):
    drawing = Drawing(lambda axes: None, {}, **options)
    np.testing.assert_allclose(drawing.figure.get_size_inches(), inches)
    assert drawing.size == tuple(round(drawing.figure.dpi * inch) for inch in inches)


def test_scale_gives_more_pixels_of_the_same_picture():
    drawing = Drawing(line, {"slope": 1.0}, figsize=(3, 2))
    dpi = drawing.figure.dpi
    sizes = [plt.imread(io.BytesIO(drawing.png(s))).shape[:2] for s in (0.5, 1, 2)]
    width, height = drawing.size
    assert sizes == [(height * s, width * s) for s in (0.5, 1, 2)]
    assert drawing.figure.dpi == dpi


def test_with_a_goal_draw_says_whether_it_is_reached():
    drawing = Drawing(lambda ax: ("near", np.True_), {}, has_goal=True)
    assert drawing.said == Said("near", True)


@pytest.mark.parametrize(
    ("returned", "has_goal", "sentence"),
    [
        ("near", True, "as there is a goal, a sentence and whether it is reached"),
        (None, True, "as there is a goal"),
        (("near", True), False, "return a sentence or None"),
        (0.5, False, "draw returned 0.5"),
    ],
)
def test_what_draw_returns_is_checked(returned, has_goal, sentence):
    with pytest.raises(TypeError, match=sentence):
        Drawing(lambda ax: returned, {}, has_goal=has_goal)


def test_axes_keep_their_place_when_labels_grow():
    axes = []

    def draw(ax, lines):
        axes.append(ax)
        ax.set_ylabel("\n".join(["label"] * lines))

    course_style()
    drawing = Drawing(draw, {"lines": 4})
    ax, label = axes[0], axes[0].yaxis.label
    assert label.get_window_extent().x0 >= 0  # the first frame makes room for it
    place, narrow = ax.get_position().bounds, label.get_window_extent().width
    drawing.redraw({"lines": 16})
    drawing.png()
    assert label.get_window_extent().width > 3 * narrow
    assert ax.get_position().bounds == place


def _line(ax):
    ax.plot([1, 30], [2, 50], label="a line")
    ax.set(title="above", xlabel="x", ylabel="y", xscale="log", yscale="log")
    ax.set(xticks=[1, 10], axisbelow=True)
    ax.spines[:].set_visible(True)
    ax.legend()


def _picture(ax):
    ax.imshow([[1, 2], [3, 4]])
    ax.set_axis_off()
    ax.set_title("to the left", loc="left")
    ax.set_title("middle", loc="center")


def _bars(ax):
    ax.bar([0, 1, 2], [3, 1, 2], label="bars")
    ax.legend()
    ax.set_title("to the right", loc="right")
    ax.spines[:].set_visible(False)
    ax.invert_yaxis()
    ax.grid(True)


def _band(ax):
    ax.axhline(7)  # says nothing about the limits of x
    ax.fill_between([5, 6], [1, 2], [2, 3])
    ax.set_frame_on(False)
    ax.set_autoscale_on(False)


def _notes(ax):
    ax.text(0.5, 0.5, "nothing to scale the axes by")
    ax.table([["1", "2"]], loc="bottom")
    ax.add_artist(plt.matplotlib.offsetbox.AnchoredText("note", loc="upper left"))
    ax.inset_axes([0.6, 0.6, 0.3, 0.3]).plot([0, 1])


DRAWINGS = [_line, _picture, _bars, _band, _notes]


@pytest.mark.parametrize("after", DRAWINGS)
def test_no_drawing_leaves_a_trace_in_the_next(after):
    course_style()
    fresh, used = small_axes(), small_axes()
    after(fresh)
    expected = pixels(fresh.figure)
    for before in DRAWINGS:
        before(used)
        used.figure.canvas.draw()
        empty(used)
        after(used)
        np.testing.assert_array_equal(pixels(used.figure), expected, before.__name__)
        empty(used)


def test_colour_bar_in_an_inset_goes_with_its_picture():
    def draw(ax, top=1.0):
        image = ax.imshow([[0, top]])
        ax.figure.colorbar(image, cax=ax.inset_axes([1.1, 0, 0.1, 1]))

    drawing = Drawing(draw, {"top": 1.0})
    drawing.redraw({"top": 2.0})
    (ax,) = drawing.figure.axes
    assert len(ax.images) == len(ax.child_axes) == 1


def test_a_look_ahead_says_the_same_and_draws_nothing():
    drawing = Drawing(
        lambda ax, k=1: (f"{ax.plot([k])} {k}"[-1:], k > 2), {"k": 1}, has_goal=True
    )
    (before,) = drawing.figure.axes[0].lines
    assert drawing.looked_ahead({"k": 3}) == Said("3", True)
    assert drawing.looked_ahead({"k": 2}) == Said("2", False)
    assert drawing.figure.axes[0].lines[0] is before
    assert drawing.redraw({"k": 3}) == Said("3", True)


@pytest.mark.parametrize("ncols", [1, 2])
def test_a_look_ahead_gives_real_axes_to_who_needs_an_answer(ncols):
    def draw(axes, k=1):
        ax = axes[0] if ncols > 1 else axes
        (drawn,) = ax.plot([0, k])
        low, high = ax.get_ylim()
        return f"up to {drawn.get_ydata()[1]}", low < 2 < high

    drawing = Drawing(draw, {"k": 1}, ncols=ncols, has_goal=True)
    assert drawing.looked_ahead({"k": 5}) == Said("up to 5", True)


def test_a_look_ahead_complains_as_a_drawing_does():
    said = ["near", True]
    drawing = Drawing(lambda ax: tuple(said), {}, has_goal=True)
    said.pop()
    with pytest.raises(TypeError, match="whether it is reached"):
        drawing.looked_ahead({})
