"""Data for the scripts of a page: in the page, or in a file that it loads later."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def element(data: Mapping[str, Any]) -> str:
    """Return the element of a page that holds data.

    >>> element({"says": "a < b"})
    '<script type="application/json">{"says": "a \\\\u003c b"}</script>'
    """
    # Inside a script, '<' could end it.
    text = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    return f'<script type="application/json">{text}</script>'


def script(name: str, table: Mapping[str, Any]) -> str:
    """Return the script that leaves a table in `courseStates`, under its name.

    A script and not JSON: a page that is opened as a file may read no other file.

    >>> script("00-line", {"0": "a.webp"})
    '(window.courseStates ??= {})["00-line"] = {"0": "a.webp"};\\n'
    """
    text = json.dumps(table, ensure_ascii=False)
    return f"(window.courseStates ??= {{}})[{json.dumps(name)}] = {text};\n"


def by_cell(folder: Path, suffix: str) -> dict[str, Any]:
    """Return what the files with this suffix hold, by the id of their cell.

    >>> by_cell(Path("no/such/folder"), ".touch.json")
    {}
    """
    return {
        path.name.removesuffix(suffix): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob(f"*{suffix}"))
    }
