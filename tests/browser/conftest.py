"""Fixtures of the tests in this folder."""

from tests.browser.fixtures import chromium as chromium
from tests.browser.fixtures import view as view
