"""Lesson 06 says more than its page shows: each sentence, tested."""

from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from tests.lessons import LESSONS, code_cells, read


def from_the_lesson(name: str) -> type[nn.Module]:
    """Return a class that the lesson writes from an empty cell."""
    (cell,) = [
        c for c in code_cells(read(LESSONS[6])) if c.source.startswith(f"class {name}(")
    ]
    scope = {"torch": torch, "nn": nn, "F": F}
    exec(cell.source, scope)
    return scope[name]


def pooled_size(size, kernel, stride, padding=0, dilation=1, ceil_mode=False):
    """The formula of the lesson, with its sentence on `ceil_mode`."""
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    count = (-(-room // stride) if ceil_mode else room // stride) + 1
    if (count - 1) * stride >= size + padding:  # it would start beyond the picture
        count -= 1
    return count


def test_sizes_are_those_of_the_formula():
    grid = product(range(5, 14), (1, 2, 3), (1, 2, 3, 4), (0, 1), (1, 2), (False, True))
    for size, kernel, stride, padding, dilation, ceil_mode in grid:
        setting = (kernel, stride, padding, dilation, ceil_mode)
        if padding <= kernel // 2:
            x = torch.zeros(1, size)
            assert F.max_pool1d(x, *setting).shape[1] == pooled_size(size, *setting)


def windows(x, kernel, stride, padding, ceil_mode, border=0.0, beyond=0.0):
    count = pooled_size(x.shape[-1], kernel, stride, padding, ceil_mode=ceil_mode)
    x = F.pad(x, (padding, padding), value=border)
    missing = (count - 1) * stride + kernel - x.shape[-1]
    x = F.pad(x, (0, max(missing, 0)), value=beyond)
    return x.unfold(-1, kernel, stride)


def along(dims, pool, x):
    for dim in range(-dims, 0):
        x = pool(x.movedim(dim, -1)).movedim(-1, dim)
    return x


def largest(x, dims, *setting):
    low = -torch.inf
    return along(dims, lambda r: windows(r, *setting, low, low).amax(-1), x)


def average(x, dims, *setting, count_pad=True):
    def pool(row):
        ones = windows(torch.ones_like(row), *setting, float(count_pad))
        return windows(row, *setting).sum(-1) / ones.sum(-1)

    return along(dims, pool, x)


SHAPES = {1: (2, 3, 7), 2: (2, 3, 7, 5), 3: (2, 2, 7, 5, 6)}
PADDINGS = [(k, p) for k in (1, 2, 3, 4) for p in range(k // 2 + 1)]


@pytest.mark.parametrize("dims", SHAPES)
def test_border_is_minus_infinity_for_a_maximum_and_a_counted_zero_for_a_mean(dims):
    torch.manual_seed(dims)
    for (k, p), s, ceil in product(PADDINGS, (1, 2, 3), (False, True)):
        x, setting = torch.randn(SHAPES[dims]), (k, s, p, ceil)
        expected = getattr(F, f"max_pool{dims}d")(x, k, s, p, ceil_mode=ceil)
        assert_close(largest(x, dims, *setting), expected)
        for pad in (True, False):
            expected = getattr(F, f"avg_pool{dims}d")(x, *setting, pad)
            assert_close(average(x, dims, *setting, count_pad=pad), expected)


def test_divisor_override_of_one_makes_a_sum():
    x = torch.randn(2, 3, 8, 6, generator=torch.Generator().manual_seed(0))
    assert_close(F.avg_pool2d(x, 2, divisor_override=1), 4 * F.avg_pool2d(x, 2))


def gradient(pool, x, g):
    x = x.clone().requires_grad_()
    pool(x).backward(g)
    return x.grad


@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
def test_own_layer_is_torchs_forward_and_backward_with_ties(kernel):
    own = from_the_lesson("MyMaxPool2d")
    torch.manual_seed(kernel)
    for stride, padding in product((None, 1, 2, 3), range(kernel // 2 + 1)):
        mine = own(kernel, stride, padding)
        theirs = nn.MaxPool2d(kernel, stride, padding)
        x = (2 * torch.randn(2, 3, 9, 12)).round() / 2
        g = torch.rand(theirs(x).shape)
        assert_close(mine(x), theirs(x))
        assert_close(gradient(mine, x, g), gradient(theirs, x, g))


def test_maximum_of_two_is_made_of_a_relu():
    a, b = torch.randn(2, 100, generator=torch.Generator().manual_seed(0))
    assert_close(torch.maximum(a, b), b + F.relu(a - b))


def test_average_pooling_is_a_convolution_of_each_channel():
    x = torch.rand(2, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    quarter = torch.full((4, 1, 2, 2), 0.25)
    assert_close(F.avg_pool2d(x, 2), F.conv2d(x, quarter, stride=2, groups=4))


def test_adaptive_windows_hold_every_cell_that_a_part_touches():
    torch.manual_seed(0)
    for n, m in product(range(1, 10), range(1, 10)):
        x = torch.randn(2, n)
        parts = [x[:, i * n // m : -(-(i + 1) * n // m)] for i in range(m)]
        mean = torch.stack([part.mean(-1) for part in parts], -1)
        most = torch.stack([part.amax(-1) for part in parts], -1)
        assert_close(F.adaptive_avg_pool1d(x, m), mean)
        assert_close(F.adaptive_max_pool1d(x, m), most)
        assert_close(F.interpolate(x[None], m, mode="area")[0], mean)


@pytest.mark.parametrize("q", [1.0, 2.0, 3.0])
def test_gem_is_lp_pooling_divided_by_the_places(q):
    x = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)) + 0.1
    sums = F.lp_pool2d(x, q, (4, 5))[..., 0, 0]
    assert_close(from_the_lesson("GeM")(q)(x), sums / 20 ** (1 / q))


def test_unpooling_is_the_gradient_where_windows_neither_overlap_nor_leave_any_over():
    torch.manual_seed(0)
    x, g = torch.randn(2, 3, 8, 6), torch.randn(2, 3, 4, 3)
    _, places = F.max_pool2d(x, 2, return_indices=True)
    assert_close(F.max_unpool2d(g, places, 2), gradient(nn.MaxPool2d(2), x, g))


def test_unpooled_size_is_a_guess():
    values, places = F.max_pool1d(torch.arange(10.0)[None], 3, return_indices=True)
    assert F.max_unpool1d(values, places, 3).shape == (1, 9)
    assert F.max_unpool1d(values, places, 3, output_size=[10]).shape == (1, 10)


def test_blur_has_weights_that_sum_to_one_and_keeps_a_flat_picture():
    pool = from_the_lesson("MaxBlurPool2d")()
    assert pool.kernel.sum() == 1
    assert_close(pool(torch.full((2, 3, 8, 6), 0.7)), torch.full((2, 3, 4, 3), 0.7))


def test_attention_with_equal_scores_is_the_masked_mean_and_padding_weighs_nothing():
    pool = from_the_lesson("AttentionPool")(5)
    torch.manual_seed(0)
    h, real = torch.randn(2, 4, 5), torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]]) > 0
    assert pool.weights(h, real)[0, 2:].tolist() == [0, 0]
    nn.init.zeros_(pool.score.weight)
    mean = (h * real[..., None]).sum(1) / real.sum(1, keepdim=True)
    assert_close(pool(h, real), mean)
