"""Lesson 05 says more than its page shows: each sentence, tested."""

import math
from itertools import product

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torch.testing import assert_close

from tests.lessons import LESSONS, code_cells, read

CONV = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
UP = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
GRID = list(product([1, 2, 3], [5, 8], [1, 2, 3], [1, 2, 3], [0, 1], [1, 2]))


def lesson() -> dict[str, object]:
    """Return the functions and classes that the lesson writes on its page."""
    scope: dict[str, object] = dict(torch=torch, nn=nn, F=F, math=math, product=product)
    wanted = (
        "def conv_size",
        "def up_size",
        "def receptive_field",
        "def conv2d_by_hand",
    )
    wanted += ("class Convolution(", "class SmallCNN(")
    for cell in code_cells(read(LESSONS[5])):
        if cell.source.startswith(wanted):
            exec(cell.source.partition("\n\n\n")[0], scope)
    return scope


PAGE = lesson()


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_the_size_formula_holds_on_a_grid_of_settings_up_and_down(dims):
    settings = [rest for d, *rest in GRID if d == dims]
    assert len(settings) == 72
    for size, k, s, p, d in settings:
        x = torch.zeros(1, 1, *[size] * dims)
        conv = CONV[dims](1, 1, k, stride=s, padding=p, dilation=d)
        assert conv(x).shape[2:] == (PAGE["conv_size"](size, k, s, p, d),) * dims
        extra = max(s, d) - 1  # the most that is allowed
        up = UP[dims](1, 1, k, s, p, output_padding=extra, dilation=d)
        assert up(x).shape[2:] == (PAGE["up_size"](size, k, s, p, d, extra),) * dims


@pytest.mark.parametrize("n_in", [1, 3])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_two_loops_give_the_numbers_of_the_layer(n_in, size):
    torch.manual_seed(size)
    conv, x = nn.Conv2d(n_in, 4, size), torch.randn(2, n_in, 9, 7)
    by_hand = PAGE["conv2d_by_hand"](x, conv.weight, conv.bias)
    assert_close(by_hand, conv(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 2])
def test_own_convolution_is_torchs(stride, padding):
    torch.manual_seed(stride)
    theirs = nn.Conv2d(3, 4, 3, stride, padding)
    mine = PAGE["Convolution"](3, 4, 3, stride, padding)
    mine.load_state_dict(theirs.state_dict())
    inputs = [torch.randn(2, 3, 8, 9).requires_grad_()]
    inputs.append(inputs[0].detach().clone().requires_grad_())
    for layer, x in zip((mine, theirs), inputs, strict=True):
        layer(x).square().sum().backward()
    assert_close(inputs[0].grad, inputs[1].grad, rtol=1e-4, atol=1e-4)
    for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
        assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-3)


def test_a_block_over_two_channels_knows_where_orange_ends_from_where_white_does():
    orange, white, black = [9.0, 0.0], [9.0, 9.0], [0.0, 0.0]
    block = torch.tensor([[[[1.0, -1.0]], [[-1.0, 1.0]]]])  # red, blue
    found = []
    for pixels in [(orange, black), (white, black), (orange, orange)]:
        x = torch.tensor(pixels).T.reshape(1, 2, 1, 2)
        found.append(F.conv2d(x, block).item())
    assert found == [9, 0, 0]


def test_it_starts_with_the_spread_of_torchs_weights():
    torch.manual_seed(0)
    for make in (PAGE["Convolution"], nn.Conv2d):
        conv = make(3, 64, 5)
        bound = 1 / math.sqrt(75)
        for parameter in conv.parameters():
            assert 0.9 * bound < parameter.abs().max() <= bound


def test_same_is_the_padding_of_half_the_span():
    x = torch.randn(1, 1, 20)
    for k, d in [(1, 4), (3, 1), (5, 1), (3, 4)]:
        same = nn.Conv1d(1, 1, k, dilation=d, padding="same")
        by_number = nn.Conv1d(1, 1, k, dilation=d, padding=d * (k - 1) // 2)
        by_number.load_state_dict(same.state_dict())
        assert_close(same(x), by_number(x))


def test_two_convolutions_without_a_relu_are_one():
    torch.manual_seed(0)
    pair = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Conv2d(3, 2, 3))
    units = torch.eye(25).reshape(25, 1, 5, 5)
    with torch.no_grad():
        bias = pair(torch.zeros(1, 1, 5, 5)).flatten()
        kernel = (pair(units).flatten(1) - bias).T.reshape(2, 1, 5, 5)
        x = torch.randn(4, 1, 9, 8)
        assert_close(pair(x), F.conv2d(x, kernel, bias), rtol=1e-4, atol=1e-5)


def test_with_a_bias_the_new_zeros_differ_too():
    torch.manual_seed(0)
    x = torch.rand(1, 1, 16, 16)
    kernel = torch.tensor([[0.0, -1, 0], [-1, 5, -1], [0, -1, 0]])[None, None]

    def differing(bias):
        def conv(x):
            return F.conv2d(x, kernel, torch.tensor([bias]), padding=1)

        gap = F.pad(conv(x), (3, -3)) - conv(F.pad(x, (3, -3)))
        return (gap.abs() > 1e-4).any(dim=2).flatten().nonzero().flatten().tolist()

    assert differing(0.0) == [2, 15]
    assert differing(0.5) == [0, 1, 2, 15]


def pooled_maps(steps):
    """Return the maps of SmallCNN for pictures far from the frame, pushed."""
    torch.manual_seed(0)
    net = PAGE["SmallCNN"]()
    x = F.pad(torch.rand(3, 1, 7, 7), (10 + steps, 11 - steps, 10, 11))
    with torch.no_grad():
        first = net.pool(net.conv1(x).relu())
        return net.pool(net.conv2(first).relu())


def test_a_global_mean_comes_back_after_4_pixels_and_a_maximum_after_2():
    for summary, kept, lost in [("mean", 4, 2), ("amax", 2, 1)]:
        at = {
            steps: getattr(pooled_maps(steps), summary)((2, 3))
            for steps in (0, kept, lost)
        }
        inner = (at[0] - at[kept]).abs().max()
        assert inner < 1e-5 < 1e-3 < (at[0] - at[lost]).abs().max(), summary


def test_an_output_of_resnet_18_sees_435_pixels():
    with torch.device("cpu"):
        net = torchvision.models.resnet18().eval()
    for module in net.modules():
        if hasattr(module, "relu"):
            module.relu = nn.Identity()  # it would let some gradients through only
    net.maxpool = nn.AvgPool2d(3, 2, 1)
    x = torch.zeros(1, 3, 480, 480, requires_grad=True)
    h = net.maxpool(net.bn1(net.conv1(x)))
    for name in ("layer1", "layer2", "layer3", "layer4"):
        h = getattr(net, name)(h)
    h[0, :, 7, 7].sum().backward()
    seen = (x.grad[0, 0] != 0).any(dim=0).nonzero().flatten()
    path = [(7, 2, 1), (3, 2, 1)] + [(3, 1, 1)] * 4
    path += 3 * ([(3, 2, 1)] + [(3, 1, 1)] * 3)
    assert seen[-1] - seen[0] + 1 == PAGE["receptive_field"](path) == 435


def test_dilations_leave_gaps_in_what_is_seen():
    conv = nn.Conv1d(1, 1, 3, dilation=2, bias=False)
    x = torch.zeros(1, 1, 9, requires_grad=True)
    conv(x)[0, 0, 2].backward()
    assert x.grad.flatten().nonzero().flatten().tolist() == [2, 4, 6]
    assert PAGE["receptive_field"]([(3, 1, 2)]) == 5


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("size", [7, 8])
def test_the_transposed_convolution_is_the_transposed_matrix(stride, padding, size):
    torch.manual_seed(size)
    weight = torch.randn(1, 1, 3, 3)
    settings = {"stride": stride, "padding": padding}
    units = torch.eye(size**2).reshape(-1, 1, size, size)
    matrix = F.conv2d(units, weight, **settings).flatten(1).T
    side = math.isqrt(len(matrix))
    g = torch.randn(1, 1, side, side)
    extra = size - PAGE["up_size"](side, 3, stride, padding)
    up = F.conv_transpose2d(g, weight, output_padding=extra, **settings)
    assert_close(up.flatten(), matrix.T @ g.flatten(), rtol=1e-4, atol=1e-5)
    picture = torch.zeros(1, 1, size, size, requires_grad=True)
    F.conv2d(picture, weight, **settings).backward(g)
    assert_close(picture.grad, up, rtol=1e-4, atol=1e-5)


def test_special_kernels_are_undone_by_their_transpose():
    haar = torch.tensor(
        [[1.0, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1.0]]
    )
    kernels = haar.reshape(4, 1, 2, 2) / 2
    x = torch.randn(1, 1, 6, 6)
    down = F.conv2d(x, kernels, stride=2)
    assert_close(F.conv_transpose2d(down, kernels, stride=2), x)


def test_output_padding_spares_the_far_end_or_adds_the_bias():
    torch.manual_seed(0)
    g, w, seven = torch.randn(1, 1, 4, 4), torch.randn(1, 1, 3, 3), torch.tensor([7.0])
    stamps = F.conv_transpose2d(g, w, stride=2)
    spared = F.conv_transpose2d(g, w, stride=2, padding=1, output_padding=1)
    assert_close(spared, stamps[..., 1:9, 1:9])
    added = F.conv_transpose2d(g, w, seven, stride=2, output_padding=1)
    assert (added[..., -1, :] == 7).all() and (added[..., -1] == 7).all()


def test_stamps_overlap_evenly_where_the_stride_divides_the_kernel():
    for kernel, stride in product(range(1, 7), range(1, 5)):
        ones = torch.ones(1, 1, kernel)
        count = F.conv_transpose1d(torch.ones(1, 1, 9), ones, stride=stride)[0, 0]
        inside = count[kernel : len(count) - kernel]
        even = len(inside.unique()) == 1
        assert even == (kernel % stride == 0), (kernel, stride)


def test_ten_doubling_dilations_see_1024_samples():
    layers = [(2, 1, 2**n) for n in range(10)]
    assert PAGE["receptive_field"](layers) == 1024
