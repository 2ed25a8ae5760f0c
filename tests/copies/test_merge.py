"""What of a learner's lesson stands in a new version of it, and where."""

import json

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_output

from course_utils.copies.merge import is_untouched, merge
from course_utils.copies.notebook import read_cells
from course_utils.copies.record import Released
from tests.copies.lesson import EXERCISE, Chance, changed, code, lesson, text

ANSWER = "def line(x):\n    return 2 * x"


def merged(mine, new, released=None, *, known=True):
    """Merge as an update does, through the text of the learner's file."""
    cells = read_cells(json.dumps(mine).encode())
    released = Released.of((released or lesson()).cells) if known else None
    found = merge(cells, new, released)
    nbformat.validate(found.notebook)
    return found


def said(found) -> dict[str, str]:
    return {cell.id: cell.source for cell in found.notebook.cells}


def test_answer_stands_in_its_exercise():
    new = changed(lesson(), c002="A line has a slope and a height.")
    found = merged(changed(lesson(), c005=ANSWER), new)
    assert said(found)["c01-005"] == ANSWER
    assert said(found)["c01-002"] == "A line has a slope and a height."
    assert (found.answers, found.own, found.rewritten) == (1, 0, [])


def test_answer_stands_in_an_exercise_that_was_rewritten_and_that_is_said():
    new = changed(lesson(), c005="def line(x, height): ...")
    found = merged(changed(lesson(), c005=ANSWER), new)
    assert said(found)["c01-005"] == ANSWER
    assert found.rewritten == ["def line(x, height): ..."]


def test_exercise_without_an_answer_is_the_new_one():
    new = changed(lesson(), c005="def line(x, height): ...")
    assert said(merged(lesson(), new))["c01-005"] == "def line(x, height): ..."


def test_answer_shows_no_verdict_of_the_old_version():
    mine = changed(lesson(), c005=ANSWER)
    mine.cells[5].outputs = [new_output("stream", text="right")]
    found = merged(mine, changed(lesson(), c002="new"))
    assert found.notebook.cells[5].outputs == []


def test_answer_whose_exercise_is_gone_becomes_a_cell_of_its_own():
    new = lesson()
    del new.cells[5]
    found = merged(changed(lesson(), c005=ANSWER), new)
    assert [cell.source for cell in found.notebook.cells][4:6] == [
        "### Exercise 1",
        ANSWER,
    ]
    assert found.own == 1


def with_area(**sources):
    """Return a lesson of two exercises."""
    notebook = lesson()
    notebook.cells.insert(7, code("c01-008", "def area(x): ...", "exercise"))
    return changed(notebook, **sources)


def test_answer_follows_its_exercise_to_another_id():
    new = lesson()
    new.cells[5].id = "c01-050"
    found = merged(changed(lesson(), c005=ANSWER), new)
    assert said(found)["c01-050"] == ANSWER
    assert (found.answers, found.own, found.rewritten) == (1, 0, [])


def test_exercises_that_exchanged_their_ids_have_their_own_answers():
    mine = with_area(c005=ANSWER, c008="def area(x):\n    return x * x")
    new = with_area(c005="def area(x): ...", c008="def line(x): ...")
    found = merged(mine, new, with_area())
    assert said(found)["c01-008"] == ANSWER
    assert said(found)["c01-005"] == "def area(x):\n    return x * x"


def test_answer_does_not_go_into_another_exercise_or_cell_with_its_id():
    for other in ("def area(x): ...", "area = 3"):
        new = changed(lesson(), c005=other)
        new.cells[5].metadata = EXERCISE if "def" in other else {}
        found = merged(changed(lesson(), c005=ANSWER), new)
        assert said(found)["c01-005"] == other
        assert (found.answers, found.own) == (0, 1)


def test_own_change_does_not_go_into_an_exercise_with_that_id():
    new = changed(lesson(), c003="def area(x): ...")
    new.cells[3].metadata = EXERCISE
    found = merged(changed(lesson(), c003="slope = 9"), new)
    assert said(found)["c01-003"] == "def area(x): ..."
    assert "slope = 9" in said(found).values()


def test_parameters_are_known_by_their_tag():
    new = changed(lesson(), c002="new")
    new.cells[1].id = "c01-010"
    mine = changed(lesson(), c001='device = "cpu"\nseed = 0')
    assert said(merged(mine, new))["c01-010"] == 'device = "cpu"\nseed = 0'


def test_answer_that_was_joined_with_its_check_stands_in_the_exercise():
    mine = lesson()
    joined = f'{ANSWER}\n\ncheck("lines.line", line)'
    mine.cells[5:7] = [code("joined", joined)]
    found = merged(mine, changed(lesson(), c002="new"))
    assert said(found)["c01-005"] == joined
    assert found.own == 0


@pytest.mark.parametrize(
    ("stub", "answer"),
    [
        ("shape = ...", "shape = (4, 3)"),
        ("shape: tuple = ...", "shape: tuple = (4, 3)"),
        ("def line(x): ...", f"def half(x):\n    return x / 2\n\n{ANSWER}"),
        ("class Line: ...", "class Line(list):\n    pass"),
        ("async def line(x): ...", "async def line(x):\n    return x"),
    ],
    ids=["a value", "with its type", "a helper above", "class", "async"],
)
def test_answer_without_an_id_stands_in_its_exercise(stub, answer):
    mine = changed(lesson(), c005=answer)
    mine.nbformat_minor = 4
    for cell in mine.cells:
        del cell["id"]
    old = changed(lesson(), c005=stub)
    found = merged(mine, changed(old, c002="new"), old)
    assert said(found)["c01-005"] == answer
    assert found.own == 0


def test_own_cell_that_uses_the_name_of_a_new_exercise_stays_where_it_is():
    mine = lesson()
    mine.cells.insert(4, code("n1", "area = 3"))
    new = lesson()
    new.cells.insert(7, code("c01-008", "def area(x): ...", "exercise"))
    found = merged(mine, new)
    assert said(found)["c01-008"] == "def area(x): ..."
    assert said(found)["n1"] == "area = 3"


def test_cells_that_say_the_same_are_known_without_ids():
    old = changed(lesson(), c007="### Exercise 1")
    mine = changed(old)
    mine.nbformat_minor = 4
    for cell in mine.cells:
        del cell["id"]
    new = changed(old, c004="### The first", c007="### The last")
    found = merged(mine, new, old)
    assert (found.own, len(found.notebook.cells)) == (0, len(lesson().cells))


def test_own_cells_stay_below_the_same_cell_in_their_order():
    mine, new = lesson(), lesson()
    mine.cells[3:3] = [text("n1", "a note"), code("n2", "1 + 1")]
    mine.cells.insert(0, text("n0", "my name"))
    new.cells.insert(2, text("c01-020", "Look here first."))
    found = merged(mine, new)
    assert list(said(found))[:7] == [
        "n0",
        "c01-000",
        "c01-001",
        "c01-020",
        "c01-002",
        "n1",
        "n2",
    ]
    assert found.own == 3


def test_own_cell_follows_the_nearest_cell_that_is_still_there():
    mine, new = lesson(), lesson()
    mine.cells.insert(4, text("n1", "a note"))
    del new.cells[3]
    ids = list(said(merged(mine, new)))
    assert ids[ids.index("n1") - 1] == "c01-002"


def test_own_cell_keeps_outputs_and_attachments():
    mine = lesson()
    mine.cells.append(code("n1", "plot()", outputs=[new_output("stream", text="!")]))
    picture = {"a.png": {"image/png": "iVBORw0KGgo="}}
    mine.cells.append(new_markdown_cell("![](attachment:a.png)", attachments=picture))
    plot, note = merged(mine, changed(lesson(), c002="new")).notebook.cells[-2:]
    assert plot.outputs[0].text == "!"
    assert note.attachments == picture


def test_own_cell_with_an_id_of_the_new_lesson_gets_another():
    mine, new = lesson(), lesson()
    mine.cells.append(text("c01-020", "a note"))
    new.cells.append(text("c01-020", "Further reading."))
    texts = said(merged(mine, new))
    assert texts["c01-020"] == "Further reading."
    assert list(texts.values())[-3:] == ["Goodbye.", "a note", "Further reading."]


def test_two_cells_with_one_id_both_stand():
    mine = lesson()
    mine.cells += [text("n1", "one"), text("n1", "two")]
    assert {"one", "two"} <= set(said(merged(mine, lesson())).values())


def test_cell_that_the_learner_deleted_is_there_again():
    mine = lesson()
    del mine.cells[2]
    assert "c01-002" in said(merged(mine, lesson()))


def test_cell_that_only_the_learner_changed_stands_as_changed():
    found = merged(
        changed(lesson(), c003="slope = 9", c007="Goodbye. Ask about slopes!"),
        changed(lesson(), c002="new"),
    )
    assert said(found)["c01-003"] == "slope = 9"
    assert said(found)["c01-007"] == "Goodbye. Ask about slopes!"
    assert found.edited == 2


def test_text_that_both_changed_stands_below_the_new_one():
    mine = changed(lesson(), c002="A line has a slope. Mine: rise over run.")
    found = merged(mine, changed(lesson(), c002="A line has a slope and a height."))
    texts = list(said(found).values())
    place = texts.index("A line has a slope and a height.")
    assert texts[place + 1] == "A line has a slope. Mine: rise over run."


def test_code_that_both_changed_is_the_new_one_and_that_is_said():
    mine = changed(lesson(), c003="slope = 9")
    found = merged(mine, changed(lesson(), c003="slope = 3"))
    assert said(found)["c01-003"] == "slope = 3"
    assert found.left == ["slope = 3"]


def test_changed_parameters_stand_in_the_new_cell():
    mine = changed(lesson(), c001='device = "cpu"\nseed = 0')
    found = merged(mine, changed(lesson(), c001='device = "auto"\nseed = 1\nwidth = 8'))
    assert said(found)["c01-001"] == "device = 'cpu'\nseed = 1\nwidth = 8"
    assert (found.parameters, found.left) == (["device"], [])


def test_parameters_that_are_no_python_stay_in_the_old_file():
    mine = changed(lesson(), c001="device = = 3")
    found = merged(mine, changed(lesson(), c001="seed = 1"))
    assert said(found)["c01-001"] == "seed = 1"
    assert found.left == ["seed = 1"]


def test_cell_turned_into_text_stands_below_the_course_s():
    mine = lesson()
    mine.cells[5] = text("c01-005", ANSWER)
    found = merged(mine, lesson())
    assert said(found)["c01-005"] == "def line(x): ..."
    assert ANSWER in said(found).values()


def test_cells_without_ids_are_known_by_their_text():
    mine = changed(lesson(), c005=ANSWER)
    mine.nbformat_minor = 4
    for cell in mine.cells:
        del cell["id"]
    found = merged(mine, changed(lesson(), c002="new"))
    assert len(found.notebook.cells) == len(lesson().cells)
    assert said(found)["c01-005"] == ANSWER


def test_cell_that_was_cut_and_pasted_is_the_course_s():
    mine = lesson()
    mine.cells[3].id = "pasted"
    found = merged(mine, changed(lesson(), c002="new"))
    assert (found.own, len(found.notebook.cells)) == (0, len(lesson().cells))


def test_copy_of_a_cell_is_the_learner_s():
    mine = lesson()
    mine.cells.append(code("pasted", mine.cells[3].source))
    assert merged(mine, changed(lesson(), c002="new")).own == 1


def test_cell_that_the_learner_emptied_is_there_again():
    found = merged(changed(lesson(), c005="", c007=" "), lesson())
    assert said(found)["c01-005"] == "def line(x): ..."
    assert (found.answers, found.own) == (0, 0)


def test_ids_that_colab_keeps_in_the_metadata_count():
    mine = changed(lesson(), c005=ANSWER)
    mine.nbformat_minor = 4
    for cell in mine.cells:
        cell.metadata["id"] = cell.pop("id")
    assert said(merged(mine, lesson()))["c01-005"] == ANSWER


def test_without_a_record_answers_stand_and_other_cells_are_new():
    mine = changed(lesson(), c005=ANSWER, c003="slope = 9", c007="Goodbye. Mine.")
    mine.cells.append(text("n1", "a note"))
    new = changed(lesson(), c002="A line has a slope and a height.")
    found = merged(mine, new, known=False)
    assert said(found)["c01-005"] == ANSWER
    assert said(found)["c01-003"] == "slope = 2\nprint(slope)"
    assert said(found)["c01-007"] == "Goodbye. Mine."
    assert said(found)["n1"] == "a note"
    assert found.left == ["A line has a slope and a height.", "slope = 2"]


def test_without_a_record_a_stub_of_another_version_is_no_answer():
    new = changed(lesson(), c005="def line(x, height): ...")
    found = merged(lesson(), new, known=False)
    assert said(found)["c01-005"] == "def line(x, height): ..."
    assert (found.answers, found.left) == (0, ["def line(x, height): ..."])


@pytest.mark.parametrize("at_the_end", [False, True], ids=["run", "and an empty cell"])
def test_lesson_that_was_only_run_is_untouched(at_the_end):
    mine = lesson()
    Chance(0).execute(mine.cells)
    mine.cells += [code("n1", "")] if at_the_end else []
    assert is_untouched(mine.cells, Released.of(lesson().cells))
    assert len(merged(mine, lesson()).notebook.cells) == len(lesson().cells)


def test_invalid_outputs_of_an_own_cell_cost_the_outputs_alone():
    mine = lesson()
    mine.cells.append(code("n1", "1 + 1"))
    mine.cells[-1].outputs = [{"nonsense": 1}]
    assert said(merged(mine, lesson()))["n1"] == "1 + 1"
