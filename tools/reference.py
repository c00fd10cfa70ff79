"""Write the pages of docs/reference that follow from the code.

    reference.py           write all of them
    reference.py --check   write nothing; return 1 and name the pages that are not up to date

A fact stands in one place: the schema of the model, a module's DOCUMENTATION, a role's argument_specs, the table of
image versions. These pages only repeat it, and tests/unit/docs/test_reference.py fails when one of them does not.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".ansible" / "collections"))

from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import is_built  # noqa: E402
from ansible_collections.selvedge.fabric.plugins.module_utils.model import (  # noqa: E402
    paths,
    rules,
    units,
    variables,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import load  # noqa: E402
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import (  # noqa: E402
    COUCHDB,
    COUCHDB_PORT_KEY,
    MONITORING_KEYS,
    PORT_KEYS,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.schema import MODEL, RENAMED, Field  # noqa: E402
from ansible_collections.selvedge.fabric.plugins.module_utils.model.upstream import (  # noqa: E402
    ALWAYS,
    NEVER_BUILT,
    REPOSITORIES,
)

REFERENCE = ROOT / "docs" / "reference"
NOTICE = "<!-- Written by tools/reference.py. Change the source that it names, then run the script. -->\n"
# O(option), V(value), C(code), M(fqcn), RV(result): the markup of Ansible's documentation.
_MARKUP = re.compile(r"\b(?:RV|[CVOMPE])\(([^)]*)\)")
# In O(selvedge.fabric.module#module:option), what stands before the option.
_OTHER = re.compile(r"(?<=`)[\w.]+#\w+:")
_STRONG = re.compile(r"\b[BI]\(([^)]*)\)")


def plain(text: Any) -> str:
    """Documentation text, a string or a list of them, as one line of Markdown that fits into a table."""
    joined = " ".join(str(item) for item in text) if isinstance(text, list) else str(text)
    joined = _OTHER.sub("", _STRONG.sub(r"\1", _MARKUP.sub(r"`\1`", joined)))
    # Outside code, Markdown takes <name> for HTML.
    parts = " ".join(joined.split()).replace("|", "\\|").split("`")
    return "`".join(part if index % 2 else part.replace("<", "&lt;") for index, part in enumerate(parts))


def page(title: str, source: str, *parts: str) -> str:
    """A page with its notice, title and the sentence that names its source."""
    return "\n".join([NOTICE, f"# {title}\n", f"Made from {source}.\n", *parts]).rstrip() + "\n"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _unused in head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


# The network model


def flat(fields: dict[str, Field], prefix: str = "") -> Iterator[tuple[str, Field]]:
    """Every key of a level, and of the maps below it, with its path; lists of maps are pages' own sections."""
    for key, spec in fields.items():
        yield prefix + key, spec
        if spec.kind == "map":
            yield from flat(spec.fields, f"{prefix}{key}.")


def default_of(spec: Field) -> str:
    """What a key is when it is not given."""
    if spec.required:
        return "required"
    if spec.kind in ("list", "map", "mapping") and not spec.default:
        return {"list": "`[]`", "mapping": "`{}`"}.get(spec.kind, "")
    if spec.default is None:
        return ""
    return f"`{spec.default}`"


def meaning_of(spec: Field) -> str:
    """What a key means and what it may be."""
    parts = [spec.text]
    if spec.choices:
        parts.append("one of " + ", ".join(f"`{choice}`" for choice in spec.choices))
    elif spec.hint:
        parts.append(f"{spec.key_hint}: {spec.hint}" if spec.key_hint else spec.hint)
    elif spec.kind == "int" and spec.minimum:
        upper = f" to {spec.maximum}" if spec.maximum < 2**31 else ""
        parts.append(f"from {spec.minimum}{upper}")
    return plain("; ".join(parts))


def type_of(spec: Field) -> str:
    """A key's type in words."""
    if spec.kind == "list":
        return "list of maps" if spec.fields else "list of strings"
    words = {"str": "string", "int": "whole number", "bool": "true or false", "mapping": "map of strings"}
    return words.get(spec.kind, spec.kind)


def model_sections(fields: dict[str, Field], path: str) -> Iterator[str]:
    """A table for this level, then one for each list of maps below it."""
    keys = list(flat(fields))
    rows = [(f"`{key}`", type_of(spec), default_of(spec), meaning_of(spec)) for key, spec in keys]
    yield f"## `{path}`\n"
    yield table(("key", "type", "default", "meaning"), rows)
    for key, spec in keys:
        if spec.kind == "list" and spec.fields:
            yield from model_sections(spec.fields, f"{path}.{key}[]")


def network_model() -> str:
    """The reference of the variable ``selvedge_network``."""
    return page(
        "The network model",
        "`plugins/module_utils/model/schema.py`",
        "The model is the variable `selvedge_network` of an inventory. All mistakes in it are reported at once, each "
        "with the key's path, before any host is touched. A key that is not in these tables is a mistake.\n",
        "A port that is not given is counted up from the first of its kind, see [ports](ports.md).\n",
        *model_sections(MODEL, "selvedge_network"),
        "## Variables beside it\n",
        "Names that begin with `selvedge_`, in the inventory or with `-e`. One that is spelled almost like these is "
        "refused; any other is not read, which is a warning.\n",
        table(
            ("variable", "meaning"), [(f"`{name}`", plain(text)) for name, text in variables.INPUTS.items()]
        ),
        "## Rules\n",
        "What must hold beyond the keys. A mistake ends the run before any host is touched.\n",
        bullets(rules.RULES),
        "## Warnings\n",
        "What is no mistake and may still not be meant.\n",
        bullets(rules.WARNINGS),
        "## Renamed keys\n",
        "Keys that operators bring from other tools and other spellings; the answer names the key that it is here.\n",
        table(("where", "key", "here"), renamed_rows()),
    )


def bullets(functions: dict[str, rules.Rule]) -> str:
    """What each rule says of itself, with its reason."""
    return "".join(f"- {plain(function.__doc__)}\n" for function in functions.values())


def renamed_rows() -> list[tuple[str, ...]]:
    """Other names of keys, by the level that they stand on and the name here."""
    rows = []
    for level, names in RENAMED.items():
        where = {"": "the model", "*": "a service"}.get(level, f"`{level}`")
        for new in dict.fromkeys(names.values()):
            others = ", ".join(f"`{old}`" for old, name in names.items() if name == new)
            rows.append((where, others, f"`{new}`"))
    return rows


# Modules, plugins, roles, playbooks


def documentation(path: Path) -> dict[str, Any]:
    """The DOCUMENTATION of a plugin's file, without running it; empty when it has none."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            return dict(yaml.safe_load(ast.literal_eval(node.value)))
    return {}


def fragment(name: str) -> dict[str, Any]:
    """The options of a documentation fragment ``selvedge.fabric.<name>``, or ``selvedge.fabric.<name>.<part>``."""
    file, _unused, part = name.removeprefix("selvedge.fabric.").partition(".")
    path = ROOT / "plugins" / "doc_fragments" / f"{file}.py"
    body = next(node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)).body
    texts = {getattr(node.targets[0], "id", ""): node.value for node in body if isinstance(node, ast.Assign)}
    text = texts[part.upper() or "DOCUMENTATION"]
    return dict(yaml.safe_load(ast.literal_eval(text)).get("options", {}))


def options_of(document: dict[str, Any]) -> dict[str, Any]:
    """A plugin's own options and those of its fragments."""
    found = dict(document.get("options") or {})
    for name in document.get("extends_documentation_fragment", []):
        found.update(fragment(name))
    return found


def option_rows(options: dict[str, Any]) -> list[tuple[str, ...]]:
    """Options as rows: name, type, default, meaning."""
    rows: list[tuple[str, ...]] = []
    for name, spec in options.items():
        default = "required" if spec.get("required") else f"`{spec['default']}`" if "default" in spec else ""
        choices = (
            "; one of " + ", ".join(f"`{item}`" for item in spec["choices"]) if "choices" in spec else ""
        )
        meaning = plain(spec.get("description", "")) + choices + settings_of(spec)
        rows.append((f"`{name}`", spec.get("type", "str"), default, meaning))
    return rows


def settings_of(spec: dict[str, Any]) -> str:
    """Where an option of a callback is set."""
    places = [f"`[{item['section']}] {item['key']}`" for item in spec.get("ini", [])]
    places += [f"`{item['name']}`" for item in spec.get("env", [])]
    return f" Set by {' or '.join(places)}." if places else ""


def plugins(kind: str) -> dict[str, dict[str, Any]]:
    """Name to documentation of every plugin of a kind that has one."""
    found = {path.stem: documentation(path) for path in sorted((ROOT / "plugins" / kind).glob("*.py"))}
    return {name: document for name, document in found.items() if document}


def plugin_sections(kind: str) -> Iterator[str]:
    """A line in a table for each plugin, then its options."""
    found = plugins(kind)
    yield table(
        ("name", "what it does"),
        [(f"[`{name}`](#{name})", plain(document["short_description"])) for name, document in found.items()],
    )
    for name, document in found.items():
        yield f"### `{name}`\n"
        yield plain(document.get("description", "")) + "\n"
        if options := options_of(document):
            yield table(("option", "type", "default", "meaning"), option_rows(options))


def collection_plugins() -> str:
    """The reference of modules and plugins."""
    return page(
        "Modules and plugins",
        "the `DOCUMENTATION` of the files below `plugins/`",
        "All names are in the collection `selvedge.fabric`. With `ansible-doc selvedge.fabric.NAME` you read the same "
        "with examples and return values.\n",
        "## Modules\n",
        *plugin_sections("modules"),
        "## Lookups\n",
        *plugin_sections("lookup"),
        "## Callbacks\n",
        "An option stands in the section of `ansible.cfg` that is named with it, or in an environment variable.\n",
        *plugin_sections("callback"),
    )


def role_sections() -> Iterator[str]:
    """What each role is for, its options, and what it does in order."""
    for folder in sorted((ROOT / "roles").iterdir()):
        if not (folder / "tasks" / "main.yml").is_file():
            continue
        specs_file = folder / "meta" / "argument_specs.yml"
        specs = (
            yaml.safe_load(specs_file.read_text())["argument_specs"]["main"] if specs_file.is_file() else {}
        )
        tasks = yaml.safe_load((folder / "tasks" / "main.yml").read_text())
        yield f"### `{folder.name}`\n"
        if specs:
            described = plain(specs.get("description", ""))
            yield f"{plain(specs['short_description'])}. {described}".rstrip() + "\n"
        yield "\n".join(f"{number}. {plain(task['name'])}" for number, task in enumerate(tasks, 1)) + "\n"
        if specs.get("options"):
            yield table(("variable", "type", "default", "meaning"), option_rows(specs["options"]))


def playbook_rows() -> list[tuple[str, ...]]:
    """Each playbook and the names of its plays."""
    rows: list[tuple[str, ...]] = []
    for path in sorted((ROOT / "playbooks").glob("*.yml")):
        plays = yaml.safe_load(path.read_text())
        rows.append((f"`{path.relative_to(ROOT)}`", plain("; ".join(play["name"] for play in plays))))
    return rows


def roles() -> str:
    """The reference of playbooks and roles."""
    return page(
        "Playbooks and roles",
        "`playbooks/`, and `meta/argument_specs.yml` and `tasks/main.yml` of each role",
        "## Playbooks\n",
        table(("playbook", "what it does"), playbook_rows()),
        "## Roles\n",
        "A role that shows no variables takes everything from the network model.\n",
        *role_sections(),
    )


# Ports, paths, images, boot material

_WHO = {
    ("orderer", "main"): "gRPC: clients' broadcast and deliver, other orderers",
    ("orderer", "admin"): "channel participation API, mutual TLS",
    ("orderer", "operations"): "operations endpoint: health and metrics, mutual TLS",
    ("peer", "main"): "gRPC: Gateway, endorsement, deliver, gossip",
    ("peer", "operations"): "operations endpoint: health and metrics, mutual TLS",
    (COUCHDB, "operations"): "Prometheus, for CouchDB's metrics, with `couchdb` and `monitoring`; mutual TLS",
    ("ca", "main"): "REST API of the enrolment CA and the TLS CA",
    ("ca", "operations"): "operations endpoint: health and metrics, mutual TLS",
}


def sample_services() -> dict[str, list[dict[str, int]]]:
    """Ports of three of each kind on one host, as the model's own function hands them out.

    The first two are of one organisation (but for CAs, of which each has one), the third is of another.
    """
    node = {"host": "host"}
    nodes = {kind: [{"name": f"{kind}{n}", **node} for n in (1, 2)] for kind in ("orderer", "peer")}
    organizations = [{"name": f"ord{n}", "ca": node, "orderers": nodes["orderer"]} for n in (1, 2)]
    organizations += [{"name": f"org{n}", "ca": node, "peers": nodes["peer"]} for n in (1, 2)]
    model = {
        "name": "sample",
        "registry": node,
        "secrets_store": node,
        "organizations": organizations,
        COUCHDB: {"image": f"couchdb@sha256:{0:064x}"},
        "monitoring": node,
    }
    network = load(model, {"host": {"reach": "192.0.2.1", "address": "192.0.2.1"}})
    return {
        "orderer": [service.ports for service in network.orderers],
        "peer": [service.ports for service in network.peers],
        "ca": [service.ports for service in network.cas],
        COUCHDB: [service.ports for service in network.state_databases],
    }


# Of the monitoring's services, those that others than Prometheus ask.
_WHO_ASKS = {
    "loki": "Prometheus and collectors; mutual TLS",
    "grafana": "browsers, with a login; Prometheus; TLS",
}


def ports() -> str:
    """Which ports a host publishes."""
    found = sample_services()
    rows: list[tuple[str, ...]] = []
    for (kind, use), who in _WHO.items():
        second = "" if kind == "ca" else str(found[kind][1][use])
        other = found[kind][1 if kind == "ca" else 2][use]
        key = COUCHDB_PORT_KEY if kind == COUCHDB else PORT_KEYS[use]
        rows.append((kind, f"`{key}`", str(found[kind][0][use]), second, str(other), who))
    for key, who in (
        ("registry", "hosts pull images, the controller pushes; TLS"),
        ("secrets_store", "hosts' agents and the controller; TLS"),
    ):
        rows.append((f"`{key}`", "`port`", str(MODEL[key].fields["port"].default), "", "", who))
    for kind, key in MONITORING_KEYS.items():
        if not key:
            continue
        spec = MODEL["monitoring"]
        for part in key.split("."):
            spec = spec.fields[part]
        who = _WHO_ASKS.get(kind, "Prometheus; mutual TLS")
        rows.append((kind, f"`monitoring.{key}`", str(spec.default), "", "", who))
    return page(
        "Ports",
        "`plugins/module_utils/model/ports.py` and `schema.py`",
        "Every organisation has a hundred ports of each kind, in the order of the model. The first node of an "
        "organisation on a host has the first of them, the second one ten more, and so on. So whoever comes last in "
        "the model, or in an organisation, moves nobody's ports. To take one out of the middle, give those after it "
        "their ports explicitly.\n\nA node listens on the same port inside its container and outside, on all "
        "addresses of the host. A chaincode service publishes none: its peer reaches it on the stack's own network.\n",
        table(
            (
                "service",
                "key of the model",
                "first on a host",
                "second",
                "next organisation's",
                "who talks to it",
            ),
            rows,
        ),
        "The controller needs to reach all of them and SSH. Hosts need to reach each other on the ports of orderers, "
        "peers, registry and store; clients need the peers' `port`. Where there is monitoring, its host needs to reach "
        "all of them but SSH and the orderers' `admin_port`; with logs, every host needs `monitoring.logs.port` "
        "there.\n",
    )


def controller_paths() -> list[tuple[str, ...]]:
    """What runs leave on the controller, where its roles put it."""

    def of_role(name: str, option: str) -> str:
        specs = yaml.safe_load((ROOT / "roles" / name / "meta" / "argument_specs.yml").read_text())[
            "argument_specs"
        ]
        return shown(specs["main"]["options"][option]["default"])

    def shown(template: str) -> str:
        """A path as this page writes it, from a template of Ansible's."""
        return re.sub(r"{{ selvedge_controller_state }}", "{state}", template).replace(
            "{{ inventory_dir }}", "INVENTORY"
        )

    (lock,) = [
        shown(task["selvedge.fabric.host_lock"]["path"])
        for task in yaml.safe_load((ROOT / "roles/lock/tasks/main.yml").read_text())
        if "path" in task.get("selvedge.fabric.host_lock", {})
    ]
    return [
        ("`{state}/ca.key`, `{state}/controller.key`", "[boot material](boot-material.md), with their certificates"),
        (f"`{lock}`, `{lock}.guard`", "the run that is at work on the network"),
        (f"`{of_role('status', 'status_page')}`", "the page that `status.yml` writes"),
        (f"`{of_role('images', 'images_lock_file')}`", "the digests that hosts run, written by `images.yml`"),
    ]  # fmt: skip


def host_paths() -> str:
    """Where things lie on a host."""
    secrets, config = paths.SECRETS, paths.CONFIG
    lock = plugins("modules")["host_lock"]["options"]["path"]["default"]
    rows = [
        (f"`{config}/stacks/STACK/compose.yml`", "disk", "the definition of a stack's containers: `store`, `registry`, `ca`, `ledger`, `monitoring`"),  # noqa: E501
        (f"`{config}/stacks/STACK/secrets`", "disk", "names of the files that the stack waits for at boot; no secret"),
        (f"`{paths.AGENT}/`", "disk", "configuration of the store's agent; no secret"),
        (f"`{paths.CA_CERT}`", "disk", "certificate of the bootstrap CA"),
        (f"`{paths.VERSION_FILE}`", "disk", "the version of Selvedge that last configured the host"),
        (f"`{paths.LIBRARY}/`", "disk", "the scripts of the systemd units, and the agent's program"),
        (f"`{paths.DATA}/NODE/`", "disk", "ledgers, the store's encrypted storage, a CA's database"),
        (f"`{paths.MONITORING}/KIND/`", "disk", "configuration of the monitoring; no secret"),
        (f"`{paths.COUCHDB_CONFIG}/`", "disk", "configuration of CouchDBs; no secret"),
        (f"`{paths.TEXTFILES}/`", "disk", "metrics that runs on the host leave for the node exporter"),
        (f"`{paths.CREDENTIALS}/selvedge-*`", "disk, sealed", "boot material, see [boot material](boot-material.md)"),
        (f"`{paths.CLEAR_CREDENTIALS}/selvedge-*`", "disk, clear", "the same on a host with `selvedge_seal: none`"),
        (f"`{secrets}/SERVICE/`", "tmpfs", f"keys and certificates; containers see the folder as `{paths.IN_SECRETS}`"),
        (f"`{units.SECRET_ID_FILE}`", "tmpfs", "the agent's credential, unsealed by systemd"),
        ("`/run/selvedge/agent.revision`", "tmpfs", "what the agent runs with; no secret"),
        (f"`{lock}`, `{lock}.guard`", "tmpfs", "the run that is at work here, see [one run at a time](../operator/changing.md#one-run-at-a-time)"),  # noqa: E501
        ("`/etc/docker/certs.d/REGISTRY/ca.crt`", "disk", "the CA that the engine trusts for the registry"),
        ("`/etc/docker/daemon.json`", "disk", "settings of the engine, with bounded logs and live-restore"),
        ("`/etc/systemd/system/selvedge-*`", "disk", "the units below"),
    ]  # fmt: skip
    unit_rows = [
        (f"`{units.material_unit('STACK')}`", "unseals the boot material of `store` or `registry` to tmpfs"),
        (f"`{units.AGENT_UNIT}`", f"the store's agent; renders to `{secrets}`"),
        (f"`{units.stack_unit('STACK')}`", "waits for the stack's secrets, then starts its containers"),
    ]
    return page(
        "Paths and units",
        "`plugins/module_utils/model/paths.py`, `units.py`, and the tasks and defaults that name the rest",
        table(("path", "on", "what"), list(rows)),
        f"Containers run as user id {paths.UID}, which `bootstrap.yml` creates as user `selvedge`. The node exporter, "
        f"which sees the host's processes, runs as {paths.EXPORTER_UID}, so that it cannot read the others' keys. "
        f"CouchDB runs as {paths.COUCHDB_UID}, as upstream's image has it. "
        "Collectors of logs and the guard of the engine's socket run as root without any capability.\n",
        "## Units\n",
        table(("unit", "what it does"), list(unit_rows)),
        "## On the controller\n",
        "`{state}` is the variable `selvedge_state_dir`, by default `.state` beside the inventory.\n",
        table(("path", "what"), controller_paths()),
    )


def programs() -> list[tuple[str, ...]]:
    """Programs that are built for hosts, in which versions."""
    versions = yaml.safe_load((ROOT / "images" / "versions.yml").read_text())
    recipes = {
        path.parent.name: yaml.safe_load(path.read_text())
        for path in sorted((ROOT / "images").glob("*/program.yml"))
    }
    return [
        (f"`{name}`", plain(recipe["title"]), str(versions[recipe["component"]]["default"]))
        for name, recipe in recipes.items()
    ]


def upstreams_own() -> list[tuple[str, ...]]:
    """Images that are never built, and where upstream has them."""
    return [
        (
            f"`{name}`",
            plain(yaml.safe_load((ROOT / "images" / name / "image.yml").read_text())["title"]),
            f"`{ALWAYS[name][1] if name in ALWAYS else REPOSITORIES[name]}`",
            f"`{ALWAYS[name][0]}`" if name in ALWAYS else "`upstream_images`, for `image_source: pull`",
        )
        for name in NEVER_BUILT
    ]


def images() -> str:
    """Which images there are, in which versions."""
    versions = yaml.safe_load((ROOT / "images" / "versions.yml").read_text())
    rows: list[tuple[str, ...]] = []
    for path in sorted((ROOT / "images").glob("*/image.yml")):
        recipe = yaml.safe_load(path.read_text())
        if not is_built(recipe):
            continue
        entry = versions.get(recipe.get("component"), {})
        known = [str(version) for version in entry.get("versions", [recipe.get("version")])]
        default = str(entry.get("default", recipe.get("version")))
        shown = ", ".join(f"**{version}**" if version == default else version for version in known)
        name = path.parent.name
        upstream = f"`{REPOSITORIES[name]}`" if name in REPOSITORIES else ""
        rows.append((f"`{name}`", plain(recipe["title"]), shown, f"{recipe['budget_mb']} MB", upstream))
    return page(
        "Images",
        "`images/versions.yml`, `images/*/image.yml` and `plugins/module_utils/model/upstream.py`",
        "Every image but those [below](#only-from-upstream) is built from pinned sources. The default version is in "
        "bold. A build fails when an image is bigger than its budget.\n",
        table(("image", "what", "versions", "budget", "upstream, for `image_source: pull`"), rows),
        "## Only from upstream\n",
        "Never built. Our layer is laid over upstream's image, which the model names by digest, each at its key. What "
        "has a key of its own does not mind `image_source`.\n",
        table(("image", "what", "upstream", "key of the model"), upstreams_own()),
        "## Programs for hosts\n",
        "Built in the same way, and installed by `bootstrap.yml` where the distribution has none that will do.\n",
        table(("program", "what", "version"), programs()),
    )


def boot_material() -> str:
    """The closed list of what lies on a disk."""
    entries = yaml.safe_load((REFERENCE / "boot-material.yml").read_text())["boot_material"]
    columns = ("path", "where", "form", "purpose", "reach", "rotate")
    rows = [
        tuple(f"`{entry[key]}`" if key == "path" else plain(entry[key]) for key in columns)
        for entry in entries
    ]
    return page(
        "Boot material",
        "`docs/reference/boot-material.yml`",
        "Boot material is what lies on a disk so that hosts and the controller come back without anybody typing a "
        "secret. The list is closed: the leak check of `make test` reads it and fails on anything else.\n",
        "- **where**: `store` and `registry` are the hosts of these services, `hosts` is every host that runs "
        "something, `lab` is the controller of lab hosts.\n"
        "- **form**: `sealed` with systemd-creds, by the TPM where there is one and else by the host's own key; or "
        "`clear`. **On a host with `selvedge_seal: none` every sealed file is in the clear instead**, with mode 0600 "
        "and the same name in `/etc/credstore`: who takes the disk of such a host has its boot material.\n"
        "- `{state}` is the controller's folder, the variable `selvedge_state_dir`, by default `.state` beside the "
        "inventory.\n",
        table(columns, rows),
    )


def generate() -> dict[Path, str]:
    """The pages that this script writes, with their content."""
    return {
        REFERENCE / "network-model.md": network_model(),
        REFERENCE / "plugins.md": collection_plugins(),
        REFERENCE / "roles.md": roles(),
        REFERENCE / "ports.md": ports(),
        REFERENCE / "paths.md": host_paths(),
        REFERENCE / "images.md": images(),
        REFERENCE / "boot-material.md": boot_material(),
    }


def stale(pages: dict[Path, str]) -> list[Path]:
    """Those pages whose file is missing or says something else."""
    return [path for path, content in pages.items() if not path.is_file() or path.read_text() != content]


def main() -> int:
    """Entry point."""
    pages = generate()
    old = stale(pages)
    if "--check" in sys.argv[1:]:
        for path in old:
            print(f"{path.relative_to(ROOT)} is not up to date: run tools/reference.py", file=sys.stderr)
        return 1 if old else 0
    for path in old:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pages[path])
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
