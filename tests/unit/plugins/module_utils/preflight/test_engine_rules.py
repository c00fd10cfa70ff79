"""The engine: none, a poor one, one that misses what the model wants."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.preflight.samples import (
    bad,
    bare,
    healthy,
    judged,
)

FAULTS: dict[str, tuple[dict[str, Any], tuple[str, str, str, str]]] = {
    "silent": (
        {"error": "Cannot connect to the Docker daemon at unix:///var/run/docker.sock."},
        (
            "engine",
            "failed",
            "does not answer: Cannot connect to the Docker daemon at unix:///var/run/docker.sock.",
            "systemctl start docker, and read journalctl -u docker",
        ),
    ),
    "old": (
        {"version": "19.03.15"},
        ("engine", "failed", "is version 19.03.15", "upgrade it to 20.10 or newer"),
    ),
    "old compose": (
        {"compose": "2.17.3"},
        ("compose", "failed", "is version 2.17.3", "run bootstrap.yml, it brings 2.20 or newer"),
    ),
    "no compose": (
        {"compose": ""},
        (
            "compose",
            "failed",
            "the engine has no Compose v2",
            "run bootstrap.yml, it brings 2.20 or newer",
        ),
    ),
    "user namespaces": (
        {"security": ["name=seccomp,profile=builtin", "name=userns"]},
        (
            "users",
            "failed",
            "the engine maps user ids (userns); containers could not read their secrets",
            "run the engine as root, without userns-remap in /etc/docker/daemon.json",
        ),
    ),
    "limits": (
        {"memory_limit": False},
        (
            "limits",
            "warning",
            "the kernel does not enforce limits of memory",
            "enable the cgroup controllers, on Debian's older kernels with cgroup_enable=memory on the kernel's "
            "command line",
        ),
    ),
    "storage": (
        {"driver": "vfs"},
        (
            "storage",
            "warning",
            "the engine stores images with vfs",
            "set storage-driver to overlay2 in /etc/docker/daemon.json; images are pulled again",
        ),
    ),
    "live-restore": (
        {"live_restore": False},
        (
            "live-restore",
            "warning",
            "off; containers stop with the engine, also for its upgrade",
            "run bootstrap.yml, it sets live-restore in /etc/docker/daemon.json",
        ),
    ),
    "runtime": (
        {"runtimes": ["crun"]},
        (
            "runtime",
            "failed",
            "the engine does not know 'runc', which registry.lab.example, store.lab.example, ca.orderers.lab.example "
            "and 3 more want; it knows crun",
            "install runc and name it below 'runtimes' in /etc/docker/daemon.json, or set another runtime in the model",
        ),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_engine(name: str) -> None:
    spoilt, wanted = FAULTS[name]
    evidence = healthy()
    evidence["engine"].update(spoilt)
    if name == "silent":
        evidence["engine"] = {"present": True, **spoilt}
    assert bad(judged(evidence)) == [wanted]


def test_without_python3_yaml_nothing_converges() -> None:
    evidence = healthy()
    evidence["system"]["yaml"] = False
    wanted = ("python3-yaml", "failed", "the host's Python has no module yaml", "install python3-yaml")
    assert bad(judged(evidence)) == [wanted]


def test_a_bare_host_is_fit_when_its_distribution_is_known() -> None:
    findings = judged(bare())
    assert bad(findings) == []
    found = next(item for item in findings if item.check == "engine")
    assert found.what == "none yet; bootstrap.yml installs it on Debian GNU/Linux 13 (trixie)"


def test_a_bare_host_of_an_unknown_distribution_is_not() -> None:
    evidence = bare()
    evidence["system"]["distribution"] = {"id": "rocky", "major": "9", "name": "Rocky Linux 9.4"}
    assert bad(judged(evidence)) == [
        (
            "engine",
            "failed",
            "there is none, and bootstrap.yml does not know Rocky Linux 9.4",
            "install Docker 20.10 or newer with Compose v2 and python3-yaml; bootstrap.yml knows Debian-13, Ubuntu-24",
        )
    ]


def test_an_engine_that_went_away_is_told() -> None:
    evidence = healthy()
    evidence.update(engine={"present": False}, listeners={})
    wanted = ("engine", "failed", "there is none any more", "run bootstrap.yml, it installs it")
    assert bad(judged(evidence)) == [wanted]


def test_what_bootstrap_completes_is_no_fault_before_it_ran() -> None:
    evidence = bare()
    evidence["engine"] = {**healthy()["engine"], "containers": [], "compose": "", "live_restore": False}
    findings = judged(evidence)
    assert bad(findings) == []
    assert {item.check: item.what for item in findings if "bootstrap.yml" in item.what} == {
        "compose": "the engine has no Compose v2; bootstrap.yml brings 2.20 or newer",
        "python3-yaml": "the host's Python has no module yaml; bootstrap.yml installs it",
        "live-restore": "off; bootstrap.yml sets it",
        "trust": "bootstrap.yml brings the bootstrap CA's certificate",
    }
    evidence["system"]["distribution"]["id"] = "rocky"
    assert [found[:2] for found in bad(judged(evidence))] == [("python3-yaml", "failed")]


def test_a_runtime_that_bootstrap_may_set_up_is_a_warning_before_it_ran() -> None:
    evidence = bare()
    evidence["engine"] = {**healthy()["engine"], "containers": [], "runtimes": ["crun"]}
    evidence["system"]["yaml"] = True
    assert [found[:2] for found in bad(judged(evidence))] == [("runtime", "warning")]
