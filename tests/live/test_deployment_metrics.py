"""What a run tells reaches Prometheus: by the command of docs/operator/runs.md, through a real node exporter."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.deployment.prometheus import file_stem, render
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import TEXTFILES
from ansible_collections.selvedge.fabric.tests.live.stores import (
    ADDRESS,
    REPOSITORY,
    Process,
    binary,
    eventually,
    free_port,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.deployment.samples import (
    ABOUT,
    sample,
)


@pytest.fixture
def exporter(tmp_path: Path) -> Iterator[str]:
    """Its address; it reads the folder ``textfiles``."""
    (tmp_path / "textfiles").mkdir()
    process, port = Process(tmp_path / "log"), free_port()
    process.start(
        binary("node-exporter", "node_exporter"),
        f"--web.listen-address={ADDRESS}:{port}",
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={tmp_path / 'textfiles'}",
    )
    try:
        process.wait_for(ADDRESS, port)
        yield f"http://{ADDRESS}:{port}/metrics"
    finally:
        process.stop()


def test_what_a_run_tells_is_copied_to_where_an_exporter_reads_it(tmp_path: Path, exporter: str) -> None:
    report = tmp_path / "report" / "metrics"
    report.mkdir(parents=True)
    for about in (ABOUT, replace(ABOUT, check_mode=True)):
        (report / f"selvedge_deployment_{file_stem(about)}.prom").write_text(render(sample(about)))
    (command,) = re.findall(
        r"^ansible host3 .*$", (REPOSITORY / "docs/operator/runs.md").read_text(), re.MULTILINE
    )
    assert TEXTFILES in command
    words = shlex.split(command.replace(TEXTFILES, str(tmp_path / "textfiles")).replace("host3", "localhost"))
    env = {**os.environ, "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_PYTHON_INTERPRETER": sys.executable}
    done = subprocess.run(
        [*words, "-i", "localhost,", "-c", "local"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

    def read() -> str:
        with urllib.request.urlopen(exporter, timeout=30) as answer:
            text = answer.read().decode()
        return text if "selvedge_deployment_changed" in text else ""

    text = eventually(read, 30)
    for mode in ("run", "check"):
        common = f'mode="{mode}",network="lab",playbook="site"'
        assert f'selvedge_deployment_changed{{{common},stage="ledger"}} 1\n' in text
        assert f"selvedge_deployment_last_run_timestamp_seconds{{{common}}} 1.7000001e+09\n" in text
    assert "node_textfile_scrape_error 0" in text
