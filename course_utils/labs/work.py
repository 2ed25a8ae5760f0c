"""A learner's work on one task: what is measured."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from course_utils.exercises.elsewhere import text_of
from course_utils.labs.returned import Refused

# What a learner's own measurement draws from; no secret of grading is this.
OPEN = "open"


@dataclass(frozen=True)
class Work:
    """What a learner hands in for one task.

    Attributes:
        answer: the function, or what stands for it where it runs in another process.
        secret: what random numbers are drawn from; the open one unless it is graded.
        source: the text of the learner's cell; "" where it is not known.
        stub: what stood in that cell at the start.
        key: what only graders know of the lab's variant, by the names of tasks.
        round: which one of its task's rounds this is, from 0.
        docstrings: what the same learner's answers to other tasks have.
    """

    answer: Any
    secret: str = OPEN
    source: str = ""
    stub: str = ""
    key: Mapping[str, Any] = field(default_factory=dict)
    round: int = 0
    docstrings: Sequence[str] = ()

    @property
    def graded(self) -> bool:
        """Whether this is grading, and not the learner's own measurement."""
        return self.secret != OPEN

    @property
    def docstring(self) -> str:
        """The docstring of the answer; "" where there is none."""
        found = getattr(text_of(self.answer), "__doc__", None)
        return found if isinstance(found, str) else ""

    def require_bytes(self, most: int) -> None:
        """Require that the text of the cell has no more bytes than this.

        Raises:
            Refused: it has more.

        >>> Work(None, source="train = 1").require_bytes(4)
        Traceback (most recent call last):
        course_utils.labs.returned.Refused: the cell has 9 bytes, over 4.
        """
        size = len(self.source.encode())
        if size > most:
            raise Refused(f"the cell has {size:,} bytes, over {most:,}.")

    def call(self, *args: Any) -> Any:
        """Call the answer with copies of tensors, and return what it returns.

        What it changes in place, it changes in its own copies.

        >>> x = torch.zeros(2)
        >>> Work(lambda x: x.add_(1)).call(x).sum(), x.sum()
        (tensor(2.), tensor(0.))
        """
        return self.answer(*map(_copied, args))

    def generator(self, *names: object) -> torch.Generator:
        """Return the generator for what has these names; its seed hides the secret.

        >>> torch.rand(3, generator=Work(None).generator("x", 1)).shape
        torch.Size([3])
        """
        text = "\0".join(map(str, (self.secret, *names)))
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        return torch.Generator().manual_seed(seed >> 1)


def _copied(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, list | tuple):
        return type(value)(map(_copied, value))
    return value
