"""Controls beside one figure that is reaxes in place."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from ipywidgets import FloatSlider, HBox, fixed
from ipywidgets.widgets import widget

from course_utils import course_style, playground
from course_utils.display.bundles import ERROR_CLASS, HTML, PLAIN, WIDGET_VIEW
from course_utils.display.playground import _empty
from tests.display.pixels import pixels, small_axes


def line(ax, slope=1.0, dashed=False):
    ax.plot([0, 1], [0, slope], "--" if dashed else "-")
    return f"slope {slope:.1f}"


def widget_registry() -> dict:
    # ipywidgets 8 keeps its widgets in a private dict, 7 in a public one
    return getattr(widget, "_instances", None) or widget.Widget.widgets


def controls(displayed) -> dict:
    box = widget_registry()[displayed[0][0][WIDGET_VIEW]["model_id"]]
    return {child.description: child for child in box.children}


def test_shows_controls_picture_and_caption(displayed):
    playground(line, alt="A line.", slope=(-2.0, 2.0, 0.5), dashed=True)
    bundles = [data for data, _ in displayed]
    assert bundles[0][PLAIN].startswith("Controls: slope = 1.0, dashed = False.")
    assert bundles[1][PLAIN] == "A line."
    assert bundles[2][PLAIN] == "slope 1.0\nA line."
    assert plt.get_fignums() == []


def test_move_redraws_picture_and_caption_in_place(displayed):
    playground(line, alt="A line.", slope=(-2.0, 2.0, 0.5))
    (_, _), (before, picture), (_, caption) = displayed
    controls(displayed)["slope"].value = -2.0
    (after, same_picture), (text, same_caption) = displayed[3:]
    assert (same_picture, same_caption) == (picture, caption)
    assert after[HTML] != before[HTML]
    assert text[PLAIN] == "slope -2.0\nA line."


def test_each_value_starts_at_the_default_of_draw(displayed):
    playground(line, alt="A line.", slope=(-2.0, 2.0, 0.5), dashed=[True, False])
    values = {name: widget.value for name, widget in controls(displayed).items()}
    assert values == {"slope": 1.0, "dashed": False}


def test_control_is_named_after_its_parameter_or_by_itself(displayed):
    def draw(ax, line_width=1, slope=1.0):
        pass

    slider = FloatSlider(description="steepness")
    playground(draw, alt="A line.", line_width=(1, 3), slope=slider)
    assert controls(displayed).keys() == {"line width", "steepness"}
    assert slider.style.description_width == "initial"


def test_error_while_drawing_is_shown_under_the_picture(displayed):
    def fragile(ax, k=1):
        ax.plot([1 / k])

    playground(fragile, alt="A point.", k=(0, 2))
    controls(displayed)["k"].value = 0
    caption, _ = displayed[-1]
    assert "The drawing failed: ZeroDivisionError" in caption[PLAIN]
    assert ERROR_CLASS in caption[HTML]
    controls(displayed)["k"].value = 2
    assert ERROR_CLASS not in displayed[-1][0][HTML]


def test_error_in_the_first_drawing_is_raised(displayed):
    with pytest.raises(ZeroDivisionError):
        playground(lambda ax, k=0: 1 / k, alt="Never.", k=(0, 2))
    assert displayed == []


def test_draw_gets_a_list_of_several_axes(displayed):
    def draw_two(axes, k=1):
        assert len(axes) == 2
        axes[1].plot([k])

    playground(draw_two, alt="Two.", ncols=2, k=(0, 2))
    assert len(displayed) == 3


def test_each_redraw_starts_with_empty_axes(displayed):
    line_counts = []

    def draw_two(axes, k=1):
        for ax in axes:
            line_counts.append(len(ax.lines))
            ax.plot([k])

    playground(draw_two, alt="Two.", ncols=2, k=(0, 2))
    controls(displayed)["k"].value = 2
    assert line_counts == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("options", "inches"),
    [({}, (6.4, 3.8)), ({"ncols": 2}, (10.6, 3.8)), ({"figsize": (3, 2)}, (3, 2))],
)
def test_figure_grows_with_the_number_of_axes(options, inches, displayed):
    figures = []

    def draw(axes):
        figures.append(plt.gcf())

    playground(draw, alt="White.", **options)
    np.testing.assert_allclose(figures[0].get_size_inches(), inches)


def test_unknown_parameter_is_refused():
    with pytest.raises(TypeError, match="takes no parameter 'angle'"):
        playground(line, alt="A line.", angle=(0, 1))


@pytest.mark.parametrize("spec", [object(), HBox(), fixed(1.0)])
def test_value_without_a_control_is_refused(spec):
    with pytest.raises(TypeError, match="no control fits slope"):
        playground(line, alt="A line.", slope=spec)


def test_axes_keep_their_place_when_labels_grow(displayed):
    axes = []

    def draw(ax, lines=4):
        axes.append(ax)
        ax.set_ylabel("\n".join(["label"] * lines))

    course_style()
    playground(draw, alt="A label.", lines=(1, 16))
    ax, label = axes[0], axes[0].yaxis.label
    assert label.get_window_extent().x0 >= 0  # the first frame makes room for it
    place, narrow = ax.get_position().bounds, label.get_window_extent().width
    controls(displayed)["lines"].value = 16
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
        _empty(used)
        after(used)
        np.testing.assert_array_equal(pixels(used.figure), expected, before.__name__)
        _empty(used)
