"""Chromium, and an empty page of it, for the tests that look at pages of files."""

import pytest

from tests.browser.page import Browser, watched


@pytest.fixture(scope="module")
def chromium():
    with Browser() as chromium:
        yield chromium


@pytest.fixture
def view(chromium):
    """An empty page, with what it asked for and what it complained of."""
    page = watched(chromium)
    yield page
    page.close()
