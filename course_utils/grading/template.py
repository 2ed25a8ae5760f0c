"""A confined process that waits for submissions: torch is imported once for all."""

from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType

from course_utils.grading.confinement import Limits, find_confinement
from course_utils.grading.reading import late_modules
from course_utils.grading.sandbox import Sandbox


class Template:
    """Keeps a sandbox for one submission after another; a context, which ends it.

    The process sees no submission: every exercise of each runs in a fork of its own,
    in a temporary folder that is empty. After an exercise nothing is left of it, no
    process and no file, or the process is given up and another one started. Without
    confinement nobody can tell, so there each submission gets a new one.

    Args:
        limits: what the code of a submission may use.
        unconfined: without confinement, with all that this process may do.
        modules: what to import beside torch, as `late_modules` returns it; by default
            all of those.

    Raises:
        CourseError: nothing confines the code here.

    >>> with Template(unconfined=True) as template:
    ...     template.limits.exercise
    10.0
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        unconfined: bool = False,
        modules: Sequence[str] | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._confinement = None if unconfined else find_confinement()
        self._modules = late_modules() if modules is None else list(modules)
        self._sandbox: Sandbox | None = None
        self._sketches = True  # whether that one's code can read them

    def sandbox(self, *, sketches: bool = True) -> Sandbox:
        """Return what runs an exercise, started where there is none or it ended.

        Args:
            sketches: see `Confinement`; another process is started where this changes.

        Raises:
            CourseError: it does not start.
        """
        if self._sandbox and not (self._sandbox.alive and self._sketches == sketches):
            self.close()
        if self._sandbox is None:
            confinement = self._confinement
            if confinement:
                confinement = replace(confinement, sketches=sketches)
            self._sandbox = Sandbox(confinement, self.limits, self._modules)
            self._sketches = sketches
        return self._sandbox

    def end_submission(self) -> None:
        """Let the next exercise be another submission's."""
        if self._confinement is None:
            self.close()

    def close(self) -> None:
        """End the process; the next exercise starts another one."""
        if self._sandbox:
            self._sandbox.close()
            self._sandbox = None

    def __enter__(self) -> "Template":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
