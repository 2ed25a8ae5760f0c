"""The styles and scripts of the pages."""

import re
from pathlib import Path

from course_utils.display import frame, touch
from course_utils.errors import CourseError
from course_utils.site.touching import WIDGETS

ASSETS = Path(__file__).parent / "assets"
FRAME = Path(frame.__file__).parent
TOUCH = Path(touch.__file__).parent


def static_files() -> dict[str, str]:
    """Return the styles and scripts of the pages, by name.

    The playground of the lessons and the widgets, which are ES modules, come as
    scripts: a page that is opened as a file may load no module.
    """
    files = {path.name: _text(path) for path in ASSETS.iterdir()}
    frame_script = as_script(_text(FRAME / "frame.js"), "Frame")
    files["playgrounds.js"] = f"{frame_script}\n{files['playgrounds.js']}"
    for widget in WIDGETS:
        name = widget.__name__
        files[f"touch-{name}.js"] = as_script(str(vars(widget)["_esm"]), name)
    names = ("touch", "attention", "garment", "sliding_window")
    looks = [*(TOUCH / f"{name}.css" for name in names), FRAME / "frame.css"]
    return files | {"playgrounds.css": "\n".join(map(_text, looks))}


def as_script(module: str, name: str) -> str:
    """Return an ES module of a widget as a script that leaves it in `courseWidgets`.

    >>> print(as_script("export const a = 1;\\nexport default { render };", "A"))
    (() => {
    const a = 1;
    const exported = { render };
    (window.courseWidgets ??= {})["A"] = exported;
    })();
    """
    body, count = re.subn(r"(?m)^export default ", "const exported = ", module)
    if count != 1 or re.search(r"(?m)^import ", body):
        raise CourseError(f"The script of {name} is no module with one default export.")
    body = re.sub(r"(?m)^export ", "", body).strip()
    kept = f'(window.courseWidgets ??= {{}})["{name}"] = exported;'
    return f"(() => {{\n{body}\n{kept}\n}})();"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
