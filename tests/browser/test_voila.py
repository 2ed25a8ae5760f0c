"""A lesson in Voila, which runs it and shows its outputs without the code."""

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib.util import find_spec

import pytest

from course_utils.display.bundles import PLAYGROUND_CLASS, QUESTION_CLASS
from tests.browser.controls import unfold
from tests.browser.marks import browser_marks
from tests.browser.page import Browser, watched
from tests.browser.server import ROOT, START_LIMIT
from tests.browser.test_browser import QUICK
from tests.lessons import LESSONS

pytestmark = browser_marks(
    pytest.mark.nightly,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not find_spec("voila"), reason="no voila: pip install voila"),
)


@contextmanager
def voila(notebook, log):
    """Voila on 127.0.0.1 with one notebook; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "voila", notebook, "--no-browser", "--port"]
    command += [str(port), "--ServerApp.allow_root=True"]
    with log.open("wb") as out:
        env = os.environ | QUICK | {"PYTHONPATH": str(ROOT)}
        server = subprocess.Popen(command, stdout=out, stderr=out, env=env)
    try:
        end = time.monotonic() + START_LIMIT
        while "running at" not in log.read_text(encoding="utf-8"):
            assert server.poll() is None, log.read_text(encoding="utf-8")[-2000:]
            assert time.monotonic() < end, log.read_text(encoding="utf-8")[-2000:]
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Lesson 01, as it has run."""
    (lesson,) = (path for path in LESSONS if path.name.startswith("01"))
    notebook = shutil.copy(lesson, tmp_path_factory.mktemp("voila"))
    log = tmp_path_factory.mktemp("log") / "voila.log"
    with voila(notebook, log) as address, Browser() as chromium:
        page = watched(chromium)
        page.goto(address, wait_until="commit")  # it writes the page as cells end
        page.locator(f".{PLAYGROUND_CLASS} input").first.wait_for(timeout=300_000)
        yield page


def test_a_prediction_says_right_and_wrong(page):
    options = page.locator(f".{QUESTION_CLASS}").first.locator("details").all()
    said = [unfold(option) for option in options]
    assert sum("✓ Yes." in text for text in said) == 1
    assert sum("✗ Not this one." in text for text in said) == len(options) - 1


def test_a_slider_moves_the_picture(page):
    from playwright.sync_api import expect

    block = page.locator(f".{PLAYGROUND_CLASS}").first
    picture = block.locator("img")
    before = picture.get_attribute("src")
    block.locator("input[type=range]").first.press("ArrowRight")
    expect(picture).not_to_have_attribute("src", before)
