"""The live network as a fixture: one a test module, three orderers, a peer for each of two organisations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.selvedge.fabric.tests.live.network import LiveNetwork, running


@pytest.fixture(scope="module")
def network(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveNetwork]:
    """A started network without any channel. Node logs are printed when a test of the module failed."""
    failed_before = request.session.testsfailed
    with running(tmp_path_factory.mktemp("network")) as live:
        yield live
        if request.session.testsfailed > failed_before:
            for name in live.names:
                print(f"--- {name}\n{live.log(name)}")
