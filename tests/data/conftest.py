"""What the tests of the data sets share."""

import shutil
from pathlib import Path

import pytest

from course_utils.data import fashion

SKETCH = Path(__file__).resolve().parents[2] / "data" / "sketch"


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A checkout without the photographs, no settings, and no network."""
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    checkout = tmp_path / "checkout"
    shutil.copytree(SKETCH, checkout / "data" / "sketch")
    monkeypatch.setattr(fashion, "CHECKOUT", checkout)
    return checkout
