"""The repair shop: each fault is noticed, each mend is worth its points."""

import json
from itertools import permutations, product

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.authoring.lint.document import tags
from course_utils.labs.bank.shop import CASES, alike, changed_lines
from course_utils.labs.outcome import measure
from course_utils.labs.registry import find_lab, find_task
from course_utils.labs.work import OPEN, Work
from tests.lessons import ROOT, read
from tools.shop.cases import SCRIPTS
from tools.shop.plant import (
    BLANK,
    NAME,
    broken,
    choose,
    documented,
    main,
    make_key,
    make_notebook,
    planted,
)

FAULTS = [
    pytest.param(script, fault, id=f"{script.name}-{place}")
    for script in SCRIPTS
    for place, fault in enumerate(script.faults)
]
ALL = pytest.mark.parametrize(("script", "fault"), FAULTS)
SEEDS = ("graded 1", "graded 2", "graded 3", OPEN)


def marked(script, source, fault=None, secret="graded 1", stub=None):
    """Return the points of a function by item; see `Score.why` for the reasons."""
    scope = {"torch": torch, "F": F, "nn": nn}
    exec(source, scope)
    stub = broken(script, fault) if stub is None and fault else stub or ""
    key = {"cause": fault.cause, "words": fault.words} if fault else {}
    work = Work(scope[script.name], secret, source, stub, key)
    outcome = measure(find_task(f"shop.{script.name}"), work)
    assert not outcome.messages, outcome.messages
    return {score.item: score for score in outcome.scores}


def points(scores):
    return {name: score.points for name, score in scores.items()}


def solved(script, fault):
    return documented(script.source, fault.cause)


@ALL
def test_mend_that_is_found_and_explained_gets_all_points(script, fault):
    for secret in ("graded 1", "graded 2", "graded 3"):
        scores = marked(script, solved(script, fault), fault, secret)
        assert points(scores) == {"mended": 2, "found": 1, "explained": 1}, scores


@ALL
def test_planted_fault_is_noticed_on_every_seed(script, fault):
    for secret in SEEDS:
        scores = marked(script, broken(script, fault), fault, secret)
        assert scores["mended"].points == 0
        told = marked(script, documented(planted(script, fault), fault.cause), fault)
        assert told["explained"].points == 0  # a sentence alone is worth nothing


@ALL
def test_explanation_of_another_fault_gets_no_point(script, fault):
    other = [s.faults[0].cause for s in SCRIPTS if s is not script]
    got = [
        marked(script, documented(script.source, cause), fault)["explained"]
        for cause in other
    ]
    # Sentences of other tasks share a word now and then, such as 'column'.
    assert sum(score.points for score in got) <= 3


def test_explanation_has_five_to_thirty_words():
    script, fault = SCRIPTS[0], SCRIPTS[0].faults[0]
    stuffed = " ".join(
        word for s in SCRIPTS for f in s.faults for g in f.words for word in g
    )
    for docstring, said in (
        ("test own", "2 words"),
        (stuffed.replace('"', ""), "words, not 5 to 30"),
        (BLANK, "as it was"),
    ):
        score = marked(script, documented(script.source, docstring), fault)["explained"]
        assert score.points == 0 and said in score.why


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("drop", "The if was negated, so it dropped when it should not."),
        ("follow", "It divided by N, but torch keeps the estimate with N minus one."),
        ("convolve", ".T interleaved values of different pictures in one row."),
    ],
)
def test_plain_words_explain_as_well(name, sentence):
    (script,) = (script for script in SCRIPTS if script.name == name)
    got = [
        marked(script, documented(script.source, sentence), fault)["explained"].points
        for fault in script.faults
    ]
    assert max(got) == 1


def test_other_words_are_left_to_the_teacher():
    script, fault = SCRIPTS[0], SCRIPTS[0].faults[0]
    source = documented(script.source, "Somebody had typed the wrong thing here.")
    assert (
        "For your teacher to read: it lacks"
        in marked(script, source, fault)["explained"].why
    )


def test_one_sentence_for_two_faults_gets_no_point():
    script, fault = SCRIPTS[0], SCRIPTS[0].faults[0]
    source = solved(script, fault)
    scope = {"torch": torch}
    exec(source, scope)
    stub, key = broken(script, fault), {"cause": fault.cause, "words": fault.words}

    def explained(*others):
        work = Work(scope["scale"], "s", source, stub, key, docstrings=others)
        scores = {s.item: s for s in measure(find_task("shop.scale"), work).scores}
        return scores["explained"]

    assert explained("Another sentence.", "").points == 1
    nearly = fault.cause.replace(" the ", " that ", 1)
    assert nearly != fault.cause
    for other in (f"  {fault.cause.upper()}", nearly):
        again = explained("", other)
        assert again.points == 0 and "stands in another task" in again.why


def test_sentences_of_two_faults_are_not_taken_for_one():
    for one, two in permutations(SCRIPTS, 2):
        for fault, other in product(one.faults, two.faults):
            assert not alike(fault.cause, other.cause)


def test_without_a_key_the_explanation_is_for_the_teacher():
    script = SCRIPTS[0]
    scores = marked(script, solved(script, script.faults[0]))
    assert "your teacher" in scores["explained"].why


@ALL
def test_function_that_was_rewritten_is_mended_but_not_found(script, fault):
    rewritten = script.source.strip().replace(
        "\n    ", "\n    first_of_all = 0\n    ", 1
    )
    lines = "\n".join(f"    step_{n} = {n}" for n in range(4))
    head, body = rewritten.split("\n", 1)
    scores = marked(script, f"{head}\n{lines}\n{body}", fault)
    assert (scores["mended"].points, scores["found"].points) == (2, 0)
    assert "would have done" in scores["found"].why


def test_changed_lines_count_neither_comments_nor_spacing_nor_docstrings():
    stub = 'def f(x):\n    """Old."""\n    y = x\n    return y\n'
    same = 'def f( x ):\n    """New."""\n    # why\n    y=x\n\n    return  y'
    assert changed_lines(stub, same, "f") == 0
    assert changed_lines(stub, same.replace("y=x", "y=x+1"), "f") == 1
    assert changed_lines(stub, "z = 1\n" + same, "f") == 1


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
@pytest.mark.parametrize(
    "body",
    [
        "return None",
        "return 0.0",
        "return torch.zeros(3, 3)",
        "return [torch.full((2, 2), float('nan'))] * 2",
        "return torch.full((1,), float('inf'))",
        "raise ValueError('no')",
        "return 'words'",
        "return torch.ones(2, 2, dtype=torch.long)",
        "return {'a': 1}",
        "return (...,)",
    ],
)
def test_constant_and_malformed_answers_get_nothing(script, body):
    case = next(case for case in CASES if case.name == script.name)
    source = f"def {script.name}({', '.join(case.takes)}):\n    {body}\n"
    scores = marked(script, source, script.faults[0])
    assert {s.points for s in scores.values()} == {0}
    assert len(scores["mended"].why) < 400


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_answer_that_memorises_the_open_cases_gets_nothing_when_graded(script):
    case = next(case for case in CASES if case.name == script.name)
    right = {"torch": torch, "F": F}
    exec(script.source, right)
    known = []
    for number in range(4):
        args = case.draw(Work(None).generator("shop", case.name, number), number)
        known.append((str(args), right[script.name](*args)))

    def memory(*args):
        return next((result for text, result in known if text == str(args)), None)

    task = find_task(f"shop.{script.name}")
    openly = {s.item: s.points for s in measure(task, Work(memory)).scores}
    graded = measure(task, Work(memory, "graded 1", "x = 1", "x = 2"))
    assert openly["mended"] == 2
    assert {s.points for s in graded.scores} == {0}


@ALL
def test_fault_stands_once_and_is_worth_planting(script, fault):
    text = planted(script, fault)
    assert text != script.source.strip()
    assert changed_lines(text, script.source.strip(), script.name) <= 3
    assert len(fault.cause.split()) <= 30
    # The complaint tells what is seen, not what to change.
    assert fault.wrong.strip() not in fault.seen or not fault.wrong.strip()


def test_notebook_and_key_are_those_of_the_first_variant():
    folder = ROOT / "notebooks" / "labs"
    stored, made = read(folder / f"{NAME}.ipynb"), make_notebook(0)
    assert [(c.id, c.source, tags(c)) for c in stored.cells] == [
        (c.id, c.source, tags(c)) for c in made.cells
    ]
    key = json.loads((folder / f"{NAME}.key.json").read_text(encoding="utf-8"))
    assert key == json.loads(json.dumps(make_key(0)))


def test_variants_of_two_years_differ():
    first, second = choose(2026), choose(2027)
    differ = sum(a is not b for a, b in zip(first, second, strict=True))
    assert differ >= 4
    assert choose(2026) == first


def test_faults_of_ones_own_are_planted_from_a_copy_of_the_cases(tmp_path, monkeypatch):
    text = (ROOT / "tools" / "shop" / "cases.py").read_text(encoding="utf-8")
    fault = choose(0)[0]
    own = text.replace(f'"{fault.wrong}"', '"(test + mean) / std"')
    own = own.replace("The test table was scaled", "Mine: the test table was scaled")
    (tmp_path / "mine.py").write_text(own, encoding="utf-8")
    arguments = ["--seed", "0", "--out", str(tmp_path / "shop")]
    arguments += ["--cases", str(tmp_path / "mine.py")]
    monkeypatch.setattr("sys.argv", ["plant", *arguments])
    main()
    notebook = read(tmp_path / "shop" / f"{NAME}.ipynb")
    (cell,) = (cell for cell in notebook.cells if cell.id == "shop-scale")
    assert "(test + mean) / std" in cell.source and fault.wrong not in cell.source
    key = json.loads((tmp_path / "shop" / f"{NAME}.key.json").read_text())
    assert key["shop.scale"]["cause"].startswith("Mine: ")
    assert key["shop.block"]["cause"] == make_key(0)["shop.block"]["cause"]


def test_tasks_of_the_lab_are_those_of_the_tool():
    assert [task.name for task in find_lab("shop").tasks] == [
        f"shop.{script.name}" for script in SCRIPTS
    ]
    assert find_lab("shop").most == 40


def test_notebook_holds_neither_key_nor_right_lines():
    text = (ROOT / "notebooks" / "labs" / f"{NAME}.ipynb").read_text(encoding="utf-8")
    for script, fault in zip(SCRIPTS, choose(0), strict=True):
        assert fault.cause not in text
        assert script.source.strip() not in text
