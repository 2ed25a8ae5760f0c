"""Controls beside one figure that is redrawn in place."""

import statistics
import time

import matplotlib.pyplot as plt
import pytest
from ipywidgets.widgets import widget

from course_utils import playground
from course_utils.display.figures import figure_bundle
from course_utils.display.playground import _empty

VIEW = "application/vnd.jupyter.widget-view+json"


def line(ax, slope=1.0, dashed=False):
    ax.plot([0, 1], [0, slope], "--" if dashed else "-")
    return f"slope {slope:.1f}"


def registry() -> dict:
    # ipywidgets 8 keeps its widgets in a private dict, 7 in a public one
    return getattr(widget, "_instances", None) or widget.Widget.widgets


def controls(displayed) -> dict:
    box = registry()[displayed[0][0][VIEW]["model_id"]]
    return {child.description: child for child in box.children}


def test_puts_controls_picture_and_caption_on_the_page(displayed):
    playground(line, alt="A line.", slope=(-2.0, 2.0, 0.5), dashed=True)
    shown, picture, caption = (data for data, _ in displayed)
    assert shown["text/plain"].startswith("Controls: slope = 1.0, dashed = False.")
    assert picture["text/plain"] == "A line."
    assert caption["text/plain"] == "slope 1.0\nA line."
    assert plt.get_fignums() == []


def test_a_move_redraws_picture_and_caption_in_place(displayed):
    playground(line, alt="A line.", slope=(-2.0, 2.0, 0.5))
    (_, _), (before, picture), (_, caption) = displayed
    controls(displayed)["slope"].value = -2.0
    (after, same_picture), (said, same_caption) = displayed[3:]
    assert (same_picture, same_caption) == (picture, caption)
    assert after["image/png"] != before["image/png"]
    assert said["text/plain"] == "slope -2.0\nA line."


def test_every_value_starts_where_draw_says(displayed):
    playground(line, alt="A line.", slope=(-2.0, 2.0, 0.5), dashed=[True, False])
    values = {name: widget.value for name, widget in controls(displayed).items()}
    assert values == {"slope": 1.0, "dashed": False}


def test_an_exception_while_drawing_is_shown(displayed):
    def fragile(ax, k=1):
        ax.plot([1 / k])

    playground(fragile, alt="A point.", k=(0, 2))
    controls(displayed)["k"].value = 0
    said, _ = displayed[-1]
    assert "The drawing failed: ZeroDivisionError" in said["text/plain"]
    assert "course-error" in said["text/html"]
    controls(displayed)["k"].value = 2
    assert "course-error" not in displayed[-1][0]["text/html"]


def test_an_exception_in_the_first_drawing_is_raised(displayed):
    with pytest.raises(ZeroDivisionError):
        playground(lambda ax, k=0: 1 / k, alt="Never.", k=(0, 2))
    assert displayed == []


def test_several_axes(displayed):
    def two(axes, k=1):
        assert len(axes) == 2
        axes[1].plot([k])

    playground(two, alt="Two.", ncols=2, k=(0, 2))
    assert len(displayed) == 3


def test_no_such_parameter():
    with pytest.raises(TypeError, match="takes no parameter 'angle'"):
        playground(line, alt="A line.", angle=(0, 1))


def test_no_such_control():
    with pytest.raises(TypeError, match="no control fits slope"):
        playground(line, alt="A line.", slope=object())


def test_a_redraw_is_quick(displayed):
    playground(line, alt="A line.", slope=(0.0, 1.0, 0.01))
    slider = controls(displayed)["slope"]
    seconds = []
    for step in range(20):
        start = time.process_time()
        slider.value = step / 100
        seconds.append(time.process_time() - start)
    # of processor time, which a busy machine does not stretch as it does the clock
    assert statistics.median(seconds) < 0.12


def _line(ax):
    ax.plot([1, 30], [2, 50], label="a line")
    ax.set(title="left", xlabel="x", ylabel="y", xscale="log", xticks=[1, 10])
    ax.legend()


def _picture(ax):
    ax.imshow([[1, 2], [3, 4]])
    ax.set_axis_off()


def _bars(ax):
    ax.bar([0, 1, 2], [3, 1, 2])
    ax.set_title("right", loc="right")
    ax.spines[:].set_visible(False)
    ax.invert_yaxis()
    ax.grid(True)


def _drawn(fig, draw) -> str:
    fig.set_layout_engine("none")
    draw(fig.axes[0])
    return figure_bundle(fig, "a picture")[0]["image/png"]


def test_an_emptied_axes_is_as_good_as_new():
    used, ax = plt.subplots()
    for draw in [_line, _picture, _bars, _line, _bars, _picture, _line]:
        _empty(ax)
        fresh, _ = plt.subplots()
        assert _drawn(used, draw) == _drawn(fresh, draw)
