"""The colours of all pages: reports, executed notebooks, and the web site."""

import re
from pathlib import Path

COLOURS = Path(__file__).parent / "templates" / "colours.css"


def light_and_dark() -> tuple[dict[str, str], dict[str, str]]:
    """Return the colours of a light page and of a dark one, by name.

    >>> light, dark = light_and_dark()
    >>> light["paper"], dark.keys() == light.keys()
    ('#fff', True)
    """
    light, dark = COLOURS.read_text(encoding="utf-8").split("@media")
    found = re.compile(r"--(\w+): (#\w+);")
    return dict(found.findall(light)), dict(found.findall(dark))
