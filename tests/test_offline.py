"""The cut-off network of the other tests is really cut off, and the course copes."""

import subprocess
import sys

import pytest

from tests.running import bare_course, offline_environment

REACH = "import urllib.request as u; u.urlopen('http://{}/', timeout=5)"
LOAD = """
import time, course_utils
start = time.perf_counter()
data = course_utils.load_fashion_mnist()
print(data.source, len(data.train.labels) > 0, time.perf_counter() - start)
"""


@pytest.fixture
def run(tmp_path):
    course, log = bare_course(tmp_path / "course"), tmp_path / "attempts"

    def python(code: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-c", code],
            env=offline_environment(course, log),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )

    python.log = log
    return python


@pytest.mark.parametrize("host", ["example.org", "93.184.215.14"])
def test_no_other_machine_is_reached(run, host):
    done = run(REACH.format(host))
    assert done.returncode != 0
    assert "the network is cut off for this test" in done.stderr
    assert host in run.log.read_text(encoding="utf-8")


def test_this_machine_is_reached(run):
    listen = "import socket; s = socket.create_server(('127.0.0.1', 0)); "
    connect = "socket.create_connection(s.getsockname()); print('reached')"
    assert run(listen + connect).stdout.strip() == "reached"


def test_the_embedded_default_takes_over_within_ten_seconds(run):
    done = run(LOAD)
    assert done.returncode == 0, done.stderr
    source, held, seconds = done.stdout.split()
    assert (source, held) == ("fashion-sketch", "True")
    assert float(seconds) < 10
    assert run.log.exists(), "no download was tried"
