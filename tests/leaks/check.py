"""The check as a whole: take the secrets in hand, search every machine, judge what was found."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import CONTROLLER, Deployment
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import CLEAR_CREDENTIALS, SECRETS
from ansible_collections.selvedge.fabric.plugins.module_utils.model.secrets_layout import folder_of
from ansible_collections.selvedge.fabric.tests.leaks.engine import SOME_KEY
from ansible_collections.selvedge.fabric.tests.leaks.forms import forms_of
from ansible_collections.selvedge.fabric.tests.leaks.rules import ROOT, Finding, Rules
from ansible_collections.selvedge.fabric.tests.leaks.secrets import (
    HOST_KEY,
    HOST_PROGRAM,
    Secret,
    all_secrets,
)

_MIB = 1 << 20
# Less than this was no search. A lab host, the smallest there is, has three times as much.
_LEAST_ON_HOST = {"bytes": 200 * _MIB, "files": 5000, "processes": 10, "journal bytes": 10_000, "disks": 1}


@dataclass(frozen=True)
class Report:
    """The check's result.

    :param counts: machine to what was searched there, by kind
    :param notes: machine to what could not be searched
    """

    findings: list[Finding]
    counts: dict[str, dict[str, int]]
    notes: dict[str, list[str]]
    secrets: int
    seconds: float

    def text(self) -> str:
        """A table for people; names, never values."""
        lines = [f"{len(self.findings)} finding(s)"]
        rows = [
            ("HOST", "PLACE", "PATH", "WHAT"),
            *((f.host, f.place, f.path, f.what) for f in self.findings),
        ]
        if self.findings:
            widths = [max(len(row[column]) for row in rows) for column in range(3)]
            lines += ["  ".join([*(row[i].ljust(widths[i]) for i in range(3)), row[3]]) for row in rows]
        lines += [f"note: {name}: {note}" for name, notes in self.notes.items() for note in notes]
        lines.append(f"searched for {self.secrets} secrets in {self.seconds:.1f} s:")
        for name, counts in self.counts.items():
            told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if kind != "bytes" and count)
            lines.append(f"  {name}: {counts['bytes'] / _MIB:.0f} MiB, {told}")
        return "\n".join(lines)


def run(
    deployment: Deployment,
    output_logs: Sequence[Path] = (),
    hosts: Sequence[str] | None = None,
    controller: bool = True,
) -> Report:
    """Search the deployment.

    :param output_logs: what runs have printed, such as ``ansible-playbook -vvv`` has
    :param hosts: the hosts to search; all by default
    :param controller: whether to search this machine's checkout too

    Raises LookupError when there are fewer secrets or less to search than a deployed network has: an empty search must
    not look green.
    """
    started = time.monotonic()
    secrets = all_secrets(deployment)
    _require_secrets(deployment, secrets)
    request = {"forms": list(_forms(secrets)), "secrets_folder": SECRETS}
    wanted = list(deployment.network.hosts) if hosts is None else list(hosts)
    searches = {name: (deployment.machine(name), {**request, "do": "host"}) for name in wanted}
    if controller or output_logs:
        searches["controller"] = (CONTROLLER, {**request, **_controller(deployment, output_logs, controller)})
    # Searching costs a processor. The hosts of a lab, and this machine, share theirs.
    with ThreadPoolExecutor(len(searches)) as pool:
        answers = pool.map(lambda item: item[0].run_python(HOST_PROGRAM, item[1]), searches.values())
        results = dict(zip(searches, answers, strict=True))
    findings: list[Finding] = []
    rules = Rules(deployment)
    for name, result in results.items():
        findings += rules.judge(name, secrets, result)
        if name != "controller":
            _require_search(deployment, name, result)
            _require_hits(deployment, name, result)
            findings += [*rules.sealed(name, result["sealed"]), *rules.rendered(name, result["rendered"])]
    return Report(
        sorted(findings, key=lambda finding: (finding.host, finding.place, finding.path, finding.what)),
        {name: result["counts"] for name, result in results.items()},
        {name: result["notes"] for name, result in results.items()},
        len(secrets),
        time.monotonic() - started,
    )


def _forms(secrets: Iterable[Secret]) -> Iterable[dict[str, Any]]:
    for number, secret in enumerate(secrets):
        try:
            found = forms_of(secret.value)
        except ValueError as error:
            raise LookupError(f"{secret.name}: {error}") from error
        for form in found:
            data = base64.b64encode(form.data).decode()
            yield {"secret": number, "form": form.name, "data": data, "least": form.least}


def _controller(deployment: Deployment, output_logs: Sequence[Path], trees: bool) -> dict[str, Any]:
    """What is searched on this machine: the checkout with its caches, all that was ever committed, runs' output."""
    missing = [str(path) for path in output_logs if not path.is_file() or not path.stat().st_size]
    if missing:
        raise LookupError(f"not there or empty: {', '.join(missing)}")
    folders = [ROOT, Path.home() / ".ansible"]
    if not deployment.inventory.is_relative_to(ROOT):
        folders.append(deployment.inventory)
    return {
        "do": "controller",
        "trees": [str(path) for path in folders if trees and path.is_dir()],
        # Other people's packages, with their own test keys by the hundred: a registry's checksums vouch for them, and
        # no run of ours writes there. Git's objects are compressed: see repositories.
        "exclude": [
            str(ROOT / path) for path in (".venv", ".cache/go", ".cache/newest", ".cache/pip", ".git/objects")
        ],
        "repositories": [str(ROOT)] if trees and (ROOT / ".git").exists() else [],
        "outputs": [str(path.resolve()) for path in output_logs],
    }


def _require_secrets(deployment: Deployment, secrets: list[Secret]) -> None:
    """A CA has three keys and a password, an identity two keys; the rest is boot material."""
    view = deployment.controller
    least = 4 * len(view["ca_material"]) + 2 * len(view["identities"]) + 2 + len(deployment.network.hosts)
    if len(secrets) < least:
        raise LookupError(f"only {len(secrets)} secrets in hand, the model has {least}: run site.yml first")


def _require_search(deployment: Deployment, name: str, result: dict[str, Any]) -> None:
    counts = result["counts"]
    containers = sum(len(stack["services"]) for stack in deployment.view(name)["stacks"].values())
    least = {**_LEAST_ON_HOST, "containers": containers, "images": min(1, containers)}
    short = [
        f"{counts[kind]} {kind} (at least {count})" for kind, count in least.items() if counts[kind] < count
    ]
    if containers and not result["rendered"]:
        short.append("no rendered secret")
    if short:
        raise LookupError(f"{name} was not searched: {', '.join(short)}; {'; '.join(result['notes'][:5])}")


def _require_hits(deployment: Deployment, name: str, result: dict[str, Any]) -> None:
    """The search must have found the secrets that belong there: each service's own key in its tmpfs folder."""
    paths = [found["path"] for found in result["findings"] if found["secret"] != SOME_KEY]
    folders = [folder_of(service) for service in deployment.network.services(name)]
    folders += [f"{SECRETS}/{entry['stack']}" for entry in [deployment.view(name)["material"]] if entry]
    blind = [folder for folder in folders if not any(path.startswith(f"{folder}/") for path in paths)]
    # And what is on its disk in the clear.
    sealed = deployment.network.hosts[name].seal != "none"
    on_disk = [HOST_KEY] if sealed else [f"{CLEAR_CREDENTIALS}/selvedge-agent-secret_id"]
    blind += [path for path in on_disk if path not in paths and (sealed or folders)]
    if blind:
        missing = ", ".join(blind)
        raise LookupError(f"the search of {name} does not see the secrets that are there: {missing}")
