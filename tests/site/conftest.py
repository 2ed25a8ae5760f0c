"""Chromium, and an empty page of it, for the tests that look at the site."""

import pytest

from tests.browser.page import Browser
from tests.site.browsing import watched


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
