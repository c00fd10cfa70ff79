"""What `bootstrap.yml` made of hosts without an engine: where engine and Compose come from, and which runtimes run."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.engines import look
from ansible_collections.selvedge.fabric.molecule.shared.testing.playing import changed_of, play
from ansible_collections.selvedge.fabric.plugins.action.network_model import CA_PLANNED
from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import Builder
from testinfra.host import Host

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = "/usr/local/lib/docker/cli-plugins/docker-compose"
Output = Callable[..., str]
Containers = dict[str, dict[str, Any]]

# Of each host: the engine's major version, the version that Compose says, the package that has it.
SOURCES = {"trixie": ("26.1", "2.26.1", "docker-compose"), "bookworm": ("20.10", "2.39.4+selvedge", "")}


# What a plan calls what a run does. Compose is built by both, in the controller's cache.
MEANT = {
    "Name the packages that would be installed": "Install the packages that the host lacks",
    "Name the restart of the engine": "Restart the engine",
}
BUILD = "Build Compose from pinned sources"


@pytest.fixture(scope="session")
def plan(deployment: Deployment) -> str:
    """What `bootstrap.yml --check --diff` said when the hosts were bare."""
    return (deployment.state_dir / "bootstrap-plan.txt").read_text()


def changed_tasks(said: str, host_name: str) -> set[str]:
    """The tasks that changed a host, as a run calls them."""
    found = set()
    for task, lines in re.findall(
        r"^(?:TASK|RUNNING HANDLER) \[(?:[\w.]+ : )?(.*?)\] \*+\n(.*?)(?=^(?:TASK|RUNNING|PLAY))",
        said,
        flags=re.MULTILINE | re.DOTALL,
    ):
        if re.search(rf"^changed: \[{host_name}[\] ]", lines, flags=re.MULTILINE) and task != BUILD:
            found.add(MEANT.get(task, task))
    return found


def test_the_engine_is_the_distributions(host_name: str, output: Output) -> None:
    version, _unused, _unused = SOURCES[host_name]
    assert output("docker", "version", "--format", "{{.Server.Version}}").startswith(version)
    assert output("dpkg-query", "--search", "/usr/sbin/dockerd").startswith("docker.io:")


def test_compose_is_the_distributions_or_ours(host_name: str, host: Host, output: Output) -> None:
    _unused, version, package = SOURCES[host_name]
    assert output("docker", "compose", "version", "--short").strip().lstrip("v").startswith(version)
    plugins = json.loads(output("docker", "info", "--format", "{{json .ClientInfo.Plugins}}"))
    (path,) = [item["Path"] for item in plugins if item["Name"] == "compose"]
    if package:
        assert output("dpkg-query", "--search", path).startswith(f"{package}:")
        return
    assert path == PLUGIN
    built = Builder(ROOT, ROOT / ".cache").program("docker-compose")
    assert host.file(PLUGIN).sha256sum == hashlib.sha256(built.read_bytes()).hexdigest()
    assert (host.file(PLUGIN).mode, host.file(PLUGIN).user) == (0o755, "root")
    assert not host.package("docker-compose").is_installed


def test_the_plan_named_what_the_run_did(deployment: Deployment, plan: str, host_name: str) -> None:
    """On a bare host, where Ansible's own module cannot plan packages at all."""
    done = (deployment.state_dir / "bootstrap-run.txt").read_text()
    planned = changed_tasks(plan, host_name)
    assert planned == changed_tasks(done, host_name)
    # The bootstrap CA is made once, for the first host's task.
    assert ("Make the controller's boot material" in planned) == (host_name == "trixie")
    assert len(planned) == (6 if host_name == "trixie" else 7), planned
    said = re.sub(r"\s+", " ", plan)
    packages = re.search(
        rf"changed: \[{host_name}\] => msg: would install ([a-z0-9., -]+?) (?:changed|TASK)", said
    )
    assert packages, plan
    expected = {"docker.io", "python3-yaml", "crun"}
    expected |= {"docker-cli", "docker-compose"} if host_name == "trixie" else set()
    assert set(packages[1].split(", ")) == expected


def test_the_plan_has_no_certificate_of_a_ca_that_is_not_made(plan: str) -> None:
    assert plan.count(CA_PLANNED.strip()) == 2 * len(SOURCES), "two files of each host have it"
    assert "BEGIN CERTIFICATE" not in plan


def test_a_second_bootstrap_changes_nothing(deployment: Deployment) -> None:
    done = play(deployment.inventory, "playbooks/bootstrap.yml")
    assert changed_of(done) == dict.fromkeys(deployment.variables, 0), done


def test_a_second_plan_foresees_nothing(deployment: Deployment) -> None:
    done = play(deployment.inventory, "playbooks/bootstrap.yml", "--check", "--diff")
    assert changed_of(done) == dict.fromkeys(deployment.variables, 0), done


def test_compose_that_is_ours_is_brought_back_to_the_pin(
    deployment: Deployment, host_name: str, host: Host
) -> None:
    """A file that is another build of ours is replaced; check mode says so and leaves it."""
    if SOURCES[host_name][2]:
        pytest.skip("this host's Compose is its distribution's")
    before = host.file(PLUGIN).sha256sum
    host.check_output(f"printf x >> {PLUGIN}")
    planned = play(deployment.inventory, "playbooks/bootstrap.yml", "--check", "--limit", host_name)
    assert changed_of(planned)[host_name] == 1, planned
    assert host.file(PLUGIN).sha256sum != before
    done = play(deployment.inventory, "playbooks/bootstrap.yml", "--limit", host_name)
    assert changed_of(done)[host_name] == 1, done
    assert host.file(PLUGIN).sha256sum == before


def test_containers_run_with_the_runtime_of_the_model(
    deployment: Deployment, host_name: str, containers: Containers, output: Output
) -> None:
    wanted = {service.name: service.settings["runtime"] for service in deployment.network.services(host_name)}
    assert "crun" in wanted.values()
    running = {name: item["HostConfig"]["Runtime"] for name, item in containers.items() if name in wanted}
    assert running == wanted
    for name, runtime in wanted.items():
        # What the runtime itself keeps of a container that it runs, as root of the host sees it.
        listed = output("sh", "-c", f"ls -d /run/docker/runtime-*/moby/{containers[name]['Id']}/* || true")
        # The engine calls the folder after its default runtime, but each runtime has its own file in it.
        own = {"crun": "status", "runc": "state.json"}[runtime]
        assert re.search(rf"/{own}$", listed, flags=re.MULTILINE), listed
        assert containers[name]["State"]["Health"]["Status"] == "healthy", name


def test_the_engine_knows_the_runtime_from_its_settings(output: Output) -> None:
    settings = json.loads(output("cat", "/etc/docker/daemon.json"))
    assert settings["runtimes"] == {"crun": {"path": "/usr/bin/crun"}}
    assert settings["live-restore"] is True
    assert output("docker", "info", "--format", "{{.LiveRestoreEnabled}}").strip() == "true"
    assert output("dpkg-query", "--search", "/usr/bin/crun").startswith("crun:")


@pytest.mark.parametrize(
    ("runtime", "says"),
    [
        (
            "runsc",
            "services ask for runtime runsc, but /usr/bin/runsc is missing. Install gVisor on the host",
        ),
        ("kata", "services ask for runtime kata, "),
    ],
)
def test_a_runtime_that_is_not_there_is_refused(deployment: Deployment, runtime: str, says: str) -> None:
    """Before anything of the host is touched, with the host's name and what to install."""
    model = json.loads(json.dumps(deployment.variables["trixie"]["selvedge_network"]))
    model["organizations"][0]["orderers"][0]["runtime"] = runtime
    done = play(
        deployment.inventory,
        "playbooks/bootstrap.yml",
        "--extra-vars",
        json.dumps({"selvedge_network": model}),
        fails=True,
    )
    message = re.sub(r"\s+", " ", done)
    assert "trixie cannot be used: " in message
    assert says in message
    assert "bookworm cannot be used" not in message


def test_an_interrupted_run_is_made_good(
    deployment: Deployment, host_name: str, host: Host, output: Output
) -> None:
    """Killed after daemon.json was written and before the engine was restarted: the engine has not read it."""
    before, settings = look([host_name]), output("cat", "/etc/docker/daemon.json")
    older = {key: value for key, value in json.loads(settings).items() if key != "runtimes"}
    # A reload would not do: an engine keeps a runtime that it once knew.
    host.check_output(
        "printf %s > /etc/docker/daemon.json && systemctl restart docker.service", json.dumps(older)
    )
    host.check_output("printf %s > /etc/docker/daemon.json", settings)
    assert "crun" not in output("docker", "info", "--format", "{{json .Runtimes}}")
    done = play(deployment.inventory, "playbooks/bootstrap.yml", "--limit", host_name)
    assert changed_of(done)[host_name] == 2, done
    assert "crun" in output("docker", "info", "--format", "{{json .Runtimes}}")
    assert look([host_name]) == before, "live-restore leaves containers alone"
