"""Attention to touch: tokens, what each gives to each, head by head."""

import math
from collections.abc import Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Curve

from course_utils.display.plots import PALETTE, WIDTHS, plot_matrix
from course_utils.display.touch.widget import HERE, TouchWidget, show_widget
from course_utils.errors import CourseError

MOST_TOKENS, MOST_LETTERS = 12, 12  # what two rows and a matrix have room for
BAND = 2.6  # letters; the width of all that a query gives away


class AttentionWidget(TouchWidget):
    """Two rows of tokens and a matrix; the page computes the shares."""

    _esm = HERE / "attention.js"
    _css = "".join(
        (HERE / name).read_text(encoding="utf-8")
        for name in ("touch.css", "attention.css")
    )


def touch_attention(
    tokens: Sequence[str],
    queries: torch.Tensor,
    keys: torch.Tensor,
    *,
    heads: Sequence[str] = (),
    entries: Sequence[str] = (),
) -> None:
    """Show attention to touch: which token looks at which, and why.

    The page computes softmax(q · k / √d / temperature); head, mask and temperature
    are chosen there.

    Args:
        tokens: up to 12, of up to 12 letters each.
        queries: what each token asks for, shape (heads, tokens, d).
        keys: what each token offers, of the same shape.
        heads: the heads' names; numbers if empty.
        entries: the names of the d entries of a query or key; none if empty.

    Raises:
        CourseError: a shape, a number or a name does not fit.

    Outside a notebook, as here, the outputs are printed instead:

    >>> q = k = torch.eye(2)[None] * 2
    >>> touch_attention(["to", "be"], q, k)  # doctest: +ELLIPSIS
    {...“to” looks at “to” with 0.94 of its attention...
    """
    _check_tokens(tokens)
    _check_numbers(tokens, queries, keys)
    heads = list(heads) or [str(number) for number in range(1, len(queries) + 1)]
    _check_names(heads, entries, queries.shape)
    q, k = (each.detach().cpu().double() for each in (queries, keys))
    shares = (q[0] @ k[0].T / math.sqrt(q.shape[-1])).softmax(-1)
    start = int(shares.amax(-1).argmax())  # the token that is surest
    data = {
        "tokens": list(tokens),
        "heads": heads,
        "entries": list(entries),
        "queries": q.tolist(),
        "keys": k.tolist(),
        "start": start,
    }
    names = _names(tokens)
    tops = [_top(tokens, row, query) for query, row in enumerate(shares)]
    alt = (
        f"The head “{heads[0]}” without a mask, at temperature 1: "
        f"{_sentence(names, shares[start], start)} "
        f"Where each token looks most: {', '.join(tops)}."
    )
    show_widget(AttentionWidget(data=data), _draw(tokens, shares, start), alt)


def _check_tokens(tokens: Sequence[str]) -> None:
    if isinstance(tokens, str):
        raise CourseError('tokens is one text: give a list, such as ["a", "cat"].')
    if not 2 <= len(tokens) <= MOST_TOKENS:
        raise CourseError(
            f"{len(tokens)} tokens have no room here: give 2 to {MOST_TOKENS}."
        )
    for token in tokens:
        if not isinstance(token, str) or not 1 <= len(token.strip()) <= MOST_LETTERS:
            raise CourseError(
                f"the token {token!r} has no room here: give texts of 1 to "
                f"{MOST_LETTERS} letters."
            )


def _check_numbers(
    tokens: Sequence[str], queries: torch.Tensor, keys: torch.Tensor
) -> None:
    for name, values in [("queries", queries), ("keys", keys)]:
        if not isinstance(values, torch.Tensor):
            raise CourseError(
                f"{name} is a {type(values).__name__}: give a tensor of torch."
            )
        if values.ndim != 3 or 0 in values.shape:
            raise CourseError(
                f"{name} has the shape {tuple(values.shape)}: give (heads, tokens, d), "
                "for one head with [None]."
            )
        if values.shape[1] != len(tokens):
            raise CourseError(
                f"{name} has {values.shape[1]} rows per head, for {len(tokens)} "
                "tokens: give one row per token."
            )
        if values.is_complex() or not values.isfinite().all():
            raise CourseError(f"{name} holds NaN, inf or complex numbers: give others.")
    if queries.shape != keys.shape:
        raise CourseError(
            f"queries are {tuple(queries.shape)}, keys {tuple(keys.shape)}: "
            "give both the same shape."
        )


def _check_names(
    heads: Sequence[str], entries: Sequence[str], shape: Sequence[int]
) -> None:
    if len(heads) != shape[0]:
        raise CourseError(
            f"{len(heads)} names for {shape[0]} heads: give one per head."
        )
    if entries and len(entries) != shape[-1]:
        raise CourseError(
            f"{len(entries)} names for {shape[-1]} entries: give one each, or none."
        )


def _names(tokens: Sequence[str]) -> list[str]:
    """Return how sentences name the tokens: one that comes twice with its place."""
    return [
        f"“{token}”" if tokens.count(token) == 1 else f"“{token}” (token {place})"
        for place, token in enumerate(tokens, start=1)
    ]


def _best(names: Sequence[str], row: torch.Tensor) -> str:
    """Return the tokens with the largest share; only their number if over three."""
    largest = (row > row.max() - 1e-6).tolist()
    best = [name for name, is_best in zip(names, largest, strict=True) if is_best]
    if len(best) > 3:
        return f"{len(best)} tokens alike"
    return " and ".join(filter(None, [", ".join(best[:-1]), best[-1]]))


def _sentence(names: Sequence[str], row: torch.Tensor, query: int) -> str:
    """Return where a query looks, in the words of `sentence` in attention.js."""
    share = f"with {_round(row.max())} of its attention"
    if (row > row.max() - 1e-6).sum() == 1:
        return f"{names[query]} looks at {_best(names, row)} {share}."
    return f"{names[query]} looks at {_best(names, row)}, {share} each."


def _top(tokens: Sequence[str], row: torch.Tensor, query: int) -> str:
    return f"{tokens[query]} → {_best(tokens, row)} {_round(row.max())}"


def _round(share: torch.Tensor) -> str:
    """Return a share with two digits, 0.125 as 0.13, as JavaScript rounds."""
    return f"{share + 1e-9:.2f}"


def _draw(tokens: Sequence[str], shares: torch.Tensor, start: int) -> Figure:
    """Draw the still picture: the rows with one query's bands, and the matrix."""
    fig, axes = plt.subplots(1, 2, figsize=(WIDTHS[2], 2.8), width_ratios=[2.2, 1])
    _draw_rows(axes[0], tokens, shares, start)
    plot_matrix(shares, axes[1], fmt="", cmap="Blues", limits=(0, 1))
    places = range(len(tokens))
    axes[1].xaxis.tick_top()
    axes[1].xaxis.set_label_position("top")
    axes[1].tick_params(length=0)
    axes[1].set_xticks(places, tokens, rotation=90)
    axes[1].set_yticks(places, tokens)
    axes[1].set(xlabel="keys", ylabel="queries")
    fig.colorbar(axes[1].images[0], label="share", ticks=[0, 0.5, 1], shrink=0.85)
    return fig


def _draw_rows(
    ax: Axes, tokens: Sequence[str], shares: torch.Tensor, start: int
) -> None:
    room = [max(len(token), 2) + 2.0 for token in tokens]  # in letters
    places = [sum(room[:i]) + room[i] / 2 for i in range(len(tokens))]
    steps = [Curve.MOVETO, *[Curve.CURVE4] * 3]
    # The lit query comes last, over the others. Shares under 0.02 would not be seen.
    for query in sorted(range(len(tokens)), key=lambda place: place == start):
        look = {"ec": "0.78", "zorder": 0, "fc": "none"}
        if query == start:
            look = {"ec": PALETTE["blue"], "fc": "none"}
        left = places[query] - BAND / 2
        for high, share in zip(places, shares[query].tolist(), strict=True):
            low = left + share * BAND / 2
            left += share * BAND
            curve = Curve([(low, 0.1), (low, 0.5), (high, 0.5), (high, 0.9)], steps)
            if query == start or share > 0.02:
                ax.add_patch(PathPatch(curve, lw=14 * share, **look))
    for place, token in enumerate(tokens):
        share = _round(shares[start, place])
        weight = "bold" if place == start else "normal"
        texts = [(0, token, 10, weight), (1, token, 10, "normal")]
        for y, text, size, weight in [*texts, (1.12, share, 9, "normal")]:
            at = places[place], y
            ax.text(*at, text, size=size, weight=weight, ha="center", va="center")
    ax.text(-1, 0, "queries", ha="right", va="center", color="0.35")
    ax.text(-1, 1, "keys", ha="right", va="center", color="0.35")
    ax.set(xlim=(-7, sum(room)), ylim=(-0.1, 1.2))
    ax.set_axis_off()
