"""Lab D: recipes at four levels get what their author meant; cheats get nothing."""

import json
import math
import time
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.data.text import load_topics, new_paragraphs
from course_utils.display.bundles import PLAIN
from course_utils.errors import CourseError
from course_utils.labs.bank import bits
from course_utils.labs.bank.bits import GIVEN, LENGTH, MOST_BYTES, PASSAGES, drawn
from course_utils.labs.model import total
from course_utils.labs.outcome import measure
from course_utils.labs.registry import find_task
from course_utils.labs.submission import submission_bundle
from course_utils.labs.work import OPEN, Work
from tests.labs.solutions_bits import BASELINE, CEILING, GOOD, PASS
from tests.lessons import ROOT

TASK = "bits.train"
SEEDS = [f"graded {number}" for number in range(1, 4)]
LEVELS = {"baseline": (BASELINE, 0, 1.5), "pass": (PASS, 7, 10)}
LEVELS |= {"good": (GOOD, 14, 17), "ceiling": (CEILING, 17, 20)}


def defined(text):
    scope = {"torch": torch, "nn": nn, "F": F, "time": time, "math": math}
    exec(text, scope)
    return scope["train"]


def marked(answer, secret="graded 1", source=""):
    outcome = measure(find_task(TASK), Work(answer, secret, source))
    return outcome, total(outcome.scores)


def measured_bits(outcome, item=0):
    return float(outcome.scores[item].why.split()[0])


def saved_bits(outcome, item=0):
    return float(outcome.scores[item].why.split(", ")[1].split()[0])


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("secret", SEEDS)
@pytest.mark.parametrize("level", LEVELS)
def test_recipe_gets_the_points_that_were_meant(level, secret):
    texts, low, high = LEVELS[level]
    outcome, points = marked(defined(texts[TASK]), secret, texts[TASK])
    assert low <= points <= high, outcome
    assert not outcome.late and "over after" not in outcome.scores[0].why
    assert [len(c.lines["your recipe"]) for c in outcome.curves] == [10, 16]


# --- what is drawn ----------------------------------------------------------------


def paragraphs(text):
    return {" ".join(paragraph.split()) for paragraph in text.split("\n\n")}


@pytest.fixture
def plain(monkeypatch):
    """Return what draws a text whose bytes keep their names."""

    def draw(secret):
        renamed = torch.randperm

        def unnamed(count, **options):
            order = renamed(count, **options)
            return torch.arange(256) if count == 256 else order

        monkeypatch.setattr(bits.torch, "randperm", unnamed)
        data = drawn(Work(None, secret))
        monkeypatch.undo()
        text = bytes(data.text.tolist()).decode()
        return text, [bytes(p.tolist()).decode(errors="ignore") for p in data.passages]

    return draw


@pytest.mark.parametrize("secret", [OPEN, *SEEDS])
def test_training_text_holds_no_paragraph_of_a_passage(plain, secret):
    text, passages = plain(secret)
    assert len(passages) == len(set(passages)) == PASSAGES
    assert len(text) > 230_000
    known, flat = paragraphs(text), " ".join(text.split())
    pieces = []
    for passage in passages:
        assert not paragraphs(passage) & known
        words = " ".join(passage.split())
        pieces += [words[i : i + 40] for i in range(0, len(words) - 40, 20)]
    assert sum(piece in flat for piece in pieces) / len(pieces) < 0.1


def test_passage_begins_with_a_paragraph_of_its_topic(plain):
    topics = load_topics()
    for passage in plain("graded 1")[1]:
        start = " ".join(passage.split("\n\n")[0].split())
        assert any(start in " ".join(text.split()) for text in topics.values())


def test_no_paragraph_of_a_topic_that_is_held_out_stays_in_training(monkeypatch):
    named = []

    def noted(topics, names, seen):
        named.append(list(names))
        return new_paragraphs(topics, names, seen)

    monkeypatch.setattr(bits, "new_paragraphs", noted)
    data = drawn(Work(None, "graded 1"))
    held_out = {name for names in named[:-1] for name in names}
    assert len(held_out) >= PASSAGES and not held_out & {*named[-1]}
    assert held_out | {*named[-1]} == load_topics().keys()
    assert len(data.text) < sum(map(len, load_topics().values()))


def test_names_of_bytes_and_topics_differ_from_seed_to_seed(plain):
    first, again, other = (drawn(Work(None, s)) for s in ("graded 1",) * 2 + (OPEN,))
    assert torch.equal(first.text, again.text)
    assert torch.equal(first.passages, again.passages)
    most = [int(data.text.bincount().argmax()) for data in (first, other)]
    assert most[0] != most[1]  # the space
    starts = [{p[:40] for p in plain(secret)[1]} for secret in ("graded 1", OPEN)]
    assert len(starts[0] & starts[1]) < PASSAGES / 2
    assert first.text.dtype == torch.uint8
    assert first.passages.shape == (PASSAGES, GIVEN + LENGTH)


def test_grading_without_the_text_is_no_learners_error(monkeypatch):
    def none():
        raise CourseError("not here")

    monkeypatch.setattr(bits, "load_topics", none)
    with pytest.raises(CourseError):
        marked(lambda text, seconds: None)


# --- the measure ------------------------------------------------------------------


@pytest.fixture
def short(monkeypatch):
    """Let a measurement take a moment: 40 bytes of each passage."""
    monkeypatch.setattr(bits, "LENGTH", 40)


def constant(text, seconds):
    return lambda past: torch.zeros(len(past), 256)


def by_counts(text, seconds):
    """Count single bytes: the best answer that looks at nothing."""
    scores = (text.bincount(minlength=256) + 0.1).log()
    return lambda past: scores.expand(len(past), 256)


def test_constant_answer_takes_eight_bits_and_gets_nothing(short):
    outcome, points = marked(constant)
    assert (points, measured_bits(outcome)) == (0, 8)


def test_best_answer_that_looks_at_nothing_gets_nothing(short):
    outcome, points = marked(by_counts)
    assert points == 0 and 4 < measured_bits(outcome) < 5.5


def knowing(secret="graded 1", share=1.0, passages=(), places=()):
    """Return a recipe that knows the bytes, but for some passages and places."""
    data = drawn(Work(None, secret))

    def train(text, seconds):
        def predict(past):
            place = past.shape[1]
            right = F.one_hot(data.passages[:, place].long(), 256) * share
            shares = right + (1 - share) / 256 + 1e-12
            for passage in passages:
                shares[passage] = 1
            if place - GIVEN in places:
                shares[:] = 1
            return shares.log().float()

        return predict

    return train


@pytest.mark.parametrize("share", [1.0, 0.5, 1 / 3])
def test_bits_are_those_of_the_share(short, share):
    outcome, points = marked(knowing(share=share))
    expected = -math.log2(share + (1 - share) / 256)
    assert measured_bits(outcome) == pytest.approx(expected, abs=6e-4)
    assert (points == 20) == (share == 1)


@pytest.mark.parametrize("part", [-0.2, 0.25, 0.5, 1.1])
def test_points_grow_evenly_with_the_bits_that_are_saved(short, part):
    baseline = float(bits.baseline_bits(drawn(Work(None, "graded 1"))).mean())
    saved = bits._FROM + part * (bits._TO - bits._FROM)
    share = (2 ** (saved - baseline) - 1 / 256) / (1 - 1 / 256)
    outcome, _ = marked(knowing(share=share))
    assert saved_bits(outcome) == pytest.approx(saved, abs=2e-3)
    assert outcome.scores[0].points == pytest.approx(
        12 * min(max(part, 0), 1), abs=0.05
    )


def test_weakest_quarter_and_second_half_are_measured_alone(short):
    outcome, _ = marked(knowing(passages=range(4), places=range(20, 40)))
    found = [measured_bits(outcome, item) for item in range(3)]
    assert found == [8 * (0.25 + 0.75 / 2), 8, 8]
    assert [saved_bits(outcome, item) < 0 for item in range(3)] == [True] * 3
    by_place, by_passage = (curve.lines["your recipe"] for curve in outcome.curves)
    assert by_place == pytest.approx([2] * 5 + [8] * 5)
    assert sorted(by_passage) == pytest.approx([4] * 12 + [8] * 4)


def test_baseline_of_the_notebook_saves_nothing(short):
    outcome, points = marked(defined(BASELINE[TASK]))
    assert points == 0
    assert [saved_bits(outcome, item) for item in range(3)] == [0, 0, 0]
    for curve in outcome.curves:
        own, table = curve.lines.values()
        assert own == pytest.approx(table, abs=1e-4)


def test_baseline_in_the_notebook_is_the_one_of_the_tests():
    page = json.loads((ROOT / "notebooks/labs/bits.ipynb").read_text(encoding="utf-8"))
    texts = ["".join(cell["source"]) for cell in page["cells"]]
    own = BASELINE[TASK].strip().replace("def train(", "def baseline_train(")
    assert own in texts


# --- cheats -----------------------------------------------------------------------


def test_recipe_is_never_sent_a_byte_before_it_was_predicted(short):
    data, seen = drawn(Work(None, "graded 1")), []

    def train(text, seconds):
        seen.append(text)

        def predict(past):
            seen.append(past)
            return torch.zeros(len(past), 256)

        return predict

    marked(train)
    assert torch.equal(seen[0], data.text)
    for place, past in enumerate(seen[1:], GIVEN):
        assert torch.equal(past, data.passages[:, :place])
        # And no byte lies beside it in memory.
        assert past.untyped_storage().nbytes() == past.numel() == PASSAGES * place
    assert len(seen) == 41


def test_what_it_changes_in_the_past_changes_nothing_that_is_measured(short):
    """Certain that all bytes are 0, it makes those 0 that it can reach."""

    def train(text, seconds):
        text.zero_()

        def predict(past):
            past.zero_()
            scores = torch.zeros(len(past), 256)
            scores[:, 0] = 40
            return scores

        return predict

    outcome, points = marked(train)
    assert points == 0 and measured_bits(outcome) > 30


@pytest.mark.parametrize("factor", [1, 0.0])
def test_scores_that_are_no_shares_win_nothing(short, factor):
    """Whatever is added for all bytes falls out: softmax makes shares of it."""
    own = by_counts(drawn(Work(None, "graded 1")).text, 0)

    def train(text, seconds):
        return lambda past: factor * own(past) + 1e4

    expected = by_counts if factor else constant
    found, wanted = (measured_bits(marked(way)[0]) for way in (train, expected))
    assert found == pytest.approx(wanted, abs=0.01)


def test_certainty_that_is_wrong_costs_points_and_stays_finite(short):
    def train(text, seconds):
        return lambda past: F.one_hot(past[:, -1].long(), 256) * 3e38

    outcome, points = marked(train)
    assert points == 0 and measured_bits(outcome) > 1e30


def test_recipe_learns_as_it_predicts(short):
    """Gradients are on, also while nothing is being trained."""

    def train(text, seconds):
        scores = nn.Parameter(torch.zeros(256))

        def predict(past):
            loss = F.cross_entropy(scores.expand(len(past), 256), past[:, -1].long())
            (slope,) = torch.autograd.grad(loss, scores)
            scores.data -= 10 * slope
            return scores.expand(len(past), 256)

        return predict

    outcome, _ = marked(train)
    assert not outcome.messages and measured_bits(outcome) < 7


def test_object_that_can_be_called_is_called(short):
    class Guess:
        def __call__(self, past):
            return torch.zeros(len(past), 256)

    outcome, _ = marked(lambda text, seconds: Guess())
    assert not outcome.messages and measured_bits(outcome) == 8


def test_what_gets_no_points_is_told_so_and_not_how_to_be_handed_in(short):
    exec("def train(text, seconds):\n    return constant(text, seconds)", scope := {})
    scope["constant"] = constant
    told = submission_bundle("bits", {"train": scope["train"]})[PLAIN]
    assert "8.000 bits per byte" in told and "gets no points yet" in told
    assert "To hand in" not in told


@pytest.mark.parametrize("count", [1, 2])
def test_threads_that_a_recipe_sets_are_told(short, count):
    before = torch.get_num_threads()

    def train(text, seconds):
        torch.set_num_threads(before + count - 1)
        return constant(text, seconds)

    outcome, _ = marked(train, OPEN)
    torch.set_num_threads(before)
    assert ("number of threads" in outcome.scores[0].why) == (count == 2)


SHARES = "These scores are probabilities: return their logarithm."


@pytest.mark.parametrize(
    ("way", "told"),
    [
        (lambda scores: scores.softmax(dim=1), True),
        (lambda scores: scores.log_softmax(dim=1), False),
        (lambda scores: scores, False),
        (lambda scores: scores.exp(), False),
    ],
)
def test_probabilities_in_place_of_scores_are_told(short, way, told):
    own = by_counts(drawn(Work(None, "graded 1")).text, 0)
    outcome, _ = marked(lambda text, seconds: lambda past: way(own(past)))
    assert (SHARES in outcome.scores[0].why) == told
    assert not any(SHARES in score.why for score in outcome.scores[1:])


def answer(value):
    return lambda text, seconds: lambda past: value


ONES = torch.ones(PASSAGES, 256)


@pytest.mark.parametrize(
    ("train", "words"),
    [
        (lambda text, seconds: None, "is no function, but NoneType"),
        (lambda text, seconds: ONES, "is no function, but Tensor"),
        (lambda text, seconds: nn.Linear(1, 256), "is a network, Linear: return"),
        (answer(None), "is no tensor, but NoneType"),
        (answer(ONES[0]), "has the shape (256,), not (16, 256)"),
        (answer(ONES / 0 * 0), "returned for 16 bytes holds nan: 0 / 0 gives"),
        (answer(ONES.log() - math.inf), "holds an infinite number: the log of 0"),
        (answer(ONES + math.inf), "holds an infinite number"),
        (answer(ONES.double()), "the dtype torch.float64, not torch.float32"),
        (answer(ONES.long()), "the dtype torch.int64, not torch.float32"),
    ],
)
def test_what_is_no_prediction_gets_nothing_and_is_told(short, train, words):
    outcome, points = marked(train)
    assert points == 0 and words in outcome.messages[0]


def test_tables_that_were_learnt_elsewhere_know_bytes_by_other_names(short):
    """Those of another seed, or of last year, are worse than a guess."""
    kept = []

    def keep(text, seconds):
        kept.append(defined(BASELINE[TASK])(text, seconds))
        return kept[-1]

    own = measured_bits(marked(keep, "graded 2")[0])
    outcome, points = marked(lambda text, seconds: kept[0], "graded 1")
    assert own < 3.5 and points == 0 and measured_bits(outcome) > 8


def test_cell_that_could_hold_learnt_tables_is_not_run():
    ran = []
    outcome, points = marked(
        lambda text, seconds: ran.append(text), source="#" * (MOST_BYTES + 1)
    )
    assert (points, ran) == (0, [])
    assert "the cell has 8,001 bytes, over 8,000" in outcome.messages[0]


def test_recipes_fit_in_the_cell():
    for texts in (BASELINE, PASS, GOOD, CEILING):
        assert len(texts[TASK].encode()) < MOST_BYTES


# --- the clock --------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch):
    """Let the test say what the processor's clock shows."""
    now = SimpleNamespace(seconds=100.0)
    clocks = {"process_time": lambda: now.seconds, "monotonic": lambda: 2 * now.seconds}
    monkeypatch.setattr(bits, "time", SimpleNamespace(**clocks))
    return now


def test_training_beyond_the_clock_gets_nothing(short, clock):
    def train(text, seconds):
        clock.seconds += seconds + 0.1
        return by_counts(text, seconds)

    outcome, points = marked(train)
    assert (points, measured_bits(outcome)) == (0, 8)
    assert "The time was over after 0 of 40." in outcome.scores[0].why


@pytest.mark.parametrize(
    ("secret", "seconds_taken", "told"),
    [
        (OPEN, 62, "102 of 120 seconds, 63 of them until the first prediction. Real"),
        (OPEN, 62, "Real time: 204 of 240 seconds."),
        (OPEN, 149, "took 150.0 seconds of processor time, and there are 120 for"),
        ("graded 1", 62, ""),  # it runs elsewhere: this clock knows nothing of it
    ],
)
def test_time_that_was_used_is_told_to_learners(
    short, clock, secret, seconds_taken, told
):
    def train(text, seconds):
        clock.seconds += seconds_taken
        scores = by_counts(text, seconds)(torch.zeros(PASSAGES))

        def predict(past):
            clock.seconds += 1
            return scores

        return predict

    outcome, _ = marked(train, secret)
    why = outcome.scores[0].why
    assert told in why and ("seconds" in why) == bool(told)


def test_bytes_beyond_the_clock_take_eight_bits_each(short, clock):
    def train(text, seconds):
        clock.seconds += seconds - 10
        right = knowing()(text, seconds)

        def predict(past):
            clock.seconds += 1
            return right(past)

        return predict

    outcome, _ = marked(train)
    assert measured_bits(outcome) == 8 * 30 / 40
    assert "The time was over after 10 of 40." in outcome.scores[0].why


def test_sleep_costs_no_processor_time(short):
    def train(text, seconds):
        before = time.process_time()
        time.sleep(0.3)
        assert time.process_time() - before < 0.2
        return by_counts(text, seconds)

    assert measured_bits(marked(train)[0]) < 5.5


def test_recipe_is_told_its_seconds(short):
    told = []

    def train(text, seconds):
        told.append(seconds)
        return by_counts(text, seconds)

    marked(train)
    assert told == [bits.CPU_SECONDS] == [find_task(TASK).cpu]
