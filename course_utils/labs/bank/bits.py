"""Lab D: the fewest bits for each byte of held-out text, within two CPU minutes.

A recipe is handed in, and trains where no other text can be reached. What it returns
is asked for one byte after another, and is never sent a byte before it was predicted.
"""

import math
import re
import time
from collections.abc import Iterator, Sequence
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
CPU_SECONDS, REAL_SECONDS = 120, 240
MOST_BYTES = 8_000  # of a recipe: tables that were learnt elsewhere do not fit in
_LEAST, _MOST = GIVEN + LENGTH, 15_000  # characters of a topic that may be held out
_WEAKEST_OF = 4
# From the saved bits that are worth nothing to those that are worth all points.
_FROM, _TO = 0.40, 1.20
_WEAKEST_FROM, _WEAKEST_TO = 0.20, 1.00
_EVERYWHERE = Item(
    "everywhere",
    12,
    "Bits per byte saved against the baseline's table, on 16 hidden passages of 1,000 "
    "bytes: 0.40 give nothing, 1.20 all points.",
)
_LATER = Item(
    "later",
    4,
    "The same on the second half of each passage, when the first half is known: 0.40 "
    "give nothing, 1.20 all points.",
)
_WEAKEST = Item(
    "weakest",
    4,
    "The same on the four passages on which the fewest bits are saved: 0.20 give "
    "nothing, 1.00 all points.",
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
    bits = torch.full((PASSAGES, LENGTH), GUESSED, dtype=torch.float64)
    begun, done, stopped = time.process_time(), 0, None
    real, threads = time.monotonic(), torch.get_num_threads()
    trained, shares = 0.0, True
    try:
        for place, scores in enumerate(_predicted(work, data)):
            # Where the code runs elsewhere, this clock stands nearly still: there it is
            # stopped from outside.
            used = time.process_time() - begun
            trained = trained or used
            if used > CPU_SECONDS:
                break
            bits[:, place] = bits_of(scores, data.passages[:, GIVEN + place])
            shares = shares and _are_shares(scores)
            done = place + 1
    except OutOfTime as error:  # what came before counts
        stopped = error
    notes = []
    if done < LENGTH:
        notes.append(f"The time was over after {done} of {LENGTH:,}.")
    if done and shares:
        notes.append("These scores are probabilities: return their logarithm.")
    if trained and not work.graded:
        used, real = time.process_time() - begun, time.monotonic() - real
        notes.append(_time_said(used, trained, real))
    if torch.get_num_threads() != threads and not work.graded:
        notes.append(_THREADS)
    yield from _scores(bits, baseline_bits(data), notes)
    if stopped:
        raise stopped


_THREADS = (
    "Your code sets the number of threads: leave that out, grading has one, and "
    "processor time counts all of them."
)


def _time_said(used: float, trained: float, real: float) -> str:
    """Say how much of its time a recipe took, in all and before it could predict."""
    if trained > CPU_SECONDS:
        return (
            f"Training and the first prediction took {trained:.1f} seconds of "
            f"processor time, and there are {CPU_SECONDS} for everything."
        )
    return (
        f"Processor time: {used:.0f} of {CPU_SECONDS} seconds, {trained:.0f} of them "
        f"until the first prediction. Real time: {real:.0f} of {REAL_SECONDS} seconds."
    )


def _are_shares(scores: Tensor) -> bool:
    """Tell whether scores are probabilities, and so no logarithms of them."""
    sums = scores.double().sum(dim=1)
    return bool((scores >= 0).all()) and bool(((sums - 1).abs() < 1e-3).all())


def _predicted(work: Work, data: Drawn) -> Iterator[Tensor]:
    """Train, then yield the scores of one byte of all passages after another's."""
    predict = work.call(data.text, CPU_SECONDS)
    if isinstance(predict, nn.Module):  # graded, its weights would travel each time
        raise Unfit(
            f"the result is a network, {type(predict).__name__}: return a function "
            "that calls it, such as `lambda past: model(past)`."
        )
    if not callable(predict):
        raise Unfit(f"the result is no function, but {type(predict).__name__}.")
    model = replace(work, answer=predict)
    for place in range(GIVEN, GIVEN + LENGTH):
        found = model.call(data.passages[:, :place])
        what = f"what the function returned for {place} bytes"
        scores = tensor_of(found, (PASSAGES, BYTES), what)
        if found.dtype != torch.float32:  # others are too much data to return
            raise Unfit(f"the scores have the dtype {found.dtype}, not torch.float32.")
        yield scores


def bits_of(scores: Tensor, bytes_: Tensor) -> Tensor:
    """Return the bits of each row's byte: softmax makes shares of any scores.

    >>> bits_of(torch.zeros(1, 256), torch.tensor([7])).item()
    8.0
    """
    shares = scores.double().log_softmax(dim=1)
    own = shares.gather(1, bytes_.long().unsqueeze(1)).squeeze(1)
    return -own / math.log(2)


def baseline_bits(data: Drawn) -> Tensor:
    """Return the bits of each byte under the baseline, counts after two bytes.

    A text that is harder than another is so for it as well.
    """
    text, passages = data.text.long(), data.passages[:, : GIVEN + LENGTH].long()
    counts = torch.zeros(BYTES, BYTES, BYTES)
    places = text[:-2], text[1:-1], text[2:]
    counts.index_put_(places, torch.ones(()), accumulate=True)
    after_one = counts.sum(dim=0) + 0.1
    shares = after_one / after_one.sum(dim=1, keepdim=True)
    before, last = passages[:, GIVEN - 2 : -2], passages[:, GIVEN - 1 : -1]
    scores = (counts[before, last] + 3 * shares[last]).log()
    found = bits_of(scores.flatten(0, 1), passages[:, GIVEN:].flatten())
    return found.view(PASSAGES, LENGTH)


def _scores(
    bits: Tensor, baseline: Tensor, notes: Sequence[str]
) -> Iterator[Score | Curve]:
    """Yield scores and curves for the bits of each passage and place."""
    saved = baseline - bits
    later = slice(LENGTH // 2, None)
    weakest = saved.mean(dim=1).argsort()[:_WEAKEST_OF]
    for item, part, low, high in (
        (_EVERYWHERE, (slice(None), slice(None)), _FROM, _TO),
        (_LATER, (slice(None), later), _FROM, _TO),
        (_WEAKEST, (weakest, slice(None)), _WEAKEST_FROM, _WEAKEST_TO),
    ):
        less = float(saved[part].mean())
        said = f"{bits[part].mean():.3f} bits per byte, {less:.3f} saved."
        said = " ".join([said, *notes] if item is _EVERYWHERE else [said])
        yield item.share((less - low) / (high - low), said)
    lines = {"your recipe": bits, "the baseline's table": baseline}
    order = baseline.mean(dim=1).argsort()
    tenths: dict[str, Sequence[float]] = {}
    passages: dict[str, Sequence[float]] = {}
    for name, found in lines.items():
        tenths[name] = found.view(PASSAGES, 10, -1).mean(dim=(0, 2)).tolist()
        passages[name] = found.mean(dim=1)[order].tolist()
    yield Curve("Bits per byte, by place in the passage", "tenths of it", tenths)
    title = "Bits per byte of each passage"
    yield Curve(title, "passages, the easiest first", passages)


LAB = Lab(
    "bits",
    [
        Task(
            "bits.train",
            "A recipe that predicts",
            ("text", "seconds"),
            (_EVERYWHERE, _LATER, _WEAKEST),
            _train,
            seconds=REAL_SECONDS,
            cpu=CPU_SECONDS,
            most_bytes=MOST_BYTES,
        )
    ],
)
