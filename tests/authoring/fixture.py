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

from course_utils.display.bundles import (
    CAPTION_CLASS,
    CHECK,
    FOLD_CLASS,
    picture_bundle,
)

NAME = "01_good.ipynb"
TITLE = """# 1 · A good lesson

[![Open in Colab](badge.svg)](https://colab.research.google.com/github/a/b/blob/main/notebooks/01_good.ipynb)

**Time:** 45 minutes: core 20, *Deeper* 5, exercises 20. **Builds on:** nothing.

**You will be able to**

- read
- write
- count"""
SETUP = """# @title Setup
try:
    import course_utils
except ModuleNotFoundError:  # Colab
    %pip install -q "git+https://github.com/a/b"
    try:
        import course_utils
    except ModuleNotFoundError:
        raise ModuleNotFoundError("Is the network off?") from None
from course_utils import setup"""
DEVICE = "device = setup(device, seed)"
MODULE = "class Mine(nn.Module):\n    pass"
PLAYGROUND = "# @title Playground: a pixel\nplayground(draw, alt)"
EXERCISES = ["one", "two", "three", "four", "five"]
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form"}
NEXT = """## Where to go next

[x](https://docs.pytorch.org/y)

**Before:** [0 · None](https://example.org)"""
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


def folded(page: str) -> NotebookNode:
    data = {"text/html": f'<details class="{FOLD_CLASS}">{page}</details>'}
    return new_output("display_data", data=data | {"text/plain": "folded"})


def image(data: str) -> str:
    return f'<img alt="{ALT}" src="data:image/png;base64,{data}">'


def code(
    source: str, *tags: str, outputs: Sequence[NotebookNode] = (), **metadata: object
) -> NotebookNode:
    if tags:
        metadata["tags"] = list(tags)
    return new_code_cell(source, metadata=metadata, outputs=list(outputs))


def exercise(number: int, name: str) -> list[NotebookNode]:
    text = new_markdown_cell(f"### Exercise {number}\n\nDo it.")
    stub = code(f"def {name}(x):\n    ...", "exercise")
    check = f'check("fixture.{name}", {name})'
    return [text, stub, code(check, outputs=[verdict(name, "not attempted")])]


def solution(name: str) -> NotebookNode:
    source = f"# @title Solution: fixture.{name}\ndef {name}_solution(x):\n    return x"
    return code(source, "solution", **FOLDED)


def good_lesson() -> NotebookNode:
    """Return the lesson as a notebook; a file of it is to be named `NAME`."""
    words = "word " * 400
    cells = [
        new_markdown_cell(TITLE),
        code('device = "auto"\nseed = 0', "parameters"),
        code(SETUP, "setup", **FOLDED),
        code(DEVICE, outputs=[printed("Device: cpu. Seed: 0.\n")]),
        new_markdown_cell(f"## Section one\n\n{words}"),
        *[code('ask("?", ["a", "b"], answer=0, why=".")') for _ in range(3)],
        new_markdown_cell(f"## In real networks\n\n{words}"),
        code(MODULE),
        code(PLAYGROUND, "drawing", outputs=picture(), **FOLDED),
        new_markdown_cell(f"## *Deeper*: three\n\n{words}"),
        *[code("print(1)", outputs=[printed("1\n")]) for _ in range(2)],
        # The picture's data look like a path.
        code("print(1)", outputs=[folded(f"<pre>1</pre>{image('AAA/tmp/')}")]),
        new_markdown_cell("## Summary\n\n## Exercises"),
        *[cell for item in enumerate(EXERCISES, 1) for cell in exercise(*item)],
        new_markdown_cell("## Solutions"),
        *[solution(name) for name in EXERCISES],
        code('progress("fixture")'),
        new_markdown_cell(NEXT),
    ]
    number = 0
    for cell in cells:
        if cell.cell_type == "code":
            cell.execution_count = number = number + 1
    return new_notebook(cells=cells)
