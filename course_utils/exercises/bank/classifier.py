"""Exercises of lesson 10: a classifier, from its data to its training."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise, product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD
from torch.utils.data import Dataset

from course_utils.exercises.applications.classifier import (
    all_batches,
    designed,
    evaluated,
    one_epoch,
    one_item,
)
from course_utils.exercises.cases import Fact, randn
from course_utils.exercises.model import Answer, Case, Exercise, Misconception
from course_utils.session import current_device


class _Pictures(Dataset[Any]):
    """An answer to the dataset: each argument after `std` is a mistake."""

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        mean: float,
        std: float,
        *,
        scale: Callable[[Tensor], Tensor] = lambda pixels: pixels / 255,
        norm: Callable[[Tensor, float, float], Tensor] = lambda x, m, s: (x - m) / s,
        place: Callable[[int], int] = lambda i: i,
        shape: tuple[int, ...] = (1, 28, 28),
        label: Callable[[Tensor, int], Any] = lambda labels, i: labels[i].item(),
        item: Callable[[Tensor, Any], Any] = lambda picture, label: (picture, label),
        length: Callable[[Tensor], int] = lambda images: len(images),
        whole: Callable[[Tensor, float, float], Tensor] | None = None,
    ) -> None:
        self.images, self.labels, self.mean, self.std = images, labels, mean, std
        self.scale, self.norm, self.place, self.shape = scale, norm, place, shape
        self.label, self.item, self.length = label, item, length
        self.pictures = whole(images, mean, std) if whole else None

    def __len__(self) -> int:
        return self.length(self.images)

    def __getitem__(self, i: int) -> Any:
        label = self.label(self.labels, i)
        if self.pictures is not None:
            return self.pictures[i], label
        picture = self.scale(self.images[self.place(i)])
        picture = self.norm(picture, self.mean, self.std)
        return self.item(picture.reshape(self.shape), label)


def _all_of_them(images: Tensor, labels: Tensor, mean: float, std: float) -> Any:
    pictures = ((images / 255 - mean) / std)[:, None]
    return _Pictures(images, labels, mean, std, item=lambda _, label: (pictures, label))


class _NoDataset:
    def __init__(self, *case: Any) -> None:
        self.pictures = _Pictures(*case)

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, i: int) -> Any:
        return self.pictures[i]


class _NormalisedInPlace(_Pictures):
    def __init__(self, *case: Any) -> None:
        super().__init__(*case)
        self.kept = self.images / 255

    def __getitem__(self, i: int) -> Any:
        picture = self.kept[i].sub_(self.mean).div_(self.std)
        return picture[None].clone(), self.labels[i]


def _own_statistics(images: Tensor, mean: float, std: float) -> Tensor:
    pixels = (images / 255)[:, None]
    return (pixels - pixels.mean()) / pixels.std()


def _pictures() -> list[Case]:
    """Return photographs of noise, whole numbers as files have them, and an item."""
    device = current_device()
    cases: list[Case] = []
    for n, mean, std, i in [(12, 0.25, 0.5, 4), (5, 0.3, 0.2, 1), (7, 0.6, 0.4, 6)]:
        generator = torch.Generator().manual_seed(n)
        images = torch.randint(0, 256, (n, 28, 28), generator=generator)
        labels = torch.arange(3, n + 3) * 7 % 10  # neighbours have other labels
        images = (images // (1 + labels[:, None, None] % 3)).to(torch.uint8)
        cases.append((images.to(device), labels.to(device), mean, std, i))
    return cases


DATASET = Exercise(
    "classifier.dataset",
    _Pictures,
    (
        Misconception(
            "not divided by 255",
            partial(_Pictures, scale=lambda pixels: pixels.float()),
            "The pixels still run to 255, while `mean` and `std` are those of pixels "
            "from 0 to 1: divide by 255 first.",
        ),
        Misconception(
            "no channel dimension",
            partial(_Pictures, shape=(28, 28)),
            "The picture has the shape (28, 28). A convolution expects a dimension "
            "for the channel in front, of size 1: `picture[None]` adds it.",
        ),
        Misconception(
            "channel last",
            partial(_Pictures, shape=(28, 28, 1)),
            "The channel stands last, as in most programs for pictures. In PyTorch it "
            "comes first: (1, 28, 28).",
        ),
        Misconception(
            "a batch of one",
            partial(_Pictures, shape=(1, 1, 28, 28)),
            "The picture has a dimension too many: (1, 1, 28, 28) is a batch of one. "
            "The loader adds the batch; an item is (1, 28, 28).",
        ),
        Misconception(
            "the whole batch returned",
            _all_of_them,
            "You return all pictures, whichever item is asked for. Use `i`: item i is "
            "one picture and its label.",
        ),
        Misconception(
            "mean and std swapped",
            partial(_Pictures, norm=lambda x, m, s: (x - s) / m),
            "`mean` and `std` have changed places: the mean is subtracted, then the "
            "result is divided by the standard deviation. (Compare the order of the "
            "arguments of `__init__` with that in your code.)",
        ),
        Misconception(
            "not normalised",
            partial(_Pictures, norm=lambda x, m, s: x),
            "The picture runs from 0 to 1, but `mean` and `std` are not used yet: "
            "subtract the one, divide by the other.",
        ),
        Misconception(
            "only shifted",
            partial(_Pictures, norm=lambda x, m, s: x - m),
            "The mean is subtracted, but not divided by `std` yet.",
        ),
        Misconception(
            "not shifted",
            partial(_Pictures, norm=lambda x, m, s: x / s),
            "You divide by `std`, but the mean is not subtracted before.",
        ),
        Misconception(
            "multiplied by std",
            partial(_Pictures, norm=lambda x, m, s: (x - m) * s),
            "You multiply by `std`. To bring the spread to 1, divide by it.",
        ),
        Misconception(
            "mean added",
            partial(_Pictures, norm=lambda x, m, s: x * s + m),
            "This undoes a normalization: `x * std + mean` leads from normalised "
            "numbers back to pixels. Here pixels come in: subtract, then divide.",
        ),
        Misconception(
            "brackets missing",
            partial(_Pictures, norm=lambda x, m, s: x - m / s),
            "Only the mean is divided by `std`: `/` comes before `-`. Put parentheses "
            "around the difference.",
        ),
        Misconception(
            "divided by 255 at the end",
            partial(
                _Pictures,
                scale=lambda pixels: pixels.float(),
                norm=lambda x, m, s: (x - m) / s / 255,
            ),
            "You divide by 255 last, so a mean of pixels from 0 to 1 is subtracted "
            "from pixels up to 255. Divide by 255 first, then normalise.",
        ),
        Misconception(
            "divided by 256",
            partial(_Pictures, scale=lambda pixels: pixels / 256),
            "You divide by 256. A byte holds 256 different numbers, but the largest "
            "is 255, and that becomes 1.",
        ),
        Misconception(
            "divided by 128",
            partial(_Pictures, scale=lambda pixels: pixels / 127.5 - 1),
            "You bring the pixels to −1…1 first. `mean` and `std` are those of pixels "
            "from 0 to 1: divide by 255, no more.",
        ),
        Misconception(
            "whole numbers divided",
            partial(_Pictures, scale=lambda pixels: pixels // 255),
            "`//` rounds down: every pixel below 255 has become 0. A plain `/` makes "
            "floats.",
        ),
        Misconception(
            "own statistics",
            partial(_Pictures, whole=_own_statistics),
            "You normalise by the mean and spread of the pictures in this dataset. "
            "Use `mean` and `std`: a test set is normalised by those of the training "
            "set.",
        ),
        Misconception(
            "each picture by its own",
            partial(_Pictures, norm=lambda x, m, s: (x - x.mean()) / x.std()),
            "You normalise each picture by its own mean and spread. Use `mean` and "
            "`std`, the same for all.",
        ),
        Misconception(
            "label as a float",
            partial(_Pictures, label=lambda labels, i: float(labels[i])),
            "The label is a float. `cross_entropy` would take such numbers for "
            "probabilities; a class is a whole number: leave it one, or use `int`.",
        ),
        Misconception(
            "label as a tensor of one",
            partial(_Pictures, label=lambda labels, i: labels[i : i + 1]),
            "The label has the shape (1,), so a batch of them is (N, 1) where "
            "`cross_entropy` expects (N,). Index with `i` alone, without a slice.",
        ),
        Misconception(
            "all labels",
            partial(_Pictures, label=lambda labels, i: labels),
            "The picture is right, but with it come all the labels: take number i.",
        ),
        Misconception(
            "one-hot label",
            partial(_Pictures, label=lambda labels, i: F.one_hot(labels, 10)[i]),
            "The label comes one-hot, as ten numbers. `cross_entropy` takes the "
            "number of the class itself.",
        ),
        Misconception(
            "no label",
            partial(_Pictures, item=lambda picture, label: picture),
            "You return the picture alone. An item is a pair: `picture, label`.",
        ),
        Misconception(
            "pair swapped",
            partial(_Pictures, item=lambda picture, label: (label, picture)),
            "Both are right, but they have changed places: the picture first, as in "
            "`for x, y in loader`.",
        ),
        Misconception(
            "the first item always",
            partial(_Pictures, place=lambda i: 0),
            "The picture is the first one, whichever is asked for. Use `i`, for the "
            "picture and for the label.",
        ),
        Misconception(
            "counted from 1",
            partial(_Pictures, place=lambda i: i - 1),
            "The picture is that of the item before. Items are counted from 0, as "
            "tensors are: the same `i` for picture and label.",
        ),
        Misconception(
            "one too few",
            partial(_Pictures, length=lambda images: len(images) - 1),
            "`len` is one too small, and the last item would never come. It is how "
            "many there are, not the number of the last.",
        ),
        Misconception(
            "pixels counted",
            partial(_Pictures, length=lambda images: images.numel()),
            "`len` counts the pixels of all pictures. How many pictures are there? "
            "The first dimension tells.",
        ),
        Misconception(
            "height for length",
            partial(_Pictures, length=lambda images: images.shape[-1]),
            "`len` is 28, the side of a picture. It should be how many pictures there "
            "are, the first dimension.",
        ),
        Misconception(
            "double precision",
            partial(_Pictures, scale=lambda pixels: pixels.double() / 255),
            "The picture is float64, while the weights of a network are float32. "
            "`.float()`, or `/ 255` on the whole numbers, gives float32.",
        ),
        Misconception(
            "no Dataset",
            _NoDataset,
            "It does what is asked for, but it is no `Dataset`: `DataLoader` would "
            "take it, but write `(Dataset)` behind the name of the class, so that "
            "everybody who reads it, and `isinstance`, knows.",
        ),
        Misconception(
            "normalised in place",
            _NormalisedInPlace,
            "An item is another one when it is asked for again: it is normalised in "
            "place, once more in each epoch. Make a new tensor of it.",
        ),
    ),
    _pictures,
    one_item,
    parts=("`len` of the dataset", "the picture", "its label"),
    arguments=("images", "labels", "mean", "std", "i"),
    hints=(
        "`__init__` only keeps what it is given, as `self.…`. The work can wait for "
        "`__getitem__`: bytes need a quarter of the memory of floats.",
        "One picture is `self.images[i]`, of shape (28, 28). Three steps lead to the "
        "one asked for: scale, normalise, one dimension more.",
        "uint8 divided by 255 gives floats; `[None]` puts a dimension in front; "
        "`.item()` makes a Python number of a tensor with one.",
    ),
)


def _of_the_label(table: Tensor, labels: Tensor) -> Tensor:
    return table[torch.arange(len(labels), device=table.device), labels]


_Statistics = list[tuple[Any, Any]]  # mean and spread, for train and for test


def _by(statistics: Callable[[Tensor, Tensor], _Statistics]) -> Answer:
    """Return an answer that normalises each set by `statistics(train, test)`."""

    def answer(train: Tensor, test: Tensor) -> tuple[Tensor, Tensor]:
        (m1, s1), (m2, s2) = statistics(train, test)
        return (train - m1) / s1, (test - m2) / s2

    return answer


def _both(train: Tensor, test: Tensor) -> _Statistics:
    together = torch.cat([train, test])
    return [(together.mean(), together.std())] * 2


def _per_image(train: Tensor, test: Tensor) -> _Statistics:
    dims = (1, 2, 3)
    return [(x.mean(dims, True), x.std(dims, keepdim=True)) for x in (train, test)]


def _scaled(train: Tensor, test: Tensor) -> tuple[Tensor, Tensor]:
    return (train - train.mean()) / train.std(), (test - train.mean()) / train.std()


def _range(train: Tensor, test: Tensor) -> _Statistics:
    return [(train.min(), train.max() - train.min())] * 2


def _brackets_missing(train: Tensor, test: Tensor) -> tuple[Tensor, Tensor]:
    shift = train.mean() / train.std()
    return train - shift, test - shift


NORMALISE = Exercise(
    "classifier.normalise",
    _scaled,
    (
        Misconception(
            # An overwritten `train` has mean 0 and spread 1: the same numbers.
            "test as it came",
            lambda train, test: (_scaled(train, test)[0], test),
            "`test` comes out as it went in. Either nothing is done to it, or `train` "
            "is overwritten before: its mean is then 0 and its spread 1. Work out "
            "both numbers first, and use them twice.",
        ),
        Misconception(
            "each by its own",
            _by(lambda train, test: [(x.mean(), x.std()) for x in (train, test)]),
            "You normalise the test set by its own statistics. The same picture would "
            "then get other numbers in another test set: use the statistics of "
            "`train` for both.",
        ),
        Misconception(
            "statistics of both",
            _by(_both),
            "Your statistics include the test set. Nothing may be learnt from it: "
            "take mean and spread from `train` alone.",
        ),
        Misconception(
            "per pixel",
            _by(lambda train, test: [(train.mean(0), train.std(0))] * 2),
            "You use one mean and one spread per pixel. The task asks for one of each "
            "for the whole set: no `dim`. (A pixel at the border may always be "
            "0: it has no spread.)",
        ),
        Misconception(
            "per image",
            _by(_per_image),
            "You normalise each image separately, so dark and light garments look "
            "alike. Take one mean and one spread over all of `train`.",
        ),
        Misconception(
            "variance",
            _by(lambda train, test: [(train.mean(), train.var())] * 2),
            "You divide by the variance. Divide by its square root, the standard "
            "deviation.",
        ),
        Misconception(
            "only shifted",
            _by(lambda train, test: [(train.mean(), 1.0)] * 2),
            "The mean is subtracted, but the spread is not 1 yet: divide by "
            "`train.std()`.",
        ),
        Misconception(
            "divided by N",
            _by(lambda train, test: [(train.mean(), train.std(correction=0))] * 2),
            "Your standard deviation divides by N. Torch's default divides by N − 1: "
            "call `std()` as it is. (NumPy's default is N.)",
        ),
        Misconception(
            "brackets missing",
            _brackets_missing,
            "Only the mean is divided by the spread: `/` comes before `-`. Put "
            "parentheses around the difference.",
        ),
        Misconception(
            "from 0 to 1",
            _by(_range),
            "Your numbers of `train` run from 0 to 1. Normalise to mean 0 and spread "
            "1: subtract the mean, divide by the standard deviation.",
        ),
        Misconception(
            "statistics of test",
            _by(lambda train, test: [(test.mean(), test.std())] * 2),
            "You use the statistics of `test` for both sets. The network is trained "
            "before a test set is seen: use those of `train`.",
        ),
        Misconception(
            "own mean",
            _by(lambda train, test: [(x.mean(), train.std()) for x in (train, test)]),
            "`train` is right. From `test` you subtract its own mean: use the mean of "
            "`train`, so that a picture gets the same numbers in either set.",
        ),
        Misconception(
            "own spread",
            _by(lambda train, test: [(train.mean(), x.std()) for x in (train, test)]),
            "`train` is right. You divide `test` by its own spread: use that of "
            "`train`, so that a picture gets the same numbers in either set.",
        ),
        Misconception(
            "multiplied",
            _by(lambda train, test: [(train.mean(), 1 / train.std())] * 2),
            "The mean is subtracted, but then you multiply by the spread. To bring "
            "it to 1, divide.",
        ),
        Misconception(
            "order swapped",
            lambda train, test: _scaled(train, test)[::-1],
            "Both sets are right, but they have changed places: return `train` first.",
        ),
        *(
            Misconception(
                f"fixed numbers of {name}",
                _by(lambda train, test, fixed=(mean, spread): [fixed] * 2),
                f"You use fixed numbers, {mean:.4f} and {spread:.4f}{of}. Take "
                "`train.mean()` and `train.std()` of the set you are given.",
            )
            for name, mean, spread, of in (
                ("Fashion-MNIST", 0.2860, 0.3530, ", those of Fashion-MNIST"),
                ("MNIST", 0.1307, 0.3081, ", those of MNIST"),
                ("the middle", 0.5, 0.5, ""),
            )
        ),
        Misconception(
            "not shifted",
            _by(lambda train, test: [(0.0, train.std())] * 2),
            "You divide by the spread, but the mean is not 0 yet: subtract "
            "`train.mean()` first.",
        ),
        Misconception(
            "mean of the spreads",
            _by(
                lambda train, test: (
                    [(train.mean(), train.flatten(1).std(dim=1).mean())] * 2
                )
            ),
            "Your spread is the mean of the spreads inside each image: what sets the "
            "images apart is missing. Take one `std()` over all pixels of `train`.",
        ),
    ),
    lambda: [
        (3 * train + 5, 2 * test + 1)
        for train, test in (
            randn((6, 1, 4, 4), (3, 1, 4, 4)),
            randn((5, 1, 3, 7), (5, 1, 3, 7)),
            randn((4, 1, 2, 2), (1, 1, 2, 2)),
            randn((300, 1, 2, 2), (2, 1, 2, 2)),
        )
    ],
    parts=("the normalised `train`", "the normalised `test`"),
    hints=(
        "Two numbers are needed, a mean and a spread. From which set may they come?",
        "The network learns from `train` in one scale. A test image must arrive in "
        "that same scale, whatever the other test images are.",
        "Save `train.mean()` and `train.std()` before you change anything.",
    ),
)


def _confusion(predicted: Tensor, labels: Tensor, classes: int) -> Tensor:
    pairs = torch.bincount(labels * classes + predicted, minlength=classes**2)
    return pairs.reshape(classes, classes)


def _cells_of_ten(
    predicted: Tensor, labels: Tensor, classes: int, *, cut: bool
) -> Tensor:
    pairs = torch.bincount(labels * 10 + predicted, minlength=classes**2)
    return (pairs[: classes**2] if cut else pairs).reshape(classes, classes)


def _counted_once(predicted: Tensor, labels: Tensor, classes: int) -> Tensor:
    return _confusion(predicted, labels, classes).clamp(max=1)


def _floats_at(predicted: Tensor, labels: Tensor, classes: int) -> Tensor:
    counts = _confusion(predicted, labels, classes).float()
    return counts / counts.sum(1, keepdim=True)


def _classes_that_occur(predicted: Tensor, labels: Tensor, classes: int) -> Tensor:
    return _confusion(predicted, labels, int(labels.max()) + 1)


def _occurring_alone(predicted: Tensor, labels: Tensor, classes: int) -> Tensor:
    seen = torch.cat([labels, predicted]).unique()
    return _confusion(predicted, labels, classes)[seen][:, seen]


def _predictions() -> list[Case]:
    generator, device = torch.Generator().manual_seed(1), current_device()
    cases: list[Case] = []
    for n, classes in [(12, 3), (20, 4), (5, 6), (400, 2)]:
        draws = torch.randint(classes, (2, n), generator=generator)
        draws[:, :2] = torch.tensor([[1], [2 % classes]])  # a mistake made twice
        draws[:, -1] = classes - 1
        if n == 400:
            draws[:, 4:] = 1  # more often than a byte can count
        cases.append((*draws.to(device), classes))
    absent = torch.tensor([[0, 2, 2, 1, 2], [0, 2, 1, 2, 1]], device=device)
    return [*cases, (*absent, 5)]  # two of its classes, the last among them, are absent


def _counts(answer: Answer, predicted: Tensor, labels: Tensor, classes: int) -> Any:
    """Call an answer; whole numbers of any size count as such."""
    matrix = answer(predicted, labels, classes)
    if isinstance(matrix, Tensor) and not (
        matrix.is_floating_point() or matrix.is_complex() or matrix.dtype == torch.bool
    ):
        return matrix.long()
    return matrix


CONFUSION = Exercise(
    "classifier.confusion",
    _confusion,
    (
        Misconception(
            "transposed",
            lambda predicted, labels, classes: _confusion(labels, predicted, classes),
            "Yours is transposed, with one row per *predicted* class. Here, as in "
            "torchmetrics, a row is a true class and a column a predicted one.",
        ),
        Misconception(
            "repeats lost",
            _counted_once,
            "A pair that occurs twice is counted once. With an index for every image "
            "`m[labels, predicted]` is read and written as a whole, so each cell "
            "changes only once: use a loop, `bincount` or `index_put_` with "
            "`accumulate=True`.",
        ),
        Misconception(
            "only the right ones",
            lambda predicted, labels, classes: (
                _confusion(predicted, labels, classes).diag().diag()
            ),
            "You count only the right answers. The matrix is there to show the "
            "mistakes: count every pair (true class, predicted class).",
        ),
        Misconception(
            "only the mistakes",
            lambda predicted, labels, classes: (
                _confusion(predicted, labels, classes)
                - _confusion(predicted, labels, classes).diag().diag()
            ),
            "The diagonal is empty: you leave out the right answers. They are pairs "
            "as well, of a class with itself.",
        ),
        Misconception(
            "shares of all",
            lambda predicted, labels, classes: (
                _confusion(predicted, labels, classes) / len(labels)
            ),
            "These are shares of all images. The task asks for counts, as whole "
            "numbers.",
        ),
        Misconception(
            "floats",
            lambda predicted, labels, classes: _confusion(
                predicted, labels, classes
            ).float(),
            "The counts are right, but they are floats. Counts are whole numbers: "
            "convert them, `.long()`, or count in a whole dtype from the start "
            "(`torch.zeros` makes floats unless you give it one).",
        ),
        Misconception(
            "shares of a row",
            _floats_at,
            "These are shares of each true class. The task asks for counts, as whole "
            "numbers. (And a class that does not occur gives 0/0.)",
        ),
        Misconception(
            "shares of a row, 0 for none",
            lambda *case: _floats_at(*case).nan_to_num(0),
            "These are shares of each true class. The task asks for counts, as whole "
            "numbers.",
        ),
        Misconception(
            "no minlength",
            lambda predicted, labels, classes: torch.bincount(
                labels * classes + predicted
            ).reshape(classes, classes),
            "It fails where the last pair of classes does not occur: `bincount` ends "
            "at the largest number that it meets. `minlength` makes it go on.",
        ),
        Misconception(
            "classes that occur",
            _classes_that_occur,
            "Your matrix is too small where the last class does not occur. How many "
            "classes there are can't be seen from the labels: that is what `classes` "
            "is for.",
        ),
        Misconception(
            "ten classes built in",
            lambda predicted, labels, classes: _confusion(predicted, labels, 10),
            "Ten classes are built in, as FashionMNIST has them. Other data have "
            "other numbers: use `classes`.",
        ),
        *(
            Misconception(
                f"ten classes in the index{cut}",
                partial(_cells_of_ten, cut=bool(cut)),
                "Right only for ten classes: the index of a cell seems to be `label * "
                "10 + predicted`. A row has `classes` cells: `label * classes + "
                "predicted`.",
            )
            for cut in ("", ", cut")
        ),
        *(
            Misconception(
                f"counted in {dtype}",
                lambda predicted, labels, classes, dtype=dtype: _confusion(
                    predicted, labels, classes
                ).to(dtype),
                "Small counts are right, large ones are not: eight bits count only to "
                "255 (`uint8`) or 127 (`int8`), then start over. Use a larger dtype.",
            )
            for dtype in (torch.uint8, torch.int8)
        ),
        Misconception(
            "rows of absent classes missing",
            _occurring_alone,
            "Your matrix has no row and no column for classes that do not occur. They "
            "keep theirs, full of zeros: the shape is always `(classes, classes)`.",
        ),
    ),
    _predictions,
    apply=_counts,
    hints=(
        "One cell for each pair (true class, predicted class). Every image adds 1 to "
        "one cell.",
        "A loop over the images will do: start from zeros of a whole dtype. Which of "
        "the two is the row?",
        "Without a loop: number the cells from 0 to `classes**2 - 1`, row after row, "
        "and let `bincount` count them.",
    ),
)


def _labelled_batch(n: int, features: int, classes: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(n)
    labels = torch.randint(classes, (n,), generator=generator)
    labels[0] = classes - 1
    return randn((n, features))[0], labels.to(current_device())


def _softmax_first(scores: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(scores.softmax(1), y)


def _evaluate(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    evals: bool = True,
    quiet: bool = True,
    back: Callable[[bool], bool] | None = lambda was: was,
    number: bool = True,
    dim: int = 1,
) -> Any:
    was = net.training
    if evals:
        net.eval()
    with torch.set_grad_enabled(not quiet):
        right = net(images).argmax(dim=dim) == labels
    if back is not None:
        net.train(back(was))
    share = right.float().mean()
    return share.item() if number else share


def _outermost_restored(net: nn.Module, images: Tensor, labels: Tensor) -> float:
    was = net.training
    share = _evaluate(net, images, labels, back=None)
    net.training = was
    return share


def _outermost_eval(net: nn.Module, images: Tensor, labels: Tensor) -> float:
    was, net.training = net.training, False
    share = _evaluate(net, images, labels, evals=False, back=None)
    net.training = was
    return share


def _autograd_left_off(net: nn.Module, images: Tensor, labels: Tensor) -> float:
    torch.set_grad_enabled(False)
    return _evaluate(net, images, labels)


def _batches_averaged(net: nn.Module, images: Tensor, labels: Tensor) -> float:
    batches = zip(images.split(100), labels.split(100), strict=True)
    shares = [_evaluate(net, *batch) for batch in batches]
    return sum(shares) / len(shares)


def _frozen(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    back: bool,
    mode: bool = True,
    quiet: bool = False,
) -> float:
    """Evaluate with frozen parameters, in place of `no_grad` or beside it."""
    net.requires_grad_(False)
    restore = (lambda was: was) if mode else None
    share = _evaluate(net, images, labels, quiet=quiet, back=restore)
    net.requires_grad_(back)
    return share


_EVALUATE_HINTS = {
    "no eval": "The network runs in training mode: dropout drops, BatchNorm uses this "
    "batch and updates its statistics. Call `net.eval()` before.",
    "no no_grad": "Autograd is on while the network runs, and keeps what `backward()` "
    "would need: put the call inside `with torch.no_grad():`. (Alone on a line "
    "`torch.no_grad()` does nothing.)",
    "left in eval mode": "A network that was training comes out in evaluation mode, "
    "and training would silently go on in it. Save `net.training` before `eval()`, and "
    "end with `net.train(was)`, before the `return`.",
    "always back to train": "A network that came in evaluation mode comes out in "
    "training mode: `net.train()` always sets that. Give it the mode that you saved.",
    "a tensor": "The result is a tensor. The task asks for a number: `.item()`.",
}


def _evaluate_mistakes() -> Iterator[Misconception]:
    """Yield every mistake alone and all that go together, the single ones first."""
    ends: dict[str, Callable[[bool], bool] | None] = {
        "": lambda was: was,
        "left in eval mode": None,
        "always back to train": lambda was: True,
    }
    choices = [
        ([name for name in names if name], names)
        for names in product(
            ["", "no eval"], ["", "no no_grad"], ends, ["", "a tensor"]
        )
    ]
    for faults, (mode, autograd, end, kind) in sorted(choices, key=lambda c: len(c[0])):
        if not faults or (mode and end == "left in eval mode"):
            continue  # right, or without `eval()` there is no eval mode to be left in
        answer = partial(
            _evaluate,
            evals=not mode,
            quiet=not autograd,
            back=ends[end],
            number=not kind,
        )
        hints = [_EVALUATE_HINTS[fault] for fault in faults]
        if len(hints) > 1:
            hints = [f"({i}) {hint}" for i, hint in enumerate(hints, 1)]
            hints.insert(0, f"{len(faults)} things are wrong.")
        yield Misconception(", ".join(faults), answer, " ".join(hints))


def _frozen_mistakes() -> Iterator[Misconception]:
    """Yield the mistake of freezing the parameters, to the end or for a while."""
    left = (
        "You freeze the parameters (`requires_grad_(False)`), and they stay frozen: "
        "the network can't be trained any more. "
    )
    for_a_while = (
        "You freeze the parameters (`requires_grad_(False)`) while the network runs"
    )
    switch = (
        "Leave the network's parameters alone, and switch autograd itself off around "
        "the call: `with torch.no_grad():`."
    )
    enough = "Leave the network's parameters alone: `torch.no_grad()` is enough."
    for name, back, quiet, seen, way in (
        ("parameters left frozen", False, False, left, switch),
        (
            "parameters frozen for a while",
            True,
            False,
            f"{for_a_while}, and autograd stays on. ",
            switch,
        ),
        ("parameters left frozen under no_grad", False, True, left, enough),
        (
            "parameters frozen for a while under no_grad",
            True,
            True,
            f"{for_a_while}. ",
            enough,
        ),
    ):
        yield Misconception(name, partial(_frozen, back=back, quiet=quiet), seen + way)
        yield Misconception(
            f"{name}, left in eval mode",
            partial(_frozen, back=back, quiet=quiet, mode=False),
            f"2 things are wrong. (1) {seen}{way} (2) "
            f"{_EVALUATE_HINTS['left in eval mode']}",
        )


EVALUATE = Exercise(
    "classifier.evaluate",
    lambda net, images, labels: _evaluate(net, images, labels),
    (
        *_evaluate_mistakes(),
        Misconception(
            "only the outermost put in eval mode",
            _outermost_eval,
            "The layers inside still run in training mode: setting `net.training` "
            "reaches only the outermost module. `net.eval()` reaches all of them.",
        ),
        Misconception(
            "only the outermost put back",
            _outermost_restored,
            "The layers inside stay in evaluation mode: setting `net.training` reaches "
            "only the outermost module. `net.train(was)` reaches all of them.",
        ),
        *_frozen_mistakes(),
        Misconception(
            "autograd left off",
            _autograd_left_off,
            "Autograd is off after your function, for everybody: `set_grad_enabled` "
            "stays as it is set. `with torch.no_grad():` ends where its block ends.",
        ),
        Misconception(
            "batches averaged",
            _batches_averaged,
            "You average the shares of the batches, so an image of a smaller last "
            "batch counts more than the others. Add up the right answers of all "
            "batches and divide once.",
        ),
        Misconception(
            "argmax over the batch",
            partial(_evaluate, dim=0),
            "`argmax(dim=0)` finds, for each class, the image with the highest score. "
            "Each image is a row, and its classes are along `dim=1`.",
        ),
        Misconception(
            "a count",
            lambda net, images, labels: (
                _evaluate(net, images, labels, number=False) * len(labels)
            ).item(),
            "You return how many are right. Accuracy is their share: divide by the "
            "number of images.",
        ),
    ),
    lambda: [
        (*_labelled_batch(9, 3, 4), True),
        (*_labelled_batch(1, 3, 4), False),
        (*_labelled_batch(6, 3, 4), False),
        (*_labelled_batch(1103, 3, 4), True),  # prime: no batch size divides it
    ],
    evaluated,
    arguments=("images", "labels", "net.training"),
    hints=(
        "Two switches are to be set before the network runs: one for its layers, one "
        "for autograd. Which?",
        "`eval()` changes the layers, `no_grad()` stops autograd; neither does the "
        "other's work. And `eval()` lasts until somebody changes it.",
        "Save `net.training` first. At the end, before the `return`, give it to "
        "`net.train`.",
    ),
)


def _images_needed(
    p: float,
    half: float,
    *,
    z: float = 1.96,
    spread: Callable[[float], float] = lambda p: p * (1 - p),
    square: bool = True,
    rounded: Callable[[float], float] = math.ceil,
) -> float:
    ratio = z / half
    return rounded((ratio**2 if square else ratio) * spread(p))


IMAGES = Exercise(
    "classifier.images",
    _images_needed,
    (
        Misconception(
            "rounded down",
            partial(_images_needed, rounded=math.floor),
            "One image too few: rounded down, the interval is a little wider than "
            "asked for. Round up.",
        ),
        Misconception(
            "rounded to the nearest",
            partial(_images_needed, rounded=round),
            "Sometimes one image too few: `round` goes to the nearest whole number. "
            "The half-width must be `half` or less, so round up.",
        ),
        Misconception(
            "not rounded",
            partial(_images_needed, rounded=float),
            "The size is right, but it is no whole number of images. Round up.",
        ),
        Misconception(
            "one standard deviation",
            partial(_images_needed, z=1.0),
            "This is enough for one standard deviation. A 95 % interval reaches 1.96 "
            "of them to either side.",
        ),
        Misconception(
            "two standard deviations",
            partial(_images_needed, z=2.0),
            "You take 2 standard deviations. The task says 1.96.",
        ),
        Misconception(
            "the whole width",
            partial(_images_needed, z=3.92),
            "Four times too many: `half` is the distance from the middle to one end, "
            "not from end to end.",
        ),
        Misconception(
            "half of half",
            partial(_images_needed, z=0.98),
            "A quarter of what is needed: `half` is already the distance from the "
            "middle to one end. Do not double it.",
        ),
        Misconception(
            "no root undone",
            partial(_images_needed, square=False),
            "Too few: n stands under a root. When you solve for n, both sides are "
            "squared, 1.96 and `half` as well.",
        ),
        Misconception(
            "the root kept",
            partial(
                _images_needed, square=False, spread=lambda p: math.sqrt(p * (1 - p))
            ),
            "This is the root of the number that is asked for: square it.",
        ),
        Misconception(
            "the variance squared",
            partial(_images_needed, spread=lambda p: (p * (1 - p)) ** 2),
            "p(1 − p) stands under the root already: squaring the equation leaves it "
            "as it is.",
        ),
        Misconception(
            "the root of the variance",
            partial(_images_needed, spread=lambda p: math.sqrt(p * (1 - p))),
            "1.96 and `half` are squared, the root of p(1 − p) is not: squared, it is "
            "p(1 − p).",
        ),
        Misconception(
            "only p",
            partial(_images_needed, spread=lambda p: p),
            "Under the root stands p times (1 − p). You have p alone.",
        ),
        Misconception(
            "only 1 - p",
            partial(_images_needed, spread=lambda p: 1 - p),
            "Under the root stands p times (1 − p). You have 1 − p alone.",
        ),
        Misconception(
            "p as one half",
            partial(_images_needed, spread=lambda p: 0.25),
            "You take p = ½, the worst case. The task gives you `p`.",
        ),
    ),
    lambda: [(0.9, 0.01), (0.925, 0.005), (0.5, 0.1), (0.99, 0.002), (0.8, 0.03)],
    hints=(
        "The half-width is 1.96 · √(p(1 − p)/n). It must be `half` or less. Solve for "
        "n.",
        "Divide by 1.96, square, and bring n to the other side.",
        "`math.ceil` rounds up. What do you give it?",
    ),
)


_Pairs = Iterator[tuple[Tensor, Tensor]]
_Order = Callable[[int, torch.Generator], Tensor]


def _by_randperm(n: int, generator: torch.Generator) -> Tensor:
    return torch.randperm(n, generator=generator)


def _batches(
    *,
    order: _Order = _by_randperm,
    labels: _Order | None = None,
    ends: Callable[[int, int], int] = lambda n, size: n,
    rows: Callable[[Tensor], Tensor] = lambda rows: rows,
    pair: Callable[[Tensor, Tensor], Any] = lambda x, y: (x, y),
) -> Answer:
    """Return an answer to the batches; each argument is a mistake."""

    def answer(x: Tensor, y: Tensor, size: int, generator: torch.Generator) -> _Pairs:
        order_of_x = order(len(x), generator)
        order_of_y = labels(len(x), generator) if labels else order_of_x
        for start in range(0, ends(len(order_of_x), size), size):
            end = start + size
            mine, theirs = rows(order_of_x[start:end]), rows(order_of_y[start:end])
            yield pair(x[mine], y[theirs])

    return answer


def _filled_up(n: int, generator: torch.Generator) -> Tensor:
    order = _by_randperm(n, generator)
    return torch.cat([order, order])


def _filled(x: Tensor, y: Tensor, size: int, generator: torch.Generator) -> _Pairs:
    answer = _batches(order=_filled_up, ends=lambda n, size: n // 2)
    return answer(x, y, size, generator)


def _an_empty_one(
    x: Tensor, y: Tensor, size: int, generator: torch.Generator
) -> _Pairs:
    order = _by_randperm(len(x), generator)
    for k in range(len(x) // size + 1):
        rows = order[k * size : (k + 1) * size]
        yield x[rows], y[rows]


def _order_per_batch(
    x: Tensor, y: Tensor, size: int, generator: torch.Generator
) -> _Pairs:
    for start in range(0, len(x), size):
        rows = _by_randperm(len(x), generator)[start : start + size]
        yield x[rows], y[rows]


def _inside_batches(
    x: Tensor, y: Tensor, size: int, generator: torch.Generator
) -> _Pairs:
    for rows in torch.arange(len(x)).split(size):
        rows = rows[_by_randperm(len(rows), generator)]
        yield x[rows], y[rows]


def _whole_batches(
    x: Tensor, y: Tensor, size: int, generator: torch.Generator
) -> _Pairs:
    blocks = torch.arange(len(x)).split(size)
    for k in _by_randperm(len(blocks), generator):
        yield x[blocks[k]], y[blocks[k]]


def _first_alone(
    x: Tensor, y: Tensor, size: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    return next(_batches()(x, y, size, generator))


def _reseeded(n: int, generator: torch.Generator) -> Tensor:
    return torch.randperm(n, generator=generator.manual_seed(0))


def _rows_to_shuffle() -> list[Case]:
    """Return rows that all differ, with sizes that divide their number, or don't."""
    cases: list[Case] = []
    for n, size, seed in [(11, 4, 0), (12, 4, 1), (10, 1, 2), (9, 20, 3), (13, 6, 4)]:
        (x,) = randn((n, 1, 2, 2), seed=n)
        labels = torch.arange(n) * 3 % 5
        cases.append((x, labels.to(x.device), size, seed))
    return cases


BATCHES = Exercise(
    "classifier.batches",
    _batches(),
    (
        Misconception(
            "last batch dropped",
            _batches(ends=lambda n, size: n - n % size),
            "The rows that don't fill a batch are dropped. The last batch is shorter, "
            "but it comes.",
        ),
        Misconception(
            "last full batch dropped",
            _batches(ends=lambda n, size: n - size),
            "The last batch is missing, also where it would be full: your loop ends "
            "one step too early. `range(0, n, size)` stops before n by itself.",
        ),
        Misconception(
            "last batch filled up",
            _filled,
            "Your last batch is filled up with rows that have already come. They "
            "would count twice: let it be shorter.",
        ),
        Misconception(
            "an empty batch",
            _an_empty_one,
            "Where `size` divides the number of rows, an empty batch comes last; the "
            "mean of its loss is nan. `range(0, n, size)` has no such step.",
        ),
        Misconception(
            "not shuffled",
            _batches(order=lambda n, generator: torch.arange(n)),
            "The rows come in the order of `x`. Files are often sorted by class, and "
            "then a batch would hold one class only: draw an order first.",
        ),
        Misconception(
            "shuffled apart",
            _batches(labels=_by_randperm),
            "`x` and `y` are shuffled by two different orders, so pictures get the "
            "labels of others. Draw one order, and index both with it.",
        ),
        Misconception(
            "labels not shuffled",
            _batches(labels=lambda n, generator: torch.arange(n)),
            "`x` is shuffled and `y` is not, so pictures get the labels of others. "
            "Index both with the same rows.",
        ),
        Misconception(
            "drawn with replacement",
            _batches(
                order=lambda n, generator: torch.randint(n, (n,), generator=generator)
            ),
            "In one call some rows come twice and others never. `randint` does that, "
            "it draws each time from all rows; so does a new order for each batch. "
            "`randperm`, called once, holds each row once.",
        ),
        Misconception(
            "a new order for each batch",
            _order_per_batch,
            "In one call some rows come twice and others never: the order is drawn "
            "anew for each batch. Draw it once, before the loop.",
        ),
        Misconception(
            "shuffled inside the batches",
            _inside_batches,
            "Only the rows inside a batch are shuffled: each batch holds the same "
            "rows in every epoch. Shuffle all rows, then cut.",
        ),
        Misconception(
            "batches shuffled",
            _whole_batches,
            "Whole batches are shuffled, and inside one the rows stand as in `x`. "
            "Shuffle the rows, then cut them into batches.",
        ),
        Misconception(
            "the generator not used",
            _batches(order=lambda n, generator: torch.randperm(n)),
            "The order does not come from `generator`: a generator with the same seed "
            "gives another order the next time. Pass it on: `generator=generator`.",
        ),
        Misconception(
            "seeded anew",
            _batches(order=_reseeded),
            "Each call gives the same order, as if a seed were set inside. Draw from "
            "`generator` as it comes: it goes on by itself from call to call.",
        ),
        Misconception(
            "one batch",
            _first_alone,
            "This is one batch, not all: `return` ends the function. `yield` hands "
            "out a batch and goes on, or collect the batches in a list.",
        ),
        Misconception(
            "pair swapped",
            _batches(pair=lambda x, y: (y, x)),
            "The pairs have changed places: `x` first, then `y`.",
        ),
        Misconception(
            "without labels",
            _batches(pair=lambda x, y: x),
            "The labels are missing: each batch is a pair, rows of `x` and their `y`.",
        ),
    ),
    _rows_to_shuffle,
    all_batches,
    arguments=("x", "y", "size", "the seed of `generator`"),
    forbidden=("DataLoader",),
    hints=(
        "Draw the order of all rows first, then cut it into pieces. Which function of "
        "torch gives the numbers from 0 to n − 1, each once, in a random order?",
        "`order[start:start + size]` is the piece that begins at `start`; a slice that "
        "runs over the end is just shorter.",
        "`x[rows]` and `y[rows]` with the same `rows` keep picture and label together. "
        "`yield` in the loop hands a batch out.",
    ),
)


def _calibration(
    probabilities: Tensor,
    labels: Tensor,
    bins: int,
    *,
    sure: Callable[[Tensor, Tensor], Tensor] = lambda p, _: p.amax(1),
    weighted: bool = True,
    distance: Callable[[Tensor], Tensor] = torch.abs,
    over: Callable[[Tensor], Tensor] = torch.sum,
    last: bool = True,
) -> float:
    confidence = sure(probabilities, labels)
    right = (probabilities.argmax(1) == labels).to(confidence.dtype)
    places = (confidence * bins).long()
    places = places.clamp(max=bins - 1) if last else places
    gaps = []
    for place in range(bins):
        inside = places == place
        if inside.any():
            gap = distance(confidence[inside].mean() - right[inside].mean())
            gaps.append(gap * (inside.float().mean() if weighted else 1))
    return over(torch.stack(gaps)).item() if gaps else 0.0


def _calibration_cases() -> list[Case]:
    cases: list[Case] = []
    for n, classes, bins in [(300, 4, 10), (7, 3, 5), (200, 12, 4), (2, 3, 10)]:
        (logits,) = randn((n, classes), seed=n)
        generator = torch.Generator().manual_seed(n)
        labels = torch.randint(classes, (n,), generator=generator).to(logits.device)
        best = logits.argmax(1)
        labels[::2] = best[::2]  # half right, and some more by chance
        labels[-1] = classes - 1
        if n == 200:
            logits[:50] *= 1000  # sure to the last digit: a confidence of exactly 1
            labels[50:] = best[50:]  # the rest of the last bin is too modest
        cases.append(((2 * logits).softmax(1), labels, bins))
    return cases


def _number(answer: Answer, *case: Any) -> Any:
    """Call an answer; a tensor with one number counts as that number."""
    result = answer(*case)
    if isinstance(result, Tensor) and result.numel() == 1:
        return float(result)
    return result


CALIBRATION = Exercise(
    "classifier.calibration",
    _calibration,
    (
        Misconception(
            "bins weigh the same",
            partial(_calibration, weighted=False, over=torch.mean),
            "Every bin counts the same in your mean, whether it holds one image or "
            "hundreds. Weigh each by its share of the images.",
        ),
        Misconception(
            "bins added up",
            partial(_calibration, weighted=False),
            "You add up the gaps of the bins. Weigh each by its share of the images.",
        ),
        Misconception(
            "the largest gap",
            partial(_calibration, weighted=False, over=torch.max),
            "This is the largest gap of all bins. The task asks for the mean, each bin "
            "weighed by its share of the images.",
        ),
        Misconception(
            "signs kept",
            partial(_calibration, distance=lambda gap: gap),
            "This is the gap of all images together: gaps above and below cancel. Sort "
            "into bins, and take the absolute value in each bin, before you add.",
        ),
        Misconception(
            "the other sign",
            partial(_calibration, distance=lambda gap: -gap),
            "Gaps above and below cancel in your sum: take the absolute value in each "
            "bin, before you add.",
        ),
        Misconception(
            "squares",
            partial(_calibration, distance=torch.square),
            "You square the gaps. The task asks for their absolute value.",
        ),
        Misconception(
            "the label's probability",
            partial(_calibration, sure=lambda p, y: _of_the_label(p, y)),
            "You sort by the probability of the *label*. Confidence is the largest "
            "probability, that of the class the network chose: at prediction time "
            "nobody knows the label.",
        ),
        Misconception(
            "ten bins built in",
            lambda probabilities, labels, bins: _calibration(probabilities, labels, 10),
            "Ten bins are built in. Use `bins`.",
        ),
        Misconception(
            "confidence 1 left out",
            partial(_calibration, last=False),
            "Images with a confidence of exactly 1 are missing: `confidence * bins` "
            "is `bins` for them, one past the last bin. They belong to the last.",
        ),
        Misconception(
            "percent",
            lambda *case: 100 * _calibration(*case),
            "This is in percent. Return a number from 0 to 1.",
        ),
        Misconception(
            "each image alone",
            lambda probabilities, labels, bins: (
                (
                    probabilities.amax(1)
                    - (probabilities.argmax(1) == labels).to(probabilities.dtype)
                )
                .abs()
                .mean()
                .item()
            ),
            "You take the gap of each single image, which is right or wrong, never "
            "80 % right. First the means of a bin, then their difference.",
        ),
    ),
    _calibration_cases,
    _number,
    hints=(
        "Confidence is the largest probability of a row. Its bin is "
        "`(confidence * bins).long()`; what is to be done where it is 1?",
        "For each bin that is not empty: mean confidence, share that is right, their "
        "difference without its sign.",
        "The weight of a bin is its number of images, divided by the number of all.",
    ),
)


def _chosen(
    validation: Tensor,
    test: Tensor,
    *,
    by: Callable[[Tensor, Tensor], Tensor] = lambda v, t: v.mean(1),
    report: Callable[[Tensor, Tensor], Tensor] = lambda v, t: t.mean(),
    index: Callable[[Tensor], Tensor] = torch.argmax,
) -> tuple[int, float]:
    chosen = int(index(by(validation, test)))
    return chosen, float(report(validation[chosen], test[chosen]))


def _choices() -> list[Case]:
    """Return accuracies where each way to choose or to report gives another answer."""
    device = current_device()
    cases: list[Case] = []
    for settings, seeds, number in [(3, 3, 3), (4, 5, 12), (6, 2, 5), (5, 3, 8)]:
        v, t = randn((settings, seeds), (settings, seeds), seed=number)
        cases.append(((0.9 + 0.02 * v).to(device), (0.9 + 0.02 * t).to(device)))
    return cases


def _plain(answer: Answer, validation: Tensor, test: Tensor) -> Any:
    """Call an answer; tensors with one number count as numbers."""
    result = answer(validation, test)
    if isinstance(result, tuple | list):
        return tuple(r.item() if _is_single(r) else r for r in result)
    return result


def _is_single(value: Any) -> bool:
    return isinstance(value, Tensor) and value.numel() == 1


CHOOSE = Exercise(
    "classifier.choose",
    _chosen,
    (
        Misconception(
            "chosen on the test set",
            partial(_chosen, by=lambda v, t: t.mean(1)),
            "You choose by the test accuracies. Then the test set has become part of "
            "training, and your number is too good: choose by `validation`.",
        ),
        Misconception(
            "chosen by the luckiest run",
            partial(_chosen, by=lambda v, t: v.amax(1)),
            "You choose the setting with the best single run. Of many runs one is "
            "lucky: compare the means over the seeds.",
        ),
        Misconception(
            "chosen on both",
            partial(_chosen, by=lambda v, t: v.mean(1) + t.mean(1)),
            "You choose by both tables. The test set must have no say in it: choose "
            "by `validation` alone.",
        ),
        Misconception(
            "chosen by the first seed",
            partial(_chosen, by=lambda v, t: v[:, 0]),
            "You choose by the first seed alone. Take the mean over the seeds, "
            "`mean(dim=1)`.",
        ),
        Misconception(
            "the worst setting",
            partial(_chosen, index=torch.argmin),
            "You choose the setting with the lowest validation accuracy.",
        ),
        Misconception(
            "the validation accuracy reported",
            partial(_chosen, report=lambda v, t: v.mean()),
            "The setting is right. You report its validation accuracy, which was used "
            "to choose it and is too good on average: report the test accuracy.",
        ),
        Misconception(
            "the luckiest test run reported",
            partial(_chosen, report=lambda v, t: t.amax()),
            "The setting is right. You report its best test run: report the mean of "
            "all.",
        ),
        Misconception(
            "the test run of the best validation run",
            partial(_chosen, report=lambda v, t: t[v.argmax()]),
            "The setting is right. You report one of its runs. The task asks for the "
            "mean over the seeds.",
        ),
        Misconception(
            "the first test run reported",
            partial(_chosen, report=lambda v, t: t[0]),
            "The setting is right. You report its first run: report the mean of all.",
        ),
        Misconception(
            "all settings reported",
            lambda validation, test: (
                int(validation.mean(1).argmax()),
                float(test.mean()),
            ),
            "The setting is right. Your accuracy is the mean over *all* settings: take "
            "the row of the chosen one.",
        ),
        Misconception(
            "order swapped",
            lambda validation, test: _chosen(validation, test)[::-1],
            "Both are right, but they have changed places: the setting first.",
        ),
        Misconception(
            "counted from 1",
            lambda validation, test: (
                _chosen(validation, test)[0] + 1,
                _chosen(validation, test)[1],
            ),
            "You count the settings from 1. The rows are counted from 0.",
        ),
    ),
    _choices,
    _plain,
    parts=("the setting", "the accuracy"),
    hints=(
        "Two steps: which row is chosen, and what is said about it. Which table may be "
        "looked at in which step?",
        "The mean over the seeds is `mean(dim=1)`: one number for each setting.",
        "`argmax` gives the row. Then one mean of one row of the other table.",
    ),
)


_Batches = list[tuple[Tensor, Tensor]]


def _epoch(
    *,
    train: bool = True,
    loss_of: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    order: str = "zbs",
    once: str = "",
    by_image: bool = True,
    number: bool = True,
    then: Callable[[nn.Module], object] = lambda model: None,
) -> Answer:
    """Return an answer: in each batch z(ero_grad), b(ackward), s(tep) in this order."""

    def answer(model: nn.Module, batches: _Batches, optimizer: SGD) -> Any:
        def do(letter: str, loss: Tensor) -> None:
            if letter == "z":
                optimizer.zero_grad()
            elif letter == "b":
                loss.backward()
            else:
                optimizer.step()

        if train:
            model.train()
        if "z" in once:
            optimizer.zero_grad()
        total, count = torch.zeros(()), 0
        for x, y in batches:
            loss = loss_of(model(x), y)
            for letter in order:
                do(letter, loss)
            weight = len(y) if by_image else 1
            total = total + weight * loss.detach().cpu()
            count += weight
        if "s" in once:
            optimizer.step()
        then(model)
        mean = total / count
        return mean.item() if number else mean

    return answer


def _epoch_with(names: frozenset[str]) -> Answer | None:
    """Return the epoch with several faults, or None where they don't go together."""
    faults: dict[str, Any] = {}
    for name in names:
        if faults.keys() & _EPOCH_FAULTS[name].keys():
            return None
        faults |= _EPOCH_FAULTS[name]
    return _epoch(**faults)


_EPOCH_FAULTS: dict[str, dict[str, Any]] = {
    "left in evaluation mode": {"train": False},
    "put back into evaluation mode": {"then": nn.Module.eval},
    "softmax before the loss": {"loss_of": _softmax_first},
    "gradients kept": {"order": "bs", "once": "z"},
    "zero_grad in between": {"order": "bzs"},
    "one step an epoch": {"order": "zb", "once": "s"},
    "one step an epoch, gradients summed": {"order": "b", "once": "zs"},
    "batches averaged": {"by_image": False},
    "a tensor": {"number": False},
    "summed loss": {"loss_of": partial(F.cross_entropy, reduction="sum")},
}

REPAIR = Exercise(
    "classifier.repair",
    _epoch(),
    tuple(
        Misconception(name, _epoch(**_EPOCH_FAULTS[name]), hint)
        for name, hint in {
            "left in evaluation mode": "The network is not in training mode in your "
            "epoch. It may come from an evaluation: call `model.train()` first. "
            "Otherwise BatchNorm uses its running statistics and never updates them.",
            "put back into evaluation mode": "It trains in training mode, and ends in "
            "evaluation mode. The task asks that the network be left in training "
            "mode: whoever evaluates it calls `model.eval()` there.",
            "softmax before the loss": "Your loss is that of `cross_entropy` on "
            "probabilities: it applies its own softmax. Give it the scores.",
            "gradients kept": "The gradients are not reset for every batch, so each "
            "batch adds its own to those of all batches before. `zero_grad()` belongs "
            "into the loop.",
            "zero_grad in between": "The parameters never move. Usually `zero_grad()` "
            "stands between `backward()` and `step()` and throws the gradients away; "
            "or one of these two is missing.",
            "one step an epoch": "There is one step in the whole epoch, by the "
            "gradient of the last batch. The step belongs into the loop.",
            "one step an epoch, gradients summed": "There is one step in the whole "
            "epoch, by the sum of all gradients. The step belongs into the loop, and "
            "`zero_grad()` too.",
            "batches averaged": "The training is right. Your number is the mean over "
            "the batches, so an image of a small last batch counts more. Weigh each "
            "batch by its number of images.",
            "a tensor": "The result is a tensor. The task asks for a Python number: "
            "`.item()`. (A sum of losses that are tensors also keeps every batch's "
            "graph alive.)",
            "summed loss": "Your loss is summed over the batch, so gradients and steps "
            "grow with the batch size. Leave `reduction` at its default, the mean.",
        }.items()
    ),
    lambda: [
        (*_labelled_batch(11, 5, 4), 4),
        (*_labelled_batch(7, 3, 4), 5),
        (*_labelled_batch(6, 4, 4), 6),
    ],
    one_epoch,
    parts=(
        "the loss",
        "the parameters after the epoch",
        "the running mean after the epoch",
        "the mode after the epoch",
    ),
    arguments=("the images", "their labels", "the batch size"),
    hints=(
        "Run `examine` on it and take its lines one by one. A line can have several "
        "causes, and one bug shows in none.",
        "Go through an epoch in your head: the mode, then for each batch scores, loss, "
        "and three calls of which the order counts; then what is summed.",
        "A mean over images: the loss of a batch times its size, added up, divided by "
        "the number of images.",
    ),
    switches=_epoch_with,
)


def _small(
    widths: tuple[int, ...] = (8, 16, 16),
    end: Callable[[], nn.Module] = nn.Identity,
    norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
    kernel: int = 3,
) -> Answer:
    """Return an answer to the design: convolutions, each with a pooling behind it."""

    def answer() -> nn.Sequential:
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise((1, *widths)):
            convolution = nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2)
            layers += [convolution, norm(n_out), nn.ReLU(), nn.MaxPool2d(2)]
        side = 28 // 2 ** len(widths)
        last = nn.Linear(widths[-1] * side**2, 10)
        return nn.Sequential(*layers, nn.Flatten(), last, end())

    return answer


class _BatchCentred(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(0)


def _linear_only() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))


def _no_activation() -> nn.Module:
    return nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(49, 10))


DESIGN = Exercise(
    "classifier.design",
    _small(),
    (
        Misconception(
            "over the budget",
            _linear_only,
            "Over the budget of 5,500 parameters. A linear layer on all 784 pixels "
            "costs 784 for each output: convolve and pool before it. And a 3 × 3 "
            "convolution from C to C channels has 9 · C² weights: with half the "
            "channels, a quarter.",
        ),
        Misconception(
            "few parameters, little learnt",
            _no_activation,
            "Within the budget, but the network learns too little in the trial: fewer "
            "than 85 % of the sketches are right. Two or three convolutions, each with "
            "an activation and a pooling, and BatchNorm so that it learns fast.",
        ),
        Misconception(
            "the batch matters",
            _small(norm=_BatchCentred),
            "In `eval()` a picture's scores depend on the other pictures of its batch. "
            "`nn.BatchNorm2d` does not do that in `eval()`; a mean over dimension 0 of "
            "your own does.",
        ),
        Misconception(
            "a softmax at the end",
            _small(end=lambda: nn.Softmax(dim=1)),
            "The scores of each picture sum to 1: there is a softmax at the end. "
            "Return the logits, as `cross_entropy` expects them.",
        ),
        Misconception(
            "a ReLU at the end",
            _small(end=nn.ReLU),
            "No score is negative: there seems to be a ReLU behind the last layer. A "
            "class that it silences has no gradient any more.",
        ),
    ),
    lambda: [(0,)],
    apply=designed,
    hints=(
        "A budget first: 3 × 3 convolutions from 1 to 8, 8 to 16 and 16 to 16 channels "
        "have 80 + 1,168 + 2,320 parameters.",
        "A pooling behind each halves the side, rounded down: 28, 14, 7, 3. What is "
        "left for the last linear layer?",
        "Convolution, BatchNorm, ReLU, pooling, three times; then Flatten and one "
        "linear layer to 10 scores.",
    ),
)

EXERCISES = (
    DATASET,
    NORMALISE,
    IMAGES,
    BATCHES,
    CONFUSION,
    CALIBRATION,
    EVALUATE,
    CHOOSE,
    REPAIR,
    DESIGN,
)
