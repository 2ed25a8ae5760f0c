"""The widget of a playground, and what the page and Python tell each other."""

from pathlib import Path
from typing import Any

import traitlets

from course_utils.display.drawing import Said
from course_utils.display.touch import widget as touch

HERE = Path(__file__).parent


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


class Frame(touch.TouchWidget):
    """A playground on the page; frame.js says how it asks and is answered."""

    _esm = _read(HERE / "frame.js")
    _css = _read(touch.HERE / "touch.css") + _read(HERE / "frame.css")
    asked = traitlets.Dict().tag(sync=True)  # number, values, scale: by the page
    answered = traitlets.Int().tag(sync=True)  # the last number
    picture = traitlets.Bytes().tag(sync=True)  # PNG
    said = traitlets.Dict().tag(sync=True)  # sentence, reached, failed

    def __init__(self, data: dict[str, Any], scale: float) -> None:
        values = {control["name"]: control["start"] for control in data["controls"]}
        asked = {"number": 0, "scale": scale, "values": values}
        super().__init__(data=data, asked=asked)

    def say(self, said: Said, failed: str = "") -> None:
        """Show what the drawing said, and what went wrong."""
        self.said = {**said._asdict(), "failed": failed}
