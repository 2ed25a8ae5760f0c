"""What becomes of a lesson's cells on its page."""

import base64

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.display.bundles import HTML, PLAIN, WIDGET_VIEW, picture_bundle
from course_utils.exercises.registry import find_exercise
from course_utils.site.lesson import as_page, exercises_of
from course_utils.site.moving import Moving
from tests.lessons import LESSONS

FORM = {"cellView": "form"}


def shown(*cells, **options):
    """Return the cells of a page made of these."""
    notebook = new_notebook(cells=list(cells))
    settings = {"store": lambda picture, kind: f"{len(picture)}.{kind}"}
    return as_page(notebook, **{"exercises": {}, **settings, **options}).cells


def display(**data):
    return new_output("display_data", data=data)


def test_a_title_folds_its_cell_and_is_no_code():
    (cell,) = shown(new_code_cell("# @title Drawing: six\nx = 1", metadata=FORM))
    assert cell.source == "x = 1"
    assert "hide-input" in cell.metadata.tags
    assert cell.metadata.mystnb["code_prompt_show"] == "Drawing: six"


def test_the_code_of_a_card_which_holds_its_answer_is_not_on_the_page():
    source = "# @title Predict\nask('?', ['a', 'b'], answer=1)"
    (cell,) = shown(new_code_cell(source, metadata={"tags": ["ask"]}))
    assert "remove-input" in cell.metadata.tags


def test_parameters_badges_and_links_to_neighbours_go():
    text = "# T\n\n[![Open in Colab](attachment:colab.png)](x)\n\nWhy."
    last = "End.\n\n**Before:** [0](00.ipynb) · **Next:** [2](02.ipynb)"
    first, end = shown(
        new_markdown_cell(text, attachments={"colab.png": {"image/png": ""}}),
        new_code_cell("seed = 0", metadata={"tags": ["parameters"]}),
        new_markdown_cell(last),
        opens="Open it.",
    )
    assert first.source == "# T\n\nOpen it.\n\nWhy."
    assert "attachments" not in first
    assert end.source == "End."


def test_pictures_become_files_that_are_loaded_when_seen():
    pictures = []

    def store(picture, kind):
        pictures.append((picture, kind))
        return f"{len(pictures)}.{kind}"

    png = picture_bundle(b"PNG", "One.", 42, 30)
    svg = picture_bundle(b"<svg/>", "Two.", 42, 30, "svg+xml")
    outputs = [display(**png), display(**svg)]
    (cell,) = shown(new_code_cell("show()", outputs=outputs), store=store)
    assert pictures == [(b"PNG", "png"), (b"<svg/>", "svg")]
    for number, output in enumerate(cell.outputs, start=1):
        page = output.data[HTML]
        assert f'src="{number}.' in page
        assert 'loading="lazy"' in page
        assert 'width="42" height="30"' in page  # nothing jumps when it comes
        assert base64.b64encode(b"PNG").decode() not in page


def test_a_widget_without_its_kernel_says_nothing():
    view = display(**{WIDGET_VIEW: {"model_id": "1"}, PLAIN: "Run this cell."})
    (cell,) = shown(new_code_cell("playground()", outputs=[view, display(b="c")]))
    assert [list(output.data) for output in cell.outputs] == [["b"]]


def test_an_exercise_gets_its_hints_one_inside_the_other():
    name = "linear.affine"
    exercise = find_exercise(name)
    cell = new_code_cell(f'check("{name}", affine)')
    (cell,) = shown(cell, exercises=exercises_of(new_notebook(cells=[cell])))
    page = cell.outputs[-1].data[HTML]
    count = len(exercise.hints)
    assert page.count("<details") == count
    assert page.index("Hint 1 of") < page.index("Hint 2 of")
    assert page.endswith("</div></details>" * count + "</div>")


def test_a_playground_with_states_stands_in_one_place():
    still = display(**{HTML: '<div class="still">It rises.</div>'})
    names = ("controls", "alt", "goal", "width", "height", "together", "complete")
    recorded = dict.fromkeys(names, "") | {"axes": [{"rest": 0}]}
    recorded["states"] = {"0": ["a.webp", "It falls.", False]}
    (cell,) = shown(
        new_code_cell("playground()", id="p", outputs=[still, still]),
        moving={"p": Moving("00-p", recorded, "../states")},
    )
    (output,) = cell.outputs
    assert '"name": "00-p", "folder": "../states"' in output.data[HTML]
    assert output.data[HTML].count("It rises.") == 2


def test_the_notebook_itself_is_left_as_it_was():
    notebook = nbformat.read(LESSONS[0], as_version=4)
    before = nbformat.writes(notebook)
    page = as_page(notebook, store=lambda *_: "x.png", exercises={})
    assert nbformat.writes(notebook) == before
    nbformat.validate(page)
