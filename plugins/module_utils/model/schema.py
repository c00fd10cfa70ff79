"""What a network model may say: every key, its type, its default and what it means.

The table below is the one place that knows the keys. It validates, fills in defaults, and is what the
reference guide is made from.
"""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import COLLECTORS


@dataclass(frozen=True)
class Problem:
    """One mistake in a model: where it stands, what is wrong, what would be right."""

    path: str
    wrong: str
    right: str

    def __str__(self) -> str:
        return f"{self.path}: {self.wrong}; {self.right}"


@dataclass(frozen=True)
class Field:
    """One key of the model.

    :param kind: ``str``, ``int``, ``bool``, ``map`` (fixed keys), ``mapping`` (free keys to strings), ``list`` (of
        strings or of maps)
    :param text: what it means, for people
    :param default: used where the key is missing; a required key has none
    :param optional: of a ``map``: None where it is missing, its own keys are asked for only where it is there
    :param fields: keys of a ``map``, or of the maps in a ``list``
    :param pattern: what a string, or each value of a ``mapping``, must match, with ``hint`` saying it in words
    :param key_pattern: what each key of a ``mapping`` must match, with ``key_hint`` saying it in words
    :param choices: the only strings allowed
    """

    kind: str
    text: str
    default: Any = None
    required: bool = False
    optional: bool = False
    fields: dict[str, Field] = field(default_factory=dict)
    pattern: str = ""
    hint: str = ""
    key_pattern: str = ""
    key_hint: str = ""
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 2**31


_LABEL = r"[a-z]([a-z0-9-]{0,40}[a-z0-9])?"
_DOMAIN = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"

# A node does not start with a level that it does not know.
# Source: hyperledger/fabric common/flogging, loggerlevels.go and levels.go.
_LEVEL = "payload|debug|info|notice|warning|warn|error|critical|dpanic|panic|fatal"
_SEGMENT = rf"([A-Za-z0-9_#.,-]+=)?({_LEVEL}|{_LEVEL.upper()})"
_LEVELS = rf"{_SEGMENT}(:{_SEGMENT})*"

# Rules look back five minutes: with fewer than a sample a minute they see nothing.
_INTERVAL = r"[5-9]s|[1-5][0-9]s|1m"
_HTTPS = r"https://[^\s@]+"
_HTTPS_HINT = "an address with https:// and without a password in it"
_MAIL = r"[^@\s,]+@[^@\s,]+"
_MAIL_HINT = "one address, such as oncall@example.com"
_STORED = rf"{_LABEL}(/[a-z0-9][a-z0-9._-]*)+"
_STORED_HINT = "a path in the store that begins with an organisation's name, such as org1/receivers/oncall"

# Names of repositories. Source: distribution/reference, regexp.go.
_COMPONENT = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_IMAGE = rf"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?(/{_COMPONENT})*@sha256:[0-9a-f]{{64}}"

# Names that the engine's configuration gives to a runtime; `kata` and `runsc` (gVisor) have to be set up there.
RUNTIMES = ("runc", "crun", "kata", "runsc")


def _upstream(where: str) -> Field:
    """The image of something that is never built."""
    hint = (
        f"a repository and the digest of what you trust, without a tag, such as {where}@sha256:...; "
        f"`docker buildx imagetools inspect {where}:TAG` prints the digest of a tag"
    )
    text = "upstream's image by digest; it is never built, whatever image_source says"
    return Field("str", text, required=True, pattern=_IMAGE, hint=hint)


def _name(text: str) -> Field:
    hint = "lower-case letters, digits and dashes, as in DNS"
    return Field("str", text, required=True, pattern=_LABEL, hint=hint)


def _version(text: str, default: str) -> Field:
    hint = f"a release of three numbers, such as {default}"
    return Field("str", text, default, pattern=r"[0-9]+\.[0-9]+\.[0-9]+", hint=hint)


def _port(text: str, default: int | None = None) -> Field:
    return Field("int", text, default, minimum=1, maximum=65535)


def _host(text: str) -> Field:
    return Field("str", text, required=True)


def _limits(memory: str) -> dict[str, Field]:
    return {
        "memory": Field(
            "str",
            "memory limit of the container",
            default=memory,
            pattern=r"[1-9][0-9]*[mg]",
            hint="a number with m or g, such as 512m",
        ),
        "pids": Field("int", "limit of processes and threads", default=512, minimum=16),
        "runtime": Field(
            "str",
            "container runtime of the host's engine; all but runc have to be known to it",
            default="runc",
            choices=RUNTIMES,
        ),
    }


_NODE = {
    "name": _name("the node's name within its organisation"),
    "host": _host("the inventory host that it runs on"),
    "port": _port("gRPC port on the host"),
    "operations_port": _port("port of the operations endpoint on the host"),
    "log_level": Field(
        "str",
        "Fabric logging specification",
        default="info",
        pattern=_LEVELS,
        hint="levels as Fabric knows them, such as info or gossip=warning:info",
    ),
}

MODEL: dict[str, Field] = {
    "name": _name("the network's name; containers, stacks and confirmations carry it"),
    "domain": Field("str", "DNS domain below which nodes are named; default <name>.example", pattern=_DOMAIN,
                    hint="a DNS domain in lower case, such as fabric.example.com"),
    "fabric_version": _version("Fabric version of peers and orderers", "2.5.9"),
    "ca_version": _version("fabric-ca version", "1.5.15"),
    "image_source": Field(
        "str",
        "where images come from: built from pinned sources, or pulled from upstream by digest",
        default="build",
        choices=("build", "pull"),
    ),
    "image_namespace": Field("str", "the namespace of the images in the registry", "selvedge", pattern=_COMPONENT,
                             hint="one component of a repository's name, such as selvedge"),
    "upstream_images": Field(
        "mapping",
        "with image_source pull, the image that each name and version comes from",
        default={},
        pattern=_IMAGE,
        hint="a repository and its digest, such as docker.io/hyperledger/fabric-peer@sha256:...",
        key_pattern=rf"{_COMPONENT}:[A-Za-z0-9_][A-Za-z0-9_.-]*",
        key_hint="a name and a version, such as 'fabric-peer:2.5.9'",
    ),
    "registry": Field(
        "map",
        "the image registry that hosts pull from",
        required=True,
        fields={"host": _host("the inventory host that it runs on"), "port": _port("its port", 5000)},
    ),
    "secrets_store": Field(
        "map",
        "the secrets store",
        required=True,
        fields={
            "host": _host("the inventory host that it runs on"),
            "port": _port("its port", 8200),
            "backend": Field("str", "which store", default="openbao", choices=("openbao",)),
            "version": _version("its version", "2.4.0"),
            **_limits("512m"),
        },
    ),
    "organizations": Field(
        "list",
        "who takes part",
        required=True,
        fields={
            "name": _name("the organisation's name; its mount in the store and its DNS label"),
            "msp_id": Field(
                "str",
                "its MSP id; default is the name, capitalised, with MSP",
                pattern=r"[A-Za-z0-9.-]+",
                hint="letters, digits, dots and dashes",
            ),
            "ca": Field(
                "map",
                "its certificate authority",
                required=True,
                fields={
                    "host": _host("the inventory host that it runs on"),
                    "port": _port("port of the CA's REST API on the host"),
                    "operations_port": _port("port of the operations endpoint on the host"),
                    **_limits("256m"),
                },
            ),
            "orderers": Field(
                "list",
                "its ordering nodes",
                default=[],
                fields={
                    **_NODE,
                    "admin_port": _port("port of the participation API on the host"),
                    **_limits("512m"),
                },
            ),
            "peers": Field(
                "list",
                "its peers",
                default=[],
                fields={
                    **_NODE,
                    "anchor": Field("bool", "whether it is an anchor peer; default is the first peer only"),
                    "couchdb_port": _port(
                        "port on the host where its CouchDB shows metrics, with couchdb and monitoring"
                    ),
                    **_limits("512m"),
                },
            ),
        },
    ),
    "couchdb": Field(
        "map",
        "a CouchDB beside every peer, which keeps its state; without this key peers keep it themselves, in LevelDB",
        optional=True,
        fields={"image": _upstream("docker.io/library/couchdb"), **_limits("1g")},
    ),
    "channels": Field(
        "list",
        "channels, each with its own ledger",
        default=[],
        fields={
            "name": Field("str", "the channel's name", required=True, pattern=r"[a-z][a-z0-9.-]{0,248}",
                          hint="lower-case letters, digits, dots and dashes, a letter first"),  # fmt: skip
            "organizations": Field("list", "peer organisations that take part", required=True),
            "batch_timeout": Field("str", "how long an orderer waits for a block to fill", "500ms",
                                   pattern=r"[1-9][0-9]*(ms|s|m)",
                                   hint="a number with ms, s or m, such as 500ms"),  # fmt: skip
            "batch_max_messages": Field("int", "transactions in a block at most", default=500, minimum=1),
            "capabilities": Field(
                "map",
                "capability levels; a wrong one stops a channel for good",
                default={},
                fields={
                    "channel": Field("str", "of all nodes", "V2_0", choices=("V2_0", "V3_0")),
                    "orderer": Field("str", "of orderers", "V2_0", choices=("V2_0",)),
                    "application": Field("str", "of peers", "V2_5", choices=("V2_0", "V2_5")),
                },
            ),
        },
    ),
    "chaincodes": Field(
        "list",
        "chaincodes, run as a service, one instance a peer",
        default=[],
        fields={
            "name": _name("the chaincode's name"),
            "channel": Field("str", "the channel that it is committed on", required=True),
            "version": Field("str", "its version, as committed", required=True, pattern=r"[A-Za-z0-9_.+-]+",
                             hint="letters, digits, dots, dashes, plus and underscore; in quotes"),  # fmt: skip
            "image": Field("str", "its image below images/", default="chaincode-python"),
            "image_version": Field("str", "that image's version; default is the recipe's"),
            "endorsement_policy": Field("str", "who must endorse", default="/Channel/Application/Endorsement"),
            "probe": Field(
                "list",
                "the transaction that proves that the channel commits: a function that does no harm, and its "
                "arguments; default is org.hyperledger.fabric:GetMetadata, which Fabric's contract API has",
                default=[],
            ),
            **_limits("256m"),
        },
    ),
    "monitoring": Field(
        "map",
        "Prometheus, its exporters and Alertmanager; without this key there is none of it",
        optional=True,
        fields={
            "host": _host("the inventory host that Prometheus and Alertmanager run on"),
            "organization": Field(
                "str",
                "whose CA certifies the endpoints of the monitoring; default is the first organisation with peers",
            ),
            "port": _port("port of Prometheus", 9090),
            "alertmanager_port": _port("port of Alertmanager", 9093),
            "node_exporter_port": _port("port of the node exporter, on every host", 9100),
            "blackbox_exporter_port": _port("port of the blackbox exporter, beside chaincodes and Prometheus", 9115),
            "health_exporter_port": _port("port of the health exporter, beside Prometheus", 9470),
            "version": _version("version of Prometheus", "3.13.5"),
            "alertmanager_version": _version("version of Alertmanager", "0.31.1"),
            "node_exporter_version": _version("version of the node exporter", "1.12.1"),
            "blackbox_exporter_version": _version("version of the blackbox exporter", "0.26.0"),
            "scrape_interval": Field(
                "str",
                "how often everything is asked",
                "15s",
                pattern=_INTERVAL,
                hint="5s to 59s, or 1m",
            ),
            "retention_size": Field(
                "str",
                "how much disk the samples may take; the oldest go first",
                "4GB",
                pattern=r"[1-9][0-9]*(MB|GB|TB)",
                hint="a number with MB, GB or TB, such as 4GB",
            ),
            "remote_write": Field(
                "list",
                "where samples are written to as well",
                default=[],
                fields={
                    "name": _name("its name"),
                    "url": Field("str", "its address", required=True, pattern=_HTTPS, hint=_HTTPS_HINT),
                    "user": Field("str", "the user that it knows us as"),
                    "secret": Field(
                        "str",
                        "the secret in the store whose field password is the user's",
                        pattern=_STORED,
                        hint=_STORED_HINT,
                    ),
                },
            ),
            "receivers": Field(
                "list",
                "who hears of alerts; without any, alerts are only shown",
                default=[],
                fields={
                    "name": _name("its name"),
                    "kind": Field("str", "how it is told", required=True, choices=("webhook", "email")),
                    "severities": Field(
                        "list",
                        "which alerts it hears of, of critical, warning and info; default is critical and warning",
                        default=[],
                    ),
                    "secret": Field(
                        "str",
                        "the secret in the store: its field url is the webhook's address, its field password that of "
                        "the user at the mail server",
                        pattern=_STORED,
                        hint=_STORED_HINT,
                    ),
                    "to": Field("str", "of email: whom it goes to", pattern=_MAIL, hint=_MAIL_HINT),
                    "from": Field("str", "of email: whom it comes from", pattern=_MAIL, hint=_MAIL_HINT),
                    "smarthost": Field(
                        "str",
                        "of email: the mail server",
                        pattern=r"[A-Za-z0-9.-]+:[0-9]+",
                        hint="a host and a port, such as mail.example.com:587",
                    ),
                    "user": Field("str", "of email: the user at the mail server; without it none logs in"),
                },
            ),
            "logs": Field(
                "map",
                "the log of every container and host in one place; without this key it stays where it is",
                optional=True,
                fields={
                    "port": _port("port of Loki", 3100),
                    "collector_port": _port("port where each host's collector has its metrics", 8889),
                    "version": _version("version of Loki", "3.5.0"),
                    "collector_version": _version("version of the OpenTelemetry Collector", "0.149.0"),
                    "collector": Field(
                        "str",
                        "what collects the logs of a host; Fluent Bit is only pulled, and needs image_source: pull",
                        default="otel-collector",
                        choices=COLLECTORS,
                    ),
                    "fluent_bit_version": _version("version of Fluent Bit, where it is the collector", "5.1.1"),
                    "retention_days": Field(
                        "int", "how long Loki keeps what it was sent, if it fits", default=14, minimum=1, maximum=3650
                    ),
                    "retention_size": Field(
                        "str",
                        "how much disk Loki may take; the oldest lines go first",
                        "10GB",
                        pattern=r"[1-9][0-9]*(GB|TB)",
                        hint="a number with GB or TB, such as 10GB",
                    ),
                    "queue_size": Field(
                        "str",
                        "how much may wait on a host's disk while the sink is away",
                        "256MB",
                        pattern=r"[1-9][0-9]*(MB|GB)",
                        hint="a number with MB or GB, such as 256MB",
                    ),
                    "sink": Field(
                        "map",
                        "where logs go instead of to a Loki of our own: whatever takes OTLP over HTTP",
                        optional=True,
                        fields={
                            "url": Field(
                                "str",
                                "its address, without /v1/logs",
                                required=True,
                                pattern=_HTTPS,
                                hint=_HTTPS_HINT,
                            ),
                            "secret": Field(
                                "str",
                                "the secret in the store: its field token is shown to the sink, its field ca_cert says "
                                "by which CA the sink is known",
                                required=True,
                                pattern=_STORED,
                                hint=_STORED_HINT,
                            ),
                        },
                    ),
                },
            ),
            "grafana": Field(
                "map",
                "a Grafana with our dashboards, beside Prometheus; without this key there is none",
                optional=True,
                fields={
                    "image": _upstream("docker.io/grafana/grafana"),
                    "port": _port("its port", 3000),
                    **_limits("512m"),
                },
            ),
            **_limits("1g"),
        },
    ),
}  # fmt: skip

# What operators bring from other tools and other spellings, by level of the model: the name that the key has here.
# A level is written as its path, with [] for the items of a list; * is every service.
RENAMED: dict[str, dict[str, str]] = {
    "": {
        "organisations": "organizations",
        "orgs": "organizations",
        "peerOrgs": "organizations",
        "ordererOrgs": "organizations",
        "peer_organizations": "organizations",
        "orderer_organizations": "organizations",
        "version": "fabric_version",
        "fabricVersion": "fabric_version",
        "fabric_ca_version": "ca_version",
        "vault": "secrets_store",
        "openbao": "secrets_store",
        "docker_registry": "registry",
        "contracts": "chaincodes",
        "smart_contracts": "chaincodes",
        "prometheus": "monitoring",
        "state_database": "couchdb",
        "stateDatabase": "couchdb",
        "couch_db": "couchdb",
    },
    "monitoring": {
        "retention": "retention_size",
        "interval": "scrape_interval",
        "prometheus_port": "port",
        "prometheus_version": "version",
        "org": "organization",
        "organisation": "organization",
        "alertmanager_receivers": "receivers",
        "loki": "logs",
        "logging": "logs",
        "dashboards": "grafana",
    },
    "couchdb": {"digest": "image"},
    "monitoring.grafana": {"digest": "image", "http_port": "port"},
    "monitoring.logs": {"retention": "retention_days", "loki_port": "port", "loki_version": "version"},
    "secrets_store": {"type": "backend", "engine": "backend"},
    "organizations[]": {
        "msp": "msp_id",
        "mspid": "msp_id",
        "mspId": "msp_id",
        "certificate_authority": "ca",
        "certificateAuthorities": "ca",
        "orderer": "orderers",
        "ordering_nodes": "orderers",
        "consenters": "orderers",
        "peer": "peers",
    },
    "channels[]": {
        "orgs": "organizations",
        "organisations": "organizations",
        "members": "organizations",
        "BatchTimeout": "batch_timeout",
        "batchTimeout": "batch_timeout",
        "max_message_count": "batch_max_messages",
        "MaxMessageCount": "batch_max_messages",
    },
    "chaincodes[]": {
        "channel_name": "channel",
        "policy": "endorsement_policy",
        "signature_policy": "endorsement_policy",
        "endorsementPolicy": "endorsement_policy",
    },
    "*": {
        "hostname": "host",
        "machine": "host",
        "operations": "operations_port",
        "metrics_port": "operations_port",
        "participation_port": "admin_port",
        "loglevel": "log_level",
        "logging_spec": "log_level",
        "anchor_peer": "anchor",
        "mem": "memory",
        "mem_limit": "memory",
        "memory_limit": "memory",
        "pids_limit": "pids",
    },
}

# So many words an operator reads after a good guess.
_FEW = 6

# Where the model is looked for when it is not there at all.
_FILE = "group_vars/all/network.yml beside the inventory"


def check(
    model: Any, fields: dict[str, Field] | None = None, path: str = ""
) -> tuple[dict[str, Any], list[Problem]]:
    """Compare ``model`` with the table; return a copy with defaults filled in, and all problems found."""
    fields = MODEL if fields is None else fields
    if model is None and not path:
        return {}, [Problem("selvedge_network", "is missing", f"state the network in {_FILE}")]
    if not isinstance(model, dict):
        return {}, [Problem(path or "selvedge_network", f"is {_shown(model)}", "give a mapping of keys")]
    model, problems = _known_keys(model, fields, path)
    result: dict[str, Any] = {}
    for key, spec in fields.items():
        here = _join(path, key)
        if model.get(key) is None:
            if spec.required:
                problems.append(Problem(here, "is missing", f"give {spec.text}"))
            elif spec.kind == "map" and not spec.optional:
                result[key], found = check(spec.default or {}, spec.fields, here)
                problems += found
            else:
                result[key] = copy.copy(spec.default)
            continue
        result[key], found = _check_value(model[key], spec, here)
        problems += found
    return result, problems


def _known_keys(
    model: dict[Any, Any], fields: dict[str, Field], path: str
) -> tuple[dict[str, Any], list[Problem]]:
    """The known keys of one level, and a problem for each other one.

    What stands under a key's other name is taken for the key's, so that mistakes in it are told as well.
    """
    known = {key: value for key, value in model.items() if key in fields}
    problems = []
    for key in model:
        if key in fields:
            continue
        here = _join(path, str(key))
        name = _new_name(str(key), path)
        if name not in fields:
            problems.append(Problem(here, "is not a known key", _place_of(str(key), fields)))
        elif model.get(name) is not None:
            right = f"move what it says to {name}, which is there as well"
            problems.append(Problem(here, f"was renamed to '{name}'", right))
        else:
            problems.append(Problem(here, f"was renamed to '{name}'", f"write {name} in its place"))
            known[name] = _joined(known.get(name), model[key])
    return known, problems


def _joined(first: Any, second: Any) -> Any:
    """Two lists that have become one, such as peerOrgs and ordererOrgs; else the second."""
    return [*first, *second] if isinstance(first, list) and isinstance(second, list) else second


def _new_name(key: str, path: str) -> str:
    level = re.sub(r"\[[^]]*\]", "[]", path)
    return RENAMED.get(level, {}).get(key) or (RENAMED["*"].get(key, "") if path else "")


def _place_of(key: str, fields: dict[str, Field]) -> str:
    """What would be right in place of an unknown key: one spelled like it, or the level that it belongs to."""
    if near := nearest(key, fields):
        return f"did you mean '{near}'?"
    if levels := list(_levels_of(key, MODEL, "")):
        return f"it is a key of {listed(levels, 4)}"
    return f"known keys are {listed(sorted(fields))}"


def _levels_of(key: str, fields: dict[str, Field], path: str) -> Iterable[str]:
    if path and key in fields:
        yield path
    for name, spec in fields.items():
        yield from _levels_of(key, spec.fields, _join(path, name) + ("[]" if spec.kind == "list" else ""))


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is spelled most like ``word``; empty when none is, or several are alike."""
    by_spelling = {item.casefold(): item for item in known}
    word = word.casefold()
    near = difflib.get_close_matches(word, by_spelling, n=2)
    ratios = [difflib.SequenceMatcher(None, item, word).ratio() for item in near]
    return by_spelling[near[0]] if near and len(set(ratios)) == len(ratios) else ""


def listed(words: Iterable[str], most: int = 20) -> str:
    """Words as a sentence has them, those beyond ``most`` only counted."""
    names = list(words)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "none") + more


def suggestion(word: str, known: Iterable[str], sentence: str) -> str:
    """What would be right in place of ``word``: the nearest known word, and all of them where they are few."""
    names = sorted(known)
    near = nearest(word, names)
    hint = f"did you mean '{near}'?" if near else ""
    every = "" if near and len(names) > _FEW else f"{sentence} {listed(names)}"
    return f"{hint} {every}".strip()


def _check_value(value: Any, spec: Field, path: str) -> tuple[Any, list[Problem]]:
    if spec.kind == "map":
        return check(value, spec.fields, path)
    if spec.kind == "mapping":
        return _check_mapping(value, spec, path)
    if spec.kind == "list":
        return _check_list(value, spec, path)
    if spec.kind == "bool":
        wrong = not isinstance(value, bool)
        return value, [Problem(path, f"is {_shown(value)}", "give true or false")] if wrong else []
    if spec.kind == "int":
        fits = (
            isinstance(value, int) and not isinstance(value, bool) and spec.minimum <= value <= spec.maximum
        )
        right = f"give a whole number from {spec.minimum} to {spec.maximum}"
        return value, [] if fits else [Problem(path, f"is {_shown(value)}", right)]
    return value, _check_string(value, spec, path)


def _check_string(value: Any, spec: Field, path: str) -> list[Problem]:
    if not isinstance(value, str):
        return [
            Problem(
                path,
                f"is {_shown(value)}",
                "give a string, in quotes if it looks like a number or like yes and no",
            )
        ]
    if spec.choices and value not in spec.choices:
        near = nearest(value, spec.choices)
        hint = f"did you mean '{near}'? " if near else ""
        return [Problem(path, f"is {value!r}", f"{hint}one of {', '.join(spec.choices)}")]
    if spec.pattern and not re.fullmatch(spec.pattern, value):
        return [Problem(path, f"is {value!r}", f"give {spec.hint}")]
    return []


def _check_mapping(value: Any, spec: Field, path: str) -> tuple[dict[str, Any], list[Problem]]:
    if not isinstance(value, dict):
        return {}, [Problem(path, f"is {_shown(value)}", "give a mapping of strings to strings")]
    problems = []
    for key, item in value.items():
        if not isinstance(key, str) or not re.fullmatch(spec.key_pattern, key):
            problems.append(Problem(path, f"has the key {key!r}", f"give {spec.key_hint}"))
        problems += _check_string(item, spec, f"{path}[{key}]")
    return dict(value), problems


def _check_list(value: Any, spec: Field, path: str) -> tuple[list[Any], list[Problem]]:
    if not isinstance(value, list):
        return [], [Problem(path, f"is {_shown(value)}", "give a list")]
    if spec.required and not value:
        return [], [Problem(path, "is empty", f"give {spec.text}")]
    result, problems = [], []
    for index, item in enumerate(value):
        here = f"{path}[{index}]"
        if not spec.fields:
            problems += _check_string(item, Field("str", ""), here)
            result.append(item)
            continue
        if isinstance(item, dict) and isinstance(item.get("name"), str):
            here = f"{path}[{item['name']}]"
        checked, found = check(item, spec.fields, here)
        result.append(checked)
        problems += found
    return result, problems


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _shown(value: Any) -> str:
    return "empty" if value is None else f"{value!r} ({type(value).__name__})"
