"""A playground: controls beside one figure that is redrawn in place."""

import inspect
from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
from matplotlib.transforms import Bbox

from course_utils.display.bundles import caption_bundle, widget_view
from course_utils.display.figures import figure_bundle


def playground(
    draw: Callable[..., str | None],
    alt: str,
    *,
    ncols: int = 1,
    figsize: tuple[float, float] | None = None,
    **controls,
) -> None:
    """Show controls and a figure that `draw` redraws whenever one of them moves.

    `draw(ax, **values)` draws everything into an empty axes. A sentence it returns
    appears under the picture and follows every move. Where `draw` gives a parameter
    a default, its control starts there.

    Args:
        draw: called with one axes (a list of them if `ncols` > 1) and the values.
        alt: what the picture shows, for those who can't see it.
        ncols: how many axes stand side by side.
        figsize: the figure's width and height in inches.
        **controls: a control a parameter, chosen by type as `ipywidgets.interact`
            does: True (check box), (low, high) or (low, high, step) (slider), a list
            (menu), or any widget.

    Raises:
        TypeError: a control fits no widget, or `draw` takes no such parameter.
    """
    from IPython.display import display  # kept out of `import course_utils`
    from ipywidgets import HBox, Layout

    widgets = {name: _widget(draw, name, spec) for name, spec in controls.items()}
    fig, axes = plt.subplots(1, ncols, figsize=figsize or (4.2 * ncols + 2.2, 3.8))
    stage = _Stage(draw, fig, list(fig.axes) if ncols > 1 else axes, widgets)
    said = stage.redraw()
    fig.canvas.draw()  # lay out once; later frames keep the places and don't jump
    fig.set_layout_engine("none")

    box = HBox(list(widgets.values()), layout=Layout(flex_flow="row wrap"))
    display(_controls_bundle(box, widgets), raw=True)
    data, metadata = figure_bundle(fig, alt)
    picture = display(data, metadata=metadata, raw=True, display_id=True)
    caption = display(caption_bundle(said or "", alt), raw=True, display_id=True)
    plt.close(fig)

    def update(_change) -> None:
        try:
            said, failed = stage.redraw(), False
            data, metadata = figure_bundle(fig, alt)
            picture.update(data, metadata=metadata, raw=True)
        except Exception as error:
            said, failed = f"The drawing failed: {type(error).__name__}: {error}", True
        bundle = caption_bundle(said or "", alt, error=failed)
        caption.update(bundle, raw=True)

    for widget in widgets.values():
        widget.observe(update, names="value")


class _Stage:
    """The figure, made once, and what it takes to redraw it."""

    def __init__(self, draw, fig, axes, widgets) -> None:
        self.draw, self.fig, self.axes, self.widgets = draw, fig, axes, widgets

    def redraw(self) -> str | None:
        for ax in self.fig.axes:
            _empty(ax)
        values = {name: widget.value for name, widget in self.widgets.items()}
        return self.draw(self.axes, **values)


def _empty(ax) -> None:
    """Make `ax` as good as new, but keep its ticks: making them anew is slow."""
    frame = {ax.patch, ax.xaxis, ax.yaxis, *ax.spines.values()}
    titles = {ax.title, ax._left_title, ax._right_title}
    for artist in set(ax.get_children()) - frame - titles:
        artist.remove()
    for title in titles:
        title.set_text("")
    ax.containers.clear()
    ax.set_prop_cycle(None)
    ax.set(xlabel="", ylabel="", aspect="auto", xscale="linear", yscale="linear")
    ax.set(axisbelow=plt.rcParams["axes.axisbelow"], frame_on=True)
    ax.set_axis_on()
    ax.grid(plt.rcParams["axes.grid"])
    for side, spine in ax.spines.items():
        spine.set_visible(plt.rcParams[f"axes.spines.{side}"])
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.dataLim.set_points(Bbox.null().get_points())
    ax.ignore_existing_data_limits = True
    ax.set_autoscale_on(True)


def _widget(draw: Callable, name: str, spec):
    from ipywidgets import Widget, interactive

    parameter = inspect.signature(draw).parameters.get(name)
    if parameter is None:
        raise TypeError(f"draw takes no parameter '{name}': add it, or drop '{name}='.")
    widget = interactive.widget_from_abbrev(spec, parameter.default)
    if not isinstance(widget, Widget):
        raise TypeError(
            f"no control fits {name}={spec!r}: give True or False, (low, high), "
            "(low, high, step), a list, or a widget."
        )
    if isinstance(spec, bool) and isinstance(parameter.default, bool):
        widget.value = parameter.default  # ipywidgets heeds defaults for ranges only
    if not widget.description:
        widget.description = name.replace("_", " ")
    widget.style.description_width = "initial"
    return widget


def _controls_bundle(box, widgets: Mapping) -> dict:
    # Without a kernel a frontend shows the text, so it says what there is to move.
    names = ", ".join(f"{w.description} = {w.value}" for w in widgets.values())
    said = f"Controls: {names}. Run this cell to move them."
    return widget_view(box.model_id) | {"text/plain": said}
