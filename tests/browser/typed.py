"""What learners type into an exercise of each lesson: right, and with two mistakes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Typed:
    """Answers to one exercise; `{}` stands where they differ."""

    exercise: str
    frame: str
    right: str
    # By what is typed: a part of what the check says to it.
    mistakes: dict[str, str]

    def code(self, part: str) -> str:
        return self.frame.replace("{}", part)


# By the number of the lesson.
TYPED = {
    "00": Typed(
        "start.batch_shape",
        "batch_shape = {}",
        "(100, 1, 28, 28)",
        {
            "(100, 28, 28, 1)": "The channel comes last",
            "(100, 28, 28)": "The channel dimension is missing",
        },
    ),
    "01": Typed(
        "linear.affine",
        "def affine(x, weight, bias):\n    return {}",
        "x @ weight.T + bias",
        {
            "x @ weight + bias": "so transpose it",
            "x @ weight.T": "the bias is missing",
        },
    ),
    "02": Typed(
        "activations.softmax",
        "def softmax(z):\n    e = {}",
        "z.exp()\n    return e / e.sum(dim=-1, keepdim=True)",
        {
            "z.exp()\n    return e / e.sum(dim=0)": "the softmax runs over the batch",
            "z.exp()\n    return e / e.sum()": "one total for the whole tensor",
        },
    ),
    "03": Typed(
        "dropout.recipe",
        "def new_layer(weight, bias, p):\n    return {}",
        "weight * (1 - p), bias",
        {
            "weight * (1 - p), bias * (1 - p)": "the bias is added after them",
            "weight * p, bias": "the share that is dropped",
        },
    ),
    "04": Typed(
        "normalization.counts",
        "def counts(n, c, groups):\n    return {}",
        "c, n * c, n * groups, n",
        {
            "n, n * c, n * groups, n": "You count one mean per example for BatchNorm",
            "c, n * c, groups, n": "You count the groups only once",
        },
    ),
    "05": Typed(
        "convolution.count",
        "def count_conv(in_channels, out_channels, kernel, groups, height, width):\n"
        "    inputs = in_channels // groups\n"
        "    return {}",
        "out_channels * (inputs * kernel**2 + 1)",
        {
            "out_channels * (in_channels * kernel**2 + 1)": "Too many where there are",
            "out_channels * inputs * kernel**2 * height * width + out_channels": (
                "once for every pixel"
            ),
        },
    ),
    "06": Typed(
        "pooling.heads",
        "def heads(channels, height, width, classes):\n"
        "    pixels = channels * height * width\n"
        "    return {}",
        "(pixels + 1) * classes, (channels + 1) * classes",
        {
            "pixels * classes, channels * classes": "each class also has a bias",
            "(channels + 1) * classes, (pixels + 1) * classes": "in the wrong order",
        },
    ),
    "07": Typed(
        "recurrent.last_valid",
        "def last_valid(output, lengths):\n    return {}",
        "output[lengths - 1, torch.arange(len(lengths))]",
        {
            "output[-1]": "the last step of the padded tensor",
            "output[lengths - 2, torch.arange(len(lengths))]": "one too early",
        },
    ),
    "08": Typed(
        "transformer.future",
        "def future_mask(length):\n"
        "    square = torch.ones(length, length, dtype=torch.bool)\n"
        "    return {}",
        "square.triu(1)",
        {
            "square.tril()": "Your mask is True where a token may look",
            "square.triu()": "You hide the diagonal",
        },
    ),
    "09": Typed(
        "flatten.hwc_to_chw",
        "def hwc_to_chw(image):\n    return {}",
        "image.permute(2, 0, 1)",
        {
            "image.transpose(0, 2)": "the picture lies on its side",
            "image.permute(1, 2, 0)": "You moved the dimensions the other way",
        },
    ),
    "10": Typed(
        "classifier.normalise",
        "def normalise(train, test):\n"
        "    mean, std = train.mean(), train.std()\n"
        "    return (train - mean) / std, {}",
        "(test - mean) / std",
        {
            "(test - test.mean()) / test.std()": "by its own statistics",
            "test": "comes out as it went in",
        },
    ),
    "11": Typed(
        "residual.count",
        "def bottleneck_count(c_in, width, stride):\n"
        "    c_out = 4 * width\n"
        "    count = c_in * width + 9 * width**2 + width * c_out\n"
        "    count += 2 * (width + width + c_out)\n"
        "    if {}:\n"
        "        count += c_in * c_out + 2 * c_out\n"
        "    return count",
        "stride != 1 or c_in != c_out",
        {
            "False": "own convolution and norm are missing",
            "True": "on the shortcut even where the shape stays",
        },
    ),
    "12": Typed(
        "language.bits",
        "def bits(logs, size):\n    return {}",
        "-logs.sum() / math.log(2) / size",
        {
            "-logs.sum() / size": "That is in nats per byte",
            "logs.sum() / math.log(2) / size": "The sign is wrong",
        },
    ),
    "13": Typed(
        "speed.speedup",
        "from statistics import fmean, median\n\n\n"
        "def speedup(before, after):\n    return {}",
        "median(before[1:]) / median(after[1:])",
        {
            "median(before) / median(after)": "You count the first run of each",
            "median(after[1:]) / median(before[1:])": "Your ratio is upside down",
        },
    ),
}
