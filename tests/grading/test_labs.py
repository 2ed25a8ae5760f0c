"""Labs are graded confined: by hidden cases, and no trick wins a point."""

import copy
import json
import math
import shutil
import sys
from dataclasses import replace

import pytest

from course_utils.authoring.pin import Pin
from course_utils.authoring.release import release_lessons
from course_utils.exercises.model import State, Verdict
from course_utils.grading import batch
from course_utils.grading import judge as judging
from course_utils.grading.answers import (
    changed_tasks,
    find_answers,
    read_cells,
    score,
)
from course_utils.grading.assignment import Assignment
from course_utils.grading.confinement import Limits
from course_utils.grading.curves import HEIGHT, draw
from course_utils.grading.feedback import write_feedback
from course_utils.grading.gradebook import Gradebook, Scale
from course_utils.grading.judge import judge
from course_utils.grading.model import Learner, Mark, Result, Submission
from course_utils.grading.overview import write_overview
from course_utils.grading.sections import read_paper
from course_utils.grading.submissions import find_submissions, from_elsewhere
from course_utils.grading.template import Template
from course_utils.labs.bank import bits
from course_utils.labs.bank.few_labels import drawn
from course_utils.labs.model import Curve, total
from course_utils.labs.registry import find_lab, find_task, lab_names
from course_utils.labs.work import Work
from tests.labs.solutions_bits import BASELINE as BITS_BASELINE
from tests.labs.solutions_bits import PASS as BITS_PASS
from tests.labs.solutions_budget import BASELINE as BUDGET_BASELINE
from tests.labs.solutions_few_labels import CEILING as FEW_CEILING
from tests.labs.solutions_few_labels import PASS as FEW_PASS
from tests.labs.solutions_hinges import BASELINE, CEILING, PASS
from tests.labs.solutions_shifts import PASS as SHIFTS_PASS
from tests.labs.test_shifts import photographs
from tests.lessons import ROOT
from tools.shop.cases import SCRIPTS
from tools.shop.plant import choose, documented, make_notebook

LABS = ROOT / "notebooks" / "labs"
HINGES, SHOP = LABS / "hinges.ipynb", LABS / "repair_shop.ipynb"
SHIFTS, BITS = LABS / "shifts.ipynb", LABS / "bits.ipynb"
FEW = LABS / "few_labels.ipynb"
BUDGET = LABS / "budget.ipynb"
SECRET = "20270131"
confined = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("bwrap"),
    reason="code is confined by bubblewrap, on Linux",
)
LIMITS = Limits(exercise=60, submission=280)
MENDED = {
    f"shop.{script.name}": documented(script.source, fault.cause)
    for script, fault in zip(SCRIPTS, choose(0), strict=True)
}


@pytest.fixture(scope="module")
def template():
    with Template(LIMITS) as template:
        yield template


@pytest.fixture
def marked(template):
    """Return what grades cells of a lab: the marks by the names of the tasks."""

    def graded(cells, lesson, secret=SECRET):
        marks = judge(cells, lesson, template=template, secret=secret)
        return {mark.exercise: mark for mark in marks}

    return graded


def points(marks):
    return {name: total(mark.scores) for name, mark in marks.items()}


# --- reading ----------------------------------------------------------------------


def test_tasks_of_a_lab_are_the_sections_of_its_notebook():
    labs = {HINGES: "hinges", SHOP: "shop", SHIFTS: "shifts"}
    labs |= {FEW: "few_labels", BITS: "bits", BUDGET: "budget"}
    for path, lab in labs.items():
        paper = read_paper(path)
        assert paper.lab == lab
        assert [s.exercise for s in paper.sections] == [
            task.name for task in find_lab(lab).tasks
        ]
        assert [s.title for s in paper.sections] == [
            task.title for task in find_lab(lab).tasks
        ]
    tasks = {task.name for task in find_lab("shop").tasks}
    assert set(read_paper(SHOP).key) == {"seed"} | tasks
    assert read_paper(HINGES).key == {}
    every = ["bits", "budget", "few_labels", "hinges", "shifts", "shop"]
    assert lab_names() == every


def test_notebook_of_a_lab_is_known_by_its_call_without_any_id():
    notebook = json.loads(HINGES.read_text(encoding="utf-8"))
    for number, cell in enumerate(notebook["cells"]):
        del cell["id"]
        cell["metadata"] = {"id": f"Xy{number}"}
        if "def fit(x" in "".join(cell["source"]):
            cell["source"] = "def fit(x, y, tolerance):\n    return 1"
    cells, paper = read_cells(json.dumps(notebook).encode()), read_paper(HINGES)
    assert score(cells, paper) == 2 and score(cells, read_paper(SHOP)) == 0
    answers, _ = find_answers(cells, paper)
    assert answers["hinges.fit"].endswith("return 1")


def test_submission_of_a_lab_is_found_beside_lessons(tmp_path):
    (tmp_path / "ada_hinges.ipynb").write_bytes(HINGES.read_bytes())
    (tmp_path / "ada_01_linear_layers.ipynb").write_bytes(
        (ROOT / "notebooks" / "01_linear_layers.ipynb").read_bytes()
    )
    lessons = [HINGES, SHOP, ROOT / "notebooks" / "01_linear_layers.ipynb"]
    found = find_submissions([tmp_path], lessons)
    assert sorted(s.lesson for s in found) == ["01_linear_layers", "hinges"]


# --- marks ------------------------------------------------------------------------


@confined
def test_shop_that_is_mended_gets_all_points_and_an_untouched_one_none(marked):
    marks = marked(MENDED, SHOP)
    assert set(points(marks).values()) == {4}, marks
    assert {mark.verdict.state for mark in marks.values()} == {State.CORRECT}
    assert max(mark.seconds for mark in marks.values()) < 20
    untouched = {s.exercise: s.stub for s in read_paper(SHOP).sections}
    for cells in ({}, untouched):
        marks = marked(cells, SHOP)
        assert set(points(marks).values()) == {0}
        assert {m.verdict.state for m in marks.values()} == {State.NOT_ATTEMPTED}
        assert all(len(mark.scores) == 3 for mark in marks.values())


@confined
@pytest.mark.parametrize(
    ("level", "low", "high"), [(BASELINE, 4, 6), (PASS, 9.5, 13), (CEILING, 18, 20)]
)
def test_levels_of_lab_a_get_their_points_when_confined(marked, level, low, high):
    marks = marked(level, HINGES)
    assert low <= sum(points(marks).values()) <= high, marks
    assert marks["hinges.deep"].curves[0].lines


@confined
def test_same_seed_gives_the_same_marks_and_another_seed_other_cases(marked):
    first, again, other = (
        marked({"hinges.fit": PASS["hinges.fit"]}, HINGES, secret)["hinges.fit"].scores
        for secret in (SECRET, SECRET, "1")
    )
    assert first == again != other


# --- cheats -----------------------------------------------------------------------

SCALE = "shop.scale"
ATTACKS = {
    "patches torch and the measure": """
        import sys
        torch.allclose = torch.equal = lambda *a, **b: True
        torch.isfinite = lambda x: torch.ones_like(x, dtype=torch.bool)
        torch.Tensor.abs = lambda self: self * 0
        for name, module in list(sys.modules.items()):
            if name.startswith("course_utils.labs"):
                module.measure = module.find_task = module._same = lambda *a, **b: None
        return torch.zeros_like(train), torch.zeros_like(test)
        """,
    "asks the bank": """
        from course_utils.labs.bank import shop
        return shop
        """,
    "asks the registry": """
        from course_utils.labs.registry import find_task
        task = find_task("shop.scale")
        return task.measure.args[0].check.__globals__
        """,
    "takes the key": """
        import glob
        found = glob.glob("/**/*.key.json", recursive=True)
        return open(found[0]).read()
        """,
    "writes the grader's files": """
        import course_utils, pathlib
        place = pathlib.Path(course_utils.__file__).parent / "labs" / "outcome.py"
        place.write_text("def measure(*_): raise SystemExit")
        return train, test
        """,
    "never ends": """
        while True:
            pass
        """,
    "ends the process": """
        import os
        os._exit(0)
        """,
    "raises SystemExit": """
        raise SystemExit
        """,
    "returns what claims to be equal": """
        class Equal(torch.Tensor):
            def __torch_function__(self, *a, **b):
                return True
        return Equal(train), Equal(test)
        """,
    "returns nan": """
        return train * float("nan"), test * float("nan")
        """,
    "returns a huge result": """
        return torch.zeros(1 << 24), torch.zeros(1 << 24)
        """,
}


def cell(body):
    lines = "\n".join(line[4:] for line in body.strip("\n").splitlines())
    return f"def scale(train, test):\n{lines}\n"


@pytest.fixture(scope="module")
def hasty():
    with Template(Limits(exercise=6, submission=280)) as template:
        yield template


@confined
@pytest.mark.parametrize("attack", ATTACKS)
def test_attack_on_a_task_wins_no_point(hasty, attack):
    cells = {SCALE: cell(ATTACKS[attack]), "shop.block": MENDED["shop.block"]}
    marks = judge(cells, SHOP, template=hasty, secret=SECRET)
    found = {mark.exercise: mark for mark in marks}
    assert total(found[SCALE].scores) == 0, found[SCALE]
    assert total(found["shop.block"].scores) == 4
    assert found[SCALE].verdict.state in (State.WRONG, State.ERROR)


@confined
def test_hidden_seed_is_nowhere_where_the_code_runs(marked):
    spy = """
def fit(x, y, tolerance):
    import gc, os, pathlib
    state = torch.get_rng_state()
    torch.manual_seed(0)
    plain = bool((state == torch.get_rng_state()).all())
    texts = [s for s in gc.get_objects() if isinstance(s, str) and "SECRET" in s]
    places = [os.environ, *(pathlib.Path("/proc/self").glob("cmdline"))]
    words = " ".join(str(p) for p in places)
    raise ValueError(f"state is that of seed 0: {plain}; {len(texts)} texts; "
                     f"{'SECRET' in words} {torch.initial_seed() == SECRET}")
""".replace("SECRET", SECRET)
    mark = marked({"hinges.fit": spy}, HINGES)["hinges.fit"]
    said = " ".join(mark.verdict.messages)
    assert "state is that of seed 0: True; 0 texts; False False" in said


@confined
def test_answer_that_works_on_the_open_seed_alone_gets_nothing(marked):
    solve = CEILING["hinges.fit"]
    memory = """
OPEN = []


def remembered(x, y, tolerance):
    '''Right for the open functions; for others the last of them.'''
    known = [answer for start, answer in OPEN if float(y[0]) == start]
    return known[0] if known else tuple(torch.ones(4))
"""
    mark = marked({"hinges.fit": memory + "\nfit = remembered\n"}, HINGES)["hinges.fit"]
    assert total(mark.scores) == 0
    assert total(marked({"hinges.fit": solve}, HINGES)["hinges.fit"].scores) == 10


@confined
def test_endless_loop_mends_nothing_and_explains_nothing(hasty):
    script, fault = SCRIPTS[0], choose(0)[0]
    text = documented(script.source, fault.cause).replace(
        "    mean =", "    while True: pass\n    mean =", 1
    )
    mark = judge({SCALE: text}, SHOP, template=hasty, secret=SECRET)[0]
    assert {s.item: s.points for s in mark.scores} == {
        "mended": 0,
        "found": 0,
        "explained": 0,
    }
    assert mark.fault == "out of time"


@confined
def test_another_learners_file_is_told_to_the_letter(tmp_path, marked):
    results = []
    for number, name in enumerate(("ada", "ben", "cleo")):
        cells = MENDED if name != "cleo" else {}
        own = Submission(name, Learner(name), "repair_shop", "x", cells)
        marks = tuple(marked(cells, SHOP).values()) if not number else ()
        results.append(Result(own, marks or results[0].marks))
    names = {"repair_shop": [task.name for task in find_lab("shop").tasks]}
    scale = Scale({task.name: task.most for task in find_lab("shop").tasks})
    write_overview(Gradebook(results, names, scale), tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "to the letter" in page and "Points of 40" in page


@confined
def test_sentence_that_stands_in_two_tasks_gets_a_point_in_neither(marked):
    cause = choose(0)[0].cause
    cells = {
        f"shop.{script.name}": documented(script.source, cause)
        for script in SCRIPTS[:2]
    }
    for mark in list(marked(cells, SHOP).values())[:2]:
        (why,) = (s.why for s in mark.scores if s.item == "explained")
        assert total(mark.scores) == 3 and "stands in another task" in why


@confined
def test_file_of_another_variant_loses_what_it_did_not_find(marked):
    """Right lines of another year's shop mend, but explain a fault that is not here."""
    other = {
        f"shop.{script.name}": documented(script.source, fault.cause)
        for script, fault in zip(SCRIPTS, choose(2027), strict=True)
    }
    assert 20 <= sum(points(marked(other, SHOP)).values()) <= 36


def test_notebooks_of_another_shop_are_told(tmp_path):
    for name in ("ada", "bo", "cy"):
        (tmp_path / f"{name}.ipynb").write_text(json.dumps(make_notebook(2027)))
    found = find_submissions([tmp_path], [SHOP])
    (told,) = from_elsewhere(found)
    assert told.startswith("3 of 3 notebooks for repair_shop are from another repair")
    assert all("From another repair shop: " in " ".join(one.notes) for one in found)
    for name in ("ada", "bo"):
        (tmp_path / f"{name}.ipynb").write_bytes(SHOP.read_bytes())
    ada, bo, cy = find_submissions([tmp_path], [SHOP])
    assert from_elsewhere([ada, bo, cy]) == []  # most are what was given out
    other = ["From another repair shop" in " ".join(one.notes) for one in (ada, bo, cy)]
    assert other == [False, False, True]


def test_release_leaves_the_text_of_tasks_as_it_is():
    lesson = ROOT / "notebooks" / "03_dropout.ipynb"
    files = release_lessons(
        [lesson, SHOP], Pin("owner/name", "v1"), ROOT, outputs=False
    )
    for path in (lesson, SHOP):
        assert changed_tasks(files[path.name], read_paper(path)) == 0


# --- recipes that train -------------------------------------------------------------


@photographs
@confined
def test_recipe_has_the_time_of_its_task_and_is_measured_elsewhere(tmp_path):
    """It gets the layers of the page, and no limit that is meant for exercises."""
    with Template(Limits(exercise=0.5, submission=280)) as template:
        cells = {"shifts.train": SHIFTS_PASS["shifts.train"].replace(", 8, ", ", 1, ")}
        (mark,) = judge(cells, SHIFTS, template=template, secret=SECRET)
    assert mark.seconds > 0.5 and not mark.fault
    assert "24,282 of 50,000 numbers" in mark.scores[0].why, mark


SPY = """
def train(images, labels):
    import os
    from course_utils import load_fashion_mnist, load_sketches
    found = []
    for top in os.listdir("/"):
        if top not in ("proc", "sys", "dev"):
            for place, _, names in os.walk("/" + top):
                found += [f"{place}/{n}" for n in names if "idx1" in n or "idx3" in n]
    told = []
    for load in (load_sketches, load_fashion_mnist, lambda: load_fashion_mnist("real")):
        try:
            told.append(load().source)
        except Exception as error:
            told.append(type(error).__name__)
    raise ValueError(f"found {found}, {told}")
"""


@photographs
@confined
@pytest.mark.parametrize("lesson", [SHIFTS, FEW, BUDGET])
def test_recipe_finds_no_image_but_those_that_it_is_given(marked, lesson):
    """No photograph, for training or for tests, and no sketch."""
    text = SPY
    if lesson == FEW:
        text = text.replace("(images, labels)", "(images, labels, validate)")
    (mark,) = marked({f"{lesson.stem}.train": text}, lesson).values()
    assert total(mark.scores) == 0
    said = " ".join(mark.verdict.messages)
    assert "found [], ['CourseError', 'CourseError', 'CourseError']" in said, said


@photographs
@confined
def test_data_that_a_recipe_asks_for_are_told_without_a_path(marked):
    text = "def train(images, labels):\n    return load_fashion_mnist()"
    (mark,) = marked({"shifts.train": text}, SHIFTS).values()
    (said,) = mark.verdict.messages
    assert said.startswith("Your code asked the course for data, and there are none")


# --- recipes under a clock of processor time ------------------------------------------


@confined
def test_passages_are_predicted_byte_by_byte_from_another_process(marked):
    """A thousand calls and all that they return are within the limits."""
    untouched, table, tables = (
        marked(cells, BITS)["bits.train"] for cells in ({}, BITS_BASELINE, BITS_PASS)
    )
    assert untouched.verdict.state == State.NOT_ATTEMPTED
    assert total(untouched.scores) == total(table.scores) == 0, table
    assert ", 0.000 saved." in table.scores[0].why.replace("-", "")
    assert not tables.fault and 5 < total(tables.scores) < 14, tables


@pytest.fixture
def hurried(monkeypatch, marked):
    """Return what grades a recipe that has two seconds of processor time."""
    monkeypatch.setattr(bits, "LENGTH", 40)
    hasty = replace(find_task("bits.train"), cpu=2)
    place = "course_utils.grading.judge.find_task"
    monkeypatch.setattr(place, lambda name: hasty)
    return lambda text: marked({"bits.train": text}, BITS)["bits.train"]


USED = "it used all the processor time that it may"
ENDLESS = {
    "never ends": ("while True: pass", USED),
    "tells its own time": (
        """
    import time
    time.process_time = lambda: 0.0
    while True: pass
""",
        USED,
    ),
    "has threads": (
        """
    import threading
    for _ in range(4):
        threading.Thread(target=lambda: [torch.ones(300, 300) @ torch.ones(300, 300)
                                         for _ in range(10**9)], daemon=True).start()
    threading.Event().wait()
""",
        USED,
    ),
    "refuses the signal": (
        """
    import signal
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    while True: pass
""",
        "its process was ended by SIGKILL",
    ),
}


@confined
@pytest.mark.parametrize("name", ENDLESS)
def test_recipe_has_no_more_than_its_processor_time(hurried, name):
    body, fault = ENDLESS[name]
    mark = hurried(f"def train(text, seconds):\n    {body}\n")
    assert mark.fault == fault and total(mark.scores) == 0, mark
    assert fault in mark.verdict.messages[0]


@confined
def test_bytes_that_were_predicted_in_time_count(hurried):
    mark = hurried("""
def train(text, seconds):
    scores = (text.bincount(minlength=256) + 0.1).log()

    def predict(past):
        begun = time.process_time()
        while time.process_time() - begun < 0.2:
            pass
        return scores.expand(16, 256)

    return predict
""")
    assert mark.fault == USED
    assert "The time was over after " in mark.scores[0].why
    assert 5.5 < float(mark.scores[0].why.split()[0]) < 7.8


@confined
def test_recipe_starts_threads_and_no_process(hurried):
    mark = hurried("""
def train(text, seconds):
    import multiprocessing, os, subprocess, threading
    told = []
    for start in (
        os.fork,
        os.forkpty,
        lambda: os.posix_spawn("/bin/true", ["true"], {}),
        lambda: subprocess.run(["/bin/true"]),
        multiprocessing.get_context("fork").Process(target=print).start,
    ):
        try:
            start()
            told.append("started")
        except OSError as error:
            told.append(type(error).__name__)
    thread = threading.Thread(target=told.append, args=["a thread"])
    thread.start()
    thread.join()
    raise ValueError(" ".join(told))
""")
    said = " ".join(mark.verdict.messages)
    assert " ".join(["PermissionError"] * 5) + " a thread" in said


@confined
def test_recipe_finds_the_held_out_text_in_no_python_here(marked):
    """Stubs of types, `.pyi`, hold names alone."""
    spy = """
def train(text, seconds):
    import os, sys
    found, seen = [], "pydoc_data.topics" in sys.modules
    for top in os.listdir("/"):
        if top not in ("proc", "sys", "dev"):
            for place, _, names in os.walk("/" + top):
                if "pydoc_data" in place or place.startswith("/usr/share/doc/"):
                    found += [n for n in names if not n.endswith(".pyi")]
    try:
        import pydoc_data.topics
    except ImportError:
        raise ValueError(f"found {found}, {seen}")
"""
    mark = marked({"bits.train": spy}, BITS)["bits.train"]
    assert total(mark.scores) == 0
    assert "found [], False" in " ".join(mark.verdict.messages)


HASTY = FEW_CEILING["few_labels.train"].replace("range(60)", "range(1)")
# Keeps its images where another draw, or another learner, might find them.
KEEPS = """
import pathlib

SEEN = []


def train(images, labels, validate):
    place = pathlib.Path("/tmp/images.pt")
    if SEEN or place.exists() or hasattr(torch, "seen"):
        raise ValueError("these are not the first images")
    SEEN.append(images)
    torch.seen = images
    torch.save(images, place)
    for _ in range(2):
        validate(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)))
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
"""


@photographs
@confined
def test_each_draw_begins_without_what_an_earlier_one_left(marked):
    for _learner in range(2):
        mark = marked({"few_labels.train": KEEPS}, FEW)["few_labels.train"]
        assert mark.verdict.state is State.WRONG and not mark.verdict.messages
        assert [list(curve.lines) for curve in mark.curves] == [
            ["draw 1", "draw 2", "draw 3"]
        ] * 2
        assert "Draw 3: 0." in mark.scores[0].why


@photographs
@confined
@pytest.mark.nightly
def test_mean_of_networks_comes_back_as_it_was(marked):
    """Its containers are the page's own classes, defined over there."""
    mark = marked({"few_labels.train": HASTY}, FEW)["few_labels.train"]
    assert "with 53,922 numbers" in mark.scores[0].why, mark


@photographs
@confined
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "then",
    [pytest.param("while True: pass", marks=pytest.mark.nightly), "exit()", "1 / 0"],
)
def test_draw_from_before_a_recipe_is_stopped_keeps_its_points(
    hasty, monkeypatch, then
):
    task = replace(find_task("few_labels.train"), seconds=75.0)
    monkeypatch.setattr(judging, "find_task", lambda name: task)
    first = drawn(Work(None, f"graded {SECRET}")).images.sum()
    text = FEW_PASS["few_labels.train"]
    stop = f"    if abs(images.sum() - {first}) > 1:\n        {then}\n    net ="
    cells = {"few_labels.train": text.replace("    net =", stop, 1)}
    (mark,) = judge(cells, FEW, template=hasty, secret=SECRET)
    assert 1 < total(mark.scores) < 6, mark
    assert mark.verdict.state is State.ERROR and "Draw 1" in mark.scores[0].why
    assert (mark.fault == "out of time") == then.startswith("while")


@photographs
@confined
def test_recipe_may_use_both_cores_and_whole_data(marked, monkeypatch):
    task = replace(find_task("budget.train"), rounds=1)
    monkeypatch.setattr(judging, "find_task", lambda name: task)
    text = BUDGET_BASELINE["budget.train"]
    start = (
        "    torch.set_num_threads(2)\n    assert images.shape == (55_000, 1, 28, 28)\n"
    )
    text = text.replace("    net =", f"{start}    net =", 1)
    text = text.replace("len(images)", "5_000")
    mark = marked({"budget.train": text}, BUDGET)["budget.train"]
    assert "Training 1: 0." in mark.scores[0].why and not mark.fault, mark
    assert "9,098 of 100,000 numbers" in mark.scores[1].why


def test_submission_has_the_time_that_the_tasks_of_its_lab_need(tmp_path):
    def seconds(*labs, **limits):
        lessons = [str(path) for path in labs]
        assignment = Assignment.of([tmp_path], lessons, limits=limits)
        return assignment.allowed.submission

    assert seconds(HINGES) == Limits().submission == 60
    assert seconds(SHIFTS) == seconds(FEW) == 240
    assert seconds(BUDGET) == 285
    assert seconds(SHIFTS, submission=300) == 300


# --- the batch, tables and pages ----------------------------------------------------


def lab_result(**changes):
    cells = {"hinges.fit": "def fit(x, y, tolerance): ...", **changes}
    own = Submission("ada", Learner("ada"), "hinges", "ada.ipynb", cells)
    task = find_lab("hinges").tasks[0]
    first, second = task.rubric
    scores = (first.share(0.5, "Three of six."), second.none("Not <all>."))
    curve = Curve("Spread", "layers", {"tanh": [0.0, -1.0, -2.0]})
    mark = Mark(task.name, Verdict(State.WRONG), 0.2, None, "T", scores, (curve,))
    return Result(own, (mark,), seconds=1.0)


def test_result_of_a_lab_is_read_as_it_was_written():
    result = lab_result()
    assert Result.from_json(result.to_json()) == result


def test_points_of_a_task_are_those_of_its_rubric_unless_a_table_says_more():
    mark = lab_result().marks[0]
    assert Scale({"hinges.fit": 10}).of(mark) == 2
    assert Scale({"hinges.fit": 5}).of(mark) == 1


def test_learners_page_shows_points_reasons_and_curves(tmp_path):
    write_feedback([lab_result()], Scale({"hinges.fit": 10}), tmp_path)
    (page,) = (tmp_path / "feedback").glob("*.html")
    text = page.read_text(encoding="utf-8")
    for part in ("2 of 10 points", "2 of 4", "Three of six.", "Not &lt;all&gt;."):
        assert part in text
    assert "<polyline" in text and "tanh: from 0 to -2." in text
    assert ">layers</text>" in text and ">-1.5</text>" in text and ">2</text>" in text
    assert "Task 1 of 1" in text and "not all points" in text.lower()


@pytest.mark.parametrize(("share", "crosses"), [(0.93, 0), (0.0, 1)])
def test_cross_is_for_no_points_at_all(tmp_path, share, crosses):
    result = lab_result()
    (mark,) = result.marks
    scores = tuple(
        item.share(share, "So.") for item in find_lab("hinges").tasks[0].rubric
    )
    result = replace(result, marks=(replace(mark, scores=scores, curves=()),))
    write_feedback([result], Scale({}), tmp_path)
    (page,) = (tmp_path / "feedback").glob("*.html")
    text = page.read_text(encoding="utf-8").partition("</style>")[2]
    assert text.count("✗") == crosses
    assert ('"bad"' in text) == (' bad"' in text) == bool(crosses)


def test_curve_without_numbers_is_not_drawn():
    assert draw(Curve("x", "y", {"a": [1.0], "b": [float("nan")] * 3})) is None
    drawn = draw(Curve("x", "y", {"a": [float(n) for n in range(1_000)]}))
    assert len(drawn.lines[0][2].split()) <= 300
    flat = draw(Curve("x", "y", {"a": [2.0, 2.0]}))
    assert flat.lines[0][2] == "0,80 440,80"


def test_axis_fits_its_numbers_and_says_them():
    accuracy = [0.853, 0.861, 0.874, 0.881]
    drawn = draw(Curve("x", "pixels, from 0 to 3", {"far": accuracy, "b": [0.87] * 2}))
    rows = [float(label) for _, label in drawn.rows]
    assert min(rows) >= 0.84 and max(rows) <= 0.89 and len(rows) >= 4
    heights = [float(p.partition(",")[2]) for p in drawn.lines[0][2].split()]
    assert max(heights) - min(heights) > HEIGHT / 2  # no line lies flat
    assert [label for _, label in drawn.columns] == ["0", "1", "2", "3"]
    assert drawn.across == "pixels"
    # A shorter line ends where its last number stands.
    assert drawn.lines[1][2].split()[-1].startswith("146.7,")


def test_lines_of_six_activations_differ():
    lines = {name: [1.0, 2.0] for name in "abcdef"}
    assert len({dashes for _, dashes, _ in draw(Curve("x", "y", lines)).lines}) == 6


@pytest.mark.parametrize(
    "numbers",
    [
        [0.0, 1e-300],
        [1e99, -1e99],
        [1.0, 1.0 + 1e-15],
        [math.inf, 1.0, 2.0],
        [5e-324, 0.0],
        [1e300, 1.0, 3.0],
        [-7.0, -7.0],
    ],
)
def test_any_numbers_have_an_axis(numbers):
    drawn = draw(Curve("x", "layers, from 1 to 50", {"a": numbers}))
    labels = [label for _, label in drawn.rows]
    assert len(set(labels)) == len(labels) >= 2
    assert all(-1 <= y <= HEIGHT + 1 for y, _ in drawn.rows)
    assert [label for _, label in drawn.columns] == ["1", "10", "20", "30", "40", "50"]


def test_seed_is_drawn_once_and_kept(tmp_path):
    made = [Assignment.of([tmp_path], [str(HINGES)]) for _ in range(2)]
    assert made[0].seed != made[1].seed
    assert Assignment.of([tmp_path], [str(HINGES)], seed=3).seed == 3
    made[0].write(tmp_path)
    assert Assignment.read(tmp_path).seed == made[0].seed
    assert made[0].scale.most("hinges.fit") == 10


@confined
def test_batch_of_a_lab_is_graded_with_its_secret(monkeypatch):
    own = Submission("a", Learner("a"), "hinges", "a.ipynb", dict(BASELINE))
    papers = {"hinges": read_paper(HINGES)}
    results = [
        batch.grade(own, batch.Grading(papers, LIMITS, secret=secret))
        for secret in ("5", "5", "6")
    ]
    batch._close_last()
    scores = [[mark.scores for mark in result.marks] for result in results]
    assert scores[0] == scores[1] != scores[2], results
    assert copy.deepcopy(results[0]) == results[0]
