"""The grid: every combination of lesson, device, seed and parameters."""

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.runs.faults import Fault
from course_utils.runs.lessons import Lesson

Values = dict[str, object]


@dataclass(frozen=True)
class Task:
    """One lesson to run once.

    `name` is that of its files, unique in a batch. `values` are injected after the
    notebook's `parameters` cell; `defaults` are what that cell says.
    """

    name: str
    notebook: Path
    values: Values = field(default_factory=dict)
    defaults: Values = field(default_factory=dict)
    fault: Fault | None = None

    @property
    def lesson(self) -> str:
        return self.notebook.stem

    @property
    def device(self) -> str:
        return self._shown("device")

    @property
    def seed(self) -> str:
        return self._shown("seed")

    @property
    def parameters(self) -> str:
        """What else is injected: 'epochs=2, width=8'."""
        rest = {k: v for k, v in self.values.items() if k not in ("device", "seed")}
        return ", ".join(f"{name}={value}" for name, value in rest.items())

    @property
    def label(self) -> str:
        """The task in one line: '01_linear_layers, device=cpu, seed=0'."""
        return ", ".join([self.lesson, *(f"{k}={v}" for k, v in self.values.items())])

    def _shown(self, name: str) -> str:
        value = self.values.get(name, self.defaults.get(name))
        return "" if value is None else str(value)


def make_grid(
    lessons: Iterable[Lesson],
    devices: Sequence[str] = (),
    seeds: Sequence[int] = (),
    parameters: dict[str, list[object]] | None = None,
) -> tuple[list[Task], list[str]]:
    """Combine every lesson with every device, seed and value of each parameter.

    A parameter that a lesson's `parameters` cell lacks is left out for that lesson,
    and the second list says so in a sentence. An unreadable notebook is one task.

    Raises:
        CourseError: no lesson has the parameter.
    """
    axes: dict[str, list[object]] = {"device": list(devices), "seed": list(seeds)}
    axes |= parameters or {}
    axes = {name: _distinct(values) for name, values in axes.items() if values}
    lessons = list(lessons)
    notes = _check_parameters(lessons, axes)
    tasks: list[Task] = []
    taken: set[str] = set()
    for lesson in lessons:
        if lesson.fault:
            name = _file_name(lesson, {}, taken)
            tasks.append(Task(name, lesson.path, fault=lesson.fault))
            continue
        own = {name: axes[name] for name in axes if name in lesson.defaults}
        for chosen in itertools.product(*own.values()):
            values = dict(zip(own, chosen, strict=True))
            name = _file_name(lesson, values, taken)
            tasks.append(Task(name, lesson.path, values, lesson.defaults))
    return tasks, notes


def _distinct(values: list[object]) -> list[object]:
    # By type too: 1, 1.0 and True are equal, yet not the same parameter.
    return list({(type(value), str(value)): value for value in values}.values())


def _check_parameters(lessons: list[Lesson], axes: dict[str, list]) -> list[str]:
    readable = [lesson for lesson in lessons if not lesson.fault]
    notes = []
    for name in axes:
        lacking = [lesson for lesson in readable if name not in lesson.defaults]
        if readable and len(lacking) == len(readable):
            known = sorted({name for lesson in readable for name in lesson.defaults})
            raise CourseError(
                f"no lesson here has a parameter '{name}'; "
                + (f"there are: {', '.join(known)}." if known else "there are none.")
            )
        notes += [
            f"{lesson.name} has no parameter '{name}': it runs without it."
            for lesson in lacking
        ]
    return notes


def _file_name(lesson: Lesson, values: Values, taken: set[str]) -> str:
    parts = [lesson.name, *(f"{name}-{_slug(v)}" for name, v in values.items())]
    base = name = "--".join(parts)[:150]
    for number in itertools.count(2):
        # Compared without case: some file systems take A and a for the same name.
        if name.lower() not in taken:
            break
        name = f"{base}--{number}"
    taken.add(name.lower())
    return name


def _slug(value: object) -> str:
    return re.sub(r"[^\w.+-]+", "-", str(value))[:40] or "empty"
