"""What every test that opens a browser is marked with."""

import pytest

from tests.browser.page import what_is_missing

missing = what_is_missing()
needs_browser = pytest.mark.skipif(missing is not None, reason=f"{missing}")


def browser_marks(*more: pytest.MarkDecorator) -> list[pytest.MarkDecorator]:
    """Return the marks of a module whose tests need a browser, its own after them."""
    return [
        pytest.mark.browser,
        needs_browser,
        # playwright's event loop and the server's sockets are closed by exit.
        pytest.mark.filterwarnings("ignore::ResourceWarning"),
        *more,
    ]
