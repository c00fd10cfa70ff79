"""Every rule has a wrong model, and says of it exactly what the table says; right models pass."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.model import rules, schema, versions
from ansible_collections.selvedge.fabric.plugins.module_utils.model.draft import Draft
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import ModelError, load
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model import wrong_models
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    BIG_HOSTS,
    LAB_HOSTS,
    ROOT,
    big_model,
    lab_model,
    sample,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.wrong_models import (
    MISTAKES,
    WARNINGS,
    Wrong,
    both,
    put,
)


def name_of(case: Wrong) -> str:
    return f"{case.rule}: {case.lines[0].split(': ')[0]}"


def found_by(rule: rules.Rule, case: Wrong) -> list[str]:
    return [str(problem) for problem in rule(Draft(schema.check(case.model())[0], case.inventory()))]


def test_no_rule_is_without_a_wrong_model() -> None:
    assert {case.rule for case in MISTAKES} == set(rules.RULES)
    assert {case.rule for case in WARNINGS} == set(rules.WARNINGS)


@pytest.mark.parametrize("case", MISTAKES, ids=name_of)
def test_a_mistake_is_found_by_its_rule_and_said_once(case: Wrong) -> None:
    with pytest.raises(ModelError) as caught:
        load(case.model(), case.inventory())
    assert [str(problem) for problem in caught.value.problems] == case.lines
    assert found_by(rules.RULES[case.rule], case) == case.lines


@pytest.mark.parametrize("case", WARNINGS, ids=name_of)
def test_a_warning_is_given_by_its_rule_and_stops_nothing(case: Wrong) -> None:
    network = load(case.model(), case.inventory())
    assert [str(problem) for problem in network.warnings] == case.lines
    assert found_by(rules.WARNINGS[case.rule], case) == case.lines


def test_the_samples_are_right() -> None:
    assert sample("lab").warnings == []
    assert load(big_model(), BIG_HOSTS).warnings == []
    assert [problem.wrong[:40] for problem in sample("wide").warnings] == [
        "have all 3 orderers on core, so without "
    ]


def test_one_host_with_everything_is_no_warning() -> None:
    model = lab_model()
    text = yaml.safe_dump(model).replace("host2", "host1").replace("host3", "host1")
    assert load(yaml.safe_load(text), {"host1": LAB_HOSTS["host1"]}).warnings == []


RIGHT: dict[str, Any] = {
    "a port of another host": put("organizations.1.peers.1.port", 5000),
    "a machine with two SSH ports": put("organizations.2.peers.1.port", 7777),
    "a signature policy": put(wrong_models.POLICY, "OutOf(2, 'Org1MSP.peer', 'Org1MSP.member', 'Org2MSP.peer')"),
    "an organisation's own policy": put(wrong_models.POLICY, "/Channel/Application/org1/Endorsement"),
    "the channel's default policy": put(wrong_models.POLICY, " "),
    "the newest of everything": both(
        put("fabric_version", "3.1.1"), put("channels.0.capabilities", {"channel": "V3_0"})
    ),
    "an old application level": both(
        put("fabric_version", "2.4.9"),
        wrong_models.pull(*wrong_models.FABRIC_2_4_9),
        put("channels.0.capabilities", {"application": "V2_0"}),
    ),
    "an upstream version": both(
        put("fabric_version", "2.5.12"), wrong_models.pull("fabric-orderer:2.5.12", "fabric-peer:2.5.12")
    ),
    "as little memory as there can be": put("secrets_store.memory", "6m"),
    "a name of 64 characters": put("chaincodes.0.name", "c" * (64 - len(".peer0.org1.lab.example"))),
}  # fmt: skip


@pytest.mark.parametrize("change", RIGHT.values(), ids=list(RIGHT))
def test_what_is_just_right_passes(change: wrong_models.Change) -> None:
    model = lab_model()
    change(model)
    load(model, LAB_HOSTS)


def test_one_machine_may_be_two_hosts_by_ssh_port() -> None:
    hosts = {**LAB_HOSTS, "vm": {"reach": "127.0.10.1", "address": "172.30.10.9", "port": 2222}}
    load(lab_model(), hosts)


def test_every_mistake_of_the_table_comes_in_one_go() -> None:
    """Mistakes in different keys do not hide each other."""
    model = lab_model()
    hosts = {**LAB_HOSTS, "host3": {**LAB_HOSTS["host3"], "address": "host3"}}
    together = [
        put("chanels", []),
        put("fabric_version", "2.5.8"),
        put("secrets_store.memory", "1m"),
        put("secrets_store.port", 5000),
        put("organizations.2.msp_id", "Org1MSP"),
        put("organizations.1.peers.1.name", "ca"),
        put("organizations.1.peers.0.host", "host9"),
        put("channels.0.capabilities.orderer", "V2_1"),
        put("chaincodes.0.version", 1.0),
        put(wrong_models.POLICY, "AND("),
    ]
    both(*together)(model)
    with pytest.raises(ModelError) as caught:
        load(model, hosts)
    assert sorted(problem.path for problem in caught.value.problems) == [
        "chaincodes[assets].endorsement_policy",
        "chaincodes[assets].version",
        "chanels",
        "channels[main].capabilities.orderer",
        "fabric_version",
        "hosts[host3].selvedge_address",
        "organizations[org1].peers[ca]",
        "organizations[org1].peers[peer0].host",
        "organizations[org2].msp_id",
        "secrets_store.memory",
        "secrets_store.port",
    ]


def test_rules_bear_with_every_wrong_type() -> None:
    """A rule meets values of any type, in any place of the model, and none of them makes it raise."""

    def places(value: Any, path: str = "") -> list[str]:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        found = []
        for key, item in items:
            found.append(f"{path}{key}")
            if isinstance(item, dict | list):
                found += places(item, f"{path}{key}.")
        return found

    for path in [*places(lab_model()), "channels.0.capabilities", "channels.0.capabilities.channel", "domain",
                 "fabric_version", "secrets_store.version", "secrets_store.memory", "upstream_images",
                 wrong_models.POLICY, "organizations.1.peers.0.port", "organizations.1.peers.0.anchor"]:  # fmt: skip
        for value in (None, 5, 0.5, True, "", "x", [], [[]], [None], ["org1", 5], {}, {"name": []}):
            model = lab_model()
            put(path, value)(model)
            draft = Draft(schema.check(model)[0], LAB_HOSTS)
            rules.mistakes(draft)


def test_all_that_is_built_is_known() -> None:
    built = yaml.safe_load((ROOT / "images" / "versions.yml").read_text())
    recipe = yaml.safe_load((ROOT / "images" / "blackbox-exporter" / "image.yml").read_text())
    built["blackbox-exporter"] = {"versions": {recipe["version"]: ""}, "default": recipe["version"]}
    for component, known in versions.BUILT.items():
        assert set(built[component]["versions"]) <= set(known), component
        assert built[component]["default"] in versions.usable(component, {"orderers", "peers"})


def test_defaults_are_versions_that_are_built() -> None:
    built = yaml.safe_load((ROOT / "images" / "versions.yml").read_text())
    settings = sample("lab").settings
    assert settings["fabric_version"] == built["fabric"]["default"]
    assert settings["ca_version"] == built["fabric-ca"]["default"]
    assert settings["secrets_store"]["version"] == built["openbao"]["default"]


def test_every_capability_that_the_table_offers_has_a_first_version() -> None:
    fields = schema.MODEL["channels"].fields["capabilities"].fields
    offered = {(kind, level) for kind, spec in fields.items() for level in spec.choices}
    assert offered == set(versions.CAPABILITIES_SINCE)


@pytest.mark.parametrize("wrong", [False, True])
def test_all_mistakes_of_fifty_hosts_are_found_at_once(wrong: bool) -> None:
    """How long that may take, `make bench` judges."""
    model = big_model()
    for org in model["organizations"] if wrong else []:
        for node in [*org.get("peers", []), *org.get("orderers", [])]:
            node["memry"] = "1g"
            node["host"] = node["host"].replace("host", "hots")
    try:
        problems = len(load(model, BIG_HOSTS).warnings)
    except ModelError as error:
        problems = len(error.problems)
    assert problems == (210 if wrong else 0)
