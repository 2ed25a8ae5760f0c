"""What the touch widgets share: their data, their looks, their still picture."""

from pathlib import Path
from typing import Any

import anywidget
import matplotlib.pyplot as plt
import traitlets
from matplotlib.figure import Figure

from course_utils.display.bundles import (
    PLAIN,
    TO_TOUCH,
    caption_bundle,
    still_bundle,
    still_class,
    widget_view,
)
from course_utils.display.figures import figure_bundle

HERE = Path(__file__).parent


class TouchWidget(anywidget.AnyWidget):
    """A widget drawn by one ES module; a subclass names the module in `_esm`.

    `data` is what the module draws, as plain numbers, lists and strings: made by
    torch in the lesson, so that the page shows the lesson's own numbers.
    """

    _css = HERE / "touch.css"
    data = traitlets.Dict().tag(sync=True)


def show_widget(widget: TouchWidget, still: Figure, alt: str) -> None:
    """Put a widget on the page; where no kernel runs, its still picture stands there.

    What the picture shows is the caption below, as under every picture.

    Args:
        widget: what the learner touches.
        still: the picture of its first state; it is closed.
        alt: what the picture shows, in a sentence or two, with the numbers.

    Raises:
        ValueError: `alt` is empty.
    """
    from IPython.display import display  # kept out of `import course_utils`

    picture, metadata = figure_bundle(still, alt)
    plt.close(still)
    # In an output of its own: where the widget is not found, its own has nothing else.
    name = still_class(type(widget).__name__, alt)
    widget.data = {**widget.data, "still": name}
    display(still_bundle(picture, name, last=True), metadata=metadata, raw=True)
    view: dict[str, Any] = widget_view(widget.model_id or "")
    display(view | {PLAIN: TO_TOUCH}, raw=True)
    display(caption_bundle(alt), raw=True)
