"""Notebooks that are saved without widget views, and given them back."""

import asyncio
import json
import sys

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from traitlets.config import Configurable

from course_utils.display.bundles import HTML, PLAIN, WIDGET_VIEW, widget_view
from tests.lessons import ROOT

pytest.importorskip("jupyter_server")
sys.path.insert(0, str(ROOT / "tools" / "jupyter"))
from views import LessonContents, put_views, take_views


def notebook() -> dict:
    outputs = [
        new_output("stream", text="printed"),
        new_output("display_data", widget_view("1") | {PLAIN: "text", HTML: "<p>"}),
        new_output("display_data", widget_view("2")),
        new_output("display_data", {PLAIN: "no widget"}),
    ]
    cells = [new_markdown_cell("Words."), new_code_cell("1", outputs=outputs)]
    return json.loads(json.dumps(new_notebook(cells=cells)))


def views_of(content: dict) -> list[str]:
    outputs = content["cells"][1]["outputs"]
    data = [output.get("data", {}) for output in outputs]
    return [each[WIDGET_VIEW]["model_id"] for each in data if WIDGET_VIEW in each]


def test_views_beside_other_data_are_taken_and_put_back():
    changed = notebook()
    before = json.dumps(changed, sort_keys=True)
    views = take_views(changed)
    assert views_of(changed) == ["2"]  # the only thing that its output holds
    put_views(changed, views)
    assert json.dumps(changed, sort_keys=True) == before


def test_views_of_cells_that_are_gone_are_forgotten():
    changed = notebook()
    views = take_views(changed)
    del changed["cells"][1]["outputs"][1:]
    put_views(changed, views)
    assert views_of(changed) == []


class Server:
    """A folder with one notebook, as JupyterLab has it; `kernel` runs it, or none."""

    def __init__(self, folder):
        self.kernel = "A"
        self.contents = LessonContents(root_dir=str(folder))
        self.contents.parent = Configurable()
        self.contents.parent.session_manager = self

    async def list_sessions(self) -> list[dict]:
        other = {"path": "other.ipynb", "kernel": {"id": "B"}}
        here = {"path": "a.ipynb", "kernel": {"id": self.kernel}}
        return [other, here] if self.kernel else [other]

    def save(self) -> None:
        model = {"type": "notebook", "format": "json", "content": notebook()}
        asyncio.run(self.contents.save(model, "/a.ipynb"))

    def load(self) -> list[str]:
        model = asyncio.run(self.contents.get("/a.ipynb", content=True))
        return views_of(model["content"])


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path)
    server.save()
    return server


def test_file_has_no_views(server, tmp_path):
    saved = json.loads((tmp_path / "a.ipynb").read_text(encoding="utf-8"))
    assert views_of(saved) == ["2"]


def test_page_is_given_its_views_while_the_kernel_lives(server):
    assert server.load() == ["1", "2"]


@pytest.mark.parametrize("kernel", ["", "C"])
def test_page_gets_no_view_of_another_kernel(kernel, server):
    server.kernel = kernel
    assert server.load() == ["2"]


def test_file_that_was_never_saved_here_is_given_as_it_is(server):
    assert Server(server.contents.root_dir).load() == ["2"]
