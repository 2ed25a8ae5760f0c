"""Files that were handed in: each odd one costs its own row, with a clear cause."""

import io
import os
import struct
import sys
import zipfile
from pathlib import Path

import pytest

from course_utils.errors import CourseError
from course_utils.grading import uploads
from course_utils.grading.uploads import find_uploads

posix = pytest.mark.skipif(sys.platform == "win32", reason="names and files of POSIX")


def found(*paths):
    return {upload.source: upload for upload in find_uploads(map(Path, paths))}


def zipped(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def test_files_of_a_folder_come_in_order_with_what_is_in_them(tmp_path):
    place = tmp_path / "subs"
    (place / "b").mkdir(parents=True)
    (place / "b" / "x.ipynb").write_bytes(b"{}")
    (place / "a.IPYNB").write_bytes(b"1")
    (place / "c.ipynb.txt").write_bytes(b"2")
    (place / "d.pdf").write_bytes(b"3")
    files = found(place)
    names = ["subs/a.IPYNB", "subs/b/x.ipynb", "subs/c.ipynb.txt", "subs/d.pdf"]
    assert list(files) == names
    assert [files[name].data for name in names] == [b"1", b"{}", b"2", b""]
    assert [files[name].is_notebook for name in names] == [True, True, True, False]
    assert files[names[2]].stem == "c"
    assert all(upload.changed for upload in list(files.values())[:3])


def test_what_systems_leave_behind_is_no_submission(tmp_path):
    for name in ("._x.ipynb", ".ipynb_checkpoints/x.ipynb", "__MACOSX/x.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"{}")
    assert not found(tmp_path)


def test_beside_submitted_nothing_of_nbgrader_counts(tmp_path):
    for name in ("source/01/x.ipynb", "submitted/ada/01/x.ipynb", "y.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"{}")
    assert [Path(name).parts[1:] for name in found(tmp_path)] == [
        ("submitted", "ada", "01", "x.ipynb")
    ]


@posix
def test_odd_names_can_be_printed(tmp_path):
    for name in (b"bad\xff.ipynb", b"a\nb.ipynb", "\u202eevil.ipynb".encode()):
        (tmp_path / os.fsdecode(name)).write_bytes(b"{}")
    names = {Path(source).name for source in found(tmp_path)}
    assert names == {r"bad\xff.ipynb", r"a\x0ab.ipynb", r"\u202eevil.ipynb"}
    assert all(upload.data for upload in find_uploads([tmp_path]))


@posix
@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: os.mkfifo(path), "a device or a pipe"),
        (lambda path: path.symlink_to(path), "can't be read"),
        (lambda path: path.symlink_to(path.with_name("none")), "no such file"),
        (lambda path: path.symlink_to("/etc/hostname"), "leads out of the folder"),
        (lambda path: path.symlink_to("."), "to a folder"),
    ],
)
def test_what_is_no_file_is_said(tmp_path, make, problem):
    make(tmp_path / "x.ipynb")
    (tmp_path / "y.ipynb").write_bytes(b"{}")
    x, y = find_uploads([tmp_path])
    assert problem in x.problem and not x.data
    assert y.data and not y.problem


@posix
def test_links_within_the_folder_are_followed_and_folders_are_not(tmp_path):
    (tmp_path / "8f3a.ipynb").write_bytes(b"{}")
    (tmp_path / "anna.ipynb").symlink_to("8f3a.ipynb")
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    files = found(tmp_path)
    assert [Path(name).name for name in files] == ["8f3a.ipynb", "again", "anna.ipynb"]
    assert [u.data for u in files.values() if u.is_notebook] == [b"{}", b"{}"]


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root reads all")
def test_folder_and_file_without_permission_are_said(tmp_path):
    (tmp_path / "closed").mkdir(mode=0)
    (tmp_path / "x.ipynb").touch(mode=0)
    problems = [upload.problem for upload in find_uploads([tmp_path])]
    assert all("permission denied" in problem for problem in problems)


def test_huge_file_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "LARGEST", 10)
    (tmp_path / "x.ipynb").write_bytes(b"0" * 11)
    zipped(tmp_path / "y.zip", {"y.ipynb": b"0" * 11})
    for upload in find_uploads([tmp_path]):
        assert "clear the notebook's outputs" in upload.problem and not upload.data


def test_zip_is_read_as_a_folder_and_one_inside_too(tmp_path):
    inner = zipped(tmp_path / "work.zip", {"deep/x.ipynb": b"1"}).read_bytes()
    entries = {
        "b/y.ipynb": b"2",
        "b/work.zip": inner,
        "__MACOSX/y.ipynb": b"",
        "z/": b"",
    }
    path = zipped(tmp_path / "all.zip", entries)
    files = found(path)
    assert list(files) == ["all/b/work/deep/x.ipynb", "all/b/y.ipynb"]
    assert all(upload.changed > 3e8 for upload in files.values())


def test_zip_in_a_zip_in_a_zip_is_not_opened(tmp_path):
    data = b"1"
    for name in ("a.ipynb", "b.zip", "c.zip"):
        data = zipped(tmp_path / "x.zip", {name: data}).read_bytes()
    (upload,) = find_uploads([tmp_path / "x.zip"])
    assert upload.parts == ("x", "c", "b.zip") and not upload.is_notebook


def test_names_in_a_zip_lead_nowhere(tmp_path):
    names = ["../../../evil.ipynb", "/etc/evil.ipynb", "..\\evil.ipynb"]
    path = zipped(tmp_path / "all.zip", dict.fromkeys(names, b"1"))
    before = set(tmp_path.rglob("*"))
    sources = [upload.source for upload in find_uploads([path])]
    assert sorted(sources) == ["all/etc/evil.ipynb", *["all/evil.ipynb"] * 2]
    assert set(tmp_path.rglob("*")) == before


def test_name_in_a_zip_that_does_not_say_it_is_utf_8(tmp_path):
    entry = zipfile.ZipInfo("Zoë.ipynb".encode().decode("cp437"))
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, b"1")
    data = path.read_bytes()
    flags = struct.pack("<H", 0x800)
    assert flags in data  # Python marks what is not ASCII: take the mark away
    name = "Zoë.ipynb".encode().decode("cp437").encode()
    data = data.replace(name, "Zoë.ipynb".encode().ljust(len(name), b"_"))
    path.write_bytes(data.replace(flags, b"\0\0"))
    (upload,) = find_uploads([path])
    assert upload.parts[-1].startswith("Zoë.ipynb")


def test_bomb_in_a_zip_is_read_no_further_than_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "LARGEST", 1000)
    monkeypatch.setattr(uploads, "_LARGEST_ZIP", 2500)
    bombs = {f"{n}.ipynb": b"0" * 1_000_000 for n in range(4)}
    path = zipped(tmp_path / "all.zip", bombs)
    problems = [upload.problem for upload in find_uploads([path])]
    assert ["clear the notebook" in p for p in problems] == [True, True, False, False]
    assert "The archive holds more than" in problems[3]


@pytest.mark.parametrize("cut", [-30, 40])
def test_broken_zip_is_said(tmp_path, cut):
    path = zipped(tmp_path / "x.zip", {"x.ipynb": os.urandom(500)})
    data = path.read_bytes()
    whole = data[:cut] if cut < 0 else data[:60] + b"?" * 9 + data[69:]
    path.write_bytes(whole)
    (upload,) = find_uploads([tmp_path])
    assert "zip archive" in upload.problem


def test_encrypted_entry_is_said(tmp_path):
    path = zipped(tmp_path / "x.zip", {"x.ipynb": b"1"})
    data = bytearray(path.read_bytes())
    for start in (data.index(b"PK\3\4") + 6, data.index(b"PK\1\2") + 8):
        data[start] |= 1
    path.write_bytes(data)
    (upload,) = find_uploads([path])
    assert "encrypted" in upload.problem


def test_notebook_is_read_by_itself(tmp_path):
    (tmp_path / "x.ipynb").write_bytes(b"{}")
    (upload,) = find_uploads([tmp_path / "x.ipynb"])
    assert upload.parts == (tmp_path.name, "x.ipynb") and upload.data


@pytest.mark.parametrize(
    ("name", "told"), [("none", "there is no file"), ("x.pdf", "no folder, notebook")]
)
def test_path_that_holds_nothing_is_an_error(tmp_path, name, told):
    (tmp_path / "x.pdf").write_bytes(b"%PDF")
    with pytest.raises(CourseError, match=told):
        found(tmp_path / name)


def test_archive_object_that_lies_about_its_size(tmp_path):
    path = zipped(tmp_path / "x.zip", {"x.ipynb": b"0" * 5000})
    data = bytearray(path.read_bytes())
    start = data.index(b"PK\1\2") + 24
    data[start : start + 4] = struct.pack("<I", 1)
    path.write_bytes(data)
    (upload,) = find_uploads([path])
    assert len(upload.data) <= 1 or upload.problem
    assert zipfile.is_zipfile(io.BytesIO(data))
