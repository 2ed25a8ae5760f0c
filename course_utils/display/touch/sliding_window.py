"""A window that slides over a grid of numbers: convolution and pooling, to touch."""

from typing import Any, Literal

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.display.plots import PALETTE, WIDTHS, plot_matrix
from course_utils.display.touch.widget import HERE, TouchWidget, show_widget

Kind = Literal["convolution", "max", "average"]
SIZE_LIMIT = 12  # rows and columns whose numbers can still be read
WINDOW_LIMIT = 5  # rows and columns of a kernel that fit between input and output


def _joined(*names: str) -> str:
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)


class SlidingWindow(TouchWidget):
    """The window on the page; its arithmetic stands in window_arithmetic.js."""

    _esm = _joined("window_arithmetic.js", "sliding_window.js")
    _css = _joined("touch.css", "sliding_window.css")


def slide_window(
    image: torch.Tensor,
    output: torch.Tensor,
    *,
    kernels: dict[str, torch.Tensor] | None = None,
    kind: Kind = "convolution",
    kernel_size: int = 2,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
) -> None:
    """Show a window that slides over `image`, with the calculation of each output.

    The learner steps, plays or drags the window, types into the kernel's cells, and
    changes stride, padding and dilation. Nothing of it asks the kernel of Jupyter.

    Args:
        image: the input, shape (rows, columns), 12×12 at most.
        output: what torch gives for the other arguments, shape (rows, columns).
        kernels: for a convolution, its kernels by name, each of shape (rows, columns),
            5×5 at most. The first one is there at the start.
        kind: "convolution", or a pooling: "max" or "average".
        kernel_size: the side of a pooling's window.
        stride: how far the window moves; None is torch's own, 1 for a convolution and
            `kernel_size` for a pooling.
        padding: how many cells stand around the input.
        dilation: the distance between two cells of the window.

    Raises:
        ValueError: a shape, a size or a number doesn't fit, or `output` is not what
            torch gives.

    Outside a notebook, as here, the outputs are printed instead:

    >>> image, kernels = torch.eye(3), {"sum": torch.ones(2, 2)}
    >>> output = F.conv2d(image[None, None], kernels["sum"][None, None])[0, 0]
    >>> slide_window(image, output, kernels=kernels)  # doctest: +ELLIPSIS
    {...'text/plain': 'A window of 2×2 over an input of 3×3, and its output of 2×2...'}
    {...}
    """
    if kind not in ("convolution", "max", "average"):
        raise ValueError(f"kind={kind!r}: give 'convolution', 'max' or 'average'.")
    if kind != "convolution":
        kernels = {f"{kind} pooling": torch.ones(kernel_size, kernel_size)}
    if not kernels:
        raise ValueError("no kernel: give kernels={'blur': torch.ones(3, 3) / 9}.")
    picture = _readable("image", image, SIZE_LIMIT)
    weights = {
        name: _readable(f"kernel '{name}'", kernel, WINDOW_LIMIT)
        for name, kernel in kernels.items()
    }
    settings = {
        "stride": stride or (1 if kind == "convolution" else kernel_size),
        "padding": padding,
        "dilation": dilation,
    }
    outputs = {
        name: _slide(picture, name, kernel, kind, **settings)
        for name, kernel in weights.items()
    }
    name, first = next(iter(outputs.items()))
    _refuse_another(output, first)
    limit = max(float(numbers.abs().max()) for numbers in outputs.values())
    data: dict[str, Any] = {
        "image": picture.tolist(),
        "kernels": {name: kernel.tolist() for name, kernel in weights.items()},
        "kernel": weights[name].tolist(),
        "kind": kind,
        "limit": limit or 1.0,  # the number at the end of the output's colours
    }
    still = _draw(picture, weights[name], first, kind, dilation, padding)
    alt = _describe(picture, name, weights[name], first)
    show_widget(SlidingWindow(data=data | settings), still, alt)


def _readable(name: str, values: torch.Tensor, limit: int) -> torch.Tensor:
    """Return the numbers on the CPU; refuse what is no small grid of them."""
    shape = tuple(values.shape)
    if len(shape) != 2 or not values.numel():
        raise ValueError(f"{name} has shape {shape}: give rows and columns alone.")
    if max(shape) > limit:
        raise ValueError(
            f"{name} is {shape[0]}×{shape[1]}: give {limit}×{limit} at most, so that "
            "the numbers can be read."
        )
    if not torch.isfinite(values).all():
        raise ValueError(f"{name} holds nan or inf: give numbers that can be added.")
    return values.detach().cpu().double()


def _slide(
    image: torch.Tensor,
    name: str,
    kernel: torch.Tensor,
    kind: Kind,
    stride: int,
    padding: int,
    dilation: int,
) -> torch.Tensor:
    """Return what torch gives, shape (rows, columns)."""
    for room, taps in zip(image.shape, kernel.shape, strict=True):
        span, room = dilation * (taps - 1) + 1, room + 2 * padding
        if span > room:
            raise ValueError(
                f"'{name}' spans {span} cells, but the padded image has {room}: take "
                "a smaller kernel, a smaller dilation or more padding."
            )
    if kind == "average" and dilation > 1:
        raise ValueError("average pooling has no dilation in torch: leave it at 1.")
    batch, size = image[None, None], kernel.shape[0]
    try:
        if kind == "max":
            return F.max_pool2d(batch, size, stride, padding, dilation)[0, 0]
        if kind == "average":
            return F.avg_pool2d(batch, size, stride, padding)[0, 0]
        weight = kernel[None, None]
        return F.conv2d(batch, weight, None, stride, padding, dilation)[0, 0]
    except RuntimeError as error:
        raise ValueError(f"torch refuses these settings: {error}") from error


def _refuse_another(output: torch.Tensor, expected: torch.Tensor) -> None:
    """Refuse an output that these settings don't give: the page would contradict it."""
    if output.shape != expected.shape:
        raise ValueError(
            f"output has shape {tuple(output.shape)}, but torch gives "
            f"{tuple(expected.shape)} here: use the same settings for both."
        )
    if not torch.allclose(output.detach().cpu().double(), expected, 1e-4, 1e-4):
        raise ValueError(
            "output is not what torch gives here: compute it from the same image, the "
            "first kernel and the same settings."
        )


def _describe(
    image: torch.Tensor, name: str, kernel: torch.Tensor, output: torch.Tensor
) -> str:
    window, room, places = (
        f"{rows}×{columns}"
        for rows, columns in (kernel.shape, image.shape, output.shape)
    )
    return (
        f"A window of {window} over an input of {room}, and its output of {places}. "
        f"In the upper left corner it ({name}) gives {output[0, 0]:.4g}. Run this cell "
        "to move the window."
    )


def _draw(
    image: torch.Tensor,
    kernel: torch.Tensor,
    output: torch.Tensor,
    kind: Kind,
    dilation: int,
    padding: int,
) -> Figure:
    """Draw input, kernel and output, the window in its first place."""
    pools = kind != "convolution"
    grids = {"input": F.pad(image, [padding] * 4), "kernel": kernel, "output": output}
    if pools:
        del grids["kernel"]
    widths = [grid.shape[1] for grid in grids.values()]
    rows = max(grid.shape[0] for grid in grids.values())
    # Every cell is as large as every other: a kernel's are those of its window.
    cell = min(0.42, 6.4 / sum(widths), 3.4 / rows)  # inches
    fig, axes = plt.subplots(
        1, len(grids), figsize=(WIDTHS[2], rows * cell + 0.5), width_ratios=widths
    )
    for ax, (title, grid) in zip(axes, grids.items(), strict=True):
        signed = not pools and title != "input"
        most = float(grid.abs().max()) or 1.0
        limits = (-1.6 * most, 1.6 * most) if signed else (0.0, 2.5 * most)
        cmap = "PRGn" if signed else "Greys"
        plot_matrix(grid, ax, fmt="{:.3g}", title=title, cmap=cmap, limits=limits)
        ax.set(xticks=[], yticks=[], ylim=(rows - 0.5, -0.5))
    high, wide = (dilation * (taps - 1) + 1 for taps in kernel.shape)
    for ax, width, height, colour in [
        (axes[0], wide, high, PALETTE["blue"]),
        (axes[-1], 1, 1, PALETTE["green"]),
    ]:
        style = {"fill": False, "edgecolor": colour, "linewidth": 3}
        ax.add_patch(Rectangle((-0.5, -0.5), width, height, **style))
    return fig
