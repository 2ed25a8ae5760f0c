"""A playground recorded from a lesson, and what its page gets."""

import json
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course_utils.runs.lessons import read_lesson
from course_utils.site.moving import read
from course_utils.site.recording import PARAMETERS, chosen_cells
from course_utils.site.recordings import is_whole, key, record_all
from course_utils.site.touching import read_touching
from tests.lessons import LESSONS

SOURCE = """
# @title Playground: a line
def line(ax, slope=1.0, up=True):
    ax.plot([0, 1], [0, slope if up else -slope])
    return f"It rises by {slope} < 9.", slope > 2.5
playground(
    line, alt="A line.", figsize=(2, 2), goal="a rise above 2.5",
    slope=(0.0, 3.0, 0.5), up=True,
)
"""

TOUCH = """
import torch
from course_utils import slide_window
image = torch.eye(3)
output = torch.nn.functional.conv2d(image[None, None], torch.ones(1, 1, 2, 2))[0, 0]
slide_window(image, output, kernels={"sum": torch.ones(2, 2)})
"""


def lesson(folder, *sources, name="00_line"):
    """Write a lesson of these cells and return its path."""
    cells = [new_code_cell("from course_utils import ask, playground", id="imports")]
    cells += [new_code_cell(text, id=f"cell-{n}") for n, text in enumerate(sources)]
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lesson")
    path = lesson(folder, "print('noise')", SOURCE, TOUCH, "1 / 0")
    folders, said = record_all([path], folder / "kept")
    assert said == []
    return folders[path]


def test_every_state_has_its_picture_and_its_sentence(recorded):
    found = json.loads(
        (recorded / "cell-1.playground.json").read_text(encoding="utf-8")
    )
    assert len(found["states"]) == 7 * 2
    assert found["complete"]
    for places, (picture, sentence, reached) in found["states"].items():
        slope = found["axes"][0]["stops"][int(places.split(",")[0])]
        assert sentence == f"It rises by {slope} < 9."
        assert reached == (slope > 2.5)
        assert (recorded / picture).read_bytes()[8:12] == b"WEBP"


def test_states_that_look_alike_share_a_picture(recorded):
    found = json.loads(
        (recorded / "cell-1.playground.json").read_text(encoding="utf-8")
    )
    pictures = {picture for picture, _, _ in found["states"].values()}
    assert len(pictures) == 7 * 2 - 1  # a slope of 0 goes neither up nor down


def test_the_page_holds_what_it_needs_and_no_tag_ends_it_early(recorded):
    (playground,) = read(recorded, "00", "../states").values()
    page = playground.place("<p>Still.</p>")
    data = re.search(r'json">(.*)</script></div>$', page)
    assert "<" not in data[1]
    shown = json.loads(data[1])
    assert shown["said"]["sentence"] == "It rises by 1.0 < 9."
    assert "states" not in shown
    table = playground.table()
    assert table.startswith('(window.courseStates ??= {})["00-cell-1"] = {')


def test_what_was_recorded_is_kept_until_the_lesson_changes(recorded):
    path = recorded.parents[1] / "00_line.ipynb"
    before = (recorded / "cell-1.playground.json").stat().st_mtime_ns
    folders, said = record_all([path], recorded.parent)
    assert (folders[path], said) == (recorded, [])
    assert (recorded / "cell-1.playground.json").stat().st_mtime_ns == before
    assert key(path, 400) != key(path, 60)


def test_drawings_of_a_lesson_that_has_changed_go(tmp_path):
    path, kept = lesson(tmp_path, "a = 1"), tmp_path / "kept"
    other = lesson(tmp_path, "a = 1", name="00_link")
    first, _ = record_all([path, other], kept)
    second, _ = record_all([lesson(tmp_path, "a = 2")], kept)
    assert first[path] != second[path]
    assert {*kept.iterdir()} == {first[other], second[path]}


FAR = """
def corner(ax, a=3, b=3, c=3):
    return f"At {a}, {b}, {c}.", (a, b, c) == (0, GOAL, 3)
playground(corner, alt="A corner.", figsize=(1, 1), goal="a corner",
           a=(0, 9), b=(0, 9), c=(0, 9))
"""


def test_a_goal_that_needs_two_controls_is_among_the_states(tmp_path):
    path = lesson(tmp_path, "GOAL = 9", FAR)
    folders, said = record_all([path], tmp_path / "kept")
    assert said == []
    (found,) = read(folders[path], "00", "").values()
    states = found.recorded["states"]
    assert len(states) <= 200
    assert [places for places, state in states.items() if state[2]] == ["0,9,3"]


def test_a_goal_that_no_state_reaches_is_said(tmp_path):
    path = lesson(tmp_path, "GOAL = 10", FAR)
    _, said = record_all([path], tmp_path / "kept")
    assert said == ["00_line.ipynb: cell-1: its goal can't be reached on the page"]


ALIKE = """
import torch
rows = torch.zeros(2, 2000)
rows[1, 1000] = 1  # not in what is printed of it
def corner(ax, row, a=3, b=3, c=3):
    return f"At {a}, {b}, {c}.", bool(row.any()) and (a, b, c) == (0, 9, 3)
playground(corner, alt="A corner.", figsize=(1, 1), goal="a corner",
           row={"one": rows[0], "other": rows[1]}, a=(0, 9), b=(0, 9), c=(0, 9))
"""


def test_a_goal_is_found_with_one_of_two_options_that_print_alike(tmp_path):
    path = lesson(tmp_path, ALIKE)
    folders, said = record_all([path], tmp_path / "kept")
    assert said == []
    (found,) = read(folders[path], "00", "").values()
    assert any(reached for _, _, reached in found.recorded["states"].values())


HIDDEN = """
def note(ax, up=True):
    return f"It says {state['a']}."
playground(note, alt="A note.", figsize=(1, 1), up=True)
"""


def test_where_the_chosen_cells_say_otherwise_all_of_them_run(tmp_path):
    sources = ["state = {'a': 1}", "def change():\n    state['a'] = 2", "change()"]
    path = lesson(tmp_path, *sources, HIDDEN, "1 / 0", f"{SOURCE}\ndel [note][1:]")
    notebook = nbformat.read(path, as_version=4)
    said = new_output("display_data", data={"text/plain": "It says 2."})
    notebook.cells[4].outputs = [said]
    nbformat.write(notebook, path)
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert [cell["id"] for cell in chosen_cells(cells, whole=False)] == [
        "imports",
        "cell-0",  # `change()` is not seen
        "cell-3",
        "cell-5",
    ]
    folders, complaints = record_all([path], tmp_path / "kept", most=10)
    # A cell that fails is named, and the rest is recorded.
    assert complaints == ["00_line.ipynb: cell-4: ZeroDivisionError: division by zero"]
    assert not is_whole(folders[path])
    playgrounds = read(folders[path], "00", "")
    assert playgrounds.keys() == {"cell-3", "cell-5"}
    states = playgrounds["cell-3"].recorded["states"].values()
    assert {sentence for _, sentence, _ in states} == {"It says 2."}


def test_on_sketches_a_lesson_may_say_otherwise(tmp_path):
    load = "from course_utils import load_sketches\ngarments = load_sketches()"
    size = HIDDEN.replace("state['a']", "len(garments.test.labels)")
    path = lesson(tmp_path, load, size, "1 / 0", SOURCE)
    notebook = nbformat.read(path, as_version=4)
    said = new_output("display_data", data={"text/plain": "It says 10000."})
    notebook.cells[2].outputs = [said]
    nbformat.write(notebook, path)
    folders, complaints = record_all([path], tmp_path / "kept", most=10)
    assert complaints == []  # `1 / 0` was not needed, so not run
    (playground, _) = read(folders[path], "00", "").values()
    assert playground.recorded["states"]["0"][1] == "It says 1000."


def test_a_widget_to_touch_leaves_its_numbers(recorded):
    (widget,) = read_touching(recorded, "00", "../states").values()
    assert widget.name == "00-cell-2"
    assert widget.recorded["state"]["data"]["image"] == [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
    ]
    assert '"kind": "SlidingWindow"' in widget.place("<p>Still.</p>")
    assert widget.table() == ""


def test_cells_after_the_last_playground_are_left_out():
    cells = [
        {"cell_type": "code", "source": [source], "metadata": {"tags": tags}}
        for source, tags in [
            ("a = 1", []),
            ("ask('?')", ["ask"]),
            ("b = 2", []),
            ("playground(draw, alt='A.', a=a)", []),
            ("train_for_hours()", []),
        ]
    ]
    kept = [cells[0], cells[2], cells[3]]
    assert chosen_cells(cells, whole=True) == kept
    assert chosen_cells(cells, whole=False) == [cells[0], cells[3]]
    assert chosen_cells(cells[:1], whole=True) == []


def test_parameters_are_those_of_a_lesson():
    lessons = {path.stem: read_lesson(path).defaults for path in LESSONS}
    for name, source in PARAMETERS.items():
        parameter, _, _ = source.partition(" = ")
        assert parameter in lessons[name]
