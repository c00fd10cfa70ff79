"""What a host's container engine needs before Selvedge can use it. Pure: no command, no file. Runs on hosts as well."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

# Inline definitions, `--dry-run` and healthchecks as Selvedge uses them work from these on.
MINIMUM_ENGINE = (20, 10)
MINIMUM_COMPOSE = (2, 20)
# `runtimeType` in daemon.json. Source: docker/docs issue 17247; 23.0 knew shims by their own names only.
SHIM_ENGINE = (24, 0)
# LoadCredential= in a unit; systemd-creds is newer. Source: systemd's NEWS.
MINIMUM_SYSTEMD = 247
# What our build of Compose says after its version; nobody else's is ever replaced.
OUR_BUILD = "+selvedge"
# The program of a runtime that is named by its shim.
SHIMS = {"io.containerd.kata.v2": "containerd-shim-kata-v2"}
GUIDES = {"kata": "Kata Containers", "runsc": "gVisor"}


@dataclass(frozen=True)
class Found:
    """What is on a host.

    :param distribution: name and major version, such as ``Debian-12``
    :param systemd: its version
    :param seals: whether it has systemd-creds
    :param installed: whether there is an engine, running or not
    :param engine: version of the running engine, else empty
    :param compose: version of Compose as a plugin of the docker command, else empty
    :param yaml: whether Python on the host reads YAML
    :param runtimes: runtimes that the running engine knows
    :param live_restore: whether the running engine lets containers outlive it
    :param programs: which of the asked programs are there
    """

    distribution: str
    systemd: int
    seals: bool
    installed: bool
    engine: str
    compose: str
    yaml: bool
    runtimes: list[str] = field(default_factory=list)
    live_restore: bool = False
    programs: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Wanted:
    """What the host is to have.

    :param packages: the engine's packages by distribution
    :param compose_build: distributions whose packages have no sufficient Compose
    :param runtimes: name to entry in ``daemon.json``
    :param runtime_packages: name of a runtime to the package that has it
    :param seal: how boot material lies on the disk
    """

    packages: dict[str, list[str]]
    compose_build: list[str] = field(default_factory=list)
    runtimes: dict[str, dict[str, Any]] = field(default_factory=dict)
    runtime_packages: dict[str, str] = field(default_factory=dict)
    seal: str = "systemd-creds"


def version_of(text: str) -> tuple[int, ...]:
    """The leading numbers of a version such as ``v2.39.4+selvedge`` or ``20.10.24+dfsg1``."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def program_of(entry: dict[str, Any]) -> str:
    """The program that a runtime's entry in ``daemon.json`` stands for; empty when the entry names none."""
    kind = str(entry.get("runtimeType", ""))
    return str(entry.get("path") or SHIMS.get(kind, ""))


def runtime_entries(asked: dict[str, dict[str, Any]], *settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Entries of ``daemon.json`` for the runtimes asked for; the first of ``settings`` that has one wins.

    An entry is taken whole: one with a path and a runtimeType would be refused by the engine.
    """
    known = [part.get("runtimes", {}) for part in settings]
    return {
        name: next((part[name] for part in known if name in part), entry) for name, entry in asked.items()
    }


def daemon_settings(
    present: dict[str, Any], settings: dict[str, Any], runtimes: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """What ``daemon.json`` is to have: what it has, ``settings`` laid over it, and the runtimes asked for."""
    result = _merged(present, settings)
    registered = {name: entry for name, entry in runtimes.items() if entry}
    if registered:
        result["runtimes"] = {**result.get("runtimes", {}), **registered}
    return result


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    result = dict(first)
    for key, value in second.items():
        known = result.get(key)
        result[key] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return result


def packages_to_install(found: Found, wanted: Wanted) -> list[str]:
    """Packages that the host lacks: the engine's where there is none, and those of runtimes."""
    if not found.installed:
        packages = list(wanted.packages.get(found.distribution, []))
    else:
        packages = [] if found.yaml else ["python3-yaml"]
    packages += [
        wanted.runtime_packages[name]
        for name, entry in wanted.runtimes.items()
        if name in wanted.runtime_packages and program_of(entry) not in found.programs
    ]
    return packages


def needs_our_compose(found: Found, wanted: Wanted) -> bool:
    """Whether Compose has to be our own build: nothing else brings it, or it is our build already."""
    if OUR_BUILD in found.compose:
        return True
    if found.installed:
        return version_of(found.compose) < MINIMUM_COMPOSE
    return found.distribution in wanted.compose_build


def is_stale(found: Found, wanted: Wanted, settings: dict[str, Any]) -> bool:
    """Whether the running engine has not read ``settings``, its ``daemon.json``: a run was killed between."""
    if not found.engine:
        return False
    unread = set(wanted.runtimes) & set(settings.get("runtimes", {})) - set(found.runtimes)
    return bool(unread) or settings.get("live-restore", found.live_restore) is not found.live_restore


def problems(found: Found, wanted: Wanted) -> list[str]:
    """Why the host cannot be used, each with what to do about it."""
    return [
        *_engine_problems(found, wanted),
        *_seal_problems(found, wanted),
        *_runtime_problems(found, wanted),
    ]


def _engine_problems(found: Found, wanted: Wanted) -> list[str]:
    if found.engine and version_of(found.engine) < MINIMUM_ENGINE:
        return [f"its container engine is {found.engine}. Upgrade it to {_dotted(MINIMUM_ENGINE)} or newer"]
    if not found.installed and found.distribution not in wanted.packages:
        return [
            f"it has no container engine, and it is {found.distribution or 'no known distribution'}, whose packages "
            f"this role does not know. Install an engine ({_dotted(MINIMUM_ENGINE)} or newer) yourself, or add its "
            f"packages to host_engine_packages, which knows {', '.join(sorted(wanted.packages))}"
        ]
    return []


def _seal_problems(found: Found, wanted: Wanted) -> list[str]:
    if wanted.seal == "none":
        if found.systemd >= MINIMUM_SYSTEMD:
            return []
        return [f"its systemd is {found.systemd}. Boot material needs {MINIMUM_SYSTEMD} or newer"]
    if found.seals:
        return []
    return [
        "it has no systemd-creds (that comes with systemd 250), so its boot material cannot be sealed. Take a host "
        "that has it (Debian 12, Ubuntu 24.04), or give this one the inventory variable 'selvedge_seal: none': then "
        "its boot material lies on its disk in the clear, in files of mode 0600, and who takes the disk has it"
    ]


def _runtime_problems(found: Found, wanted: Wanted) -> list[str]:
    wrong = []
    for name, entry in wanted.runtimes.items():
        program = program_of(entry)
        if entry.get("runtimeType") and found.engine and version_of(found.engine) < SHIM_ENGINE:
            wrong.append(
                f"services ask for runtime {name}, which engines from {_dotted(SHIM_ENGINE)} on know how to start; its "
                f"engine is {found.engine}. Upgrade it, or give these services another runtime"
            )
        elif program in found.programs or name in wanted.runtime_packages:
            continue
        elif program:
            wrong.append(
                f"services ask for runtime {name}, but {program} is missing. Install {GUIDES.get(name, name)} on the "
                f"host, or state where it is in host_daemon_settings.runtimes.{name}"
            )
        elif name not in found.runtimes:
            wrong.append(
                f"services ask for runtime {name}, which its engine does not know. Register it in "
                f"host_daemon_settings.runtimes.{name}"
            )
    return wrong


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
