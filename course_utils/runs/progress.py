"""How far a batch is: a bar on a terminal, else a line for each finished run."""

import sys

from course_utils.runs.worker import Result


class Progress:
    """Shows results on standard error as they come; used in a `with` block."""

    def __init__(self, total: int):
        self.total = total
        self.done = 0
        self._bar = None

    def __enter__(self) -> "Progress":
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=self.total, unit="run", desc="Running")
        return self

    def __exit__(self, *error) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, result: Result) -> None:
        self.done += 1
        label = result.task.label
        how = result.fault.kind if result.fault else "succeeded"
        if result.seconds is not None:
            how += f", {result.seconds:.1f} s"
        if self._bar is None:
            line = f"[{self.done}/{self.total}] {label}: {how}"
            print(line, file=sys.stderr, flush=True)
            return
        if result.fault:
            self._bar.write(f"{label}: {how}", file=sys.stderr)
        self._bar.set_postfix_str(result.task.lesson)
        self._bar.update(1)
