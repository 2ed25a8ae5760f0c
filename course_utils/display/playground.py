"""A playground: controls beside one figure that is redrawn in place."""

import inspect
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from course_utils.display.bundles import PLAIN, caption_bundle, widget_view
from course_utils.display.figures import figure_bundle


def playground(
    draw: Callable[..., str | None],
    alt: str,
    *,
    ncols: int = 1,
    figsize: tuple[float, float] | None = None,
    **controls: Any,
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
        **controls: one control per parameter of `draw`, chosen by type as
            `ipywidgets.interact` does: True (check box), (low, high) or
            (low, high, step) (slider), a list (menu), or any widget.

    Raises:
        TypeError: a control fits no widget, or `draw` takes no such parameter.

    Outside a notebook, as here, the three outputs are printed instead:

    >>> def line(ax, slope=1.0):
    ...     ax.plot([0, 1], [0, slope])
    ...     return f"It rises by {slope}."
    >>> playground(line, alt="A line.", slope=(0.0, 2.0))  # doctest: +ELLIPSIS
    {...'Controls: slope = 1.0. Run this cell to move them.'}
    {'text/html': ..., 'text/plain': 'A line.'}
    {...'text/plain': 'It rises by 1.0.\\nA line.'}
    """
    # Imported here to keep `import course_utils` quick.
    from IPython.display import DisplayHandle, display
    from ipywidgets import HBox, Layout

    widgets = {name: _widget(draw, name, spec) for name, spec in controls.items()}
    fig, _ = plt.subplots(1, ncols, figsize=figsize or (4.2 * ncols + 2.2, 3.8))
    axes = fig.axes
    picture, caption = DisplayHandle(), DisplayHandle()

    def redraw() -> str:
        for ax in fig.axes:
            _empty(ax)
        values = {name: widget.value for name, widget in widgets.items()}
        return draw(axes if ncols > 1 else axes[0], **values) or ""

    def update(_change: object) -> None:
        try:
            sentence, failed = redraw(), False
            data, metadata = figure_bundle(fig, alt)
            picture.update(data, metadata=metadata, raw=True)
        except Exception as error:
            sentence = f"The drawing failed: {type(error).__name__}: {error}"
            failed = True
        caption.update(caption_bundle(sentence, alt, error=failed), raw=True)

    sentence = redraw()
    fig.canvas.draw()  # lay out once; later frames keep the places and don't jump
    fig.set_layout_engine("none")

    box = HBox(list(widgets.values()), layout=Layout(flex_flow="row wrap"))
    # Without a kernel a frontend shows the text, so it says what there is to move.
    values = ", ".join(f"{w.description} = {w.value}" for w in widgets.values())
    text = f"Controls: {values}. Run this cell to move them."
    display(widget_view(box.model_id) | {PLAIN: text}, raw=True)
    data, metadata = figure_bundle(fig, alt)
    picture.display(data, metadata=metadata, raw=True)
    caption.display(caption_bundle(sentence, alt), raw=True)
    plt.close(fig)
    for widget in widgets.values():
        widget.observe(update, names="value")


def _empty(ax: Axes) -> None:
    """Reset `ax`, but keep its ticks: recreating them, as `clear` does, is slow."""
    artists = [*ax.lines, *ax.patches, *ax.texts, *ax.images, *ax.collections]
    artists += [*ax.tables, *ax.artists, *ax.child_axes]
    for artist in artists:
        artist.remove()
    if legend := ax.get_legend():
        legend.remove()
    for loc in ("left", "center", "right"):
        ax.set_title("", loc=loc)
    ax.containers.clear()  # else the next legend lists bars that are gone
    ax.set_prop_cycle(None)
    ax.set(xlabel="", ylabel="", aspect="auto", xscale="linear", yscale="linear")
    style = plt.rcParams
    ax.set(axisbelow=style["axes.axisbelow"], frame_on=True)
    ax.set_axis_on()
    ax.grid(style["axes.grid"])
    ax.spines["left"].set_visible(style["axes.spines.left"])
    ax.spines["right"].set_visible(style["axes.spines.right"])
    ax.spines["top"].set_visible(style["axes.spines.top"])
    ax.spines["bottom"].set_visible(style["axes.spines.bottom"])
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.relim()  # else the next limits reach to data that are gone
    ax.set_autoscale_on(True)


def _widget(draw: Callable[..., str | None], name: str, spec: Any) -> Any:
    from ipywidgets import interactive
    from ipywidgets.widgets.widget_description import DescriptionWidget

    parameter = inspect.signature(draw).parameters.get(name)
    if parameter is None:
        raise TypeError(f"draw takes no parameter '{name}': add it, or drop '{name}='.")
    widget: Any = interactive.widget_from_abbrev(spec, parameter.default)
    if isinstance(spec, bool) and isinstance(parameter.default, bool):
        widget.value = parameter.default  # ipywidgets does it for ranges only
    if not isinstance(widget, DescriptionWidget):
        raise TypeError(
            f"no control fits {name}={spec!r}: give True or False, (low, high), "
            "(low, high, step), a list, or a widget."
        )
    if not widget.description:
        widget.description = name.replace("_", " ")
    widget.style.description_width = "initial"
    return widget
