"""What real nodes answered to a health check, kept as JSON, and judged again from there.

``tests/live/test_health_faults.py`` makes each fault on real processes; with the variable ``SELVEDGE_CAPTURE`` it
writes what they answered to ``health_captures/``. Operations endpoints are kept as the text that they sent (of the
metrics, the lines that health looks at), gRPC as what it was decoded to, errors as they were raised. A case has only
those answers that differ from the healthy network's. No key and no certificate is kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import (
    errors,
    network_health,
    operations,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import health_probes as probes
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import Health
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import (
    Certificates,
    ChaincodeMembers,
    ChannelMembers,
    Ledger,
    NoLeaderError,
    State,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.network_health import NetworkCheck
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.operations import Answers, Operations
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.participation import ChannelStatus
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint

_PLACES = ("address", "operations_address")
FOLDER = Path(__file__).parent / "health_captures"
HEALTHY = "healthy"
_KEPT = re.compile(r"^(consensus_|participation_|ledger_blockchain_height|fabric_version)")
_DROPPED = re.compile(r"^consensus_etcdraft_data_persist")
_PLAIN = {kind.__name__: kind for kind in (Ledger, State, ChannelStatus, Certificates)}
_ERRORS = {
    kind.__name__: kind
    for kind in (errors.FabricError, errors.NotReadyError, errors.NoAnswerError, NoLeaderError)
}
_Answers = Mapping[tuple[str, ...], Any]


def raised(error: errors.FabricError) -> dict[str, Any]:
    """An error as JSON, by the nearest of its types that are known here."""
    kind = next(base.__name__ for base in type(error).mro() if base.__name__ in _ERRORS)
    return {"raised": kind, "what": error.what, "where": error.where, "next_step": error.next_step}


def raised_again(kept: Mapping[str, Any]) -> errors.FabricError:
    """The error of which :func:`raised` made ``kept``."""
    return _ERRORS[kept["raised"]](kept["what"], kept["where"], kept["next_step"])


class Recorder:
    """Writes down what the checks in its block are answered."""

    def __init__(self) -> None:
        self.cases: dict[str, dict[str, Any]] = {}
        self._places: dict[str, dict[str, dict[str, str]]] = {}
        self._answers: _Answers = {}
        self._raw: dict[str, Answers] = {}

    @contextmanager
    def listening(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        ask, read = network_health._ask, operations.operations_of

        def asking(questions: Any) -> _Answers:
            found = ask(questions)
            # Blocks are asked for after all others.
            more = bool(questions) and all(network_health.BLOCK in key for key in questions)
            self._answers = {**self._answers, **found} if more or not questions else found
            return found

        def reading(answers: Answers, endpoint: Endpoint) -> Operations:
            self._raw[endpoint.server_name] = answers
            return read(answers, endpoint)

        with monkeypatch.context() as patch:
            patch.setattr(network_health, "_ask", asking)
            patch.setattr(operations, "operations_of", reading)
            yield

    def keep(self, case: str, topology: Topology) -> None:
        """Keep the answers to the last check, of these nodes, as those of ``case``."""
        self.cases[case] = {"|".join(key): self._encode(key, value) for key, value in self._answers.items()}
        nodes = [*topology.orderers, *topology.peers]
        self._places[case] = {node.name: {name: getattr(node, name) for name in _PLACES} for node in nodes}

    def _encode(self, key: tuple[str, ...], value: Any) -> Any:
        if isinstance(value, errors.FabricError):
            return raised(value)
        if isinstance(value, Operations):
            raw = self._raw[key[0]]
            (status, health), (_unused, text) = raw.replies
            lines = [
                line for line in text.decode().splitlines() if _KEPT.match(line) and not _DROPPED.match(line)
            ]
            asked = raw.moments[0][0]
            return {
                "healthz": [status, health.decode()],
                "metrics": lines,
                "date": raw.dates[0],
                "asked": asked,
                "came": raw.moments[0][1],
            }
        if type(value).__name__ in _PLAIN:
            shown = {name: part for name, part in asdict(value).items() if not name.endswith("_pem")}
            if "days" in shown:
                shown["days"] = {label: int(left) for label, left in shown["days"].items()}
            return {type(value).__name__: shown}
        assert value is None or isinstance(value, list), value
        return value

    def write(self, version: str, check: NetworkCheck) -> None:
        """All cases to the file for ``version``; those after the healthy one as what differs from it."""
        nodes = {"orderers": check.topology.orderers, "peers": check.topology.peers}
        whole = {
            "source": f"tests/live/test_health_faults.py, Fabric {version}",
            "organizations": [asdict(item) for item in check.topology.organizations.values()],
            **{kind: [asdict(node) for node in found] for kind, found in nodes.items()},
            "channels": [asdict(channel) for channel in check.channels],
            "chaincodes": [asdict(item) for item in check.chaincodes],
            "cases": {case: self._case(case) for case in self.cases},
        }
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"fabric-{version}.json").write_text(json.dumps(whole, indent=1) + "\n")

    def _case(self, case: str) -> dict[str, Any]:
        healthy, places = self.cases[HEALTHY], self._places[HEALTHY]
        return {
            "moved": {name: place for name, place in self._places[case].items() if place != places[name]},
            "answers": {
                key: value
                for key, value in self.cases[case].items()
                if case == HEALTHY or _differs(value, healthy.get(key))
            },
        }


def _differs(value: Any, healthy: Any) -> bool:
    """Whether more differs than the time of asking, and what passes in a test's minute."""
    if isinstance(value, dict) and isinstance(healthy, dict) and "metrics" in value and "metrics" in healthy:
        told = [_decode(item) for item in (value, healthy)]
        same = value["metrics"] == healthy["metrics"] and told[0].failed_checks == told[1].failed_checks
        return not same or abs(told[0].clock.skew - told[1].clock.skew) > 1
    return bool(value != healthy)


def _decode(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "raised" in value:
        return raised_again(value)
    if "metrics" in value:
        status, health = value["healthz"]
        text = "\n".join(value["metrics"]).encode()
        moment = (value["asked"], value["came"])
        answers = Answers([(status, health.encode()), (200, text)], "", [moment], [value["date"]])
        return probes.attempt(lambda: operations.operations_of(answers, Endpoint("", "", "")))
    ((kind, fields),) = value.items()
    lists = {name: tuple(part) if isinstance(part, list) else part for name, part in fields.items()}
    return _PLAIN[kind](**lists)


class _NoStore:
    def read(self, path: str) -> dict[str, str] | None:
        return {}


class Replay:
    """A captured network: the same check, with the answers that were captured."""

    def __init__(self, name: str) -> None:
        self._whole = json.loads((FOLDER / f"{name}.json").read_text())
        self.cases = list(self._whole["cases"])

    def judge(self, case: str, monkeypatch: pytest.MonkeyPatch, **limits: Any) -> dict[str, Health]:
        """The verdicts on a case, by name; ``limits`` as for NetworkCheck."""
        found = self._whole
        moved = found["cases"][case]["moved"]
        option = {
            "organizations": found["organizations"],
            **{
                kind: [{**node, **moved.get(node["name"], {})} for node in found[kind]]
                for kind in ("orderers", "peers")
            },
        }
        check = NetworkCheck(
            Topology.from_option(option, _NoStore()),
            [ChannelMembers(**{**item, "orderers": tuple(item["orderers"])}) for item in found["channels"]],
            chaincodes=[ChaincodeMembers(**item) for item in found["chaincodes"]],
            **limits,
        )
        kept = {**found["cases"][HEALTHY]["answers"], **found["cases"][case]["answers"]}
        answers = {tuple(key.split("|")): _decode(value) for key, value in kept.items()}

        def answered(questions: Any) -> _Answers:
            # Secrets are asked for in the same way, with their paths alone.
            return {key: answers[key] if len(key) > 1 else {} for key in questions}

        with monkeypatch.context() as patch:
            patch.setattr(network_health, "_ask", answered)
            return {result.subject: result for result in check()}
