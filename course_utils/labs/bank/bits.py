"""Lab D: the fewest bits for each byte of held-out text, within two CPU minutes.

A recipe is handed in, and trains where no other text can be reached. What it returns
is asked for one byte after another, and is never sent a byte before it was predicted.
"""

import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor, nn

from course_utils.data.text import load_topics, new_paragraphs
from course_utils.exercises.guard import OutOfTime
from course_utils.labs.model import Curve, Item, Lab, Score, Task
from course_utils.labs.returned import Unfit, tensor_of
from course_utils.labs.work import Work

PASSAGES, GIVEN, LENGTH = 16, 16, 1_000
BYTES, GUESSED = 256, 8.0  # bits of a byte that is guessed, or not predicted in time
CPU_SECONDS = 120
MOST_BYTES = 8_000  # of a recipe: tables that were learnt elsewhere do not fit in
_LEAST, _MOST = GIVEN + LENGTH, 15_000  # characters of a topic that may be held out
_LATER, _HARDEST_OF = LENGTH // 2, PASSAGES // 4
# From the bits that are worth nothing to those that are worth all points.
_ALL_FROM, _ALL_TO = 2.6, 1.6
_LATER_FROM, _LATER_TO = 2.6, 1.6
_HARDEST_FROM, _HARDEST_TO = 2.9, 2.0
_EVERYWHERE = Item(
    "everywhere",
    12,
    "Bits per byte of 16 hidden passages of 1,000 bytes: 2.6 give nothing, 1.6 all "
    "points.",
)
_LATE = Item(
    "later",
    4,
    "The same for the second half of each passage, of which the first half is known: "
    "2.6 give nothing, 1.6 all points.",
)
_HARD = Item(
    "hardest",
    4,
    "The same for the four passages that cost most: 2.9 give nothing, 2.0 all points.",
)


@dataclass(frozen=True)
class Drawn:
    """What one measurement is made with, all its bytes renamed in the same way.

    Attributes:
        text: for training, (N,), bytes.
        passages: of topics that the text holds nothing of, (16, 1016), bytes.
    """

    text: Tensor
    passages: Tensor


def drawn(work: Work) -> Drawn:
    """Draw topics that are held out, a passage of each, and names for the bytes.

    Raises:
        CourseError: this Python comes without its reference text.

    >>> drawn(Work(None)).passages.shape
    torch.Size([16, 1016])
    """
    topics = load_topics()
    g = work.generator("bits", "text")
    names = sorted(n for n, text in topics.items() if _LEAST <= len(text) <= _MOST)
    order = iter(torch.randperm(len(names), generator=g).tolist())
    seen: set[str] = set()
    held_out, passages = set(), []
    while len(passages) < PASSAGES:
        name = names[next(order)]
        held_out.add(name)
        # Less than there was, where topics quote each other.
        left = new_paragraphs(topics, [name], seen).encode()
        if len(left) >= _LEAST:
            passages.append(_passage(left, g))
    training = sorted(topics.keys() - held_out)
    text = _tensor(new_paragraphs(topics, training, seen).encode())
    new_names = torch.randperm(BYTES, generator=g).byte()
    return Drawn(new_names[text.long()], new_names[torch.stack(passages).long()])


def _passage(text: bytes, g: Generator) -> Tensor:
    """Draw a passage that begins with a paragraph."""
    starts = [0, *(found.end() for found in re.finditer(b"\n\n", text))]
    starts = [start for start in starts if start + _LEAST <= len(text)]
    start = starts[int(torch.randint(len(starts), (), generator=g))]
    return _tensor(text[start : start + _LEAST])


def _tensor(text: bytes) -> Tensor:
    return torch.frombuffer(bytearray(text), dtype=torch.uint8)


def _train(work: Work) -> Iterator[Score | Curve]:
    return _measured(work, drawn(work))


def _measured(work: Work, data: Drawn) -> Iterator[Score | Curve]:
    """Measure the bits that a byte takes under what a recipe learns to predict."""
    size = len(work.source.encode())
    if size > MOST_BYTES:
        raise Unfit(f"the cell has {size:,} bytes, over {MOST_BYTES:,}.")
    bits = torch.full((LENGTH, PASSAGES), GUESSED, dtype=torch.float64)
    begun, done, stopped = time.process_time(), 0, None
    try:
        for place, scores in enumerate(_predicted(work, data)):
            # Where the code runs elsewhere, this clock stands nearly still: there it is
            # stopped from outside.
            if time.process_time() - begun > CPU_SECONDS:
                break
            bits[place] = _bits(scores, data.passages[:, GIVEN + place])
            done = place + 1
    except OutOfTime as error:  # what came before counts
        stopped = error
    yield from _scores(bits, done)
    by_place = bits.view(10, -1).mean(dim=1).tolist()
    title = "Bits per byte, by place in the passage"
    yield Curve(title, "hundreds of bytes", {"bits per byte": by_place})
    hardest_first = bits.mean(dim=0).sort(descending=True).values.tolist()
    title = "Bits per byte of each passage, the hardest first"
    yield Curve(title, "passages", {"bits per byte": hardest_first})
    if stopped:
        raise stopped


def _predicted(work: Work, data: Drawn) -> Iterator[Tensor]:
    """Train, then yield the scores of one byte of all passages after another's."""
    predict = work.call(data.text, CPU_SECONDS)
    if not callable(predict) or isinstance(predict, nn.Module):
        raise Unfit(f"the result is no function, but {type(predict).__name__}.")
    model = replace(work, answer=predict)
    for place in range(GIVEN, GIVEN + LENGTH):
        found = model.call(data.passages[:, :place])
        scores = tensor_of(found, (PASSAGES, BYTES), "what the function returned")
        if found.dtype != torch.float32:  # others are too much data to return
            raise Unfit(f"the scores have the dtype {found.dtype}, not torch.float32.")
        yield scores


def _bits(scores: Tensor, byte: Tensor) -> Tensor:
    """Return the bits of each row's byte; softmax makes shares of any scores."""
    shares = scores.double().log_softmax(dim=1)
    return -shares.gather(1, byte.long().unsqueeze(1)).squeeze(1) / math.log(2)


def _scores(bits: Tensor, done: int) -> Iterator[Score]:
    """Yield the scores for the bits of each place and passage."""
    late = "" if done == LENGTH else f" The time was over after {done} of {LENGTH:,}."
    whole = float(bits.mean())
    said = f"{whole:.3f} bits per byte.{late}"
    yield _EVERYWHERE.share(_part(whole, _ALL_FROM, _ALL_TO), said)
    later = float(bits[_LATER:].mean())
    said = f"{later:.3f} bits per byte."
    yield _LATE.share(_part(later, _LATER_FROM, _LATER_TO), said)
    hardest = float(bits.mean(dim=0).sort().values[-_HARDEST_OF:].mean())
    said = f"{hardest:.3f} bits per byte."
    yield _HARD.share(_part(hardest, _HARDEST_FROM, _HARDEST_TO), said)


def _part(value: float, nothing: float, everything: float) -> float:
    return (value - nothing) / (everything - nothing)


LAB = Lab(
    "bits",
    [
        Task(
            "bits.train",
            "A recipe that predicts",
            ("text", "seconds"),
            (_EVERYWHERE, _LATE, _HARD),
            _train,
            seconds=240.0,
            cpu=CPU_SECONDS,
        )
    ],
)
