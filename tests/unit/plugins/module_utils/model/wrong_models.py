"""A wrong model for every rule: what is changed in the lab's model, and exactly what the operator reads."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    COUCHDB_IMAGE,
    GRAFANA_IMAGE,
    LAB_HOSTS,
    MONITORING,
    SINK,
    lab_model,
)

Change = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Wrong:
    """One wrong model.

    :param rule: the rule that finds it
    :param change: what makes the lab's model wrong
    :param lines: everything that is said of it
    :param hosts: what is different in the inventory, by host
    """

    rule: str
    change: Change
    lines: list[str]
    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def model(self) -> dict[str, Any]:
        model = lab_model()
        self.change(model)
        return model

    def inventory(self) -> dict[str, dict[str, Any]]:
        names = [*LAB_HOSTS, *(name for name in self.hosts if name not in LAB_HOSTS)]
        return {name: {**LAB_HOSTS.get(name, {}), **self.hosts.get(name, {})} for name in names}


def _at(model: Any, path: str) -> tuple[Any, Any]:
    """The place and the last key of a path such as ``organizations.1.peers.0.port``."""
    *folders, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
    for folder in folders:
        model = model.setdefault(folder, {}) if isinstance(model, dict) else model[folder]
    return model, last


def put(path: str, value: Any) -> Change:
    """Set one key."""

    def change(model: dict[str, Any]) -> None:
        place, last = _at(model, path)
        place[last] = value

    return change


def add(path: str, *values: Any) -> Change:
    """Add items to a list."""

    def change(model: dict[str, Any]) -> None:
        place, last = _at(model, path)
        place[last] = [*place[last], *values]

    return change


def both(*changes: Change) -> Change:
    """Several changes, one after the other."""

    def change(model: dict[str, Any]) -> None:
        for one in changes:
            one(model)

    return change


def watch(*changes: Change, **settings: Any) -> Change:
    """Monitoring with everything that a model can say of it, and ``changes`` in it."""

    def change(model: dict[str, Any]) -> None:
        model["monitoring"] = {**copy.deepcopy(MONITORING), **settings}
        for one in changes:
            one(model["monitoring"])

    return change


# What the lab's model runs of upstream's.
PULLED = ("fabric-ca:1.5.15", "fabric-orderer:2.5.9", "fabric-peer:2.5.9", "openbao:2.4.0", "registry:3.0.0")
FABRIC_2_4_9 = ("fabric-orderer:2.4.9", "fabric-peer:2.4.9")


def pull(*more: str) -> Change:
    """Take images from upstream: those of the lab's model, and ``more``."""

    def change(model: dict[str, Any]) -> None:
        model["image_source"] = "pull"
        model["upstream_images"] = {
            label: f"mirror.example/{label.partition(':')[0]}@sha256:{number:064x}"
            for number, label in enumerate([*PULLED, *more])
        }

    return change


def nothing(model: dict[str, Any]) -> None:
    """The model is right, the inventory is not."""


OWN_NAME = "If it is one of your own, give it a name that is less like that"
ADDRESS = "give the host the variable selvedge_address with the IPv4 address that the other hosts use"
KEEP_ONE = "give each its own, or keep one of them in the inventory"
INVENTORY = "hosts of the inventory are host1, host2, host3"
POLICY = "chaincodes.0.endorsement_policy"
READABLE = "write it like AND('Org1MSP.peer', 'Org2MSP.peer'), or name a channel's policy by its path"
PATHS = (
    "policies are /Channel/Application/Endorsement, /Channel/Application/LifecycleEndorsement, "
    "/Channel/Application/Readers, /Channel/Application/org1/Endorsement, /Channel/Application/org1/Readers, "
    "/Channel/Application/org2/Endorsement, /Channel/Application/org2/Readers"
)
TOO_MANY = "ask for fewer signatures, and for the role peer"
CHAINCODE = {"name": "bonds", "channel": "main", "version": "1.0"}


def _unmet(text: str) -> str:
    return (
        f"chaincodes[assets].endorsement_policy: is {text!r}, which the channel's peers can never meet: "
        f"there are 2 of Org1MSP, 2 of Org2MSP; {TOO_MANY}"
    )


MISTAKES = [
    # Hosts
    Wrong("addresses_are_ipv4", nothing,
          [f"hosts[host2].selvedge_address: is 'fd00::2', no IPv4 address; {ADDRESS}"],
          {"host2": {"address": "fd00::2"}}),
    Wrong("addresses_are_ipv4", nothing,
          [f"hosts[host1].selvedge_address: is '127.0.0.1', no address that other hosts can use; {ADDRESS}"],
          {"host1": {"address": "127.0.0.1"}}),
    Wrong("addresses_stand_once", nothing,
          [f"hosts[host3].selvedge_address: is '172.30.10.11', which host host1 has; {KEEP_ONE}"],
          {"host3": {"address": "172.30.10.11"}}),
    Wrong("seals_are_known", nothing,
          ["hosts[host2].selvedge_seal: is 'tpm', which is no way to keep boot material; one of systemd-creds, none"],
          {"host2": {"seal": "tpm"}}),
    Wrong("variables_are_spelled_right", nothing,
          [f"hosts[host2].selvedge_adress: is no variable of Selvedge; did you mean 'selvedge_address'? {OWN_NAME}",
           f"hosts[host2, host3].selvedge_seel: is no variable of Selvedge; did you mean 'selvedge_seal'? {OWN_NAME}"],
          {"host2": {"variables": ["selvedge_adress", "selvedge_seel"]},
           "host3": {"variables": ["selvedge_address", "selvedge_seel"]}}),
    Wrong("variables_are_spelled_right", nothing,
          [f"selvedge_statedir: is no variable of Selvedge; did you mean 'selvedge_state_dir'? {OWN_NAME}"],
          {f"host{number}": {"variables": ["selvedge_statedir"]} for number in (1, 2, 3)}),
    Wrong("machines_stand_once", nothing,
          [f"hosts[spare].ansible_host: is '127.0.10.2' with SSH port 22, which host host2 has; {KEEP_ONE}"],
          {"spare": {"reach": "127.0.10.2", "address": "172.30.10.9"}}),
    Wrong("machines_stand_once", nothing,
          [f"hosts[host3].ansible_host: is '10.0.0.1' with SSH port 2222, which host host1 has; {KEEP_ONE}"],
          {"host1": {"reach": "10.0.0.1", "port": 2222}, "host3": {"reach": "10.0.0.1", "port": "2222"},
           "host2": {"reach": "10.0.0.2"}}),
    Wrong("hosts_exist", put("registry.host", "nowhere"),
          [f"registry.host: names host 'nowhere', which the inventory does not have; {INVENTORY}"]),
    Wrong("hosts_exist", put("secrets_store.host", "Hots1"),
          ["secrets_store.host: names host 'Hots1', which the inventory does not have; "
           f"did you mean 'host1'? {INVENTORY}"]),
    Wrong("hosts_exist", put("organizations.1.ca.host", "x"),
          [f"organizations[org1].ca.host: names host 'x', which the inventory does not have; {INVENTORY}"]),
    Wrong("hosts_exist", put("organizations.0.orderers.2.host", "x"),
          ["organizations[orderers].orderers[orderer3].host: names host 'x', which the inventory does not have; "
           + INVENTORY]),
    Wrong("hosts_exist", put("organizations.1.peers.1.host", "x"),
          [f"organizations[org1].peers[peer1].host: names host 'x', which the inventory does not have; {INVENTORY}"]),
    # Ports
    Wrong("ports_stand_once", put("organizations.1.peers.0.port", 5000),
          ["organizations[org1].peers[peer0].port: is 5000 on host1, which registry.port has; "
           "give one of them another port"]),
    Wrong("ports_stand_once", put("secrets_store.port", 5000),
          ["secrets_store.port: is 5000 on host1, which registry.port has; give one of them another port"]),
    Wrong("ports_stand_once", put("organizations.0.orderers.1.admin_port", 7050),
          ["organizations[orderers].orderers[orderer2].admin_port: is 7050 on host2, "
           "which organizations[orderers].orderers[orderer2].port has; give one of them another port"]),
    Wrong("ports_stand_once", put("organizations.2.peers.0.operations_port", 9445),
          ["organizations[org2].peers[peer0].operations_port: is 9445 on host2, "
           "which organizations[org1].peers[peer1].operations_port has; give one of them another port"]),
    Wrong("ports_stand_once", both(put("registry.host", "host1"), put("secrets_store.host", "vm"),
                                   put("secrets_store.port", 5000)),
          ["secrets_store.port: is 5000 on vm, which is host1 by another name, which registry.port has; "
           "give one of them another port"],
          {"vm": {"reach": "127.0.10.1", "address": "172.30.10.9", "port": 2222}}),
    Wrong("ports_leave_ssh_alone", put("registry.port", 22),
          ["registry.port: is 22 on host1, the port of SSH; give another port"]),
    Wrong("ports_leave_ssh_alone", put("organizations.2.peers.1.port", 2222),
          ["organizations[org2].peers[peer1].port: is 2222 on host3, the port of SSH; give another port"],
          {"host3": {"port": "2222"}}),
    Wrong("ports_stand_once", watch(port=8200, host="host1"),
          ["monitoring.port: is 8200 on host1, which secrets_store.port has; give one of them another port"]),
    Wrong("ports_stand_once", watch(node_exporter_port=7051),
          ["monitoring.node_exporter_port: is 7051 on host1, which organizations[org1].peers[peer0].port has; "
           "give one of them another port",
           "monitoring.node_exporter_port: is 7051 on host2, which organizations[org1].peers[peer1].port has; "
           "give one of them another port"]),
    Wrong("ports_stand_once", watch(logs={"port": 9090}),
          ["monitoring.logs.port: is 9090 on host3, which monitoring.port has; give one of them another port"]),
    Wrong("ports_stand_once", watch(grafana={"image": GRAFANA_IMAGE, "port": 9093}),
          ["monitoring.grafana.port: is 9093 on host3, which monitoring.alertmanager_port has; "
           "give one of them another port"]),
    Wrong("ports_stand_once", both(watch(), put("couchdb", {"image": COUCHDB_IMAGE}),
                                   put("organizations.1.peers.0.couchdb_port", 9445)),
          ["organizations[org1].peers[peer0].couchdb_port: is 9445 on host1, which "
           "organizations[org1].peers[peer0].operations_port has; give one of them another port"]),
    Wrong("ports_leave_ssh_alone", watch(logs={"collector_port": 22, "sink": dict(SINK)}),
          [f"monitoring.logs.collector_port: is 22 on {host}, the port of SSH; give another port"
           for host in ("host1", "host2", "host3")]),
    Wrong("ports_leave_ssh_alone", watch(alertmanager_port=22),
          ["monitoring.alertmanager_port: is 22 on host3, the port of SSH; give another port"]),
    Wrong("hosts_exist", watch(host="host9"),
          [f"monitoring.host: names host 'host9', which the inventory does not have; {INVENTORY}"]),
    # Names
    Wrong("names_stand_once",
          watch(add("receivers", {"name": "oncall", "kind": "webhook", "secret": "org1/receivers/other"})),
          ["monitoring.receivers[oncall]: stands 2 times; give each a name of its own"]),
    Wrong("names_stand_once", put("organizations.1.peers.1.name", "peer0"),
          ["organizations[org1].peers[peer0]: stands 2 times; give each a name of its own"]),
    Wrong("names_stand_once", put("organizations.0.orderers.1.name", "orderer1"),
          ["organizations[orderers].orderers[orderer1]: stands 2 times; give each a name of its own"]),
    Wrong("names_stand_once", add("channels", {"name": "main", "organizations": ["org1"]}),
          ["channels[main]: stands 2 times; give each a name of its own"]),
    Wrong("names_stand_once", add("chaincodes", {"name": "assets", "channel": "main", "version": "2"}),
          ["chaincodes[assets]: stands 2 times; give each a name of its own"]),
    Wrong("names_stand_once", add("organizations", {"name": "org2", "ca": {"host": "host1"}}),
          ["organizations[org2]: stands 2 times; give each a name of its own"]),
    Wrong("full_names_stand_once", put("organizations.1.peers.1.name", "ca"),
          ["organizations[org1].peers[ca]: has the full name ca.org1.lab.example, which organizations[org1].ca has; "
           "give it another name"]),
    Wrong("full_names_stand_once", put("organizations.0.orderers.1.name", "admin"),
          ["organizations[orderers].orderers[admin]: has the full name admin.orderers.lab.example, "
           "which the admin of organizations[orderers] has; give it another name"]),
    Wrong("full_names_fit_certificates", put("domain", "a-long-name.of-a-department.of-a-company.example.com"),
          ["organizations[orderers].orderers[orderer1]: has the full name "
           "orderer1.orderers.a-long-name.of-a-department.of-a-company.example.com of 70 characters, "
           "a certificate takes 64, and 7 more are too long; give a shorter name or domain"]),
    Wrong("full_names_fit_certificates", put("chaincodes.0.name", "certificates-of-origin-and-their-transfers"),
          ["chaincodes[certificates-of-origin-and-their-transfers]: has the full name "
           "certificates-of-origin-and-their-transfers.peer0.org1.lab.example of 65 characters, "
           "a certificate takes 64, and 3 more are too long; give a shorter name or domain"]),
    Wrong("organizations_leave_reserved_names_alone",
          add("organizations", {"name": "sys", "ca": {"host": "host1"}}),
          ["organizations[sys].name: is a name that the secrets store keeps for itself; "
           "give one that is none of audit, auth, cubbyhole, identity, sys"]),
    Wrong("organizations_leave_the_monitoring_its_name",
          add("organizations", {"name": "monitoring", "ca": {"host": "host1"}}),
          ["organizations[monitoring].name: is what stands in the names of the monitoring's containers; "
           "give another name"]),
    Wrong("full_names_stand_once", both(watch(), add("organizations.1.peers", {"name": "monitor", "host": "host3"})),
          ["organizations[org1].peers[monitor]: has the full name monitor.org1.lab.example, which the monitoring's "
           "client of organizations[org1] has; give it another name"]),
    Wrong("full_names_stand_once", both(put("couchdb", {"image": COUCHDB_IMAGE}), put("chaincodes.0.name", "couchdb")),
          [f"chaincodes[couchdb]: has the full name couchdb.{peer}.{org}.lab.example, which the CouchDB of "
           f"organizations[{org}].peers[{peer}] has; give it another name"
           for org in ("org1", "org2") for peer in ("peer0", "peer1")]),
    Wrong("msp_ids_stand_once", put("organizations.2.msp_id", "Org1MSP"),
          ["organizations[org2].msp_id: is 'Org1MSP', which organizations[org1] has; "
           "give one of them another MSP id"]),
    # Organisations, channels, chaincodes
    Wrong("organizations_order_or_endorse", put("organizations.0.peers", [{"name": "p", "host": "host3"}]),
          ["organizations[orderers]: has peers and orderers; give the orderers an organisation of their own"]),
    Wrong("channels_have_orderers", put("organizations.0.orderers", []),
          ["organizations: have no orderer, but there are channels; give one organisation orderers"]),
    Wrong("channel_members_have_peers", add("channels.0.organizations", "orderers"),
          ["channels[main].organizations: names 'orderers', which is no organisation with peers; "
           "organisations with peers are org1, org2"]),
    Wrong("channel_members_have_peers", put("channels.0.organizations", ["org-2"]),
          ["channels[main].organizations: names 'org-2', which is no organisation with peers; "
           "did you mean 'org2'? organisations with peers are org1, org2"]),
    Wrong("channel_members_stand_once", add("channels.0.organizations", "org1", "org1"),
          ["channels[main].organizations: names 'org1' 3 times; name it once"]),
    Wrong("chaincode_channels_exist", put("chaincodes.0.channel", "mian"),
          ["chaincodes[assets].channel: names 'mian', which is not in channels; "
           "did you mean 'main'? channels are main"]),
    Wrong("chaincode_channels_exist", both(put("channels", []), put("organizations.0.orderers", [])),
          ["chaincodes[assets].channel: names 'main', which is not in channels; channels are none"]),
    # Endorsement
    Wrong("endorsement_policies_are_readable", put(POLICY, "AND('Org1MSP.peer', 'Org2MSP.peer'"),
          ["chaincodes[assets].endorsement_policy: \"AND('Org1MSP.peer', 'Org2MSP.peer'\" is not a signature policy: "
           f"expected mark, found 'the end'; {READABLE}"]),
    Wrong("endorsement_policies_are_readable", put(POLICY, "XOR('Org1MSP.peer', 'Org2MSP.peer')"),
          ["chaincodes[assets].endorsement_policy: \"XOR('Org1MSP.peer', 'Org2MSP.peer')\" is not a signature policy: "
           f"'XOR' is no gate, found \"('Org1MSP.peer', 'Org2MSP.peer')\"; {READABLE}"]),
    Wrong("endorsement_policies_are_readable", put(POLICY, "OutOf(3, 'Org1MSP.peer', 'Org2MSP.peer')"),
          ["chaincodes[assets].endorsement_policy: \"OutOf(3, 'Org1MSP.peer', 'Org2MSP.peer')\" is not a signature "
           f"policy: 3 of 2 rules can never decide anything, found 'the end'; {READABLE}"]),
    Wrong("endorsement_paths_exist", put(POLICY, "/Channel/Application/Endorsment"),
          ["chaincodes[assets].endorsement_policy: is '/Channel/Application/Endorsment', which is no policy of the "
           "channel that peers can meet; did you mean '/Channel/Application/Endorsement'?"]),
    Wrong("endorsement_paths_exist", put(POLICY, "/Application/Endorsement"),
          ["chaincodes[assets].endorsement_policy: is '/Application/Endorsement', which is no policy of the "
           "channel that peers can meet; did you mean '/Channel/Application/Endorsement'?"]),
    Wrong("endorsement_paths_exist", put(POLICY, "/x"),
          ["chaincodes[assets].endorsement_policy: is '/x', which is no policy of the channel that peers can meet; "
           + PATHS]),
    Wrong("endorsers_are_members", put(POLICY, "AND('Org1MSP.peer', 'Orgg2MSP.peer')"),
          ["chaincodes[assets].endorsement_policy: asks for 'Orgg2MSP', which is no MSP id of the channel's "
           "organisations; did you mean 'Org2MSP'? they are Org1MSP, Org2MSP"]),
    Wrong("endorsers_are_members",
          both(put("channels.0.organizations", ["org1"]), put(POLICY, "OR('Org1MSP.peer', 'Org2MSP.peer')")),
          ["chaincodes[assets].endorsement_policy: asks for 'Org2MSP', which is no MSP id of the channel's "
           "organisations; did you mean 'Org1MSP'? they are Org1MSP"]),
    Wrong("endorsements_can_be_given",
          put(POLICY, "AND('Org1MSP.peer', 'Org1MSP.peer', 'Org1MSP.member')"),
          [_unmet("AND('Org1MSP.peer', 'Org1MSP.peer', 'Org1MSP.member')")]),
    Wrong("endorsements_can_be_given", put(POLICY, "AND('Org1MSP.admin', 'Org2MSP.peer')"),
          [_unmet("AND('Org1MSP.admin', 'Org2MSP.peer')")]),
    # Monitoring
    Wrong("the_monitoring_has_an_organization", watch(organization="org3"),
          ["monitoring.organization: names 'org3', which is not in organizations; "
           "organisations are orderers, org1, org2"]),
    Wrong("credentials_of_the_monitoring_are_its_own", watch(put("receivers.0.secret", "acme/receivers/oncall")),
          ["monitoring.receivers[oncall].secret: is below 'acme', which is no organisation; "
           "organisations are orderers, org1, org2"]),
    Wrong("credentials_of_the_monitoring_are_its_own", watch(put("remote_write.0.secret", "org1/ca/server")),
          ["monitoring.remote_write[archive].secret: is 'org1/ca/server', among the keys of Selvedge; "
           "keep it elsewhere, such as org1/receivers/archive"]),
    Wrong("credentials_of_the_monitoring_are_its_own", watch(logs={"sink": {**SINK, "secret": "org9/logs/sink"}}),
          ["monitoring.logs.sink.secret: is below 'org9', which is no organisation; "
           "organisations are orderers, org1, org2"]),
    Wrong("credentials_of_the_monitoring_are_its_own", watch(logs={"sink": {**SINK, "secret": "org1/nodes/peer0"}}),
          ["monitoring.logs.sink.secret: is 'org1/nodes/peer0', among the keys of Selvedge; "
           "keep it elsewhere, such as org1/receivers/logs"]),
    Wrong("users_have_passwords", watch(put("receivers.1.secret", None), put("remote_write.0.user", None)),
          ["monitoring.receivers[mail].secret: is missing; give the path of the secret with the user's password",
           "monitoring.remote_write[archive].user: is missing; say whose password the secret has"]),
    Wrong("receivers_can_be_reached", watch(put("receivers.0.secret", None), put("receivers.0.to", "a@example.org")),
          ["monitoring.receivers[oncall].secret: is missing; give the path of the secret whose field url has the "
           "address", "monitoring.receivers[oncall].to: is of email, and this is a webhook; leave it out"]),
    Wrong("receivers_can_be_reached", watch(put("receivers.1.smarthost", None)),
          ["monitoring.receivers[mail].smarthost: is missing; email has to, from and smarthost"]),
    Wrong("receivers_hear_of_severities", watch(put("receivers.0.severities", ["critcal"])),
          ["monitoring.receivers[oncall].severities: names 'critcal', which no alert has; did you mean 'critical'? "
           "severities are critical, info, warning"]),
    # Versions and limits
    Wrong("versions_are_built", watch(version="2.53.0", blackbox_exporter_version="0.27.0"),
          ["monitoring.version: is '2.53.0', which is not built here; give one of 3.13.5, or image_source: pull",
           "monitoring.blackbox_exporter_version: is '0.27.0', which is not built here; "
           "give one of 0.26.0, or image_source: pull"]),
    Wrong("versions_are_built", watch(logs={"version": "2.9.0", "collector_version": "0.150.0"}),
          ["monitoring.logs.collector_version: is '0.150.0', which is not built here; "
           "give one of 0.149.0, or image_source: pull",
           "monitoring.logs.version: is '2.9.0', which is not built here; give one of 3.5.0, or image_source: pull"]),
    Wrong("versions_have_what_is_needed", put("fabric_version", "2.2.0"),
          ["fabric_version: is '2.2.0': before 2.3.0 orderers have no channel participation API, "
           "and before 2.4.0 peers have no Gateway; give one of 2.5.0, 2.5.9, 3.1.0, 3.1.1"]),
    Wrong("versions_have_what_is_needed", put("ca_version", "1.4.9"),
          ["ca_version: is '1.4.9': before 1.5.0 the server is not supported; "
           "give one of 1.5.15"]),
    Wrong("versions_have_what_is_needed", both(put("secrets_store.version", "2.3.1"), pull("openbao:2.3.1")),
          ["secrets_store.version: is '2.3.1': before 2.4.0 the store cannot unseal or initialise itself; "
           "give one of 2.4.0"]),
    Wrong("versions_are_built", put("fabric_version", "2.5.8"),
          ["fabric_version: is '2.5.8', which is not built here; "
           "give one of 2.5.0, 2.5.9, 3.1.0, 3.1.1, or image_source: pull"]),
    Wrong("versions_are_built", both(put("ca_version", "1.5.16"), put("secrets_store.version", "2.4.1")),
          ["ca_version: is '1.5.16', which is not built here; give one of 1.5.15, or image_source: pull",
           "secrets_store.version: is '2.4.1', which is not built here; give one of 2.4.0, or image_source: pull"]),
    Wrong("pulled_images_have_digests", both(pull(), put("fabric_version", "2.5.12")),
          [f"upstream_images[fabric-{kind}:2.5.12]: is missing, where there is fabric-{kind}:2.5.9; give "
           f"docker.io/hyperledger/fabric-{kind}@sha256:..., the digest that `docker buildx imagetools inspect "
           f"docker.io/hyperledger/fabric-{kind}:2.5.12` prints (or: skopeo inspect --format '{{{{.Digest}}}}' "
           f"docker://docker.io/hyperledger/fabric-{kind}:2.5.12)" for kind in ("orderer", "peer")]),
    Wrong("pulled_images_have_digests", pull("registry:2.8.3"),
          ["upstream_images[registry:...]: are 2 versions of the registry, 3.0.0 and 2.8.3; give one"]),
    Wrong("pulled_images_have_digests", pull("chaincode-python:1.0.0"),
          ["upstream_images[chaincode-python:1.0.0]: is not of an image that upstream has; upstream has alertmanager, "
           "blackbox-exporter, fabric-ca, fabric-orderer, fabric-peer, fluent-bit, loki, node-exporter, openbao, "
           "prometheus, registry; leave it out, this image is built"]),
    Wrong("pulled_images_have_digests", pull("grafana:12.1.0"),
          ["upstream_images[grafana:12.1.0]: is not looked at; say it at monitoring.grafana.image"]),
    Wrong("capabilities_fit_the_version", put("channels.0.capabilities.channel", "V3_0"),
          ["channels[main].capabilities.channel: is 'V3_0', which nodes know from 3.0.0 on, and fabric_version is "
           "'2.5.9'; give V2_0, or a fabric_version from 3.0.0 on"]),
    Wrong("fluent_bit_has_what_it_needs", watch(logs={"collector": "fluent-bit", "sink": dict(SINK)}),
          ["monitoring.logs.collector: is 'fluent-bit', which is not built here; "
           "give image_source: pull, or give collector: otel-collector",
           "monitoring.logs.collector: is 'fluent-bit', which is told only of a Loki of our own; "
           "leave monitoring.logs.sink out, or give collector: otel-collector"]),
    Wrong("capabilities_fit_the_version", both(put("fabric_version", "2.4.9"), pull(*FABRIC_2_4_9)),
          ["channels[main].capabilities.application: is 'V2_5', which nodes know from 2.5.0 on, and fabric_version "
           "is '2.4.9'; give V2_0, or a fabric_version from 2.5.0 on"]),
    Wrong("memory_is_enough_for_the_engine",
          both(put("organizations.1.peers.0.memory", "5m"), put("chaincodes.0.memory", "1m"),
               put("secrets_store.memory", "6m")),
          ["organizations[org1].peers[peer0].memory: is '5m', the engine refuses less than 6m; give more",
           "chaincodes[assets].memory: is '1m', the engine refuses less than 6m; give more"]),
    Wrong("memory_is_enough_for_the_engine", put("couchdb", {"image": COUCHDB_IMAGE, "memory": "5m"}),
          ["couchdb.memory: is '5m', the engine refuses less than 6m; give more"]),
    Wrong("pulled_images_have_digests", pull("couchdb:3.5.0"),
          ["upstream_images[couchdb:3.5.0]: is not looked at; say it at couchdb.image"]),
    Wrong("memory_is_enough_for_the_engine", watch(grafana={"image": GRAFANA_IMAGE, "memory": "5m"}),
          ["monitoring.grafana.memory: is '5m', the engine refuses less than 6m; give more"]),
]  # fmt: skip

_SPREAD = "spread them over hosts, three at least"
ORDERERS = "organizations.0.orderers"


def _orderers(*hosts: str) -> Change:
    return put(ORDERERS, [{"name": f"o{number}", "host": host} for number, host in enumerate(hosts)])


WARNINGS = [
    Wrong("variables_are_read", nothing,
          ["hosts[host1].selvedge_rack: is no variable of Selvedge, and is not read; known are selvedge_address, "
           "selvedge_break_lock, selvedge_images, selvedge_network, selvedge_seal, selvedge_state_dir; give one of "
           "your own another beginning"],
          {"host1": {"variables": ["selvedge_host", "selvedge_rack", "selvedge_seal"]}}),
    Wrong("somebody_hears_of_alerts", watch(put("receivers.0.severities", ["info"]),
                                            put("receivers.1.severities", ["warning"])),
          ["monitoring.receivers: has no receiver for critical alerts, so nobody is woken; "
           "give one with kind webhook or email"]),
    Wrong("consenters_are_odd", _orderers("host1", "host2"),
          ["organizations: have 2 orderers, which survive the loss of 0, as 1 do; give 1 or 3"]),
    Wrong("consenters_are_odd", _orderers("host1", "host2", "host3", "host4"),
          ["organizations: have 4 orderers, which survive the loss of 1, as 3 do; give 3 or 5"],
          {"host4": {"reach": "127.0.10.4", "address": "172.30.10.14"}}),
    Wrong("no_host_has_the_quorum", _orderers("host1", "host1", "host1"),
          [f"organizations: have all 3 orderers on host1, so without it all channels stand still; {_SPREAD}"]),
    Wrong("no_host_has_the_quorum", _orderers("host1", "host2", "host1"),
          [f"organizations: have 2 of 3 orderers on host1, so without it all channels stand still; {_SPREAD}"]),
    Wrong("no_host_has_the_quorum", _orderers("host2"),
          [f"organizations: have 1 of 1 orderers on host2, so without it all channels stand still; {_SPREAD}"]),
    Wrong("members_have_anchors",
          both(put("organizations.1.peers.0.anchor", False), put("organizations.1.peers.1.anchor", False)),
          ["organizations[org1].peers: have no anchor, so the other organisations of channel main do not find them; "
           "give one of them anchor: true"]),
]  # fmt: skip
