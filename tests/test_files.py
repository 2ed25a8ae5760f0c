"""Files that are whole or absent."""

from pathlib import Path

import pytest

from course_utils.files import give_up, replacing, write_whole


@pytest.mark.parametrize(
    ("content", "stored"),
    [("é\n", b"\xc3\xa9\n"), ("a\r\nb", b"a\r\nb"), (b"\x00\xff", b"\x00\xff")],
)
def test_content_is_stored_byte_for_byte(tmp_path, content, stored):
    path = tmp_path / "file"
    write_whole(path, content)
    assert path.read_bytes() == stored
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_failed_write_keeps_the_old_file_and_leaves_nothing(tmp_path, monkeypatch):
    def full(self, content):
        self.touch()
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    path.write_text("old")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_old_file_is_there_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with replacing(path) as beside:
        beside.write_text("new")
        assert path.read_text() == "old"
        assert beside.parent == path.parent
    assert path.read_text() == "new"


def test_interrupted_block_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "file") as beside:
        beside.write_text("half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_or_written_once_it_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("course_utils.files._given_up", False)
    with pytest.raises(OSError), replacing(tmp_path / "one") as beside:
        beside.touch()
        give_up()
        assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="this process is ending"):
        write_whole(tmp_path / "two", "text")
    assert list(tmp_path.iterdir()) == []
