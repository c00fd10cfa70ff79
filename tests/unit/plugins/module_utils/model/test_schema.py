"""Every rule of the table, and the sentence that the operator reads."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.model import schema
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    GRAFANA_IMAGE,
    MODELS,
    SINK,
    couched_model,
    lab_model,
    pictured_model,
)

KINDS = {"str", "int", "bool", "map", "mapping", "list"}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The lab's model with one key set; a path such as ``organizations.1.peers.0.port``."""
    model = lab_model()
    *folders, last = path.split(".")
    place: Any = model
    for folder in folders:
        place = place[int(folder)] if folder.isdigit() else place.setdefault(folder, {})
    place[int(last) if last.isdigit() else last] = value
    return model


def problems(model: Any) -> list[schema.Problem]:
    return schema.check(model)[1]


def fields(table: dict[str, schema.Field], path: str = "") -> list[tuple[str, schema.Field]]:
    """All fields of the table with their paths."""
    found = []
    for key, spec in table.items():
        found.append((f"{path}{key}", spec))
        found += fields(spec.fields, f"{path}{key}.")
    return found


@pytest.mark.parametrize("name", MODELS)
def test_a_right_model_has_no_problem_and_is_left_alone(name: str) -> None:
    model = MODELS[name][0]()
    before = copy.deepcopy(model)
    result, found = schema.check(model)
    assert found == []
    result["organizations"][0]["peers"].append("scribbled on")
    result["organizations"][0]["ca"]["host"] = "scribbled on"
    assert model == before


def test_defaults_are_not_shared_between_models() -> None:
    first, _unused = schema.check(lab_model())
    first["organizations"][0]["peers"].append("mine")
    second, _unused = schema.check(lab_model())
    assert second["organizations"][0]["peers"] == []


def test_defaults_are_filled_in_at_every_depth() -> None:
    result, _unused = schema.check(lab_model())
    assert result["registry"] == {"host": "host1", "port": 5000}
    assert result["secrets_store"]["backend"] == "openbao"
    assert result["channels"][0]["capabilities"] == {
        "channel": "V2_0",
        "orderer": "V2_0",
        "application": "V2_5",
    }
    peer = result["organizations"][1]["peers"][0]
    assert (peer["memory"], peer["pids"], peer["runtime"], peer["log_level"]) == ("512m", 512, "runc", "info")


def test_an_optional_map_is_none_or_complete() -> None:
    assert schema.check(lab_model())[0]["monitoring"] is None
    result, found = schema.check({**lab_model(), "monitoring": {"host": "host2"}})
    assert found == []
    assert result["monitoring"]["port"] == 9090
    assert result["monitoring"]["receivers"] == []


def test_an_empty_value_is_a_missing_one() -> None:
    result, found = schema.check(changed("organizations.1.peers.0.memory", None))
    assert found == []
    assert result["organizations"][1]["peers"][0]["memory"] == "512m"


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("channel", [], "channel: is not a known key; did you mean 'channels'?"),
        ("zzz", 1, "zzz: is not a known key; known keys are ca_version, chaincodes, "),
        (
            "organizations.1.peers.0.memry",
            "1g",
            "organizations[org1].peers[peer0].memry: is not a known key; did you mean 'memory'?",
        ),
        ("name", None, "name: is missing; give the network's name"),
        (
            "organizations.1.ca.host",
            None,
            "organizations[org1].ca.host: is missing; give the inventory host that it runs on",
        ),
        ("organizations.1.ca", "host1", "organizations[org1].ca: is 'host1' (str); give a mapping of keys"),
        ("organizations", {"org1": {}}, "organizations: is {'org1': {}} (dict); give a list"),
        ("organizations", [], "organizations: is empty; give who takes part"),
        ("channels.0.organizations", [], "channels[main].organizations: is empty; give peer organisations"),
        ("channels.0.organizations", [1], "channels[main].organizations[0]: is 1 (int); give a string"),
        ("organizations.1", "org1", "organizations[1]: is 'org1' (str); give a mapping of keys"),
        ("chaincodes.0.version", 1.0, "chaincodes[assets].version: is 1.0 (float); give a string, in quotes"),
        ("chaincodes.0.version", "1 0", "chaincodes[assets].version: is '1 0'; give letters, digits, dots"),
        ("registry.port", "5000", "registry.port: is '5000' (str); give a whole number from 1 to 65535"),
        ("registry.port", True, "registry.port: is True (bool); give a whole number from 1 to 65535"),
        ("registry.port", 0, "registry.port: is 0 (int); give a whole number from 1 to 65535"),
        ("registry.port", 65536, "registry.port: is 65536 (int); give a whole number from 1 to 65535"),
        ("secrets_store.pids", 15, "secrets_store.pids: is 15 (int); give a whole number from 16"),
        ("channels.0.batch_max_messages", 0, "channels[main].batch_max_messages: is 0 (int); give a whole"),
        ("organizations.1.peers.0.anchor", "yes", ".anchor: is 'yes' (str); give true or false"),
        ("organizations.1.peers.0.memory", "512", ".memory: is '512'; give a number with m or g"),
        ("organizations.1.peers.0.name", "Peer0", ".name: is 'Peer0'; give lower-case letters, digits"),
        ("organizations.1.peers.0.log_level", "inof", ".log_level: is 'inof'; give levels as Fabric knows"),
        ("organizations.1.peers.0.log_level", "msp=", ".log_level: is 'msp='; give levels as Fabric knows"),
        ("organizations.1.msp_id", "Org 1", "organizations[org1].msp_id: is 'Org 1'; give letters, digits"),
        ("domain", "-lab.example", "domain: is '-lab.example'; give a DNS domain in lower case"),
        ("channels.0.name", "Main", "channels[Main].name: is 'Main'; give lower-case letters, digits, dots"),
        ("channels.0.batch_timeout", "500", "batch_timeout: is '500'; give a number with ms, s or m"),
        (
            "channels.0.capabilities.application",
            "V2_6",
            "capabilities.application: is 'V2_6'; one of V2_0, V2_5",
        ),
        (
            "channels.0.capabilities.application",
            "v2_5",
            "capabilities.application: is 'v2_5'; did you mean 'V2_5'? one of V2_0, V2_5",
        ),
        (
            "channels.0.capabilities.channel",
            "V30",
            "capabilities.channel: is 'V30'; did you mean 'V3_0'? one of V2_0, V3_0",
        ),
        (
            "channels.0.capabilities.chanel",
            "V3_0",
            "capabilities.chanel: is not a known key; did you mean 'channel'?",
        ),
        ("Registry", {}, "Registry: is not a known key; did you mean 'registry'?"),
        ("peers", [], "peers: is not a known key; it is a key of organizations[]"),
        (
            "organizations.1.anchor",
            True,
            "organizations[org1].anchor: is not a known key; it is a key of organizations[].peers[]",
        ),
        (
            "channels.0.memory",
            "1g",
            "channels[main].memory: is not a known key; it is a key of secrets_store, organizations[].ca, "
            "organizations[].orderers[], organizations[].peers[] and 4 more",
        ),
        (
            "secrets_store.runtime",
            "runsk",
            ".runtime: is 'runsk'; did you mean 'runsc'? one of runc, crun, kata, runsc",
        ),
        ("image_source", "pul", "image_source: is 'pul'; did you mean 'pull'? one of build, pull"),
        ("image_namespace", "a/b", "image_namespace: is 'a/b'; give one component of a repository's name"),
        ("upstream_images", [], "upstream_images: is [] (list); give a mapping of strings to strings"),
        (
            "upstream_images",
            {"fabric-peer": f"hyperledger/fabric-peer@sha256:{'0' * 64}"},
            "upstream_images: has the key 'fabric-peer'; give a name and a version, such as 'fabric-peer:2.5.9'",
        ),
        (
            "upstream_images",
            {"fabric-peer:2.5.9": "hyperledger/fabric-peer:2.5.9"},
            "upstream_images[fabric-peer:2.5.9]: is 'hyperledger/fabric-peer:2.5.9'; give a repository and its digest",
        ),
        ("upstream_images", {"a:1": 1}, "upstream_images[a:1]: is 1 (int); give a string"),
        ("secrets_store.backend", "vault", "secrets_store.backend: is 'vault'; one of openbao"),
        ("monitoring", {}, "monitoring.host: is missing; give the inventory host that Prometheus and Alert"),
        (
            "monitoring",
            {"host": "host1", "retention": "4GB"},
            "monitoring.retention: was renamed to 'retention_size'; write retention_size in its place",
        ),
        (
            "monitoring",
            {"host": "host1", "hots": 1},
            "monitoring.hots: is not a known key; did you mean 'host'?",
        ),
        ("monitoring", {"host": "host1", "scrape_interval": "2m"}, "is '2m'; give 5s to 59s, or 1m"),
        (
            "monitoring",
            {"host": "host1", "grafana": {"image": "docker.io/grafana/grafana:12.1.0"}},
            "monitoring.grafana.image: is 'docker.io/grafana/grafana:12.1.0'; give a repository and the digest of "
            "what you trust, without a tag, such as docker.io/grafana/grafana@sha256:...; `docker buildx imagetools "
            "inspect docker.io/grafana/grafana:TAG` prints the digest of a tag",
        ),
        (
            "monitoring",
            {"host": "host1", "grafana": {"image": f"docker.io/grafana/grafana:12.1.0@sha256:{'0' * 64}"}},
            "without a tag",
        ),
        (
            "monitoring",
            {"host": "host1", "grafana": {}},
            "monitoring.grafana.image: is missing; give upstream's image by digest; it is never built",
        ),
    ],
)
def test_one_mistake_is_one_sentence(path: str, value: Any, sentence: str) -> None:
    found = problems(changed(path, value))
    assert len(found) == 1
    assert sentence in str(found[0])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("organizations.1.peers.0.log_level", "gossip.privdata,msp=WARNING:lifecycle=debug:error"),
        ("registry.port", 1),
        ("registry.port", 65535),
        ("organizations.1.peers.0.name", "p"),
        ("domain", "fabric-1.example.com"),
        ("channels.0.batch_timeout", "2m"),
        ("chaincodes.0.version", "1.0-rc_1+b"),
        ("image_namespace", "fabric.mirror"),
        ("upstream_images", {"fabric-peer:2.5.9": f"docker.io/hyperledger/fabric-peer@sha256:{'0' * 64}"}),
        ("upstream_images", {"fabric-ca:1.5.15-rc1": f"localhost:5000/ca@sha256:{'0' * 64}"}),
    ],
)
def test_what_is_right_passes(path: str, value: Any) -> None:
    assert problems(changed(path, value)) == []


@pytest.mark.parametrize("model", [5, [], "lab"])
def test_a_model_that_is_no_mapping(model: Any) -> None:
    (found,) = problems(model)
    assert (found.path, found.right) == ("selvedge_network", "give a mapping of keys")


def test_all_mistakes_are_found_at_once() -> None:
    model = changed("organizations.1.peers.0.memory", "lots")
    model |= {"nmae": "lab", "chaincodes": 5}
    model["registry"]["port"] = 70000
    del model["name"]
    assert {problem.path for problem in problems(model)} == {
        "nmae",
        "name",
        "chaincodes",
        "registry.port",
        "organizations[org1].peers[peer0].memory",
    }


def test_every_field_is_well_made() -> None:
    for path, spec in fields(schema.MODEL):
        assert spec.kind in KINDS, path
        assert spec.text, path
        assert not (spec.required and spec.default is not None), f"{path}: a required key has no default"
        assert bool(spec.pattern) == bool(spec.hint), f"{path}: a pattern is said in words"
        assert bool(spec.key_pattern) == bool(spec.key_hint) == (spec.kind == "mapping"), path
        if spec.default is not None and spec.kind in ("str", "int"):
            assert schema.check({"key": spec.default}, {"key": spec})[1] == [], (
                f"{path}: its own default fails"
            )


# Every constraint that a field can state, with a value that breaks it. A field that is added to the table is tried
# by itself; a constraint that is added to Field fails the tests below until it stands here.
WORDS = {"text", "default", "hint", "key_hint", "optional"}
NOTHING = object()
TYPES = {
    "str": (5, "is 5 (int); give a string, in quotes if it looks like a number or like yes and no"),
    "int": ("5", "is '5' (str); give a whole number from {0.minimum} to {0.maximum}"),
    "bool": ("yes", "is 'yes' (str); give true or false"),
    "map": ("x", "is 'x' (str); give a mapping of keys"),
    "mapping": (["x"], "is ['x'] (list); give a mapping of strings to strings"),
    "list": ("x", "is 'x' (str); give a list"),
}


def broken(constraint: str, spec: schema.Field) -> tuple[Any, str] | None:
    """A value that breaks a field's constraint, and what is said of it; nothing where the field states none."""
    if constraint == "kind":
        return TYPES[spec.kind]
    if constraint == "required":
        return (NOTHING, "is missing; give {0.text}") if spec.required else None
    if constraint == "minimum":
        return (spec.minimum - 1, f"is {spec.minimum - 1} (int); {NUMBER}") if spec.kind == "int" else None
    if constraint == "maximum":
        return (spec.maximum + 1, f"is {spec.maximum + 1} (int); {NUMBER}") if spec.kind == "int" else None
    if constraint == "pattern" and spec.pattern:
        value = {"a:1": "?"} if spec.kind == "mapping" else "?"
        return value, "is '?'; give {0.hint}"
    if constraint == "key_pattern" and spec.key_pattern:
        value = {"?": f"ca@sha256:{'0' * 64}"}
        return value, "has the key '?'; give {0.key_hint}"
    if constraint == "choices" and spec.choices:
        return "?", f"is '?'; one of {', '.join(spec.choices)}"
    if constraint == "fields" and spec.fields and spec.kind == "map":
        return {"?": 1, **required_of(spec)}, "is not a known key; known keys are " + schema.listed(
            sorted(spec.fields)
        )
    return None


CONSTRAINTS = [item.name for item in dataclasses.fields(schema.Field) if item.name not in WORDS]
NUMBER = "give a whole number from {0.minimum} to {0.maximum}"


def required_of(spec: schema.Field) -> dict[str, Any]:
    known = {**SINK, "image": GRAFANA_IMAGE}
    return {
        key: 7000 if inner.kind == "int" else known.get(key, "host1")
        for key, inner in spec.fields.items()
        if inner.required
    }


def constraints() -> list[tuple[str, str]]:
    """Every field of the table with every constraint that it states."""
    return [(path, name) for path, spec in fields(schema.MODEL) for name in CONSTRAINTS if broken(name, spec)]


def place_of(model: dict[str, Any], path: str, kind: str) -> tuple[Any, str, str]:
    """The map that holds a key of the table, the key, and its path as the operator reads it."""
    *folders, last = path.split(".")
    place, said = model, []
    for folder in folders:
        place = place.setdefault(folder, {})
        said.append(folder)
        if isinstance(place, list):
            place = next(item for item in place if folder != "organizations" or not kind or item.get(kind))
            said[-1] += f"[{place['name']}]"
    return place, last, ".".join([*said, last])


@pytest.mark.parametrize(("path", "constraint"), constraints(), ids=str)
def test_every_constraint_of_every_field_can_be_broken(path: str, constraint: str) -> None:
    spec = dict(fields(schema.MODEL))[path]
    value, said = broken(constraint, spec) or (None, "")
    model = pictured_model() if path.startswith("monitoring.") else couched_model()
    if path.startswith("monitoring."):
        model["monitoring"]["logs"]["sink"] = dict(SINK)
    kind = next((part for part in ("orderers", "peers") if f".{part}." in path), "")
    place, key, shown = place_of(model, path, kind)
    name = str(place.get("name"))
    place[key] = value
    if value is NOTHING:
        del place[key]
    # What has no name, or a wrong one, is called by its number, or by the name that it has.
    found = [str(problem) for problem in problems(model)]
    assert len(found) == 1, found
    where, _unused, sentence = found[0].partition(": ")
    assert sentence == said.format(spec)
    if key == "name" and path != "name":
        assert where.startswith(shown.partition(f"[{name}]")[0])
        return
    inner = {"pattern": "[a:1]"}.get(constraint, "") if spec.kind == "mapping" else ""
    assert where == shown + (".?" if constraint == "fields" else inner)


def test_every_constraint_is_one_that_some_field_states() -> None:
    """Else its case would never be tried, and a new one has none."""
    assert {name for _unused, name in constraints()} == set(CONSTRAINTS)
    assert {spec.kind for _unused, spec in fields(schema.MODEL)} == KINDS == set(TYPES)


def renamed() -> list[tuple[str, str, str]]:
    return [(level, old, new) for level, names in schema.RENAMED.items() for old, new in names.items()]


def level_fields(level: str) -> list[dict[str, schema.Field]]:
    """The fields of a level of RENAMED; of every level where it is for all."""
    if level != "*":
        table = schema.MODEL
        for part in level.split(".") if level else []:
            table = table[part.removesuffix("[]")].fields
        return [table]
    return [schema.MODEL, *(spec.fields for _unused, spec in fields(schema.MODEL) if spec.fields)]


@pytest.mark.parametrize(("level", "old", "new"), renamed())
def test_a_renamed_key_leads_to_one_that_is_there(level: str, old: str, new: str) -> None:
    assert any(new in table for table in level_fields(level))
    assert not any(old in table for table in level_fields(level)), "still a key"


def test_a_renamed_key_is_one_sentence_and_what_it_holds_is_looked_at() -> None:
    model = lab_model()
    model["orgs"] = model.pop("organizations")
    model["orgs"][1]["peers"][0]["mem_limit"] = "lots"
    model["channels"][0]["members"] = model["channels"][0].pop("organizations")
    assert [str(problem) for problem in problems(model)] == [
        "orgs: was renamed to 'organizations'; write organizations in its place",
        "organizations[org1].peers[peer0].mem_limit: was renamed to 'memory'; write memory in its place",
        "organizations[org1].peers[peer0].memory: is 'lots'; give a number with m or g, such as 512m",
        "channels[main].members: was renamed to 'organizations'; write organizations in its place",
    ]


def test_two_lists_that_became_one_are_both_looked_at() -> None:
    model = lab_model()
    organizations = model.pop("organizations")
    model["ordererOrgs"], model["peerOrgs"] = organizations[:1], organizations[1:]
    result, found = schema.check(model)
    assert [str(problem) for problem in found] == [
        "ordererOrgs: was renamed to 'organizations'; write organizations in its place",
        "peerOrgs: was renamed to 'organizations'; write organizations in its place",
    ]
    assert [org["name"] for org in result["organizations"]] == ["orderers", "org1", "org2"]


def test_a_renamed_key_beside_its_new_name() -> None:
    model = changed("version", "3.1.1")
    model["fabric_version"] = "2.5.9"
    assert [str(problem) for problem in problems(model)] == [
        "version: was renamed to 'fabric_version'; move what it says to fabric_version, which is there as well"
    ]


def test_a_good_guess_spares_a_long_list() -> None:
    hosts = [f"host{number:02}" for number in range(50)]
    assert schema.suggestion("hots07", hosts, "hosts are") == "did you mean 'host07'?"
    assert (
        schema.suggestion("hots07", hosts[6:8], "hosts are")
        == "did you mean 'host07'? hosts are host06, host07"
    )
    assert schema.suggestion("x", hosts, "hosts are").endswith(", host18, host19 and 30 more")


def test_the_nearest_word() -> None:
    assert schema.nearest("Hots1", ["host1", "other"]) == "host1"
    assert schema.nearest("host9", ["host1", "host2"]) == "", "two are as near"
    assert schema.nearest("zzz", ["host1", "host2"]) == ""
    assert schema.listed("abcd", 2) == "a, b and 2 more"
    assert schema.listed("abcd", 4) == "a, b, c, d"
    assert schema.listed([]) == "none"
