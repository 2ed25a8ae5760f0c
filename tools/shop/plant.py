"""Plant a fault in each function of the repair shop: `python -m tools.shop.plant`.

Writes repair_shop.ipynb for learners, and repair_shop.key.json for those who grade.
"""

import argparse
import json
import random
import re
import runpy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils.authoring.links import address
from course_utils.authoring.normal_form import dumps, normalise
from course_utils.labs.bank.shop import CASES
from tools.shop.cases import SCRIPTS, Fault, Script

NAME = "repair_shop"
BLANK = "It was broken because ... (5 to 30 words of your own)."
PAGE = Path(__file__).with_name("page.md")
PUBLIC = Path(__file__).parents[2] / "notebooks" / "labs"
SETUP = f"""\
# @title Setup
try:
    import course_utils
except ModuleNotFoundError:  # Colab: fetch the helpers, keep the installed torch
    %pip install -q "git+https://github.com/{address(Path(__file__).parents[2])}"
    try:
        import course_utils
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "The helpers could not be fetched; pip says why, above. In Kaggle, switch "
            "on 'Internet' in the notebook's settings. Then run this cell again."
        ) from None

import torch
import torch.nn.functional as F

from course_utils import submission"""


def choose(seed: int, scripts: Sequence[Script] = SCRIPTS) -> list[Fault]:
    """Return the fault of each function in the variant with this seed."""
    chosen = random.Random(f"shop {seed}")
    return [chosen.choice(script.faults) for script in scripts]


def causes(folder: Path) -> set[str]:
    """Return what explains the faults of a shop that was planted in a folder."""
    key = json.loads((folder / f"{NAME}.key.json").read_text(encoding="utf-8"))
    return {found["cause"] for name, found in key.items() if name != "seed"}


def without(scripts: Sequence[Script], known: set[str]) -> list[Script]:
    """Return the functions without known faults, where others are left."""
    return [
        replace(
            script,
            faults=tuple(f for f in script.faults if f.cause not in known)
            or script.faults,
        )
        for script in scripts
    ]


def broken(script: Script, fault: Fault) -> str:
    """Return the source with its fault and an empty docstring."""
    return documented(planted(script, fault), BLANK)


def planted(script: Script, fault: Fault) -> str:
    """Return the source with its fault."""
    if script.source.count(fault.right) != 1:
        raise ValueError(f"{script.name}: {fault.right!r} stands there not once.")
    return script.source.strip().replace(fault.right, fault.wrong)


def documented(source: str, docstring: str) -> str:
    """Return a function with this docstring."""
    head, body = source.strip().split("\n", 1)
    return f'{head}\n    """{docstring}"""\n{body}'


def make_notebook(seed: int, scripts: Sequence[Script] = SCRIPTS) -> NotebookNode:
    """Return the learners' notebook, without outputs."""
    _, *parts = re.split(r"<!-- ([\w-]+) -->\n", PAGE.read_text(encoding="utf-8"))
    page = dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))
    cells = [_text("title", page["title"]), _code("setup", SETUP, "setup")]
    cells[-1].metadata |= {"cellView": "form", "jupyter": {"source_hidden": True}}
    cells += [_text(name, page[name]) for name in ("question", "rubric")]
    cells.append(_text("functions", "## The functions"))
    for number, (script, fault) in enumerate(
        zip(scripts, choose(seed, scripts), strict=True), 1
    ):
        title = next(case.title for case in CASES if case.name == script.name)
        lessons = f"Lesson{'s' * (',' in script.lessons)} {script.lessons}"
        text = f"### Task {number}\n\n**{title}.** {script.text} ({lessons}.)"
        text += f"\n\n*Complaint:* {fault.seen}"
        cells.append(_text(f"{script.name}-text", text))
        cells.append(_code(script.name, broken(script, fault), "exercise"))
    cells.append(_text("hand-in", page["hand-in"]))
    names = "".join(f"    {script.name}={script.name},\n" for script in scripts)
    cells.append(_code("submission", f'submission(\n    "shop",\n{names})'))
    cells.append(_text("next", page["next"]))
    return normalise(new_notebook(cells=cells))


def make_key(seed: int, scripts: Sequence[Script] = SCRIPTS) -> dict[str, Any]:
    """Return what graders know of a variant, by the names of tasks, and its seed."""
    return {"seed": seed} | {
        f"shop.{script.name}": {"cause": fault.cause, "words": fault.words}
        for script, fault in zip(scripts, choose(seed, scripts), strict=True)
    }


def _text(name: str, source: str) -> NotebookNode:
    return new_markdown_cell(source, id=f"shop-{name}")


def _code(name: str, source: str, *tags: str) -> NotebookNode:
    cell = new_code_cell(source, id=f"shop-{name}")
    if tags:
        cell.metadata["tags"] = list(tags)
    return cell


def main() -> None:
    """Write both files of a variant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True, help="another for each year")
    parser.add_argument("--out", type=Path, required=True, help="a folder")
    parser.add_argument("--cases", type=Path, help="a copy of cases.py, other faults")
    parser.add_argument(
        "--unlike",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="of an earlier shop, whose faults are left out; again for more",
    )
    parser.add_argument("--force", action="store_true", help="replace what is there")
    options = parser.parse_args()
    scripts = SCRIPTS
    if options.cases:
        scripts = runpy.run_path(str(options.cases))["SCRIPTS"]
    try:
        scripts = without(scripts, set().union(*map(causes, options.unlike)))
    except (OSError, ValueError, TypeError, KeyError) as error:
        parser.error(f"--unlike names a folder with a {NAME}.key.json: {error}")
    path = options.out / f"{NAME}.ipynb"
    targets = path, path.with_suffix(".key.json")
    there = [str(target) for target in targets if target.exists()]
    if there and not options.force:
        parser.error(f"{there[0]} is there already: name another folder, or --force.")
    options.out.mkdir(parents=True, exist_ok=True)
    notebook = make_notebook(options.seed, scripts)
    nbformat.validate(notebook)
    path.write_text(dumps(notebook), encoding="utf-8")
    key = json.dumps(make_key(options.seed, scripts), indent=1) + "\n"
    targets[1].write_text(key, encoding="utf-8")
    print(f"{path}: for learners. {NAME}.key.json: beside it, for grading alone.")
    public = causes(PUBLIC)
    same = sum(fault.cause in public for fault in choose(options.seed, scripts))
    print(f"{same} of {len(scripts)} faults are those of notebooks/labs.")


if __name__ == "__main__":
    main()
