"""Exercises of lesson 00: tensors, shapes, broadcasting, a first gradient."""

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Case, Exercise, Misconception


def _tables() -> list[Case]:
    # Several rows, one row, and as many rows as columns.
    return [randn((n, d)) for n, d in [(3, 5), (1, 4), (3, 3)]]


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
            "batch last",
            (28, 28, 100),
            "The batch comes last. Examples come first: `N, C, H, W`.",
        ),
        Misconception(
            "three channels",
            (100, 3, 28, 28),
            "Three channels are for red, green and blue. A grey picture has one.",
        ),
    ),
)

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
            "The numbers are right, but `keepdim=True` left a dimension of size 1. "
            "The shape should be `(D,)`.",
        ),
    ),
    _tables,
)

CENTRE = Exercise(
    "start.centre",
    lambda x: x - x.mean(dim=0),
    (
        Misconception(
            "rows centred",
            lambda x: x - x.mean(dim=1, keepdim=True),
            "You centre every row, that is every example. Centre every column: "
            "subtract the mean over `dim=0`.",
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
    ),
    _tables,
)

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
            "transposed",
            lambda a, b: b @ a.T,
            "The numbers are right, but the result is transposed: row `i` belongs to "
            "`a[i]`.",
        ),
        Misconception(
            "elementwise",
            lambda a, b: a * b,
            "`*` multiplies element by element and needs equal shapes. Products of "
            "rows with rows are a matrix product, `@`.",
        ),
    ),
    lambda: [randn((n, d), (m, d)) for n, m, d in [(2, 4, 3), (1, 2, 5), (3, 3, 3)]],
)

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
    ),
    lambda: [randn(shape) for shape in [(3,), (2, 4), (1,)]],
)

EXERCISES = (BATCH_SHAPE, MEANS, CENTRE, PRODUCTS, GRADIENT)
