"""What layers upon each other show."""

from __future__ import annotations

import io
import tarfile

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.images.filesystem import FileSystem
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.images.upstream_sample import (
    BASE,
    Files,
    tar,
)


def file(text: str) -> tuple[bytes, int, int, int]:
    return (text.encode(), 0o644, 0, 0)


def link(target: str) -> tuple[tuple[str, str], int, int, int]:
    return (("link", target), 0o777, 0, 0)


FOLDER = (None, 0o755, 0, 0)


def system(*layers: Files, keep: tuple[str, ...] = ()) -> FileSystem:
    found = FileSystem(frozenset(keep))
    for layer in layers:
        found.add(tar(layer))
    return found


def test_the_upper_file_is_seen() -> None:
    found = system(
        {"etc/a": file("lower"), "etc/b": file("b")}, {"./etc/a": file("upper")}, keep=("/etc/a", "/etc/c")
    )
    seen = found.get("/etc/a")
    assert seen is not None
    assert (seen.kind, seen.data) == ("file", b"upper")
    kept = found.get("/etc/b")
    assert kept is not None
    assert kept.data is None
    assert found.get("/etc/c") is None


def test_a_whiteout_removes_a_file_and_all_below_a_folder() -> None:
    found = system(
        {"a": FOLDER, "a/b": file("x"), "a/b2": file("x"), "ab": file("x"), "c": file("x")},
        {".wh.a": file(""), ".wh.c": file("")},
    )
    assert [path for path in ("/a", "/a/b", "/a/b2", "/ab", "/c") if found.get(path)] == ["/ab"]


def test_an_opaque_folder_hides_what_is_below_but_not_its_own_layer() -> None:
    # The mark may stand behind what it does not hide.
    upper = {"a": FOLDER, "a/new": file("x"), "a/.wh..wh..opq": file("")}
    found = system({"a": FOLDER, "a/old": file("x")}, upper)
    assert found.get("/a/new") is not None
    assert found.get("/a/old") is None


def test_a_file_in_the_place_of_a_folder_hides_what_was_in_it() -> None:
    found = system({"a": FOLDER, "a/b": file("x")}, {"a": file("x")})
    assert found.get("/a/b") is None


@pytest.mark.parametrize("target", ["usr/bin", "/usr/bin", "../usr/bin", "./usr/../usr/bin"])
def test_links_are_followed_within_the_image(target: str) -> None:
    found = system({"bin": link(target), "usr/bin/bao": link("bao-2.4"), "usr/bin/bao-2.4": file("x")})
    assert found.resolve("/bin/bao") == "/usr/bin/bao-2.4"
    # A place in a folder is where the folder is; the last part is what is put there.
    assert found.place("/bin/bao") == "/usr/bin/bao"
    assert found.place("/nowhere/at/all") == "/nowhere/at/all"


def test_links_in_a_circle_end() -> None:
    found = system({"a": link("b"), "b": link("a")})
    assert found.get("/a/x") is None


def test_folders_are_said_again_as_they_are() -> None:
    entries = system(BASE).folders(["/usr/local/bin/hello", "/opt/new/file", "/tmp"])
    assert [(item.path, item.mode, item.uid, item.gid) for item in entries] == [
        ("/usr", 0o755, 0, 0),
        ("/usr/local", 0o2775, 0, 50),
        ("/usr/local/bin", 0o2775, 0, 50),
    ]


def test_what_is_no_tar_is_an_error() -> None:
    with pytest.raises(tarfile.TarError):
        FileSystem().add(b"no tar at all")


def test_hard_links_are_files_and_devices_are_not() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind in (("hard", tarfile.LNKTYPE), ("device", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "elsewhere"
            archive.addfile(info)
    found = FileSystem()
    found.add(buffer.getvalue())
    kinds = [node.kind for path in ("/hard", "/device") if (node := found.get(path))]
    assert kinds == ["file", "other"]
