"""Exercises of lesson 00: tensors, shapes, broadcasting, a first gradient."""

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Case, Exercise, Misconception
from course_utils.session import current_device

BATCH_SHAPE = Exercise(
    "start.batch_shape",
    (100, 1, 28, 28),
    (
        Misconception(
            "channel missing",
            (100, 28, 28),
            "The channel dimension is missing. A grey picture has one channel, and "
            "PyTorch expects it in the shape: `N, C, H, W`.",
        ),
        Misconception(
            "channels last",
            (100, 28, 28, 1),
            "The channel comes last, as in image files and in Keras. In PyTorch it "
            "follows the batch: `N, C, H, W`.",
        ),
        Misconception(
            "channel before batch",
            (1, 100, 28, 28),
            "The first two sizes have changed places: this is one picture with a "
            "hundred channels. The examples come first: `N, C, H, W`.",
        ),
        Misconception(
            "three channels",
            (100, 3, 28, 28),
            "Three channels are for red, green and blue. A grey picture has one.",
        ),
        Misconception(
            "batch last",
            (28, 28, 100),
            "The batch comes last and the channel is missing. Examples come first: "
            "`N, C, H, W`.",
        ),
        Misconception(
            "reversed",
            (28, 28, 1, 100),
            "The sizes are right, their order is reversed. Examples come first: "
            "`N, C, H, W`.",
        ),
        Misconception(
            "one picture",
            (1, 28, 28),
            "This is the shape of a single picture. A batch has one dimension more, "
            "in front: the number of examples.",
        ),
        Misconception(
            "flattened",
            (100, 784),
            "The pixels of a picture are in one long row here, as a linear layer "
            "wants them. A batch of pictures keeps rows and columns: `N, C, H, W`.",
        ),
        Misconception(
            "one side missing",
            (100, 1, 28),
            "A side is missing: height and width are both given, also where they are "
            "equal.",
        ),
        Misconception(
            "picture in a row",
            (100, 1, 784),
            "Rows and columns are joined into 784 pixels. A picture keeps its height "
            "and width apart: `N, C, H, W`.",
        ),
        Misconception(
            "all numbers",
            78400,
            "This is how many numbers the batch holds. Its shape is a tuple with the "
            "size of each dimension: `N, C, H, W`.",
        ),
        Misconception(
            "text",
            "(100, 1, 28, 28)",
            "The sizes are right, but in quotes they are text. Leave the quotes out: "
            "a tuple of four whole numbers.",
        ),
    ),
    hints=(
        "Look at the shape of the garments above, and read it aloud.",
        "The order is `N, C, H, W`: examples, channels, rows, columns.",
        "N is 100. How many channels has a grey picture?",
    ),
    parts=("the examples N", "the channels C", "the rows H", "the columns W"),
)


def _tables() -> list[Case]:
    # Several rows, one row, one column, as many rows as columns; zeros among them.
    tables = [randn((n, d)) for n, d in [(3, 5), (1, 4), (4, 1), (3, 3)]]
    return [*tables, (randn((4, 3), seed=1)[0].relu(),)]


def _halved_at_each_step(x: Tensor) -> Tensor:
    mean = x[0].clone()
    for row in x[1:]:
        mean = (mean + row) / 2
    return mean


MEANS = Exercise(
    "start.means",
    lambda x: x.mean(dim=0),
    (
        Misconception(
            "of each example",
            lambda x: x.mean(dim=1),
            "This is one mean per example: it averages over the columns. `dim` names "
            "the dimension that disappears, and here the examples should, dimension "
            "0.",
        ),
        Misconception(
            "of everything",
            lambda x: x.mean(),
            "This is one mean of all numbers. Name the dimension that should "
            "disappear: `dim=0`.",
        ),
        Misconception(
            "sum",
            lambda x: x.sum(dim=0),
            "This is the sum; the mean divides it by the number of examples.",
        ),
        Misconception(
            "dimension kept",
            lambda x: x.mean(dim=0, keepdim=True),
            "The numbers are right, but a dimension of size 1 is left, as by "
            "`keepdim=True`. The shape should be `(D,)`.",
        ),
        Misconception(
            "divided by the features",
            lambda x: x.sum(dim=0) / x.shape[1],
            "Your sums are divided by the number of features, `x.shape[1]`. Each is a "
            "sum over the examples, so divide by their number.",
        ),
        Misconception(
            "squeezed",
            lambda x: x.mean(dim=0).squeeze(),
            "The numbers are right, but for a single feature the shape should be "
            "`(1,)`, and yours is `()`. The usual cause is `squeeze()`, which removes "
            "every dimension of size 1.",
        ),
        Misconception(
            "divided by one less",
            lambda x: x.sum(dim=0) / (len(x) - 1),
            "Your sums are divided by N - 1, as for a variance. A mean divides by the "
            "number of examples, N.",
        ),
        Misconception(
            "median",
            lambda x: x.median(dim=0).values,
            "This is the median, the number in the middle. The task asks for the "
            "mean: the sum divided by the number of examples.",
        ),
        Misconception(
            "list of numbers",
            lambda x: x.mean(dim=0).tolist(),
            "The means are right, but they are a list of Python numbers. The task "
            "asks for a tensor: one call of `x.mean(…)` gives it.",
        ),
        Misconception(
            "rounded down",
            lambda x: x.sum(dim=0) // len(x),
            "Your means are rounded down to whole numbers: `//` does that. Divide "
            "with `/`.",
        ),
        Misconception(
            "halved at each step",
            _halved_at_each_step,
            "You halve at each step: `(mean + row) / 2` halves the weight of all "
            "earlier rows each time, so that the last counts half of all. Add up the "
            "rows, then divide once by N.",
        ),
    ),
    _tables,
    hints=(
        "Which of the two dimensions should disappear: the examples or the features?",
        "`dim` names the dimension that disappears, as in `x.sum(dim=0)` above.",
        "`sum` has a sister that also divides by the number of examples.",
    ),
)


def _standardised(x: Tensor) -> Tensor:
    # Not `x.std`, which warns where there is one example.
    centred = x - x.mean(dim=0)
    return centred / (centred.square().sum(dim=0) / (len(x) - 1)).sqrt()


def _rows_centred(x: Tensor) -> Tensor:
    return x - x.mean(dim=1, keepdim=True)


CENTRE = Exercise(
    "start.centre",
    lambda x: x - x.mean(dim=0),
    (
        Misconception(
            "rows centred",
            _rows_centred,
            "Here every row has mean 0, that is every example. Centre every column: "
            "subtract the mean over `dim=0`.",
        ),
        Misconception(
            "means of rows on columns",
            lambda x: x - x.mean(dim=1),
            "`x.mean(dim=1)` has one number per example, `(N,)`, but is lined up with "
            "the columns, of which there are D. You want one mean per column: "
            "`dim=0`.",
        ),
        Misconception(
            "one mean",
            lambda x: x - x.mean(),
            "You subtract one mean from everything. Each feature has its own: "
            "`x.mean(dim=0)`.",
        ),
        Misconception(
            "sign",
            lambda x: x.mean(dim=0) - x,
            "The sign is reversed: it is `x` minus its mean.",
        ),
        Misconception(
            "the means",
            lambda x: x.mean(dim=0),
            "These are the means themselves. Now subtract them from `x`.",
        ),
        Misconception(
            "standardised",
            _standardised,
            "You also divide by the standard deviation. Only subtract the mean; a "
            "single example has no standard deviation anyway.",
        ),
        Misconception(
            "added",
            lambda x: x + x.mean(dim=0),
            "You add the means. To make every column's mean 0, subtract them.",
        ),
        Misconception(
            "divided",
            lambda x: x / x.mean(dim=0),
            "You divide by the means, so every column has mean 1. For mean 0, "
            "subtract them.",
        ),
        Misconception(
            "mean of the first example",
            lambda x: x - x[0].mean(),
            "You subtract one number, the mean of the first example. Each feature has "
            "its own mean over the examples: `x.mean(dim=0)`.",
        ),
        Misconception(
            "first example",
            lambda x: x - x[0],
            "You subtract the first example from all. Subtract the mean of all "
            "examples: `x.mean(dim=0)`.",
        ),
        Misconception(
            "means of the centred",
            lambda x: (x - x.mean(dim=0)).mean(dim=0),
            "You return the means after centring, which are all 0. Return the centred "
            "`x` itself.",
        ),
        Misconception(
            "rows centred too",
            lambda x: _rows_centred(x) - _rows_centred(x).mean(dim=0),
            "The columns of your result have mean 0, but the rows have it too: you "
            "subtract the mean of each example as well. Subtract the means of the "
            "columns only.",
        ),
        Misconception(
            "median",
            lambda x: x - x.median(dim=0).values,
            "You subtract the median of each column, the number in the middle. "
            "Subtract its mean: `x.mean(dim=0)`.",
        ),
        Misconception(
            "sum subtracted",
            lambda x: x - x.sum(dim=0),
            "You subtract the sum of each column. Subtract its mean: `x.mean(dim=0)`.",
        ),
        Misconception(
            "divided by one less",
            lambda x: x - x.sum(dim=0) / (len(x) - 1),
            "You subtract the sum divided by N - 1, as for a variance. A mean divides "
            "by the number of examples, N: `x.mean(dim=0)`.",
        ),
        Misconception(
            "as batch norm does",
            lambda x: F.batch_norm(x, None, None, training=True),
            "Every column of yours has mean 0, but also spread 1: it is divided by "
            "its spread too, as batch norm does. Only subtract the mean.",
        ),
    ),
    _tables,
    hints=(
        "You have the means from exercise 2. Which shapes do `x` and the means have?",
        "`(N, D)` and `(D,)`, compared from the right: D meets D, and N meets nothing.",
        "So broadcasting lines up one mean with each column. A minus is all you need.",
    ),
)


def _as_many_columns_as_rows(a: Tensor, b: Tensor) -> Tensor:
    table = [[row @ b[j] for j in range(len(a))] for row in a]
    return torch.stack([torch.stack(row) for row in table])


def _unit(rows: Tensor) -> Tensor:
    return rows / rows.norm(dim=1, keepdim=True)


def _mirrored(a: Tensor, b: Tensor) -> Tensor:
    table = (a @ b.T).triu()
    n = min(table.shape)
    square = table[:n, :n]
    table[:n, :n] = square + square.T - square.diag().diag()
    return table


PRODUCTS = Exercise(
    "start.products",
    lambda a, b: a @ b.T,
    (
        Misconception(
            "no transpose",
            lambda a, b: a @ b,
            "`a @ b` multiplies the rows of `a` with the columns of `b`. You want the "
            "rows of `b`: transpose it, `b.T`.",
        ),
        Misconception(
            "a transposed",
            lambda a, b: a.T @ b,
            "`a.T @ b` multiplies the columns of `a` with the columns of `b`. You "
            "want rows with rows: it is `b` that must be transposed.",
        ),
        Misconception(
            "transposed",
            lambda a, b: b @ a.T,
            "The numbers are right, but the result is transposed: row `i` belongs to "
            "`a[i]`.",
        ),
        Misconception(
            "elementwise",
            lambda a, b: a * b,
            "`*` multiplies element by element, so the shapes must broadcast. Products "
            "of rows with rows are a matrix product, `@`.",
        ),
        Misconception(
            "row by row",
            lambda a, b: (a * b).sum(dim=1),
            "`a * b` pairs row 0 with row 0 and row 1 with row 1. You want every row "
            "of `a` with every row of `b`.",
        ),
        Misconception(
            "summed over the rows",
            lambda a, b: a * b.sum(dim=0),
            "The rows of `b` are added up in your result, so it has one column per "
            "feature. It is the features that must be summed over: `dim=-1`.",
        ),
        Misconception(
            "reshaped",
            lambda a, b: a @ b.reshape(b.shape[1], b.shape[0]),
            "The shape is right, but the numbers are mixed up: `reshape` reads them "
            "row by row into new rows. To make rows of the columns, transpose.",
        ),
        Misconception(
            "squeezed",
            lambda a, b: (a @ b.T).squeeze(),
            "Right, except for the shape where N or M is 1: a dimension is missing "
            "there. The usual cause is `squeeze()`, which removes every dimension of "
            "size 1.",
        ),
        Misconception(
            "cosines",
            lambda a, b: _unit(a) @ _unit(b).T,
            "These are the cosines of the angles: each row is divided by its length "
            "first. A dot product leaves the rows as they are.",
        ),
        Misconception(
            "as many columns as rows",
            _as_many_columns_as_rows,
            "Right only where `a` and `b` have equally many rows: your table is "
            "`(N, N)`. It has one column for each row of `b`: `(N, M)`.",
        ),
        Misconception(
            "summed before the product",
            lambda a, b: torch.outer(a.sum(dim=1), b.sum(dim=1)),
            "Each of your numbers is the sum of a row of `a` times the sum of a row of "
            "`b`. A dot product multiplies first, feature by feature, and then sums.",
        ),
        Misconception(
            "distances",
            lambda a, b: torch.cdist(a, b),
            "These are the distances between the rows. The task asks for their dot "
            "products: multiply pair by pair, then sum.",
        ),
        Misconception(
            "mirrored",
            _mirrored,
            "Below the diagonal your numbers mirror those above it. The table is not "
            "symmetric: at [1, 0] `a[1]` meets `b[0]`, at [0, 1] `a[0]` meets `b[1]`. "
            "Compute every entry.",
        ),
    ),
    lambda: [
        randn((n, d), (m, d))
        for n, m, d in [(2, 4, 3), (1, 2, 5), (3, 1, 2), (2, 3, 1), (3, 3, 3)]
    ],
    hints=(
        "A dot product of two rows is what `@` computes, of rows and columns.",
        "`a @ …` needs a matrix of shape `(D, M)`; `b` is `(M, D)`.",
        "`b.T` has the rows of `b` as its columns.",
    ),
)


def _points() -> list[Case]:
    few, one = ([0.0, -2.0, 5.0], [-1.5])
    return [
        *((torch.tensor(x, device=current_device()),) for x in (few, one)),
        *(randn(shape) for shape in [(2, 4), (), (2, 1, 3)]),
    ]


GRADIENT = Exercise(
    "start.gradient",
    lambda x: 3 * x**2,
    (
        Misconception(
            "factor missing",
            lambda x: x**2,
            "The power went down by one, but the old power must become a factor: 3·x².",
        ),
        Misconception(
            "power kept",
            lambda x: 3 * x**3,
            "The factor 3 is right, but the power must go down by one: x², not x³.",
        ),
        Misconception(
            "power lost",
            lambda x: 3 * x,
            "The factor 3 is right, but the power is lost: it goes down by one, from "
            "x³ to x².",
        ),
        Misconception(
            "factor squared",
            lambda x: (3 * x) ** 2,
            "Your result is 9·x²: the factor is squared as well. Only x is: "
            "`3 * x**2`, where the power comes before the product.",
        ),
        Misconception(
            "power and factor exchanged",
            lambda x: 2 * x**3,
            "You have 2·x³. The old power, 3, becomes the factor, and the new power "
            "is one less.",
        ),
        Misconception(
            "flattened",
            lambda x: (3 * x**2).flatten(),
            "The numbers are right, but in one row, whatever the shape of `x`. The "
            "gradient has the shape of `x`: reshape it, or don't flatten `x` before.",
        ),
        Misconception(
            "summed",
            lambda x: (3 * x**2).sum(),
            "You return one number. The loss is one number, but its gradient has the "
            "shape of `x`.",
        ),
        Misconception(
            "the loss",
            lambda x: (x**3).sum(),
            "This is the loss itself. The task asks how the loss changes with each "
            "element of `x`.",
        ),
        Misconception(
            "the cubes",
            lambda x: x**3,
            "These are the x³ themselves, before they are summed. The task asks how "
            "the loss changes with each element of `x`.",
        ),
        Misconception(
            "second derivative",
            lambda x: 6 * x,
            "This is 6·x, the derivative of the derivative. The task asks for the "
            "first one, 3·x².",
        ),
        Misconception(
            "integral",
            lambda x: x**4 / 4,
            "This is the integral of x³: the power went up by one. In a derivative "
            "it goes down, and the old power becomes a factor.",
        ),
        Misconception(
            "of the squares",
            lambda x: 2 * x,
            "This is the derivative of x². The loss sums x³: the factor is 3, and the "
            "power goes down to 2.",
        ),
        Misconception(
            "of the mean",
            lambda x: 3 * x**2 / x.numel(),
            "This is the gradient of the *mean* of all x³. The loss is their sum: "
            "don't divide by the number of elements.",
        ),
    ),
    _points,
    hints=(
        "Each element of `x` changes only its own term of the sum.",
        "So it is the derivative of x³, once per element.",
        "The derivative of a power: the power becomes a factor, and is then one less.",
    ),
    forbidden=("backward", "autograd.grad"),
)

EXERCISES = (BATCH_SHAPE, MEANS, CENTRE, PRODUCTS, GRADIENT)
