"""A real Fabric network for tests: orderer and peer binaries on loopback, certificates made on the spot.

Use it through the module-scoped fixture ``network`` of ``conftest.py``::

    def test_something(network: LiveNetwork) -> None:
        network.topology          # Topology over network.store
        network.option            # the modules' ``topology`` option, a plain dict
        network.definition        # a channel definition that fits this network
        network.stop("peer0.org1.lab"); network.start("peer0.org1.lab")
        print(network.log("orderer0.orderer.lab"))

No channel exists at first. Everything lies below a temporary directory and ends with the fixture; processes
are ended by their own pid. Binaries come from ``.cache/oracle`` (``SELVEDGE_ORACLE_DIR`` overrides), folder ``2.5.9``.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology
from ansible_collections.selvedge.fabric.tests.live.pki import MemoryStore, TestOrganization

REPOSITORY = Path(__file__).resolve().parents[2]
START_TIMEOUT = 30.0

_MSP_CONFIG = {
    "NodeOUs": {
        "Enable": True,
        **{
            f"{role.title()}OUIdentifier": {"OrganizationalUnitIdentifier": role}
            for role in ("client", "peer", "admin", "orderer")
        },
    }
}

# The least that makes a chaincode-as-a-service package run: keep connection.json, hand it to the peer.
_BUILDER = {
    "detect": 'grep -q \'"ccaas"\' "$2/metadata.json"',
    "build": 'cp "$1/connection.json" "$3/"; [ ! -d "$1/metadata" ] || cp -R "$1/metadata" "$3/"',
    "release": 'mkdir -p "$2/chaincode/server"; cp "$1/connection.json" "$2/chaincode/server/"',
}


def oracle(name: str, version: str = "2.5.9") -> Path:
    """The path of a Fabric tool, node binary or ``sampleconfig``; skips the test, by name, when it is not there."""
    folder = Path(os.environ.get("SELVEDGE_ORACLE_DIR", str(REPOSITORY / ".cache" / "oracle"))) / version
    path = folder / name
    if not path.exists():
        pytest.skip(f"{path} is not there: run `make oracles`")
    return path


class Ports:
    """Hands out free loopback ports; all stay reserved until ``release``."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []

    def take(self) -> int:
        held = socket.socket()
        held.bind(("127.0.0.1", 0))
        self._sockets.append(held)
        return int(held.getsockname()[1])

    def release(self) -> None:
        for held in self._sockets:
            held.close()
        self._sockets.clear()


class LiveNetwork:
    """Orderers and peers as child processes.

    :param root: an empty directory for configuration, ledgers and logs
    :param orderers: how many, all of ``OrdererOrg``
    :param peers: peers per organisation; the first of each is its anchor peer
    :param binaries: the folder with ``orderer`` and ``peer``; by default the pinned ones
    :param version: the version of the pinned ones, and of the sample configuration
    """

    def __init__(
        self,
        root: Path,
        orderers: int = 3,
        peers: dict[str, int] | None = None,
        binaries: Path | None = None,
        version: str = "2.5.9",
    ) -> None:
        self.root, self.version = root, version
        self.store = MemoryStore()
        self.binaries = binaries or oracle("orderer", version).parent
        oracle("peer", version)
        self._sample = oracle("sampleconfig", version)
        self._ports = Ports()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._environment: dict[str, dict[str, str]] = {}
        self._before: dict[str, list[str]] = {}
        peers = peers if peers is not None else {"Org1": 1, "Org2": 1}
        self.organizations = {
            "OrdererOrg": TestOrganization("OrdererOrg", "orderer.lab", "orderer", self.store)
        }
        for name in peers:
            self.organizations[name] = TestOrganization(name, f"{name.lower()}.lab", "peer", self.store)
        self.option: dict[str, Any] = {
            "organizations": [org.option() for org in self.organizations.values()],
            "orderers": [],
            "peers": [],
        }
        for index in range(orderers):
            self.add_orderer(f"orderer{index}.orderer.lab", release=False)
        for name, count in peers.items():
            for index in range(count):
                self.add_peer(f"peer{index}.{name.lower()}.lab", name, anchor=index == 0, release=False)
        self._ports.release()

    @property
    def topology(self) -> Topology:
        """A new Topology over everything that was added so far."""
        return Topology.from_option(self.option, self.store)

    @property
    def definition(self) -> dict[str, Any]:
        """A channel definition with all members, on defaults except a short batch timeout."""
        return {
            "organizations": [name for name, org in self.organizations.items() if org.role == "peer"],
            "orderer_organizations": ["OrdererOrg"],
            "orderers": [node["name"] for node in self.option["orderers"]],
            "peers": [node["name"] for node in self.option["peers"]],
            "batch_timeout": "100ms",
        }

    def add_organization(self, name: str) -> None:
        """Add a peer organisation without peers."""
        self.organizations[name] = TestOrganization(name, f"{name.lower()}.lab", "peer", self.store)
        self.option["organizations"].append(self.organizations[name].option())

    def install(self, name: str) -> None:
        """Write a node's certificates and keys from the store again; it reads them when it is started."""
        node = next(n for n in [*self.option["orderers"], *self.option["peers"]] if n["name"] == name)
        mount = self.organizations[node["organization"]].mount
        self._write(self.root / name, self.store.secrets[f"{mount}/nodes/{name}"])

    def _folder(self, organization: TestOrganization, name: str, role: str) -> Path:
        """Write a node's MSP, TLS material and empty data directory."""
        secret = organization.enrol(f"nodes/{name}", role, name)
        folder = self.root / name
        self._write(folder, secret)
        (folder / "data").mkdir()
        return folder

    def _write(self, folder: Path, secret: dict[str, str]) -> None:
        files = {
            "msp/cacerts/ca.pem": secret["ca_cert"],
            "msp/tlscacerts/tlsca.pem": secret["tls_ca_cert"],
            "msp/signcerts/cert.pem": secret["sign_cert"],
            "msp/keystore/priv_sk": secret["sign_key"],
            "msp/config.yaml": yaml.safe_dump(_MSP_CONFIG),
            "tls/server.crt": secret["tls_cert"],
            "tls/server.key": secret["tls_key"],
            "tls/ca.crt": secret["tls_ca_cert"],
        }
        for path, text in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
            target.chmod(0o600)

    def add_orderer(self, name: str, release: bool = True) -> None:
        """Add an orderer to the topology; ``start`` it afterwards."""
        folder = self._folder(self.organizations["OrdererOrg"], name, "orderer")
        port, admin, operations = (self._ports.take() for _unused in range(3))
        tls = {"Certificate": "server.crt", "PrivateKey": "server.key"}
        (folder / "orderer.yaml").write_text((self._sample / "orderer.yaml").read_text())
        environment = {
            "FABRIC_CFG_PATH": str(folder),
            "FABRIC_LOGGING_SPEC": "info",
            "ORDERER_GENERAL_LISTENADDRESS": "127.0.0.1",
            "ORDERER_GENERAL_LISTENPORT": str(port),
            "ORDERER_GENERAL_LOCALMSPID": "OrdererOrgMSP",
            "ORDERER_GENERAL_LOCALMSPDIR": str(folder / "msp"),
            "ORDERER_GENERAL_BOOTSTRAPMETHOD": "none",
            "ORDERER_GENERAL_TLS_ROOTCAS": f"[{folder / 'tls/ca.crt'}]",
            "ORDERER_GENERAL_CLUSTER_CLIENTCERTIFICATE": str(folder / "tls/server.crt"),
            "ORDERER_GENERAL_CLUSTER_CLIENTPRIVATEKEY": str(folder / "tls/server.key"),
            "ORDERER_GENERAL_CLUSTER_ROOTCAS": f"[{folder / 'tls/ca.crt'}]",
            "ORDERER_CHANNELPARTICIPATION_ENABLED": "true",
            "ORDERER_ADMIN_LISTENADDRESS": f"127.0.0.1:{admin}",
            "ORDERER_OPERATIONS_LISTENADDRESS": f"127.0.0.1:{operations}",
            "ORDERER_METRICS_PROVIDER": "prometheus",
            "ORDERER_FILELEDGER_LOCATION": str(folder / "data"),
            "ORDERER_CONSENSUS_WALDIR": str(folder / "data/etcdraft/wal"),
            "ORDERER_CONSENSUS_SNAPDIR": str(folder / "data/etcdraft/snapshot"),
        }
        for section in ("GENERAL", "ADMIN", "OPERATIONS"):
            environment[f"ORDERER_{section}_TLS_ENABLED"] = "true"
            for option, file in tls.items():
                environment[f"ORDERER_{section}_TLS_{option.upper()}"] = str(folder / "tls" / file)
            if section != "GENERAL":
                environment[f"ORDERER_{section}_TLS_CLIENTAUTHREQUIRED"] = "true"
                environment[f"ORDERER_{section}_TLS_CLIENTROOTCAS"] = f"[{folder / 'tls/ca.crt'}]"
        self._environment[name] = environment
        self.option["orderers"].append(
            {
                "name": name,
                "organization": "OrdererOrg",
                "address": f"127.0.0.1:{port}",
                "endpoint": f"127.0.0.1:{port}",
                "operations_address": f"127.0.0.1:{operations}",
                "admin_address": f"127.0.0.1:{admin}",
            }
        )
        if release:
            self._ports.release()

    def add_peer(self, name: str, organization: str, anchor: bool = False, release: bool = True) -> None:
        """Add a peer to the topology; ``start`` it afterwards."""
        org = self.organizations[organization]
        folder = self._folder(org, name, "peer")
        port, chaincode, operations = (self._ports.take() for _unused in range(3))
        first = next((n["address"] for n in self.option["peers"] if n["organization"] == organization), None)
        self._write_core(folder)
        tls = {
            "CERT_FILE": str(folder / "tls/server.crt"),
            "KEY_FILE": str(folder / "tls/server.key"),
        }
        environment = {
            "FABRIC_CFG_PATH": str(folder),
            "FABRIC_LOGGING_SPEC": "info",
            "CORE_PEER_ID": name,
            "CORE_PEER_LISTENADDRESS": f"127.0.0.1:{port}",
            "CORE_PEER_ADDRESS": f"127.0.0.1:{port}",
            "CORE_PEER_CHAINCODELISTENADDRESS": f"127.0.0.1:{chaincode}",
            "CORE_PEER_CHAINCODEADDRESS": f"127.0.0.1:{chaincode}",
            "CORE_PEER_LOCALMSPID": org.msp_id,
            "CORE_PEER_MSPCONFIGPATH": str(folder / "msp"),
            "CORE_PEER_FILESYSTEMPATH": str(folder / "data"),
            "CORE_LEDGER_SNAPSHOTS_ROOTDIR": str(folder / "data/snapshots"),
            "CORE_PEER_GOSSIP_BOOTSTRAP": first or f"127.0.0.1:{port}",
            "CORE_PEER_GOSSIP_EXTERNALENDPOINT": f"127.0.0.1:{port}",
            "CORE_OPERATIONS_LISTENADDRESS": f"127.0.0.1:{operations}",
            "CORE_METRICS_PROVIDER": "prometheus",
            "CORE_PEER_TLS_ENABLED": "true",
            "CORE_PEER_TLS_ROOTCERT_FILE": str(folder / "tls/ca.crt"),
            "CORE_OPERATIONS_TLS_ENABLED": "true",
            "CORE_OPERATIONS_TLS_CLIENTAUTHREQUIRED": "true",
            "CORE_OPERATIONS_TLS_CLIENTROOTCAS_FILES": str(folder / "tls/ca.crt"),
            **{f"CORE_PEER_TLS_{key}": value for key, value in tls.items()},
            **{f"CORE_OPERATIONS_TLS_{key}": value for key, value in tls.items()},
        }
        self._environment[name] = environment
        self.option["peers"].append(
            {
                "name": name,
                "organization": organization,
                "address": f"127.0.0.1:{port}",
                "endpoint": f"127.0.0.1:{port}",
                "operations_address": f"127.0.0.1:{operations}",
                "anchor": anchor,
            }
        )
        if release:
            self._ports.release()

    def _write_core(self, folder: Path) -> None:
        """``core.yaml`` from the sample: quick gossip, no Docker, a chaincode-as-a-service builder."""
        builder = folder / "ccaas"
        for step, script in _BUILDER.items():
            path = builder / "bin" / step
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"#!/bin/sh\nset -e\n{script}\n")
            path.chmod(0o755)
        core = yaml.safe_load((self._sample / "core.yaml").read_text())
        core["peer"]["gossip"].update(
            {
                "publishStateInfoInterval": "500ms",
                "requestStateInfoInterval": "500ms",
                "aliveTimeInterval": "500ms",
                "reconnectInterval": "1s",
                "membershipTrackerInterval": "1s",
            }
        )
        core["vm"]["endpoint"] = ""
        core["chaincode"]["externalBuilders"] = [{"name": "ccaas", "path": str(builder)}]
        (folder / "core.yaml").write_text(yaml.safe_dump(core))

    @property
    def names(self) -> list[str]:
        return list(self._environment)

    def tell(self, peer: str, environment: dict[str, str], before: list[str]) -> None:
        """Start a peer otherwise from now on.

        :param before: the beginning of its command line
        """
        self._environment[peer] |= environment
        self._before[peer] = before

    def start(self, *names: str) -> None:
        """Start nodes (all by default) and wait until their gRPC ports listen."""
        wanted = self.launch(*names)
        deadline = time.monotonic() + START_TIMEOUT
        for name in wanted:
            self._wait(name, deadline)

    def launch(self, *names: str) -> list[str]:
        """Start nodes (all by default) and wait for nothing; return those that were not running."""
        wanted = [name for name in names or self.names if name not in self._processes]
        for name in wanted:
            environment = {"PATH": os.environ["PATH"], "HOME": str(self.root), **self._environment[name]}
            command = [str(self.binaries / "orderer")]
            if "CORE_PEER_ID" in environment:
                command = [*self._before.get(name, ()), str(self.binaries / "peer"), "node", "start"]
            with (self.root / name / "log").open("ab") as log:
                self._processes[name] = subprocess.Popen(
                    command, env=environment, cwd=self.root / name, stdout=log, stderr=log
                )
        return wanted

    def _wait(self, name: str, deadline: float) -> None:
        node = next(n for n in [*self.option["orderers"], *self.option["peers"]] if n["name"] == name)
        addresses = [node[key] for key in ("address", "admin_address") if node.get(key)]
        while addresses:
            if self._processes[name].poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} did not start:\n{self.log(name)}")
            host, port = addresses[0].split(":")
            with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
                addresses.pop(0)
                continue
            time.sleep(0.05)

    def stop(self, *names: str) -> None:
        """Stop nodes (all by default): SIGTERM by pid, SIGKILL after ten seconds."""
        stopping = [self._processes.pop(name) for name in names or list(self._processes)]
        for process in stopping:
            process.send_signal(signal.SIGCONT)  # a stopped process ends when it goes on
            process.terminate()
        for process in stopping:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def runs(self, name: str) -> bool:
        """Whether a node's process is there."""
        return name in self._processes and self._processes[name].poll() is None

    def signal(self, name: str, number: int) -> None:
        """Send a node's process a signal, such as SIGSTOP and SIGCONT."""
        self._processes[name].send_signal(number)

    def log(self, name: str, lines: int = 60) -> str:
        """The end of a node's log, colours removed."""
        text = (self.root / name / "log").read_text(errors="replace")
        return "\n".join(re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()[-lines:])


@contextlib.contextmanager
def running(root: Path, **options: Any) -> Iterator[LiveNetwork]:
    """A started network that ends with the block."""
    live = LiveNetwork(root, **options)
    try:
        live.start()
        yield live
    finally:
        live.stop()
