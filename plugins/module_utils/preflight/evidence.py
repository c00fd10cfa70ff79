"""What is true of a machine, collected in one go. Runs on hosts: the standard library only, Python 3.8 or newer.

Nothing is judged here and nothing is changed. Every question is bounded in time.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.preflight import engine, network, system

STACKS = "/etc/selvedge/stacks"


def collect(expected: dict[str, Any], ca_cert: str, timeout_s: float) -> dict[str, Any]:
    """Look at the machine that this runs on.

    :param expected: a host's or the controller's part of the network, see ``model/preflight_view.py``
    :param ca_cert: PEM of the bootstrap CA; empty before there is one
    :param timeout_s: for each answer over the network
    :returns: by section: ``system``, ``memory``, ``disks``, ``engine``, ``listeners``, ``files``, ``stacks`` (of a
        host only), ``knocks`` and ``endpoints``; ``errors`` has what could not be looked at, section to reason
    """
    questions: dict[str, Callable[[], Any]] = {
        "knocks": lambda: network.knock(_targets(expected), timeout_s),
        **{
            f"endpoint {item['name']}": _endpoint(item, ca_cert, timeout_s)
            for item in expected.get("endpoints", [])
        },
    }
    if "paths" in expected:
        ports = {item["port"] for item in expected["ports"]}
        questions.update(
            {
                "system": lambda: system.describe(expected["address"]),
                "memory": system.memory,
                "engine": engine.describe,
                "listeners": lambda: network.listeners(ports),
                "files": lambda: {path: fingerprint(path) for path in expected["trust"]},
                "stacks": lambda: sorted(os.listdir(STACKS)) if os.path.isdir(STACKS) else [],
            }
        )
    found, errors = _together(questions)
    if "paths" in expected:
        paths = {**expected["paths"], "engine": found.get("engine", {}).get("root") or engine.ROOT}
        disks, more = _together({"disks": lambda: {use: system.disk(path) for use, path in paths.items()}})
        found.update(disks)
        errors.update(more)
    found["endpoints"] = {
        name[len("endpoint ") :]: found.pop(name) for name in list(found) if name.startswith("endpoint ")
    }
    found["errors"] = errors
    return found


def fingerprint(path: str) -> str:
    """SHA-256 of a text file without white space around it, hex; empty when there is no such file."""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read().strip()).hexdigest()
    except FileNotFoundError:
        return ""


def _endpoint(item: dict[str, Any], ca_cert: str, timeout_s: float) -> Callable[[], Any]:
    return lambda: network.ask(item["address"], item["port"], item["path"], ca_cert, timeout_s)


def _targets(expected: dict[str, Any]) -> list[tuple[str, int]]:
    return [
        (other["address"], item["port"])
        for other in expected.get("neighbours", [])
        for item in other["ports"]
    ]


def _together(questions: dict[str, Callable[[], Any]]) -> tuple[dict[str, Any], dict[str, str]]:
    """Ask all at the same time; one that fails does not keep the others from being answered."""
    found: dict[str, Any] = {}
    errors: dict[str, str] = {}
    with ThreadPoolExecutor(len(questions)) as pool:
        futures: dict[str, Future[Any]] = {name: pool.submit(call) for name, call in questions.items()}
        for name, future in futures.items():
            try:
                found[name] = future.result()
            except (OSError, ValueError, KeyError, IndexError) as error:
                errors[name] = f"{type(error).__name__}: {error}"
    return found, errors
