"""A small published language model: its weights, its tokens, and where they lie."""

import struct
import sys
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from course_utils.data.download import check_online, download
from course_utils.data.fashion import download_root, given_roots
from course_utils.data.idx import verify
from course_utils.errors import CourseError

# stories260K by Andrej Karpathy (MIT licence), trained on TinyStories; its page:
# github.com/karpathy/llama2.c/blob/master/doc/stories260K.md
SERVER = (
    "https://huggingface.co/karpathy/tinyllamas/resolve/"
    "0bd21da7698eaf29a0d7de3992de8a46ef624add/stories260K/"
)
CHECKSUMS = {
    "stories260K.bin": (
        "b0a507e7ad0f626624f17112325e66691f9076d622e1d3274d103d00299f2696"
    ),
    "tok512.bin": "037cb335abb25d1fa9e8ecae30ed2a3a8ace9302862ebcdc05d51a6bbb10c312",
}
FOLDER = "tinyllamas"  # below COURSE_DATA or below the folder for downloads


class Stories(NamedTuple):
    """A published language model.

    Attributes:
        weights: one float32 tensor by its name in Meta's Llama checkpoints.
        heads: heads of queries in each block.
        kv_heads: heads of keys and of values in each block.
        tokens: the bytes that each token stands for; none for 0 to 2, the unknown
            token, the begin token and the end token.

    >>> Stories({"norm.weight": torch.ones(64)}, 8, 4, [b"", b" once"])
    Stories(64 weights, 2 tokens)
    """

    weights: dict[str, Tensor]
    heads: int
    kv_heads: int
    tokens: list[bytes]

    def __repr__(self) -> str:
        numbers = sum(weight.numel() for weight in self.weights.values())
        return f"Stories({numbers:,} weights, {len(self.tokens)} tokens)"


def load_stories() -> Stories | None:
    """Load stories260K, a Llama with 260,032 parameters that writes small stories.

    Its two files (1 MB) are taken from `tinyllamas/` below the folder that COURSE_DATA
    names, or below `data/` of the checkout, where they are downloaded to once.

    Returns:
        The model, or None with a notice on stderr where there is neither a copy nor
        a network. COURSE_OFFLINE=1 leaves the download out.

    Raises:
        CourseError: a file is damaged.

    >>> stories = load_stories()
    >>> stories is None or len(stories.tokens) == 512
    True
    """
    folder = _find()
    if folder is None:
        folder = download_root() / FOLDER
        try:
            _fetch(folder)
        except CourseError as problem:
            print(
                f"The weights of stories260K are not on this machine, and {problem}. "
                f"To use them, put {' and '.join(CHECKSUMS)} from "
                "huggingface.co/karpathy/tinyllamas (stories260K) into "
                f"{folder}.",
                file=sys.stderr,
            )
            return None
    return read_stories(*(_read(folder / name) for name in CHECKSUMS))


def read_stories(model: bytes, tokenizer: bytes) -> Stories:
    """Read llama2.c's two files: seven numbers and the weights; the tokens' bytes.

    The layout is that of `run.c` and `tokenizer.py` in github.com/karpathy/llama2.c.
    """
    d, hidden, layers, heads, kv_heads, vocabulary, _ = struct.unpack_from("7i", model)
    keys = d // heads * kv_heads
    each = {  # of every block, in the file's order
        "attention_norm": (d,),
        "attention.wq": (d, d),
        "attention.wk": (keys, d),
        "attention.wv": (keys, d),
        "attention.wo": (d, d),
        "ffn_norm": (d,),
        "feed_forward.w1": (hidden, d),
        "feed_forward.w2": (d, hidden),
        "feed_forward.w3": (hidden, d),
    }
    shapes = {"tok_embeddings.weight": (vocabulary, d)}
    for name, shape in each.items():  # a kind of weight for all blocks, then the next
        shapes |= {f"layers.{i}.{name}.weight": shape for i in range(layers)}
    shapes |= {"norm.weight": (d,)}
    numbers = torch.frombuffer(bytearray(model), dtype=torch.float32, offset=28)
    weights, start = {}, 0
    for name, shape in shapes.items():
        end = start + torch.Size(shape).numel()
        weights[name] = numbers[start:end].view(shape).clone()
        start = end
    return Stories(weights, heads, kv_heads, _tokens(tokenizer, vocabulary))


def _tokens(content: bytes, count: int) -> list[bytes]:
    tokens, start = [], 4  # behind the length of the longest token
    for _ in range(count):
        _, length = struct.unpack_from("fi", content, start)  # a score, a length
        start += 8
        piece = content[start : start + length]
        if piece.startswith(b"<0x"):  # one byte, written as "<0x0A>"
            piece = bytes([int(piece[3:5], 16)])
        tokens.append(piece)
        start += length
    return [b"", b"", b"", *tokens[3:]]


def _find() -> Path | None:
    """Return the first folder that holds both files."""
    for root in (*given_roots(), download_root()):
        if all((root / FOLDER / name).is_file() for name in CHECKSUMS):
            return root / FOLDER
    return None


def _fetch(folder: Path) -> None:
    check_online()
    for name, checksum in CHECKSUMS.items():
        download(SERVER + name, folder / name, checksum)


def _read(path: Path) -> bytes:
    content = path.read_bytes()
    try:
        verify(content, CHECKSUMS[path.name])
    except ValueError as problem:
        raise CourseError(
            f"{path} is damaged: {problem}. Delete it, and it is downloaded again."
        ) from None
    return content
