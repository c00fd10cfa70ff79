"""Which images the model needs, and where upstream has them: they are built here, or taken from there by digest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import (
    COLLECTORS,
    COUCHDB,
    GRAFANA,
    HEALTH_EXPORTER,
    setting,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.schema import Problem
from ansible_collections.selvedge.fabric.plugins.module_utils.model.versions import KEYS

# Images that upstream publishes, and where. What is missing here is always built.
REPOSITORIES = {
    "alertmanager": "quay.io/prometheus/alertmanager",
    "blackbox-exporter": "quay.io/prometheus/blackbox-exporter",
    "fabric-ca": "docker.io/hyperledger/fabric-ca",
    "fabric-orderer": "docker.io/hyperledger/fabric-orderer",
    "fabric-peer": "docker.io/hyperledger/fabric-peer",
    "fluent-bit": "docker.io/fluent/fluent-bit",
    "loki": "docker.io/grafana/loki",
    "node-exporter": "quay.io/prometheus/node-exporter",
    "openbao": "quay.io/openbao/openbao",
    "prometheus": "quay.io/prometheus/prometheus",
    "registry": "docker.io/library/registry",
}

# Of these the model has the reference itself, whatever image_source says: the key that has it, and where upstream has
# the image.
ALWAYS = {
    COUCHDB: ("couchdb.image", "docker.io/library/couchdb"),
    GRAFANA: ("monitoring.grafana.image", "docker.io/grafana/grafana"),
}
# What is only pulled: its recipe says no way to build it, see is_built in images/builder.py; a test compares the two.
NEVER_BUILT = ("fluent-bit", *ALWAYS)

# Images of the monitoring, and the model's key that has the version of each. Ours has none: its recipe says it.
MONITORING = {
    HEALTH_EXPORTER: "",
    **{name: key for name, key in KEYS.items() if key.startswith("monitoring.")},
}


def images(settings: dict[str, Any]) -> list[dict[str, str]]:
    """What the model's services run.

    :param settings: a model with defaults filled in; what else may be wrong with it does not matter
    :returns: ``name``; ``version`` unless the recipe decides; ``upstream``, where it comes from if it is not built
    """
    organizations = [item for item in settings.get("organizations", []) if isinstance(item, dict)]
    wanted = {("openbao", _text(settings, "secrets_store.version")): None}
    if organizations:
        wanted["fabric-ca", _text(settings, "ca_version")] = None
    for kind in ("orderer", "peer"):
        if any(item.get(f"{kind}s") for item in organizations):
            wanted[f"fabric-{kind}", _text(settings, "fabric_version")] = None
    for chaincode in settings.get("chaincodes", []):
        if name := _text(chaincode, "image"):
            wanted[name, _text(chaincode, "image_version")] = None
    if isinstance(settings.get("monitoring"), dict):
        # Without logs there is nobody who collects them; with somebody else's sink there is no Loki of our own.
        logs = setting(settings, "monitoring.logs")
        absent = set(COLLECTORS) - {setting(logs, "collector")}
        absent |= set() if isinstance(logs, dict) else {"loki"}
        absent |= {"loki"} if setting(logs, "sink") is not None else set()
        wanted |= {
            (name, _text(settings, key)): None for name, key in MONITORING.items() if name not in absent
        }
    found = [_image(settings, name, version) for name, version in wanted]
    for name, (key, _unused) in ALWAYS.items():
        if reference := _text(settings, key):
            found.append({"name": name, "version": _version_by_digest(reference), "upstream": reference})
    return found


def version_of(settings: dict[str, Any], name: str) -> str | None:
    """The version that the model states of an image of the monitoring, or one that is never built; None where the
    recipe decides."""
    if name in ALWAYS:
        return _version_by_digest(_text(settings, ALWAYS[name][0]))
    return _text(settings, MONITORING[name]) or None


def _version_by_digest(reference: str) -> str:
    """What stands for the version of an image that is known by its digest alone: another digest is another version."""
    return reference.rpartition(":")[2][:12]


def registry_image(settings: dict[str, Any]) -> dict[str, str]:
    """The registry's own image, as in ``images``. The model has no version of it: its key upstream says which."""
    versions = _registry_versions(settings) if settings.get("image_source") == "pull" else []
    return _image(settings, "registry", versions[0] if versions else "")


def problems(settings: dict[str, Any]) -> Iterator[Problem]:
    """What ``upstream_images`` lacks, and what stands there for nothing."""
    if settings.get("image_source") != "pull":
        return
    given = _given(settings)
    for item in images(settings):
        label = f"{item['name']}:{item.get('version', '')}"
        if item["name"] in REPOSITORIES and item.get("version") and label not in given:
            yield _missing(item["name"], item["version"], given)
    registries = _registry_versions(settings)
    if not registries:
        yield _missing("registry", "VERSION", given)
    if len(registries) > 1:
        wrong = f"are {len(registries)} versions of the registry, {' and '.join(registries)}"
        yield Problem("upstream_images[registry:...]", wrong, "give one")
    for label in given:
        if known := ALWAYS.get(label.partition(":")[0]):
            yield Problem(f"upstream_images[{label}]", "is not looked at", f"say it at {known[0]}")
        elif label.partition(":")[0] not in REPOSITORIES:
            right = f"upstream has {', '.join(REPOSITORIES)}; leave it out, this image is built"
            yield Problem(f"upstream_images[{label}]", "is not of an image that upstream has", right)


def _image(settings: dict[str, Any], name: str, version: str) -> dict[str, str]:
    found = {"name": name, **({"version": version} if version else {})}
    upstream = _given(settings).get(f"{name}:{version}") if settings.get("image_source") == "pull" else None
    return {**found, "upstream": upstream} if upstream and name in REPOSITORIES else found


def _text(settings: Any, key: str) -> str:
    """A string of the model; nothing where there is another kind of thing, of which the operator hears elsewhere."""
    value = setting(settings, key)
    return value if isinstance(value, str) else ""


def _given(settings: dict[str, Any]) -> dict[str, str]:
    given = settings.get("upstream_images")
    return {str(label): value for label, value in given.items()} if isinstance(given, dict) else {}


def _registry_versions(settings: dict[str, Any]) -> list[str]:
    return [label.partition(":")[2] for label in _given(settings) if label.startswith("registry:")]


def _missing(name: str, version: str, given: dict[str, str]) -> Problem:
    others = [label for label in given if label.startswith(f"{name}:")]
    known = f", where there is {', '.join(others)}" if others else ""
    where = REPOSITORIES[name]
    return Problem(
        f"upstream_images[{name}:{version}]",
        f"is missing{known}",
        f"give {where}@sha256:..., the digest that `docker buildx imagetools inspect {where}:{version}` prints "
        f"(or: skopeo inspect --format '{{{{.Digest}}}}' docker://{where}:{version})",
    )
