"""The repair shop's functions as they should be, and the faults planted in them.

Never given out: `plant.py` writes the learners' notebook and the graders' key.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One changed line, or two that changed places.

    Attributes:
        right: text of the source; it stands there once.
        wrong: takes its place.
        seen: the complaint with which the function comes to the shop.
        cause: a sentence that explains it.
        words: an explanation has one of each group, or a longer word that begins so.
    """

    right: str
    wrong: str
    seen: str
    cause: str
    words: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Script:
    """A function of the shop.

    Attributes:
        name: of the function.
        lessons: where its traps stand.
        text: what it must do.
        source: as it should be; its docstring is for the learner to write.
        faults: of which one is planted.
    """

    name: str
    lessons: str
    text: str
    source: str
    faults: tuple[Fault, ...]


SCRIPTS = (
    Script(
        "scale",
        "00, 10",
        "`train` and `test` hold one row for each image and one column for each "
        "feature. Return both, scaled alike: each column less the mean of that column "
        "in `train`, divided by its standard deviation in `train`, as `torch.std` "
        "gives it.",
        """
def scale(train, test):
    mean = train.mean(dim=0)
    std = train.std(dim=0)
    return (train - mean) / std, (test - mean) / std
""",
        (
            Fault(
                "(test - mean) / std",
                "(test - test.mean(dim=0)) / test.std(dim=0)",
                "One picture alone comes out as nan, and the same picture gets other "
                "numbers in another test set.",
                "The test table was scaled by its own mean and deviation in place of "
                "the training table's.",
                (("test",), ("own", "its", "train", "leak", "itself")),
            ),
            Fault(
                "mean = train.mean(dim=0)",
                "mean = train.mean()",
                "After scaling, the columns of the training table do not have the "
                "mean 0.",
                "The mean was taken over the whole table and not for each column.",
                (
                    ("mean",),
                    ("column", "feature", "dim", "whole", "all", "single", "every"),
                ),
            ),
            Fault(
                "std = train.std(dim=0)",
                "std = train.var(dim=0)",
                "Columns with large numbers come out tiny, and those with small "
                "numbers large.",
                "It divided by the variance, and not by its root, the deviation.",
                (("var", "square"), ("std", "deviation", "root", "square")),
            ),
        ),
    ),
    Script(
        "regress",
        "01",
        "Fit `y` (shape `(N,)`) by a linear function of `x` (shape `(N, d)`) with "
        "`steps` steps of gradient descent on the mean squared error. Weight (`(d,)`) "
        "and bias (`(1,)`) start at zero and are returned without gradients.",
        """
def regress(x, y, steps, rate):
    weight = torch.zeros(x.shape[1], requires_grad=True)
    bias = torch.zeros(1, requires_grad=True)
    for _ in range(steps):
        guess = x @ weight + bias
        loss = ((guess - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            for parameter in (weight, bias):
                parameter -= rate * parameter.grad
                parameter.grad = None
    return weight.detach(), bias.detach()
""",
        (
            Fault(
                "guess = x @ weight + bias",
                "guess = x @ weight[:, None] + bias",
                "It runs without an error, and guesses about the mean of `y` for "
                "every row.",
                "The guess is a column, so subtracting y broadcasts to every pair of "
                "rows.",
                (
                    (
                        "broadcast",
                        "shape",
                        "reshape",
                        "pair",
                        "column",
                        "(n, 1)",
                        "n, n",
                        "n x n",
                    ),
                ),
            ),
            Fault(
                "\n                parameter.grad = None",
                "",
                "The first step is right; later ones are too long, and the loss "
                "swings.",
                "The gradients were never set to zero, so each step added the old "
                "ones again.",
                (
                    ("grad", "autograd"),
                    (
                        "zero",
                        "accum",
                        "add",
                        "sum",
                        "reset",
                        "clear",
                        "old",
                        "previous",
                    ),
                ),
            ),
            Fault(
                "parameter -= rate * parameter.grad",
                "parameter += rate * parameter.grad",
                "The loss grows from the first step on.",
                "The step went along the gradient, uphill: its sign was wrong, plus in "
                "place of minus.",
                (
                    (
                        "sign",
                        "uphill",
                        "minus",
                        "ascen",
                        "opposite",
                        "wrong direction",
                        "wrong way",
                        "against",
                    ),
                ),
            ),
        ),
    ),
    Script(
        "start",
        "01, 02",
        "Return a list of `depth` weights, `(width, width)` each, to start a network "
        "of ReLU layers from: normal numbers whose standard deviation keeps the size "
        "of the signal from layer to layer, as He derived it. All come from one "
        "generator with this `seed`.",
        """
def start(depth, width, seed):
    generator = torch.Generator().manual_seed(seed)
    weights = []
    for _ in range(depth):
        noise = torch.randn(width, width, generator=generator)
        weights.append(noise * (2 / width) ** 0.5)
    return weights
""",
        (
            Fault(
                "(2 / width) ** 0.5",
                "(1 / width) ** 0.5",
                "After 30 layers of ReLU nearly nothing is left of the signal.",
                "ReLU halves the mean square, so the variance must be 2 / width and "
                "not 1 / width.",
                (
                    ("relu", "half", "halve", "kaiming", "he's"),
                    ("2", "two", "twice", "double", "half", "halve"),
                ),
            ),
            Fault(
                "(2 / width) ** 0.5",
                "(2 / width)",
                "After three layers nothing is left of the signal.",
                "2 / width is the variance; the numbers must be multiplied by its "
                "square root.",
                (
                    ("root", "sqrt", "0.5"),
                    ("variance", "deviation", "std", "scale", "width", "root"),
                ),
            ),
            Fault(
                """    generator = torch.Generator().manual_seed(seed)
    weights = []
    for _ in range(depth):
""",
                """    weights = []
    for _ in range(depth):
        generator = torch.Generator().manual_seed(seed)
""",
                "The sizes are right, and yet deep networks behave oddly: what one "
                "layer does, the next does again.",
                "The generator was seeded anew for each layer, so all layers got the "
                "same weights.",
                (
                    ("same", "identical", "equal", "again", "anew", "every", "each"),
                    ("seed", "reseed", "generator", "weight", "layer"),
                ),
            ),
        ),
    ),
    Script(
        "drop",
        "03",
        "Two linear layers without biases, ReLU between them, and dropout on the "
        "hidden values in training alone: a hidden value is dropped where `noise`, "
        "uniform from 0 to 1, is below `p`, and the rest is scaled so that the mean "
        "stays.",
        """
def drop(x, first, second, noise, p, training):
    hidden = torch.relu(x @ first)
    if training:
        keep = (noise >= p).float()
        hidden = hidden * keep / (1 - p)
    return hidden @ second
""",
        (
            Fault(
                "hidden * keep / (1 - p)",
                "hidden * keep",
                "In training the outputs are smaller than in evaluation, the more "
                "so the larger `p` is.",
                "What is kept was not scaled by 1 / (1 - p), so the mean of the "
                "hidden values fell.",
                (
                    ("scal", "rescal", "divi", "multiply", "multiplied"),
                    ("1 - p", "1-p", "expect", "average", "mean of", "kept", "keep"),
                ),
            ),
            Fault(
                "if training:",
                "if not training:",
                "In evaluation two calls with other noise differ; in training they "
                "don't.",
                "Dropout was on in evaluation and off in training: the condition was "
                "the wrong way round.",
                (("train", "eval", "predict", "condition", "mode", "negat", "invert"),),
            ),
            Fault(
                "(noise >= p)",
                "(noise < p)",
                "With `p = 0.2` about four of five hidden values vanish.",
                "It kept the values where the noise is below p, so the share p was "
                "kept and not dropped.",
                (
                    ("kept", "keep", "drop", "mask"),
                    ("below p", "< p", "revers", "invert", "opposite"),
                ),
            ),
        ),
    ),
    Script(
        "follow",
        "04",
        "Return the running mean and the running variance of each column, as "
        "`nn.BatchNorm1d` has them after these `batches` in training: they start at 0 "
        "and 1, and each batch moves them by the share `momentum` towards its own.",
        """
def follow(batches, momentum):
    mean = torch.zeros(batches[0].shape[1])
    var = torch.ones(batches[0].shape[1])
    for batch in batches:
        mean = (1 - momentum) * mean + momentum * batch.mean(dim=0)
        var = (1 - momentum) * var + momentum * batch.var(dim=0)
    return mean, var
""",
        (
            Fault(
                "mean = (1 - momentum) * mean + momentum * batch.mean(dim=0)",
                "mean = momentum * mean + (1 - momentum) * batch.mean(dim=0)",
                "The running mean jumps about with every batch.",
                "The momentum of the mean was on the wrong side: it weighs the new "
                "batch, not the old mean.",
                (
                    ("momentum", "weight", "share"),
                    ("swap", "side", "old", "new", "revers", "exchang", "other", "1 -"),
                ),
            ),
            Fault(
                "batch.var(dim=0)",
                "batch.var(dim=0, unbiased=False)",
                "The running variance is a little too small, the more so the smaller "
                "the batches are.",
                "The batch's variance was divided by n and not by n - 1: the running "
                "one is unbiased.",
                (
                    (
                        "biased",
                        "unbiased",
                        "uncorrected",
                        "n - 1",
                        "n-1",
                        "minus one",
                        "bessel",
                        "correct",
                    ),
                ),
            ),
            Fault(
                "var = torch.ones(",
                "var = torch.zeros(",
                "After few batches the running variance is far too small; after many "
                "it is right.",
                "The running variance started at zero, and must start at one.",
                (("var",), ("start", "begin", "initial", "zero")),
            ),
        ),
    ),
    Script(
        "convolve",
        "05, 06, 09",
        "Convolve `images` (`(N, C, H, W)`) with 3×3 `kernels` and padding 1; then "
        "ReLU, the largest value of each 2×2 window, all values of an image in one "
        "row, channel by channel, and a linear layer.",
        """
def convolve(images, kernels, weight, bias):
    maps = torch.relu(F.conv2d(images, kernels, padding=1))
    small = F.max_pool2d(maps, 2)
    rows = small.flatten(1)
    return rows @ weight.T + bias
""",
        (
            Fault(
                "rows = small.flatten(1)",
                "rows = small.permute(0, 2, 3, 1).flatten(1)",
                "Shapes are right, and the weights of a trained network give scores "
                "that make no sense.",
                "The channels were moved to the end before flatten, so the order of "
                "the features was another one.",
                (("order", "reorder", "permut", "channel", "transpos", "arranged"),),
            ),
            Fault(
                "rows = small.flatten(1)",
                "rows = small.reshape(-1, len(small)).T",
                "With one image all is right; with several, the score of one depends "
                "on the others.",
                "The reshape read values across images, so that each row mixes "
                "several images of the batch.",
                (
                    (
                        "mix",
                        "interleav",
                        "batch",
                        "image",
                        "picture",
                        "reshape",
                        "across",
                    ),
                ),
            ),
            Fault(
                "F.max_pool2d",
                "F.avg_pool2d",
                "The scores are too small everywhere, though every shape is right.",
                "It took the average of each window and not the maximum.",
                (("max", "largest"), ("average", "avg", "mean")),
            ),
        ),
    ),
    Script(
        "recur",
        "07",
        "Run h = tanh(x·`into` + h·`across`) over sequences `x` of shape `(N, T, d)`, "
        "from h = 0. Sequence i has `lengths[i]` steps, and what follows is padding. "
        "Return for each the state after its own last step, `(N, hidden)`.",
        """
def recur(x, lengths, into, across):
    state = torch.zeros(len(x), across.shape[0])
    states = []
    for t in range(x.shape[1]):
        state = torch.tanh(x[:, t] @ into + state @ across)
        states.append(state)
    return torch.stack(states, dim=1)[torch.arange(len(x)), lengths - 1]
""",
        (
            Fault(
                "[torch.arange(len(x)), lengths - 1]",
                "[:, -1]",
                "Only the longest sequences are right: for others, the numbers in "
                "their padding matter.",
                "It took the state at the end of the padding and not at each "
                "sequence's own last step.",
                (("pad", "own last", "own length", "longest", "own end"),),
            ),
            Fault(
                "lengths - 1]",
                "(lengths - 2).clamp(min=0)]",
                "What the last token of a sequence is does not matter at all.",
                "The index was one step too early: the last step of a sequence is "
                "lengths - 1.",
                (
                    ("early", "off by", "one step", "one too", "- 1", "- 2", "second"),
                    ("last", "length", "index"),
                ),
            ),
            Fault(
                "state @ across)",
                "state @ across.T)",
                "Sequences of one step are right, and no longer ones.",
                "The recurrent weight was transposed.",
                (("transpos", ".t"),),
            ),
        ),
    ),
    Script(
        "attend",
        "08",
        "Scaled dot-product attention over `(N, L, d)` in which place i sees the "
        "places up to i, itself included.",
        """
def attend(queries, keys, values):
    width = queries.shape[-1]
    scores = queries @ keys.transpose(-2, -1) / width**0.5
    future = torch.ones_like(scores).triu(diagonal=1).bool()
    scores = scores.masked_fill(future, float("-inf"))
    return scores.softmax(dim=-1) @ values
""",
        (
            Fault(
                "/ width**0.5",
                "/ width",
                "Attention is nearly uniform, the more so the wider the heads are.",
                "The scores were divided by the width and not by its square root.",
                (("root", "sqrt", "0.5"),),
            ),
            Fault(
                ".triu(diagonal=1)",
                ".tril(diagonal=-1)",
                "The loss in training is close to zero, and what it writes makes no "
                "sense.",
                "The mask hid the past and let each place see the future.",
                (("future", "past", "triu", "tril", "mask", "unmask", "triang"),),
            ),
            Fault(
                "softmax(dim=-1)",
                "softmax(dim=-2)",
                "The shares with which a place looks at others do not add up to 1.",
                "Softmax ran over the queries: its dim must be the last, the keys.",
                (
                    ("dim", "axis", "column", "row", "quer"),
                    ("softmax", "key", "last", "sum"),
                ),
            ),
        ),
    ),
    Script(
        "predict",
        "10, 12",
        "A language model that knows one token: row i of a table holds the logits of "
        "what follows token i. Train it on `tokens` with `steps` steps of gradient "
        "descent on the mean cross-entropy, from zeros. Return the probabilities, "
        "`(size, size)`, one row for each token.",
        """
def predict(tokens, size, steps, rate):
    table = torch.zeros(size, size, requires_grad=True)
    for _ in range(steps):
        logits = table[tokens[:-1]]
        loss = F.cross_entropy(logits, tokens[1:])
        (slope,) = torch.autograd.grad(loss, table)
        with torch.no_grad():
            table -= rate * slope
    return table.detach().softmax(dim=-1)
""",
        (
            Fault(
                "logits = table[tokens[:-1]]",
                "logits = table[tokens[:-1]].softmax(dim=-1)",
                "It learns, but slowly, and the loss never comes near its best.",
                "Softmax was applied twice: cross_entropy takes logits and applies it "
                "itself.",
                (
                    ("softmax", "probability", "probabilities", "logit"),
                    ("twice", "two", "already", "itself", "again", "logit", "inside"),
                ),
            ),
            Fault(
                "F.cross_entropy(logits, tokens[1:])",
                "F.cross_entropy(logits, tokens[:-1])",
                "The loss falls to nearly zero, and it writes the same token for ever.",
                "The targets were not shifted, so each token had to predict itself and "
                "not the next.",
                (
                    ("shift", "unshift", "next", "target"),
                    ("same", "itself", "input", "shift", "own"),
                ),
            ),
            Fault(
                "softmax(dim=-1)",
                "softmax(dim=0)",
                "The probabilities of what follows a token do not add up to 1.",
                "Softmax ran along the columns: the dim must be the last one, the "
                "tokens that follow.",
                (
                    ("dim", "axis", "column", "row"),
                    ("softmax", "last", "follow", "sum"),
                ),
            ),
        ),
    ),
    Script(
        "block",
        "11",
        "Two 3×3 convolutions with padding 1, ReLU between them; "
        "their result is added to the input, and ReLU follows.",
        """
def block(x, first, second):
    hidden = torch.relu(F.conv2d(x, first, padding=1))
    hidden = F.conv2d(hidden, second, padding=1)
    return torch.relu(x + hidden)
""",
        (
            Fault(
                """    hidden = torch.relu(F.conv2d(x, first, padding=1))
    hidden = F.conv2d(hidden, second, padding=1)
""",
                """    x = torch.relu(F.conv2d(x, first, padding=1))
    hidden = F.conv2d(x, second, padding=1)
""",
                "With `second` all zero the block should hand its input on, less what "
                "ReLU cuts. It doesn't.",
                "The input was overwritten by the first convolution, so the shortcut "
                "did not carry it.",
                (("overwr", "shortcut", "input", "`x`", "residual", "skip"),),
            ),
            Fault(
                "torch.relu(x + hidden)",
                "x + torch.relu(hidden)",
                "A stack of these blocks can only add: its values grow from block to "
                "block, and negative ones come out.",
                "ReLU was applied to the branch before the sum and not after it.",
                (("relu",), ("before", "after", "sum", "add", "order", "last")),
            ),
            Fault(
                "torch.relu(F.conv2d(x, first, padding=1))",
                "F.conv2d(x, first, padding=1)",
                "Two convolutions here do no more than a single one would.",
                "The ReLU between the two convolutions was missing, so they are one "
                "linear map.",
                (
                    ("relu", "activation", "nonlinear"),
                    ("missing", "between", "linear", "left out", "lack", "forgot"),
                ),
            ),
        ),
    ),
)
