"""What containers and hosts write reaches Loki with its labels, once, also when one of the two ends was away."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.fixtures import the_host
from ansible_collections.selvedge.fabric.molecule.shared.testing.monitoring import Server
from ansible_collections.selvedge.fabric.molecule.shared.testing.waiting import eventually
from ansible_collections.selvedge.fabric.tests.leaks.secrets import Secret, all_secrets

_HOUR_NS = 3600 * 10**9


@pytest.fixture(scope="module")
def loki(deployment: Deployment) -> Server:
    return Server(deployment, "loki")


def lines(loki: Server, query: str) -> list[tuple[dict[str, str], str]]:
    """Labels and text of each line of the last hour that a query finds."""
    now = time.time_ns()
    found = loki.ask(
        "/loki/api/v1/query_range",
        query=query,
        start=str(now - _HOUR_NS),
        end=str(now + _HOUR_NS),
        limit="1000",
    )
    return [(item["stream"], text) for item in found["result"] for _stamp, text in item["values"]]


def arrived(loki: Server, markers: dict[str, dict[str, str]]) -> Callable[[], None]:
    """Whether each marker is there once, with labels."""

    def look() -> None:
        for marker, labels in markers.items():
            found = lines(loki, f'{{host=~".+"}} |= "{marker}"')
            assert len(found) == 1, (marker, labels, found)
            given = found[0][0]
            assert {key: given.get(key) for key in labels} == labels, given

    return look


def say(host: Any, container: str, text: str) -> None:
    """Write a line to a container's standard error, as its process would: there is no shell in it."""
    pid = host.check_output("docker inspect --format '{{.State.Pid}}' %s", container).strip()
    host.check_output("echo %s > /proc/%s/fd/2", text, pid)


def every_container(deployment: Deployment) -> dict[str, dict[str, str]]:
    """Name to labels of every container that the model has."""
    found = {}
    for host in deployment.network.hosts:
        for stack in deployment.view(host)["stacks"].values():
            for service in stack["services"].values():
                found[service["container_name"]] = {"node": service["container_name"], "host": host}
    for service in [*deployment.network.cas, *deployment.network.orderers, *deployment.network.peers,
                    *deployment.network.chaincodes]:  # fmt: skip
        found[service.name]["organization"] = service.organization
    return found


def test_a_line_of_every_container_and_host_arrives_once(deployment: Deployment, loki: Server) -> None:
    expected = {}
    for name, labels in every_container(deployment).items():
        marker = f"marker-{uuid.uuid4().hex}"
        say(
            the_host(labels["host"]),
            name,
            f"2026-11-24 23:00:46.669 UTC 0001 WARN [test] say -> {marker} channel=main",
        )
        expected[marker] = {**labels, "level": "warn", "channel": "main", "source": "container"}
    for host in deployment.network.hosts:
        marker = f"marker-{uuid.uuid4().hex}"
        the_host(host).check_output("logger --priority user.err --tag selvedge-test %s", marker)
        expected[marker] = {"node": host, "host": host, "level": "error", "source": "journal"}
    eventually(arrived(loki, expected), 120, AssertionError, OSError)


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_nothing_is_lost_while_loki_is_away(deployment: Deployment, loki: Server, ending: str) -> None:
    peer = deployment.network.peers[-1]
    host, central = the_host(peer.host.name), the_host(loki.service.host.name)
    central.check_output(f"docker {ending} %s", loki.service.name)
    marker = f"marker-{uuid.uuid4().hex}"
    try:
        say(host, peer.name, f"INFO {marker}")
        # It tries, and fails, at least once.
        time.sleep(5)
    finally:
        central.check_output("docker start %s", loki.service.name)
    expected = {marker: {"node": peer.name, "level": "info"}}
    eventually(arrived(loki, expected), 180, AssertionError, OSError)


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_nothing_is_lost_while_a_collector_is_away(deployment: Deployment, loki: Server, ending: str) -> None:
    peer = deployment.network.peers[-1]
    host = the_host(peer.host.name)
    (collector,) = (
        item.name for item in deployment.network.monitoring_of("otel-collector") if item.host == peer.host
    )
    before, during, after = (f"marker-{uuid.uuid4().hex}" for _unused in range(3))
    say(host, peer.name, f"INFO {before}")
    host.check_output(f"docker {ending} %s", collector)
    try:
        say(host, peer.name, f"INFO {during}")
        host.check_output("logger --tag selvedge-test %s", after)
    finally:
        host.check_output("docker start %s", collector)
    expected = {marker: {"node": peer.name} for marker in (before, during)}
    expected[after] = {"node": peer.host.name}
    eventually(arrived(loki, expected), 180, AssertionError, OSError)


def test_the_stores_audit_log_comes_along(deployment: Deployment, loki: Server) -> None:
    assert deployment.store.read("org1/users/admin")

    def asked() -> None:
        found = lines(loki, '{source="audit"} |= "org1/data/users/admin"')
        assert found
        assert all("hmac-sha256:" in text for _unused, text in found)

    eventually(asked, 60, AssertionError, OSError)


def test_an_event_of_the_engine_is_told_of_its_container(deployment: Deployment, loki: Server) -> None:
    """With the labels of that container, not of who watches the engine."""
    (exporter, *_others) = deployment.network.monitoring_of("node-exporter")
    chaincode = deployment.network.chaincodes[-1]
    for service in (exporter, chaincode):
        host = the_host(service.host.name)
        host.check_output("docker kill %s", service.name)
        host.check_output("docker start %s", service.name)
    asked = (
        f'{{source="engine", node="{exporter.name}", level="warn"}}',
        f'{{source="engine", node="{chaincode.name}", organization="{chaincode.organization}", level="warn"}}',
    )

    def told() -> None:
        for query in asked:
            found = lines(loki, query)
            assert any(
                '"event":"container die"' in text and '"exit":"137"' in text for _unused, text in found
            )

    eventually(told, 60, AssertionError, OSError)


def parts(secret: Secret) -> list[str]:
    """What would be found of a secret in a line: a line of a key's own, a password or a token as it is."""
    try:
        text = secret.value.decode().strip()
    except UnicodeDecodeError:
        return []
    # Of a PEM the end of a full line: keys of one kind begin alike.
    found = [line for line in text.splitlines() if not line.startswith("-----")]
    return [max(found, key=len)[-40:]] if found else []


def test_no_secret_is_in_any_log(deployment: Deployment, loki: Server) -> None:
    """Of those that the search for leaks knows: keys of all services, passwords, tokens, receivers' credentials."""
    secrets = all_secrets(deployment)
    asked = {part: secret.name for secret in secrets for part in parts(secret)}
    assert len(asked) > len(deployment.network.peers) * 2
    found = [name for part, name in asked.items() if lines(loki, f'{{host=~".+"}} |= {json.dumps(part)}')]
    assert found == []


def test_the_collector_may_only_look_at_the_engine(deployment: Deployment) -> None:
    (collector, *_others) = deployment.network.monitoring_of("otel-collector")
    host = the_host(collector.host.name)
    domain = deployment.network.settings["domain"]
    guard = f"/var/lib/selvedge/engine-watch-{collector.host.name}.monitoring.{domain}/engine.sock"
    docker = f"docker --host unix://{guard}"
    assert collector.name in host.check_output(f"{docker} ps")
    for asked in (f"kill {collector.name}", f"logs {collector.name}", "run --rm busybox", "images"):
        refused = host.run(f"{docker} {asked}")
        assert refused.rc != 0, asked
        assert "not allowed" in refused.stderr, refused.stderr
    mounts = host.check_output(
        "docker inspect --format '{{range .Mounts}}{{.Source}} {{end}}' %s", collector.name
    )
    assert "docker.sock" not in mounts


def test_prometheus_has_what_containers_use(deployment: Deployment, prometheus: Server) -> None:
    wanted = {service.name for service in [*deployment.network.orderers, *deployment.network.peers]}

    def measured() -> None:
        found = prometheus.query("container_memory_usage_total_bytes")
        assert wanted <= {item["metric"].get("container_name") for item in found}

    eventually(measured, 90, AssertionError)


def test_prometheus_counts_the_starts_of_every_container(deployment: Deployment, prometheus: Server) -> None:
    chaincode = deployment.network.chaincodes[-1]

    def counts() -> dict[str, int]:
        found = prometheus.query("selvedge_container_starts_total")
        return {item["metric"]["container"]: int(item["value"][1]) for item in found}

    wanted = set(every_container(deployment))

    def all_told() -> None:
        assert wanted <= set(counts())

    eventually(all_told, 60, AssertionError)
    before = counts()[chaincode.name]
    the_host(chaincode.host.name).check_output("docker restart %s", chaincode.name)

    def counted() -> None:
        assert counts()[chaincode.name] == before + 1

    eventually(counted, 60, AssertionError)
