"""Every rule of the table, and the sentence that the operator reads."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.model import schema
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    MODELS,
    lab_model,
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
    first, _ = schema.check(lab_model())
    first["organizations"][0]["peers"].append("mine")
    second, _ = schema.check(lab_model())
    assert second["organizations"][0]["peers"] == []


def test_defaults_are_filled_in_at_every_depth() -> None:
    result, _ = schema.check(lab_model())
    assert result["registry"] == {"host": "host1", "port": 5000}
    assert result["secrets_store"]["backend"] == "openbao"
    assert result["channels"][0]["capabilities"] == {
        "channel": "V2_0",
        "orderer": "V2_0",
        "application": "V2_5",
    }
    peer = result["organizations"][1]["peers"][0]
    assert (peer["memory"], peer["pids"], peer["runtime"], peer["log_level"]) == ("512m", 512, "runc", "info")


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
            "capabilities.application: is 'V2_6'; did you mean 'V2_5'? one of V2_0, V2_5",
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


@pytest.mark.parametrize("model", [None, [], "lab"])
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


def test_every_required_key_is_missed() -> None:
    """Taken out one by one, from the table itself."""

    def place(model: dict[str, Any], path: list[str]) -> dict[str, Any]:
        for key in path:
            value = model[key]
            model = next(item for item in value if item) if isinstance(value, list) else value
        return model

    for path, spec in fields(schema.MODEL):
        if not spec.required:
            continue
        model = lab_model()
        *folders, last = path.split(".")
        if "peers" in folders:
            model["organizations"].reverse()
        del place(model, folders)[last]
        assert [problem.wrong for problem in problems(model)] == ["is missing"], path
