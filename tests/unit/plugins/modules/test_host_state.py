"""Directories, files and units of this machine, below a temporary folder and as the user who runs the tests."""

from __future__ import annotations

import errno
import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.modules import host_state
from ansible_collections.selvedge.fabric.tests.unit.plugins.modules.run import ModuleRunner
from ansible_collections.selvedge.fabric.tests.unit.plugins.modules.systemd import Systemctl

OWN = os.geteuid()
as_root = pytest.mark.skipif(OWN != 0, reason="giving files away needs root")


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemctl:
    return Systemctl(tmp_path / "systemd", monkeypatch)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "host"
    folder.mkdir()
    return folder


@pytest.fixture
def strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def options(place: Path, content: str = "a: 1\n") -> dict[str, Any]:
    return {
        "directories": [{"path": str(place / "data" / "peer0"), "mode": "0750", "owner": OWN}],
        "files": [
            {"path": str(place / "etc" / "deep" / "core.yaml"), "content": content, "mode": "0644"},
            {"path": str(place / "etc" / "script"), "content": "#!/bin/sh\n", "mode": "0755"},
        ],
    }


def tree(place: Path) -> dict[str, tuple[int, bytes, int]]:
    """Everything below: mode, and for files content and time of change."""
    return {
        str(path.relative_to(place)): (
            stat.S_IMODE(path.lstat().st_mode),
            path.read_bytes() if path.is_file() else b"",
            path.stat().st_mtime_ns if path.is_file() else 0,
        )
        for path in sorted(place.rglob("*"))
    }


def test_check_run_run_check(run: ModuleRunner, place: Path) -> None:
    predicted = run(host_state.main, check=True, **options(place))
    assert predicted["changed"] is True
    assert tree(place) == {}

    done = run(host_state.main, **options(place))
    assert done["changed_paths"] == [
        str(place / "data/peer0"),
        str(place / "etc/deep/core.yaml"),
        str(place / "etc/script"),
    ]
    assert {key: done[key] for key in ("changed", "changed_paths", "changed_units", "diff")} == {
        key: predicted[key] for key in ("changed", "changed_paths", "changed_units", "diff")
    }
    after = tree(place)
    assert {path: mode for path, (mode, _unused, _unused) in after.items()} == {
        "data": 0o755,
        "data/peer0": 0o750,
        "etc": 0o755,
        "etc/deep": 0o755,
        "etc/deep/core.yaml": 0o644,
        "etc/script": 0o755,
    }
    assert after["etc/deep/core.yaml"][1] == b"a: 1\n"

    for check in (False, True):
        again = run(host_state.main, check=check, **options(place))
        assert (again["changed"], again["changed_paths"], again["diff"]) == (False, [], [])
    assert tree(place) == after


def test_the_diff_shows_what_was_and_what_will_be(run: ModuleRunner, place: Path) -> None:
    run(host_state.main, **options(place))
    result = run(host_state.main, check=True, **options(place, "a: 2\n"))
    path = str(place / "etc/deep/core.yaml")
    assert result["changed_paths"] == [path]
    assert result["diff"] == [
        {"before_header": path, "after_header": path, "before": "a: 1\n", "after": "a: 2\n"}
    ]


def test_a_new_files_diff_begins_with_nothing(run: ModuleRunner, place: Path) -> None:
    path = str(place / "new")
    files = [{"path": path, "content": "x\n", "mode": "0644"}]
    result = run(host_state.main, check=True, files=files)
    assert result["diff"] == [{"before_header": path, "after_header": path, "before": "", "after": "x\n"}]


def test_modes_are_repaired_and_shown(run: ModuleRunner, place: Path) -> None:
    run(host_state.main, **options(place))
    file, folder = place / "etc/deep/core.yaml", place / "data/peer0"
    file.chmod(0o666)
    folder.chmod(0o777)
    result = run(host_state.main, **options(place))
    assert result["changed_paths"] == [str(folder), str(file)]
    assert [(item["before"], item["after"]) for item in result["diff"]] == [
        (f"directory 0777 {OWN}:{OWN}\n", f"directory 0750 {OWN}:{OWN}\n"),
        (f"mode 0666, owner {OWN}\n", f"mode 0644, owner {OWN}\n"),
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750
    assert run(host_state.main, **options(place))["changed"] is False


@as_root
def test_a_file_that_belongs_to_somebody_else_is_taken_back(run: ModuleRunner, place: Path) -> None:
    run(host_state.main, **options(place))
    file = place / "etc/script"
    os.chown(file, 12345, 12345)
    assert run(host_state.main, check=True, **options(place))["changed_paths"] == [str(file)]
    run(host_state.main, **options(place))
    assert file.stat().st_uid == OWN


@as_root
def test_a_directory_is_given_to_its_owner(run: ModuleRunner, place: Path) -> None:
    directories = [{"path": str(place / "data"), "mode": "0750", "owner": 10001}]
    assert run(host_state.main, directories=directories)["changed"] is True
    found = (place / "data").stat()
    assert (found.st_uid, found.st_gid) == (10001, 10001)
    assert run(host_state.main, directories=directories)["changed"] is False
    os.chown(place / "data", 10001, 0)
    assert run(host_state.main, directories=directories)["changed"] is True


def test_parents_are_0755_whatever_the_umask(run: ModuleRunner, place: Path, strict_umask: None) -> None:
    run(host_state.main, **options(place))
    modes = {path: mode for path, (mode, _unused, _unused) in tree(place).items()}
    assert (modes["data"], modes["etc"], modes["etc/deep"]) == (0o755, 0o755, 0o755)
    assert (modes["data/peer0"], modes["etc/deep/core.yaml"]) == (0o750, 0o644)


@pytest.mark.parametrize("before", [b"a: 1\r\n", b"\xff\xfe\x00binary", "a: 1\né\n".encode("latin-1"), b""])
def test_any_bytes_that_were_there_are_compared_exactly(
    run: ModuleRunner, place: Path, before: bytes
) -> None:
    path = place / "file"
    path.write_bytes(before)
    path.chmod(0o644)
    files = [{"path": str(path), "content": "a: 1\n", "mode": "0644"}]
    assert run(host_state.main, files=files)["changed"] is True
    assert path.read_bytes() == b"a: 1\n"


def test_text_beyond_ascii_is_written_as_utf8(run: ModuleRunner, place: Path) -> None:
    files = [{"path": str(place / "file"), "content": "naïve ✓\n", "mode": "0644"}]
    run(host_state.main, files=files)
    assert (place / "file").read_bytes() == "naïve ✓\n".encode()
    assert run(host_state.main, files=files)["changed"] is False


def test_a_file_is_replaced_by_rename(run: ModuleRunner, place: Path) -> None:
    """Who has the old file open goes on reading it whole."""
    run(host_state.main, **options(place, "old " * 100))
    path = place / "etc/deep/core.yaml"
    with path.open() as reader:
        run(host_state.main, **options(place, "new"))
        assert reader.read() == "old " * 100
    assert path.read_text() == "new"
    assert [item.name for item in path.parent.iterdir()] == ["core.yaml"]


def test_a_failing_write_leaves_the_old_file_and_no_rest(run: ModuleRunner, place: Path) -> None:
    """A limit on file sizes is a full disk for this process only."""
    run(host_state.main, **options(place))
    before = tree(place)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        result = run(host_state.main, **options(place, "x" * 100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert result["failed"] is True
    assert result["msg"] == (
        f"{place}/etc/deep/core.yaml: File too large. Next: look at the disk and its mounts"
    )
    assert tree(place) == before


def test_a_file_where_a_directory_should_be_is_said(run: ModuleRunner, place: Path) -> None:
    (place / "data").write_text("")
    (place / "data").chmod(0o750)
    for path in (place / "data", place / "data" / "below"):
        directories = [{"path": str(path), "mode": "0750", "owner": OWN}]
        result = run(host_state.main, directories=directories)
        assert result["failed"] is True
        assert result["msg"].startswith(f"{path}: ")
        assert result["msg"].endswith(
            f". Next: something else is at {path} or above it: look what it is, and move it away"
        )
    assert (place / "data").is_file()


@pytest.mark.parametrize(
    ("number", "next_step"),
    [
        (
            errno.ENOSPC,
            "free some space on the filesystem of /etc/x; df shows how full it is, df -i its inodes",
        ),
        (errno.EDQUOT, "free some space on the filesystem of /etc/x, or raise the quota there"),
        (errno.EROFS, "remount the filesystem of /etc/x for writing; dmesg says why it is read-only"),
        (
            errno.EACCES,
            "see what forbids it to root on this host, such as SELinux, AppArmor or a network filesystem",
        ),
        (
            errno.EPERM,
            "see what forbids it to root on this host, such as an immutable file (lsattr /etc/x) or AppArmor",
        ),
        (errno.EIO, "look at the disk and its mounts"),
    ],
)
def test_what_to_do_follows_from_what_the_kernel_said(
    run: ModuleRunner, place: Path, monkeypatch: pytest.MonkeyPatch, number: int, next_step: str
) -> None:
    def refuse(path: str) -> str:
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr(host_state, "found_directory", refuse)
    result = run(host_state.main, directories=[{"path": "/etc/x", "mode": "0750", "owner": OWN}])
    assert result["msg"] == f"/etc/x: {os.strerror(number)}. Next: {next_step}"


UNITS = ["a.service", "b.service"]


@pytest.mark.parametrize("silent", [False, True], ids=["systemd 257", "systemd 252"])
@pytest.mark.parametrize(
    ("state", "found", "wanted", "command"),
    [
        ("started", ("enabled", "active"), False, ""),
        ("started", ("disabled", "active"), True, "enable --now"),
        ("started", ("enabled", "inactive"), True, "enable --now"),
        ("started", ("enabled", "failed"), True, "enable --now"),
        ("started", None, True, "enable --now"),
        ("stopped", ("enabled", "inactive"), False, ""),
        ("stopped", ("enabled", "active"), True, "stop"),
        ("stopped", ("enabled", "activating"), True, "stop"),
        ("stopped", ("enabled", "failed"), False, ""),
        ("stopped", None, False, ""),
        ("disabled", ("disabled", "inactive"), False, ""),
        ("disabled", ("enabled", "inactive"), True, "disable --now"),
        ("disabled", ("disabled", "active"), True, "disable --now"),
        ("disabled", None, False, ""),
    ],
)
def test_a_unit_is_brought_to_its_state_once(
    run: ModuleRunner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    silent: bool,
    state: str,
    found: tuple[str, str] | None,
    wanted: bool,
    command: str,
) -> None:
    systemctl = Systemctl(tmp_path / "systemd", monkeypatch, silent_not_found=silent)
    ready = {
        "started": ("enabled", "active"),
        "stopped": ("enabled", "inactive"),
        "disabled": ("x", "inactive"),
    }
    systemctl.unit("b.service", *ready[state])
    if found:
        systemctl.unit("a.service", *found)
    changed = ["a.service"] if wanted else []
    predicted = run(host_state.main, check=True, units=UNITS, units_state=state)
    assert (predicted["changed"], predicted["changed_units"]) == (wanted, changed)
    assert systemctl.commands() == []
    done = run(host_state.main, units=UNITS, units_state=state)
    assert (done["changed_units"], done["diff"]) == (changed, predicted["diff"])
    assert systemctl.commands() == ([f"{command} a.service"] if wanted else [])
    again = run(host_state.main, units=UNITS, units_state=state)
    assert again["changed"] is False
    assert systemctl.commands() == []


def test_a_unit_that_does_not_start_is_a_failure(run: ModuleRunner, systemctl: Systemctl) -> None:
    systemctl.refuse()
    result = run(host_state.main, units=["a.service"])
    assert result["failed"] is True
    assert "Job failed" in result["msg"]


def test_units_are_touched_in_their_order(run: ModuleRunner, systemctl: Systemctl) -> None:
    names = ["z.service", "a.service", "m.service"]
    run(host_state.main, units=names)
    assert systemctl.commands() == ["enable --now z.service a.service m.service"], (
        "what starts may start together"
    )
    run(host_state.main, units=names, units_state="stopped")
    assert systemctl.commands() == [f"stop {name}" for name in names], (
        "what stops does so one after the other"
    )


def test_a_changed_unit_file_is_reloaded_once_and_others_are_not(
    run: ModuleRunner, systemctl: Systemctl, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_state, "UNIT_FOLDER", f"{place}/system/")
    files = [
        {"path": str(place / "system" / name), "content": "[Unit]\n", "mode": "0644"} for name in ("a", "b")
    ]
    other = [{"path": str(place / "other"), "content": "", "mode": "0644"}]
    run(host_state.main, check=True, files=files)
    run(host_state.main, files=other)
    assert systemctl.commands() == []
    run(host_state.main, files=files)
    assert systemctl.commands() == ["daemon-reload"]
    run(host_state.main, files=files)
    assert systemctl.commands() == []
    run(host_state.main, absent=[files[0]["path"]])
    assert systemctl.commands() == ["daemon-reload"]


def test_a_unit_file_is_reloaded_even_if_a_later_file_fails(
    run: ModuleRunner, systemctl: Systemctl, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run would find the unit file as it should be, and not know that systemd has the old one."""
    monkeypatch.setattr(host_state, "UNIT_FOLDER", f"{place}/system/")
    (place / "blocked").write_text("")
    files = [
        {"path": str(place / "system/a"), "content": "[Unit]\n", "mode": "0644"},
        {"path": str(place / "blocked/file"), "content": "", "mode": "0644"},
    ]
    assert run(host_state.main, files=files)["failed"] is True
    assert systemctl.commands() == ["daemon-reload"]


def test_what_is_to_be_absent_goes_and_what_it_points_at_stays(run: ModuleRunner, place: Path) -> None:
    (place / "kept").mkdir()
    (place / "kept/file").write_text("x")
    (place / "folder/deep").mkdir(parents=True)
    (place / "folder/deep/file").write_text("x")
    (place / "link").symlink_to(place / "kept")
    (place / "dangling").symlink_to(place / "nothing")
    paths = [str(place / name) for name in ("folder", "link", "dangling", "never")]
    before = tree(place)
    predicted = run(host_state.main, check=True, absent=paths)
    assert predicted["changed_paths"] == paths[:3]
    assert (place / "folder/deep/file").exists()
    assert (place / "dangling").is_symlink()
    done = run(host_state.main, absent=paths)
    assert (done["changed_paths"], done["diff"]) == (predicted["changed_paths"], predicted["diff"])
    assert sorted(path.name for path in place.iterdir()) == ["kept"]
    assert tree(place)["kept/file"] == before["kept/file"]
    assert run(host_state.main, absent=paths)["changed"] is False


def in_place(path: Path, content: str, mode: str = "0644") -> list[dict[str, Any]]:
    return [{"path": str(path), "content": content, "mode": mode, "in_place": True}]


@pytest.mark.parametrize("before", ["old " * 100, "o"], ids=["shorter than before", "longer than before"])
def test_a_mounted_file_is_written_into(run: ModuleRunner, place: Path, before: str) -> None:
    """A container has mounted the file, not its name: it would go on seeing one that was replaced."""
    path = place / "etc/hosts"
    run(host_state.main, files=in_place(path, before))
    number = path.stat().st_ino
    with path.open() as container:
        predicted = run(host_state.main, check=True, files=in_place(path, "new\n"))
        assert path.read_text() == before
        done = run(host_state.main, files=in_place(path, "new\n"))
        assert container.read() == "new\n"
    assert (path.read_text(), path.stat().st_ino) == ("new\n", number)
    assert (done["changed_paths"], done["diff"]) == (predicted["changed_paths"], predicted["diff"])
    assert [item.name for item in path.parent.iterdir()] == ["hosts"]
    assert run(host_state.main, files=in_place(path, "new\n"))["changed"] is False


def test_a_mounted_file_keeps_its_number_when_only_its_mode_is_repaired(
    run: ModuleRunner, place: Path
) -> None:
    path = place / "hosts"
    run(host_state.main, files=in_place(path, "a\n"))
    number = path.stat().st_ino
    path.chmod(0o600)
    assert run(host_state.main, files=in_place(path, "a\n"))["changed_paths"] == [str(path)]
    assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_ino) == (0o644, number)


def test_a_file_that_is_not_there_is_made_even_if_it_will_be_mounted(run: ModuleRunner, place: Path) -> None:
    path = place / "deep/hosts"
    assert run(host_state.main, files=in_place(path, "a\n"))["changed"] is True
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("a\n", 0o644)


def test_listings_are_what_was_there_before(run: ModuleRunner, place: Path) -> None:
    folder, nowhere = place / "stacks", place / "nowhere"
    for name in ("ledger", "ca"):
        (folder / name).mkdir(parents=True)
    (folder / "file").write_text("")
    arguments = {
        "listings": [str(folder), str(nowhere)],
        "directories": [{"path": str(folder / "new"), "mode": "0755", "owner": OWN}],
        "absent": [str(folder / "ca")],
    }
    for check in (True, False):
        result = run(host_state.main, check=check, **arguments)
        assert result["found"] == {str(folder): ["ca", "file", "ledger"], str(nowhere): []}
    assert run(host_state.main, listings=[str(folder)])["found"] == {str(folder): ["file", "ledger", "new"]}


def test_to_look_is_no_change(run: ModuleRunner, place: Path) -> None:
    assert run(host_state.main, listings=[str(place)])["changed"] is False
    assert run(host_state.main)["found"] == {}


def test_a_listing_of_what_is_no_folder_is_said(run: ModuleRunner, place: Path) -> None:
    (place / "file").write_text("")
    result = run(host_state.main, listings=[str(place / "file")])
    assert result["failed"] is True
    assert result["msg"].startswith(f"{place / 'file'}: Not a directory")


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ``docker`` that says what the file ``answer`` beside it says, and fails without."""
    program = tmp_path / "engine" / "docker"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/engine/asked\nexec cat {tmp_path}/engine/answer\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return program.parent


def test_projects_are_those_that_have_containers(run: ModuleRunner, engine: Path) -> None:
    (engine / "answer").write_text("lab-store\n\nlab-ledger\nlab-ledger\n")
    result = run(host_state.main, projects=True)
    assert (result["projects"], result["changed"]) == (["lab-ledger", "lab-store"], False)
    assert "--all" in (engine / "asked").read_text(), "a container that was stopped is one too"
    assert "projects" not in run(host_state.main)


def test_an_engine_that_does_not_answer_is_not_one_without_containers(
    run: ModuleRunner, engine: Path
) -> None:
    assert run(host_state.main, projects=True)["projects"] is None


def test_a_host_without_an_engine_has_no_projects(
    run: ModuleRunner, engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (engine / "docker").unlink()
    monkeypatch.setenv("PATH", str(engine))
    assert run(host_state.main, projects=True)["projects"] == []
