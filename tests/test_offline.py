"""Without a network: the tests' blockade blocks, and the course loads its sketches."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import bare_course, offline_environment

FETCH = "import urllib.request as u; u.urlopen('http://{}/', timeout=5)"
LOAD = "import course_utils; print(course_utils.load_fashion_mnist())"
LOOPBACK = """
import socket
server = socket.create_server(('127.0.0.1', 0))
socket.create_connection(server.getsockname())
print('connected')
"""


@pytest.fixture
def attempts(tmp_path: Path) -> Path:
    """The file that lists attempts to reach another machine."""
    return tmp_path / "attempts"


def run_offline(code: str, attempts: Path) -> subprocess.CompletedProcess[str]:
    """Run `code` with the course, its sketches, and the network blocked."""
    course = bare_course(attempts.parent / "course")
    return subprocess.run(
        [sys.executable, "-c", code],
        env=offline_environment(course, attempts),
        cwd=attempts.parent,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


@pytest.mark.parametrize("host", ["example.org", "93.184.215.14"])
def test_other_machines_are_blocked(attempts: Path, host: str) -> None:
    process = run_offline(FETCH.format(host), attempts)
    assert process.returncode != 0
    assert "the network is blocked for this test" in process.stderr
    assert host in attempts.read_text(encoding="utf-8")


def test_loopback_is_not_blocked(attempts: Path) -> None:
    assert run_offline(LOOPBACK, attempts).stdout.strip() == "connected"


def test_sketches_are_loaded_after_an_attempted_download(attempts: Path) -> None:
    process = run_offline(LOAD, attempts)
    assert process.returncode == 0, process.stderr
    assert "source='fashion-sketch'" in process.stdout
    assert "the server can't be reached" in process.stderr
    assert "amazonaws.com" in attempts.read_text(encoding="utf-8")
