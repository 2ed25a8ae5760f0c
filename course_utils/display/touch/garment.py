"""Draw a garment: a canvas whose every stroke the network in the kernel answers."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import matplotlib.pyplot as plt
import torch
import traitlets
from matplotlib.figure import Figure

from course_utils.display.plots import GREY, PALETTE, plot_image
from course_utils.display.touch.nearest import Nearest
from course_utils.display.touch.widget import HERE, TouchWidget, show_widget
from course_utils.errors import CourseError

SIDE = 28  # pixels
SHELF = 10  # pictures offered at a time
ALL = -1  # instead of a class: the shelf shows every class

Predict: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
Pictures: TypeAlias = tuple[torch.Tensor, torch.Tensor]  # images and their labels


def draw_garment(
    predict: Predict,
    test: Pictures,
    train: Pictures,
    classes: Sequence[str],
    start: int = 0,
) -> None:
    """Show a canvas to draw on; `predict` is asked again at every stroke.

    Beside it stand the probability of each class and the nearest training images,
    by Euclidean distance over the pixels. Any test image can be the start.

    Args:
        predict: takes a float tensor (1, 1, 28, 28) on the CPU, pixels from 0 to 1,
            and returns the probability of each class, (1, classes) or (classes,). It
            normalises the pixels as its network needs them.
        test: images to start from, uint8 (N, 1, 28, 28), and their labels (N,).
        train: the images that the network has learnt from, and their labels.
        classes: the names of the classes, in the order of the labels.
        start: index of the test image that is shown first.

    Raises:
        CourseError: the images, the labels, the classes or the start don't fit, or
            `predict` returns no probabilities. Its own errors pass through; those of
            a later stroke are shown beside the canvas.

    Outside a notebook, as here, the output is printed instead:

    >>> grey = torch.full((2, 1, 28, 28), 100, dtype=torch.uint8)
    >>> pictures = grey, torch.tensor([0, 1])
    >>> def predict(pixels):
    ...     return torch.tensor([0.25, 0.75])
    >>> draw_garment(predict, pictures, pictures, ["Dress", "Coat"])
    ... # doctest: +ELLIPSIS
    {...'At first stands: Test image 0, labelled Dress. The network says: Coat, 0.75...
    """
    for name, pictures in {"test": test, "train": train}.items():
        _require_pictures(name, pictures, len(classes))
    if not 0 <= start < len(test[0]):
        raise CourseError(f"start={start!r} is no test image: 0 to {len(test[0]) - 1}.")
    widget = GarmentWidget(predict, test, train, classes, start)
    near = ", ".join(
        f"{n['name']} ({n['distance']:.1f})" for n in widget.answer["near"]
    )
    alt = (
        f"At first stands: {widget.question['origin']}. The network says: "
        f"{widget.answer['said']}. The nearest training images, with their distance: "
        f"{near}. Where the notebook runs, you can draw."
    )
    show_widget(widget, _still(widget), alt)


class GarmentWidget(TouchWidget):
    """The canvas and what stands beside it.

    The page asks by setting `question`, one at a time: a stroke made meanwhile waits,
    and of several only the last is asked. `answer` has the number of its question.
    """

    _esm = HERE / "garment.js"
    _css = "".join(
        (HERE / f"{name}.css").read_text(encoding="utf-8")
        for name in ("touch", "garment")
    )
    question = traitlets.Dict().tag(sync=True)  # n, pixels, origin
    answer = traitlets.Dict().tag(sync=True)  # n, chances, said, near, problem
    wish = traitlets.Dict().tag(sync=True)  # of: a class or ALL; first: a place in it
    shelf = traitlets.Dict().tag(sync=True)  # of, first, total, images

    def __init__(
        self,
        predict: Predict,
        test: Pictures,
        train: Pictures,
        classes: Sequence[str],
        start: int,
    ) -> None:
        self._predict, self._test, self._classes = predict, test, list(classes)
        self._train, self._nearest = train, Nearest(train[0])
        first = self._example(start)
        question = {"n": 0, "pixels": first["pixels"], "origin": first["origin"]}
        of_class = test[1][:start] == test[1][start]
        wish = {"of": int(test[1][start]), "first": int(of_class.sum())}
        super().__init__(
            data={"classes": self._classes, "all": ALL, "step": SHELF},
            question=question,
            answer=self.answer_to(question),
            wish=wish,
            shelf=self.shelf_of(wish),
        )
        self.observe(self._on_question, names="question")
        self.observe(lambda change: self._on_wish(change.new), names="wish")

    def _on_question(self, change: Any) -> None:
        question = change.new
        try:
            self.answer = self.answer_to(question)
        # A question without an answer would silence the page for good.
        except (Exception, KeyboardInterrupt) as error:
            name = "" if isinstance(error, CourseError) else f"{type(error).__name__}: "
            problem = f"predict failed. {name}{error}"
            self.answer = {**self.answer, "n": question["n"], "problem": problem}

    def _on_wish(self, wish: dict[str, int]) -> None:
        self.shelf = self.shelf_of(wish)

    def answer_to(self, question: dict[str, Any]) -> dict[str, Any]:
        """Return what stands beside the canvas: chances, nearest training images."""
        image = _decode(question["pixels"])
        chances = _probabilities(self._predict, image, len(self._classes))
        largest = max(range(len(chances)), key=chances.__getitem__)
        return {
            "n": question["n"],
            "chances": chances,
            "said": f"{self._classes[largest]}, {chances[largest]:.2f}",
            "near": [
                {
                    "pixels": _encode(self._train[0][index]),
                    "name": self._classes[self._train[1][index]],
                    "distance": distance,
                }
                for index, distance in self._nearest.to(image)
            ],
            "problem": "",
        }

    def shelf_of(self, wish: dict[str, int]) -> dict[str, Any]:
        """Return the next few test images of a class, from the wished place on."""
        labels = self._test[1]
        inside = labels == wish["of"] if wish["of"] != ALL else labels >= 0
        indices = inside.nonzero()[:, 0]
        first = max(0, min(wish["first"], len(indices) - SHELF))
        images = [self._example(index) for index in indices[first:][:SHELF].tolist()]
        return {
            "of": wish["of"],
            "first": first,
            "total": len(indices),
            "images": images,
        }

    def _example(self, index: int) -> dict[str, str]:
        name = self._classes[self._test[1][index]]
        origin = f"Test image {index}, labelled {name}"
        return {"pixels": _encode(self._test[0][index]), "origin": origin}


def _encode(image: torch.Tensor) -> str:
    return b64encode(image.numpy().tobytes()).decode("ascii")


def _decode(pixels: str) -> torch.Tensor:
    """Return the picture (1, 28, 28), uint8."""
    values = torch.frombuffer(bytearray(b64decode(pixels)), dtype=torch.uint8)
    return values.reshape(1, SIDE, SIDE)


def _probabilities(predict: Predict, image: torch.Tensor, count: int) -> list[float]:
    """Return what `predict` gives for a picture (1, 28, 28), uint8."""
    with torch.no_grad():
        given = predict(image.unsqueeze(0) / 255)
    if not isinstance(given, torch.Tensor) or given.numel() != count:
        what = tuple(given.shape) if isinstance(given, torch.Tensor) else repr(given)
        raise CourseError(f"predict must return a tensor (1, {count}), not {what}.")
    chances = given.detach().flatten().float().cpu()
    if not (chances >= 0).all() or abs(chances.sum() - 1) > 1e-3:
        raise CourseError(
            f"predict must return probabilities: {count} numbers from 0 that sum to 1. "
            f"These sum to {chances.sum():.3g}, the smallest is {chances.min():.3g}; "
            "logits need .softmax(dim=1)."
        )
    return chances.tolist()


def _require_pictures(name: str, pictures: Pictures, count: int) -> None:
    images, labels = pictures
    if images.dtype != torch.uint8 or images.shape[1:] != (1, SIDE, SIDE):
        raise CourseError(
            f"the {name} images can't be used: give uint8 (N, 1, {SIDE}, {SIDE}), as "
            f"they were loaded, not {images.dtype} {tuple(images.shape)}."
        )
    if images.device.type != "cpu" or labels.device.type != "cpu":
        raise CourseError(f"the {name} images and labels must be on the CPU: .cpu().")
    if len(images) == 0 or labels.shape != images.shape[:1]:
        raise CourseError(
            f"the {name} images need one label each, and there must be one or more: "
            f"here are {len(images)} images, and labels {tuple(labels.shape)}."
        )
    if labels.min() < 0 or labels.max() >= count:
        raise CourseError(
            f"the {name} labels are {labels.min()} to {labels.max()}, and there are "
            f"{count} classes: give the name of each class."
        )


def _still(widget: GarmentWidget) -> Figure:
    """Draw the widget's state: the canvas, the bars, the nearest training images."""
    fig = plt.figure(figsize=(7.6, 3.5))
    grid = fig.add_gridspec(3, 3, width_ratios=(3, 3, 1.4))
    picture, bars = fig.add_subplot(grid[:, 0]), fig.add_subplot(grid[:, 1])
    origin, said = widget.question["origin"], widget.answer["said"]
    plot_image(_decode(widget.question["pixels"]), picture, title=origin)
    chances, names = widget.answer["chances"], widget.data["classes"]
    tints = [PALETTE["blue"] if c == max(chances) else GREY for c in chances]
    bars.barh(names, chances, color=tints)
    bars.invert_yaxis()
    bars.set(xlim=(0, 1), xlabel="probability")
    bars.tick_params(axis="y", length=0)
    bars.set_title(said)
    for row, near in enumerate(widget.answer["near"]):
        title = f"{near['name']}, {near['distance']:.1f}"
        title = title if row else f"nearest, distance\n{title}"
        plot_image(_decode(near["pixels"]), fig.add_subplot(grid[row, 2]), title=title)
    fig.suptitle("Run this cell to draw: the bars answer at each stroke.", fontsize=11)
    return fig
