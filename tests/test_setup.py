"""tools/setup.py: once, again only when it must, and every failure can be acted on.

Each test runs the script as a command does, on requirements of a few bytes.
"""

import ast
import os
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "tools" / "setup.py"
UV_FOLDER = Path(shutil.which("uv") or Path(sys.executable).with_name("uv")).parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
# A closed port of this machine stands for a network that is not there.
OFFLINE = {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple", "UV_OFFLINE": "0"}
OFFLINE |= {"UV_FIND_LINKS": "", "UV_NO_CACHE": "1"}
NO_UPDATE = "going on with the packages of the last set-up"
ON_WINDOWS = os.name == "nt"


def write_wheel(folder: Path, name: str, version: str, source: str = "") -> None:
    """Write a wheel with one package, `source` as its __main__.py."""
    info = f"{name}-{version}.dist-info"
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    kind = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = {f"{name}/__init__.py": "", f"{name}/__main__.py": source}
    files |= {f"{info}/METADATA": about, f"{info}/WHEEL": kind}
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(path, text)


class Place:
    """A folder with requirements, wheels and, after `run`, an environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.venv = folder / "venv"
        self.requirements = folder / "requirements.txt"
        self.constraints = folder / "constraints.txt"
        self.constraints.write_text("")
        self.require("tiny==1")
        for version in ("1", "2"):
            write_wheel(folder, "tiny", version)

    def require(self, *lines: str) -> None:
        self.requirements.write_text("\n".join(lines) + "\n")

    def environment(self, **more: str) -> dict[str, str]:
        places = [str(UV_FOLDER), os.environ["PATH"]]
        variables = {k: v for k, v in os.environ.items() if k != "PYTHON"}
        variables |= {"COURSE_VENV": str(self.venv), "PATH": os.pathsep.join(places)}
        variables |= {"UV_FIND_LINKS": str(self.folder), "UV_OFFLINE": "1"}
        variables |= {"PIP_CONFIG_FILE": os.devnull, "UV_HTTP_RETRIES": "0"}
        variables["UV_CACHE_DIR"] = str(self.folder / "cache")
        return variables | more

    def command(self) -> list[str]:
        files = ["--requirements", self.requirements, "--constraints", self.constraints]
        return [sys.executable, str(SCRIPT), *map(str, files)]

    def run(self, *prefix: str, code: int = 0, **more: str) -> str:
        """Run set-up, which must end with `code`; return what it writes."""
        command = [*prefix, *self.command()]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        done = subprocess.run(command, env=self.environment(**more), **pipes)
        assert done.returncode == code and "Traceback" not in done.stdout, done.stdout
        return done.stdout

    def fail(self, *prefix: str, **more: str) -> str:
        """Run set-up, which must fail; return what it writes."""
        return self.run(*prefix, code=1, **more)

    @property
    def python(self) -> Path:
        return self.venv / ("Scripts/python.exe" if ON_WINDOWS else "bin/python")

    def version(self) -> str:
        """Return the installed version of the package that is required."""
        line = "from importlib.metadata import version; print(version('tiny'))"
        return subprocess.check_output([self.python, "-c", line], text=True).strip()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def ready(place: Place) -> Place:
    """A place that is set up."""
    place.run()
    return place


def test_second_run_does_nothing(ready):
    assert ready.version() == "1"
    assert ready.run(**OFFLINE) == ""


@pytest.mark.parametrize("changed", ["requirements", "constraints"])
def test_change_is_installed_into_the_same_environment(ready, changed):
    (ready.venv / "marker").touch()
    if changed == "requirements":
        ready.require("tiny==2")
    else:
        ready.require("tiny")
        ready.constraints.write_text("tiny==2\n")
    assert "Creating" not in ready.run()
    assert ready.version() == "2"
    assert (ready.venv / "marker").exists()


def test_unchanged_requirements_leave_what_the_user_installed(ready):
    uv = ["uv", "pip", "install", "--quiet", "--python", str(ready.python), "tiny==2"]
    subprocess.run(uv, env=ready.environment(), check=True)
    assert ready.run() == ""
    assert ready.version() == "2"


@pytest.mark.skipif(not shutil.which("make"), reason="no make here")
def test_make_sets_up_from_the_files_it_is_given(place):
    command = ["make", "setup", f"PYTHON={sys.executable}", "--no-print-directory"]
    command += [f"REQUIREMENTS={place.requirements}"]
    command += [f"CONSTRAINTS={place.constraints}"]
    options = {"cwd": ROOT, "env": place.environment(), "capture_output": True}
    subprocess.run(command, check=True, **options)
    assert place.version() == "1"
    place.require("nowhere")
    assert subprocess.run(command, **options).returncode == 2
    missing = subprocess.run([*command, "PYTHON=python0"], text=True, **options)
    assert "install Python 3.10 or newer" in missing.stderr


@pytest.mark.skipif(ON_WINDOWS, reason="Windows has other signals")
def test_interrupted_set_up_goes_on_with_the_same_command(place):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        process = subprocess.Popen(
            place.command(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=place.environment(UV_DEFAULT_INDEX=index, UV_OFFLINE="0"),
        )
        while "Installing" not in process.stdout.readline():
            assert process.poll() is None
        with silent.accept()[0]:  # uv is asking
            os.killpg(process.pid, signal.SIGINT)
            _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "The same command goes on from here." in errors
    assert "Creating" not in place.run()
    assert place.version() == "1"


@pytest.mark.skipif(ON_WINDOWS, reason="the stand-ins are links and shell scripts")
@pytest.mark.parametrize(
    ("stand_in", "reason"),
    [
        ("nothing", "its Python does not start"),
        ("a dangling link", "its Python does not start"),
        ("no program", "its Python does not start"),
        ("#!/bin/sh\necho 3 9", "its Python 3.9 is too old"),
        ("#!/bin/sh\necho 3 99", "has Python 3.99 and PYTHON asks for another"),
    ],
)
def test_environment_that_cannot_serve_is_replaced(ready, stand_in, reason):
    ready.python.unlink()
    if stand_in == "a dangling link":
        ready.python.symlink_to(ready.folder / "nowhere")
    elif stand_in != "nothing":
        ready.python.write_text(stand_in)
        ready.python.chmod(0o755)
    if "PYTHON" in reason:
        assert ready.run() == ""  # another Python serves where none is asked for
    text = ready.run(**({"PYTHON": "python3"} if "PYTHON" in reason else {}))
    assert "Replacing" in text and reason in text
    assert ready.version() == "1"
    assert not ready.venv.with_name("venv.old").exists()


def test_moved_environment_is_replaced(ready):
    ready.venv = ready.venv.rename(ready.folder / "elsewhere")
    assert "the folder was moved since it was made" in ready.run()
    assert ready.version() == "1"
    assert ready.run() == ""


def test_environment_is_kept_where_replacing_it_fails(ready):
    (ready.venv / "marker").touch()
    ready.venv = ready.venv.rename(ready.folder / "elsewhere")
    assert "stopped for the reason above" in ready.fail(**OFFLINE)
    assert (ready.venv / "marker").exists()
    assert not ready.venv.with_name("elsewhere.old").exists()


def test_folder_that_is_no_environment_is_left_alone(place):
    place.venv.mkdir()
    thesis = place.venv / "thesis.txt"
    thesis.write_text("years of work")
    assert "is not a Python environment, so it was left alone" in place.fail()
    assert thesis.read_text() == "years of work"
    thesis.unlink()  # an empty folder may become one
    place.run()


@pytest.mark.skipif(ON_WINDOWS, reason="links need a right there")
def test_link_is_replaced_and_its_target_kept(ready):
    target = ready.venv.rename(ready.folder / "target")
    ready.venv.symlink_to(target, target_is_directory=True)
    ready.run()
    assert not ready.venv.is_symlink()
    assert (target / "pyvenv.cfg").exists()


def test_first_set_up_without_network_stops(place):
    text = place.fail(**OFFLINE)
    assert "Failed to fetch" in text and "`Failed to fetch`" in README
    assert "stopped for the reason above" in text


def test_later_set_up_without_network_goes_on_and_is_made_up_for(ready):
    # The pip that came with this Python, so that it can look over the environment.
    import ensurepip

    (pip,) = Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl")
    shutil.copy(pip, ready.folder)
    ready.require("tiny==1", "pip")
    ready.run()
    ready.require("tiny==2", "pip")
    assert NO_UPDATE in ready.run(**OFFLINE)
    assert ready.version() == "1"
    ready.run()
    assert ready.version() == "2"


def test_requirements_that_nothing_meets_are_an_error_later_too(ready):
    ready.require("tiny==3")
    text = ready.fail()
    assert "No solution found" in text and NO_UPDATE not in text


def test_damaged_environment_is_an_error_without_network(ready):
    ready.require("tiny==2")
    text = ready.fail(**OFFLINE)  # pip, which looks it over, lacks
    assert "stopped for the reason above" in text and NO_UPDATE not in text


# Stands for the pip of an old Python: it can't install into another environment.
OLD_PIP = """import runpy, sys
if "--python" in sys.argv:
    sys.exit(2)
sys.path.remove({folder!r})
del sys.modules["pip"]
runpy.run_module("pip", run_name="__main__")
"""


@pytest.mark.parametrize("pip", ["new", "old"])
def test_uv_is_installed_by_pip_where_there_is_none(place, pip):
    write_wheel(place.folder, "uv", "99", "import sys; print(sys.argv[1:])")
    bare = {"PATH": str(place.folder), "PIP_NO_INDEX": "1"}
    bare["PIP_FIND_LINKS"] = str(place.folder)
    if pip == "old":
        (place.folder / "pip").mkdir()
        (place.folder / "pip" / "__init__.py").touch()
        source = OLD_PIP.format(folder=str(place.folder))
        (place.folder / "pip" / "__main__.py").write_text(source)
        bare["PYTHONPATH"] = str(place.folder)
    text = place.run(**bare)
    assert str(["pip", "install", "--python", str(place.python)])[:-1] in text
    place.require("tiny==2")
    shutil.rmtree(place.venv / ("Lib" if ON_WINDOWS else "lib"))  # as if interrupted
    text = place.run(**bare)
    assert "Creating" not in text and "'install'" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [("size=40k", "No space left on device"), ("ro", "Read-only file system")],
    ids=["full", "read-only"],
)
def test_disk_that_takes_nothing_is_explained(place, options, message):
    disk = place.folder / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o {options} none {disk} && exec "$@"'
    prefix = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    try:
        subprocess.run([*prefix, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no disk of its own can be mounted for a test here")
    place.venv = disk / "venv"
    write_wheel(place.folder, "tiny", "1", "#" * 100_000)
    text = place.fail(*prefix)
    assert message in text and f"`{message}`" in README
    assert "stopped for the reason above" in text


def test_old_python_is_told_which_to_take():
    line = (
        "import runpy, sys; sys.version_info = (3, 8, 1); runpy.run_path(sys.argv[1])"
    )
    old = subprocess.run(
        [sys.executable, "-c", line, SCRIPT], capture_output=True, text=True
    )
    assert old.returncode == 1
    assert old.stderr.startswith(
        "The course needs Python 3.10 or newer and this is 3.8"
    )
    assert "add PYTHON=python3.12" in old.stderr


def test_old_python_can_read_the_script():
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 6))
    futures = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert not any(node.module == "__future__" for node in futures)
