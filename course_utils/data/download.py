"""The download of FashionMNIST: through torchvision, all of it or nothing."""

import os
import shutil
import socket
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from course_utils.data.checksums import REAL_SUMS
from course_utils.data.idx import NAMES, missing
from course_utils.errors import CourseError

# As in torchvision.datasets.FashionMNIST, whose import takes seconds: without a network
# it is not worth waiting for.
MIRRORS = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
PATIENCE = 8.0  # seconds to wait for the server, the look-up of its name included
STALL = 10.0  # seconds without a byte after which a running download is given up


def download(root: Path) -> Path:
    """Fetch the four packed files into `root`/FashionMNIST/raw, about 30 MB.

    They are written to a folder beside, checked against torchvision's MD5 sums and
    renamed, so `root` holds whole files at any moment. A bar on stderr shows progress.

    Returns:
        The folder with the files.

    Raises:
        CourseError: offline, refused, stalled, read-only, or not what it should be;
            without a network after 10 seconds at most.
    """
    if os.environ.get("COURSE_OFFLINE", "0") not in ("", "0"):
        raise CourseError("COURSE_OFFLINE is set, so nothing is downloaded")
    raw = root / "FashionMNIST" / "raw"
    with _beside(root) as folder:
        _reach(MIRRORS)
        print(f"Downloading FashionMNIST (30 MB) into {raw}", file=sys.stderr)
        for name in NAMES:
            _fetch(f"{name}.gz", folder)
        try:
            _move(folder, raw)
        except OSError as error:
            raise CourseError(f"{raw} can't be written ({error.strerror})") from None
    return raw


@contextmanager
def _beside(root: Path) -> Iterator[Path]:
    """A folder in `root` that is gone at the end, however that comes."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        for old in root.glob(".download-*"):  # left by a process that was killed
            if time.time() - old.stat().st_mtime > 24 * 3600:
                shutil.rmtree(old, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=".download-", dir=root))
    except OSError as error:
        raise CourseError(f"{root} can't be written ({error.strerror})") from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _reach(mirrors: list[str]) -> None:
    """Raise within `PATIENCE` seconds where no mirror answers.

    In a thread of its own, because no timeout ends a look-up of a name.
    """
    answer: list[str] = []
    done = threading.Event()

    def ask(url: str) -> None:
        request = urllib.request.Request(url, method="HEAD")
        try:
            urllib.request.urlopen(request, timeout=PATIENCE).close()
            answer.append("")
        except urllib.error.HTTPError as error:
            error.close()
            answer.append("")  # an answer too: somebody is there
        except Exception as error:
            answer.append(str(getattr(error, "reason", error)))
        if "" in answer or len(answer) == len(mirrors):
            done.set()

    for url in mirrors:
        threading.Thread(target=ask, args=(url,), daemon=True).start()
    done.wait(PATIENCE)
    if "" not in answer:
        reason = answer[0] if answer else f"no answer in {PATIENCE:g} s"
        raise CourseError(f"the server can't be reached ({reason})")


def _fetch(name: str, folder: Path) -> None:
    try:
        from torchvision.datasets.utils import download_url
    except (ImportError, RuntimeError) as error:  # built for another torch
        raise CourseError(f"torchvision can't be imported ({error})") from None
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALL)  # torchvision sets none, and would wait for ever
    try:
        for mirror in MIRRORS:
            try:
                download_url(mirror + name, folder, name, REAL_SUMS[name])
                return
            except (OSError, RuntimeError) as error:
                problem = error
                if isinstance(error, urllib.error.HTTPError):
                    error.close()  # it holds the connection
    finally:
        socket.setdefaulttimeout(before)
    raise CourseError(f"the download of {name} failed ({problem})") from None


def _move(folder: Path, raw: Path) -> None:
    """Rename what was fetched into place; a file that is there already stays."""
    raw.parent.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # mkdtemp made it for its owner alone
    try:
        if not raw.exists():
            folder.rename(raw)
            return
    except OSError:
        if not raw.exists():
            raise  # else another process was first, and its files are as good
    for name in missing(raw):
        (folder / f"{name}.gz").replace(raw / f"{name}.gz")
