"""A small lesson that keeps to every rule, for the tests of the rules to break."""

import struct
import zlib
from collections.abc import Sequence

from nbformat import NotebookNode
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)

from course_utils.display.bundles import CAPTION_CLASS, CHECK, picture_bundle

NAME = "01_good.ipynb"
TITLE = """# 1 · A good lesson

[![Open in Colab](badge.svg)](https://colab.research.google.com/github/a/b/blob/main/notebooks/01_good.ipynb)

**Time:** 45 minutes.

**You will be able to**

- read
- write
- count"""
SETUP = """try:
    import course_utils
except ModuleNotFoundError:  # Colab
    %pip install -q "git+https://github.com/a/b"
from course_utils import setup
device = setup(device, seed)"""
EXERCISES = ["one", "two", "three", "four", "five"]
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form"}
ALT = "A white pixel, 1 by 1."


def _png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0\xff")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


PIXEL = _png()


def printed(text: str) -> NotebookNode:
    return new_output("stream", name="stdout", text=text)


def verdict(name: str, state: str) -> NotebookNode:
    data = {CHECK: {"name": name, "state": state}, "text/plain": state}
    return new_output("display_data", data=data)


def picture(
    alt: str = ALT, caption: str = ALT, png: bytes = PIXEL, width: int = 420
) -> list[NotebookNode]:
    data = picture_bundle(png, alt, width, 300)
    page = {"text/html": f'<div class="{CAPTION_CLASS}"><p>{caption}</p></div>'}
    return [
        new_output("display_data", data=data),
        new_output("display_data", data=page | {"text/plain": caption}),
    ]


def code(
    source: str, *tags: str, outputs: Sequence[NotebookNode] = (), **metadata: object
) -> NotebookNode:
    if tags:
        metadata["tags"] = list(tags)
    return new_code_cell(source, metadata=metadata, outputs=list(outputs))


def exercise(name: str) -> list[NotebookNode]:
    stub = code(f"def {name}(x):\n    ...", "exercise")
    check = f'check("fixture.{name}", {name})'
    return [stub, code(check, outputs=[verdict(name, "not attempted")])]


def solution(name: str) -> NotebookNode:
    source = (
        f"# @title Solution: fixture.{name}\n"
        f"def {name}_solution(x):\n    return x\n\n\n"
        f'check("fixture.{name}", {name}_solution)'
    )
    return code(source, "solution", outputs=[verdict(name, "correct")], **FOLDED)


def good_lesson() -> NotebookNode:
    """Return the lesson as a notebook; a file of it is to be named `NAME`."""
    words = "word " * 400
    cells = [
        new_markdown_cell(TITLE),
        code('device = "auto"\nseed = 0', "parameters"),
        code(SETUP, "setup", outputs=[printed("Device: cpu. Seed: 0.\n")]),
        new_markdown_cell(f"## Section one\n\n{words}"),
        *[code('ask("?", ["a", "b"], answer=0, why=".")') for _ in range(3)],
        new_markdown_cell(f"## Section two\n\n{words}"),
        code("playground(draw, alt)", outputs=picture()),
        new_markdown_cell(f"## Section three\n\n{words}"),
        *[code("print(1)", outputs=[printed("1\n")]) for _ in range(3)],
        new_markdown_cell("## Summary\n\n## Exercises"),
        *[cell for name in EXERCISES for cell in exercise(name)],
        new_markdown_cell("## Solutions"),
        *[solution(name) for name in EXERCISES],
        new_markdown_cell("## Where to go next\n\n[x](https://docs.pytorch.org/y)"),
    ]
    number = 0
    for cell in cells:
        if cell.cell_type == "code":
            cell.execution_count = number = number + 1
    return new_notebook(cells=cells)
