"""Prometheus' text format, and the answers of an operations endpoint."""

from __future__ import annotations

import math

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.metrics import Metrics, parse
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.operations import (
    decode,
    failed_checks,
    metrics_of,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.health_samples import (
    HEALTHZ_FAILED,
    HEALTHZ_OK,
    LEADER_METRICS,
    operations,
)

ENDPOINT = Endpoint("127.0.0.1:9443", "peer0.org1.lab", "")


def test_values_of_a_captured_scrape() -> None:
    metrics = Metrics.from_text(LEADER_METRICS)
    assert metrics.value("consensus_etcdraft_is_leader", channel="demo") == 1
    assert metrics.value("consensus_etcdraft_is_leader", channel="other") is None
    assert metrics.value("consensus_etcdraft_term", channel="demo") is None
    assert metrics.value("go_gc_duration_seconds", quantile="0") == 4.2314e-05
    assert metrics.value("consensus_etcdraft_data_persist_duration_bucket", le="+Inf") == 25
    assert metrics.label("fabric_version", "version") == "v2.5.9"
    assert metrics.label("go_info", "version") == ""


def test_everything_that_the_format_allows() -> None:
    """Examples of the format's own documentation."""
    samples = list(
        parse(
            'access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find:\\n\\"FILE\\""} 1.458e9\n'
            "metric_without_timestamp_and_labels 12.47\n"
            "\n# a comment\n"
            'something_weird{problem="division by zero"} +Inf -3982045\n'
            'braces{text="a } b, c=\\"d\\""} NaN\n'
        )
    )
    assert samples[0].labels == {"path": r"C:\DIR\FILE.TXT", "error": 'Cannot find:\n"FILE"'}
    assert samples[1].labels == {} and samples[1].value == 12.47
    assert samples[2].value == math.inf
    assert samples[3].labels == {"text": 'a } b, c="d"'} and math.isnan(samples[3].value)


@pytest.mark.parametrize("line", ["<html>", "name", 'name{a="b"} x', "404 page not found"])
def test_other_text_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        list(parse(line))


def test_health_checks_of_a_node() -> None:
    assert failed_checks(200, HEALTHZ_OK, ENDPOINT) == ()
    (check,) = failed_checks(503, HEALTHZ_FAILED, ENDPOINT)
    assert check.startswith("docker: failed to ping to Docker daemon")
    assert failed_checks(503, b"{}", ENDPOINT) == ("unnamed",)
    with pytest.raises(FabricError, match="/healthz answered with HTTP 401"):
        failed_checks(401, b"", ENDPOINT)


def test_metrics_of_a_node() -> None:
    assert metrics_of(404, b"404 page not found\n", ENDPOINT) is None
    assert metrics_of(200, LEADER_METRICS.encode(), ENDPOINT)
    with pytest.raises(FabricError, match="HTTP 500"):
        metrics_of(500, b"", ENDPOINT)
    with pytest.raises(FabricError, match="not readable"):
        metrics_of(200, b"<html>", ENDPOINT)
    assert operations().version == "v2.5.9"
    assert operations(metrics=None).version == ""


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"null"])
def test_no_json_object(body: bytes) -> None:
    with pytest.raises(FabricError, match="the answer is no JSON object"):
        decode(body, "the answer", ENDPOINT)
