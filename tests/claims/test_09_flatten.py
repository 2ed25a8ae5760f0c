"""Lesson 09 says more than its page shows: each sentence, tested."""

import math
from itertools import combinations_with_replacement

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from tests.lessons import LESSONS, code_cells, read


def from_the_lesson(name: str) -> type[nn.Module]:
    """Return a class that the lesson writes."""
    (cell,) = [
        c for c in code_cells(read(LESSONS[9])) if c.source.startswith(f"class {name}(")
    ]
    scope = {"torch": torch, "nn": nn, "math": math}
    exec(cell.source.partition("\n\n\n")[0], scope)
    return scope[name]


@pytest.mark.parametrize("start", range(4))
def test_own_flatten_is_torchs_from_every_dimension_on(start):
    x = torch.randn(2, 3, 4, 5).permute(0, 2, 3, 1)
    mine = from_the_lesson("MyFlatten")(start)
    assert torch.equal(mine(x), nn.Flatten(start)(x))
    assert mine.state_dict() == {}


def test_minus_one_fails_for_an_empty_batch_and_the_product_does_not():
    empty = torch.zeros(0, 3, 4)
    assert from_the_lesson("MyFlatten")()(empty).shape == (0, 12)
    with pytest.raises(RuntimeError, match="can be any value"):
        empty.reshape(0, -1)


@pytest.mark.parametrize(
    ("start", "end"), list(combinations_with_replacement(range(4), 2))
)
def test_both_ends_are_included(start, end):
    shape = (2, 3, 4, 5)
    merged = math.prod(shape[start : end + 1])
    expected = (*shape[:start], merged, *shape[end + 1 :])
    assert torch.empty(shape).flatten(start, end).shape == expected


@pytest.mark.parametrize("shape", [(2, 4, 5), (1, 1, 3), (3, 5, 2)])
def test_the_last_index_runs_fastest(shape):
    numbers = torch.arange(math.prod(shape)).reshape(shape)
    for place in range(numbers.numel()):
        c, rest = divmod(place, shape[1] * shape[2])
        h, w = divmod(rest, shape[2])
        assert numbers[c, h, w] == place == (c * shape[1] + h) * shape[2] + w


def test_two_of_1568_numbers_keep_their_place():
    places = torch.arange(1568).reshape(1, 32, 7, 7)
    assert (
        from_the_lesson("PixelAfterPixel")()(places)[0] == places.flatten()
    ).sum() == 2


def test_training_in_another_order_is_the_same_training_with_its_columns_exchanged():
    torch.manual_seed(0)
    x, y = torch.randn(32, 1, 28, 28).double(), torch.arange(32) % 10
    make, order = from_the_lesson("SmallCNN"), from_the_lesson("PixelAfterPixel")()
    columns = order(torch.arange(1568).reshape(1, 32, 7, 7))[0]
    usual, other = make(nn.Flatten()).double(), make(order).double()
    other.load_state_dict(usual.state_dict())
    with torch.no_grad():
        other.head.weight.copy_(usual.head.weight[:, columns])
    optimizers = [
        torch.optim.Adam(net.parameters(), lr=0.003) for net in (usual, other)
    ]
    for _ in range(10):
        logits = [net(x) for net in (usual, other)]
        assert_close(*logits)
        for scores, optimizer in zip(logits, optimizers, strict=True):
            optimizer.zero_grad()
            F.cross_entropy(scores, y).backward()
            optimizer.step()
    assert F.cross_entropy(logits[0], y) < 1  # it has learnt: 2.3 at the start
    assert_close(other.head.weight, usual.head.weight[:, columns])


@pytest.mark.parametrize(
    ("shape", "copied"),
    [((2, 3, 4, 5), True), ((2, 1, 4, 5), False), ((2, 3, 1, 1), False)],
)
def test_channels_last_needs_a_copy_for_several_channels_and_pixels(shape, copied):
    x = torch.randn(shape)
    y = x.to(memory_format=torch.channels_last)
    assert torch.equal(y.flatten(1), x.flatten(1))
    if copied:
        assert y.flatten(1).data_ptr() != y.data_ptr()
        with pytest.raises(RuntimeError, match="view size is not compatible"):
            y.view(2, -1)
    else:
        assert y.view(2, -1).data_ptr() == y.data_ptr()


def test_a_row_that_was_cut_holds_three_channels_and_part_of_a_fourth():
    channel = torch.arange(768)[:, None, None].expand(768, 14, 14)
    assert channel.reshape(196, 768)[0].bincount().tolist() == [196, 196, 196, 180]
