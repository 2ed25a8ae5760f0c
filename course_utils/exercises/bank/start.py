"""Exercises of lesson 00: tensors, shapes, broadcasting, gradients, a first descent."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Case, Exercise, Misconception
from course_utils.exercises.source import AUTOGRAD
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


def _pictures() -> list[Case]:
    # No picture is square in all of them, and none but the first holds a 255.
    generator = torch.Generator().manual_seed(2)
    shapes = [(2, 3, 4), (1, 2, 5), (3, 4, 1), (4, 2, 2)]
    drawn = [torch.randint(0, 250, shape, generator=generator) for shape in shapes]
    drawn[0][0, 0, 0] = 255
    return [(images.to(current_device(), torch.uint8),) for images in drawn]


PREPARE = Exercise(
    "start.prepare",
    lambda images: images[:, None] / 255,
    (
        Misconception(
            "not divided",
            lambda images: images[:, None].float(),
            "Shape and dtype are right, but the numbers still go up to 255: divide "
            "them by 255.",
        ),
        Misconception(
            "channel missing",
            lambda images: images / 255,
            "The numbers are right, the channel is missing: `(N, H, W)` should become "
            "`(N, 1, H, W)`.",
        ),
        Misconception(
            "channel last",
            lambda images: images[..., None] / 255,
            "The new dimension is the last one, as in image files. In PyTorch the "
            "channel follows the batch: `N, C, H, W`.",
        ),
        Misconception(
            "channel before batch",
            lambda images: images[None] / 255,
            "The new dimension comes first, which makes one picture with N channels. "
            "The examples come first: `N, C, H, W`.",
        ),
        Misconception(
            "nothing but the shape",
            lambda images: images[:, None],
            "The shape is right, but these are still whole numbers from 0 to 255. "
            "Divide them by 255: that makes floats of them, too.",
        ),
        Misconception(
            "whole division",
            lambda images: images[:, None] // 255,
            "`//` divides whole numbers and drops the rest: nearly all becomes 0. "
            "Divide with `/`.",
        ),
        Misconception(
            "whole division, as floats",
            lambda images: (images[:, None] // 255).float(),
            "Nearly everything is 0 here: the division dropped the rest, as `//` "
            "does. Divide with `/`.",
        ),
        Misconception(
            "by the maximum",
            lambda images: images[:, None] / images.max(),
            "You divide by the largest number that occurs. Then the same grey means "
            "something else in another batch: divide by 255, whatever occurs.",
        ),
        Misconception(
            "each by its maximum",
            lambda images: images[:, None] / images.amax((1, 2))[:, None, None, None],
            "You divide each picture by its own largest number, so a pale garment "
            "becomes a dark one: divide by 255, whatever occurs.",
        ),
        Misconception(
            "by 256",
            lambda images: images[:, None] / 256,
            "You divide by 256. The largest number of a uint8 is 255, and it should "
            "become 1.",
        ),
        Misconception(
            "float64",
            lambda images: images[:, None].double() / 255,
            "The numbers are right, but they are float64. The weights of a layer are "
            "float32: `.float()`, or a plain division by 255, gives that.",
        ),
        Misconception(
            "from -1 to 1",
            lambda images: images[:, None] / 127.5 - 1,
            "Your numbers run from -1 to 1, which some networks like. Here 0 should "
            "stay 0, and 255 become 1.",
        ),
        Misconception(
            "ink and paper exchanged",
            lambda images: 1 - images[:, None] / 255,
            "Light and dark are exchanged: 0 should stay 0, and 255 become 1.",
        ),
        Misconception(
            "sides exchanged",
            lambda images: images[:, None].transpose(2, 3) / 255,
            "Height and width have changed places, so the pictures lie on their "
            "sides: `(N, 1, H, W)`.",
        ),
        Misconception(
            "three channels",
            lambda images: images[:, None].expand(-1, 3, -1, -1) / 255,
            "There are three channels, as for red, green and blue. A grey picture has "
            "one.",
        ),
        Misconception(
            "flattened",
            lambda images: images.flatten(1) / 255,
            "The pixels of each picture are in one row. Keep height and width apart: "
            "`(N, 1, H, W)`.",
        ),
        Misconception(
            "squeezed",
            lambda images: (images[:, None] / 255).squeeze(),
            "A dimension of size 1 is missing, the channel's and perhaps others. The "
            "usual cause is `squeeze()`, which removes all of them.",
        ),
        Misconception(
            "standardised",
            lambda images: (
                (images[:, None] / 255 - (images / 255).mean()) / (images / 255).std()
            ),
            "You also bring the numbers to mean 0 and standard deviation 1. Here they "
            "should lie between 0 and 1: divide by 255, nothing more.",
        ),
    ),
    _pictures,
    hints=(
        "There are two things to do: a new dimension, and another scale.",
        "`images[:, None]` has a new dimension of size 1 behind the first. "
        "`unsqueeze` makes one, too.",
        "A uint8 goes up to 255, and a division makes floats.",
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
    forbidden=AUTOGRAD,
)


def _batches() -> list[Case]:
    return [
        ((1, 28, 28), torch.float32, 100_000),
        ((1, 28, 28), torch.uint8, 100_000),
        ((3, 224, 224), torch.float32, 2**30),
        ((784,), torch.float64, 3 * 6_272),  # three fit exactly
        ((784,), torch.float64, 3 * 6_272 - 1),
        ((4, 5), torch.int64, 159),  # not even one fits
        ((2, 3), torch.bool, 100),
        ((7, 2), torch.float16, 50),
        ((3, 2, 4, 5), torch.float32, 5_000),
    ]


LARGEST_BATCH = Exercise(
    "start.largest_batch",
    lambda shape, dtype, budget: budget // (math.prod(shape) * dtype.itemsize),
    (
        Misconception(
            "a byte each",
            lambda shape, dtype, budget: budget // math.prod(shape),
            "You count one byte for each number. That is right for uint8; "
            "`dtype.itemsize` says how many bytes a number takes.",
        ),
        Misconception(
            "four bytes each",
            lambda shape, dtype, budget: budget // (math.prod(shape) * 4),
            "You count four bytes for each number, whatever `dtype` says. That is "
            "right for float32; `dtype.itemsize` knows the others.",
        ),
        Misconception(
            "eight bytes each",
            lambda shape, dtype, budget: budget // (math.prod(shape) * 8),
            "You count eight bytes for each number, whatever `dtype` says. That is "
            "right for float64 and int64; `dtype.itemsize` knows the others.",
        ),
        Misconception(
            "bits",
            lambda shape, dtype, budget: (
                budget // (math.prod(shape) * dtype.itemsize * 8)
            ),
            "You divide by the bits of an example. The budget is in bytes of 8 bits, "
            "and `dtype.itemsize` counts bytes.",
        ),
        Misconception(
            "sum of the sizes",
            lambda shape, dtype, budget: budget // (sum(shape) * dtype.itemsize),
            "You add the sizes of the shape. 2 rows of 3 are 6 numbers: multiply them.",
        ),
        Misconception(
            "not rounded",
            lambda shape, dtype, budget: budget / (math.prod(shape) * dtype.itemsize),
            "There are no parts of an example: round down to a whole number, with "
            "`//`.",
        ),
        Misconception(
            "rounded up",
            lambda shape, dtype, budget: (
                -(-budget // (math.prod(shape) * dtype.itemsize))
            ),
            "You round up, so the last example no longer fits. Round down, with `//`.",
        ),
        Misconception(
            "rounded to the nearest",
            lambda shape, dtype, budget: round(
                budget / (math.prod(shape) * dtype.itemsize)
            ),
            "You round to the nearest whole number, which is sometimes one example too "
            "many. Round down, with `//`.",
        ),
        Misconception(
            "one at least",
            lambda shape, dtype, budget: max(
                1, budget // (math.prod(shape) * dtype.itemsize)
            ),
            "Where not even one example fits, the answer is 0; yours is 1.",
        ),
        Misconception(
            "strictly below",
            lambda shape, dtype, budget: (
                (budget - 1) // (math.prod(shape) * dtype.itemsize)
            ),
            "Right except where the examples fill the budget exactly: that is allowed, "
            "too.",
        ),
        Misconception(
            "three sizes",
            lambda shape, dtype, budget: (
                budget // (shape[0] * shape[1] * shape[2] * dtype.itemsize)
            ),
            "You take three sizes out of `shape`, which may hold fewer, or one only. "
            "Multiply as many as there are: in a loop over `shape`, or with "
            "`math.prod`.",
        ),
        Misconception(
            "first size missing",
            lambda shape, dtype, budget: (
                budget // (math.prod(shape[1:]) * dtype.itemsize)
            ),
            "The first size of `shape` is missing in your count. `shape` belongs to "
            "one example, so its first size is not the batch.",
        ),
        Misconception(
            "numbers in the budget",
            lambda shape, dtype, budget: budget // dtype.itemsize,
            "This is how many numbers fit. One example has many: divide by their "
            "count, too.",
        ),
        Misconception(
            "bytes of one",
            lambda shape, dtype, budget: math.prod(shape) * dtype.itemsize,
            "This is how many bytes one example takes. How often does that go into the "
            "budget?",
        ),
        Misconception(
            "numbers of one",
            lambda shape, dtype, budget: math.prod(shape),
            "This is how many numbers one example has. Count their bytes, and then how "
            "often they go into the budget.",
        ),
        Misconception(
            "bytes in use",
            lambda shape, dtype, budget: (
                budget
                // (math.prod(shape) * dtype.itemsize)
                * math.prod(shape)
                * dtype.itemsize
            ),
            "This is how many bytes the largest batch takes. The task asks how many "
            "examples it has.",
        ),
        Misconception(
            "number of dimensions",
            lambda shape, dtype, budget: budget // (len(shape) * dtype.itemsize),
            "You count the dimensions of an example, not its numbers: the sizes in "
            "`shape` must be multiplied.",
        ),
        Misconception(
            "first size only",
            lambda shape, dtype, budget: budget // (shape[0] * dtype.itemsize),
            "You use the first size of `shape` alone. An example has as many numbers "
            "as the product of all its sizes.",
        ),
        Misconception(
            "last size only",
            lambda shape, dtype, budget: budget // (shape[-1] * dtype.itemsize),
            "You use the last size of `shape` alone. An example has as many numbers as "
            "the product of all its sizes.",
        ),
        Misconception(
            "sum, a byte each",
            lambda shape, dtype, budget: budget // sum(shape),
            "There are two mistakes. The sizes of the shape must be multiplied, not "
            "added, and a number takes `dtype.itemsize` bytes, not one.",
        ),
        Misconception(
            "kilobytes",
            lambda shape, dtype, budget: (
                budget * 1_024 // (math.prod(shape) * dtype.itemsize)
            ),
            "You read the budget as kilobytes, times 1,024. It is in bytes.",
        ),
        Misconception(
            "multiplied in place of divided",
            lambda shape, dtype, budget: budget // math.prod(shape) * dtype.itemsize,
            "You multiply by `dtype.itemsize` where you should divide: `a // b * c` is "
            "read from the left. Put parentheses round the bytes of one example.",
        ),
    ),
    _batches,
    hints=(
        "How many numbers does one example have?",
        "And how many bytes? `dtype.itemsize` is the number of bytes of one number.",
        "How often does that go into the budget, in whole examples?",
    ),
)


def _lines() -> list[Case]:
    cases = []
    for seed, (n, lr, steps) in enumerate(
        [(5, 0.1, 3), (4, 0.05, 1), (3, 0.02, 6), (1, 0.1, 2), (6, 0.2, 4)]
    ):
        x, y = randn((n, 1), (n,), seed=seed)
        cases.append((x, y + 1, lr, steps))
    return cases


def _steps_taken(steps: int, faults: frozenset[str]) -> int:
    if "only one step" in faults:
        return 1
    return steps + ("one step too many" in faults) - ("one step too few" in faults)


_FIT_FAULTS = {
    "all against all",
    "never cleared",
    "uphill",
    "summed",
    "slope left alone",
    "intercept left alone",
    "slope first",
    "factor 2 missing",
    "only one step",
    "one step too many",
    "one step too few",
    "exchanged",
}


def _fit_gradients(
    w: float, b: float, x: Tensor, y: Tensor, faults: frozenset[str]
) -> tuple[float, float]:
    if "all against all" in faults:
        x, y = x.expand(-1, len(x)), y.expand(len(x), -1)
    else:
        x = x[:, 0]
    error = w * x + b - y
    factor = 1 if "factor 2 missing" in faults else 2
    if "summed" in faults:
        factor *= error.numel()
    return factor * (error * x).mean().item(), factor * error.mean().item()


def _fit(
    x: Tensor, y: Tensor, lr: float, steps: int, faults: frozenset[str] = frozenset()
) -> tuple[float, float]:
    """Return slope and intercept after descent with these mistakes."""
    w = b = kept_w = kept_b = 0.0
    rate = -lr if "uphill" in faults else lr
    for _ in range(_steps_taken(steps, faults)):
        grad_w, grad_b = _fit_gradients(w, b, x, y, faults)
        if "never cleared" in faults:
            grad_w, grad_b = kept_w, kept_b = kept_w + grad_w, kept_b + grad_b
        if "slope left alone" not in faults:
            w -= rate * grad_w
        if "slope first" in faults:
            grad_b = _fit_gradients(w, b, x, y, faults)[1]
        if "intercept left alone" not in faults:
            b -= rate * grad_b
    return (b, w) if "exchanged" in faults else (w, b)


def _fit_with(faults: frozenset[str]) -> Answer | None:
    """Return the descent with these mistakes; None if one of them is unknown."""
    if not faults <= _FIT_FAULTS:
        return None
    return lambda x, y, lr, steps: _fit(x, y, lr, steps, faults)


def _fit_at_once(x: Tensor, y: Tensor, lr: float, steps: int) -> tuple[float, float]:
    # The bottom of the bowl; with a single point, the one nearest to 0.
    features = torch.cat([x, torch.ones_like(x)], dim=1).cpu()
    w, b = (torch.linalg.pinv(features) @ y.cpu()).tolist()
    return w, b


def _fit_absolute(x: Tensor, y: Tensor, lr: float, steps: int) -> tuple[float, float]:
    w = b = 0.0
    for _ in range(steps):
        sign = (w * x[:, 0] + b - y).sign()
        w, b = w - lr * (sign * x[:, 0]).mean().item(), b - lr * sign.mean().item()
    return w, b


def _last_gradients(x: Tensor, y: Tensor, lr: float, steps: int) -> tuple[float, float]:
    w, b = _fit(x, y, lr, steps - 1)
    error = w * x[:, 0] + b - y
    return 2 * (error * x[:, 0]).mean().item(), 2 * error.mean().item()


def _loss_of_fit(x: Tensor, y: Tensor, lr: float, steps: int) -> float:
    w, b = _fit(x, y, lr, steps - 1)
    return (w * x[:, 0] + b - y).square().mean().item()


def _made_anew(x: Tensor, y: Tensor, lr: float, steps: int) -> tuple[float, float]:
    w = torch.tensor(0.0, device=x.device, requires_grad=True)
    b = torch.tensor(0.0, device=x.device, requires_grad=True)
    for _ in range(steps):
        loss = (w * x[:, 0] + b - y).square().mean()
        by_w, by_b = torch.autograd.grad(loss, (w, b))
        with torch.no_grad():
            w, b = w - lr * by_w, b - lr * by_b
    return w.item(), b.item()


FIT = Exercise(
    "start.fit",
    lambda x, y, lr, steps: _fit(x, y, lr, steps),
    (
        Misconception(
            "as it was",
            _fit_with(frozenset({"all against all", "never cleared", "uphill"})),
            "This is what the broken function gives: it has three mistakes, one in the "
            "shapes, one in the gradients, one in the step.",
        ),
        Misconception(
            "all against all",
            _fit_with(frozenset({"all against all"})),
            "Your line meets all targets at once. `w * x + b` is `(N, 1)`, `y` is "
            "`(N,)`, and broadcasting makes `(N, N)` differences of them. Give both "
            "the same shape.",
        ),
        Misconception(
            "made anew",
            _made_anew,
            "The second step stops: `w = w - …` under `torch.no_grad()` makes a "
            "new tensor, which requires no gradient, so `backward()` finds "
            "nothing to follow. Change `w` itself, with `w -= …`, and then clear "
            "its `.grad`.",
        ),
        Misconception(
            "never cleared",
            _fit_with(frozenset({"never cleared"})),
            "The gradients of earlier steps are still in yours: `backward()` adds to "
            "`.grad`. Clear it before each `backward()`.",
        ),
        Misconception(
            "uphill",
            _fit_with(frozenset({"uphill"})),
            "Each step makes the loss larger: the gradient points uphill. Move against "
            "it, with a minus.",
        ),
        Misconception(
            "summed",
            _fit_with(frozenset({"summed"})),
            "Your steps are too long, by the number of squared differences: the loss "
            "is their mean, not their sum.",
        ),
        Misconception(
            "slope left alone",
            _fit_with(frozenset({"slope left alone"})),
            "The slope is still 0: only the intercept has been moved.",
        ),
        Misconception(
            "intercept left alone",
            _fit_with(frozenset({"intercept left alone"})),
            "The intercept is still 0: only the slope has been moved.",
        ),
        Misconception(
            "slope first",
            _fit_with(frozenset({"slope first"})),
            "The intercept's gradient is taken after the slope has moved. Compute "
            "both gradients from the same loss, then move both.",
        ),
        Misconception(
            "factor 2 missing",
            _fit_with(frozenset({"factor 2 missing"})),
            "Your steps are half as long as they should be. The derivative of a square "
            "has a factor 2.",
        ),
        Misconception(
            "only one step",
            _fit_with(frozenset({"only one step"})),
            "This is the line after a single step. Perhaps the `return` stands inside "
            "the loop.",
        ),
        Misconception(
            "one step too many",
            _fit_with(frozenset({"one step too many"})),
            "You take one step more than `steps`.",
        ),
        Misconception(
            "one step too few",
            _fit_with(frozenset({"one step too few"})),
            "You take one step less than `steps`.",
        ),
        Misconception(
            "exchanged",
            _fit_with(frozenset({"exchanged"})),
            "The numbers are right, in the other order: first the slope w, then the "
            "intercept b.",
        ),
        Misconception(
            "nothing moved",
            lambda x, y, lr, steps: (0.0, 0.0),
            "Slope and intercept are still 0. Either they are not moved, or the "
            "gradients are cleared between `backward()` and the step.",
        ),
        Misconception(
            "at once",
            _fit_at_once,
            "This is the best line there is. The task asks for the line after `steps` "
            "steps of descent, which has not arrived there yet.",
        ),
        Misconception(
            "absolute differences",
            _fit_absolute,
            "Your steps follow the signs of the differences alone, as for the mean of "
            "their absolute values. Square them.",
        ),
        Misconception(
            "gradients returned",
            _last_gradients,
            "These are the gradients of the last step. Return the slope and the "
            "intercept.",
        ),
        Misconception(
            "loss returned",
            _loss_of_fit,
            "This is the loss of the last step. Return two values, the slope and the "
            "intercept.",
        ),
    ),
    _lines,
    hints=(
        "Print the shapes of `w * x + b` and of `y`, then of their difference.",
        "`backward()` adds its gradients to those that are there already.",
        "Should a step go with the gradient or against it?",
    ),
    parts=("the slope", "the intercept"),
    switches=_fit_with,
)

EXERCISES = (
    BATCH_SHAPE,
    MEANS,
    PREPARE,
    CENTRE,
    PRODUCTS,
    GRADIENT,
    LARGEST_BATCH,
    FIT,
)
