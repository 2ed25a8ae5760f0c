"""Lesson 08 says more than its page shows: each sentence, tested."""

import math

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torch.testing import assert_close

from course_utils import load_experiment
from tests.lessons import LESSONS, code_cells, read


def from_the_lesson(*beginnings: str) -> dict:
    """Return what the lesson's cells that begin like this define."""
    scope = {"torch": torch, "nn": nn, "F": F, "math": math, "device": "cpu"}
    scope["fused"] = F.scaled_dot_product_attention
    cells = code_cells(read(LESSONS[8]))
    for beginning in beginnings:
        (cell,) = [c for c in cells if c.source.startswith(beginning)]
        exec(cell.source, scope)
    return scope


@pytest.fixture(scope="module")
def lesson() -> dict:
    return from_the_lesson(
        *("def attention", "class Attention", "class CausalSelfAttention", "def hide"),
        *("def sinusoids", "def turned", "class Block", "class DecoderBlock"),
        *("def count_attention", "class LlamaBlock", "def saved_bytes"),
    )


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def loaded(mine: nn.Module, theirs: nn.Module) -> tuple[nn.Module, nn.Module]:
    """Give both the same random numbers, in float64."""
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, std=0.4)
    mine.load_state_dict(theirs.state_dict())
    return mine.double(), theirs.double()


def same(mine, theirs, out, expected):
    assert_close(out, expected)
    for net, result in ((mine, out), (theirs, expected)):
        net.zero_grad()
        result.square().sum().backward()
    ours = dict(mine.named_parameters())
    for name, parameter in theirs.named_parameters():
        assert_close(ours[name].grad, parameter.grad)


def test_were_gives_cats_its_weights_in_the_walk():
    scope = from_the_lesson("tokens = ", "# each word:")
    sentence = scope["sentence"]
    assert (sentence @ sentence[6]).tolist() == [0, 1, 0, 0, 0, 1, 2, 0]
    w_q = torch.tensor([[0.0, 0, 0], [4, 0, 0], [0, 0, 4]])
    weights = (sentence @ w_q @ sentence.T / math.sqrt(3)).softmax(dim=1)
    assert weights[6, 1].item() == pytest.approx(0.80, abs=0.005)
    assert weights[5, 1] == weights[5, 4] == weights[5].max()


def test_renormalised_weights_are_those_of_minus_infinity():
    scores = torch.randn(20, 7, 7).double()
    kept = torch.ones(7, 7).double().tril()
    some = scores.softmax(-1) * kept
    masked = scores.masked_fill(kept == 0, -math.inf).softmax(-1)
    assert_close(some / some.sum(-1, keepdim=True), masked)


@pytest.mark.parametrize(("d", "heads"), [(12, 4), (8, 1), (6, 6)])
def test_your_attention_is_torchs_forward_and_backward(lesson, d, heads):
    theirs = nn.MultiheadAttention(d, heads, batch_first=True)
    mine, theirs = loaded(lesson["Attention"](d, heads), theirs)
    x, other = torch.randn(2, 5, d).double(), torch.randn(2, 7, d).double()
    for source in (x, other):
        same(mine, theirs, mine(x, source)[0], theirs(x, source, source)[0])


def test_your_causal_attention_keeps_its_mask_out_of_the_state(lesson):
    causal = lesson["CausalSelfAttention"](12, 4, 64)
    assert set(causal.state_dict()) == set(nn.MultiheadAttention(12, 4).state_dict())
    assert [name for name, _ in causal.named_buffers()] == ["future"]
    x = torch.randn(2, 9, 12)
    changed = x.clone()
    changed[:, -1] += 1
    assert_close(causal(x)[0][:, :-1], causal(changed)[0][:, :-1])


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize(("d", "heads", "hidden"), [(12, 4, 32), (8, 2, 8)])
def test_your_blocks_are_torchs_forward_and_backward(
    lesson, d, heads, hidden, norm_first
):
    settings = {"dropout": 0.0, "batch_first": True, "norm_first": norm_first}
    x, memory = torch.randn(2, 5, d).double(), torch.randn(2, 7, d).double()
    hidden_keys = torch.ones(5, 5, dtype=torch.bool).triu(1)
    mask = lesson["hide"](hidden_keys)
    mine, theirs = loaded(
        lesson["Block"](d, heads, hidden, norm_first),
        nn.TransformerEncoderLayer(d, heads, hidden, **settings),
    )
    same(mine, theirs, mine(x, mask), theirs(x, src_mask=hidden_keys))
    assert parameters(mine) == lesson["count_encoder_layer"](d, hidden)
    mine, theirs = loaded(
        lesson["DecoderBlock"](d, heads, hidden, norm_first),
        nn.TransformerDecoderLayer(d, heads, hidden, **settings),
    )
    out = mine(x, memory, mask)
    same(mine, theirs, out, theirs(x, memory, tgt_mask=hidden_keys))
    assert parameters(mine) == lesson["count_decoder_layer"](d, hidden)


def test_dot_products_of_sinusoids_depend_on_the_distance(lesson):
    clocks = lesson["sinusoids"](60, 32)
    products = clocks @ clocks.T
    for distance in range(59):
        along = products.diagonal(distance)
        assert_close(along, along[:1].expand(len(along)), atol=1e-4, rtol=0)


@pytest.mark.parametrize("first", [1, 7, 300])
def test_rotary_scores_depend_on_the_distance(lesson, first):
    turned = lesson["turned"]
    q, k = torch.randn(2, 5, 8).double(), torch.randn(2, 9, 8).double()
    here = turned(q) @ turned(k).mT
    assert_close(turned(q, first) @ turned(k, first).mT, here, atol=1e-4, rtol=1e-4)
    assert_close(turned(q).norm(dim=-1), q.norm(dim=-1), atol=1e-5, rtol=1e-5)


def test_in_the_fast_path_every_number_but_zero_hides():
    layer = nn.TransformerEncoderLayer(12, 4, 32, 0.0, batch_first=True).eval()
    x, bias = torch.randn(2, 5, 12), torch.zeros(5, 5)
    bias[0, 1], bias[2, 3] = 1.0, -0.7
    with_gradients = layer(x, src_mask=bias)
    with torch.no_grad():
        fast, hiding = layer(x, src_mask=bias), layer(x, src_mask=bias != 0)
    assert_close(fast, hiding)
    assert (fast - with_gradients).abs().max() > 0.01


def test_nn_multihead_attention_adds_a_float_mask_in_evaluation_too():
    mha, x = (
        nn.MultiheadAttention(12, 4, batch_first=True).eval(),
        torch.randn(2, 5, 12),
    )
    bias = torch.randn(5, 5)
    expected = mha(x, x, x, attn_mask=bias)[0]
    with torch.no_grad():
        for need_weights in (False, True):
            found = mha(x, x, x, attn_mask=bias, need_weights=need_weights)[0]
            assert_close(found, expected)


def test_one_with_causal_mask_and_padding_in_front_has_nothing():
    mha, x = nn.MultiheadAttention(12, 4, batch_first=True), torch.randn(1, 4, 12)
    future = torch.ones(4, 4, dtype=torch.bool).triu(1)
    padding = torch.tensor([[True, True, False, False]])
    out = mha(x, x, x, attn_mask=future, key_padding_mask=padding)[0]
    assert out.isnan().all(dim=2).tolist() == [[True, True, False, False]]


def test_a_billion_in_place_of_infinity():
    scores = torch.randn(3)
    assert_close((scores - 1e9).softmax(0), torch.full((3,), 1 / 3))
    assert (scores.half() + torch.tensor(-1e9).half()).softmax(0).isnan().all()


def test_the_fused_function_keeps_little_on_four_dimensions_only(lesson):
    saved, fused, length = lesson["saved_bytes"], lesson["fused"], 512
    matrix = 4 * length**2
    qkv = [torch.randn(1, 1, length, 32, requires_grad=True) for _ in range(3)]
    flat = [torch.randn(length, 32, requires_grad=True) for _ in range(3)]
    assert saved(fused, *qkv) < matrix / 2
    assert saved(fused, *flat) > matrix
    assert saved(lambda *t: fused(*t, dropout_p=0.1), *qkv) > matrix


def test_batch_first_forgotten_shows_where_a_mask_does_not_fit():
    layer, x = nn.TransformerEncoderLayer(12, 4, 32), torch.randn(2, 5, 12)
    assert layer(x).shape == x.shape
    mask = torch.zeros(5, 5, dtype=torch.bool)
    with pytest.raises(RuntimeError, match="2D attn_mask"):
        layer(x, src_mask=mask)
    with pytest.raises(AssertionError, match="key_padded_mask"):
        layer(x, src_key_padding_mask=torch.zeros(2, 5, dtype=torch.bool))


def test_a_padding_mask_makes_the_layer_read_the_other_mask():
    mha, x = nn.MultiheadAttention(12, 4, batch_first=True), torch.randn(2, 5, 12)
    nothing = torch.zeros(5, 5)
    padding = torch.zeros(2, 5)  # floats, as the other: 0 hides nothing
    promised = {"attn_mask": nothing, "is_causal": True, "need_weights": False}
    believed = mha(x, x, x, **promised)[0]
    masked = mha(x, x, x, **promised, key_padding_mask=padding)[0]
    assert_close(masked, mha(x, x, x)[0])
    assert not torch.allclose(believed, masked)


def test_sizes_of_vit_gpt2_and_llama(lesson):
    d = 768
    blocks = 12 * lesson["count_encoder_layer"](d, 4 * d)
    assert blocks == 12 * (12 * d**2 + 13 * d)
    with torch.device("meta"):
        vit, llama = torchvision.models.vit_b_16(), lesson["LlamaBlock"]()
    ends = 3 * 16 * 16 * d + d + 197 * d + d + 2 * d + 1000 * d + 1000
    assert parameters(vit) == blocks + ends == 86_567_656
    assert blocks + 50_257 * d + 1024 * d + 2 * d == 124_439_808
    total = 32 * parameters(llama) + 2 * 128_256 * 4096 + 4096
    assert total == 8_030_261_248
    feed = sum(parameters(part) for part in (llama.gate, llama.up, llama.down))
    assert feed / parameters(llama) == pytest.approx(0.8, abs=0.01)


def test_your_llama_block_is_causal(lesson):
    block = lesson["LlamaBlock"](d=32, heads=4, kv_heads=2, hidden=48)
    x = torch.randn(2, 9, 32)
    changed = x.clone()
    changed[:, -1] += 1
    assert_close(block(x)[:, :-1], block(changed)[:, :-1])


@pytest.mark.parametrize("d", [64, 768])
def test_when_the_quadratic_term_is_the_smaller_half(d):
    for length in (2 * d - 1, 2 * d + 1):
        scores, projections = 2 * length**2 * d, 4 * length * d**2
        assert (scores < projections) == (length < 2 * d)
    for length in (6 * d - 1, 6 * d + 1):
        scores, matrices = 2 * length**2 * d, 12 * length * d**2
        assert (scores < matrices) == (length < 6 * d)


@pytest.mark.parametrize(("kernel", "length"), [(3, 64), (5, 33)])
def test_layers_of_a_convolution_until_the_last_sees_the_first(kernel, length):
    layers = math.ceil(2 * (length - 1) / (kernel - 1))
    for count in (layers - 1, layers):
        x = torch.zeros(1, 1, length, requires_grad=True)
        h = x
        for _ in range(count):
            h = F.conv1d(h, torch.ones(1, 1, kernel) / kernel, padding=kernel // 2)
        h[0, 0, -1].backward()
        assert bool(x.grad[0, 0, 0] > 0) == (count == layers)


def test_the_mean_of_the_outputs_does_not_depend_on_the_order():
    mha, x = nn.MultiheadAttention(12, 4, batch_first=True), torch.randn(2, 9, 12)
    shuffled = x[:, torch.randperm(9)]
    before, after = mha(x, x, x)[0], mha(shuffled, shuffled, shuffled)[0]
    assert_close(before.mean(1), after.mean(1), atol=1e-5, rtol=1e-5)


def test_under_a_causal_mask_the_order_matters():
    mha, x = nn.MultiheadAttention(12, 4, batch_first=True), torch.randn(2, 5, 12)
    future = torch.ones(5, 5, dtype=torch.bool).triu(1)
    order = torch.tensor([3, 0, 4, 1, 2])
    shuffled = x[:, order]
    before = mha(x, x, x, attn_mask=future)[0][:, order]
    after = mha(shuffled, shuffled, shuffled, attn_mask=future)[0]
    assert not torch.allclose(before, after, atol=1e-3)


@pytest.mark.parametrize(
    ("kind", "length", "low", "high"),
    [
        ("none", 16, 0.265, 0.275),
        ("learnt", 32, 0.555, 0.565),
        ("sinusoidal", 32, 0.495, 0.625),
        ("rotary", 32, 0.665, 0.815),
        ("relative", 32, 0.965, 0.99),
        ("rotary", 64, 0.375, 0.61),
        ("relative", 64, 0.63, 0.745),
    ],
)
def test_positions_beyond_training_as_the_text_says(kind, length, low, high):
    (row,) = load_experiment("positions").select(kind=kind)
    assert all(low <= value <= high for value in row[f"at {length}"])


@pytest.mark.parametrize(
    ("places", "low", "high"), [("yes", 0.875, 0.945), ("no", 0.245, 0.26)]
)
def test_uniform_attention_as_the_text_says(places, low, high):
    (row,) = load_experiment("uniform_attention").select(places=places)
    assert all(low <= value <= high for value in row["digits right"])


def test_what_depth_says_of_norms_and_rates():
    rows = load_experiment("depth").rows
    found = {(row["layers"], row["norm"], row["warm_up"]): row for row in rows}
    assert len(found) == 16
    # at the best rate
    assert min(min(row["test_accuracy"]) for row in rows) > 0.88
    for layers in (2, 6):
        post, pre = (found[layers, norm, False] for norm in ("post", "pre"))
        assert max(post["test_accuracy"]) > min(pre["test_accuracy"])
    assert min(found[24, "pre", False]["test_accuracy"]) > 0.98
    assert 0.94 < min(found[24, "post", False]["test_accuracy"])
    assert max(found[24, "post", False]["test_accuracy"]) < 0.965
    # over the rates
    at = {key: row["at_0.01"] for key, row in found.items()}
    assert round(at[2, "post", False], 3) == 0.996
    assert [round(at[n, "post", False], 2) for n in (12, 24)] == [0.1, 0.1]
    assert [round(at[n, "pre", False], 2) for n in (12, 24)] == [0.92, 0.93]
    assert round(at[12, "post", True], 2) == 0.87
    three = [found[24, "post", warm]["at_0.003"] for warm in (False, True)]
    assert [round(value, 2) for value in three] == [0.12, 0.89]
    # no gain at the best rate
    for layers in (2, 6, 12, 24):
        for norm in ("post", "pre"):
            cold, warm = (found[layers, norm, warm] for warm in (False, True))
            gain = max(warm["test_accuracy"]) - max(cold["test_accuracy"])
            assert gain < 0.005
