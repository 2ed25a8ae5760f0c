"""Translate a date out of twelve languages into English, letter by letter: an LSTM of
64, its forget gate open, reads, another writes, and gets the reader's last state alone,
or looks at all its states as well (attention). 20,000 dates are read four times, in
batches of at most 64; the rate falls to 0; the best of three by validation; three runs.
Share of 2,000 dates without a wrong letter, and of the shorter and the longer half of
the sources; no year of theirs was in training. Babel (`pip install babel`) writes them.
"""

import random
import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from course_utils.authoring.record import record
from course_utils.data.experiments import Row
from course_utils.errors import CourseError

LANGUAGES = ("cs", "de", "el", "es", "eu", "fi", "fr", "hu", "pl", "ru", "tr", "vi")
FORMATS = ("full", "long", "medium")  # of the source; the target is 'long'
YEARS = range(1900, 2100)  # the days of 160 years to train, of 20, of the other 20:
PARTS = {"training": (40, 200), "validation": (20, 40), "test": (0, 20)}
HIDDEN, BATCH, STORED, READINGS, ASKED = 64, 64, 20_000, 4, 2_000
RATES, SEEDS = (0.005, 0.01, 0.02), range(3)
SHOWN = 5
PADDING, BEGIN, END = range(3)  # the tokens that are no letters
PASSED_ON = ("last state", "all states")
SETTINGS: list[Row] = [{"passed on": kind} for kind in PASSED_ON]
# with attention
RERUN = (1, {"right": (0.9, 1.0)})


@lru_cache
def days_of(part: str) -> list[date]:
    """Return the days of a part's years (some first of January stands there twice)."""
    years = random.Random(0).sample(YEARS, len(YEARS))[slice(*PARTS[part])]
    days = [date(year, 1, 1) + timedelta(n) for year in years for n in range(366)]
    return [day for day in days if day.year in years]


def pairs_of(part: str, count: int, seed: int) -> list[tuple[str, str]]:
    """Return dates of a part in languages and forms drawn at random, and in English."""
    try:
        from babel.dates import format_date
    except ImportError as error:
        raise CourseError(
            "Babel, which writes the dates, is missing: pip install babel"
        ) from error
    draw, found = random.Random(seed), []
    for day in draw.choices(days_of(part), k=count):
        source = format_date(day, draw.choice(FORMATS), locale=draw.choice(LANGUAGES))
        found.append((" ".join(source.split()), format_date(day, "long", locale="en")))
    return found


@lru_cache
def letters() -> str:
    """Return the letters of the training part."""
    pairs = pairs_of("training", STORED, 1)
    return "".join(sorted({letter for pair in pairs for letter in "".join(pair)}))


def tokens_of(texts: Sequence[str]) -> Tensor:
    """Return texts as tokens, each with its end token, padded: (T, N)."""
    place = {letter: n for n, letter in enumerate(letters(), END + 1)}
    rows = [torch.tensor([*(place[x] for x in text), END]) for text in texts]
    return pad_sequence(rows, padding_value=PADDING)


def text_of(tokens: list[int]) -> str:
    """Return the letters before the end token."""
    stop = tokens.index(END) if END in tokens else len(tokens)
    return "".join(letters()[n - END - 1] if n > END else "?" for n in tokens[:stop])


@lru_cache
def training_batches() -> list[tuple[Tensor, Tensor]]:
    """Return sources and targets; the sources of a batch are equally long."""
    by_length = defaultdict(list)
    for pair in pairs_of("training", STORED, 1):
        by_length[len(pair[0])].append(pair)
    return [
        (tokens_of([source for source, _ in batch]), tokens_of([t for _, t in batch]))
        for alike in by_length.values()
        for start in range(0, len(alike), BATCH)
        if (batch := alike[start : start + BATCH])
    ]


def opened() -> nn.LSTM:
    """Return an LSTM with an open forget gate."""
    layer = nn.LSTM(HIDDEN, HIDDEN)
    with torch.no_grad():
        layer.bias_ih_l0[HIDDEN : 2 * HIDDEN] = 3.5
    return layer


class Translator(nn.Module):
    """Two LSTMs: the encoder reads the source, the decoder writes the target."""

    def __init__(self, attends: bool) -> None:
        super().__init__()
        symbols = END + 1 + len(letters())
        self.attends = attends
        self.table = nn.Embedding(symbols, HIDDEN)
        self.encoder, self.decoder = opened(), opened()
        self.scores = nn.Linear(HIDDEN * (1 + attends), symbols)

    def say(self, h: Tensor, states: Tensor) -> Tensor:  # (T, N, H), (S, N, H)
        if self.attends:
            weights = torch.einsum("tnh,snh->tsn", h, states).softmax(dim=1)
            h = torch.cat([h, torch.einsum("tsn,snh->tnh", weights, states)], dim=-1)
        return self.scores(h)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:  # (S, N), (T, N)
        states, last = self.encoder(self.table(source))
        read = torch.cat([torch.full_like(target[:1], BEGIN), target[:-1]])
        return self.say(self.decoder(self.table(read), last)[0], states)

    @torch.no_grad()
    def write(self, source: Tensor, most: int = 25) -> Tensor:  # reads its own tokens
        states, state = self.encoder(self.table(source))
        written = [torch.full_like(source[:1], BEGIN)]
        for _ in range(most):
            h, state = self.decoder(self.table(written[-1]), state)
            written.append(self.say(h, states).argmax(dim=-1))
        return torch.cat(written[1:])

    def translate(self, sources: Sequence[str]) -> list[str]:
        """Return translations; sources that are equally long are read together."""
        translation = {}
        for length in set(map(len, sources)):
            alike = [source for source in sources if len(source) == length]
            written = self.write(tokens_of(alike)).T.tolist()
            translation |= zip(alike, map(text_of, written), strict=True)
        return [translation[source] for source in sources]


def learn(kind: str, seed: int, rate: float) -> Translator:
    """Train with teacher forcing, at a rate that falls to 0."""
    torch.manual_seed(seed)
    model = Translator(attends=kind == "all states")
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    batches = training_batches()
    order = [n for _ in range(READINGS) for n in torch.randperm(len(batches))]
    for step, n in enumerate(order):
        source, target = batches[n]
        scores = model(source, target).flatten(0, 1)
        loss = F.cross_entropy(scores, target.flatten(), ignore_index=PADDING)
        optimizer.param_groups[0]["lr"] = rate * (1 - step / len(order))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model


def shares(model: Translator, part: str) -> list[float]:
    """Return the share that is right: of all, of the shorter half, of the longer."""
    pairs = sorted(pairs_of(part, ASKED, 2), key=lambda pair: len(pair[0]))
    written = model.translate([source for source, _ in pairs])
    right = [said == target for said, (_, target) in zip(written, pairs, strict=True)]
    halves = right, right[: ASKED // 2], right[ASKED // 2 :]
    return [round(sum(half) / len(half), 3) for half in halves]


def measure(**setting: object) -> Row:
    """Choose the rate in a run of its own; then three new ones, the middle shown."""
    kind = str(setting["passed on"])
    rate = max(RATES, key=lambda rate: shares(learn(kind, 100, rate), "validation")[0])
    models = [learn(kind, seed, rate) for seed in SEEDS]
    runs = [shares(model, "test") for model in models]
    right, shorter, longer = (list(column) for column in zip(*runs, strict=True))
    middle = models[right.index(sorted(right)[len(right) // 2])]
    shown = [source for source, _ in pairs_of("test", SHOWN, 3)]
    return {
        "rate": rate,
        "right": right,
        "of the shorter": shorter,
        "of the longer": longer,
        "written": dict(zip(shown, middle.translate(shown), strict=True)),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
