"""Sentences of Docker 26 and what is said about them."""

from __future__ import annotations

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.model.engine_errors import next_step


@pytest.mark.parametrize(
    ("said", "helps"),
    [
        (
            'Head "https://172.30.30.11:5000/v2/": tls: failed to verify certificate: x509: certificate signed by '
            "unknown authority",
            "bootstrap.yml",
        ),
        (
            "driver failed programming external connectivity on endpoint peer0: Error starting userland proxy: "
            "listen tcp4 0.0.0.0:7051: bind: address already in use",
            "preflight.yml names the process",
        ),
        ("Bind for 0.0.0.0:7051 failed: port is already allocated", "preflight.yml names the process"),
        ("write /var/lib/docker/tmp/x: no space left on device", "free some space"),
        (
            'invalid mount config for type "bind": bind source path does not exist: /run/selvedge/secrets/x',
            "selvedge-agent",
        ),
        ("manifest for 1.2.3.4:5000/x@sha256:1 not found: manifest unknown", "images.yml"),
        ("dial tcp 172.30.30.11:5000: connect: connection refused", "starts the registry"),
        ("unknown or invalid runtime name: crun", "runtime: run bootstrap.yml"),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock", "start the engine"),
        ("cannot start a paused container, try unpause instead", "docker unpause"),
        (
            "Error response from daemon: No such container: "
            "95b6d84d031dc2fd7e665464bdb71dbb16b66f504817c70e2b15b683cb65df33",
            "systemctl restart docker",
        ),
        ("something new", "journalctl -u docker"),
    ],
)
def test_a_sentence_of_the_engine_gets_its_remedy(said: str, helps: str) -> None:
    assert helps in next_step(said)
