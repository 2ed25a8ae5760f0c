"""The command and its workers never load what only lessons need."""

import subprocess
import sys

from course_utils.runs.batch import run_task
from course_utils.runs.model import Settings
from course_utils.runs.processes import Workers

from .conftest import environment, fixture_task, write_notebook

HEAVY = ("torch", "matplotlib", "torchvision", "ipywidgets")
LOADED = f"sorted(set({HEAVY}) & set(__import__('sys').modules))"


def test_worker_loads_no_torch(tmp_path):
    settings = Settings(tmp_path, run="light")
    with Workers(1) as workers:
        result = workers.submit(run_task, fixture_task("fine"), settings).result(120)
        assert result.page == "fine.html"
        assert workers.submit(eval, LOADED).result(10) == []


def test_command_loads_no_torch(tmp_path):
    write_notebook(tmp_path / "one.ipynb", "1 + 1")
    code = (
        "from course_utils.cli import main\n"
        "if __name__ == '__main__':\n"
        "    try: main(['run', '.', '--jobs', '1', '--junit', 'x.xml'])\n"
        f"    except SystemExit as end: print(end.code, {LOADED})"
    )
    script = tmp_path / "script.py"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.splitlines()[-1] == "0 []", done.stderr
