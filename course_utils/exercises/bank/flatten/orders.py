"""Lesson 09: what is laid in a row, and in which order."""

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception

KEEP_BATCH = Exercise(
    "flatten.keep_batch",
    lambda x: x.flatten(1),
    (
        Misconception(
            "batch merged",
            lambda x: x.flatten(),
            "You flatten everything, the batch as well: all examples became one long "
            "row. Start at dimension 1.",
        ),
        Misconception(
            "channels as examples",
            lambda x: x.reshape(-1, x.shape[2] * x.shape[3]),
            "You made every channel an example of its own. Only the batch stays: "
            "`(N, C*H*W)`.",
        ),
        Misconception(
            "column-major",
            lambda x: x.permute(0, 3, 2, 1).flatten(1),
            "The order is turned round, with the first index running fastest. Flatten "
            "as it stands: the last index runs fastest.",
        ),
        Misconception(
            "permuted first",
            lambda x: x.permute(0, 2, 3, 1).flatten(1),
            "You moved the channels to the end before flattening. The shape is right "
            "and every number is in another place.",
        ),
        Misconception(
            "batch last",
            lambda x: x.flatten(1).T,
            "The examples stand in columns. Keep them in rows: `(N, C*H*W)`.",
        ),
    ),
    lambda: [randn((n, 3, 4, 5)) for n in (2, 1)],
)

UNFLATTEN = Exercise(
    "flatten.unflatten",
    lambda y, c, h, w: y.unflatten(1, (c, h, w)),
    (
        Misconception(
            "height and width swapped",
            lambda y, c, h, w: y.reshape(-1, c, w, h),
            "Height and width are swapped. The order is N, C, H, W.",
        ),
        Misconception(
            "channels last",
            lambda y, c, h, w: y.reshape(-1, h, w, c),
            "The channels stand last. Flatten laid out C, H, W, and Unflatten must "
            "read it in the same order.",
        ),
        Misconception(
            "moved afterwards",
            lambda y, c, h, w: y.reshape(-1, h, w, c).permute(0, 3, 1, 2),
            "The shape is right, the pixels are scrambled: you read the row as H, W, C "
            "and moved the channels afterwards. It was written as C, H, W.",
        ),
        Misconception(
            "batch dropped",
            lambda y, c, h, w: y.reshape(-1, h, w),
            "Batch and channels are merged into one dimension. Keep N in front.",
        ),
    ),
    lambda: [(*randn((n, 60)), 3, 4, 5) for n in (2, 1)],
)

HWC_TO_CHW = Exercise(
    "flatten.hwc_to_chw",
    lambda image: image.permute(2, 0, 1),
    (
        Misconception(
            "reshaped",
            lambda image: image.reshape(image.shape[2], *image.shape[:2]),
            "The shape is right, the picture is not: `reshape` only cuts the same row "
            "of numbers differently. To move a dimension, `permute`.",
        ),
        Misconception(
            "transposed",
            lambda image: image.transpose(0, 2),
            "`transpose(0, 2)` swaps two dimensions: you get C, W, H, a picture lying "
            "on its side. Name all three: `permute`.",
        ),
        Misconception(
            "the other way",
            lambda image: image.permute(1, 2, 0),
            "`permute` lists where each new dimension comes *from*: the first is to be "
            "the old dimension 2.",
        ),
    ),
    lambda: [randn((4, 5, 3)), randn((3, 3, 3)), randn((6, 2, 1))],
)


def _image_cases() -> list[tuple]:
    return [
        randn((3, 4, 5)),
        randn((2, 3, 4, 5)),
        randn((1, 3, 4, 5)),
        randn((1, 4, 5)),
    ]


ANY_IMAGE = Exercise(
    "flatten.any_image",
    lambda x: x.reshape(-1, *x.shape[-3:]).flatten(1),
    (
        Misconception(
            "batch trap",
            lambda x: x.flatten(1),
            "A batch is right. For a single image you took the channels for a batch: "
            "where `x.ndim` is 3, add a batch dimension first.",
        ),
        Misconception(
            "always one row",
            lambda x: x.flatten().unsqueeze(0),
            "A single image is right. A batch became one long example: where `x.ndim` "
            "is 4 its first dimension must stay.",
        ),
        Misconception(
            "no batch dimension",
            lambda x: x.flatten(-3),
            "The pixels are right, but a single image came out without a batch "
            "dimension: give it one, so that the result is always `(N, C*H*W)`.",
        ),
    ),
    _image_cases,
)
