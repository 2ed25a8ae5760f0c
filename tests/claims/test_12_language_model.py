"""Lesson 12 says more than its page shows: each sentence, tested."""

import contextlib
import copy
import inspect
import linecache
import math
import re
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from course_utils import load_experiment, load_smollm, load_text
from course_utils.authoring import language
from course_utils.display.diagrams.diagram import load_diagram
from course_utils.exercises.bank.language import ROTARY
from tests.display.drawn import Drawing
from tests.lessons import LESSONS, code_cells, read

SIZES = {"heads": 6, "kv_heads": 2, "hidden": 40}  # of a small Llama
DEFINES = r"def |class |@contextmanager|# mine|# @title Helper: save_llama"
SAMPLE = "the value of the\n   attribute, or  its \n\n name;\tnaïve"


def from_the_lesson(*beginnings: str) -> dict:
    """Return what the lesson's cells that begin like this define."""
    scope = {"torch": torch, "nn": nn, "F": nn.functional, "math": math, "re": re}
    scope |= {"Counter": Counter, "pairwise": pairwise}
    scope |= {"contextmanager": contextmanager, "smol": None}  # as without its file
    cells = code_cells(read(LESSONS[12]))
    for beginning in beginnings:
        (cell,) = [c for c in cells if c.source.startswith(beginning)]
        # without the lines behind the definitions, which use what the test lacks
        exec(re.split(r"\n{3}(?:print|torch\.)", cell.source)[0], scope)
    return scope


@pytest.fixture(scope="module")
def lesson() -> dict:
    return from_the_lesson(
        *("def merge(", "def pieces", "def count_pairs"),
        *("def encode_word", "class Tokenizer"),
        *("class Attention", "class Block", "def draw_weights", "class GPT"),
        *("@contextmanager", "def train_step", "def train(", "def bits_per_byte"),
        *("def new_run",),
        *("def cost", "class RMSNorm", "class SwiGLU", "def rotate", "def narrowed"),
        *("class Cache:", "class CachedAttention", "class CachedGPT"),
        *("def greedy", "def write_cached"),
        *("class LlamaAttention", "class LlamaBlock", "class Llama("),
        *("def kept", "ENTRIES", "PUBLISHED"),
        *("SMOLLM_NAMES", "def renamed", "def halves", "def asked", "def likeliest"),
        *("QUESTIONS", "def five_best", "theirs = torch.tensor", "def start_of_test"),
    )


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_pieces_joined_are_the_text(lesson):
    for text in (SAMPLE, load_text().validation):
        assert "".join(lesson["pieces"](text)) == text
    assert lesson["pieces"]("the value") == ["the", " value"]


def test_the_page_tokenises_as_the_script_does(lesson):
    text = load_text().validation[:5000]
    merges = lesson["learn_merges"](text, 40)
    assert merges == language.learn_merges(text, 40)
    found = lesson["Tokenizer"](merges).encode(SAMPLE)
    assert found == language.encode(SAMPLE, merges)


def test_pairs_of_the_worked_example(lesson):
    words = Counter(lesson["pieces"]("abab abab cab"))
    assert list(words) == ["abab", " abab", " cab"]
    first, then = Counter(), Counter()
    for word, times in words.items():
        ids = list(word.encode())
        lesson["count_pairs"](first, ids, times)
        lesson["count_pairs"](then, lesson["merge"](ids, (97, 98), 256), times)
    assert sorted(first.values()) == [1, 1, 1, 2, 5]
    assert (first[97, 98], first[98, 97]) == (5, 2)
    assert sorted(then.values()) == [1, 1, 1, 2] and then[256, 256] == 2


def test_merges_applied_in_their_order_encode_a_word(lesson):
    merges = lesson["learn_merges"](load_text().validation, 256)
    for word in (" expression", " statement", "__init__"):
        ids = list(word.encode())
        for pair, new in merges.items():
            ids = lesson["merge"](ids, pair, new)
        assert ids == lesson["encode_word"](word, merges)


def test_merges_of_the_worked_example(lesson):
    assert lesson["learn_merges"]("abab abab cab", 2) == {
        (97, 98): 256,
        (256, 256): 257,
    }


def test_a_text_that_was_never_seen_is_encoded_and_comes_back(lesson):
    merges = lesson["learn_merges"](load_text().validation[:5000], 30)
    tokenizer = lesson["Tokenizer"](merges)
    assert tokenizer.decode(tokenizer.encode(SAMPLE)) == SAMPLE


def test_bits_per_byte_of_the_two_tables():
    bits = [-math.log2(p) for p in (1 / 2, 1 / 4, 1 / 2, 1)]
    assert bits == [1, 2, 1, 0] and sum(bits) / 4 == 1
    per_token = 2.44 / math.log(2)
    assert round(per_token, 2) == 3.52 and round(per_token / 2.17, 2) == 1.62


def test_gpt_2_also_separates_letters_digits_and_punctuation(lesson):
    # GPT-2's pattern, in which \p{L} is a letter and \p{N} a digit
    letters, digits, others = r" ?[^\W\d_]+", r" ?\d+", r" ?(?:[^\s\w]|_)+"
    pattern = rf"{letters}|{digits}|{others}|\s+(?!\S)|\s+"
    assert re.findall(pattern, " list[0],") == [" list", "[", "0", "],"]
    assert lesson["pieces"](" list[0],") == [" list[0],"]


@pytest.mark.parametrize(
    ("vocabulary", "context", "d", "layers", "number"),
    [(50_257, 1024, 768, 12, 124_439_808), (512, 64, 96, 2, None)],
)
def test_the_count_is_that_of_the_model(lesson, vocabulary, context, d, layers, number):
    with torch.device("meta"):
        net = lesson["GPT"](vocabulary, context, d, layers, 12)
    formula = vocabulary * d + context * d + layers * (12 * d**2 + 13 * d) + 2 * d
    assert parameters(net) == formula
    assert number in (None, formula)


@pytest.mark.parametrize(
    ("vocabulary", "hidden", "keys", "number"),
    [(32_000, 11_008, 4096, 6_738_415_616), (128_256, 14_336, 1024, 8_030_261_248)],
)
def test_llama_has_as_many_parameters_as_the_formula(vocabulary, hidden, keys, number):
    d, layers = 4096, 32
    block = 2 * d**2 + 2 * d * keys + 3 * d * hidden + 2 * d
    assert 2 * vocabulary * d + layers * block + d == number


def test_shares_of_gpt_2():
    d, total = 768, 124_439_808
    assert round(100 * (50_257 + 1024) * d / total) == 32


def test_cached_scores_are_those_of_the_whole_text(lesson):
    net = small(lesson).double()
    cached = with_cache(lesson, net).double()
    tokens, caches = torch.randint(50, (2, 12)), [lesson["Cache"]() for _ in range(2)]
    prompt = cached(tokens[:, :4], caches)  # in one pass
    each = [cached(tokens[:, i : i + 1], caches) for i in range(4, 12)]
    assert_close(torch.cat([prompt, *each], dim=1), net(tokens))
    kept = sum(part.numel() for cache in caches for part in (cache.k, cache.v))
    assert kept == 2 * 2 * 2 * 12 * 24  # two texts


def test_later_tokens_leave_earlier_scores_as_they_are(lesson):
    torch.manual_seed(0)
    net = lesson["GPT"](50, 16, 24, 2, 4)
    x = torch.randint(50, (1, 12))
    y = x.clone()
    y[0, 7] = (x[0, 7] + 1) % 50
    apart = (net(x) - net(y)).abs().amax(-1)[0]
    assert apart[:7].max() == 0 and apart[7:].min() > 0


def small(lesson: dict, dropout: float = 0.0) -> nn.Module:
    torch.manual_seed(0)
    return lesson["GPT"](50, 16, 24, 2, 4, dropout=dropout)


def with_cache(lesson: dict, net: nn.Module) -> nn.Module:
    """Return the cached model with the weights of a small GPT."""
    cached = lesson["CachedGPT"](50, 16, 24, 2, 4)
    cached.load_state_dict(net.state_dict())
    return cached


def varies(run: Callable, x: torch.Tensor) -> bool:
    return not torch.equal(run(x), run(x))


def test_dropout_stands_at_three_places_and_only_in_training(lesson):
    net, tokens, x = small(lesson, 0.5), torch.arange(12)[None], torch.randn(1, 12, 24)
    block = net.blocks[0]
    assert varies(block.attention, x)  # its weights
    block.attention.dropout = 0.0
    assert varies(block, x)  # the ends of its branches
    net.blocks.eval()
    assert varies(net, tokens)  # behind the embeddings
    net.eval()
    assert_close(net(tokens), small(lesson)(tokens))


def test_without_dropout_training_and_evaluation_give_the_same_scores(lesson):
    net, tokens = small(lesson), torch.arange(12)[None]
    assert torch.equal(net(tokens), net.eval()(tokens))


def test_torchs_attention_drops_weights_unless_told_not_to():
    q = torch.randn(1, 1, 6, 8)
    attend = nn.functional.scaled_dot_product_attention
    assert varies(lambda x: attend(x, x, x, dropout_p=0.5), q)
    assert not varies(lambda x: attend(x, x, x), q)


def test_a_model_refuses_more_tokens_than_it_has_positions(lesson):
    net = small(lesson)
    assert net(torch.zeros(1, 16, dtype=torch.long)).shape == (1, 16, 50)
    with pytest.raises(ValueError, match="17 tokens, but only 16 positions"):
        net(torch.zeros(1, 17, dtype=torch.long))


def test_one_linear_layer_becomes_heads_as_the_diagram_says(lesson):
    attention, x = lesson["Attention"](24, 4), torch.randn(2, 5, 24)
    parts = attention.split(x)
    assert parts.shape == (3, 2, 4, 5, 6)
    pieces = attention.qkv(x).split(6, dim=-1)  # of each token, from left to right
    for third in range(3):
        for head in range(4):
            assert torch.equal(parts[third][:, head], pieces[4 * third + head])


def test_the_size_of_a_new_stream_hardly_depends_on_the_depth(lesson):
    def grown(layers: int, scaled: bool) -> float:
        torch.manual_seed(0)
        net = lesson["GPT"](50, 16, 96, layers, 4)
        x = torch.randn(8, 16, 96) * 0.08  # as a token's and a position's vector
        with torch.no_grad():
            for name, weight in net.named_parameters():
                if not scaled and name.endswith(("out.weight", "feed.2.weight")):
                    weight *= math.sqrt(2 * layers)
            for block in net.blocks:
                x = block(x)
        return x.std().item()

    assert grown(32, scaled=True) == pytest.approx(grown(2, scaled=True), rel=0.1)
    assert grown(32, scaled=False) > 3 * grown(2, scaled=False)


@pytest.mark.parametrize("parts", [["model", "optimizer"], ["model"]])
def test_a_run_goes_on_as_if_it_had_not_stopped_if_both_states_are_loaded(
    lesson, parts
):
    lesson |= {"model": small(lesson), "tokens": torch.arange(600) % 50}
    lesson |= {"deepcopy": copy.deepcopy}
    lesson["model"].context = 64
    lesson["model"].positions = nn.Embedding(64, 24)
    run, again = lesson["new_run"](), lesson["new_run"]()
    lesson["advance"](run, 10)
    for name in parts:
        again[name].load_state_dict(copy.deepcopy(run[name].state_dict()))
    for each in (run, again):
        lesson["advance"](each, 3)
    gap = run["model"].embed.weight - again["model"].embed.weight
    assert (gap.abs().max() < 1e-6) == ("optimizer" in parts)


def test_with_dropout_a_run_goes_on_so_only_from_its_random_state(lesson):
    def advance(net: nn.Module) -> torch.Tensor:
        rows = torch.arange(17)[None]
        optimizer = torch.optim.SGD(net.parameters(), 0.1)
        return lesson["train_step"](net, rows[:, :-1], rows[:, 1:], optimizer)

    net, state = small(lesson, 0.5), torch.get_rng_state()
    first = advance(copy.deepcopy(net))
    assert advance(copy.deepcopy(net)) != first
    torch.set_rng_state(state)
    assert advance(copy.deepcopy(net)) == first


def test_a_cached_model_refuses_a_token_behind_its_last_position(lesson):
    net = with_cache(lesson, small(lesson))
    caches = [lesson["Cache"]() for _ in net.blocks]
    net(torch.arange(16)[None], caches)
    with pytest.raises(ValueError, match="17 tokens, but only 16 positions"):
        net(torch.zeros(1, 1, dtype=torch.long), caches)


def test_each_text_of_a_batch_is_drawn_from_its_own_scores(lesson):
    scores = torch.full((3, 50), -1e4)
    scores[torch.arange(3), torch.tensor([7, 0, 49])] = 0.0  # one token each is sure
    assert lesson["draw"](scores).tolist() == [[7], [0], [49]]


@pytest.mark.parametrize("training", [True, False])
def test_measuring_and_writing_drop_nothing_and_restore_the_mode(lesson, training):
    net = small(lesson, 0.5).train(training)
    held = torch.arange(40) % 50
    tokenizer = lesson["Tokenizer"]({})
    cached = with_cache(lesson, net).train(training)
    runs = [
        lambda: lesson["bits_per_byte"](net, held, tokenizer),
        lambda: lesson["cost"](net, held[:34].view(2, 17), 4, "left out"),
        lambda: lesson["write"](net, held[None, :3], 20).tolist(),
        lambda: lesson["write_cached"](cached, held[None, :3], 16).tolist(),
    ]
    for run in runs:
        assert run() == run()
        modules = (*net.modules(), *cached.modules())
        assert {module.training for module in modules} == {training}


def test_the_measure_is_the_same_in_any_batches(lesson):
    net, held, tokenizer = small(lesson), torch.arange(90) % 50, lesson["Tokenizer"]({})
    sizes: list[int] = []
    net.register_forward_pre_hook(lambda _, args: sizes.append(len(args[0])))
    found = [lesson["bits_per_byte"](net, held, tokenizer, batch=n) for n in (1, 4, 32)]
    assert found == pytest.approx([found[0]] * 3)
    assert sizes == [1] * 10 + [4, 4, 2] + [10]


def test_the_first_window_scores_tokens_33_to_64_the_second_65_to_96(lesson):
    torch.manual_seed(0)
    net = lesson["GPT"](100, 64, 24, 2, 4)
    scored: list[int] = []

    class Spelled:
        def __getitem__(self, token: int) -> bytes:
            scored.append(token)
            return b"a"

    tokenizer = SimpleNamespace(spelled=Spelled())
    lesson["bits_per_byte"](net, torch.arange(97), tokenizer)
    assert scored == [*range(33, 65), *range(65, 97)]


def test_a_batch_has_as_many_windows_as_asked_for(lesson):
    net = small(lesson)
    sizes: list[torch.Size] = []
    net.register_forward_pre_hook(lambda _, args: sizes.append(args[0].shape))
    for how in ({}, {"batch": 3}):
        lesson["train"](net, torch.arange(40), 1, **how)
    assert sizes == [(8, 16), (3, 16)]


def test_held_out_text_is_measured_every_so_many_steps(lesson, capsys):
    text, tokenizer = torch.arange(90) % 50, lesson["Tokenizer"]({})
    lesson["train"](small(lesson), text, 5, held=text, tokenizer=tokenizer, every=2)
    steps = re.findall(r"step (\d+):", capsys.readouterr().out)
    assert steps == ["2", "4"]


def test_training_goes_on_in_training_mode(lesson):
    net = small(lesson, 0.5).eval()
    lesson["train"](net, torch.arange(40), 1)
    assert net.training


def test_a_cache_ends_with_the_positions_and_writing_without_one_goes_on(lesson):
    net, prompt = small(lesson), torch.arange(3)[None]
    plain = lesson["write"](net, prompt, 24)
    assert plain.shape == (1, 24)
    net = with_cache(lesson, net)
    cached = lesson["write_cached"](net, prompt, 17)
    assert torch.equal(cached, plain[:, :17])
    with pytest.raises(ValueError, match="17 tokens, but only 16 positions"):
        lesson["write_cached"](net, prompt, 18)
    assert net.training
    again = lesson["write_cached"](net, cached[:, -8:], 12)  # half of them
    assert torch.equal(again[:, :8], cached[:, -8:])


def test_a_text_that_has_drawn_stop_writes_nothing_else(lesson):
    net, prompt = llama(lesson), torch.tensor([[1, 9], [2, 3], [4, 5]])
    drawn = iter(torch.tensor([[7, 8, 9], [6, 9, 5], [9, 4, 4], [8, 8, 8]])[..., None])
    written = lesson["write_cached"](net, prompt, 20, lambda _: next(drawn), stop=9)
    assert written[:, 2:].tolist() == [[7, 6, 9], [8, 9, 9], [9, 9, 9]]
    assert torch.equal(written[:, :2], prompt)
    assert next(drawn).flatten().tolist() == [8, 8, 8]  # nothing was drawn in vain


@pytest.mark.parametrize("kind", ["GPT", "Llama"])
def test_two_tokens_behind_a_filled_cache_are_refused_by_each_attention(lesson, kind):
    net, prompt = llama(lesson), torch.arange(3)
    if kind == "GPT":
        net = with_cache(lesson, small(lesson))
    caches = [lesson["Cache"]() for _ in net.blocks]
    lesson["write_cached"](net, prompt[None], 8, caches=caches)
    assert {len(cache) for cache in caches} == {7}
    part = net.blocks[0].attention
    with pytest.raises(ValueError, match="one token at a time"):
        part(torch.randn(1, 2, 24), caches[0])
    part(torch.randn(1, 2, 24), lesson["Cache"]())  # an empty one takes several


def test_a_new_llama_knows_nothing_either(lesson):
    torch.manual_seed(0)
    net = lesson["Llama"](512, 64, layers=5, heads=8, kv_heads=4, hidden=172)
    tokens = torch.randint(512, (4, 64))
    with torch.no_grad():
        loss = nn.functional.cross_entropy(net(tokens[:, :-1]).mT, tokens[:, 1:])
    assert abs(loss.item() - math.log(512)) < 1  # without draw_weights it is above 20


def llama(lesson: dict, tied: bool = True) -> nn.Module:
    torch.manual_seed(0)
    net = lesson["Llama"](50, 24, 2, tied, **SIZES)
    for weight in net.parameters():
        if weight.dim() == 2:
            nn.init.normal_(weight, std=0.3)  # so that the parts matter
    return net


@pytest.mark.parametrize("tied", [True, False])
def test_a_llama_with_a_cache_is_the_llama_without_one(lesson, tied):
    net, tokens = llama(lesson, tied).double(), torch.randint(50, (2, 12))
    caches = [lesson["Cache"]() for _ in net.blocks]
    prompt = net(tokens[:, :4], caches)  # in one pass
    each = [net(tokens[:, i : i + 1], caches) for i in range(4, 12)]
    # the speeds of `rotate` are single precision
    assert_close(torch.cat([prompt, *each], dim=1), net(tokens), rtol=1e-4, atol=1e-4)
    texts, width = 2, 2 * 24 // 6  # two heads of four numbers
    assert lesson["kept"](caches) == 2 * 2 * 12 * width * texts
    assert ("head.weight" in net.state_dict()) != tied


def test_dropout_of_a_llama_stands_behind_embedding_and_branches(lesson):
    tokens, x = torch.arange(12)[None], torch.randn(1, 12, 24)
    torch.manual_seed(0)
    net = lesson["Llama"](50, 24, 2, dropout=0.5, **SIZES)
    block = net.blocks[0]
    for branch in (block.attention, block.feed):
        with torch.no_grad():
            weight = dict(branch.named_parameters())
            silent = "out.weight" if branch is block.attention else "down.weight"
            kept = weight[silent].clone()
            weight[silent].zero_()  # what is left varies by the other branch
            assert varies(lambda h: block(h, lesson["Cache"]()), x)
            weight[silent].copy_(kept)
    assert not varies(lambda h: block.attention(h, lesson["Cache"]()), x)
    net.blocks.eval()
    assert varies(net, tokens)  # behind the embedding
    net.eval()
    assert not varies(net, tokens)
    plain = lesson["Llama"](50, 24, 2, **SIZES)
    plain.load_state_dict(net.state_dict())
    assert torch.equal(plain(tokens), net(tokens))  # in training, and without any


def test_the_number_of_heads_leaves_no_trace_in_the_number_of_parameters(lesson):
    def number(heads: int, kv_heads: int) -> int:
        sizes = {"heads": heads, "kv_heads": kv_heads, "hidden": 1536}
        return parameters(lesson["Llama"](100, 576, 1, **sizes))

    with torch.device("meta"):
        assert number(9, 3) == number(18, 6) != number(9, 9)


def test_a_llama_must_be_told_where_its_new_token_stands(lesson):
    block, x = llama(lesson).blocks[0], torch.randn(1, 6, 24)
    cache, moved, whole = (lesson["Cache"]() for _ in range(3))
    block(x[:, :5], cache)
    part = block.attention
    q = part.split(part.q(block.norm1(x[:, 5:])))
    wrong, right = lesson["rotate"](q), lesson["rotate"](q, 5)
    assert (wrong - right).abs().max() > 0.01
    last = block(x, whole)[:, 5:]
    assert_close(block(x[:, 5:], cache), last)
    assert (block(x[:, 5:], moved) - last).abs().max() > 0.01


def test_llamas_from_published_configurations(lesson):
    memory: dict[str, int] = {}
    for name, (number, *sizes) in lesson["PUBLISHED"].items():
        with torch.device("meta"):
            config = dict(zip(lesson["ENTRIES"], sizes, strict=True))
            net = lesson["from_config"](config)
            caches = [lesson["Cache"]() for _ in net.blocks]
            net(torch.zeros(1, 1000, dtype=torch.long), caches)
        memory[name] = 2 * lesson["kept"](caches)
        d, layers, heads, kv_heads = sizes[1:5]
        assert memory[name] == 2 * 2 * layers * 1000 * kv_heads * d // heads
        assert parameters(net) == number
    rounded = [round(size / 1e6) for size in memory.values()]
    assert rounded == [23, 33, 524, 131, 131]
    assert memory["Llama 2 7B"] == 4 * memory["Llama 3 8B"]
    assert round(memory["Llama 2 7B"] * 4.096 / 1e9, 1) == 2.1
    assert round(2 * lesson["PUBLISHED"]["Llama 2 7B"][0] / 1e9, 1) == 13.5


def test_llamas_parts_were_compared_at_a_fifty_thousandth_of_its_size():
    found = load_experiment("modern_parts").rows[0]["parameters"]
    assert round(6_738_415_616 / found, -4) == 50_000


def test_behind_a_lone_space_stand_pieces_of_words(lesson):
    text = load_text()
    tokenizer = lesson["Tokenizer"](lesson["learn_merges"](text.train, 256))
    tokens = tokenizer.encode(text.train)
    spelled = [tokenizer.spelled[token] for token in tokens]
    after = [b for a, b in pairwise(spelled) if a == b" "]
    pieces = sum(not piece.startswith(b" ") for piece in after)
    assert round(10 * pieces / len(after)) == 8
    spaced = {b" class", b" function", b" string"}
    assert spaced <= {b for a, b in pairwise(spelled) if a == b" the"}


def test_without_the_shift_a_model_learns_to_copy_in_100_steps(lesson):
    torch.manual_seed(0)
    net = lesson["GPT"](512, 64, 96, 2, 4)
    optimizer = torch.optim.AdamW(net.parameters(), 0.006)
    for _ in range(100):
        x = torch.randint(512, (8, 64))
        loss = lesson["train_step"](net, x, x, optimizer)
    assert loss < 0.05
    written = lesson["write"](net, x[:1, :4], 12)[0, 3:]
    assert written.unique().numel() == 1


def test_keys_change_when_the_window_slides(lesson):
    net, tokens = with_cache(lesson, small(lesson)), torch.arange(17)[None]
    caches = [[lesson["Cache"]() for _ in net.blocks] for _ in range(2)]
    net(tokens[:, :16], caches[0])
    net(tokens[:, 1:], caches[1])
    for before, after in zip(*caches, strict=True):
        moved = (before.k[:, :, 1:] - after.k[:, :, :-1]).abs().amax(dim=(0, 1, 3))
        assert moved.min() > 1e-4


def test_without_its_check_only_attention_fails_behind_the_last_position(lesson):
    token, table = torch.zeros(1, 1, 4), torch.zeros(64, 4)
    assert (token + table[64:65]).shape == (1, 0, 4)
    with pytest.raises(RuntimeError, match="cannot reshape tensor of 0 elements"):
        lesson["Attention"](4, 2)(token + table[64:65])


def test_the_mask_of_several_tokens_behind_a_cache():
    from torch.nn.attention.bias import causal_lower_right

    q, k = torch.randn(1, 1, 2, 8), torch.randn(1, 1, 6, 8)
    attend = nn.functional.scaled_dot_product_attention
    whole = attend(torch.cat([k[:, :, :4], q], dim=2), k, k, is_causal=True)
    found = attend(q, k, k, attn_mask=causal_lower_right(2, 6))
    assert_close(found, whole[:, :, 4:])


def test_rms_norm_is_torchs(lesson):
    x, mine, theirs = torch.randn(4, 7), lesson["RMSNorm"](7), nn.RMSNorm(7, eps=1e-5)
    mine.load_state_dict(theirs.state_dict())
    assert_close(mine(x), theirs(x))


def test_rms_norm_of_halves_squares_in_single_precision(lesson):
    x = torch.full((2, 8), 300.0).half()
    assert x.square().isinf().all()
    y = lesson["RMSNorm"](8).half()(x)
    assert y.dtype == torch.float16
    assert_close(y, torch.ones_like(y))


def test_a_llama_runs_in_bfloat16(lesson):
    net, tokens = llama(lesson), torch.randint(50, (2, 12))
    scores = net(tokens)
    halved = net.bfloat16()(tokens)
    assert halved.dtype == torch.bfloat16
    assert (halved - scores).abs().mean() < 0.05 * scores.abs().mean()


def test_a_swiglu_of_two_thirds_has_the_weights_of_the_wider_layer(lesson):
    d = 96
    assert parameters(lesson["SwiGLU"](d, 256)) == 8 * d**2


def test_rotary_scores_depend_on_the_distance_alone(lesson):
    q, k = torch.randn(2, 1, 16).double()
    pairs = [(1, 3), (100, 102), (900, 902)]
    rotate = lesson["rotate"]
    scores = [(rotate(q, a) @ rotate(k, b).T).item() for a, b in pairs]
    assert scores == pytest.approx([scores[0]] * 3, abs=1e-3)
    one = torch.tensor([[1.0, 0.0]]).double()
    for a, b in pairs[:2]:
        product = (rotate(one, a) @ rotate(one, b).T).item()
        assert product == pytest.approx(math.cos(2), abs=1e-5)


def test_the_arrows_of_the_diagram_are_turned_as_rotate_turns_them(lesson):
    drawn = re.findall(r'"line go" d="M(\S+) (\S+)L(\S+) (\S+)"', diagram("rotary"))
    found = []
    for x0, y0, x1, y1 in (map(float, arrow) for arrow in drawn):
        found.append(math.atan2(y0 - y1, x1 - x0))
    ones = torch.tensor([[1.0] * 4 + [0.0] * 4])  # four arrows to the right
    turned = {n: lesson["rotate"](ones, n)[0] for n in (1, 3, 100, 102)}
    angles = {n: torch.atan2(t[4:], t[:4]).tolist() for n, t in turned.items()}
    pairs = [angles[n][0] for n in (1, 3, 100, 102)]
    assert found == pytest.approx([*angles[3], *pairs], abs=0.02)


def diagram(name: str) -> str:
    return load_diagram(name).drawing


def test_the_two_blocks_of_the_diagram_are_the_lessons(lesson):
    torch.manual_seed(0)
    mine = lesson["Block"](24, 4), lesson["LlamaBlock"](24, 4, 2, 40, 10_000)
    for block in mine:
        for parameter in block.parameters():
            nn.init.normal_(parameter, std=0.4)
    x = torch.randn(2, 5, 24)

    def operation(shape, parts):
        block, left = mine[shape.box[0] > 360], shape.box[0] % 356 < 180
        name = shape.label.split()[0]
        if name == "+":
            return sum(parts)
        if name.endswith("Norm"):
            norm = block.norm1 if left else block.norm2
            assert type(norm).__name__ == name
            return norm(parts[0])
        if name == "feed":
            assert ("SwiGLU" in shape.label) == isinstance(block.feed, lesson["SwiGLU"])
            return block.feed(parts[0])
        cache = [lesson["Cache"]()] if block is mine[1] else []
        return block.attention(parts[0], *cache)

    gpt, modern = Drawing("llama").outputs({"x": x}, operation)
    assert_close(gpt, mine[0](x))
    assert_close(modern, mine[1](x, lesson["Cache"]()))


def test_heads_read_those_under_them_in_the_diagram():
    boxes = re.findall(
        r'class="(plain|card)" x="(\S+)" y="\S+" width="(\S+)"', diagram("groups")
    )
    spans = [(kind, float(x), float(x) + float(width)) for kind, x, width in boxes]
    shared = [s for s in spans if s[0] == "card" and s[1] > 380]
    heads = [s for s in spans if s[0] == "plain" and s[1] > 380]
    assert (len(heads), len(shared)) == (4, 2)
    group = [
        next(k for k, s in enumerate(shared) if s[1] <= h[1] < s[2]) for h in heads
    ]
    assert group == torch.arange(2).repeat_interleave(2).tolist()


def test_rotary_of_the_exercise_the_page_and_the_script_agree(lesson):
    x = torch.randn(6, 8)
    assert_close(lesson["rotate"](x, 3), ROTARY.reference(x, 3))
    assert_close(language.rotate(x, 3), ROTARY.reference(x, 3))


def test_the_sampling_numbers_of_the_text(lesson):
    p = torch.tensor([0.5, 0.25, 0.15, 0.07, 0.03])

    def narrowed(p, **how):  # as in the lesson, from scores
        return lesson["narrowed"](p.log(), **how)

    colder = narrowed(p, temperature=0.5)
    assert [round(v, 2) for v in colder.tolist()] == [0.73, 0.18, 0.07, 0.01, 0.0]
    assert_close(narrowed(p, k=2), torch.tensor([2 / 3, 1 / 3, 0, 0, 0]))
    assert narrowed(p, top_p=0.8).count_nonzero() == 3
    assert_close(narrowed(p), p)
    # Top-p first: a half is not enough for 0.6. Of the two left by top-k it would be.
    assert narrowed(p, k=2, top_p=0.6).count_nonzero() == 2


def test_each_row_of_a_batch_is_narrowed_by_itself(lesson):
    scores, how = torch.randn(3, 4, 9), {"temperature": 0.7, "k": 4, "top_p": 0.8}
    rows = [lesson["narrowed"](row, **how) for row in scores.flatten(0, 1)]
    together = lesson["narrowed"](scores, **how)
    assert_close(together, torch.stack(rows).view_as(scores))
    assert len(set((together > 0).sum(-1).flatten().tolist())) > 1


def probabilities(tables, mix, context: bytes) -> list[float]:
    found = []
    for byte in range(256):
        p = 1 / 256
        for length, table in enumerate(tables):
            before = context[len(context) - length :]
            if before not in table.after:
                break
            p = mix(table, before, byte, p)
        found.append(p)
    return found


@pytest.mark.parametrize("kind", ["fixed", "witten_bell", "kneser_ney"])
@pytest.mark.parametrize("context", [b"the", b"q!z", b"alu"])
def test_the_probabilities_of_a_table_add_up_to_one(kind, context):
    text = load_text().validation.encode()[:8000]
    raw = [language.count(text, order) for order in range(1, 5)]
    kinds = [longer.shorter() for longer in raw[1:]] + raw[-1:]
    mix = language.fixed(0.7) if kind == "fixed" else getattr(language, kind)
    tables = kinds if kind == "kneser_ney" else raw
    assert sum(probabilities(tables, mix, context)) == pytest.approx(1)


def test_witten_bell_holds_back_as_the_text_says():
    once = language.Table({b"": Counter({97: 1})})
    often = language.Table({b"": Counter({97: 90, 98: 8})})
    assert language.witten_bell(once, b"", 0, 1.0) == 0.5
    assert language.witten_bell(often, b"", 0, 1.0) == pytest.approx(2 / 100)


def test_networks_of_the_experiment_have_about_equally_many_parameters():
    rows = load_experiment("language").rows
    counts = {r["parameters"] for r in rows if r["model"] != "n-gram"}
    assert max(counts) / min(counts) < 1.05


def test_parameters_of_a_row_count_all_tables_up_to_its_order():
    text = load_text().train.encode()
    sizes = [
        sum(map(len, language.count(text, order).after.values())) for order in (1, 2, 3)
    ]
    row = load_experiment("language").select(model="n-gram", order=3)[0]
    assert sum(sizes) == pytest.approx(row["parameters"], rel=0.05)
    assert sizes[-1] < 0.9 * row["parameters"]


def test_tables_get_better_with_each_order_up_to_seven():
    rows = load_experiment("language").select(model="n-gram")
    tests = [row["test"] for row in rows]
    assert tests == sorted(tests, reverse=True)
    assert {row["chosen"] for row in rows} == {"Kneser-Ney"}


def tried(model: str, seconds: int) -> list:
    """Return the rows of one length by which a setting was chosen."""
    rows = load_experiment("language").select(model=model, seconds=seconds)
    return [row for row in rows if "seed" not in row]


def chosen(rows: list, setting: str) -> float:
    return min(rows, key=lambda row: row["validation"])[setting]


@pytest.mark.parametrize("model", ["LSTM", "GPT"])
def test_rate_and_dropout_were_chosen_on_validation_and_not_at_the_edge(model):
    short, long = tried(model, 20), tried(model, 240)
    rows = load_experiment("language").select(model=model)
    final = [row for row in rows if "seed" in row]
    assert len(final) == 3
    assert {row["rate"] for row in (*long, *final)} == {chosen(short, "rate")}
    assert {row["dropout"] for row in final} == {chosen(long, "dropout")}
    rates = {row["rate"] for row in short}
    assert min(rates) < chosen(short, "rate") < max(rates)
    assert not any("test" in row for row in (*short, *long))


@pytest.mark.parametrize(("model", "passes"), [("LSTM", (25, 29)), ("GPT", (18, 20))])
def test_the_runs_of_the_table_made_as_many_passes_as_the_text_says(model, passes):
    epochs = [round(row["epochs"]) for row in tried(model, 240)]
    assert (min(epochs), max(epochs)) == passes


@pytest.mark.nightly
def test_the_short_run_needs_no_dropout(lesson):
    text = load_text()
    tokenizer = lesson["Tokenizer"](lesson["learn_merges"](text.train, 256))
    tokens = torch.tensor(tokenizer.encode(text.train))
    held = torch.tensor(tokenizer.encode(text.validation))
    reached = {}
    for dropout in (0.0, 0.1):
        torch.manual_seed(0)
        net = lesson["GPT"](512, 64, 96, 2, 4, dropout)
        lesson["train"](net, tokens, 1500)
        reached[dropout] = lesson["bits_per_byte"](net, held, tokenizer)
    assert reached[0.0] == pytest.approx(2.01, abs=0.05)
    assert reached[0.1] == pytest.approx(2.2, abs=0.06)


def test_each_gpt_beats_the_best_table_by_a_tenth_of_a_bit():
    rows = load_experiment("language").rows
    table = min(row["test"] for row in rows if row["model"] == "n-gram")
    tests = [row["test"] for row in rows if row["model"] == "GPT" and "seed" in row]
    assert max(tests) < table - 0.1


def test_each_row_of_modern_parts_has_its_own_rate_and_three_seeds():
    rows = load_experiment("modern_parts").rows
    assert rows[0]["exchanged"] == "none"
    assert all(len(row["validation"]) == 3 and row["rate"] for row in rows)


def test_of_modern_parts_only_rotary_lowers_the_loss_beyond_the_seeds():
    rows = load_experiment("modern_parts").rows
    found = {row["exchanged"]: row["validation"] for row in rows}
    plain, rotary, every = found["none"], found["rotary"], found["all four"]
    assert max(every) < min(plain) and max(rotary) < min(every)
    assert [round(v, 2) for v in (min(every), max(every))] == [2.33, 2.37]
    for name in set(found) - {"none", "rotary", "all four"}:
        assert max(found[name]) > min(plain)


def neighbours_turned(x: torch.Tensor) -> torch.Tensor:
    """Rotary positions as llama.cpp has them: numbers 2i and 2i + 1 are a pair."""
    length, size = x.shape[-2:]
    speeds = 10_000 ** (-torch.arange(0, size, 2) / size)
    angle = torch.arange(length)[:, None] * speeds
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * torch.polar(torch.ones(()), angle)).flatten(-2)


def test_a_llama_with_neighbours_paired_needs_its_rows_reordered(lesson):
    torch.manual_seed(0)
    block = lesson["LlamaBlock"](16, 4, 2, 24, 10_000)
    x, part = torch.randn(2, 7, 16), block.attention
    h = block.norm1(x)
    q, k, v = (part.split(linear(h)) for linear in (part.q, part.k, part.v))
    k, v = (t.repeat_interleave(2, dim=1) for t in (neighbours_turned(k), v))
    mixed = nn.functional.scaled_dot_product_attention(
        neighbours_turned(q), k, v, is_causal=True
    )
    attended = x + part.out(mixed.transpose(1, 2).flatten(2))
    expected = attended + block.feed(block.norm2(attended))
    assert not torch.allclose(block(x, lesson["Cache"]()), expected, atol=1e-3)
    for linear in (part.q, part.k):
        linear.weight.data = lesson["halves"](linear.weight.data, 4)
    assert_close(block(x, lesson["Cache"]()), expected)
    rows = torch.arange(8.0)[:, None]
    assert lesson["halves"](rows, 4).flatten().tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_the_base_of_the_rotary_speeds_reaches_queries_and_keys(lesson):
    block, x = llama(lesson).blocks[0], torch.randn(1, 6, 24)
    before, rotate = block(x, lesson["Cache"]()), lesson["rotate"]
    block.attention.base = 100_000
    assert not torch.allclose(block(x, lesson["Cache"]()), before)
    row = torch.randn(6, 8)
    assert_close(rotate(row, 3, 10_000), rotate(row, 3))
    moved = (rotate(row, 3) - rotate(row, 3, 100_000)).abs().amax(0)
    assert moved.gt(1e-6).tolist() == 2 * [False, True, True, True]  # all but one pair
    # the slowest of four pairs: 3/4 of the way from speed 1 to one over the base
    last = torch.tensor([[0.0, 0, 0, 1, 0, 0, 0, 0]])
    assert rotate(last, 500, 1e4)[0, 3].item() == pytest.approx(math.cos(0.5), abs=1e-5)
    slow = math.cos(500 * 1e5**-0.75)
    assert rotate(last, 500, 1e5)[0, 3].item() == pytest.approx(slow, abs=1e-5)


def test_base_and_context_are_arguments_of_a_llama(lesson):
    net = lesson["Llama"](50, 24, 2, context=9, base=500, **SIZES)
    assert {block.attention.base for block in net.blocks} == {500}
    plain = lesson["Llama"](50, 24, 2, **SIZES)
    assert {block.attention.base for block in plain.blocks} == {10_000}
    read: list[int] = []
    net.register_forward_pre_hook(lambda _, args: read.append(args[0].shape[1]))
    lesson["write"](net, torch.zeros(1, 7, dtype=torch.long), 12)
    assert read == [7, 8, 9, 9, 9]
    assert plain.context == 8192


def test_the_file_that_the_lesson_saves_runs_alone(tmp_path):
    cells = [cell.source for cell in code_cells(read(LESSONS[12]))]
    file = tmp_path / "llama.py"
    assert save_llama(cells)(file) == len(file.read_text("utf-8").splitlines())
    own = run_path(str(file))  # in a namespace of its own
    torch.manual_seed(0)
    net = own["Llama"](50, 24, 2, context=16, **SIZES)
    text = torch.arange(400) % 50
    losses = own["train"](net, text, 120)
    assert losses[-1] < losses[0] / 2
    tokenizer = SimpleNamespace(spelled=[b"a"] * 50)
    assert own["bits_per_byte"](net, text, tokenizer) < 1
    for way in ("write", "write_cached"):
        assert own[way](net, text[None, :4], 16)[0, -1] == 15
    greedy = partial(own["draw"], k=1)
    assert own["write_cached"](net, text[None, :4], 16, greedy)[0, -1] == 15
    coder = own["Tokenizer"](own["learn_merges"](SAMPLE * 3, 20))
    assert coder.decode(coder.encode(SAMPLE)) == SAMPLE


def test_running_the_file_prints_nothing(tmp_path, capsys):
    save_llama([cell.source for cell in code_cells(read(LESSONS[12]))])(
        tmp_path / "llama.py"
    )
    run_path(str(tmp_path / "llama.py"))
    assert capsys.readouterr().out == ""


def test_the_file_holds_the_cells_as_they_ran_last(tmp_path):
    cells = [cell.source for cell in code_cells(read(LESSONS[12]))]
    (norm,) = [cell for cell in cells if cell.startswith("class RMSNorm")]
    mine = "# mine\n" + norm.replace("1e-5", "1e-6")
    save_llama([*cells, mine])(tmp_path / "llama.py")
    text = (tmp_path / "llama.py").read_text(encoding="utf-8")
    assert text.count("class RMSNorm") == 1 and "eps=1e-6" in text


def save_llama(ran: list[str]) -> Callable:
    """Return the lesson's function, as it is where these cells have run.

    Only cells that define something are run: they begin as DEFINES says.
    """
    scope = {"torch": torch, "nn": nn, "F": nn.functional, "Path": Path}
    scope |= {"contextmanager": contextmanager}
    scope |= {"inspect": inspect, "linecache": linecache}
    for number, source in enumerate(ran):
        if not re.match(DEFINES, source):
            continue
        name = f"<cell {number}>"  # IPython keeps each cell like this
        linecache.cache[name] = len(source), None, source.splitlines(True), name
        with contextlib.suppress(NameError):  # what follows a definition in its cell
            exec(compile(source, name, "exec"), scope)
    return scope["save_llama"]


def test_weight_decay_shrinks_the_parameters_by_less_than_a_twentieth():
    weight = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([weight], 0.006)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.006, total_steps=1500, pct_start=0.1, cycle_momentum=False
    )
    left = 1.0
    for _ in range(1500):
        left *= 1 - optimizer.param_groups[0]["lr"] * 0.01
        optimizer.step()
        schedule.step()
    assert 0.95 < left < 0.97
    assert torch.optim.AdamW([weight]).defaults["weight_decay"] == 0.01


@pytest.fixture(scope="module")
def chat(lesson) -> nn.Module:
    """SmolLM2 in the lesson's class, as it is before the repairs."""
    smol = load_smollm()
    if smol is None:
        pytest.skip("SmolLM2-135M-Instruct is not on this machine")
    lesson |= {"smol": smol, "device": torch.device("cpu")}
    return loaded(lesson, weights(lesson))


def weights(lesson: dict) -> dict:
    named = lesson["smol"].weights.items()
    return {lesson["renamed"](name, lesson["SMOLLM_NAMES"]): w for name, w in named}


def loaded(lesson: dict, own: dict) -> nn.Module:
    with torch.device("meta"):
        net = lesson["from_config"](lesson["smol"].config)
    net.load_state_dict(own, assign=True)
    return net


@pytest.fixture(scope="module")
def repaired(lesson, chat) -> nn.Module:
    """SmolLM2 with its rows in order and with its own base."""
    own = weights(lesson)
    for name in own:
        if name.endswith(("q.weight", "k.weight")):
            own[name] = lesson["halves"](own[name], 576 // 9)
    fixed = from_the_lesson("def from_config")  # the second one, with the base
    fixed |= {name: lesson[name] for name in ("Llama", "ENTRIES", "smol")}
    return loaded(fixed, own)


FRANCE = "What is the capital of France?"


def said(lesson: dict, net: nn.Module, question: str, new: int = 24) -> str:
    return lesson["answer"](net, lesson["asked"](question), new)


def test_the_published_configuration_is_that_of_the_table(lesson, chat):
    config = lesson["smol"].config
    number, *sizes = lesson["PUBLISHED"]["SmolLM2 135M"]
    assert [config[entry] for entry in lesson["ENTRIES"]] == sizes
    assert parameters(chat) == number
    assert (config["rope_theta"], round(config["rms_norm_eps"], 9)) == (1e5, 1e-5)
    assert len(lesson["smol"].encode(lesson["asked"](FRANCE))) == 37
    assert len(lesson["smol"].encode("The capital of France is")) == 5


def test_paris_is_likeliest_with_and_without_the_repairs(lesson, chat, repaired):
    for net in (chat, repaired):
        assert " Paris, " in lesson["likeliest"](net, "The capital of France is")[:12]
    assert "Paris" not in said(lesson, chat, FRANCE)
    assert said(lesson, repaired, FRANCE) == "The capital of France is Paris."


def test_with_the_lessons_base_it_answers_in_french(lesson, repaired):
    for block in repaired.blocks:
        block.attention.base = 10_000
    french, best = said(lesson, repaired, FRANCE), lesson["five_best"](repaired)
    for block in repaired.blocks:
        block.attention.base = 100_000
    assert french.count("Paris, la capital de la fem") == 2
    # the comparison of scores tells it, too
    assert (best - lesson["theirs"]).abs().max() > 0.1


def test_the_scores_are_those_of_another_implementation(lesson, repaired):
    torch.testing.assert_close(
        lesson["five_best"](repaired), lesson["theirs"], rtol=0, atol=1e-3
    )


def test_it_needs_half_the_bits_of_the_tables(lesson, repaired):
    lesson["text"], repaired.context = load_text(), 256
    assert 0.9 < lesson["start_of_test"](repaired, lesson["smol"]) < 0.98


def test_one_answer_of_three_is_right_and_all_are_fluent(lesson, repaired):
    australia, titanic, linear = (
        said(lesson, repaired, question) for question in lesson["QUESTIONS"]
    )
    assert australia == "The capital of Australia is Canberra."
    assert titanic.startswith("The Titanic sank in ") and "1912" not in titanic
    assert "block cod" in linear


def test_the_cache_changes_no_token_of_an_answer(lesson, repaired):
    ids = torch.tensor([lesson["smol"].encode(lesson["asked"](FRANCE))])
    ways = lesson["write"], lesson["write_cached"]
    plain, cached = (way(repaired, ids, 44) for way in ways)
    assert torch.equal(plain, cached)
