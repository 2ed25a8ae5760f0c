"""Set-up: once, again only when it must, and a sentence for whatever goes wrong."""

import ast
import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parent.parent / "tools"
SCRIPTS = ["bootstrap.py", "setup_faults.py", "setup_state.py"]
sys.path.insert(0, str(TOOLS))

import bootstrap  # noqa: E402 - a script of tools/, found by the line above
import setup_state  # noqa: E402
from setup_faults import SetupFault  # noqa: E402


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder for the environment, and requirements that ask for nothing."""
    (tmp_path / "requirements.txt").write_text("# none\n")
    (tmp_path / "constraints.txt").write_text("# none\n")
    monkeypatch.setenv("COURSE_VENV", str(tmp_path / "venv"))
    monkeypatch.delenv("PYTHON", raising=False)
    return tmp_path


def files(place: Path) -> list[str]:
    """Return the arguments that point the set-up at the files of `place`."""
    names = ["--requirements", "requirements.txt", "--constraints", "constraints.txt"]
    return [str(place / n) if n.endswith(".txt") else n for n in names]


def run(place: Path, **variables) -> subprocess.CompletedProcess:
    """Run the script as a command does."""
    command = [sys.executable, str(TOOLS / "bootstrap.py"), *files(place)]
    environ = {**os.environ, **variables}
    return subprocess.run(command, capture_output=True, text=True, env=environ)


def fake_environment(venv: Path) -> None:
    """Make what looks like an environment, with this Python in it."""
    python = setup_state.interpreter(venv)
    python.parent.mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text("home = here\n")
    python.symlink_to(sys.executable)


@pytest.fixture
def made(monkeypatch):
    """Replace the slow steps; the list holds what was made and installed."""
    steps = []

    def create(venv):
        fake_environment(venv)
        steps.append("create")

    monkeypatch.setattr(bootstrap, "create", create)
    monkeypatch.setattr(bootstrap, "install", lambda *_: steps.append("install"))
    return steps


def test_first_run_makes_an_environment_and_the_second_does_nothing(place):
    first = run(place)
    assert first.returncode == 0, first.stderr
    assert "Ready after" in first.stdout
    assert setup_state.python_version(setup_state.interpreter(place / "venv")) == tuple(
        sys.version_info[:2]
    )
    log = place / "venv" / bootstrap.LOG
    log.unlink()
    second = run(place)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert not log.exists()


def test_changed_requirements_are_installed_and_nothing_made_anew(place, made):
    assert bootstrap.main(files(place)) == 0
    assert bootstrap.main(files(place)) == 0
    assert made == ["create", "install"]
    (place / "requirements.txt").write_text("six\n")
    assert bootstrap.main(files(place)) == 0
    assert made == ["create", "install", "install"]


def test_only_what_pip_reads_changes_the_fingerprint(tmp_path):
    project = tmp_path / "pyproject.toml"
    seen = []
    for text in (
        "[project]\na=1\n[tool.ruff]\nb=1\n",
        "[project]\na=1\n",
        "[project]\n",
    ):
        project.write_text(text)
        seen.append(setup_state.fingerprint(tmp_path, [project]))
    assert seen[0] == seen[1] != seen[2]


def test_interrupted_set_up_goes_on_where_it_stopped(place, made):
    fake_environment(place / "venv")  # no stamp: pip had not finished
    assert bootstrap.main(files(place)) == 0
    assert made == ["install"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no dangling interpreter")
@pytest.mark.parametrize("harm", ["gone", "dangling", "not a program"])
def test_broken_environment_is_made_anew(place, made, capsys, harm):
    venv = place / "venv"
    fake_environment(venv)
    python = setup_state.interpreter(venv)
    python.unlink()
    if harm == "dangling":
        python.symlink_to(place / "nowhere")
    elif harm == "not a program":
        python.write_text("cut off")
        python.chmod(0o755)
    assert bootstrap.main(files(place)) == 0
    assert made == ["create", "install"]
    assert "is made anew: its Python does not start" in capsys.readouterr().out
    assert [path.name for path in place.iterdir() if "old" in path.name] == []


def test_moved_environment_is_made_anew(place, made, capsys, monkeypatch):
    assert bootstrap.main(files(place)) == 0
    (place / "venv").rename(place / "elsewhere")
    monkeypatch.setenv("COURSE_VENV", str(place / "elsewhere"))
    assert bootstrap.main(files(place)) == 0
    assert made == ["create", "install"] * 2
    assert "the folder was moved since it was made" in capsys.readouterr().out


def test_environment_stays_where_making_it_anew_fails(place, made, monkeypatch):
    venv = place / "venv"
    fake_environment(venv)
    (venv / "keepsake.txt").write_text("mine")
    setup_state.interpreter(venv).unlink()

    def fail(*_):
        raise SetupFault("No network.", offline=True)

    monkeypatch.setattr(bootstrap, "install", fail)
    assert bootstrap.main(files(place)) == 1
    assert (venv / "keepsake.txt").read_text() == "mine"
    assert [path.name for path in place.iterdir() if "old" in path.name] == []


def test_another_python_is_taken_only_where_PYTHON_asks(place, made, monkeypatch):
    assert bootstrap.main(files(place)) == 0
    monkeypatch.setattr(setup_state, "python_version", lambda _: (3, 99))
    assert bootstrap.main(files(place)) == 0
    assert made == ["create", "install"]
    monkeypatch.setenv("PYTHON", "python3")
    assert bootstrap.main(files(place)) == 0
    assert made == ["create", "install"] * 2


def test_folder_that_is_no_environment_is_left_alone(place, made, capsys):
    (place / "venv").mkdir()
    (place / "venv" / "thesis.txt").write_text("years of work")
    assert bootstrap.main(files(place)) == 1
    assert (
        "is not a Python environment, so it was left alone" in capsys.readouterr().err
    )
    assert (place / "venv" / "thesis.txt").read_text() == "years of work"
    assert made == []


def test_removing_takes_environments_only(tmp_path):
    fake_environment(tmp_path / "environment")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder", target_is_directory=True)
    for name in ("environment", "folder", "link"):
        bootstrap.remove(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_no_network_at_first_is_said_in_one_sentence(place):
    fake_environment(place / "venv")
    (place / "requirements.txt").write_text("layer-by-layer-without-a-network\n")
    # The closed port of this machine stands for a network that is not there.
    closed = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1"}
    found = run(
        place, **closed, PIP_CONFIG_FILE=os.devnull, PIP_FIND_LINKS="", PIP_NO_INDEX=""
    )
    assert found.returncode == 1
    assert found.stderr.startswith("No network: the first set-up downloads")
    assert found.stderr.count("\n") == 1


def test_no_network_later_goes_on_with_what_is_there(place, made, monkeypatch, capsys):
    assert bootstrap.main(files(place)) == 0
    (place / "requirements.txt").write_text("six\n")

    def fail(*_):
        raise SetupFault("No network.", offline=True)

    monkeypatch.setattr(bootstrap, "install", fail)
    assert bootstrap.main(files(place)) == 0
    assert "going on with the packages of the last set-up" in capsys.readouterr().out
    monkeypatch.setattr(bootstrap, "install", lambda *_: made.append("later"))
    assert bootstrap.main(files(place)) == 0
    assert made[-1] == "later"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EROFS, "set COURSE_VENV to a folder that can"),
        (errno.EACCES, "set COURSE_VENV to a folder that can"),
        (errno.ENOSPC, "The disk is full"),
        (errno.EIO, "stopped: "),
    ],
)
def test_faults_of_the_disk_are_said(place, monkeypatch, capsys, number, words):
    def fail(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(bootstrap, "create", fail)
    assert bootstrap.main(files(place)) == 1
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_interrupting_ends_with_a_sentence(place, made, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "install", stop)
    assert bootstrap.main(files(place)) == 130
    assert "The same command goes on from here." in capsys.readouterr().err


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_old_python_can_read_the_scripts(script):
    source = (TOOLS / script).read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 6))
    futures = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert not any(node.module == "__future__" for node in futures)
