"""Each way that set-up can fail, and the sentence that it gets."""

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

import setup_faults
from setup_faults import SetupFault

OFFLINE = """\
WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError'
ERROR: Could not find a version that satisfies the requirement torch>=2.6
ERROR: No matching distribution found for torch>=2.6
"""


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (OFFLINE, "No network"),
        ("ERROR: [Errno 28] No space left on device", "The disk is full"),
        ("ERROR: [Errno 13] Permission denied: 'x'", "set COURSE_VENV"),
        ("ERROR: No matching distribution found for torch>=2.6", "There is no torch"),
        ("error: something else", "something else\nSetting up"),
    ],
)
def test_what_pip_wrote_is_explained(tmp_path, output, words):
    fault = setup_faults.explain_pip(output, tmp_path, "installing the packages")
    assert str(fault).startswith(words) or words in str(fault)
    assert fault.offline == (output == OFFLINE)


def test_a_full_disk_is_seen_where_nothing_says_so(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(setup_faults.shutil, "disk_usage", lambda _: usage)
    fault = setup_faults.explain_pip("exit status 1", tmp_path, "making it")
    assert str(fault).startswith("The disk is full")


@pytest.mark.parametrize("version", [(3, 6, 15), (3, 9, 18)])
@pytest.mark.parametrize("newer", [None, "python3.12"])
def test_old_python_is_told_which_to_take(version, newer, monkeypatch):
    monkeypatch.setattr(setup_faults, "_newer_python", lambda: newer)
    with pytest.raises(SetupFault, match=r"needs Python 3\.10 or newer") as caught:
        setup_faults.explain_python(version)
    assert ("add PYTHON=python3.12" in str(caught.value)) is True
    assert ("install a newer one" in str(caught.value)) is (newer is None)


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_python_without_venv_is_told_what_to_install(missing, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == missing else real(name),
    )
    with pytest.raises(SetupFault, match=r"apt install python3\.11-venv"):
        setup_faults.explain_python((3, 11, 7))
