"""The download of FashionMNIST, from a server on this machine that misbehaves."""

import errno
import hashlib
import os
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from course_utils.data import download, fashion
from course_utils.data.idx import NAMES
from course_utils.errors import CourseError

FILES = {f"{name}.gz": name.encode() * 5000 for name in NAMES}  # 115 kB each
PACKED = sorted(FILES)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    cut = None  # a file of which only half is sent
    stall = False  # whether the connection then stays open
    wrong = None  # a file sent with other bytes
    status = 200

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.closing = threading.Event()
        self.asked = []


class Handler(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(200)
        self.end_headers()

    def do_GET(self):
        name, server = self.path.strip("/"), self.server
        server.asked.append(name)
        content = FILES[name]
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if server.wrong == name:
            content = content[::-1]
        if server.cut == name:
            content = content[: len(content) // 2]
        try:
            self.wfile.write(content)
            self.wfile.flush()
        except OSError:
            return  # the other side asked only where the file is
        if server.stall and server.cut == name:
            server.closing.wait(20)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    """Serve FILES on loopback in place of the mirror."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("COURSE_OFFLINE", raising=False)
    sums = {name: hashlib.md5(content).hexdigest() for name, content in FILES.items()}
    monkeypatch.setattr(download, "REAL_SUMS", sums)
    with Server() as running:
        mirror = f"http://127.0.0.1:{running.server_port}/"
        monkeypatch.setattr(download, "MIRRORS", [mirror])
        thread = threading.Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        yield running
        running.closing.set()
        running.shutdown()
        thread.join()


def held(root):
    """Every file under a folder, as paths relative to it."""
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


def fails(root, words):
    """The seconds a download takes to fail with these words, leaving nothing."""
    before = held(root) if root.exists() else []
    start = time.monotonic()
    with pytest.raises(CourseError, match=words):
        download.download(root)
    assert (held(root) if root.exists() else []) == before
    assert not list(root.glob(".download-*"))
    return time.monotonic() - start


def test_the_mirror_and_sums_are_torchvisions():
    from torchvision.datasets import FashionMNIST

    from course_utils.data.checksums import REAL_SUMS

    assert download.MIRRORS == FashionMNIST.mirrors
    assert {name: REAL_SUMS[name] for name in PACKED} == dict(FashionMNIST.resources)


def test_all_four_files_arrive_and_only_stderr_speaks(server, tmp_path, capfd):
    raw = download.download(tmp_path / "data")
    assert raw == tmp_path / "data" / "FashionMNIST" / "raw"
    assert {p.name: p.read_bytes() for p in raw.iterdir()} == FILES
    assert not list((tmp_path / "data").glob(".download-*"))
    out, err = capfd.readouterr()
    assert out == ""
    assert "Downloading FashionMNIST (30 MB)" in err
    assert "100%" in err
    assert socket.getdefaulttimeout() is None


def test_a_file_that_is_there_already_stays(server, tmp_path):
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / NAMES[0]).write_bytes(b"unpacked, and the reader's own")
    download.download(tmp_path)
    packed = [f"{name}.gz" for name in NAMES[1:]]
    assert held(raw) == sorted([NAMES[0], *packed])
    assert (raw / NAMES[0]).read_bytes() == b"unpacked, and the reader's own"


def test_another_process_may_be_first(server, tmp_path, monkeypatch):
    fetch = download._fetch

    def and_the_other_finishes(name, folder):
        fetch(name, folder)
        raw = tmp_path / "FashionMNIST" / "raw"
        raw.mkdir(parents=True, exist_ok=True)
        (raw / name).write_bytes(FILES[name])

    monkeypatch.setattr(download, "_fetch", and_the_other_finishes)
    raw = download.download(tmp_path)
    assert {p.name: p.read_bytes() for p in raw.iterdir()} == FILES


@pytest.mark.parametrize("broken", ["cut", "wrong"])
def test_what_is_not_whole_never_arrives(server, tmp_path, broken):
    setattr(server, broken, PACKED[1])
    fails(tmp_path, f"the download of {PACKED[1]} failed")


def test_a_server_that_refuses_is_given_up(server, tmp_path):
    server.status = 404
    fails(tmp_path, r"the download of .* failed .*404")


def test_a_stalled_download_is_given_up(server, tmp_path, monkeypatch):
    server.cut, server.stall = PACKED[2], True
    monkeypatch.setattr(download, "STALL", 0.5)
    assert fails(tmp_path, "timed out") < 10
    assert socket.getdefaulttimeout() is None


def test_an_interrupted_download_leaves_nothing(server, tmp_path, monkeypatch):
    fetch = download._fetch

    def stop_at_the_third(name, folder):
        if name.startswith(NAMES[2]):
            raise KeyboardInterrupt
        fetch(name, folder)

    monkeypatch.setattr(download, "_fetch", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        download.download(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_cleared_after_a_day(server, tmp_path):
    old, new = tmp_path / ".download-old", tmp_path / ".download-new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "half").touch()
    os.utime(old, (0, 0))
    download.download(tmp_path)
    assert not old.exists()
    assert new.exists()  # a process may be busy there


def test_nobody_waits_ten_seconds():
    assert download.PATIENCE <= 9


def test_a_closed_port_is_given_up_at_once(server, tmp_path, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(download, "MIRRORS", [f"http://127.0.0.1:{port}/"])
    assert fails(tmp_path, "the server can't be reached .*refused") < 5


def test_a_host_that_never_answers_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connects, says nothing
        port = silent.getsockname()[1]
        monkeypatch.setattr(download, "MIRRORS", [f"http://127.0.0.1:{port}/"])
        assert fails(tmp_path, "the server can't be reached") < 5


def test_a_name_look_up_that_hangs_is_given_up(server, tmp_path, monkeypatch):
    hung = threading.Event()

    def look_up(*_args, **_options):
        hung.wait(20)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(download, "PATIENCE", 0.5)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(download, "MIRRORS", ["http://fashion.invalid/"])
    try:
        assert fails(tmp_path, "no answer in 0.5 s") < 5
    finally:
        hung.set()


def test_a_dead_proxy_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setattr(download, "MIRRORS", ["http://fashion.invalid/"])
    assert fails(tmp_path, "the server can't be reached") < 5


def test_offline_asks_nobody(server, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    fails(tmp_path, "COURSE_OFFLINE is set, so nothing is downloaded")
    assert server.asked == []


def test_a_read_only_folder_is_said_before_anything_is_fetched(
    server, tmp_path, monkeypatch
):
    def refuse(**_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(download.tempfile, "mkdtemp", refuse)
    fails(tmp_path, r"can't be written \(Read-only file system\)")
    assert server.asked == []


def test_a_file_in_the_place_of_the_folder_is_said(server, tmp_path):
    (tmp_path / "FashionMNIST").touch()
    fails(tmp_path, "raw can't be written")


def test_without_a_network_auto_ends_with_the_sketches(
    server, tmp_path, monkeypatch, capfd
):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setattr(download, "MIRRORS", ["http://127.0.0.1:9/"])
    monkeypatch.setattr(fashion, "_home", lambda: tmp_path)
    assert fashion.load_fashion_mnist().source == "fashion-sketch"
    assert "the server can't be reached" in capfd.readouterr().err
