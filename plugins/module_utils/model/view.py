"""From the network to what each host needs, and to what the controller does. No host, no clock, no secret.

``host_view`` is everything that one host is brought to: directories, files, Compose stacks. ``controller_view``
is everything that is agreed on over the network: the store's layout, authorities, identities, channels,
chaincodes.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model import (
    compose,
    couchdb,
    health_exporter,
    units,
    upstream,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.agent_config import agent_config
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ca_stack import ca_files, ca_service
from ansible_collections.selvedge.fabric.plugins.module_utils.model.chaincode_package import package_of
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import (
    Host,
    ModelError,
    Network,
    Service,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import (
    AGENT,
    CA_CERT,
    CLEAR_CREDENTIALS,
    CONFIG,
    COUCHDB_CONFIG,
    CREDENTIALS,
    DATA,
    HOSTS_FILE,
    LIBRARY,
    SECRETS,
    STACKS,
    TEXTFILES,
    UID,
    VERSION_FILE,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import (
    COLLECTORS,
    COUCHDB,
    HEALTH_EXPORTER,
    MONITORING_KEYS,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.schema import Problem
from ansible_collections.selvedge.fabric.plugins.module_utils.model.secrets_layout import (
    generated_secrets,
    monitor_path,
    mount_of,
    revision_of,
    secret_path,
    secret_paths,
    templates,
    uid_of,
    waits,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.store_config import (
    CONTROLLER_NAME,
    server_config,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.files import (
    config_files,
    config_folder,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.log_services import (
    engine_folder,
    engine_watch,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.services import KEEPING
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.services import (
    service as monitoring_service,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.version import VERSION

with suppress(ImportError):  # the module says which package is missing
    import yaml

    # The one in C writes the same text in a third of the time.
    _DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

# A transaction that every contract knows, that reads and writes nothing, and is committed all the same.
PROBE = ["org.hyperledger.fabric:GetMetadata"]
STORE_MATERIAL = ["ca_cert", "seal_key", "server_cert", "server_key"]
REGISTRY_MATERIAL = ["ca_cert", "server_cert", "server_key"]
_LEDGER_KINDS = ("orderer", "peer", COUCHDB, "chaincode")
_MONITORING = "monitoring"
_EXPORTER_FILE = "exporter.json"


class Images:
    """The lock file's digests as full references on the network's registry."""

    def __init__(self, network: Network, lock: dict[str, str]) -> None:
        self._prefix = network.registry_address
        self._lock = lock

    def reference(self, name: str, version: str | None) -> str:
        """``host:port/selvedge/<name>@sha256:...``; the only locked version when none is given."""
        keys = self._keys(name, version)
        if len(keys) != 1:
            raise ModelError([self._problem(name, version, keys)])
        return f"{self._prefix}/{self._lock[keys[0]]}"

    def problems(self, wanted: list[dict[str, str]]) -> list[Problem]:
        """What the lock file lacks of ``required_images``."""
        asked = [(item["name"], item.get("version")) for item in wanted]
        found = [(name, version, self._keys(name, version)) for name, version in asked]
        return [self._problem(name, version, keys) for name, version, keys in found if len(keys) != 1]

    def _keys(self, name: str, version: str | None) -> list[str]:
        return [
            key
            for key in self._lock
            if key == f"{name}:{version}" or (not version and key.startswith(f"{name}:"))
        ]

    @staticmethod
    def _problem(name: str, version: str | None, keys: list[str]) -> Problem:
        if keys:
            wrong = f"has more than one version of {name}: {', '.join(keys)}"
            return Problem("selvedge_images", wrong, "set image_version of each chaincode that runs it")
        wanted = f"{name}:{version}" if version else name
        return Problem(
            "selvedge_images", f"has no digest for {wanted}", "run images.yml, it builds and locks"
        )


def required_images(network: Network) -> list[dict[str, str]]:
    """The images that the model's services run: ``name``, ``version`` unless the recipe decides, and ``upstream`` where
    it is not built."""
    return upstream.images(network.settings)


def base_files(network: Network, host: str, ca_cert: str) -> list[dict[str, Any]]:
    """What a host has from `bootstrap.yml` on."""
    return [
        _file(CA_CERT, ca_cert),
        _file(VERSION_FILE, f"{VERSION}\n"),
        _file(f"/etc/docker/certs.d/{network.registry_address}/ca.crt", ca_cert),
        _file(f"{LIBRARY}/wait-secrets", units.WAIT_SECRETS, "0755"),
        _file(f"{LIBRARY}/install-material", units.INSTALL_MATERIAL, "0755"),
        _file(f"{LIBRARY}/fetch-agent", units.FETCH_AGENT, "0755"),
        _file("/etc/systemd/system/selvedge-stack@.service", units.STACK_SERVICE),
        _file(f"/etc/systemd/system/{units.AGENT_UNIT}", units.agent_service(network.hosts[host].seal)),
    ]


def registry_view(network: Network, image: str) -> dict[str, Any]:
    """The registry's stack for its host; ``image`` is the id that the archive was loaded under."""
    config = yaml.safe_dump(
        {
            "version": 0.1,
            "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": "/var/lib/registry"}, "delete": {"enabled": True}},
            "http": {
                "addr": "0.0.0.0:5000",
                "tls": {"certificate": "/run/secrets/server_cert", "key": "/run/secrets/server_key"},
            },
        }
    )
    path = f"{CONFIG}/registry/config.yml"
    definition = {"registry": compose.registry(network, image, path, config)}
    material = [f"{SECRETS}/registry/{name}" for name in REGISTRY_MATERIAL]
    return {
        "directories": [_directory(f"{DATA}/registry")],
        "files": [
            _file(path, config),
            _file(f"/etc/systemd/system/{units.material_unit('registry')}",
                  units.material_service("registry", REGISTRY_MATERIAL, network.registry_host.seal)),
            *_stack_files(network, "registry", definition, material),
        ],
        "stack": _project(network, "registry", definition),
        "material": _material(network, network.registry_host, "registry", REGISTRY_MATERIAL),
    }  # fmt: skip


def host_view(network: Network, host: str, lock: dict[str, str], ca_cert: str) -> dict[str, Any]:
    """Everything that ``site.yml`` brings one host to.

    :param lock: image name and version to repository and digest (``selvedge_images``)
    :param ca_cert: PEM of the bootstrap CA that the registry's, the store's and the controller's certificates come from
    :returns: ``directories``, ``files``, ``stacks`` (name to project, services and secrets count), ``material``,
        ``agent`` (whether it needs the agent), ``units``
    """
    images = Images(network, lock)
    if problems := images.problems(required_images(network)):
        raise ModelError(problems)
    services = list(network.services(host))
    stacks: dict[str, tuple[dict[str, Any], list[str]]] = {}
    files: list[dict[str, Any]] = [_file(VERSION_FILE, f"{VERSION}\n")]
    material = None
    if network.store_host.name == host:
        config = _store_config(network, ca_cert)
        path = f"{CONFIG}/store/openbao.json"
        image = images.reference("openbao", network.settings["secrets_store"]["version"])
        stacks["store"] = (
            {"store": compose.store(network, image, path, config)},
            [f"{SECRETS}/store/{name}" for name in STORE_MATERIAL],
        )
        material = _material(network, network.store_host, "store", STORE_MATERIAL)
        files += [
            _file(path, config),
            _file(f"/etc/systemd/system/{units.material_unit('store')}",
                  units.material_service("store", STORE_MATERIAL, network.store_host.seal)),
        ]  # fmt: skip
    rendered = {service.name: _rendered(network, service) for service in services}
    configs = {
        service.name: _configuration(network, service, ca_cert)
        for service in services
        if service.kind in MONITORING_KEYS
    }
    for service in services:
        files += [
            _file(f"{config_folder(service)}/{name}", text)
            for name, text in configs.get(service.name, {}).items()
        ]
    if any(service.kind == COUCHDB for service in services):
        files += [_file(f"{COUCHDB_CONFIG}/{name}", text) for name, text in couchdb.config_files().items()]
    for stack in ("ca", "ledger", _MONITORING):
        members = [service for service in services if _stack_of(network, service) == stack]
        if members:
            definition = {
                service.name: _definition(network, service, images, rendered[service.name], configs)
                for service in members
            }
            for service in members:
                if service.kind in COLLECTORS:
                    definition |= engine_watch(network, service, definition[service.name]["image"])
            stacks[stack] = (
                definition,
                [line for service in members for line in waits(rendered[service.name])],
            )
    agent = _agent_files(network, host, images, [t for service in services for t in rendered[service.name]])
    files += agent if services else []
    if "ledger" in stacks:
        # Containers have the file itself mounted, so it is written into, not replaced.
        files.append({**_file(HOSTS_FILE, compose.hosts_file(network, host)), "in_place": True})
    for stack, (definition, lines) in stacks.items():
        files += _stack_files(network, stack, definition, lines)
    data = [
        *(
            _directory(f"{DATA}/{service.name}", uid_of(service))
            for service in services
            if _keeps_data(service)
        ),
        *(
            _directory(engine_folder(network, service), uid_of(service))
            for service in services
            if service.kind in COLLECTORS
        ),
        *([_directory(f"{DATA}/store")] if material else []),
    ]
    return {
        "name": host,
        "directories": [
            *data,
            # Root writes there, and whoever runs for it; the node exporter reads.
            *([{"path": TEXTFILES, "mode": "0755"}] if network.monitoring else []),
        ],
        "files": files,
        "stacks": {
            name: _project(network, name, definition) for name, (definition, _unused) in stacks.items()
        },
        "material": material,
        "seal": network.hosts[host].seal,
        "agent": bool(services),
        # What the agent is to run with; it is restarted when it runs with another program or configuration.
        "agent_revision": next(file["content"] for file in agent if file["path"] == f"{AGENT}/revision"),
        "agent_image": images.reference("openbao", network.settings["secrets_store"]["version"]),
        "images": sorted(
            {item["image"] for definition, _unused in stacks.values() for item in definition.values()}
            | (
                {images.reference("openbao", network.settings["secrets_store"]["version"])}
                if services
                else set()
            )
        ),
        "units": [units.stack_unit(stack) for stack in stacks if stack != _MONITORING],
        # Apart from the others: the ledger neither waits for it nor stops with it.
        "monitoring_units": [units.stack_unit(stack) for stack in stacks if stack == _MONITORING],
        # What tells what is on the host: whether it was bootstrapped, and what left the model.
        "listings": [AGENT, LIBRARY, SECRETS, STACKS],
        "traces": _traces(network, host, bool(material)),
    }


def _rendered(network: Network, service: Service) -> list[dict[str, Any]]:
    """What the store's agent renders for a service."""
    if service.kind == HEALTH_EXPORTER:
        return health_exporter.templates(network, service)
    return templates(network, service, ca_files(network, service))


def _configuration(network: Network, service: Service, ca_cert: str) -> dict[str, str]:
    """Files of a service of the monitoring in its folder: name to content."""
    if service.kind == HEALTH_EXPORTER:
        return {_EXPORTER_FILE: health_exporter.config(network, service, _ledger(network))}
    return config_files(network, service, ca_cert)


def _readable(network: Network, service: Service) -> list[str]:
    """What a service's host may read of the store for it."""
    if service.kind == HEALTH_EXPORTER:
        return health_exporter.secret_paths(network)
    return secret_paths(network, service)


def _stack_of(network: Network, service: Service) -> str:
    """The Compose project of a service; a blackbox exporter has to be on the network of the chaincodes that it asks."""
    if service.kind == "ca":
        return "ca"
    beside = any(item.host == service.host for item in network.chaincodes)
    if service.kind in _LEDGER_KINDS or (service.kind == "blackbox-exporter" and beside):
        return "ledger"
    return _MONITORING


def _keeps_data(service: Service) -> bool:
    """Whether a service has a folder of its own on the host's disk."""
    return service.kind in ("ca", "orderer", "peer", COUCHDB, *KEEPING)


def _definition(
    network: Network,
    service: Service,
    images: Images,
    rendered: list[dict[str, Any]],
    configs: dict[str, dict[str, str]],
) -> dict[str, Any]:
    """The service as Compose has it, with a hash over what it mounts."""
    revision = revision_of(rendered[:-1])
    if service.kind == COUCHDB:
        version = upstream.version_of(network.settings, COUCHDB)
        return couchdb.couchdb(service, images.reference(COUCHDB, version), revision)
    if service.name not in configs:
        return {**_service(network, service, images), "labels": {"selvedge.config": revision}}
    image = images.reference(service.kind, upstream.version_of(network.settings, service.kind))
    if service.kind == HEALTH_EXPORTER:
        text = configs[service.name][_EXPORTER_FILE]
        return health_exporter.service(
            service, image, f"{config_folder(service)}/{_EXPORTER_FILE}", text, revision
        )
    return monitoring_service(network, service, image, configs[service.name], revision)


def _traces(network: Network, host: str, has_store: bool) -> dict[str, list[str]]:
    """What `destroy.yml` stops and removes on a host: everything that Selvedge put there but the engine."""
    stacks = [
        *([_MONITORING] if network.monitoring else []),
        "ledger",
        "ca",
        *(["store"] if has_store else []),
    ]
    stacks += ["registry"] if network.registry_host.name == host else []
    material = [units.material_unit(stack) for stack in ("store", "registry") if stack in stacks]
    stack_units = [units.stack_unit(stack) for stack in stacks]
    return {
        "stacks": stacks,
        "units": [*stack_units, units.AGENT_UNIT, *material],
        "paths": [
            CONFIG,
            DATA,
            LIBRARY,
            "/run/selvedge",
            f"/etc/docker/certs.d/{network.registry_address}",
            *(
                f"/etc/systemd/system/{unit}"
                for unit in ["selvedge-stack@.service", units.AGENT_UNIT, *material]
            ),
            *_credential_files(network.hosts[host], stacks),
        ],
    }


def _credential_files(host: Host, stacks: list[str]) -> list[str]:
    """Where a host's boot material lies on its disk."""
    names = [("agent", "secret_id")]
    names += [("store", name) for name in STORE_MATERIAL if "store" in stacks]
    names += [("registry", name) for name in REGISTRY_MATERIAL if "registry" in stacks]
    folder = CLEAR_CREDENTIALS if host.seal == "none" else CREDENTIALS
    return [f"{folder}/selvedge-{stack}-{name}" for stack, name in names]


def controller_view(network: Network, state_dir: str) -> dict[str, Any]:
    """Everything that the controller agrees on with the store, the CAs and the ledger.

    :param state_dir: folder with the controller's boot material
    """
    reach = f"{network.store_host.reach}:{network.settings['secrets_store']['port']}"
    return {
        "store": {
            "url": f"https://{reach}",
            "ca_file": f"{state_dir}/ca.crt",
            "cert_file": f"{state_dir}/controller.crt",
            "key_file": f"{state_dir}/controller.key",
        },
        "store_config": _store_layout(network),
        "ca_material": [
            {
                "name": org.name,
                "mount": mount_of(org.name),
                "msp_id": org.msp_id,
                "server_hosts": list(
                    dict.fromkeys([org.ca.name, org.ca.host.address, org.ca.host.reach, "127.0.0.1"])
                ),
            }
            for org in network.organizations.values()
        ],
        "ca_servers": [
            {
                "name": org.name,
                "mount": mount_of(org.name),
                "msp_id": org.msp_id,
                "ca_address": org.ca.reach(),
                "ca_server_name": org.ca.name,
            }
            for org in network.organizations.values()
        ],
        "authorities": [
            {
                "name": org.name,
                "mount": mount_of(org.name),
                "ca_address": org.ca.reach(),
                "operations_address": org.ca.reach("operations"),
                "server_name": org.ca.name,
            }
            for org in network.organizations.values()
        ],
        "identities": _identities(network),
        "generated_secrets": generated_secrets(network),
        "placement": {service.name: service.host.name for service in _everything(network)},
        **_ledger(network),
    }


def _ledger(network: Network) -> dict[str, Any]:
    """The part of the controller's view that says what the ledger is made of."""
    return {
        "topology": _topology(network),
        "channels": [_channel(network, channel) for channel in network.settings["channels"]],
        "chaincodes": [_chaincode(network, chaincode) for chaincode in network.settings["chaincodes"]],
    }


def _everything(network: Network) -> list[Service]:
    return [
        *network.cas,
        *network.orderers,
        *network.state_databases,
        *network.peers,
        *network.chaincodes,
    ]


def lab_hosts(network: Network) -> list[dict[str, Any]]:
    """What the lab needs to know of each host, with the ports that the model has there."""
    settings = network.settings
    extra = [(network.registry_host.name, settings["registry"]["port"])]
    extra.append((network.store_host.name, settings["secrets_store"]["port"]))
    return [
        {
            "name": host.name,
            "loopback": host.reach,
            "address": host.address,
            "image": host.lab_image,
            "ports": sorted(
                {*host.lab_ports, *(port for name, port in extra if name == host.name)}
                | {
                    port
                    for service in network.services(host.name)
                    if service.kind != "chaincode"
                    for port in service.ports.values()
                }
            ),
        }
        for host in network.hosts.values()
    ]


def _file(path: str, content: str, mode: str = "0644") -> dict[str, Any]:
    return {"path": path, "content": content, "mode": mode}


def _directory(path: str, owner: int = UID) -> dict[str, Any]:
    return {"path": path, "mode": "0750", "owner": owner}


def _project(network: Network, stack: str, services: dict[str, Any]) -> dict[str, Any]:
    """A Compose project: its definition, as the engine gets it and as the operator reads it."""
    return {"name": f"{network.name}-{stack}", "services": services}


def _stack_files(
    network: Network, stack: str, services: dict[str, Any], lines: list[str]
) -> list[dict[str, Any]]:
    definition = yaml.dump(_project(network, stack, services), Dumper=_DUMPER, sort_keys=False, width=1000)
    return [
        _file(f"{CONFIG}/stacks/{stack}/compose.yml", definition),
        _file(f"{CONFIG}/stacks/{stack}/secrets", "".join(f"{line}\n" for line in lines)),
    ]


def _service(network: Network, service: Service, images: Images) -> dict[str, Any]:
    fabric = network.settings["fabric_version"]
    if service.kind == "ca":
        return ca_service(network, service, images.reference("fabric-ca", network.settings["ca_version"]))
    if service.kind == "orderer":
        return compose.orderer(network, service, images.reference("fabric-orderer", fabric))
    if service.kind == "peer":
        return _peer(network, service, images.reference("fabric-peer", fabric))
    image = images.reference(service.settings["image"], service.settings["image_version"])
    return compose.chaincode(service, image, package_of(service.settings).package_id)


def _peer(network: Network, service: Service, image: str) -> dict[str, Any]:
    definition = compose.peer(network, service, image)
    database = network.state_database_of(service)
    if database is None:
        return definition
    told = couchdb.told_of(database, service.settings["log_level"])
    return {**definition, **told, "environment": definition["environment"] | told["environment"]}


def _agent_files(
    network: Network, host: str, images: Images, rendered: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    config = agent_config(
        network.store_url,
        CA_CERT,
        f"{AGENT}/role_id",
        units.SECRET_ID_FILE,
        rendered,
        retry_max_s=1,
    )
    image = images.reference("openbao", network.settings["secrets_store"]["version"])
    text = json.dumps(config, indent=1, sort_keys=True) + "\n"
    return [
        _file(f"{AGENT}/agent.json", text),
        _file(f"{AGENT}/role_id", role_id(network, host)),
        _file(f"{AGENT}/image", f"{image}\n"),
        _file(f"{AGENT}/revision", compose.digest_of(text, image) + "\n"),
    ]


def role_id(network: Network, host: str) -> str:
    """A host's AppRole role id: a name, not a secret."""
    return f"{network.name}-{host}"


def _material(network: Network, host: Host, stack: str, names: list[str]) -> dict[str, Any]:
    return {
        "stack": stack,
        "names": names,
        "unit": units.material_unit(stack),
        "seal": host.seal,
        # Boot material that opens data must never be made anew beside that data.
        "data": f"{DATA}/{stack}" if "seal_key" in names else "",
        "common_name": f"{stack}.{network.settings['domain']}",
        "hosts": sorted({f"{stack}.{network.settings['domain']}", host.address, host.reach, "127.0.0.1"}),
    }


def _store_config(network: Network, ca_cert: str) -> str:
    return server_config(
        node_id=f"store.{network.settings['domain']}",
        api_addr=network.store_url,
        cluster_addr=f"https://{network.store_host.address}:8201",
        client_ca_pem=ca_cert,
        client_name=CONTROLLER_NAME,
        audit_file="stdout",
        telemetry=bool(network.monitoring),
    )


def _store_layout(network: Network) -> dict[str, Any]:
    """Mounts and, for each host, the exact secrets that it may read and the address it may come from."""
    return {
        "mounts": [{"path": mount_of(name)} for name in network.organizations],
        "hosts": [
            {
                "name": host.name,
                "role_id": role_id(network, host.name),
                "paths": sorted({path for service in services for path in _readable(network, service)}),
                # The store sees the address that a host comes from, its own host included.
                "cidrs": [f"{host.address}/32"],
            }
            for host in network.hosts.values()
            if (services := list(network.services(host.name)))
        ],
    }


def _identities(network: Network) -> list[dict[str, Any]]:
    """Who is to be enrolled, and where in the store it lies."""
    found = [
        {
            "name": f"admin.{org.name}.{network.settings['domain']}",
            "organization": org.name,
            "kind": "admin",
            "secret": f"{mount_of(org.name)}/users/admin",
            "hosts": [],
        }
        for org in network.organizations.values()
    ]
    for name in network.organizations if network.monitoring else ():
        monitor = network.monitor(name)
        found.append(
            {
                "name": monitor,
                "organization": name,
                "kind": "client",
                "secret": monitor_path(network, name),
                # By this name the monitoring's own servers know it.
                "hosts": [monitor],
            }
        )
    for service in network.monitoring_of(HEALTH_EXPORTER):
        found += health_exporter.identities(network, service)
    watching = [item for item in network.monitoring if item.kind != HEALTH_EXPORTER]
    nodes = [*network.orderers, *network.peers, *network.state_databases, *network.chaincodes]
    for service in [*nodes, *watching]:
        reach = [] if service.kind == "chaincode" else [service.host.address, service.host.reach]
        found.append(
            {
                "name": service.name,
                "organization": service.organization,
                "kind": service.kind if service.kind in ("orderer", "peer") else "client",
                "secret": secret_path(service),
                "hosts": sorted({service.name, *reach, "127.0.0.1"}),
            }
        )
    return found


def _topology(network: Network) -> dict[str, Any]:
    def node(service: Service) -> dict[str, Any]:
        admin = {"admin_address": service.reach("admin")} if service.kind == "orderer" else {}
        anchor = {"anchor": service.settings["anchor"]} if service.kind == "peer" else {}
        return {
            "name": service.name,
            "organization": service.organization,
            "address": service.reach(),
            "operations_address": service.reach("operations"),
            "endpoint": service.endpoint,
            **admin,
            **anchor,
        }

    return {
        "organizations": [
            {"name": org.name, "msp_id": org.msp_id, "mount": mount_of(org.name), "role": org.role}
            for org in network.organizations.values()
        ],
        "orderers": [node(service) for service in network.orderers],
        "peers": [node(service) for service in network.peers],
    }


def _channel(network: Network, channel: dict[str, Any]) -> dict[str, Any]:
    members = channel["organizations"]
    definition = {
        "capabilities": channel["capabilities"],
        "batch_timeout": channel["batch_timeout"],
        "batch_max_messages": channel["batch_max_messages"],
        "organizations": members,
        "orderer_organizations": [org.name for org in network.organizations.values() if org.orderers],
        "orderers": [service.name for service in network.orderers],
        "peers": [service.name for name in members for service in network.organizations[name].peers],
    }
    return {"name": channel["name"], "definition": definition}


def _chaincode(network: Network, chaincode: dict[str, Any]) -> dict[str, Any]:
    members = next(item for item in network.settings["channels"] if item["name"] == chaincode["channel"])
    organizations = members["organizations"]
    package = package_of(chaincode)
    function, *args = chaincode["probe"] or PROBE
    return {
        "name": chaincode["name"],
        "version": chaincode["version"],
        "channel": chaincode["channel"],
        "package": package.options,
        "endorsement_policy": chaincode["endorsement_policy"],
        "organizations": organizations,
        "peers": [peer.name for name in organizations for peer in network.organizations[name].peers],
        "probe": {"function": function, "args": args},
    }
