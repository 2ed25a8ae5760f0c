"""What the lessons show keeps to the rules of VS Code's notebook renderer.

VS Code itself is not run here. Its rules are read from its source, microsoft/vscode:

- extensions/notebook-renderers/src/index.ts: HTML becomes a part of one page that holds
  the outputs of all cells, unchanged and unsanitised, and its scripts run. Where the
  folder is not trusted it shows nothing of HTML; plain text it shows everywhere.
- src/vs/workbench/contrib/notebook/browser/services/notebookServiceImpl.ts,
  getOutputMimeTypeInfo: types that nothing can show come last, so they do no harm.
- A widget has its own renderer, in the Jupyter extension, as long as its kernel lives;
  another day the output's other types are shown (vscode-jupyter issues 8635 and 12611).

So each output needs plain text; its HTML must not need a script, the network, or
JupyterLab's stylesheet and the structure of its page.
"""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import course_utils.display
from course_utils import ask, playground
from course_utils.display.bundles import HTML, PLAIN, WIDGET_VIEW
from tests.lessons import LESSONS, ROOT, code_cells, read

LABS = sorted((ROOT / "notebooks" / "labs").glob("*.ipynb"))
SHEETS = sorted(Path(course_utils.display.__file__).parent.rglob("*.css"))
# What a rule with `:has` may be for: JupyterLab's page, which VS Code does without, the
# classic one, and parts within an element of the course.
PLACES = (".jp-", ".output_area", ".course-")
# The elements that load something, or do.
ACTIVE = {"script", "link", "iframe", "object", "embed", "form", "base", "meta"}


class Page(HTMLParser):
    """What in an HTML text needs more than the text: `problems`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.problems: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        if tag in ACTIVE:
            self.problems.append(f"<{tag}>")
        self.problems += [f"{name}=" for name in given if name.startswith("on")]
        if tag == "img" and not given.get("alt", "").strip():
            self.problems.append("a picture without alt")
        if not given.get("src", "data:").startswith("data:"):
            self.problems.append(f"src={given['src'][:40]}")
        self.problems += leaning(given.get("style", ""))

    def handle_data(self, data):
        if self.lasttag == "style":
            self.problems += leaning(data)


def leaning(css: str) -> list[str]:
    """Return what leans on JupyterLab, or on a file, in a style sheet or attribute."""
    found = re.findall(r"var\(--jp-[\w-]+\)", css)
    found += re.findall(r"@import[^;]*|url\((?!#|['\"]?data:)[^)]*\)", css)
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    for selector in re.findall(r"([^{}]+)\{", css):
        if ":has(" in selector and not selector.strip().startswith(PLACES):
            found.append(selector.strip())
    return found


@pytest.fixture(scope="module", params=[*LESSONS, *LABS], ids=lambda path: path.stem)
def stored(request) -> list:
    """The data of a notebook's outputs that are more than printed text."""
    outputs = [out for cell in code_cells(read(request.param)) for out in cell.outputs]
    return [out.data for out in outputs if "data" in out]


def test_each_output_has_plain_text(stored):
    assert stored
    assert all(data.get(PLAIN, "").strip() for data in stored)


def test_html_needs_no_script_no_network_and_no_stylesheet(stored):
    pages = [data[HTML] for data in stored if HTML in data]
    assert pages
    assert [found for text in pages for found in Page(text).problems] == []


def test_live_outputs_too(displayed):
    ask("Which?", ["a", "b"], answer=1, why="So.")
    playground(lambda ax, slope=1.0: "A line.", alt="A line.", slope=(0.0, 2.0, 0.5))
    bundles = [data for data, _ in displayed]
    assert all(data[PLAIN].strip() for data in bundles)
    pages = [data[HTML] for data in bundles if HTML in data]
    assert [found for text in pages for found in Page(text).problems] == []
    assert WIDGET_VIEW in bundles[-1]


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_style_sheets_of_widgets_stand_alone(sheet):
    assert leaning(sheet.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<script>1</script>", "<script>"),
        ('<b onclick="f()">', "onclick="),
        ('<img src="data:,">', "a picture without alt"),
        ('<img alt="A" src="https://a.example/b.png">', "src=https://a.example/b.png"),
        ('<p style="color:var(--jp-ui-font-color1)">', "var(--jp-ui-font-color1)"),
        ("<style>.a:has(.b){top:0}</style>", ".a:has(.b)"),
        ("<style>p{background:url(b.png)}</style>", "url(b.png)"),
    ],
)
def test_what_would_not_work_there_is_found(text, problem):
    assert Page(text).problems == [problem]


@pytest.mark.parametrize(
    "text",
    [
        '<img alt="A" src="data:,"><a href="#b">b</a>',
        '<p style="color:var(--jp-ui-font-color1, #111)">',
        "<style>.jp-Cell:has(.b){top:0}.a{top:1px}</style>",
    ],
)
def test_what_works_there_is_left_alone(text):
    assert Page(text).problems == []
