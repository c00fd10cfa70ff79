"""What runs on each host, how it is confined, and that the host brings it up by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import yaml
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import (
    CONFIG,
    IN_SECRETS,
    SECRETS,
    UID,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.view import registry_view
from testinfra.host import Host

Containers = dict[str, dict[str, Any]]
Output = Callable[..., str]
_SECRET_NAME = re.compile(r"PASS|TOKEN|SECRET|CREDENTIAL", re.I)


def stacks(deployment: Deployment, host_name: str) -> dict[str, dict[str, Any]]:
    """The Compose projects that the model has on a host, by stack."""
    found = dict(deployment.view(host_name)["stacks"])
    if deployment.network.registry_host.name == host_name:
        found["registry"] = registry_view(deployment.network, "-")["stack"]
    return found


def services(deployment: Deployment, host_name: str) -> dict[str, dict[str, Any]]:
    """Container name to its definition."""
    projects = stacks(deployment, host_name).values()
    return {item["container_name"]: item for project in projects for item in project["services"].values()}


def test_exactly_the_models_containers_run_and_are_healthy(
    deployment: Deployment, host_name: str, containers: Containers
) -> None:
    assert set(containers) == set(services(deployment, host_name))
    states = {
        name: (item["State"]["Status"], item["State"]["Health"]["Status"])
        for name, item in containers.items()
    }
    assert states == dict.fromkeys(containers, ("running", "healthy"))


def test_containers_are_confined(deployment: Deployment, host_name: str, containers: Containers) -> None:
    wanted = services(deployment, host_name)
    for name, item in containers.items():
        config = item["HostConfig"]
        assert item["Config"]["User"] == f"{UID}:{UID}", name
        assert config["ReadonlyRootfs"], name
        assert not config["Privileged"], name
        assert config["CapDrop"] == ["ALL"], name
        assert not config["CapAdd"], name
        assert "no-new-privileges:true" in config["SecurityOpt"], name
        assert 0 < config["Memory"] <= 8 << 30, name
        assert config["PidsLimit"] == wanted[name]["pids_limit"], name
        assert config["RestartPolicy"]["Name"] == "on-failure", name
        bounded = {"max-size": "10m", "max-file": "3", "tag": name}
        assert config["LogConfig"] == {"Type": "json-file", "Config": bounded}, name
        assert not {config["NetworkMode"], config["PidMode"], config["IpcMode"]} & {"host"}, name
        assert not config["Devices"], name


def test_processes_have_no_privileges(containers: Containers, output: Output) -> None:
    """What the kernel says about them, whatever the engine was told."""
    for name, item in containers.items():
        status = dict(
            line.split(":", 1) for line in output("cat", f"/proc/{item['State']['Pid']}/status").splitlines()
        )
        assert set(status["Uid"].split()) == set(status["Gid"].split()) == {str(UID)}, name
        assert {int(status[kind], 16) for kind in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")} == {
            0
        }, name
        assert int(status["NoNewPrivs"]) == 1, name
        assert int(status["Seccomp"]) == 2, name


def test_images_are_by_digest(deployment: Deployment, host_name: str, containers: Containers) -> None:
    wanted = services(deployment, host_name)
    for name, item in containers.items():
        if name.startswith("registry."):
            # It comes from an archive, before any registry could give it a digest: then the image's own id.
            assert re.fullmatch(r"(sha256:)?[0-9a-f]{64}", item["Config"]["Image"]), name
        else:
            assert item["Config"]["Image"] == wanted[name]["image"], name
            assert re.search(r"@sha256:[0-9a-f]{64}$", item["Config"]["Image"]), name


def test_secrets_are_mounted_from_memory_and_only_for_reading(containers: Containers, output: Output) -> None:
    for name, item in containers.items():
        mounts = {mount["Destination"]: mount for mount in item["Mounts"]}
        secrets = mounts[IN_SECRETS]
        assert secrets["Source"].startswith(f"{SECRETS}/"), name
        assert not secrets["RW"], name
        assert (
            output("findmnt", "--noheadings", "--output", "FSTYPE", "--target", secrets["Source"]).strip()
            == "tmpfs"
        )
        assert not [path for path in mounts if path.endswith("docker.sock")], name


def test_no_environment_has_a_secret(containers: Containers) -> None:
    for name, item in containers.items():
        for line in item["Config"]["Env"]:
            variable, _unused, value = line.partition("=")
            assert not _SECRET_NAME.search(variable), f"{name}: {variable}"
            assert "PRIVATE KEY" not in value, f"{name}: {variable}"
            # A key is named by its file only.
            assert "KEY" not in variable or value.startswith(f"{IN_SECRETS}/"), f"{name}: {variable}"


def test_the_host_brings_it_up_by_itself(deployment: Deployment, host_name: str, host: Host) -> None:
    names = [f"selvedge-stack@{stack}.service" for stack in stacks(deployment, host_name)]
    sealed = {"store", "registry"} & set(stacks(deployment, host_name))
    names += [f"selvedge-material-{stack}.service" for stack in sealed]
    names += ["selvedge-agent.service"] if deployment.view(host_name)["agent"] else []
    services = [host.service(name) for name in [*names, "docker.service"]]
    units = {service.name: (service.is_enabled, service.is_running) for service in services}
    assert units == dict.fromkeys(units, (True, True))
    assert not host.check_output(
        "systemctl list-units --failed --no-legend --plain 'selvedge-*' docker.service"
    )


def test_an_operator_reads_the_stacks_with_compose(
    deployment: Deployment, host_name: str, output: Output
) -> None:
    for stack, project in stacks(deployment, host_name).items():
        path = f"{CONFIG}/stacks/{stack}/compose.yml"
        if stack != "registry":
            assert yaml.safe_load(output("cat", path)) == project
        lines = output("docker", "compose", "-f", path, "ps", "--format", "json").splitlines()
        listed = {item["Service"]: item["State"] for item in map(json.loads, lines)}
        assert listed == dict.fromkeys(project["services"], "running")


def test_the_definition_on_the_host_is_the_one_that_runs(
    deployment: Deployment, host_name: str, output: Output
) -> None:
    """Compose itself would change nothing."""
    for stack, project in stacks(deployment, host_name).items():
        path = f"{CONFIG}/stacks/{stack}/compose.yml"
        plan = output("sh", "-c", f"docker compose -f {path} up --detach --dry-run 2>&1")
        for item in project["services"].values():
            assert re.search(rf"Container {re.escape(item['container_name'])}\s+Running", plan), plan
