"""Classes, from the one that is least often right to the one that is most often."""

from collections.abc import Sequence

from torch import Tensor

from course_utils.labs.model import Curve


def ranked(right: Tensor, labels: Tensor, names: Sequence[str]) -> dict[str, float]:
    """Return how often each class is right, the lowest first.

    >>> from torch import tensor
    >>> ranked(tensor([True, False, True]), tensor([0, 1, 1]), ["coat", "bag"])
    {'bag': 0.5, 'coat': 1.0}

    Args:
        right: whether the answer was right, for each image.
        labels: the class of each image.
        names: of the classes, in the order of their numbers.
    """
    of_class = {
        name: float(right[labels == number].double().mean())
        for number, name in enumerate(names)
    }
    return dict(sorted(of_class.items(), key=lambda pair: pair[1]))


def ranking_curve(line: str, of_class: dict[str, float]) -> Curve:
    """Return what is drawn of them, as one line.

    >>> ranking_curve("draw 1", {"bag": 0.5, "coat": 1.0}).lines
    {'draw 1': [0.5, 1.0]}
    """
    title = "Accuracy of each class, from the lowest to the highest"
    return Curve(title, "ten classes", {line: list(of_class.values())})
