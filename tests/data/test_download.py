"""The download of FashionMNIST, from a server on this machine that misbehaves."""

import errno
import hashlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from course_utils.data import download, fashion
from course_utils.data.idx import NAMES
from course_utils.errors import CourseError

FILES = {f"{name}.gz": name.encode() * 5000 for name in NAMES}  # 115 kB each
PACKED = list(FILES)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    cut: str | None = None  # a file of which only half is sent
    stall = False  # whether the connection then stays open
    wrong: str | None = None  # a file sent with other bytes
    status = 200
    speaks_http = True
    meanwhile: Callable[[str], None] | None = None  # called before a file is sent

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.closing = threading.Event()
        self.requests: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        name, server = self.path.strip("/"), self.server
        server.requests.append(name)
        if not server.speaks_http:
            self.wfile.write(b"220 mail ready\r\n")
            return
        content = FILES[name]
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if server.meanwhile:
            server.meanwhile(name)
        if server.wrong == name:
            content = content[::-1]
        if server.cut == name:
            content = content[: len(content) // 2]
        self.wfile.write(content)
        self.wfile.flush()
        if server.stall and server.cut == name:
            server.closing.wait(60)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serve FILES on loopback in place of FashionMNIST's server."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("COURSE_OFFLINE", raising=False)
    sums = {name: hashlib.md5(content).hexdigest() for name, content in FILES.items()}
    monkeypatch.setattr(fashion, "CHECKSUMS", sums)
    with Server() as server:
        url = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr(fashion, "SERVER", url)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


def files_below(root: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones included, by its name."""
    return {path.name: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def assert_fails(root: Path, message: str) -> None:
    """The download fails with this message and leaves only whole files, if any."""
    with pytest.raises(CourseError, match=message):
        fashion.download_fashion_mnist(root)
    assert files_below(root).items() <= FILES.items()


def test_server_and_checksums_agree_with_torchvision() -> None:
    from torchvision.datasets import FashionMNIST

    assert FashionMNIST.mirrors == [fashion.SERVER]
    packed = {name: fashion.CHECKSUMS[name] for name in PACKED}
    assert packed == dict(FashionMNIST.resources)


def test_all_four_files_are_downloaded(
    server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    raw = fashion.download_fashion_mnist(tmp_path / "data")
    assert raw == tmp_path / "data" / "FashionMNIST" / "raw"
    assert files_below(tmp_path) == {p.name: p.read_bytes() for p in raw.iterdir()}
    assert files_below(tmp_path) == FILES
    out, err = capfd.readouterr()
    assert out == ""  # a lesson's stored output must not depend on it
    assert f"Downloading FashionMNIST (30 MB) into {raw}" in err
    assert err.count("100%") == 4
    assert socket.getdefaulttimeout() is None


def test_existing_file_is_neither_fetched_nor_replaced(
    server: Server, tmp_path: Path
) -> None:
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / NAMES[0]).write_bytes(b"unpacked, and the reader's own")
    (raw / PACKED[1]).write_bytes(b"damaged, and for the reader to move away")
    fashion.download_fashion_mnist(tmp_path)
    assert server.requests == PACKED[2:]
    assert files_below(tmp_path) == {
        NAMES[0]: b"unpacked, and the reader's own",
        PACKED[1]: b"damaged, and for the reader to move away",
        PACKED[2]: FILES[PACKED[2]],
        PACKED[3]: FILES[PACKED[3]],
    }


def test_second_process_may_download_at_the_same_time(
    server: Server, tmp_path: Path
) -> None:
    raw = tmp_path / "FashionMNIST" / "raw"

    def other_process_finishes(name: str) -> None:
        (raw / f".{name}.4711.partial").write_bytes(b"half")
        (raw / name).write_bytes(FILES[name])

    server.meanwhile = other_process_finishes
    fashion.download_fashion_mnist(tmp_path)
    for name in PACKED:
        (raw / f".{name}.4711.partial").unlink()  # still there: not ours to clear
    assert files_below(tmp_path) == FILES


def test_incomplete_file_is_not_kept(server: Server, tmp_path: Path) -> None:
    server.cut = PACKED[1]
    assert_fails(tmp_path, f"the download of {PACKED[1]} failed")
    assert PACKED[1] not in files_below(tmp_path)


def test_wrong_checksum_is_reported_and_not_kept(
    server: Server, tmp_path: Path
) -> None:
    server.wrong = PACKED[1]
    actual = hashlib.md5(FILES[PACKED[1]][::-1]).hexdigest()
    expected = fashion.CHECKSUMS[PACKED[1]]
    message = rf"the download of {PACKED[1]} failed .*{actual}, expected {expected}"
    assert_fails(tmp_path, message)
    assert PACKED[1] not in files_below(tmp_path)


def test_next_attempt_fetches_only_what_is_missing(
    server: Server, tmp_path: Path
) -> None:
    server.cut = PACKED[2]
    assert_fails(tmp_path, "failed")
    server.cut = None
    server.requests.clear()
    fashion.download_fashion_mnist(tmp_path)
    assert server.requests == PACKED[2:]
    assert files_below(tmp_path) == FILES


def test_refusing_server_is_reported(server: Server, tmp_path: Path) -> None:
    server.status = 404
    assert_fails(tmp_path, r"the download of .* failed .*404")


def test_stalled_download_times_out(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.cut, server.stall = PACKED[2], True
    monkeypatch.setattr(download, "PATIENCE", 0.5)
    assert_fails(tmp_path, f"the download of {PACKED[2]} failed .*timed out")


def test_interrupted_download_leaves_no_partial_file(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Bar(download.tqdm):
        def update(self, n: float | None = 1) -> bool | None:
            if NAMES[2] in self.desc:
                raise KeyboardInterrupt
            return super().update(n)

    monkeypatch.setattr(download, "tqdm", Bar)
    with pytest.raises(KeyboardInterrupt):
        fashion.download_fashion_mnist(tmp_path)
    assert files_below(tmp_path) == {name: FILES[name] for name in PACKED[:2]}


def test_partial_files_of_killed_processes_are_removed_after_a_day(
    server: Server, tmp_path: Path
) -> None:
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    old, new = (raw / f".{PACKED[0]}.{pid}.partial" for pid in (1, 2))
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    fashion.download_fashion_mnist(tmp_path)
    assert not old.exists()
    assert new.exists()  # a process may be writing to it


def test_closed_port_is_reported(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(fashion, "SERVER", f"http://127.0.0.1:{port}/")
    assert_fails(tmp_path, r"the server can't be reached \(.*refused\)")


def test_server_that_never_answers_times_out(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connects, says nothing
        port = silent.getsockname()[1]
        monkeypatch.setattr(fashion, "SERVER", f"http://127.0.0.1:{port}/")
        assert_fails(tmp_path, r"the server can't be reached \(no answer in 0.5 s\)")


def test_server_that_speaks_no_http_is_reported(server: Server, tmp_path: Path) -> None:
    server.speaks_http = False
    assert_fails(tmp_path, r"the server can't be reached \(220 mail ready")


@pytest.mark.slow
@pytest.mark.timeout(40)
def test_hanging_name_look_up_is_given_up_in_seconds(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # PATIENCE as it is: this is how long a learner on a broken network waits.
    end = threading.Event()

    def hang(*_args: object, **_options: object) -> None:
        end.wait(60)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr(fashion, "SERVER", "http://fashion.invalid/")
    try:
        assert_fails(tmp_path, r"the server can't be reached \(no answer in \d s\)")
    finally:
        end.set()


def test_dead_proxy_is_reported(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setattr(fashion, "SERVER", "http://fashion.invalid/")
    assert_fails(tmp_path, "the server can't be reached .*refused")


def test_course_offline_sends_no_request(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    assert_fails(tmp_path, "COURSE_OFFLINE is set, so nothing is downloaded")
    assert server.requests == []


@pytest.mark.parametrize("value", ["", "0"])
def test_course_offline_may_be_empty_or_zero(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("COURSE_OFFLINE", value)
    fashion.download_fashion_mnist(tmp_path)
    assert files_below(tmp_path) == FILES


def test_read_only_folder_is_reported_before_the_download(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path) -> None:  # root may write anywhere
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "touch", refuse)
    assert_fails(tmp_path, r"raw can't be written \(Read-only file system\)")
    assert server.requests == []


def test_full_disk_is_reported(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_half(path: Path, _content: bytes) -> int:
        with path.open("wb") as file:
            file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write_half)
    assert_fails(tmp_path, r"raw can't be written \(No space left on device\)")
    assert files_below(tmp_path) == {}


def test_file_in_place_of_the_folder_is_reported(
    server: Server, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    root.mkdir()
    (root / "FashionMNIST").touch()
    with pytest.raises(CourseError, match="raw can't be written"):
        fashion.download_fashion_mnist(root)
    assert list(root.rglob("*")) == [root / "FashionMNIST"]


def test_without_a_network_auto_loads_the_sketches(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setattr(fashion, "SERVER", "http://127.0.0.1:9/")
    monkeypatch.setattr(fashion, "download_root", lambda: tmp_path)
    assert fashion.load_fashion_mnist().source == "fashion-sketch"
    assert "the server can't be reached" in capfd.readouterr().err
