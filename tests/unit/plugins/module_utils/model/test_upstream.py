"""Which images are wanted, and what `upstream_images` must have for them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import ModelError, load
from ansible_collections.selvedge.fabric.plugins.module_utils.model.upstream import (
    REPOSITORIES,
    images,
    problems,
    registry_image,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.view import required_images
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    LAB_HOSTS,
    WIDE_HOSTS,
    lab_model,
    wide_model,
)

LAB = {
    "fabric-ca:1.5.15": "docker.io/hyperledger/fabric-ca",
    "fabric-orderer:2.5.9": "docker.io/hyperledger/fabric-orderer",
    "fabric-peer:2.5.9": "docker.io/hyperledger/fabric-peer",
    "openbao:2.4.0": "quay.io/openbao/openbao",
    "registry:3.0.0": "docker.io/library/registry",
}


def pulled(**changes: Any) -> dict[str, Any]:
    """The lab's model with its images from upstream."""
    given = {label: f"{where}@sha256:{number:064x}" for number, (label, where) in enumerate(LAB.items())}
    return {**lab_model(), "image_source": "pull", "upstream_images": {**given, **changes}}


def without(*labels: str) -> dict[str, Any]:
    model = pulled()
    for label in labels:
        del model["upstream_images"][label]
    return model


def mistakes(model: dict[str, Any]) -> list[str]:
    with pytest.raises(ModelError) as error:
        load(model, LAB_HOSTS)
    return [str(problem) for problem in error.value.problems]


def test_built_images_have_no_upstream() -> None:
    network = load({**pulled(), "image_source": "build"}, LAB_HOSTS)
    assert required_images(network) == [
        {"name": "openbao", "version": "2.4.0"},
        {"name": "fabric-ca", "version": "1.5.15"},
        {"name": "fabric-orderer", "version": "2.5.9"},
        {"name": "fabric-peer", "version": "2.5.9"},
        {"name": "chaincode-python"},
    ]
    assert registry_image(network.settings) == {"name": "registry"}


def test_pulled_images_say_where_they_come_from_and_chaincodes_are_built() -> None:
    network = load(pulled(), LAB_HOSTS)
    given = network.settings["upstream_images"]
    found = {item["name"]: item for item in [registry_image(network.settings), *required_images(network)]}
    assert found.pop("chaincode-python") == {"name": "chaincode-python"}
    assert found == {
        label.partition(":")[0]: {
            "name": label.partition(":")[0],
            "version": label.partition(":")[2],
            "upstream": given[label],
        }
        for label in LAB
    }


@pytest.mark.parametrize("label", LAB)
def test_a_missing_digest_is_named_with_the_command_that_finds_it(label: str) -> None:
    name, _unused, version = label.partition(":")
    (said,) = mistakes(without(label))
    shown = f"{name}:VERSION" if name == "registry" else label
    where = f"{LAB[label]}:VERSION" if name == "registry" else f"{LAB[label]}:{version}"
    assert said.startswith(f"upstream_images[{shown}]: is missing; give {LAB[label]}@sha256:..., ")
    assert f"`docker buildx imagetools inspect {where}`" in said
    assert f"skopeo inspect --format '{{{{.Digest}}}}' docker://{where}" in said


def test_all_missing_digests_are_named_at_once() -> None:
    assert len(mistakes({**lab_model(), "image_source": "pull"})) == len(LAB)


def test_another_version_that_is_there_is_mentioned() -> None:
    model = {**pulled(), "fabric_version": "2.5.12"}
    said = mistakes(model)
    assert len(said) == 2
    assert "upstream_images[fabric-peer:2.5.12]: is missing, where there is fabric-peer:2.5.9; " in "\n".join(
        said
    )


def test_more_versions_than_are_run_may_stand_there() -> None:
    """For an upgrade, say."""
    load(pulled(**{"fabric-peer:2.5.12": f"{LAB['fabric-peer:2.5.9']}@sha256:{9:064x}"}), LAB_HOSTS)


def test_two_registries_are_a_mistake() -> None:
    (said,) = mistakes(pulled(**{"registry:2.8.3": f"{LAB['registry:3.0.0']}@sha256:{9:064x}"}))
    assert said == "upstream_images[registry:...]: are 2 versions of the registry, 3.0.0 and 2.8.3; give one"


def test_what_upstream_does_not_have_is_named() -> None:
    (said,) = mistakes(pulled(**{"chaincode-python:1.0.0": f"docker.io/acme/assets@sha256:{9:064x}"}))
    assert said.startswith("upstream_images[chaincode-python:1.0.0]: is not of an image that upstream has; ")
    assert all(name in said for name in REPOSITORIES)


def test_only_what_runs_is_wanted() -> None:
    model = {**wide_model(), "image_source": "pull"}
    model["organizations"] = [org for org in model["organizations"] if "peers" not in org]
    model["channels"] = model["chaincodes"] = []
    with pytest.raises(ModelError) as error:
        load(model, WIDE_HOSTS)
    labels = [problem.path for problem in error.value.problems]
    assert "upstream_images[fabric-orderer:3.1.1]" in labels
    assert "upstream_images[fabric-peer:3.1.1]" not in labels


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"organizations": [None, "x"], "chaincodes": [None]},
        {"organizations": [{"peers": []}], "secrets_store": {}, "upstream_images": None},
        {
            "organizations": [{"peers": [1]}],
            "fabric_version": [],
            "secrets_store": [],
            "upstream_images": [1],
        },
        {"chaincodes": [{"image": [], "image_version": {}}], "ca_version": 5, "upstream_images": {5: 6}},
    ],
)
def test_a_model_that_is_wrong_elsewhere_is_looked_at_all_the_same(settings: dict[str, Any]) -> None:
    wanted = {**settings, "image_source": "pull"}
    assert "upstream_images[registry:VERSION]" in [problem.path for problem in problems(wanted)]
    assert all(isinstance(item["name"], str) for item in images(wanted))
