"""Upstream as tests have it: the real registry program with images laid out as upstream lays them out.

The programs are those of our own images. All else is as upstream has it: a layer of a distribution below, root,
volumes, other places, a sample key, OCI's types, a list of architectures.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.x509 import issue_server, make_root
from ansible_collections.selvedge.fabric.plugins.module_utils.images import blobs, oci
from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import Builder
from ansible_collections.selvedge.fabric.plugins.module_utils.images.filesystem import FileSystem
from ansible_collections.selvedge.fabric.plugins.module_utils.images.push import PushError, Registry
from ansible_collections.selvedge.fabric.plugins.module_utils.images.upstream import architecture
from ansible_collections.selvedge.fabric.plugins.module_utils.model.upstream import REPOSITORIES

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
# A key that no network uses; the words say that to whoever finds it.
SAMPLE_KEY = b"-----BEGIN SAMPLE-----\nthe key of a sample organisation\n-----END SAMPLE-----\n"
_PROGRAMS = oci.Entry("/usr/local/bin", mode=0o755, gid=50)
# A distribution's own folders, among them links and modes that an upper layer must not change.
_BASE = [
    oci.Entry("/lib", link="usr/lib", mode=0o777),
    oci.Entry("/etc/os-release", b"NAME=upstream\n"),
    oci.Entry("/tmp", mode=0o1777),  # noqa: S108 - a path inside the image
    oci.Entry("/usr/lib/locale", mode=0o755),
    oci.Entry("/usr/local", mode=0o755),
    _PROGRAMS,
    oci.Entry("/var/hyperledger", mode=0o755),
]


@dataclass(frozen=True)
class Imitation:
    """An image as upstream has it, and the repository that it lies in."""

    repository: str
    version: str
    image: oci.Image


def registry_program(builder: Builder) -> Path:
    """The registry, as our own image has it."""
    recipe = builder.recipe("registry")
    (package,) = recipe["programs"]
    return builder.compile("registry", builder.default_version("registry"), package, recipe)


def imitate(builder: Builder, name: str, version: str = "") -> Imitation:
    """The image ``name`` in upstream's manner, from the programs and the files of the one that is built here."""
    recipe = builder.recipe(name)
    built = builder.build(name, version)
    merged = {item["path"]: item.get("merge", {}) for item in recipe.get("module_files", {}).values()}
    files = FileSystem(frozenset([*recipe["programs"].values(), *merged]))
    for part in json.loads(built.image.manifest)["layers"]:
        files.add(gzip.decompress(built.image.blobs[part["digest"]]))
    elsewhere = recipe["upstream"].get("programs", {})
    programs = [
        oci.Entry(elsewhere.get(path, [path])[0], _content(files, path), mode=0o755)
        for path in recipe["programs"].values()
    ]
    entries = [*programs, _PROGRAMS]
    for path, merge in merged.items():
        entries.append(oci.Entry(path, _without(_content(files, path), merge)))
    for path in recipe["upstream"].get("remove", []):
        entries.append(oci.Entry(f"{path}/keystore/key.pem", SAMPLE_KEY, mode=0o600))
    config = {
        "Cmd": [Path(programs[0].path).name],
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "Volumes": {"/etc/hyperledger/fabric": {}, "/var/hyperledger": {}},
        "ExposedPorts": {"7051/tcp": {}},
    }
    image = oci.build([oci.layer_tar(_BASE), oci.layer_tar(entries)], config, {})
    manifest = json.loads(image.manifest) | {"mediaType": oci.OCI_MANIFEST}
    manifest["config"]["mediaType"] = "application/vnd.oci.image.config.v1+json"
    for part in manifest["layers"]:
        part["mediaType"] = LAYER
    repository = REPOSITORIES[name].partition("/")[2]
    return Imitation(
        repository, built.version, oci.Image(json.dumps(manifest).encode(), image.blobs, image.size)
    )


def _content(files: FileSystem, path: str) -> bytes:
    node = files.get(path)
    assert node is not None, path
    assert node.data is not None, path
    return node.data


def _without(content: bytes, merge: dict[str, Any]) -> bytes:
    """A configuration file before our settings were merged into it."""
    parsed = yaml.safe_load(content)
    if "chaincode" in merge:
        parsed["chaincode"]["externalBuilders"] = []
    if "vm" in merge:
        parsed["vm"]["endpoint"] = "unix:///var/run/docker.sock"
    return yaml.safe_dump(parsed, sort_keys=False).encode()


class UpstreamRegistry:
    """The registry as a process. What has to outlive this object lies in its folder.

    :param folder: for its storage, its log, its process id and ``ca.crt``
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca_file = folder / "ca.crt"
        self.address = ""

    def start(self, program: Path, address: str) -> None:
        """Run it on ``address``, host and port, and wait until it answers."""
        self.stop()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.address = address
        root = make_root("upstream's CA", "Selvedge tests", 1)
        server = issue_server(root, "upstream", "Selvedge tests", [address.partition(":")[0]], 1)
        self.ca_file.write_text(root.cert_pem)
        # The program reads its key once.
        with tempfile.TemporaryDirectory() as secret:
            (Path(secret) / "key").touch(mode=0o600)
            (Path(secret) / "key").write_text(server.key_pem)
            (Path(secret) / "crt").write_text(server.cert_pem)
            config = {
                "version": 0.1,
                "log": {"level": "warn"},
                "storage": {"filesystem": {"rootdirectory": str(self.folder / "storage")}},
                "http": {"addr": address, "tls": {"certificate": f"{secret}/crt", "key": f"{secret}/key"}},
                # A list names architectures that nobody pushed.
                "validation": {"manifests": {"indexes": {"platforms": "none"}}},
            }
            (self.folder / "config.yml").write_text(yaml.safe_dump(config))
            with (self.folder / "log").open("wb") as log:
                process = subprocess.Popen(
                    [program, "serve", self.folder / "config.yml"],
                    stdout=log,
                    stderr=log,
                    stdin=subprocess.DEVNULL,
                    env={**os.environ, "OTEL_TRACES_EXPORTER": "none"},
                    start_new_session=True,
                )
            (self.folder / "pid").write_text(str(process.pid))
            self._wait(process)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and process.poll() is None:
            try:
                requests.get(
                    f"https://{self.address}/v2/", verify=str(self.ca_file), timeout=5
                ).raise_for_status()
            except requests.RequestException:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(
            f"upstream's registry does not answer: {(self.folder / 'log').read_text()[-2000:]}"
        )

    def publish(self, made: Imitation) -> str:
        """Push an image and a list of architectures that has it; return the reference to the list."""
        url = f"https://{self.address}"
        Registry(url, str(self.ca_file)).push(made.repository, made.version, made.image)
        manifests = [
            {
                "mediaType": oci.OCI_MANIFEST,
                "digest": digest,
                "size": size,
                "platform": {"os": "linux", "architecture": name},
            }
            for name, digest, size in (
                ("mips", f"sha256:{1:064x}", 1000),
                (architecture(), made.image.digest, len(made.image.manifest)),
            )
        ]
        listed = json.dumps({"schemaVersion": 2, "mediaType": blobs.INDEX, "manifests": manifests}).encode()
        answer = requests.put(
            f"{url}/v2/{made.repository}/manifests/{made.version}",
            data=listed,
            headers={"Content-Type": blobs.INDEX},
            verify=str(self.ca_file),
            timeout=30,
        )
        if answer.status_code != 201:
            raise PushError(
                f"the list of {made.repository} was refused: {answer.status_code} {answer.text[:300]}"
            )
        return f"{self.address}/{made.repository}@{oci.digest_of(listed)}"

    def stop(self) -> None:
        """End it, by its own process id, if it still is this program; remove what it stored."""
        pid_file = self.folder / "pid"
        if pid_file.is_file():
            pid = int(pid_file.read_text())
            command = Path(f"/proc/{pid}/cmdline")
            if command.is_file() and str(self.folder / "config.yml").encode() in command.read_bytes():
                os.kill(pid, signal.SIGTERM)
                _gone(pid)
            pid_file.unlink()
        shutil.rmtree(self.folder / "storage", ignore_errors=True)


def _gone(pid: int) -> None:
    """Wait until a process has ended, of this one or of an earlier run."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
