"""How often the notebook of a run is written while it runs."""

from contextlib import suppress
from datetime import datetime, timedelta, timezone

import papermill.engines
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from papermill.engines import NBClientEngine, NotebookExecutionManager

from course_utils.runs.engine import SeldomSaving


def written_at(
    monkeypatch, seconds: float, engine=SeldomSaving, fails: bool = False
) -> list[float]:
    """Play a run of ten cells of so many seconds; return when it was written."""
    begin = datetime(2000, 1, 1, tzinfo=timezone.utc)
    clock, times = [0.0], []

    def play(manager, kernel_name, **options):
        for cell in manager.nb.cells:
            manager.cell_start(cell)
            clock[0] += seconds
            manager.cell_complete(cell)
        if fails:
            raise RuntimeError("the kernel died")

    monkeypatch.setattr(NBClientEngine, "execute_managed_notebook", play)
    monkeypatch.setattr(
        NotebookExecutionManager, "now", lambda self: begin + timedelta(0, clock[0])
    )
    monkeypatch.setattr(
        papermill.engines, "write_ipynb", lambda nb, path: times.append(clock[0])
    )
    notebook = new_notebook(cells=[new_code_cell() for _ in range(10)])
    for part in (notebook, *notebook.cells):
        part.metadata["papermill"] = {}
    with suppress(RuntimeError):
        engine.execute_notebook(
            notebook, "python3", output_path="out.ipynb", progress_bar=False
        )
    return times


@pytest.mark.parametrize(
    ("seconds", "times"),
    [
        (0.25, [0, 2.5]),  # at the beginning and at the end, as papermill does
        (2, [0, 6, 12, 18, 20]),  # no cell ends at 5
        (5, [*range(0, 51, 5), 50]),  # each cell's end, and the end
    ],
)
def test_written_every_five_seconds(monkeypatch, seconds, times):
    assert written_at(monkeypatch, seconds) == times


def test_papermill_itself_writes_at_every_cell(monkeypatch):
    """Else our engine is needed no longer."""
    assert len(written_at(monkeypatch, 0.25, NBClientEngine)) == 1 + 2 * 10 + 1


def test_written_at_the_end_of_a_run_that_fails(monkeypatch):
    assert written_at(monkeypatch, 0.25, fails=True) == [0, 2.5]
