"""Lesson 01 says more than its page shows: each sentence, tested."""

import re
from itertools import pairwise, product

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from tests.lessons import LESSONS, code_cells, read

SIZES = list(product((1, 2, 7), (1, 3, 5), (1, 2, 4)))  # examples, in, out


def class_on_the_page(name: str) -> type[nn.Module]:
    """Return a class as the lesson writes it."""
    (cell,) = [c for c in code_cells(read(LESSONS[1])) if f"class {name}(" in c.source]
    scope = {"torch": torch, "nn": nn, "F": F}
    exec(cell.source, scope)
    return scope[name]


def functions_on_the_page(name: str, **names: type[nn.Module]) -> dict:
    """Return all that the cell of this function or class defines, given these names."""
    pattern = re.compile(rf"(?m)^(?:def|class) {name}\b")
    (cell,) = [c for c in code_cells(read(LESSONS[1])) if pattern.search(c.source)]
    scope = {"torch": torch, "seed": 0, **names}
    exec(cell.source, scope)
    return scope


def drawn(n: int, n_in: int, n_out: int) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(n + 10 * n_in + 100 * n_out)
    return torch.randn(n, n_in), torch.randn(n_out, n_in), torch.randn(n_out)


@pytest.mark.parametrize(("n", "n_in", "n_out"), SIZES)
def test_loops_matmul_einsum_and_the_layer_agree(n, n_in, n_out):
    x, weight, bias = drawn(n, n_in, n_out)
    y = F.linear(x, weight, bias)
    loops = [
        [
            sum(x[i, k] * weight[j, k] for k in range(n_in)) + bias[j]
            for j in range(n_out)
        ]
        for i in range(n)
    ]
    assert_close(torch.tensor(loops), y)
    assert_close(x @ weight.T + bias, y)
    assert_close(torch.einsum("ik,jk->ij", x, weight) + bias, y)
    by_the_book = [weight @ column + bias for column in x]
    assert_close(torch.stack(by_the_book), y)


@pytest.mark.parametrize(("n", "n_in", "n_out"), SIZES)
def test_backward_is_three_lines(n, n_in, n_out):
    leaves = [tensor.requires_grad_() for tensor in drawn(n, n_in, n_out)]
    g = torch.randn(n, n_out)
    F.linear(*leaves).backward(g)
    x, weight, bias = leaves
    assert_close(weight.grad, g.T @ x.detach())
    assert_close(bias.grad, g.sum(dim=0))
    assert_close(x.grad, g @ weight.detach())


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("n_in", "n_out"), [(1, 1), (3, 2), (784, 256)])
def test_own_layer_is_nn_linear_with_the_same_first_numbers(n_in, n_out, bias):
    torch.manual_seed(3)
    theirs = nn.Linear(n_in, n_out, bias=bias)
    torch.manual_seed(3)
    mine = class_on_the_page("MyLinear")(n_in, n_out, bias=bias)
    assert_close(dict(mine.state_dict()), dict(theirs.state_dict()))
    assert repr(mine) == f"My{theirs!r}"
    count = sum(p.numel() for p in mine.parameters())
    assert count == n_in * n_out + (n_out if bias else 0)
    x = torch.randn(2, 3, n_in)
    assert_close(mine(x), theirs(x))


@pytest.mark.parametrize("leading", [(), (4,), (1, 2), (2, 3, 4)])
def test_only_the_last_dimension_changes(leading):
    assert nn.Linear(5, 3)(torch.rand(*leading, 5)).shape == (*leading, 3)


def test_a_repeated_bias_is_not_copied():
    assert torch.rand(3).expand(2, 3).stride() == (0, 1)


@pytest.mark.parametrize("n_in", [4, 100, 784])
def test_weight_and_bias_start_uniform_within_one_over_the_root(n_in):
    torch.manual_seed(n_in)
    layer, bound = nn.Linear(n_in, 20_000 // n_in + 500), n_in**-0.5
    for numbers in (layer.weight.detach(), layer.bias.detach()):
        assert numbers.abs().max() <= bound
        shares = torch.histc(numbers, 4, -bound, bound) / numbers.numel()
        assert shares.sub(0.25).abs().max() < 0.08  # four standard errors of 500
    assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.03)


@pytest.mark.parametrize("n", [10, 100, 1_000])
def test_inputs_of_mean_0_and_spread_1_come_out_with_about_0_6(n):
    torch.manual_seed(n)
    outputs = nn.Linear(n, 2_000)(torch.randn(200, n))
    assert outputs.std().item() == pytest.approx((1 / 3 + 1 / (3 * n)) ** 0.5, rel=0.1)


@pytest.mark.parametrize(
    "widths", [(4, 8, 3), (3, 3, 3, 3), (6, 1, 5), (2, 9, 9, 9, 2)]
)
def test_linear_layers_in_a_row_are_one(widths):
    torch.manual_seed(len(widths))
    layers = [nn.Linear(i, o) for i, o in pairwise(widths)]
    weight, bias = layers[0].weight, layers[0].bias
    for layer in layers[1:]:
        weight, bias = layer.weight @ weight, layer.weight @ bias + layer.bias
    x = torch.randn(6, widths[0])
    assert_close(nn.Sequential(*layers)(x), F.linear(x, weight, bias))
    assert torch.linalg.matrix_rank(weight.detach()) <= min(widths)


@pytest.mark.parametrize("seed", range(10))
def test_spread_1_overflows_at_layer_38_or_beside_it(seed):
    torch.manual_seed(seed)
    x, layer = torch.randn(200, 100), 0
    while x.isfinite().all():
        x, layer = x @ torch.randn(100, 100).T, layer + 1
    assert 37 <= layer <= 39


@pytest.mark.parametrize("seed", range(5))
def test_spread_0_01_leaves_its_last_numbers_at_layer_45(seed):
    torch.manual_seed(seed)
    x, layer = torch.randn(200, 100), 0
    while x.any():
        x, layer = x @ (0.01 * torch.randn(100, 100)).T, layer + 1
    assert layer == 46


@pytest.mark.parametrize(("n", "spread"), [(50, 0.3), (200, 0.05), (800, 0.01)])
def test_a_layer_multiplies_the_spread_by_root_n_times_sigma(n, spread):
    torch.manual_seed(n)
    x, weight = torch.randn(400, n), spread * torch.randn(400, n)
    factor = ((x @ weight.T).std() / x.std()).item()
    assert factor == pytest.approx(n**0.5 * spread, rel=0.05)


def test_probability_minus_truth_is_the_gradient_of_cross_entropy():
    torch.manual_seed(0)
    scores, labels = torch.randn(7, 10, requires_grad=True), torch.arange(7)
    F.cross_entropy(scores, labels).backward()
    truth = F.one_hot(labels, 10)
    assert_close(scores.grad, (scores.detach().softmax(dim=1) - truth) / 7)


def test_best_prediction_for_all_targets_at_once_is_their_mean():
    torch.manual_seed(0)
    prediction, target = torch.zeros(40, 1, requires_grad=True), torch.randn(40)
    for value in (target.mean(), target.mean() + 0.1):
        prediction.grad = None
        loss = ((prediction + value - target) ** 2).mean()
        loss.backward()
        assert (prediction.grad.abs().max() < 1e-6) == (value == target.mean())


def test_parameter_counts_of_the_bottleneck_and_the_pair():
    def count(*widths):
        return sum(i * o + o for i, o in pairwise(widths))

    assert (count(784, 8, 784), count(784, 784)) == (13_336, 615_440)
    assert (count(784, 64, 10), count(784, 10)) == (50_890, 7_850)
    assert (784 * 16 + 16 * 64, 784 * 64) == (13_568, 50_176)


def test_gpt2_counted_from_its_layers_is_its_published_size():
    block = nn.TransformerEncoderLayer(768, 12, 3072, device="meta")
    layers = [(768, 2304), (768, 768), (768, 3072), (3072, 768)]
    norms = 2 * 2 * 768
    in_linear = sum(i * o + o for i, o in layers)
    assert sum(p.numel() for p in block.parameters()) == in_linear + norms
    tables, last_norm = (50_257 + 1_024) * 768, 2 * 768
    total = 12 * (in_linear + norms) + tables + last_norm
    assert total == 124_439_808
    used = 12 * in_linear + 50_257 * 768
    assert round(1 - used / total, 3) == 0.007
    assert 2 * used == pytest.approx(0.25e9, rel=0.02)
    in_proj = 12 * (768 * 2304 + 2304)
    assert in_proj / 86_567_656 == pytest.approx(0.25, abs=0.01)  # of ViT-B/16


def test_products_with_one_loop_fewer_each_agree():
    loops = functions_on_the_page("three_loops")
    x, weight, _ = drawn(4, 6, 3)
    for name in ("three_loops", "two_loops", "one_loop"):
        assert_close(loops[name](x, weight), x @ weight.T)


@pytest.mark.parametrize("widths", [(2, 2, 1), (5, 7, 7, 3), (784, 64, 64, 10)])
def test_gradients_carried_back_through_a_stack_are_those_of_autograd(widths):
    by_hand = functions_on_the_page("LinearByHand")
    torch.manual_seed(len(widths))
    net = nn.Sequential()
    for n_in, n_out in pairwise(widths):
        net.extend([nn.Linear(n_in, n_out), nn.ReLU()])
    del net[-1]
    stack = [
        by_hand["LinearByHand"](part.weight.detach(), part.bias.detach())
        if isinstance(part, nn.Linear)
        else by_hand["ReLUByHand"]()
        for part in net
    ]
    x = torch.randn(5, widths[0], requires_grad=True)
    signal = x.detach()
    for part in stack:
        signal = part.forward(signal)
    gradient = signal
    for part in reversed(stack):
        gradient = part.backward(gradient)
    (net(x).square().sum() / 2).backward()
    assert_close(gradient, x.grad, rtol=1e-4, atol=1e-5)
    for part, theirs in zip(stack[::2], net[::2], strict=True):
        assert_close(part.grad_weight, theirs.weight.grad, rtol=1e-4, atol=1e-5)
        assert_close(part.grad_bias, theirs.bias.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("value", [0.01, 0.1, -0.2])
def test_equal_hidden_units_get_equal_gradients_and_different_ones_do_not(value):
    torch.manual_seed(0)
    x, labels = torch.randn(60, 8), torch.arange(60) % 5 % 3
    for equal in (True, False):
        net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
        for p in net.parameters() if equal else ():
            nn.init.constant_(p, value)
        F.cross_entropy(net(x), labels).backward()
        for gradient in (net[0].weight.grad, net[2].weight.grad.T):
            apart = gradient.std(dim=0).max() / gradient.abs().max()
            assert (apart < 1e-5) == equal


def test_from_zeros_a_network_with_relu_trains_its_last_biases_alone():
    net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
    for p in net.parameters():
        nn.init.zeros_(p)
    F.cross_entropy(net(torch.randn(60, 8)), torch.arange(60) % 5 % 3).backward()
    moved = [name for name, p in net.named_parameters() if p.grad.abs().max() > 0]
    assert moved == ["2.bias"]


@pytest.mark.parametrize("widths", [(784, 256, 64, 10), (1024, 512, 256, 128, 64)])
def test_a_start_for_one_direction_costs_the_other_only_the_outer_widths(widths):
    """He's remark: however many layers, the root of last over first, or its inverse."""
    first, last = widths[0], widths[-1]
    for rule, there, back in (
        (lambda n_in, _: n_in**-0.5, 1, (last / first) ** 0.5),
        (lambda _, n_out: n_out**-0.5, (first / last) ** 0.5, 1),
    ):
        found = []
        for seed in range(20):
            torch.manual_seed(seed)
            weights = [rule(i, o) * torch.randn(o, i) for i, o in pairwise(widths)]
            signal, gradient = torch.randn(100, first), torch.randn(100, last)
            for weight in weights:
                signal = signal @ weight.T
            for weight in reversed(weights):
                gradient = gradient @ weight
            found.append((signal.std(), gradient.std()))
        middle = torch.tensor(found).mean(dim=0)
        assert_close(middle, torch.tensor([there, back]), rtol=0.06, atol=0)


def test_xavier_normal_draws_with_the_compromise():
    torch.manual_seed(0)
    weight = nn.init.xavier_normal_(torch.empty(300, 700))
    assert weight.std().item() == pytest.approx((2 / 1000) ** 0.5, rel=0.01)


def test_variances_along_the_best_directions_are_eigenvalues():
    torch.manual_seed(0)
    x = torch.randn(50, 6, dtype=torch.float64) * torch.arange(1, 7)
    centred = x - x.mean(dim=0)
    _, values, directions = torch.linalg.svd(centred, full_matrices=False)
    eigenvalues = torch.linalg.eigvalsh(centred.T @ centred).flip(0)
    assert_close(values.square(), eigenvalues)
    assert_close((centred @ directions.T).square().sum(dim=0), eigenvalues)


def test_squared_loss_pushes_a_right_score_of_5_back_to_1():
    score = torch.tensor([5.0], requires_grad=True)
    F.mse_loss(score, torch.tensor([1.0])).backward()
    assert score.grad.item() > 0


@pytest.mark.parametrize(
    "start",
    [
        lambda weight: weight,  # as nn.Linear draws it
        nn.init.kaiming_normal_,
        nn.init.xavier_normal_,
        nn.init.xavier_uniform_,
        nn.init.orthogonal_,
    ],
)
def test_examine_calls_nearly_every_sensible_start_right(start, capsys):
    broken = class_on_the_page("Broken")
    examine = functions_on_the_page("examine", Broken=broken)["examine"]
    capsys.readouterr()  # what it says of the broken one
    for _ in range(50):
        net = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)
        )
        start(net[1].weight)
        start(net[3].weight)
        examine(net)
    line = re.compile(r"scores: (\S+), should be between (\S+) and (\S+)")
    found = [[float(n) for n in row] for row in line.findall(capsys.readouterr().out)]
    assert len(found) == 50
    assert sum(low <= spread <= high for spread, low, high in found) >= 45


def test_layers_on_one_input_are_one_with_their_rows_stacked():
    torch.manual_seed(0)
    parts, x = [nn.Linear(7, 7) for _ in range(3)], torch.randn(2, 5, 7)
    stacked = nn.Linear(7, 21)
    weight, bias = (
        torch.cat([getattr(part, name) for part in parts])
        for name in ("weight", "bias")
    )
    stacked.load_state_dict({"weight": weight, "bias": bias})
    assert_close(stacked(x), torch.cat([part(x) for part in parts], dim=-1))
    assert nn.MultiheadAttention(768, 12, device="meta").in_proj_weight.shape == (
        2304,
        768,
    )


def test_a_network_trained_by_hand_takes_the_steps_that_autograd_takes():
    parts = functions_on_the_page("LinearByHand")
    kinds = {"F": F, "LinearByHand": parts["LinearByHand"]}
    step_by_hand = functions_on_the_page("step_by_hand", **kinds)["step_by_hand"]
    torch.manual_seed(0)
    x, y = torch.randn(60, 8), torch.arange(60) % 10
    net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 10))
    first, last = (
        parts["LinearByHand"](net[i].weight.detach().clone(), net[i].bias.detach() + 0)
        for i in (0, 2)
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(5):
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        by_hand = step_by_hand([first, parts["ReLUByHand"](), last], x, y, lr=0.5)
        assert_close(by_hand, loss.detach())
    for mine, theirs in ((first, net[0]), (last, net[2])):
        assert_close(mine.weight, theirs.weight.detach())
        assert_close(mine.bias, theirs.bias.detach())


def test_a_plain_list_of_layers_registers_nothing():
    for kind, count in ((list, 0), (nn.ModuleList, 4)):
        net = nn.Module()
        net.layers = kind([nn.Linear(2, 3), nn.Linear(3, 1)])
        assert len(list(net.parameters())) == count


def test_two_coins_give_the_sum_of_the_squares_on_average():
    coins = torch.tensor(list(product((1.0, -1.0), repeat=2)))
    outputs = coins @ torch.tensor([3.0, 4.0])
    assert sorted(outputs.tolist()) == [-7, -1, 1, 7]
    assert outputs.square().mean() == 3**2 + 4**2


def test_errors_of_half_a_coin_and_a_whole_one_are_as_probable_as_said():
    noise = torch.distributions.Normal(0, 0.5)
    density = noise.log_prob(torch.tensor([0, 0.5, 1]))
    half, whole = (density[1:] - density[0]).exp().tolist()
    assert (round(half, 3), round(whole, 3)) == (0.607, 0.135)
    assert round(half * whole, 3) == 0.082
