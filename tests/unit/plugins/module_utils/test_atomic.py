"""Files that readers find whole."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.atomic import write_text


def test_a_file_is_replaced_and_not_written_into(tmp_path: Path) -> None:
    path = tmp_path / "x.prom"
    path.write_text("old")
    with path.open() as reader:
        write_text(path, "new")
        assert reader.read() == "old"
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [item.name for item in tmp_path.iterdir()] == ["x.prom"]


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "x.prom").mkdir()
    with pytest.raises(OSError):
        write_text(tmp_path / "x.prom", "new")
    assert [item.name for item in tmp_path.iterdir()] == ["x.prom"]
    with pytest.raises(FileNotFoundError):
        write_text(tmp_path / "none" / "x", "new")


def test_what_is_not_finished_yet_has_no_name_that_a_reader_looks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def replace(source: str, _target: Path) -> None:
        seen.append(Path(source).name)
        raise OSError("stop here")

    monkeypatch.setattr("os.replace", replace)
    with pytest.raises(OSError):
        write_text(tmp_path / "x.prom", "new")
    assert seen[0].startswith(".x.prom.") and not seen[0].endswith(".prom")
