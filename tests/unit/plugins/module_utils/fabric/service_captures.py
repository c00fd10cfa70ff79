"""What a real store and real CAs answered to a health check, kept as JSON, and judged again from there.

``tests/live/test_health.py`` makes each fault on real processes; with the variable ``SELVEDGE_CAPTURE`` it writes what
came over the wire to ``health_captures/services.json``: status and body of each reply, or the error that was raised. Of
the metrics, the lines that health looks at. No key is kept; of certificates, what a CA tells everybody, and what the
store had of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import errors, operations, x509
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import Health
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import Authority
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.network_health import NetworkCheck
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.operations import Answers
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.health_captures import (
    FOLDER,
    raised,
    raised_again,
)

HEALTHY = "all is well"
FILE = FOLDER / "services.json"
_PUBLIC = ("ca_cert", "tls_ca_cert")
# Days until a certificate expires, when it is judged again: those of a capture are long over.
_DAYS = 29.0


def _key(endpoint: Endpoint, paths: list[str]) -> str:
    return f"{endpoint.server_name} {paths[0]}"


class Recorder:
    """Writes down what a check is told over the wire."""

    def __init__(self) -> None:
        self.cases: dict[str, dict[str, Any]] = {}

    @contextmanager
    def keeping(self, case: str, check: NetworkCheck) -> Iterator[None]:
        """What ``check`` is answered in the block, its last answers, as those of ``case``."""
        get, heard = operations.get, {}

        def asking(endpoint: Endpoint, paths: list[str], timeout: float) -> Answers:
            try:
                answers = get(endpoint, paths, timeout)
            except errors.FabricError as error:
                heard[_key(endpoint, paths)] = raised(error)
                raise
            heard[_key(endpoint, paths)] = _told(answers)
            return answers

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(operations, "get", asking)
            yield
        self.cases[case] = {
            "store": {name: (check.store_option or {}).get(name) for name in ("url", "server_name")},
            "authorities": [
                {
                    "name": item.organization,
                    "mount": item.mount,
                    "ca_address": item.address,
                    "operations_address": item.operations_address,
                    "server_name": item.server_name,
                    "stored": self._stored(check, item),
                }
                for item in check.authorities
            ],
            "heard": dict(sorted(heard.items())),
        }

    @staticmethod
    def _stored(check: NetworkCheck, item: Authority) -> dict[str, str]:
        secret = check.topology.secret(f"{item.mount}/msp")
        return {name: secret[name] for name in _PUBLIC}

    def write(self) -> None:
        """All cases."""
        whole = {
            "source": "tests/live/test_health.py",
            "cases": {name: self._case(name) for name in self.cases},
        }
        FILE.write_text(json.dumps(whole, indent=1) + "\n")

    def _case(self, name: str) -> dict[str, Any]:
        healthy, case = self.cases[HEALTHY], self.cases[name]
        if name == HEALTHY:
            return case
        heard = {
            key: told
            for key, told in case["heard"].items()
            if _replied(told) != _replied(healthy["heard"][key])
        }
        same = {key: value for key, value in case.items() if value != healthy[key]}
        return {**same, "heard": heard}


def _told(answers: Answers) -> dict[str, Any]:
    def kept(body: bytes) -> str:
        lines = body.decode().splitlines()
        if not lines or not lines[0].startswith("# HELP"):
            return body.decode()
        return "\n".join(line for line in lines if line.startswith("fabric_version"))

    return {
        "replies": [[status, kept(body)] for status, body in answers.replies],
        "certificate": answers.certificate_pem,
        "moments": answers.moments,
        "dates": answers.dates,
    }


def _replied(told: Mapping[str, Any]) -> Any:
    """What it was told, apart from when."""
    replies = [
        [status, re.sub(r'"(time|server_time_utc)": ?("[^"]*"|\d+)', "", body)]
        for status, body in told.get("replies", [])
    ]
    return replies, told.get("certificate"), told.get("what")


def _again(told: Mapping[str, Any]) -> Answers:
    if "raised" in told:
        raise raised_again(told)
    replies = [(status, body.encode()) for status, body in told["replies"]]
    return Answers(replies, told["certificate"], [tuple(pair) for pair in told["moments"]], told["dates"])


class _Stored:
    """A store with what was captured of it; keys are empty, nobody is asked with them."""

    def __init__(self, case: Mapping[str, Any]) -> None:
        self._found = {f"{item['mount']}/msp": item["stored"] for item in case["authorities"]}

    def read(self, path: str) -> dict[str, str] | None:
        return self._found.get(path, {"tls_cert": "", "tls_key": ""})


def cases() -> list[str]:
    """Names of all that was captured."""
    return list(_captured())


def _captured() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text())["cases"]
    return found


def judge(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Health]:
    """The verdicts on a captured case, by name."""
    captured = _captured()
    healthy, own = captured[HEALTHY], captured[name]
    case = {**healthy, **own, "heard": {**healthy["heard"], **own["heard"]}}
    option: dict[str, list[Any]] = {"organizations": [], "orderers": [], "peers": []}
    check = NetworkCheck(
        Topology.from_option(option, _Stored(case)),
        authorities=[Authority.from_option(item) for item in case["authorities"]],
        store_option=case["store"],
    )
    with monkeypatch.context() as patch:
        patch.setattr(
            operations, "get", lambda endpoint, paths, timeout: _again(case["heard"][_key(endpoint, paths)])
        )
        patch.setattr(x509, "days_left", lambda pem: _DAYS)
        return {result.subject: result for result in check()}
