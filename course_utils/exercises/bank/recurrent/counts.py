"""Lesson 07: the parameters of an LSTM, over layers."""

from functools import partial

from course_utils.exercises.model import Exercise, Misconception


def _count(inputs, hidden, layers, *, gates=4, states=1, biases=2) -> int:
    widths = [inputs] + [hidden] * (layers - 1)
    return sum(gates * hidden * (width + states * hidden + biases) for width in widths)


COUNT = Exercise(
    "recurrent.count",
    lambda inputs, hidden, layers: _count(inputs, hidden, layers),
    (
        Misconception(
            "one bias",
            partial(_count, biases=1),
            "You count one bias a sum. PyTorch keeps two, `bias_ih` and `bias_hh`.",
        ),
        Misconception(
            "no bias",
            partial(_count, biases=0),
            "The weights are right; the biases are missing, two for every sum.",
        ),
        Misconception(
            "no gates",
            partial(_count, gates=1),
            "This is the count of a plain RNN. An LSTM makes four sums: i, f, g, o.",
        ),
        Misconception(
            "three sums",
            partial(_count, gates=3),
            "You count the three gates and leave out the news: the sum for g has "
            "weights too. (With three sums it would be a GRU.)",
        ),
        Misconception(
            "every layer reads the input",
            lambda inputs, hidden, layers: layers * _count(inputs, hidden, 1),
            "You let every layer read `inputs` numbers. From the second layer on the "
            "input is the state below: `hidden` numbers.",
        ),
        Misconception(
            "no state weights",
            partial(_count, states=0),
            "You count the weights of the input alone. Every sum also weighs the old "
            "state: `hidden` more weights.",
        ),
        Misconception(
            "one layer",
            lambda inputs, hidden, layers: _count(inputs, hidden, 1),
            "You count the first layer alone; there are `layers` of them.",
        ),
    ),
    lambda: [(3, 4, 1), (3, 4, 2), (10, 7, 3), (1, 1, 1)],
)
