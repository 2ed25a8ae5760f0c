"""Machines like Colab's and Kaggle's: an environment, a kernel, a repository for pip.

Which packages and versions they have is from googlecolab/backend-info (its commit of 19
August 2026) and from Kaggle/docker-python (12 August 2026), whose image is one of
Colab's with other packages added.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import distributions
from pathlib import Path, PurePath
from typing import NamedTuple

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from course_utils.authoring.links import address
from tests.lessons import ROOT

COURSE = "layer-by-layer-course"
MANAGER = "https://example.org/manager.js"
# `output` has what anywidget uses of it. Colab too puts the manager's address into
# each widget's output as it is published.
STAND_IN = {
    "__init__.py": "from google.colab import output as output\n",
    "output/__init__.py": """
from google.colab.output import _widgets as _widgets
from google.colab.output._widgets import enable_custom_widget_manager
""",
    "output/_widgets.py": f"""
from IPython import get_ipython

_installed_url = None


def enable_custom_widget_manager():
    global _installed_url
    _installed_url = {MANAGER!r}
    get_ipython().display_pub.register_hook(_name_manager)


def _name_manager(message):
    view = "application/vnd.jupyter.widget-view+json"
    content = message["content"]
    if view in content.get("data", {{}}):
        manager = {{"custom_widget_manager": {{"url": _installed_url}}}}
        content["metadata"].setdefault(view, {{}})["colab"] = manager
    return message
""",
}
# Colab's own %pip is a line for the shell.
STARTUP = """
import google.colab

get_ipython().register_magic_function(
    lambda line: get_ipython().system("pip " + line), "line", "pip"
)
"""


SAME = {
    "pip": "24.1.2",
    "ipython": "7.34.0",
    "ipykernel": "6.17.1",
    "jupyter-client": "7.4.9",
    "traitlets": "5.7.1",
    "anywidget": "0.9.21",
}


class Host(NamedTuple):
    """What a lesson meets on the machines of one host."""

    name: str
    pins: dict[str, str]  # versions of packages
    lacking: set[str]  # of the packages here, those that it has not
    modules: dict[str, str]  # what stands for its own package: text by file
    startup: str  # what runs in a kernel before the first cell
    env: dict[str, str]
    says: str  # what its %pip says below a cell


COLAB = Host(
    name="Colab",
    pins=SAME | {"ipywidgets": "7.7.1"},
    lacking={"torchmetrics", "lightning-utilities", "torchinfo", "gguf", "comm"},
    modules=STAND_IN,
    startup=STARTUP,
    env={},
    says="",
)
KAGGLE = Host(
    name="Kaggle",
    pins=SAME | {"ipywidgets": "8.1.5"},
    lacking={"gguf"},
    modules=STAND_IN,  # it has Colab's package, which no one imports there
    startup="",
    env={"KAGGLE_KERNEL_RUN_TYPE": "Interactive", "COLAB_RELEASE_TAG": "1"},
    says="Note: you may need to restart the kernel to use updated packages.\n",
)


class Machine(NamedTuple):
    """An environment, the folder of its own packages, and its variables."""

    host: Host
    python: Path
    packages: Path
    env: dict[str, str]

    @property
    def home(self) -> Path:
        return Path(self.env["HOME"])

    @property
    def git_log(self) -> Path:
        """The file to which each call of git adds a line; absent before any."""
        return Path(self.env["GIT_TRACE"])

    def pip(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [self.python, "-m", "pip", *words]
        return subprocess.run(command, env=self.env, capture_output=True, text=True)

    def installed(self) -> dict[str, str]:
        """Return {name: version} of the packages in the environment's own folder."""
        found = distributions(path=[str(self.packages)])
        return {item.metadata["Name"]: item.version for item in found}

    def execute(self, notebook: nbformat.NotebookNode, folder: Path) -> None:
        """Run all cells in a new kernel, in place; an error becomes an output."""
        kernel = _Kernel(kernel_name="python3")
        kernel.python = str(self.python)
        client = NotebookClient(notebook, km=kernel, timeout=280, allow_errors=True)
        client.execute(env=self.env, cwd=str(folder), cleanup_kc=True)


class _Kernel(AsyncKernelManager):
    python = ""

    @property
    def kernel_spec(self) -> KernelSpec:
        argv = [self.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")


def make_machine(host: Host, folder: Path) -> Machine:
    """Make an environment like the host's, without the course.

    The test is skipped where the packages can't be fetched.
    """
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(venv)}))
    _lend(folder / "lent", packages, host)
    for name, text in host.modules.items():
        file = packages / "google" / "colab" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    startup = folder / "ipython" / "profile_default" / "startup" / "00-host.py"
    startup.parent.mkdir(parents=True)
    startup.write_text(host.startup)
    (folder / "home").mkdir()
    env = _environment(folder, venv, _serve(folder)) | host.env
    machine = Machine(host, venv / "bin" / "python", packages, env)
    pins = [f"{name}=={version}" for name, version in host.pins.items()]
    done = machine.pip("install", "-q", *pins)
    if "No matching distribution found" in done.stderr:
        pytest.skip(f"no package index: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    # An older Python's environment brings its own, which torch's range may exclude.
    machine.pip("uninstall", "-q", "-y", "setuptools")
    return machine


def _lend(folder: Path, packages: Path, host: Host) -> None:
    """Let an environment import this one's packages, after its own.

    Those that it must find elsewhere are left out, the course among them.
    """
    here = Path(sysconfig.get_path("purelib"))
    kept = set()
    for item in distributions(path=[str(here)]):
        name = item.metadata["Name"].lower().replace("_", "-")
        if name in {COURSE, *host.pins, *host.lacking, "widgetsnbextension"}:
            kept |= {PurePath(file).parts[0] for file in item.files or []}
    folder.mkdir()
    for path in here.iterdir():
        if path.name not in kept and path.suffix != ".pth":
            (folder / path.name).symlink_to(path)
    (packages / "lent.pth").write_text(f"{folder}\n")


def _serve(folder: Path) -> Path:
    """Make a repository with one commit: this checkout's files, as they are now."""
    files = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(files, cwd=ROOT, check=True, capture_output=True, text=True)
    repository = folder / "repository"
    for name in filter(None, names.stdout.split("\0")):
        if (ROOT / name).is_file():
            (repository / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, repository / name)
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        [*who, "commit", "-q", "-m", "The course"],
        # As GitHub does it: pip asks for a clone without old files.
        ["config", "uploadpack.allowFilter", "true"],
    ):
        subprocess.run(["git", *words], cwd=repository, check=True)
    return repository


def _environment(folder: Path, venv: Path, repository: Path) -> dict[str, str]:
    """Return this process's variables, less what steers the course or Python."""
    steering = ("COURSE_", "PYTHONPATH", "VIRTUAL_ENV", "XDG_", "JPY_", "IPYTHON")
    rest = {k: v for k, v in os.environ.items() if not k.startswith(steering)}
    return rest | {
        "HOME": str(folder / "home"),
        "IPYTHONDIR": str(folder / "ipython"),
        "PATH": os.pathsep.join([str(venv / "bin"), os.environ["PATH"]]),
        "GIT_TRACE": str(folder / "git.log"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"https://github.com/{address(ROOT)}",
    }
