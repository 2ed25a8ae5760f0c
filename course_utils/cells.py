"""The notebook's cells as they run: which names a failed one left as they were."""

import re
from typing import Any

# What a cell defines or assigns at its left edge. It may be one that can't be parsed.
_DEFINED = re.compile(
    r"(?m)^(?:(?:async +)?def|class) +(\w+)|^(\w+) *(?::[^=\n]+)?=[^=]"
)
_ABSENT = object()


class CellWatch:
    """Follows the cells of an IPython shell.

    >>> CellWatch().is_outdated("affine", len)
    False

    Attributes:
        source: the text of the cell that runs, or ran last; "" before any.
    """

    def __init__(self) -> None:
        self.source = ""
        self._shell: Any = None
        # For each name that a cell was to define and did not, what it still means.
        self._outdated: dict[str, object] = {}
        self._before: dict[str, object] = {}

    def follow(self, shell: Any) -> None:
        """Follow the cells that this shell runs from now on."""
        if shell is not self._shell:
            self._shell = shell
            shell.events.register("pre_run_cell", self._begin)
            shell.events.register("post_run_cell", self._end)

    def is_outdated(self, name: str, value: object) -> bool:
        """Return whether the last cell to define `name` failed, and left `value`."""
        return self._outdated.get(name, _ABSENT) is value

    def _begin(self, info: Any) -> None:
        self.source = info.raw_cell
        names = (a or b for a, b in _DEFINED.findall(self.source))
        self._before = {name: self._value(name) for name in names}

    def _end(self, result: Any) -> None:
        for name, before in self._before.items():
            self._outdated.pop(name, None)
            # A cell may also fail after the definition: then that is the new one.
            if not result.success and self._value(name) is before is not _ABSENT:
                self._outdated[name] = before
        self._before = {}

    def _value(self, name: str) -> object:
        return self._shell.user_ns.get(name, _ABSENT)


# Global on purpose: one kernel runs one notebook.
CELLS = CellWatch()
