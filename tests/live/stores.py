"""A real OpenBao server, its agent, and real fabric-ca servers for tests, on loopback.

Binaries come from ``.cache/oracle`` (``SELVEDGE_ORACLE_DIR`` overrides): ``openbao/bao`` and
``fabric-ca/fabric-ca-server``. Everything lies below a temporary directory; processes are ended by their own
pid.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hvac
import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import x509
from ansible_collections.selvedge.fabric.plugins.module_utils.model.agent_config import agent_config
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ca_config import (
    MAIN_FILE,
    TLS_FILE,
    server_config,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.store_config import (
    server_config as store_server_config,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.openbao import OpenBao
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.openbao_admin import (
    Admin,
    Host,
    compare,
    desired_state,
)

REPOSITORY = Path(__file__).resolve().parents[2]
# Away from the lab's addresses, which may be in use on the same machine.
ADDRESS = "127.0.20.1"


def binary(component: str, name: str) -> Path:
    """The path of a built binary; skips the test, by name, when it was not built."""
    root = Path(os.environ.get("SELVEDGE_ORACLE_DIR", str(REPOSITORY / ".cache" / "oracle")))
    path = root / component / name
    if not path.is_file():
        pytest.skip(f"{component}/{name} is not built in {root}")
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


def eventually(condition: Callable[[], Any], seconds: float = 15) -> Any:
    """What ``condition`` returns as soon as it is true; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"still {found!r} after {seconds} s"
        time.sleep(0.02)


class Process:
    """A program with its output in a file."""

    def __init__(self, log: Path) -> None:
        self.log_file = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *command: str | Path) -> None:
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def wait_for(self, address: str, port: int) -> None:
        """Wait until it listens; fails at once when it ended."""

        def listens() -> bool:
            assert self._process and self._process.poll() is None, f"it ended:\n{self.log}"
            with socket.socket() as probe:
                return probe.connect_ex((address, port)) == 0

        eventually(listens)

    def signal(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(number)

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @property
    def log(self) -> str:
        return self.log_file.read_text() if self.log_file.exists() else ""


@dataclass
class LiveStore:
    """An OpenBao server with the configuration that Selvedge deploys."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: Process = field(init=False)

    def __post_init__(self) -> None:
        self.process = Process(self.folder / "log")
        root = x509.make_root("bootstrap", "Selvedge", 30)
        server = x509.issue_server(root, "openbao.lab", "Selvedge", ["openbao.lab", ADDRESS], 30)
        controller = x509.issue_server(root, "controller", "Selvedge", ["controller"], 30)
        for name, text in {
            "ca": root.cert_pem,
            "server_cert": server.cert_pem,
            "server_key": server.key_pem,
            "client_cert": controller.cert_pem,
            "client_key": controller.key_pem,
        }.items():
            (self.folder / name).write_text(text)
        (self.folder / "seal_key").write_bytes(os.urandom(32))
        self.data.mkdir()
        cluster = f"{ADDRESS}:{free_port()}"
        config = store_server_config(
            node_id="store1",
            api_addr=self.url,
            cluster_addr=f"https://{cluster}",
            client_ca_pem=root.cert_pem,
            client_name="controller",
            listen_address=f"{ADDRESS}:{self.port}",
            cluster_listen_address=cluster,
            data_dir=str(self.data),
            tls_cert_file=str(self.folder / "server_cert"),
            tls_key_file=str(self.folder / "server_key"),
            seal_key_file=str(self.folder / "seal_key"),
            audit_file=str(self.audit_file),
            telemetry=True,
        )
        (self.folder / "openbao.json").write_text(config)

    @property
    def url(self) -> str:
        return f"https://{ADDRESS}:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def audit_file(self) -> Path:
        return self.folder / "audit.log"

    @property
    def option(self) -> dict[str, Any]:
        """The modules' ``store`` option."""
        names = {"ca_file": "ca", "cert_file": "client_cert", "key_file": "client_key"}
        files = {key: str(self.folder / name) for key, name in names.items()}
        return {"url": self.url, "server_name": "openbao.lab", "timeout": 20, **files}

    def open(self, **changes: Any) -> OpenBao:
        """A new client, not logged in yet."""
        return OpenBao(**{**self.option, **changes})

    def start(self) -> None:
        self.process.start(binary("openbao", "bao"), "server", "-config", self.folder / "openbao.json")
        self.process.wait_for(ADDRESS, self.port)

    def stop(self) -> None:
        self.process.stop()

    def seal(self) -> None:
        """Seal it; it begins unsealed again when it is started. The controller may not: a role is made for that."""
        name = "sealing"

        def sealing(client: hvac.Client) -> None:
            role = client.read("auth/cert/certs/controller")["data"]
            text = 'path "sys/seal" { capabilities = ["update", "sudo"] }'
            client.sys.create_or_update_acl_policy(name, text)
            kept = {key: role[key] for key in ("certificate", "allowed_common_names")}
            client.write_data(f"auth/cert/certs/{name}", data={**kept, "token_policies": name})
            login = client.adapter.post("/v1/auth/cert/login", json={"name": name})
            client.token = login["auth"]["client_token"]
            client.sys.seal()

        self.open().call("sealing", "sys/seal", sealing)

    def configure(self, mounts: list[str], hosts: list[Host]) -> None:
        """Mounts, policies and AppRoles, as the module ``store_config`` makes them."""
        admin = Admin(self.open())
        desired = desired_state(mounts, hosts, 60)
        admin.apply(compare(admin.read(desired), desired))


@contextlib.contextmanager
def running_store(folder: Path) -> Iterator[LiveStore]:
    store = LiveStore(folder)
    store.start()
    try:
        yield store
    finally:
        store.stop()


class LiveAgent:
    """The store's agent of one host, rendering ``templates`` (see ``agent_config``)."""

    def __init__(self, folder: Path, store: LiveStore, host: str, templates: list[dict[str, Any]]) -> None:
        self.folder, self._store, self._host = folder, store, host
        self.process = Process(folder / "agent.log")
        secret_id, self.accessor = Admin(store.open()).issue_secret_id(host)
        (folder / "role_id").write_text(host)
        (folder / "secret_id").write_text(secret_id)
        self.configure(templates)

    def configure(self, templates: list[dict[str, Any]], poll_s: int = 1) -> None:
        config = agent_config(
            self._store.url,
            str(self._store.folder / "ca"),
            str(self.folder / "role_id"),
            str(self.folder / "secret_id"),
            templates,
            server_name="openbao.lab",
            poll_s=poll_s,
            retry_max_s=1,
        )
        (self.folder / "agent.json").write_text(json.dumps(config))

    def start(self) -> None:
        self.process.start(binary("openbao", "bao"), "agent", "-config", self.folder / "agent.json")

    def stop(self) -> None:
        self.process.stop()


class LiveCa:
    """An organisation's fabric-ca server, its files rendered by the store's agent from ``<mount>/ca/server``.

    The host's AppRole must be named as the mount and may read that secret.
    """

    def __init__(self, folder: Path, store: LiveStore, mount: str) -> None:
        folder.mkdir()
        self.folder, self.mount = folder, mount
        self.port, self.operations_port = free_port(), free_port()
        self.process = Process(folder / "ca.log")
        self.data.mkdir()
        texts = server_config(
            secrets_dir=str(self.secrets),
            home=str(self.home),
            data_dir=str(self.data),
            listen_address=ADDRESS,
            port=self.port,
            operations_address=f"{ADDRESS}:{self.operations_port}",
        )
        self.names = list(texts)
        with_secret = '{{ with secret "' + mount + '/data/ca/server" }}'
        templates = [
            {
                "dest": str(self.secrets / name),
                "contents": f"{with_secret}{text}{{{{ end }}}}",
                "perms": "0400",
            }
            for name, text in texts.items()
        ]
        self.agent = LiveAgent(folder, store, mount, templates)

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def address(self) -> str:
        return f"{ADDRESS}:{self.port}"

    def render(self) -> None:
        """Have the agent write the files, and wait for them."""
        self.agent.start()
        eventually(lambda: all((self.secrets / name).exists() for name in self.names))
        self.agent.stop()

    def start(self) -> None:
        """Start the server with an empty home, as its container does."""
        shutil.rmtree(self.home, ignore_errors=True)
        (self.home / "tls").mkdir(parents=True)
        # Links stand for the bind mounts: the server only looks at the folder's name.
        (self.home / MAIN_FILE).symlink_to(self.secrets / MAIN_FILE)
        (self.home / "tls" / MAIN_FILE).symlink_to(self.secrets / TLS_FILE)
        self.process.start(binary("fabric-ca", "fabric-ca-server"), "start", "--home", self.home)

    def stop(self) -> None:
        self.process.stop()
        self.agent.stop()
