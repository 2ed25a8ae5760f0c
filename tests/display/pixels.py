"""Pictures drawn in a test and compared pixel by pixel.

Nothing is stored: fonts and anti-aliasing differ between machines and versions of
matplotlib, but two drawings by one matplotlib are equal.
"""

import matplotlib.pyplot as plt
import numpy as np


def pixels(fig: plt.Figure) -> np.ndarray:
    """Draw the figure; return its pixels, shape (height, width, 4)."""
    fig.canvas.draw()
    return np.asarray(fig.canvas.buffer_rgba()).copy()


def small_axes() -> plt.Axes:
    """Return the axes of a new figure: small, so quick to draw, with a fixed place."""
    room = {"left": 0.2, "bottom": 0.25, "top": 0.85}  # for labels and a title
    size = {"figsize": (3.2, 2.4), "dpi": 60}
    return plt.subplots(**size, layout="none", gridspec_kw=room)[1]
