"""Logs stay within their size: a real Loki with its keeper is given more than that, and the oldest lines go.

Only times are shorter than what is deployed. Loki looks once a minute for chunks to delete, so this takes some minutes.
"""

from __future__ import annotations

import base64
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import Builder
from ansible_collections.selvedge.fabric.tests.live.network import REPOSITORY
from ansible_collections.selvedge.fabric.tests.live.stores import eventually
from ansible_collections.selvedge.fabric.tests.logs.lab import LogLab

SIZE = 48_000_000
_LINE_BYTES = 12_000


def on_disk(folder: Path) -> int:
    """Bytes of the disk that a folder takes, with all that is in it."""
    total = 0
    for path, _folders, names in os.walk(folder):
        for name in ["", *names]:
            try:
                total += os.lstat(os.path.join(path, name)).st_blocks * 512
            except FileNotFoundError:
                continue
    return total


class Scale:
    """What a folder took at its most: all of it, and its parts at that time."""

    def __init__(self, folder: Path) -> None:
        self.most = 0
        self.parts: dict[str, int] = {}
        self._folder, self._ended = folder, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._ended.wait(0.2):
            parts = {name: on_disk(self._folder / name) for name in os.listdir(self._folder)}
            if sum(parts.values()) > self.most:
                self.most, self.parts = sum(parts.values()), parts

    def end(self) -> None:
        self._ended.set()
        self._thread.join()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LogLab]:
    found = LogLab(tmp_path)
    config = yaml.safe_load((tmp_path / "loki.yml").read_text())
    config["compactor"] |= {"compaction_interval": "5s", "retention_delete_delay": "10s"}
    # How old an index may be that is asked.
    config["storage_config"] = {"tsdb_shipper": {"resync_interval": "1s"}, "index_cache_validity": "1s"}
    config["ingester"]["wal"]["checkpoint_duration"] = "1s"
    config["runtime_config"]["period"] = "1s"
    config["limits_config"] |= {"ingestion_rate_mb": 64, "ingestion_burst_size_mb": 64}
    (tmp_path / "loki.yml").write_text(yaml.safe_dump(config))
    try:
        yield found
    finally:
        found.end()


@pytest.fixture
def keeper(lab: LogLab) -> list[str | Path]:
    program = lab.folder / "loki-keeper"
    program.write_bytes(Builder(REPOSITORY, REPOSITORY / ".cache").helper(program.name))
    program.chmod(0o755)
    settings = lab.settings
    # As in Compose's definition.
    return [program, "-data", settings.data, "-size", str(SIZE), "-period", f"{settings.retention_hours}h",
            "-limits", settings.limits_file, "-every", "2s", "-least", "5s", "--"]  # fmt: skip


def fill(lab: LogLab, marker: str, size: int) -> int:
    """Write lines that cannot be compressed, have them written to chunks; returns how many there are.

    So slowly that the write-ahead log, which has them, too, for a moment, never has many of them.
    """
    count = size // _LINE_BYTES
    for first in range(0, count, 100):
        now = time.time_ns()
        values = [
            [
                str(now + number),
                f"{marker} {number:05d} {base64.b64encode(os.urandom(_LINE_BYTES)).decode()}",
            ]
            for number in range(first, min(first + 100, count))
        ]
        stream = {"host": "host1", "node": "peer0.org1.lab", "level": "info"}
        lab.send("/loki/api/v1/push", {"streams": [{"stream": stream, "values": values}]})
        lab.send("/flush")
        eventually(lambda: on_disk(lab.folder / "loki" / "wal") < 2_000_000, 60)
    return count


def found(lab: LogLab, marker: str) -> int:
    """How many of its lines Loki finds."""
    counted = f'sum(count_over_time({{node="peer0.org1.lab"}} |= "{marker}" [1h]))'
    answer = lab.ask("/loki/api/v1/query", query=counted)
    assert answer.ok, answer.text
    return sum(int(item["value"][1]) for item in answer.json()["data"]["result"])


def test_the_oldest_lines_go_before_the_folder_is_too_large(lab: LogLab, keeper: list[str | Path]) -> None:
    folder = lab.folder / "loki"
    scale = Scale(folder)
    try:
        lab.start_loki(keeper=keeper)
        # There is room enough for now.
        written = {f"early-{number}": fill(lab, f"early-{number}", 5_000_000) for number in range(5)}
        assert {marker: found(lab, marker) for marker in written} == written
        # Every quarter of an hour, and when it starts, Loki hands its index on to who deletes.
        lab.loki.end()
        lab.start_loki(keeper=keeper)
        eventually(lambda: {marker: found(lab, marker) for marker in written} == written, 60)
        # No faster than what is deployed takes it: an eighth of the size before the oldest are gone.
        for number in range(4):
            written[f"late-{number}"] = fill(lab, f"late-{number}", SIZE // 8)
            eventually(lambda: on_disk(folder / "chunks") <= SIZE * 3 // 4, 150)
    finally:
        scale.end()
    print(f"at most {scale.most} of {SIZE} bytes, {scale.parts}")
    assert sum(written.values()) * _LINE_BYTES > SIZE
    assert scale.most <= SIZE, scale.parts
    for marker in ("late-3", "late-2", "late-1"):
        eventually(lambda marker=marker: found(lab, marker) == written[marker], 90)
    left = {marker: found(lab, marker) for marker in written}
    assert left["early-0"] == 0
    # No more than had to.
    assert on_disk(folder) > SIZE // 2, left
    assert "level=warn" in lab.loki.log
    assert "fit into 48 MB, not of 24h" in lab.loki.log
