"""Configuration updates, compared with ``configtxlator compute_update`` over many edits."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx import config_value
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_policies import policy_from_text
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configupdate import (
    compute_update,
    concerned_organizations,
    update_envelope,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.signing import Signer
from ansible_collections.selvedge.fabric.tests.live.network import oracle
from ansible_collections.selvedge.fabric.tests.live.pki import MemoryStore, TestOrganization
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.channel_samples import (
    CHANNEL,
    make_sample,
)
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fabric_protos.common import common_pb2, configtx_pb2
from fabric_protos.orderer import configuration_pb2

Edit = Callable[[Any], None]


def _batch_timeout(root: Any) -> None:
    message = configuration_pb2.BatchTimeout(timeout="7s")
    root.groups["Orderer"].values["BatchTimeout"].CopyFrom(config_value(message))


def _drop_anchor(root: Any) -> None:
    del root.groups["Application"].groups["Org1"].values["AnchorPeers"]


def _add_organization(root: Any) -> None:
    groups = root.groups["Application"].groups
    groups["Org3"].CopyFrom(groups["Org1"])


def _add_deep_group(root: Any) -> None:
    root.groups["Application"].groups["Org1"].groups["Below"].groups["Deep"].CopyFrom(root.groups["Orderer"])


def _remove_organization(root: Any) -> None:
    del root.groups["Application"].groups["Org2"]


def _mod_policy_of_group(root: Any) -> None:
    root.groups["Application"].mod_policy = "Writers"


def _mod_policy_of_value(root: Any) -> None:
    root.groups["Orderer"].values["BatchSize"].mod_policy = "/Channel/Admins"


def _policy(root: Any) -> None:
    policy = policy_from_text("ALL Writers")
    root.groups["Application"].policies["Endorsement"].policy.CopyFrom(policy)


def _add_policy(root: Any) -> None:
    root.policies["New"].CopyFrom(root.policies["Readers"])


def _remove_policy(root: Any) -> None:
    del root.groups["Orderer"].groups["OrdererOrg"].policies["Writers"]


def _empty_group(root: Any) -> None:
    root.groups["Empty"].SetInParent()


def _everything(root: Any) -> None:
    for edit in EDITS[:-1]:
        edit(root)


EDITS: list[Edit] = [
    _batch_timeout, _drop_anchor, _add_organization, _add_deep_group, _remove_organization,
    _mod_policy_of_group, _mod_policy_of_value, _policy, _add_policy, _remove_policy,
    _empty_group, _everything,
]  # fmt: skip


@pytest.fixture(scope="module")
def original() -> Any:
    """A configuration that has a history: versions are random."""
    config = configtx_pb2.Config(sequence=5, channel_group=make_sample().group())
    chance = random.Random(1)

    def age(group: Any) -> None:
        group.version = chance.randrange(4)
        for elements in (group.values, group.policies):
            for element in elements.values():
                element.version = chance.randrange(4)
        for child in group.groups.values():
            age(child)

    age(config.channel_group)
    return config


def _edited(original: Any, *edits: Edit) -> Any:
    updated = configtx_pb2.Config()
    updated.CopyFrom(original)
    for edit in edits:
        edit(updated.channel_group)
    return updated


def _theirs(original: Any, updated: Any, folder: Path) -> Any:
    for name, message in {"original": original, "updated": updated}.items():
        (folder / name).write_bytes(message.SerializeToString())
    command = [str(oracle("configtxlator")), "compute_update", "--channel_id", CHANNEL]
    command += ["--original", str(folder / "original"), "--updated", str(folder / "updated")]
    command += ["--output", str(folder / "update")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        assert "no differences" in result.stderr
        return None
    return configtx_pb2.ConfigUpdate.FromString((folder / "update").read_bytes())


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__.strip("_"))
def test_equals_configtxlator(edit: Edit, original: Any, tmp_path: Path) -> None:
    updated = _edited(original, edit)
    theirs = _theirs(original, updated, tmp_path)
    assert theirs is not None
    assert compute_update(CHANNEL, original, updated) == theirs


@pytest.mark.parametrize("seed", range(25))
def test_equals_configtxlator_for_random_edits(seed: int, original: Any, tmp_path: Path) -> None:
    """Random removals, copies and mod_policy changes, anywhere in the tree."""
    chance = random.Random(seed)

    def edit(group: Any) -> None:
        for elements in (group.values, group.policies):
            for name in sorted(elements):
                action = chance.randrange(12)
                if action == 0:
                    del elements[name]
                elif action == 1:
                    elements[name].mod_policy = f"Policy{seed}"
                elif action == 2:
                    elements[f"{name}Copy"].CopyFrom(elements[name])
        if chance.randrange(8) == 0:
            group.mod_policy = f"Policy{seed}"
        for name in sorted(group.groups):
            action = chance.randrange(10)
            if action == 0:
                del group.groups[name]
            elif action == 1:
                group.groups[f"{name}Copy"].CopyFrom(group.groups[name])
            elif action < 7:
                edit(group.groups[name])

    updated = _edited(original, edit)
    assert compute_update(CHANNEL, original, updated) == _theirs(original, updated, tmp_path)


def test_equal_configurations_need_no_update(original: Any, tmp_path: Path) -> None:
    assert compute_update(CHANNEL, original, _edited(original)) is None
    assert _theirs(original, _edited(original), tmp_path) is None


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (_batch_timeout, [("Orderer", "OrdererOrg")]),
        (_drop_anchor, [("Application", "Org1")]),
        (_add_organization, [("Application", "Org1"), ("Application", "Org2")]),
        (_policy, [("Application", "Org1"), ("Application", "Org2")]),
        (_add_policy, [("Application", "Org1"), ("Application", "Org2"), ("Orderer", "OrdererOrg")]),
        (_remove_policy, [("Orderer", "OrdererOrg")]),
    ],
)
def test_concerned_organizations(edit: Edit, expected: list[tuple[str, str]], original: Any) -> None:
    update = compute_update(CHANNEL, original, _edited(original, edit))
    assert concerned_organizations(original, update) == expected


def test_an_absolute_mod_policy_names_its_own_group(original: Any) -> None:
    base = _edited(original)
    base.channel_group.values["Capabilities"].mod_policy = "/Channel/Orderer/Admins"
    updated = _edited(base)
    updated.channel_group.values["Capabilities"].value = b""
    assert concerned_organizations(base, compute_update(CHANNEL, base, updated)) == [
        ("Orderer", "OrdererOrg")
    ]


def test_envelope_carries_valid_signatures(original: Any) -> None:
    store = MemoryStore()
    signers = []
    for name in ("Org1", "Org2"):
        TestOrganization(name, f"{name}.lab", "peer", store)
        secret = store.secrets[f"secret-{name.lower()}/users/admin"]
        signers.append(Signer(f"{name}MSP", secret["sign_cert"], secret["sign_key"]))
    update = compute_update(CHANNEL, original, _edited(original, _batch_timeout))
    envelope = update_envelope(update, signers, signers[0])

    def verify(signer: Signer, signature: bytes, data: bytes) -> None:
        signer.certificate.public_key().verify(signature, data, ec.ECDSA(hashes.SHA256()))  # type: ignore

    verify(signers[0], envelope.signature, envelope.payload)
    payload = common_pb2.Payload.FromString(envelope.payload)
    assert common_pb2.ChannelHeader.FromString(payload.header.channel_header).type == common_pb2.CONFIG_UPDATE
    wrapped = configtx_pb2.ConfigUpdateEnvelope.FromString(payload.data)
    assert configtx_pb2.ConfigUpdate.FromString(wrapped.config_update) == update
    for signer, signature in zip(signers, wrapped.signatures, strict=True):
        assert common_pb2.SignatureHeader.FromString(signature.signature_header).creator == signer.creator
        verify(signer, signature.signature, signature.signature_header + wrapped.config_update)


def test_an_update_needs_a_signer(original: Any) -> None:
    update = compute_update(CHANNEL, original, _edited(original, _batch_timeout))
    with pytest.raises(FabricError, match="nobody"):
        update_envelope(update, [], None)  # type: ignore[arg-type]
