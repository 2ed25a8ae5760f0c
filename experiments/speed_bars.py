"""How soon is each recipe right so often, and what came of the course's own bars? The
smallest, the median and the largest of the rounds of `time_to_accuracy`: seconds until
so many of the validation pictures are right, and the share of the test pictures at the
end. What was not measured says nothing."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from course_utils.authoring.clock import shorter, spread
from course_utils.authoring.record import record
from course_utils.data.experiments import load_experiment

GOALS = (0.80, 0.85, 0.88, 0.90, 0.92, 0.93, 0.94)
RACES: list[tuple[str, float]] = [
    *(("quickstart", 10), ("quickstart, rate 0.1", 6), ("textbook MLP", 10)),
    *(("LeNet", 10), ("TinyVGG", 3), ("fast.ai", 5)),
    *(("our MLP", 1), ("our MLP", 2), ("our MLP", 3)),
    *(("our CNN", 0.75), ("our CNN", 1), ("our CNN", 2), ("our CNN", 4)),
    *(("our ResNet, 2 blocks", 6), ("our ResNet, 3 blocks", 10)),
    ("our ResNet, on CUDA", 30),
]
Runs = Sequence[dict[str, Any]]
Row = dict[str, object]


def runs_of(recipe: str, epochs: float) -> Runs:
    """Return the rounds of a recipe; none where it was not run."""
    rows = load_experiment("time_to_accuracy").select(recipe=recipe, epochs=epochs)
    return [row for row in rows if "rate" not in row and "seconds" in row]


def when(run: dict[str, Any], goal: float, clock: str = "seconds") -> float | None:
    """Return what the clock said when a run was first right so often, or None.

    >>> when({"accuracy": [0.7, 0.9, 0.95], "seconds": [2, 4, 6]}, 0.9)
    4
    """
    pairs = zip(run["accuracy"], run[clock], strict=True)
    return next((second for right, second in pairs if right >= goal), None)


def reached(runs: Runs, goal: float, clock: str = "seconds") -> list[float]:
    """Return when each run was right so often; nothing if one of them never was."""
    found = [when(run, goal, clock) for run in runs]
    return [] if None in found else [one for one in found if one is not None]


def soonest(
    recipes: Sequence[str],
    goal: float,
    clock: str = "seconds",
    of: Callable[[list[float]], float] = median,
) -> float | None:
    """Return the least time to a goal, over the recipes and lengths that reach it."""
    every = [
        reached(runs_of(*race), goal, clock) for race in RACES if race[0] in recipes
    ]
    return min((of(seconds) for seconds in every if len(seconds) >= 3), default=None)


def sooner(theirs: Sequence[float], ours: float | None) -> float | None:
    """Return how many times as long the median of theirs is as ours."""
    return shorter(median(theirs) / ours, 3) if theirs and ours else None


def to_best(runs: Runs, clock: str) -> list[float]:
    """Return when each run reached the best accuracy that it ever had."""
    return [one for run in runs if (one := when(run, run["best"], clock)) is not None]


def mlp_bars(clock: str) -> dict[str, float | None]:
    """Return how many times sooner our MLP is there, by a clock."""
    ours = soonest(["our MLP"], 0.88, clock)
    textbook = runs_of("textbook MLP", 10)
    found = reached(textbook, 0.88, clock) or [run[clock][-1] for run in textbook]
    return {
        "quickstart": sooner(to_best(runs_of("quickstart", 10), clock), ours),
        "textbook": sooner(found, ours),  # at least, where it never gets there
    }


def cost(name: str, column: str) -> float | None:
    """Return a cost of the course."""
    (row,) = load_experiment("own_costs").select(cost=name)
    return row[column]


NETS = ["our CNN", "our ResNet, 2 blocks", "our ResNet, 3 blocks"]
# What is measured, and where it should lie: at least, or at most.
BARS: dict[str, tuple[Callable[[], float | None], str, float]] = {
    "MLP to 0.88, times sooner than the quickstart to its best": (
        lambda: mlp_bars("seconds")["quickstart"],
        *("at least", 10),
    ),
    "the same in CPU seconds": (
        lambda: mlp_bars("cpu_seconds")["quickstart"],
        *("at least", 10),
    ),
    "MLP to 0.88, times sooner than the textbook MLP": (
        lambda: mlp_bars("seconds")["textbook"],
        *("at least", 5),
    ),
    "the same in CPU seconds, textbook MLP": (
        lambda: mlp_bars("cpu_seconds")["textbook"],
        *("at least", 5),
    ),
    "CNN to 0.885, times sooner than three epochs of TinyVGG": (
        lambda: sooner(
            [run["seconds"][-1] for run in runs_of("TinyVGG", 3)], soonest(NETS, 0.885)
        ),
        *("at least", 10),
    ),
    "residual network, seconds to 0.93, slowest round": (
        lambda: soonest(NETS, 0.93, of=max),
        *("at most", 90),
    ),
    "residual network, seconds to 0.94, slowest round": (
        lambda: soonest(NETS, 0.94, of=max),
        *("at most", 180),
    ),
    "GPU, seconds to 0.949, slowest round": (
        lambda: soonest(["our ResNet, on CUDA"], 0.949, of=max),
        *("at most", 60),
    ),
    "import over torch, seconds": (
        lambda: cost("import", "over"),
        *("at most", 0.3),
    ),
    "a move in the slowest playground, p95, seconds": (
        lambda: max(max(row["p95"]) for row in load_experiment("playgrounds").rows),
        *("at most", 0.06),
    ),
    "lesson 13, seconds": (lambda: cost("lesson 13", "ours"), "at most", 120),
    "lesson 13 on sketches, seconds": (
        lambda: cost("lesson 13", "on sketches"),
        *("at most", 60),
    ),
}
SETTINGS = [
    *({"recipe": recipe, "epochs": epochs} for recipe, epochs in RACES),
    *({"bar": bar} for bar in BARS),
]
RERUN = (6, {"test": (0.85, 0.9)})  # our MLP, one epoch


def spreads(values: list[float]) -> list[float]:
    """Return the smallest, the median and the largest of what there is."""
    return spread(values, 3) if values else []


def measure(recipe: str = "", epochs: float = 0, bar: str = "") -> Row:
    """Sum up the rounds of a race, or hold a measurement against a bar."""
    if bar:
        value, side, limit = BARS[bar]
        found = value()
        kept = "" if found is None else found >= limit
        if side == "at most" and found is not None:
            kept = found <= limit
        return {"measured": found, "should be": f"{side} {limit}", "kept": kept}
    if not (runs := runs_of(recipe, epochs)):
        return {"note": "not run"}
    return {
        "rounds": len(runs),
        **{f"{goal:.2f}": spreads(reached(runs, goal)) for goal in GOALS},
        "CPU seconds": spreads([run["cpu_seconds"][-1] for run in runs]),
        "images a second": shorter(median(run["images_per_second"] for run in runs), 3),
        "share of rate": shorter(median(run["share_of_rate"] for run in runs), 2),
        "test": [run["test_accuracy"] for run in runs],
    }


if __name__ == "__main__":
    # Always anew: it takes no time, and what it reads may have changed.
    record(__file__, __doc__ or "", SETTINGS, measure, fresh=True)
