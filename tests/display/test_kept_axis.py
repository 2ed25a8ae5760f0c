"""An axis that is pasted looks as one that is drawn."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.ticker import FuncFormatter, MultipleLocator

from course_utils import course_style
from course_utils.display.drawing import keep_labels
from course_utils.display.kept_axis import KeptAxis
from tests.display.pixels import pixels, small_axes

CHANGES = {
    "limits": lambda ax: ax.set_xlim(0, 7),
    "an axis turned round": lambda ax: ax.invert_yaxis(),
    "scale": lambda ax: ax.set(xscale="log", xlim=(1, 100)),
    "ticks": lambda ax: ax.set_xticks([0, 0.5]),
    "labels of ticks": lambda ax: ax.set_xticks([0, 1], ["a", "b"]),
    "places of ticks": lambda ax: ax.yaxis.set_major_locator(MultipleLocator(0.3)),
    "small ticks": lambda ax: ax.minorticks_on(),
    "numbers": lambda ax: ax.yaxis.set_major_formatter(FuncFormatter(lambda *_: "x")),
    "an offset": lambda ax: ax.set_ylim(1_000_000, 1_000_001),
    "a label": lambda ax: ax.set_xlabel("another"),
    "its colour": lambda ax: ax.xaxis.label.set_color("red"),
    "a colour as an array": lambda ax: ax.xaxis.label.set_color(np.eye(3)[0]),
    "its place": lambda ax: ax.xaxis.set_label_coords(0.2, -0.2),
    "its side": lambda ax: ax.yaxis.set_label_position("right"),
    "another scale": lambda ax: ax.set_yscale("symlog", linthresh=0.5),
    "its size": lambda ax: ax.yaxis.label.set_size(20),
    "the size of numbers": lambda ax: ax.tick_params(labelsize=5),
    "their distance": lambda ax: ax.tick_params(pad=9),
    "their angle": lambda ax: ax.tick_params(axis="x", labelrotation=40),
    "one number's colour": lambda ax: ax.get_xticklabels()[1].set_color("red"),
    "long ticks": lambda ax: ax.tick_params(length=9),
    "wide ticks": lambda ax: ax.tick_params(width=3),
    "ticks on the other side": lambda ax: ax.tick_params(right=True, labelright=True),
    "no numbers": lambda ax: ax.tick_params(labelleft=False),
    "a grid": lambda ax: ax.grid(True, color="green", linestyle=":"),
    "a spine that moves": lambda ax: ax.spines["left"].set_position(("data", 0.4)),
    "no axis": lambda ax: ax.yaxis.set_visible(False),
    "another place": lambda ax: ax.set_position((0.3, 0.3, 0.5, 0.5)),
    "sharper": lambda ax: ax.figure.set_dpi(90),
}


def alike(left, right):
    """Compare pixels; a text pasted over a grid is rounded once more."""
    np.testing.assert_allclose(left.astype(int), right.astype(int), atol=2)


def drawn(kept):
    """Return axes with a line, whose two axes are kept or not."""
    ax = small_axes()
    ax.plot([0, 1], [0, 1])
    ax.set(xlabel="x", ylabel="y")
    ax.figure.canvas.draw()
    keep_labels(ax)
    for axis in (ax.xaxis, ax.yaxis):
        if kept:
            axis.draw = KeptAxis(axis)
    return ax


@pytest.fixture(autouse=True)
def style():
    course_style()
    yield
    plt.close("all")


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_change_is_seen_at_once_and_stays(change):
    plain, kept = drawn(False), drawn(True)
    before = [pixels(kept.figure) for _ in range(3)][-1]
    alike(before, pixels(plain.figure))
    change(plain)
    change(kept)
    after = pixels(plain.figure)
    assert after.shape != before.shape or np.abs(after.astype(int) - before).max() > 50
    for _ in range(3):  # drawn, drawn alone, pasted
        alike(pixels(kept.figure), after)


def test_third_picture_is_pasted(monkeypatch):
    ax = drawn(True)
    for _ in range(2):
        pixels(ax.figure)
    monkeypatch.setattr(ax.xaxis.draw, "_draw", None)
    pixels(ax.figure)
    ax.set_xlim(0, 2)
    with pytest.raises(TypeError):
        pixels(ax.figure)


def test_axis_without_pixels_is_kept_too():
    ax = drawn(True)
    ax.xaxis.set_visible(False)
    pictures = [pixels(ax.figure) for _ in range(3)]
    np.testing.assert_array_equal(pictures[0], pictures[2])


def test_file_without_pixels_holds_the_axis_itself():
    ax, texts = drawn(True), io.StringIO()
    pixels(ax.figure)
    with plt.rc_context({"svg.fonttype": "none"}):
        ax.figure.savefig(texts, format="svg")
    assert ">x</text>" in texts.getvalue()
