"""What a verdict says, taken apart for tests."""

import re

from course_utils.exercises.model import Verdict

_SHAPE = r"(\((?:\d+(?:, \d+)*,?)?\))"
_SHAPES = (
    f"the shape {_SHAPE} is not: expected {_SHAPE}",
    f"yours is {_SHAPE}, expected {_SHAPE}",
    f"made {_SHAPE} where {_SHAPE} is expected",
    f"Expected shape {_SHAPE}, yours is {_SHAPE}",
)


def named_shapes(verdict: Verdict) -> list[str]:
    """Return the shapes of results that a verdict's messages name."""
    text = " ".join(verdict.messages)
    found = [re.search(pattern, text) for pattern in _SHAPES]
    return [shape for match in found if match for shape in match.groups()]
