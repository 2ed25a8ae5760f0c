"""Lesson 07: the shapes of output and h_n."""

from course_utils.exercises.model import Exercise, Misconception


def _shapes(
    x_shape: tuple, hidden: int, layers: int, directions: int, batch_first: bool
) -> tuple[tuple, tuple]:
    count = x_shape[0] if batch_first else x_shape[1]
    return (*x_shape[:2], directions * hidden), (layers * directions, count, hidden)


def _batch_first_h_n(x_shape, hidden, layers, directions, batch_first):
    output, states = _shapes(x_shape, hidden, layers, directions, batch_first)
    return output, (states[1], states[0], hidden) if batch_first else states


def _always_second(x_shape, hidden, layers, directions, batch_first):
    return _shapes(x_shape, hidden, layers, directions, False)


def _no_directions_in_output(x_shape, hidden, layers, directions, batch_first):
    _, states = _shapes(x_shape, hidden, layers, directions, batch_first)
    return (*x_shape[:2], hidden), states


def _layers_in_output(x_shape, hidden, layers, directions, batch_first):
    _, states = _shapes(x_shape, hidden, layers, directions, batch_first)
    return (*x_shape[:2], layers * directions * hidden), states


def _no_directions_in_h_n(x_shape, hidden, layers, directions, batch_first):
    output, states = _shapes(x_shape, hidden, layers, directions, batch_first)
    return output, (layers, states[1], hidden)


def _joined_h_n(x_shape, hidden, layers, directions, batch_first):
    output, states = _shapes(x_shape, hidden, layers, directions, batch_first)
    return output, (layers, states[1], directions * hidden)


def _flat_h_n(x_shape, hidden, layers, directions, batch_first):
    output, states = _shapes(x_shape, hidden, layers, directions, batch_first)
    return output, states[1:]


def _top_layer_only(x_shape, hidden, layers, directions, batch_first):
    output, states = _shapes(x_shape, hidden, layers, directions, batch_first)
    return output, (1, states[1], hidden)


def _time_turned(x_shape, hidden, layers, directions, batch_first):
    output, states = _shapes(x_shape, hidden, layers, directions, batch_first)
    return (output[1], output[0], output[2]) if batch_first else output, states


SHAPES = Exercise(
    "recurrent.shapes",
    _shapes,
    (
        Misconception(
            "h_n batch first",
            _batch_first_h_n,
            "`output` is right. `batch_first` turns input and output only: `h_n` is "
            "`(layers · directions, N, H)` in any case.",
        ),
        Misconception(
            "batch always second",
            _always_second,
            "`output` is right. For `h_n` you take the batch from the second place; "
            "with `batch_first=True` it is `x_shape[0]`.",
        ),
        Misconception(
            "output always time first",
            _time_turned,
            "With `batch_first=True` the output has the batch first, like the input.",
        ),
        Misconception(
            "directions missing in output",
            _no_directions_in_output,
            "`h_n` is right. In `output` the states of both directions stand side by "
            "side: the last dimension is `directions · hidden`.",
        ),
        Misconception(
            "layers in output",
            _layers_in_output,
            "You give `output` the states of all layers. It has those of the top one "
            "alone: `directions · hidden`.",
        ),
        Misconception(
            "directions missing in h_n",
            _no_directions_in_h_n,
            "`output` is right. Every layer has a last state for each direction: "
            "`h_n` begins with `layers · directions`.",
        ),
        Misconception(
            "directions joined in h_n",
            _joined_h_n,
            "`output` joins the directions, `h_n` does not: there they stand one after "
            "the other in the first dimension.",
        ),
        Misconception(
            "h_n first",
            lambda *args: _shapes(*args)[::-1],
            "Both are right, in the wrong order: first the shape of `output`, then "
            "that of `h_n`.",
        ),
        Misconception(
            "top layer only",
            _top_layer_only,
            "`output` is right. `h_n` keeps the last state of every layer and "
            "direction: it begins with `layers · directions`.",
        ),
        Misconception(
            "h_n without layers",
            _flat_h_n,
            "`h_n` has three dimensions: the first counts layers and directions, even "
            "where that is 1.",
        ),
    ),
    lambda: [
        ((10, 5, 3), 4, 1, 1, False),
        ((10, 5, 3), 4, 2, 2, False),
        ((7, 6, 2), 5, 3, 2, True),
        ((1, 9, 4), 3, 2, 1, True),
    ],
)
