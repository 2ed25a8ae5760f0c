"""What the diagrams say, arrow by arrow, computed and compared with torch's layers."""

import math
import re

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torchvision.models.resnet import BasicBlock

from tests.display.drawn import Drawing

EACH = {
    "+": sum,
    "×": lambda parts: math.prod(parts),
    "σ": lambda parts: parts[0].sigmoid(),
    "tanh": lambda parts: parts[0].tanh(),
    "ReLU": lambda parts: parts[0].relu(),
    "1 −": lambda parts: 1 - parts[0],
}
RECURRENT = {"lstm": nn.LSTMCell, "gru": nn.GRUCell}


def weighted_sum(cell, inputs, shape):
    """Compute what a box of a recurrent cell says: 'Wih xt + bih + Whh ht−1 + bhh'."""
    rows = {"rows n": slice(-4, None), "rows r and z": slice(0, 8)}
    part = next((rows[name] for name in rows if name in shape.label), slice(None))
    total, used = 0, set()
    for kind, side, letter in re.findall(r"([Wb])([ih])([hn])", shape.label):
        assert letter == ("n" if "rows n" in shape.label else "h")
        tensor = getattr(cell, f"{'weight' if kind == 'W' else 'bias'}_{side}h")[part]
        name = {"i": "xt", "h": "ht−1"}[side]
        used.add(name)
        total = total + (tensor if kind == "b" else inputs[name] @ tensor.T)
    assert used == {source_name(arrow) for arrow in shape.incoming}
    return total


def source_name(arrow):
    while not isinstance(arrow, str):
        arrow = arrow.source
    return arrow


@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_cell_computes_what_torch_does(name):
    cell, drawing = RECURRENT[name](3, 4), Drawing(name)
    x, h, c = torch.randn(5, 3), torch.randn(5, 4), torch.randn(5, 4)
    inputs = {"xt": x, "ht−1": h, "ct−1": c}

    def operation(shape, parts):
        if shape.kind == "weights":
            return weighted_sum(cell, inputs, shape)
        return EACH[shape.label](parts)

    if name == "lstm":
        new_c, new_h = drawing.outputs(inputs, operation)
        assert_close((new_h, new_c), cell(x, (h, c)))
    else:
        (new_h,) = drawing.outputs(inputs, operation)
        assert_close(new_h, cell(x, h))


@pytest.mark.parametrize(
    ("name", "letters"), [("lstm", ["i", "f", "g", "o"]), ("gru", ["r", "z", "n"])]
)
def test_gates_are_named_in_torchs_order(name, letters):
    labels = [text for _, text in sorted(Drawing(name).labels) if text in letters]
    assert labels == letters


def test_unrolled_rnn_hands_each_state_on_and_out():
    rolled, first, second, last = Drawing("rnn").shapes
    assert rolled in [arrow.source for arrow in rolled.incoming]
    assert {arrow.source for arrow in first.incoming} == {"0", "x1"}
    assert {arrow.source for arrow in second.incoming} == {first, "x2"}
    assert {arrow.source for arrow in last.incoming} == {"…", "xT"}
    for step in (first, second, last):
        assert len(step.outgoing) == 2


def test_encoder_layer_computes_what_torch_does():
    x = torch.randn(2, 5, 12)
    layers = [nn.TransformerEncoderLayer(12, 4, 32, 0, norm_first=f) for f in (0, 1)]

    def operation(shape, parts):
        layer = layers[shape.box[0] > 320]
        if shape.label.startswith("self_attn"):
            return layer.self_attn(*(3 * parts))[0]
        if shape.label.startswith("linear1, ReLU, linear2"):
            return layer.linear2(layer.linear1(parts[0]).relu())
        if shape.label in ("norm1", "norm2"):
            return getattr(layer, shape.label)(parts[0])
        return EACH[shape.label](parts)

    for layer in layers:
        for parameter in layer.parameters():
            nn.init.normal_(parameter, std=0.4)
    post_norm, pre_norm = Drawing("encoder").outputs({"x": x}, operation)
    assert_close(post_norm, layers[0](x))
    assert_close(pre_norm, layers[1](x))


def test_decoder_layer_and_what_it_reads_compute_what_torch_does():
    net = nn.Transformer(12, 4, 2, 1, 32, 0, batch_first=True)
    layer = net.decoder.layers[0]
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.4)
    x, source = torch.randn(2, 5, 12), torch.randn(2, 7, 12)
    mask = net.generate_square_subsequent_mask(5)

    def operation(shape, parts):
        name = shape.label.split()[0]
        if name == "encoder":
            return net.encoder(parts[0])
        if name == "self_attn":
            mask, x = parts  # from the top
            return layer.self_attn(x, x, x, attn_mask=mask)[0]
        if name == "multihead_attn":
            memory, x = parts
            return layer.multihead_attn(x, memory, memory)[0]
        if name == "linear1,":
            return layer.linear2(layer.linear1(parts[0]).relu())
        if name.startswith("norm"):
            return getattr(layer, name)(parts[0])
        return EACH[shape.label](parts)

    inputs = {"x": x, "source": source, "tgt_mask": mask}
    (out,) = Drawing("decoder").outputs(inputs, operation)
    assert_close(out, layer(x, net.encoder(source), tgt_mask=mask))


def test_residual_blocks_have_their_norm_after_and_before():
    x, norms = torch.randn(5, 12), [nn.LayerNorm(12) for _ in range(2)]
    up, down = nn.Linear(12, 24), nn.Linear(24, 12)
    for parameter in (p for norm in norms for p in norm.parameters()):
        nn.init.normal_(parameter)

    def operation(shape, parts):
        if shape.label.startswith("up, ReLU, down"):
            return down(up(parts[0]).relu())
        if shape.label == "norm":
            return norms[shape.box[0] > 320](parts[0])
        return EACH[shape.label](parts)

    post_norm, pre_norm = Drawing("norms").outputs({"x": x}, operation)
    assert_close(post_norm, norms[0](x + down(up(x).relu())))
    assert_close(pre_norm, x + down(up(norms[1](x)).relu()))


def test_attention_computes_what_torch_does():
    layer = nn.MultiheadAttention(12, 4, batch_first=True)
    nn.init.normal_(layer.in_proj_bias)
    x, other, mask = torch.randn(2, 5, 12), torch.randn(2, 7, 12), torch.randn(5, 7)
    weights, biases = layer.in_proj_weight.chunk(3), layer.in_proj_bias.chunk(3)

    def operation(shape, parts):
        if shape.label == "linear":
            k = [80, 136, 228].index(shape.box[1])  # Q, K and V, from the top
            projected = nn.functional.linear(parts[0], weights[k], biases[k])
            return projected.unflatten(-1, (4, 3)).transpose(1, 2)
        return {
            "Q KT ÷ √d": lambda q, k: q @ k.mT / 3**0.5,
            "+": lambda *parts: sum(parts),
            "softmax": lambda scores: scores.softmax(dim=-1),
            "shares V": lambda shares, v: shares @ v,
            "join": lambda heads: heads.transpose(1, 2).flatten(2),
            "linear out_proj": layer.out_proj,
        }[shape.label](*parts)

    inputs = {"x": x, "other": other, "mask": mask}
    (out,) = Drawing("attention").outputs(inputs, operation)
    assert_close(out, layer(x, other, other, attn_mask=mask)[0])


def test_residual_block_computes_what_torchvision_does():
    block, x = BasicBlock(6, 6).eval(), torch.randn(2, 6, 8, 8)
    for numbers in [*block.parameters(), *block.buffers()]:
        if numbers.is_floating_point():
            nn.init.uniform_(numbers, 0.5, 1.5)  # the two norms differ

    def operation(shape, parts):
        layer = getattr(block, shape.label.split()[0], None)
        return layer(parts[0]) if layer else EACH[shape.label](parts)

    (out,) = Drawing("residual").outputs({"x": x}, operation)
    assert_close(out, block(x))
