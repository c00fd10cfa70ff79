"""Whether a host's container engine is fit, or can be made so by `bootstrap.yml`: pure rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.host.engine import (
    MINIMUM_COMPOSE,
    MINIMUM_ENGINE,
    version_of,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight.findings import (
    Finding,
    Limits,
    failed,
    listed,
    ok,
    skipped,
    warning,
)

# These copy whole images for each container, or are no longer maintained.
_POOR_DRIVERS = ("vfs", "aufs", "devicemapper", "overlay")


def judge_engine(
    engine: dict[str, Any],
    system: dict[str, Any],
    runtimes: dict[str, list[str]],
    bootstrapped: bool,
    limits: Limits,
) -> Iterator[Finding]:
    """Present, new enough, complete, and able to run what the model wants.

    :param runtimes: runtime to the services that the model gives it to
    :param bootstrapped: whether `bootstrap.yml` has been here
    """
    known = is_known(system["distribution"], limits.distributions)
    if not engine["present"]:
        yield _absent(system["distribution"]["name"], known, bootstrapped, limits)
        return
    if engine.get("error"):
        yield failed(
            "engine",
            f"does not answer: {engine['error']}",
            "systemctl start docker, and read journalctl -u docker",
        )
        return
    if version_of(engine["version"]) < MINIMUM_ENGINE:
        yield failed(
            "engine", f"is version {engine['version']}", f"upgrade it to {_dotted(MINIMUM_ENGINE)} or newer"
        )
    else:
        yield ok("engine", f"version {engine['version']}")
    yield _compose(engine["compose"], bootstrapped)
    yield _yaml(system["yaml"], known, bootstrapped)
    yield from _isolation(engine)
    if engine["driver"] in _POOR_DRIVERS:
        yield warning(
            "storage",
            f"the engine stores images with {engine['driver']}",
            "set storage-driver to overlay2 in /etc/docker/daemon.json; images are pulled again",
        )
    else:
        yield ok("storage", engine["driver"])
    yield _live_restore(engine["live_restore"], bootstrapped)
    yield from _runtimes(engine["runtimes"], runtimes, bootstrapped)


def is_known(distribution: dict[str, str], names: tuple[str, ...]) -> bool:
    """Whether ``Debian-13`` and the like are among those that an engine can be installed on."""
    found = f"{distribution['id']}-{distribution['major']}"
    return found.lower() in [name.lower() for name in names]


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _absent(name: str, known: bool, bootstrapped: bool, limits: Limits) -> Finding:
    if bootstrapped:
        return failed("engine", "there is none any more", "run bootstrap.yml, it installs it")
    if known:
        return ok("engine", f"none yet; bootstrap.yml installs it on {name}")
    return failed(
        "engine",
        f"there is none, and bootstrap.yml does not know {name}",
        f"install Docker {_dotted(MINIMUM_ENGINE)} or newer with Compose v2 and python3-yaml; bootstrap.yml knows "
        f"{', '.join(limits.distributions) or 'no distribution'}",
    )


def _compose(version: str, bootstrapped: bool) -> Finding:
    if version_of(version) >= MINIMUM_COMPOSE:
        return ok("compose", f"version {version}")
    found = f"is version {version}" if version else "the engine has no Compose v2"
    if bootstrapped:
        return failed("compose", found, f"run bootstrap.yml, it brings {_dotted(MINIMUM_COMPOSE)} or newer")
    return ok("compose", f"{found}; bootstrap.yml brings {_dotted(MINIMUM_COMPOSE)} or newer")


def _yaml(present: bool, known: bool, bootstrapped: bool) -> Finding:
    if present:
        return ok("python3-yaml", "is there")
    lacks = "the host's Python has no module yaml"
    if bootstrapped or not known:
        return failed("python3-yaml", lacks, "install python3-yaml")
    return ok("python3-yaml", f"{lacks}; bootstrap.yml installs it")


def _isolation(engine: dict[str, Any]) -> Iterator[Finding]:
    """Users and limits are the kernel's own, or keys cannot be read and limits do not hold."""
    modes = {re.split(r"[=,]", option)[1] for option in engine["security"] if option.startswith("name=")}
    mapped = sorted(modes & {"rootless", "userns"})
    if mapped:
        yield failed(
            "users",
            f"the engine maps user ids ({', '.join(mapped)}); containers could not read their secrets",
            "run the engine as root, without userns-remap in /etc/docker/daemon.json",
        )
    else:
        yield ok("users", "not mapped")
    lacks = [name for name in ("memory", "pids") if not engine[f"{name}_limit"]]
    if lacks:
        yield warning(
            "limits",
            f"the kernel does not enforce limits of {' and '.join(lacks)}",
            "enable the cgroup controllers, on Debian's older kernels with cgroup_enable=memory on the kernel's "
            "command line",
        )
    else:
        yield ok("limits", "memory and pids are enforced")


def _live_restore(on: bool, bootstrapped: bool) -> Finding:
    if on:
        return ok("live-restore", "on")
    if not bootstrapped:
        return skipped("live-restore", "off; bootstrap.yml sets it")
    return warning(
        "live-restore",
        "off; containers stop with the engine, also for its upgrade",
        "run bootstrap.yml, it sets live-restore in /etc/docker/daemon.json",
    )


def _runtimes(known: list[str], wanted: dict[str, list[str]], bootstrapped: bool) -> Iterator[Finding]:
    missing = {name: services for name, services in wanted.items() if name not in known}
    # Before bootstrap.yml, which can set up some, it is too early to call it a failure.
    tell = failed if bootstrapped else warning
    for name, services in missing.items():
        yield tell(
            "runtime",
            f"the engine does not know {name!r}, which {listed(services, 3)} want; it knows {', '.join(known)}",
            f"install {name} and name it below 'runtimes' in /etc/docker/daemon.json, or set another runtime in the "
            "model",
        )
    if not missing and wanted:
        yield ok("runtime", ", ".join(sorted(wanted)))
