"""Write the repository's address, and the table of lessons, wherever they stand.

    python tools/links.py            write
    python tools/links.py --check    name the files that disagree, change nothing

The address stands once, in pyproject.toml ([project.urls], Repository). From it
come the Colab badges and the install line of every lesson, and the addresses in
README.md and CONTRIBUTING.md. The README's table comes from the lessons' titles.
"""

import argparse
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = r'^Repository = "https://github\.com/([\w.-]+/[\w.-]+)"$'
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
COLAB = "https://colab.research.google.com/github/"
# What may stand before an address; the lookbehind keeps these words.
ANCHORS = ("git clone https://github.com/", "git+https://github.com/", COLAB)
TABLE = re.compile("(<!-- lessons -->\n).*(<!-- /lessons -->)", re.DOTALL)


def address(root: Path) -> str:
    """Return 'owner/name' from pyproject.toml.

    Raises:
        ValueError: it isn't there.
    """
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    if not (found := re.search(SOURCE, text, re.MULTILINE)):
        raise ValueError("pyproject.toml has no GitHub address under [project.urls].")
    return found[1]


def title_of(lesson: Path) -> tuple[str, str, str]:
    """Return the title of a lesson, its sentence and how long it takes."""
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    paragraphs = "".join(cells[0]["source"]).split("\n\n")
    time = re.search(r"\*\*Time:\*\* (?:about )?([^.]*)\.", "\n".join(paragraphs))
    return paragraphs[0].removeprefix("# "), paragraphs[1], time[1] if time else ""


def table(root: Path, repository: str) -> str:
    """Return the README's table of the lessons that are there."""
    rows = ["| lesson | why | time | |", "| --- | --- | --- | --- |"]
    for lesson in sorted((root / "notebooks").glob("*.ipynb")):
        title, why, time = title_of(lesson)
        file = f"notebooks/{lesson.name}"
        badge = f"[![Open in Colab]({BADGE})]({COLAB}{repository}/blob/main/{file})"
        rows.append(f"| [{title}]({file}) | {why} | {time} | {badge} |")
    return "\n".join(rows) + "\n"


def rewritten(path: Path, root: Path, repository: str) -> str:
    """Return the text of `path` as it should be."""
    text = path.read_text(encoding="utf-8")
    for anchor in ANCHORS:
        text = re.sub(
            rf"(?<={re.escape(anchor)})[\w.-]+/[\w-]+(?:\.[\w-]+)*", repository, text
        )
    if path.suffix == ".ipynb":  # a copied lesson carries the badge of another
        own = rf"({re.escape(COLAB)}[\w.-]+/[\w.-]+/blob/main/notebooks/)[\w.-]+\.ipynb"
        text = re.sub(own, rf"\g<1>{path.name}", text)
    if path.name == "README.md":
        lessons = table(root, repository)
        text = TABLE.sub(lambda found: f"{found[1]}{lessons}{found[2]}", text)
    return text


def disagreeing(root: Path = ROOT) -> dict[Path, str]:
    """Return {file: what it should hold} for the files that hold something else."""
    repository = address(root)
    files = [root / "README.md", root / "CONTRIBUTING.md"]
    files += sorted((root / "notebooks").glob("*.ipynb"))
    wanted = {path: rewritten(path, root, repository) for path in files}
    return {p: t for p, t in wanted.items() if t != p.read_text(encoding="utf-8")}


def main() -> int:
    """Run the command line; with --check return 1 where something disagrees."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing")
    parser.add_argument("--root", type=Path, default=ROOT, help="of the repository")
    options = parser.parse_args()
    try:
        found = disagreeing(options.root)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for path, text in found.items():
        name = path.relative_to(options.root)
        if options.check:
            print(f"{name} disagrees with pyproject.toml or the lessons: make links")
        else:
            path.write_text(text, encoding="utf-8", newline="\n")
            print(f"{name}: written")
    if not found:
        print("Every link agrees.")
    return int(options.check and bool(found))


if __name__ == "__main__":
    sys.exit(main())
