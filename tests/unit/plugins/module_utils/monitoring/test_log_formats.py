"""Levels, channels and secrets in lines as programs really write them (from a lab's containers, colours removed)."""

from __future__ import annotations

import re

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring import log_formats

LINES = {
    # Fabric
    "2026-11-24 23:00:46.669 UTC 0001 INFO [nodeCmd] serve -> Starting peer:": "info",
    "2026-11-24 23:17:54.413 UTC 0010 WARN [nodeCmd] createChaincodeServer -> not set": "warn",
    "2026-11-24 23:17:51.318 UTC 0048 ERRO [orderer.consensus.etcdraft] logSendFailure -> Failed": "error",
    "2026-11-24 23:17:51.318 UTC 10048 PANI [orderer.common.server] Main -> no": "fatal",
    "2026-11-24 23:17:51.318 CEST 0a48 DEBU [x] y -> z": "debug",
    # fabric-ca
    "2026/11/24 22:59:50 [INFO] Configuration file location: /run/fabric-ca/fabric-ca-server-config.yaml": "info",
    "2026/11/24 22:59:50 [ERROR] Failed to bind": "error",
    # The chaincode's Python
    "2026-11-24 23:00:48,380 INFO serving assets_2.0:9637 on 0.0.0.0:9999, TLS": "info",
    "2026-11-24 23:00:48,380 WARNING slow": "warn",
    "CRITICAL:root:gone": "fatal",
    # OpenBao, the collector
    '{"@level":"error","@message":"failed to unlock initialization lock","@module":"core"}': "error",
    '{"level":"warn","ts":"2026-11-24T23:20:47.697Z","caller":"journald/input.go:160","msg":"x"}': "warn",
    # Docker, the registry, Loki, Prometheus' family
    'time="2026-11-24T22:59:04.354090176Z" level=warning msg="No HTTP secret provided"': "warn",
    "time=2026-11-24T22:59:04.354Z level=INFO source=main.go:1 msg=x": "info",
    "level=error ts=2026-11-24T22:59:04Z caller=x.go:1 msg=y": "error",
    "[notice] 2026-11-24T22:59:04.354090Z nonode@nohost <0.1.0> -------- x": "info",
    # Go's runtime, and everybody
    "panic: runtime error: index out of range": "fatal",
    "fatal error: concurrent map writes": "fatal",
    "Error: failed to create deliver client": "error",
    "Warning: x": "warn",
    # Lines that name none
    " Version: v2.5.9": "",
    "==> OpenBao server configuration:": "",
    "debug: false": "",
    "information about levels": "",
    "errors are counted": "",
    '172.30.30.1 - - [24/Nov/2026:22:59:06 +0000] "GET /v2/ HTTP/1.1" 200 2 "" "ansible-httpget"': "",
    "goroutine 1 [running]:": "",
}


def level_of(line: str) -> str:
    found = re.search(log_formats.LEVEL, line) or re.search(log_formats.BARE_LEVEL, line)
    return log_formats.LEVELS[found["level"].lower()] if found else ""


@pytest.mark.parametrize(("line", "level"), LINES.items(), ids=lambda value: str(value)[:40])
def test_the_level_is_found(line: str, level: str) -> None:
    assert level_of(line) == level


CHANNELS = {
    "-> finished chaincode: assets duration: 6ms channel=main txID=312a4db5": "main",
    "-> finished chaincode: cscc duration: 0ms channel= txID=4b50cd24": "",
    "-> Entering, channel: main, nodes: [ID: 2,": "main",
    "-> Deactivating node 2 in channel main with endpoint of orderer2:7050": "main",
    "-> Updating cached definition for chaincode 'assets' on channel 'main'": "main",
    "-> Channel [main]: Handling deploy or update of chaincode [assets]": "main",
    "-> [channel: main] Rejecting deliver request for 172.29.0.3:44366": "main",
    "-> [main] Committed block [5] with 1 transaction(s)": "main",
    "-> Joining channel main.": "main",
    '{"channel":"main-2","x":1}': "main-2",
    "channel=main-2 node=1": "main-2",
    "channel=main.sub node=1": "main.sub",
    # Not the model's, or no channel.
    "channel=other node=1": "",
    "channel=mainz": "",
    "channel=main-3": "",
    "[main] INFO": "",
    "-> block [5]": "",
}


@pytest.mark.parametrize(("line", "channel"), CHANNELS.items())
def test_the_channel_is_found(line: str, channel: str) -> None:
    found = re.search(log_formats.channel_pattern(["main", "main-2", "main.sub"]), line)
    assert (found["channel"] if found else "") == channel


def test_without_channels_there_is_no_pattern() -> None:
    with pytest.raises(ValueError, match="no channel"):
        log_formats.channel_pattern([])


@pytest.mark.parametrize(
    ("name", "organization"),
    [
        ("peer0.org1.lab.example", "org1"),
        ("assets.peer0.north-sea.lab.example", "north-sea"),
        ("store.lab.example", ""),
        ("prometheus.monitoring.lab.example", ""),
        ("peer0.org1.lab.example.com", ""),
        ("peer0.org1xlab.example", ""),
        ("0123456789ab", ""),
    ],
)
def test_the_organization_is_found_in_a_containers_name(name: str, organization: str) -> None:
    found = re.search(log_formats.organization_pattern(["org1", "north-sea"], "lab.example"), name)
    assert (found["organization"] if found else "") == organization


def without_secrets(line: str) -> str:
    for secret in log_formats.SECRETS:
        hinted = not secret.hints or any(hint in line.lower() for hint in secret.hints)
        found = re.sub(secret.regex, secret.replacement.replace("${1}", r"\g<1>"), line)
        assert hinted or found == line, f"no hint at {secret.regex}"
        line = found
    return line


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("password=hunter2 user=x", "password=[redacted] user=x"),
        ('{"secret_id":"0a1b2c3d","role_id":"r"}', '{"secret_id":"[redacted]","role_id":"r"}'),
        ("CORE_LEDGER_COUCHDB_PASSWORD: 's3cr3t'", "CORE_LEDGER_COUCHDB_PASSWORD: '[redacted]'"),
        ("Authorization: Bearer abcdefgh12345678", "Authorization: Bearer [redacted]"),
        ("authorization: BASIC YWRtaW46YWRtaW5wdw==", "authorization: BASIC [redacted]"),
        (
            "PASSWD=x1 Passphrase: y2 api-key=z3",
            "PASSWD=[redacted] Passphrase: [redacted] api-key=[redacted]",
        ),
        ('{"private_key":"MIGH","token":"t"}', '{"private_key":"[redacted]","token":"[redacted]"}'),
        ("hvs.Abcdefghijklmnopqrstuvwx and b.Abcdefghijklmnopqrstuvwx", "[redacted] and [redacted]"),
        ("r.Abcdefghijklmnopqrstuvwx", "[redacted]"),
        ("using https://admin:adminpw@ca.org1:7054/x", "using https://admin:[redacted]@ca.org1:7054/x"),
        ("token s.Abcdefghijklmnopqrstuvwx used", "token [redacted] used"),
        ('"key":"-----BEGIN PRIVATE KEY-----\\nMIGH"', '"key":"-----BEGIN PRIVATE KEY-----[redacted]'),
        ("MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgTHs7", "[redacted]"),
        # What is none.
        ("https://172.30.30.1:7054/enroll", "https://172.30.30.1:7054/enroll"),
        ("a request needs a password", "a request needs a password"),
        ('\tKafka.SASLPlain.Password = ""', '\tKafka.SASLPlain.Password = ""'),
        ("assets_2.0:96371562ec39dcc4742b9bde9263958c", "assets_2.0:96371562ec39dcc4742b9bde9263958c"),
    ],
)
def test_secrets_stay_behind(line: str, expected: str) -> None:
    assert without_secrets(line) == expected


@pytest.mark.parametrize(
    ("line", "is_audit", "failed"),
    [
        ('{"time":"2026-11-24T23:10:24Z","type":"request","auth":{},"request":{"id":"1"}}', True, False),
        ('{"time":"2026","type":"response","error":"permission denied","request":{}}', True, True),
        ('{"@level":"info","@message":"request"}', False, False),
    ],
)
def test_the_stores_audit_log_is_known(line: str, is_audit: bool, failed: bool) -> None:
    assert bool(re.search(log_formats.AUDIT, line)) is is_audit
    assert bool(re.search(log_formats.AUDIT_FAILED, line)) is failed
