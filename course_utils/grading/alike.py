"""Answers that are alike: grouped where only names differ, and compared in pairs."""

import ast
import functools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from course_utils.exercises.model import State
from course_utils.exercises.statements import NOT_PYTHON
from course_utils.grading.explanations import explanation, is_explained
from course_utils.grading.model import Mark, Result
from course_utils.grading.sections import parsed

# A longer text is compared as it is: no answer is that long.
_MOST_TEXT = 20_000


@dataclass(frozen=True)
class Measure:
    """How texts of one kind are compared.

    Attributes:
        run: how many words and signs, one after another, are a run.
        least: how many uncommon runs a text needs.
        alike: the share from which on two texts are listed.
    """

    run: int
    least: int
    alike: float


CODE = Measure(6, 25, 0.7)
SENTENCES = Measure(3, 5, 0.5)


@functools.lru_cache(maxsize=4096)
def normal_form(text: str) -> str:
    r"""Return Python without spacing, comments and annotations, its own names numbered.

    A text that is no Python comes back with single spaces.

    >>> normal_form("def f(x): # twice\n  return 2*x") == normal_form(
    ...     "def double(numbers):\n    return 2 * numbers"
    ... )
    True
    """
    try:
        if len(text) <= _MOST_TEXT:
            tree = parsed(text)
            return ast.unparse(_Numbered(tree).visit(tree))
    except NOT_PYTHON:
        pass
    return " ".join(text[:_MOST_TEXT].split())


class _Numbered(ast.NodeTransformer):
    """Numbers the names that a text defines, in the order in which they come."""

    def __init__(self, tree: ast.AST) -> None:
        self._own = set(_defined(tree))
        self._numbers: dict[str, str] = {}

    def _number(self, name: str) -> str:
        if name not in self._own:
            return name
        return self._numbers.setdefault(name, f"n{len(self._numbers)}")

    def visit(self, node: ast.AST) -> ast.AST:
        match node:
            case ast.Name(name):
                node.id = self._number(name)
            case ast.arg(name):
                node.arg, node.annotation = self._number(name), None
            case ast.Attribute(ast.Name("self"), name):
                node.attr = self._number(f"self.{name}").removeprefix("self.")
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                node.name, node.returns = self._number(node.name), None
                node.body = _without_text(node.body)
            case ast.ClassDef():
                node.name = self._number(node.name)
                node.body = _without_text(node.body)
        return self.generic_visit(node)


def _defined(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(name, ast.Store()) | ast.arg(name):
                yield name
            case ast.Attribute(ast.Name("self"), name, ast.Store()):
                yield f"self.{name}"
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name):
                # `forward` is torch's word, and so are those with underscores.
                if name != "forward" and not name.startswith("__"):
                    yield name
            case ast.ClassDef(name):
                yield name


def _without_text(body: list[ast.stmt]) -> list[ast.stmt]:
    rest = [s for s in body if not _is_text(s)]
    return rest or [ast.Pass()]


def _is_text(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(ast.Constant(str())):
            return True
    return False


@dataclass(frozen=True)
class Group:
    """Wrong answers to one exercise that differ in names and spacing at most.

    Attributes:
        text: one of them.
        mark: what the check says of it.
        results: whose they are.
    """

    text: str
    mark: Mark
    results: tuple[Result, ...]


def wrong_answers(results: Sequence[Result]) -> list[Group]:
    """Return the wrong answers that several gave, the commonest first."""
    groups: dict[tuple[str, str], list[tuple[str, Mark, Result]]] = {}
    for result in results:
        for mark, text in _answers(result):
            if not mark.right:
                key = mark.exercise, normal_form(text)
                groups.setdefault(key, []).append((text, mark, result))
    found = [
        Group(*members[0][:2], tuple(result for *_, result in members))
        for members in groups.values()
        if len(members) > 1
    ]
    return sorted(found, key=lambda group: -len(group.results))


def _answers(result: Result) -> Iterator[tuple[Mark, str]]:
    for mark in result.marks:
        text = result.submission.cells.get(mark.exercise, "")
        if text.strip() and mark.verdict.state is not State.NOT_ATTEMPTED:
            yield mark, text


@dataclass(frozen=True)
class Pair:
    """Submissions with answers that are alike: two, or several to the letter.

    Attributes:
        results: the two, or all that agree to the letter in all that is alike.
        shares: by exercise, which share of the runs of either is in both.
        same: the exercises in which the texts agree to the letter.
        weight: the number of runs that both have; one that others have too counts
            the less.
        both: how many exercises all of them have answered.
    """

    results: tuple[Result, ...]
    shares: dict[str, float]
    same: frozenset[str]
    weight: float
    both: int


@dataclass(frozen=True)
class Comparison:
    """How alike submissions are.

    Attributes:
        pairs: those that are alike: first in most exercises, then by their weight.
        compared: how many answers were long and uncommon enough.
        answers: how many there are.
        sentences: whether explanations were compared, which stand for their answers.
    """

    pairs: Sequence[Pair]
    compared: int
    answers: int
    sentences: bool = False


def compare(results: Sequence[Result]) -> Comparison:
    """Compare all submissions with each other, exercise by exercise.

    Short answers are left out, and in the others what many have written: that is alike
    by chance, or was given. Where a fault is mended and explained, the code must be
    alike: there explanations are compared.
    """
    texts: dict[str, dict[int, str]] = {}
    explained: set[str] = set()
    for place, result in enumerate(results):
        for mark, text in _answers(result):
            if is_explained(mark):
                explained.add(mark.exercise)
                text = explanation(mark, text)
            texts.setdefault(mark.exercise, {})[place] = text
    shares: dict[tuple[int, int], dict[str, tuple[float, float]]] = {}
    compared = 0
    for exercise, answers in texts.items():
        measure = SENTENCES if exercise in explained else CODE
        runs = _uncommon(answers, measure)
        compared += len(runs)
        for pair, *share in _shares(runs, measure.alike):
            shares.setdefault(pair, {})[exercise] = (share[0], share[1])
    pairs = []
    copies: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Pair]] = {}
    for (one, other), found in shares.items():
        same = frozenset(e for e in found if texts[e][one] == texts[e][other])
        weight = sum(weight for _, weight in found.values())
        alike = {exercise: share for exercise, (share, _) in found.items()}
        both = sum(one in t and other in t for t in texts.values())
        two = results[one], results[other]
        pair = Pair(two, alike, same, weight, both)
        if len(same) < len(found):
            pairs.append(pair)
            continue
        copied = tuple(texts[exercise][one] for exercise in sorted(same))
        copies.setdefault((tuple(sorted(same)), copied), []).append(pair)
    pairs += [_joined(copied) for copied in copies.values()]
    pairs.sort(key=lambda pair: (-len(pair.shares), -pair.weight))
    return Comparison(pairs, compared, sum(map(len, texts.values())), bool(explained))


def _joined(pairs: Sequence[Pair]) -> Pair:
    """Return pairs with the same texts as one: copies of one another."""
    keys = {r.submission.key: r for pair in pairs for r in pair.results}
    weight, both = max(p.weight for p in pairs), min(p.both for p in pairs)
    return replace(pairs[0], results=tuple(keys.values()), weight=weight, both=both)


def _uncommon(
    answers: dict[int, str], measure: Measure
) -> dict[int, set[tuple[str, ...]]]:
    """Return the runs that few have, of the answers with enough of them."""
    found = {place: _runs(text, measure) for place, text in answers.items()}
    holders = Counter(run for runs in found.values() for run in runs)
    few = max(5, len(answers) // 10)
    kept = {p: {r for r in runs if holders[r] <= few} for p, runs in found.items()}
    return {p: runs for p, runs in kept.items() if len(runs) >= measure.least}


def _runs(text: str, measure: Measure) -> set[tuple[str, ...]]:
    if measure is SENTENCES:
        words = re.findall(r"\w+", text[:_MOST_TEXT].casefold())
    else:
        words = re.findall(r"\w+|[^\w\s]", normal_form(text))
    return set(zip(*(words[start:] for start in range(measure.run)), strict=False))


def _shares(
    runs: dict[int, set[tuple[str, ...]]], alike: float
) -> Iterator[tuple[tuple[int, int], float, float]]:
    """Yield the pairs that have enough in common, the share, and its weight."""
    holders: dict[tuple[str, ...], list[int]] = {}
    for place, own in runs.items():
        for run in own:
            holders.setdefault(run, []).append(place)
    common: Counter[tuple[int, int]] = Counter()
    weights: dict[tuple[int, int], float] = {}
    for places in holders.values():
        for pair in combinations(places, 2):
            common[pair] += 1
            weights[pair] = weights.get(pair, 0.0) + 1 / (len(places) - 1)
    for (one, other), count in common.items():
        share = count / (len(runs[one]) + len(runs[other]) - count)
        if share >= alike:
            yield (one, other), share, weights[one, other]
