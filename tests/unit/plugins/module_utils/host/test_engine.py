"""What a host needs, for hosts of every kind: bare, with the distribution's engine, with somebody's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.host import engine
from ansible_collections.selvedge.fabric.plugins.module_utils.host.engine import Found, Wanted
from ansible_collections.selvedge.fabric.plugins.module_utils.model.runtimes import REGISTRATIONS
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import ROOT

DEFAULTS: dict[str, Any] = yaml.safe_load((ROOT / "roles/host/defaults/main.yml").read_text())
BARE_12 = Found("Debian-12", 252, seals=True, installed=False, engine="", compose="", yaml=False)
BARE_13 = replace(BARE_12, distribution="Debian-13", systemd=257)
BARE_22 = replace(BARE_12, distribution="Ubuntu-22", systemd=249, seals=False)
GOOD_13 = replace(
    BARE_13, installed=True, engine="26.1.5+dfsg1", compose="2.26.1-4", yaml=True, runtimes=["runc"]
)
GOOD_12 = replace(GOOD_13, distribution="Debian-12", engine="20.10.24+dfsg1", compose="2.39.4+selvedge")


def wanted(*runtimes: str, **more: Any) -> Wanted:
    """What the role's own defaults ask for."""
    return Wanted(
        DEFAULTS["host_engine_packages"],
        DEFAULTS["host_compose_build"],
        {name: REGISTRATIONS[name] for name in runtimes},
        DEFAULTS["host_runtime_packages"],
        **more,
    )


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v2.39.4+selvedge", (2, 39, 4)),
        ("20.10.24+dfsg1", (20, 10, 24)),
        ("2.26.1-4", (2, 26, 1)),
        ("28", (28,)),
        ("", ()),
        ("dev", ()),
    ],
)
def test_versions_as_engines_and_compose_say_them(text: str, version: tuple[int, ...]) -> None:
    assert engine.version_of(text) == version


@pytest.mark.parametrize(
    ("found", "packages", "ours"),
    [
        (BARE_13, ["docker.io", "docker-cli", "docker-compose", "python3-yaml"], False),
        (BARE_12, ["docker.io", "python3-yaml"], True),
        (BARE_22, ["docker.io", "docker-compose-v2", "python3-yaml"], False),
        (GOOD_13, [], False),
        # It stays ours, so that a newer pin reaches it.
        (GOOD_12, [], True),
        # Somebody's own engine is never replaced by the distribution's, whatever is missing beside it.
        (replace(GOOD_13, engine="28.2.2", yaml=False), ["python3-yaml"], False),
        (replace(GOOD_13, engine="28.2.2", compose=""), [], True),
        (replace(GOOD_12, compose="2.19.1"), [], True),
        (replace(GOOD_12, compose="2.20.0"), [], False),
        # Installed, but stopped.
        (replace(GOOD_13, engine=""), [], False),
        (replace(GOOD_13, distribution="Fedora-42"), [], False),
    ],
)
def test_what_is_installed(found: Found, packages: list[str], ours: bool) -> None:
    assert engine.packages_to_install(found, wanted()) == packages
    assert engine.needs_our_compose(found, wanted()) is ours


def test_a_runtimes_package_is_installed_where_its_program_is_missing() -> None:
    assert engine.packages_to_install(GOOD_13, wanted("crun")) == ["crun"]
    assert engine.packages_to_install(BARE_12, wanted("crun"))[-1] == "crun"
    there = replace(GOOD_13, programs=["/usr/bin/crun"])
    assert engine.packages_to_install(there, wanted("crun")) == []
    # No package of ours has it.
    assert engine.packages_to_install(GOOD_13, wanted("runsc", "kata")) == []


@pytest.mark.parametrize("found", [BARE_12, BARE_13, GOOD_12, GOOD_13, replace(GOOD_13, engine="20.10.0")])
def test_a_host_that_can_be_used_has_no_problem(found: Found) -> None:
    assert engine.problems(found, wanted("crun")) == []


@pytest.mark.parametrize(
    ("found", "asked", "says"),
    [
        (
            replace(BARE_13, distribution="Fedora-42"),
            wanted(),
            ["no container engine", "Fedora-42", "host_engine_packages, which knows Debian-12, Debian-13, Ubuntu-22"],
        ),
        (replace(BARE_13, distribution=""), wanted(), ["no known distribution"]),
        (replace(GOOD_12, engine="19.3.15"), wanted(), ["engine is 19.3.15", "20.10 or newer"]),
        (BARE_22, wanted(), ["no systemd-creds", "'selvedge_seal: none'", "in the clear", "mode 0600"]),
        (replace(BARE_22, systemd=245), wanted(seal="none"), ["systemd is 245", "247 or newer"]),
        (
            GOOD_13,
            wanted("runsc"),
            ["runtime runsc", "/usr/bin/runsc is missing", "Install gVisor", "host_daemon_settings.runtimes.runsc"],
        ),
        (
            GOOD_13,
            wanted("kata"),
            ["runtime kata", "containerd-shim-kata-v2 is missing", "Install Kata Containers"],
        ),
        (
            replace(GOOD_12, programs=["containerd-shim-kata-v2"]),
            wanted("kata"),
            ["runtime kata", "from 24.0 on", "20.10.24"],
        ),
    ],
)  # fmt: skip
def test_a_host_that_cannot_is_told_why_and_what_to_do(found: Found, asked: Wanted, says: list[str]) -> None:
    (problem,) = engine.problems(found, asked)
    assert all(part in problem for part in says), problem


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = replace(BARE_22, distribution="Fedora-42")
    assert len(engine.problems(found, wanted("kata", "runsc"))) == 4


@pytest.mark.parametrize(
    ("found", "asked"),
    [
        (BARE_22, wanted(seal="none")),
        (replace(GOOD_13, programs=["/usr/bin/runsc"]), wanted("runsc")),
        (replace(GOOD_13, programs=["containerd-shim-kata-v2"]), wanted("kata")),
        (replace(GOOD_13, runtimes=["runc", "mine"]), Wanted({}, runtimes={"mine": {}})),
    ],
)
def test_what_makes_it_usable(found: Found, asked: Wanted) -> None:
    assert engine.problems(found, asked) == []


def test_a_runtime_that_only_the_engine_would_know_and_does_not() -> None:
    (problem,) = engine.problems(GOOD_13, Wanted({}, runtimes={"mine": {}}))
    assert "runtime mine, which its engine does not know" in problem


def test_the_operators_entry_of_a_runtime_comes_before_ours() -> None:
    """As a whole: an entry with a path and a runtimeType would be refused by the engine."""
    asked = {"crun": REGISTRATIONS["crun"], "kata": REGISTRATIONS["kata"], "runsc": REGISTRATIONS["runsc"]}
    settings = {"runtimes": {"kata": {"path": "/opt/kata/bin/kata-runtime"}}}
    present = {
        "runtimes": {
            "kata": {"path": "/old"},
            "crun": {"path": "/usr/local/bin/crun"},
            "other": {"path": "/o"},
        }
    }
    entries = engine.runtime_entries(asked, settings, present)
    assert entries == {
        "crun": {"path": "/usr/local/bin/crun"},
        "kata": {"path": "/opt/kata/bin/kata-runtime"},
        "runsc": {"path": "/usr/bin/runsc"},
    }
    merged = engine.daemon_settings(present, settings, entries)
    assert merged["runtimes"] == {**entries, "other": {"path": "/o"}}


def test_settings_of_the_engine_are_laid_over_what_is_there() -> None:
    present = {"mtu": 1400, "log-opts": {"max-size": "1m", "tag": "x"}, "live-restore": False}
    merged = engine.daemon_settings(present, DEFAULTS["host_daemon_settings"], {})
    assert merged == {
        "mtu": 1400,
        "live-restore": True,
        "log-driver": "json-file",
        "log-opts": {"max-size": "10m", "max-file": "3", "tag": "x"},
    }
    assert present["live-restore"] is False
    # No runtime asked for: nothing about runtimes, so that no engine is restarted for it.
    assert "runtimes" not in merged
    assert "runtimes" not in engine.daemon_settings({}, {}, {"mine": {}})


@pytest.mark.parametrize(
    ("found", "settings", "stale"),
    [
        (GOOD_13, {}, False),
        (GOOD_13, {"live-restore": True}, True),
        (replace(GOOD_13, live_restore=True), {"live-restore": True}, False),
        # Switched on elsewhere: not ours to judge.
        (replace(GOOD_13, live_restore=True), {}, False),
        (GOOD_13, {"runtimes": {"crun": {}}}, True),
        (replace(GOOD_13, runtimes=["crun", "runc"]), {"runtimes": {"crun": {}}}, False),
        # A runtime that nobody asks for is no reason.
        (GOOD_13, {"runtimes": {"other": {}}}, False),
        # What does not run reads its settings when it starts.
        (BARE_13, {"runtimes": {"crun": {}}, "live-restore": True}, False),
    ],
)
def test_an_engine_with_older_settings_is_noticed(
    found: Found, settings: dict[str, Any], stale: bool
) -> None:
    assert engine.is_stale(found, wanted("crun"), settings) is stale


def test_the_role_builds_compose_exactly_where_no_package_has_it() -> None:
    without = [
        name
        for name, packages in DEFAULTS["host_engine_packages"].items()
        if not any("compose" in package for package in packages)
    ]
    assert without == DEFAULTS["host_compose_build"]


def test_our_build_says_that_it_is_ours() -> None:
    recipe = yaml.safe_load((ROOT / "images/docker-compose/program.yml").read_text())
    assert recipe["stamp"].endswith(f"{{version}}{engine.OUR_BUILD}")
    version = yaml.safe_load((ROOT / "images/versions.yml").read_text())["docker-compose"]["default"]
    assert engine.version_of(version) >= engine.MINIMUM_COMPOSE
