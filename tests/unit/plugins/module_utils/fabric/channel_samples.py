"""A sample channel for tests, and Fabric's own tools as oracles for it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx import (
    APPLICATION_ORGANIZATION_POLICIES,
    APPLICATION_POLICIES,
    CHANNEL_POLICIES,
    ORDERER_ORGANIZATION_POLICIES,
    ORDERER_POLICIES,
    Consenter,
    Member,
    Members,
    channel_group,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import (
    ChannelDefinition,
)
from ansible_collections.selvedge.fabric.tests.live.network import oracle
from ansible_collections.selvedge.fabric.tests.live.pki import MemoryStore, TestOrganization

CHANNEL = "demo"


@dataclass(frozen=True)
class Sample:
    """Option, checked definition and members of a channel with two peer and one orderer organisations."""

    option: dict[str, Any]
    members: Members

    @property
    def definition(self) -> ChannelDefinition:
        return ChannelDefinition.from_option(CHANNEL, self.option)

    def group(self, **changes: Any) -> Any:
        """The configuration tree; ``changes`` replace keys of the option."""
        definition = ChannelDefinition.from_option(CHANNEL, {**self.option, **changes})
        return channel_group(definition, self.members)


def make_sample(applications: tuple[str, ...] = ("Org1", "Org2"), orderers: int = 3) -> Sample:
    """A new sample with its own certificates."""
    store = MemoryStore()
    orderer_org = TestOrganization("OrdererOrg", "orderer.lab", "orderer", store)
    names = [f"orderer{index}.orderer.lab" for index in range(orderers)]
    consenters = []
    for name in names:
        cert = orderer_org.enrol(f"nodes/{name}", "orderer", name)["tls_cert"]
        consenters.append(Consenter(f"{name}:7050", cert, cert))
    organizations = [TestOrganization(name, f"{name.lower()}.lab", "peer", store) for name in applications]
    members = Members(
        application=tuple(_member(org, (f"peer0.{org.domain}:7051",)) for org in organizations),
        orderer=(_member(orderer_org, tuple(f"{name}:7050" for name in names)),),
        consenters=tuple(consenters),
    )
    option = {
        "organizations": list(applications),
        "orderer_organizations": ["OrdererOrg"],
        "orderers": names,
        "peers": [f"peer0.{org.domain}" for org in organizations],
    }
    return Sample(option, members)


def _member(org: TestOrganization, addresses: tuple[str, ...]) -> Member:
    return Member(org.name, org.msp_id, org.ca.cert, org.tls_ca.cert, addresses)


def decode(message: Any, kind: str) -> dict[str, Any]:
    """``configtxlator proto_decode --type KIND``: the message as Fabric's own JSON."""
    result = subprocess.run(
        [str(oracle("configtxlator")), "proto_decode", "--type", kind],
        input=message if isinstance(message, bytes) else message.SerializeToString(),
        capture_output=True,
        check=True,
    )
    decoded: dict[str, Any] = json.loads(result.stdout)
    return decoded


def configtxgen(sample: Sample, definition: ChannelDefinition, folder: Path) -> bytes:
    """The genesis block that configtxgen makes of the same facts."""
    members = sample.members
    overrides = definition.policies
    applications = []
    for member in members.application:
        organization = _yaml_organization(member, APPLICATION_ORGANIZATION_POLICIES, definition, folder)
        organization["AnchorPeers"] = [_yaml_address(address) for address in member.addresses]
        applications.append(organization)
    orderers = []
    for member in members.orderer:
        organization = _yaml_organization(member, ORDERER_ORGANIZATION_POLICIES, definition, folder)
        organization["OrdererEndpoints"] = list(member.addresses)
        orderers.append(organization)
    consenters = []
    for index, consenter in enumerate(members.consenters):
        client, server = folder / f"client{index}.pem", folder / f"server{index}.pem"
        client.write_text(consenter.client_tls_cert)
        server.write_text(consenter.server_tls_cert)
        entry = {"ClientTLSCert": str(client), "ServerTLSCert": str(server)}
        consenters.append({**_yaml_address(consenter.address), **entry})
    application = {
        "Policies": _yaml_policies({**APPLICATION_POLICIES, **overrides.get("application", {})}),
        "Capabilities": {definition.capabilities["application"]: True},
        "Organizations": applications,
    }
    if definition.acls:
        application["ACLs"] = dict(definition.acls)
    profile = {
        "Policies": _yaml_policies({**CHANNEL_POLICIES, **overrides.get("channel", {})}),
        "Capabilities": {definition.capabilities["channel"]: True},
        "Application": application,
        "Orderer": {
            "OrdererType": "etcdraft",
            "BatchTimeout": definition.batch_timeout,
            "BatchSize": {
                "MaxMessageCount": definition.batch_max_messages,
                "AbsoluteMaxBytes": definition.batch_absolute_max_bytes,
                "PreferredMaxBytes": definition.batch_preferred_max_bytes,
            },
            "EtcdRaft": {
                "Consenters": consenters,
                "Options": {
                    "TickInterval": definition.raft.tick_interval,
                    "ElectionTick": definition.raft.election_tick,
                    "HeartbeatTick": definition.raft.heartbeat_tick,
                    "MaxInflightBlocks": definition.raft.max_inflight_blocks,
                    "SnapshotIntervalSize": definition.raft.snapshot_interval_size,
                },
            },
            "Policies": _yaml_policies({**ORDERER_POLICIES, **overrides.get("orderer", {})}),
            "Capabilities": {definition.capabilities["orderer"]: True},
            "Organizations": orderers,
        },
    }
    (folder / "configtx.yaml").write_text(yaml.safe_dump({"Profiles": {"Sample": profile}}))
    output = folder / "genesis.block"
    command = [str(oracle("configtxgen")), "-configPath", str(folder), "-profile", "Sample"]
    command += ["-channelID", definition.name, "-outputBlock", str(output)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return output.read_bytes()


def _yaml_policies(policies: dict[str, str]) -> dict[str, dict[str, str]]:
    return {
        name: {"Type": "Signature" if "(" in rule else "ImplicitMeta", "Rule": rule}
        for name, rule in policies.items()
    }


def _yaml_address(address: str) -> dict[str, Any]:
    host, port = address.rsplit(":", 1)
    return {"Host": host, "Port": int(port)}


def _yaml_organization(
    member: Member, policies: dict[str, str], definition: ChannelDefinition, folder: Path
) -> dict[str, Any]:
    msp = folder / "msp" / member.name
    for name, text in {"cacerts/ca.pem": member.ca_cert, "tlscacerts/ca.pem": member.tls_ca_cert}.items():
        (msp / name).parent.mkdir(parents=True, exist_ok=True)
        (msp / name).write_text(text)
    units = {
        f"{unit.title()}OUIdentifier": {"OrganizationalUnitIdentifier": unit}
        for unit in ("client", "peer", "admin", "orderer")
    }
    (msp / "config.yaml").write_text(yaml.safe_dump({"NodeOUs": {"Enable": True, **units}}))
    own = {name: rule.format(member.msp_id) for name, rule in policies.items()}
    own |= definition.policies.get("organizations", {}).get(member.name, {})
    return {"Name": member.name, "ID": member.msp_id, "MSPDir": str(msp), "Policies": _yaml_policies(own)}
