"""What a setup cell says where the course's helpers can't be fetched."""

import os
import subprocess
import sys
from pathlib import Path

from tests.lessons import LESSONS, ROOT, code_cells, read, tags

LABS = sorted((ROOT / "notebooks" / "labs").glob("*.ipynb"))


def fetching(path: Path) -> str:
    """Return the part of a notebook's setup cell that fetches the helpers."""
    (cell,) = (cell for cell in code_cells(read(path)) if "setup" in tags(cell))
    return cell.source.partition("\n\n")[0]


def test_every_notebook_fetches_in_the_same_words():
    assert len({fetching(path) for path in [*LESSONS, *LABS]}) == 1


def test_without_a_network_one_sentence_says_what_to_do(tmp_path):
    cell = tmp_path / "cell.ipy"
    missing = "import sys\nsys.modules['course_utils'] = None\n"  # as if not installed
    cell.write_text(missing + fetching(LESSONS[0]), encoding="utf-8")
    env = os.environ | {
        "IPYTHONDIR": str(tmp_path),
        "NO_COLOR": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "url.http://127.0.0.1:9/.insteadOf",  # where none answers
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }
    command = [sys.executable, "-m", "IPython", "--colors=NoColor", str(cell)]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert "During handling" not in done.stdout  # the first import's failure
    *_, last = done.stdout.strip().splitlines()
    assert last.startswith("ModuleNotFoundError: The helpers could not be fetched")
    assert "switch on 'Internet' in the notebook's settings" in last
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "`The helpers could not be fetched`" in readme
