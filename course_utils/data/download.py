"""The download of one file: whole and verified, or not at all."""

import os
import threading
import time
from concurrent import futures
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import build_opener

from tqdm import tqdm

from course_utils.data.idx import verify
from course_utils.errors import CourseError
from course_utils.files import SUFFIX, replacing

PATIENCE = 8.0  # seconds without an answer or without a byte until it gives up


def check_online() -> None:
    """Let downloads go on, unless the environment says not to.

    Raises:
        CourseError: COURSE_OFFLINE is set.
    """
    if os.environ.get("COURSE_OFFLINE", "0") not in ("", "0"):
        raise CourseError("COURSE_OFFLINE is set, so nothing is downloaded")


def download(url: str, path: Path, checksum: str) -> None:
    """Fetch `url` to `path`, with a progress bar on stderr.

    The bytes are verified and written beside `path`, then renamed: no reader sees
    a damaged or an incomplete file.

    Args:
        url: where the file is; a proxy is taken from the environment.
        path: where it goes; its folder is created.
        checksum: its MD5 or SHA-256.

    Raises:
        CourseError: `path` can't be written, the server is out of reach (after
            `PATIENCE` seconds at most), refuses, stalls or sends other bytes.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     url = Path(folder, "abc.txt")
        ...     _ = url.write_bytes(b"abc")
        ...     copy = Path(folder, "cache", "abc.txt")
        ...     download(url.as_uri(), copy, "900150983cd24fb0d6963f7d28e17f72")
        ...     copy.read_bytes()
        b'abc'
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for orphan in path.parent.glob(f".{path.name}.*{SUFFIX}"):
            # Its process was killed; one that is younger may still be in use.
            if time.time() - orphan.stat().st_mtime > 24 * 3600:
                orphan.unlink(missing_ok=True)
        with replacing(path) as partial:
            partial.touch()  # fails before the download where the folder is read-only
            partial.write_bytes(_fetch(url, checksum))
    except OSError as error:
        reason = f"{path.parent} can't be written ({error.strerror})"
        raise CourseError(reason) from None


def _fetch(url: str, checksum: str) -> bytes:
    name = url.rpartition("/")[2]
    content = bytearray()
    try:
        with _open(url) as response:
            size = int(response.headers.get("Content-Length", 0)) or None
            with tqdm(desc=name, total=size, unit="B", unit_scale=True) as bar:
                while chunk := response.read(1 << 16):
                    content += chunk
                    bar.update(len(chunk))
        verify(bytes(content), checksum)
    except (OSError, HTTPException, ValueError) as problem:
        if isinstance(problem, HTTPError):
            problem.close()  # it holds the connection
        raise CourseError(f"the download of {name} failed ({problem})") from None
    return bytes(content)


def _open(url: str) -> HTTPResponse:
    """Open `url`, or fail within `PATIENCE` seconds.

    In a thread of its own, because no timeout ends the look-up of a name.
    """
    answer: futures.Future[HTTPResponse] = futures.Future()

    def ask() -> None:
        try:
            # urlopen would go on with the proxies of its first call.
            answer.set_result(build_opener().open(url, timeout=PATIENCE))
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    reason: object
    try:
        return answer.result(PATIENCE)
    except HTTPError:
        raise  # an answer, too
    except futures.TimeoutError:
        reason = f"no answer in {PATIENCE:g} s"
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
    raise CourseError(f"the server can't be reached ({reason})")
