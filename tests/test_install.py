"""The README's lines for pip, against a small package of the course's name."""

import http.server
import os
import re
import subprocess
import sys
import threading
import zipfile
from functools import partial
from pathlib import Path

import pytest

from tests.lessons import ROOT

LINK = r"https://github\.com/[\w.-]+/[\w.-]+/archive/main\.zip"
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
# `course` says which release it is. Both have the same version, as the course has
# between two of its versions; the second needs one more package.
BACKEND = '''
import zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "{name}-0.1.0-py3-none-any.whl"
    info = "{name}-0.1.0.dist-info/"
    files = {{
        "{name}.py": "def main():\\n    print('{release}')\\n",
        info + "METADATA": """Metadata-Version: 2.1
Name: {name}
Version: 0.1.0
Provides-Extra: lab
{needs}
""",
        info + "WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n"
        "Tag: py3-none-any\\n",
        info + "entry_points.txt": "[console_scripts]\\n{command} = {name}:main\\n",
    }}
    files[info + "RECORD"] = ",,\\n".join([*files, info + "RECORD", ""])
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
    return name
'''


def release(path: Path, **parts: str) -> None:
    """Write a package's zip as GitHub gives it out: within a folder."""
    with zipfile.ZipFile(path, "w") as parcel:
        parcel.writestr("course-main/pyproject.toml", PROJECT)
        parcel.writestr("course-main/backend.py", BACKEND.format(**parts))


@pytest.fixture
def server(tmp_path):
    """The address of a server that gives out what is in the folder `web`."""
    (tmp_path / "web").mkdir()
    handler = partial(
        http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "web")
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.all
@pytest.mark.skipif(os.name == "nt", reason="lines for a POSIX shell")
def test_lines_for_an_update_install_it_though_the_version_is_the_same(
    tmp_path, server
):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"(?ms)^```\n(.*?)^```$", readme)
    install, update = (block for block in blocks if re.search(LINK, block))
    more = tmp_path / "more.zip"
    release(more, name="addition", release="", needs="", command="addition")
    course = {"name": "layer_by_layer_course", "command": "course"}
    place = tmp_path / "web" / "main.zip"
    said = []
    for lines, number, needs in (
        (install, "first", ""),
        (update, "second", f"Requires-Dist: addition @ {more.as_uri()}"),
    ):
        release(place, release=number, needs=needs, **course)
        lines = re.sub(LINK, f"{server}/main.zip", lines)
        said.append(run(f"set -e\n{lines}\n", tmp_path))
    assert [text.splitlines()[-1] for text in said] == ["first", "second"]
    assert (tmp_path / "course-env" / "bin" / "addition").is_file()


def run(lines: str, folder: Path) -> str:
    """Run lines of a shell, out of the course's environment; return what they print."""
    env = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
    }
    done = subprocess.run(
        ["sh", "-c", lines], cwd=folder, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
