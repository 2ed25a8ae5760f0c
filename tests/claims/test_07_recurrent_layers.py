"""Lesson 07 says more than its page shows: each sentence, tested."""

import math
import random
from datetime import date, timedelta
from itertools import pairwise, product

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import (
    pack_padded_sequence,
    pad_packed_sequence,
    pad_sequence,
)
from torch.testing import assert_close

from course_utils import load_experiment, load_text
from tests.lessons import LESSONS, code_cells, read

CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def from_the_lesson(start: str):
    """Return what the cell that begins with these words defines first."""
    (cell,) = [c for c in code_cells(read(LESSONS[7])) if c.source.startswith(start)]
    scope = {"torch": torch, "nn": nn, "F": F, "math": math}
    exec(cell.source.split("\n\n\nprint(")[0], scope)
    return scope[start.split()[1].split("(")[0]]


def gradients(results, inputs):
    return torch.autograd.grad(sum(r.square().sum() for r in results), inputs)


@pytest.mark.parametrize("sizes", [(3, 4), (1, 1), (5, 2)])
def test_own_rnn_is_torchs_forward_backward_and_in_its_state_dict(sizes):
    torch.manual_seed(0)
    theirs, mine = nn.RNN(*sizes), from_the_lesson("class MyRNN(")(*sizes)
    mine.load_state_dict(theirs.state_dict())
    x, h = torch.randn(6, 5, sizes[0]), torch.randn(1, 5, sizes[1])
    for start in ((), (h,)):
        x.requires_grad_()
        results = [layer(x, *start) for layer in (mine, theirs)]
        assert_close(*results)
        assert_close(
            gradients(results[0], [x, *mine.parameters()]),
            gradients(results[1], [x, *theirs.parameters()]),
            **CLOSE,
        )


def test_own_rnn_is_drawn_as_torchs():
    torch.manual_seed(0)
    theirs = nn.RNN(3, 4).state_dict()
    torch.manual_seed(0)
    mine = from_the_lesson("class MyRNN(")(3, 4).state_dict()
    assert_close(dict(mine), dict(theirs))


def rnn_step(x, h, w_ih, w_hh, b_ih, b_hh):
    return (torch.tanh(x @ w_ih.T + b_ih + h @ w_hh.T + b_hh),)


def gru_step(x, h, w_ih, w_hh, b_ih, b_hh):
    r_x, z_x, n_x = (x @ w_ih.T + b_ih).chunk(3, dim=-1)
    r_h, z_h, n_h = (h @ w_hh.T + b_hh).chunk(3, dim=-1)
    r, z = (r_x + r_h).sigmoid(), (z_x + z_h).sigmoid()
    return ((1 - z) * (n_x + r * n_h).tanh() + z * h,)


def unrolled(net, step, x, states):
    x = x.transpose(0, 1) if net.batch_first else x
    finals = []
    for layer in range(net.num_layers):
        ways = []
        for way in ["", "_reverse"][: 1 + net.bidirectional]:
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            weights = [getattr(net, f"{name}_l{layer}{way}") for name in names]
            state = [x.new_zeros(x.shape[1], net.hidden_size)] * states
            outputs = []
            for x_t in x.flip(0) if way else x:
                state = step(x_t, *state, *weights)
                outputs.append(state[0])
            ways.append(torch.stack(outputs[::-1] if way else outputs))
            finals.append(state)
        x = torch.cat(ways, dim=-1)
    x = x.transpose(0, 1) if net.batch_first else x
    return [x, *(torch.stack(parts) for parts in zip(*finals, strict=True))]


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_layers_and_directions_unrolled_by_hand_are_torchs(kind):
    torch.manual_seed(0)
    lstm_step = from_the_lesson("def lstm_step(")
    step, states = {
        nn.RNN: (rnn_step, 1),
        nn.LSTM: (lstm_step, 2),
        nn.GRU: (gru_step, 1),
    }[kind]
    for layers, both, first in product((1, 2, 3), (False, True), (False, True)):
        net = kind(3, 4, layers, bidirectional=both, batch_first=first)
        x = torch.randn(6, 5, 3).requires_grad_()
        mine = unrolled(net, step, x, states)
        output, last = net(x)
        theirs = [output, *(last if states == 2 else [last])]
        assert_close(mine, theirs, **CLOSE)
        inputs = [x, *net.parameters()]
        assert_close(gradients(mine, inputs), gradients(theirs, inputs), **CLOSE)


def test_parameters_are_counted_by_the_formula():
    for (kind, sums), layers, both in product(
        [(nn.RNN, 1), (nn.LSTM, 4), (nn.GRU, 3)], (1, 2, 3), (False, True)
    ):
        net = kind(3, 4, layers, bidirectional=both)
        ways = 1 + both
        widths = [3] + [ways * 4] * (layers - 1)
        count = sum(ways * sums * 4 * (width + 4 + 2) for width in widths)
        assert count == sum(p.numel() for p in net.parameters())


def test_no_gradient_grows_by_more_than_the_largest_singular_value_per_step():
    for seed in range(5):
        torch.manual_seed(seed)
        net, x = nn.RNN(3, 6), torch.randn(9, 1, 3)
        with torch.no_grad():
            net.weight_hh_l0.mul_(4)
        whole = torch.autograd.functional.jacobian(
            lambda h, net=net, x=x: net(x, h[None, None])[1][0, 0], torch.randn(6)
        )
        most = torch.linalg.matrix_norm(net.weight_hh_l0, 2)
        assert torch.linalg.matrix_norm(whole, 2) <= most**9 * (1 + 1e-4)


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 7])
def test_backpropagation_through_time_by_hand_is_autograds(cut):
    by_hand = from_the_lesson("def back_through_time(")
    by_autograd = from_the_lesson("def by_autograd(")
    for seed in range(3):
        torch.manual_seed(seed)
        net, x = nn.RNN(3, 4).double(), torch.randn(7, 1, 3).double()
        states = net(x)[0][:, 0].detach()
        h = torch.cat([torch.zeros(1, 4).double(), states])
        found = by_hand(h, net.weight_hh_l0.detach(), cut)
        assert_close(found, by_autograd(net, x, cut))
        assert torch.allclose(found, by_autograd(net, x, 7)) == (cut == 7)


def test_gradient_through_several_steps_is_the_product_of_the_jacobians():
    torch.manual_seed(0)
    net, x = nn.RNN(3, 4).double(), torch.randn(6, 1, 3).double()
    states = net(x)[0][:, 0]
    factors = [torch.diag(1 - h**2) @ net.weight_hh_l0 for h in states]
    by_torch = torch.autograd.functional.jacobian(
        lambda h: net(x, h[None, None])[1][0, 0], torch.zeros(4).double()
    )
    assert_close(torch.linalg.multi_dot(factors[::-1]), by_torch)


def test_gradients_of_states_and_parameters_are_the_sums_of_the_text():
    torch.manual_seed(0)
    net, x = nn.RNN(3, 4).double(), torch.randn(6, 1, 3).double()
    states = net(x)[0]
    h = [torch.zeros(4).double(), *states[:, 0].detach()]
    factors = [torch.diag(1 - state**2) @ net.weight_hh_l0.detach() for state in h]
    deltas = []
    for t in range(1, 7):
        path, delta = torch.eye(4).double(), torch.zeros(4).double()
        for s in range(t, 7):
            path = factors[s] @ path if s > t else path
            delta += path.T @ (2 * h[s])
        deltas.append(delta)
    of_sums = [(1 - a**2) * d for a, d in zip(h[1:], deltas, strict=True)]
    w_ih, w_hh, b_ih, b_hh = torch.autograd.grad(
        states.square().sum(), list(net.parameters())
    )
    inputs, before = x[:, 0], h[:-1]
    assert_close(sum(map(torch.outer, of_sums, inputs)), w_ih)
    assert_close(sum(map(torch.outer, of_sums, before)), w_hh)
    assert_close((sum(of_sums), sum(of_sums)), (b_ih, b_hh))


@pytest.mark.parametrize("scale", [0.5, 0.9, 1.0])
def test_a_stronger_knock_is_longer_at_first_and_loses_a_larger_share(scale):
    torch.manual_seed(0)
    turn, aim = nn.init.orthogonal_(torch.empty(12, 12)), torch.randn(12)
    turn, aim = scale * turn.double(), F.normalize(aim.double(), dim=0)
    lengths = []
    for strength in (0.5, 1.0, 3.0):
        h = first = torch.tanh(strength * aim)
        for _ in range(40):
            h = torch.tanh(turn @ h)
        lengths.append((first.norm().item(), (h.norm() / first.norm()).item()))
    starts, shares = zip(*lengths, strict=True)
    assert list(starts) == sorted(starts)
    assert list(shares) == sorted(shares, reverse=True)


def named(net, sums):
    """Return the four kinds of parameters, each cut into those of the sums."""
    kinds = {"Wi": "weight_ih", "Wh": "weight_hh", "bi": "bias_ih", "bh": "bias_hh"}
    return {
        f"{kind}_{letter}": part
        for kind, name in kinds.items()
        for letter, part in zip(
            sums, getattr(net, f"{name}_l0").chunk(len(sums)), strict=True
        )
    }


def test_lstm_equations_are_torchs():
    torch.manual_seed(0)
    net, x = nn.LSTM(3, 4), torch.randn(3)
    h, c = torch.randn(2, 4)
    p = named(net, "ifgo")

    def total(k):
        return p[f"Wi_{k}"] @ x + p[f"bi_{k}"] + p[f"Wh_{k}"] @ h + p[f"bh_{k}"]

    i, f, o = (total(k).sigmoid() for k in "ifo")
    new_c = f * c + i * total("g").tanh()
    theirs = net(x[None], (h[None], c[None]))[1]
    assert_close((o * new_c.tanh(), new_c), (theirs[0][0], theirs[1][0]))


@pytest.mark.parametrize("before_the_product", [False, True])
def test_gru_equations_are_torchs_and_not_the_papers(before_the_product):
    torch.manual_seed(0)
    net, x, h = nn.GRU(3, 4), torch.randn(3), torch.randn(4)
    p = named(net, "rzn")
    r, z = (
        (p[f"Wi_{k}"] @ x + p[f"bi_{k}"] + p[f"Wh_{k}"] @ h + p[f"bh_{k}"]).sigmoid()
        for k in "rz"
    )
    old = r * (p["Wh_n"] @ h + p["bh_n"])
    if before_the_product:
        old = p["Wh_n"] @ (r * h) + p["bh_n"]
    n = (p["Wi_n"] @ x + p["bi_n"] + old).tanh()
    theirs = net(x[None], h[None])[1][0]
    close = torch.allclose((1 - z) * n + z * h, theirs, atol=1e-5)
    assert close != before_the_product


def test_numbers_of_one_gate_and_of_the_grus_mixture_are_torchs():
    lstm, gru = nn.LSTM(1, 1), nn.GRU(1, 1)
    h, c = torch.full((1, 1), 0.5), torch.ones(1, 1)
    with torch.no_grad():
        for parameter in (*lstm.parameters(), *gru.parameters()):
            parameter.zero_()
        lstm.weight_ih_l0[1], lstm.weight_hh_l0[1], lstm.bias_ih_l0[1] = 2, -1, 1
        gru.bias_ih_l0[1], gru.bias_ih_l0[2] = math.log(3), math.atanh(-0.4)
    kept = lstm(torch.ones(1, 1), (h, c))[1][1].item()  # the news is tanh(0) = 0
    assert round(kept, 2) == 0.92
    assert_close(gru(torch.ones(1, 1), torch.full((1, 1), 0.8))[1].item(), 0.5)


def test_attention_weights_sum_to_1_and_give_the_mean_of_the_formula():
    attend = from_the_lesson("def attend(")
    torch.manual_seed(0)
    h, states = torch.randn(5, 2, 4), torch.randn(7, 2, 4)
    lengths = (7, 3)
    padding = torch.arange(7)[:, None] >= torch.tensor(lengths)
    mean, weights = attend(h, states, padding)
    for t, (n, length) in product(range(5), enumerate(lengths)):
        real = states[:length, n]
        alpha = torch.softmax(real @ h[t, n], dim=0)
        assert_close(weights[t, :length, n], alpha)
        assert not weights[t, length:, n].any()
        assert_close(mean[t, n], (alpha[:, None] * real).sum(dim=0))
    assert_close(weights.sum(dim=1), torch.ones(5, 2))


def of_the_translator():
    """Return what the lesson's cells on translation define."""
    scope = {"torch": torch, "nn": nn, "F": F, "math": math, "random": random}
    scope |= {"date": date, "timedelta": timedelta, "device": torch.device("cpu")}
    scope |= {f.__name__: f for f in (pack_padded_sequence, pad_packed_sequence)}
    scope |= {"pad_sequence": pad_sequence, "measured": lambda *_: None}
    starts = ("def open_forget_gate(", "def attend(", "pad, begin, end =")
    starts += (
        "class Encoder(",
        "class Scorer(",
        "class Translator(",
        "@torch.no_grad()\ndef translate(",
        "# @title Data: the months",
        "forms =",
        "def learn_dates(",
        "def share_right(",
    )
    for start in starts:
        (cell,) = [
            c for c in code_cells(read(LESSONS[7])) if c.source.startswith(start)
        ]
        exec(cell.source.split("\n\n\nsource, target =")[0], scope)
    return scope


def test_dates_are_those_of_the_text():
    scope = of_the_translator()
    random.seed(0)
    assert {d.year % 7 for d in scope["unseen"]} == {0}
    assert {d.year % 7 for d in scope["seen"]} == set(range(1, 7))
    assert scope["seen"][0] == date(1900, 1, 1) and scope["days"][-1].year == 2099
    days = [date(2000, month, 30 if month != 2 else 29) for month in range(1, 13)]
    pairs = [scope["pair_of"](*one) for one in product(days, scope["forms"])]
    for texts, ends in zip(zip(*pairs, strict=True), ([], ["end"]), strict=True):
        columns = scope["tokens"](texts)
        for column, text in zip(columns.T, texts, strict=True):
            assert [*scope["text_of"](column), *ends] == list(text)
            assert (column == scope["end"]).sum() == len(ends)
        assert (columns[-1] == scope["pad"]).any()  # they differ in length
    assert len(columns) < 20  # so all that a net may write is enough


@pytest.mark.parametrize("attends", [False, True])
def test_translator_says_in_use_what_it_says_when_given_its_own_letters(attends):
    scope = of_the_translator()
    random.seed(0)
    pad, end = scope["pad"], scope["end"]
    source, _ = scope["pairs"](scope["unseen"], 50)
    torch.manual_seed(1)
    net = scope["Translator"](len(scope["alphabet"]), 8, attends)
    with torch.no_grad():  # so that it does not say the same of all
        for parameter in net.parameters():
            parameter.mul_(3)
        net.score.scores.weight.mul_(10)
    written = scope["translate"](net, source)
    lengths = [[*column.tolist(), end].index(end) + 1 for column in written.T]
    assert len(set(lengths)) > 1
    with torch.no_grad():
        said = net(source, written).argmax(dim=-1)
    for column, again, length in zip(written.T, said.T, lengths, strict=True):
        assert torch.equal(column[:length], again[:length])
        assert (column[length:] == pad).all()
    assert (net.score.weights is not None) == attends


@pytest.mark.parametrize("attends", [False, True])
def test_translator_says_of_a_text_alone_what_it_says_beside_longer_ones(attends):
    scope = of_the_translator()
    random.seed(0)
    source, target = scope["pairs"](scope["unseen"], 8)
    torch.manual_seed(0)
    net = scope["Translator"](len(scope["alphabet"]), 8, attends)
    together = net(source, target)
    for n, length in enumerate((source != scope["pad"]).sum(dim=0)):
        alone = net(source[:length, n : n + 1], target[:, n : n + 1])
        assert_close(alone[:, 0], together[:, n], **CLOSE)


@pytest.mark.nightly
@pytest.mark.parametrize("attends", [False, True])
def test_each_translator_has_the_best_of_three_rates(attends):
    scope, right = of_the_translator(), {}
    for rate in (0.003, 0.01, 0.03):
        right[rate] = []
        for seed in (100, 101, 102):
            torch.manual_seed(seed)
            random.seed(seed)
            net = scope["learn_dates"](attends, rate=rate)
            pair = scope["pairs"](scope["unseen"], 1_000)
            right[rate].append(scope["share_right"](net, *pair))
    mean = {rate: sum(shares) / 3 for rate, shares in right.items()}
    if attends:
        assert mean[0.003] < 0.5 and abs(mean[0.01] - mean[0.03]) < 0.02
    else:
        assert mean[0.01] > max(mean[0.003], mean[0.03])


@pytest.mark.nightly
def test_language_model_needs_more_bits_with_a_forget_bias_of_three_and_a_half():
    scope = {"torch": torch, "nn": nn, "F": F, "math": math}
    scope |= {"device": torch.device("cpu"), "text": load_text()}
    starts = ("def open_forget_gate(", "letters =", "def streams(", "def read_once(")
    for start in (*starts, "@torch.no_grad()\ndef bits("):
        (cell,) = [
            c for c in code_cells(read(LESSONS[7])) if c.source.startswith(start)
        ]
        exec(cell.source, scope)
    validation = scope["text"].validation
    for seed in (0, 1):
        needed = []
        for bias in (1.0, 3.5):
            torch.manual_seed(seed)
            model = scope["Writer"]()
            scope["open_forget_gate"](model.lstm, bias)
            optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
            x, y = scope["streams"](scope["text"].train, 32)
            for _ in range(3):
                scope["read_once"](model, x, y, optimizer)
            needed.append(scope["bits"](model, validation))
        assert needed[0] < needed[1]


def test_streams_are_read_in_order_and_the_target_is_the_next_character():
    scope = {"torch": torch, "device": torch.device("cpu")}
    scope |= {"number": {letter: n for n, letter in enumerate("abcdefghijk")}}
    (cell,) = [
        c for c in code_cells(read(LESSONS[7])) if c.source.startswith("def streams(")
    ]
    exec(cell.source, scope)
    x, y = scope["streams"]("abcdefghijk", 3)
    assert x.T.tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert torch.equal(y, x + 1)


@pytest.mark.parametrize("radius", [0.5, 1.0, 1.5])
def test_with_an_orthogonal_matrix_and_no_input_a_gradient_goes_like_its_power(radius):
    torch.manual_seed(0)
    turn = radius * nn.init.orthogonal_(torch.empty(32, 32)).double()
    length = torch.linalg.vector_norm(torch.linalg.matrix_power(turn, 20)[:, 0])
    assert_close(length.item(), radius**20, rtol=1e-4, atol=0)


def test_a_matrix_with_eigenvalues_of_a_half_may_stretch_first():
    sheared = 0.5 * torch.eye(32) + 0.5 * torch.ones(32, 32).triu(1)
    assert_close(torch.linalg.eigvals(sheared).abs().max().item(), 0.5)
    powers = [torch.linalg.matrix_power(sheared.double(), n) for n in (20, 399)]
    lengths = [torch.linalg.matrix_norm(power, 2).item() for power in powers]
    assert lengths[0] > 1e6 and lengths[1] < 1e-6


def test_along_the_cell_a_gradient_is_multiplied_by_the_gates_alone():
    torch.manual_seed(0)
    f, i, g = torch.rand(5, 3), torch.rand(5, 3), torch.randn(5, 3)

    def cell(c):
        for t in range(5):
            c = f[t] * c + i[t] * g[t]
        return c

    found = torch.autograd.functional.jacobian(cell, torch.randn(3))
    assert_close(found, torch.diag(f.prod(0)))


def test_one_weight_unclipped_is_thrown_away_and_clipped_arrives():
    descend = from_the_lesson("def descend(")
    assert -28_200 < descend(None)[1] < -28_000
    assert all(abs(w - 1) < 0.011 for w in descend(1.0)[20:])
    late = descend(1.0, steps=60)[40:]  # it hops, and comes no nearer
    assert min(late) < 0.999 < 1.008 < max(late)
    assert all((a - 1) * (b - 1) < 0 for a, b in pairwise(late))
    slope = 2 * (1.2**30 - 1) * 30 * 1.2**29
    assert 2.8e6 < slope < 2.82e6


def test_the_last_of_eight_gives_the_sign_of_the_sum_in_61_of_100():
    ceiling = 0.5 + math.asin(1 / 8**0.5) / math.pi
    x = torch.randn(400_000, 8, generator=torch.Generator().manual_seed(0))
    share = ((x.sum(1) > 0) == (x[:, -1] > 0)).float().mean().item()
    assert abs(ceiling - 0.615) < 5e-4 and abs(share - ceiling) < 0.003


def test_an_embedding_is_a_product_with_one_hot_vectors():
    table, ids = nn.Embedding(7, 3), torch.randint(7, (4, 5))
    assert_close(F.one_hot(ids, 7).float() @ table.weight, table(ids))


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 7, 64, 100, 1024])
def test_scan_is_the_loop(steps):
    scan = from_the_lesson("def scan(")
    torch.manual_seed(steps)
    k, b = torch.rand(steps, 3), torch.randn(steps, 3)
    h, states = torch.zeros(3), []
    for k_t, b_t in zip(k, b, strict=True):
        h = k_t * h + b_t
        states.append(h)
    assert_close(scan(k, b), torch.stack(states), **CLOSE)


def test_backward_half_of_the_last_output_has_read_one_word_with_one_layer_only():
    torch.manual_seed(0)
    x = torch.randn(10, 1, 3)
    other = x.clone()
    other[0] += 1
    for layers, changes in ((1, False), (2, True)):
        net = nn.RNN(3, 4, layers, bidirectional=True)
        halves = [net(z)[0][-1, :, 4:] for z in (x, other)]
        assert torch.equal(*halves) != changes


def test_contest_is_told_as_it_went():
    rows = {(row["k"], row["net"]): row for row in load_experiment("recall").rows}
    for (k, net), row in rows.items():
        assert row["solved"] == sum(batches < 600 for batches in row["batches"])
        assert len(row["share right"]) == 5, (k, net)
    assert rows[16, "LSTM, forget bias 0"]["solved"] == 0
    assert rows[16, "RNN"]["solved"] == 2
    assert rows[16, "RNN, orthogonal"]["solved"] == 4
    assert rows[16, "GRU"]["solved"] == 5
    assert max(rows[16, "GRU"]["batches"]) == 80
    assert rows[32, "RNN"]["solved"] == 0
    assert rows[32, "RNN, orthogonal"]["solved"] == 3
    assert rows[32, "GRU"]["solved"] == 5
    assert max(rows[32, "GRU"]["batches"]) == 91
    totals = {net: 0 for _, net in rows}
    for (_, net), row in rows.items():
        totals[net] += row["solved"]
    assert totals["GRU"] == 15
    assert (
        totals["LSTM, forget bias 0"] == rows[8, "LSTM, forget bias 0"]["solved"] == 2
    )
    assert totals["LSTM, forget bias 3.5"] == 12
    assert totals["RNN, orthogonal"] > totals["RNN"]


def test_dates_are_translated_as_told():
    alone, attending = load_experiment("translation").rows
    assert (alone["passed on"], attending["passed on"]) == ("last state", "all states")
    assert round(min(alone["right"]), 2) == 0.52
    assert 0.7 <= max(alone["right"]) < 0.715
    assert min(attending["right"]) == 0.996 and max(attending["right"]) == 1
    for row in (alone, attending):
        halves = zip(row["of the shorter"], row["of the longer"], strict=True)
        harder = [100 * (shorter - longer) for shorter, longer in halves]
        low, high = (1.5, 6) if row is alone else (-0.2, 1)
        assert all(low < points < high for points in harder)
        if row is alone:  # clearly in one run
            assert sum(points > 5 for points in harder) == 1
            assert sum(points < 2.5 for points in harder) == 2
        assert len(row["written"]) == 5
    assert alone["written"].keys() == attending["written"].keys()


def test_a_larger_state_helps_from_8_symbols_on_and_attention_more():
    rows = {(r["n"], r["passed on"]): r for r in load_experiment("bottleneck").rows}
    for n in (8, 16):
        small, large, attending = (
            rows[n, name]["share right"]
            for name in ("state of 32", "state of 64", "32 and attention")
        )
        assert max(small) < min(large) and max(large) < min(attending)
    assert all(min(row["share right"]) > 0.99 for (n, _), row in rows.items() if n == 4)


def test_a_larger_lstm_beats_all_tables_in_lesson_12():
    rows = load_experiment("language").rows
    tables = [row["test"] for row in rows if row["model"] == "n-gram"]
    lstms = [row for row in rows if row["model"] == "LSTM" and "test" in row]
    assert max(row["test"] for row in lstms) < min(tables)
    for row in lstms:
        assert round(row["epochs"]) == 22 and row["dropout"] > 0
