"""Upstream's image under our contract: from a registry that checks, to an image of ours, with a real Go toolchain."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.images import blobs, oci, upstream
from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import (
    Builder,
    BuildError,
    is_built,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.images.errors import PullError
from ansible_collections.selvedge.fabric.plugins.module_utils.images.filesystem import FileSystem
from ansible_collections.selvedge.fabric.plugins.module_utils.images.upstream import Upstream, architecture
from ansible_collections.selvedge.fabric.plugins.module_utils.model.upstream import (
    ALWAYS,
    NEVER_BUILT,
    REPOSITORIES,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.images import checkout
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.images.registry_server import (
    RegistryServer,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.images.upstream_sample import (
    BASE,
    PROGRAM,
    REPOSITORY,
    Files,
    Sample,
    publish_list,
)

needs_go = pytest.mark.skipif(not shutil.which("go"), reason="our helpers need a Go toolchain")
ROOT = Path(__file__).resolve().parents[5]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RegistryServer]:
    with RegistryServer(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which the helper is compiled."""
    folder = tmp_path_factory.mktemp("go")
    if shutil.which("go"):
        Builder(checkout.write(tmp_path_factory.mktemp("first")), folder).helper("probe")
    return folder


@pytest.fixture
def cache(tmp_path: Path, go: Path) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    for name in ("bin", "go"):
        if (go / name).is_dir():
            (folder / name).symlink_to(go / name)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return checkout.write(tmp_path / "checkout")


class Maker:
    """Takes an image from the server; ``lines`` is what was said on the way."""

    def __init__(self, server: RegistryServer, root: Path, cache: Path) -> None:
        self.server, self.root, self.cache = server, root, cache
        self.lines: list[str] = []

    def upstream(self) -> Upstream:
        builder = Builder(self.root, self.cache)
        return Upstream(self.root, self.cache, builder, self.server.ca_file, self.lines.append, pause=0)

    def reference(self, digest: str) -> str:
        return f"{self.server.url.removeprefix('https://')}/{REPOSITORY}@{digest}"

    def __call__(self, digest: str, name: str = "program") -> upstream.Built:
        return self.upstream().make(name, "1.0.0", self.reference(digest))

    def pull(self, digest: str) -> upstream.Pulled:
        return self.upstream().pull(upstream.reference.parse(self.reference(digest)))


@pytest.fixture
def make(server: RegistryServer, root: Path, cache: Path) -> Maker:
    return Maker(server, root, cache)


def parsed(image: oci.Image) -> tuple[dict[str, Any], dict[str, Any]]:
    """Manifest and configuration."""
    manifest = json.loads(image.manifest)
    return manifest, json.loads(image.blobs[manifest["config"]["digest"]])


def top(image: oci.Image) -> dict[str, tarfile.TarInfo]:
    """What our layer has."""
    last = parsed(image)[0]["layers"][-1]["digest"]
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(image.blobs[last]))) as archive:
        return {f"/{item.name}": item for item in archive.getmembers()}


def seen(image: oci.Image, *keep: str) -> FileSystem:
    """What a container of the image sees."""
    found = FileSystem(frozenset(keep))
    for part in parsed(image)[0]["layers"]:
        found.add(gzip.decompress(image.blobs[part["digest"]]))
    return found


@needs_go
def test_our_layer_lies_over_upstreams_and_the_configuration_is_ours(
    make: Maker, server: RegistryServer
) -> None:
    digest = Sample().publish(server.state)
    built = make(digest)
    assert (built.name, built.version, built.fresh, built.base) == ("program", "1.0.0", True, digest)
    manifest, config = parsed(built.image)
    original = json.loads(server.state.manifests[f"{REPOSITORY}@{digest}"])
    assert [item["digest"] for item in manifest["layers"][:-1]] == [
        item["digest"] for item in original["layers"]
    ]
    assert {item["mediaType"] for item in manifest["layers"]} == {oci.LAYER}
    assert manifest["mediaType"] == oci.MANIFEST
    assert {key: value for key, value in config["config"].items() if key != "Labels"} == {
        "User": "10001:10001",
        "Entrypoint": ["/usr/local/bin/hello"],
    }
    assert config["config"]["Labels"] | {"org.opencontainers.image.revision": ""} == {
        "org.opencontainers.image.title": "A program",
        "org.opencontainers.image.version": "1.0.0",
        "org.opencontainers.image.source": "https://github.com/selvedge/fabric",
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.revision": "",
        "org.opencontainers.image.base.name": make.reference(digest),
        "org.opencontainers.image.base.digest": digest,
    }
    for part, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
        assert oci.digest_of(gzip.decompress(built.image.blobs[part["digest"]])) == diff_id
    files = seen(built.image, "/etc/demo/config.yaml", "/usr/local/bin/probe")
    node = files.get("/etc/demo/config.yaml")
    assert node is not None
    # Merged into upstream's, not into our module's.
    assert yaml.safe_load(node.data or b"") == {
        "listen": {"host": "upstream", "port": 8080},
        "theirs": True,
        "added": [1],
    }
    probe = files.get("/usr/local/bin/probe")
    assert probe is not None
    assert (probe.mode, (probe.data or b"")[:4]) == (0o755, b"\x7fELF")
    assert files.get("/etc/demo/msp/key.pem") is None
    assert files.get("/usr/local/bin/hello") is not None
    directory = files.get("/var/lib/demo")
    assert directory is not None
    assert (directory.mode, directory.uid) == (0o750, 10001)


@needs_go
def test_upstreams_folders_keep_their_modes_and_its_links(make: Maker, server: RegistryServer) -> None:
    layers: list[Files] = [
        {**BASE, "var": (("link", "srv/var"), 0o777, 0, 0), "srv/var/lib": (None, 0o711, 3, 4)},
        PROGRAM,
    ]
    members = top(make(Sample(layers=layers).publish(server.state)).image)
    assert (members["/usr/local/bin"].mode, members["/usr/local/bin"].gid) == (0o2775, 50)
    # Ours would be /var/lib/demo; a folder /var would hide upstream's link.
    assert "/var" not in members
    assert members["/srv/var/lib/demo"].uid == 10001
    assert (members["/srv/var/lib"].mode, members["/srv/var/lib"].uid) == (0o711, 3)


@needs_go
def test_a_program_that_upstream_has_elsewhere_is_linked(
    make: Maker, server: RegistryServer, root: Path
) -> None:
    edit(
        root,
        "upstream: {remove",
        "upstream: {programs: {/usr/local/bin/hello: [/opt/hello, /bin/hello]}, remove",
    )
    layers: list[Files] = [BASE, {**PROGRAM, "usr/bin/hello": PROGRAM["usr/local/bin/hello"]}]
    del layers[1]["usr/local/bin/hello"]
    files = seen(make(Sample(layers=layers).publish(server.state)).image)
    assert files.resolve("/usr/local/bin/hello") == "/usr/bin/hello"


@needs_go
def test_a_second_time_nothing_is_asked_of_upstream(make: Maker, server: RegistryServer, cache: Path) -> None:
    digest = Sample().publish(server.state)
    first = make(digest)
    server.state.log.clear()
    again = make(digest)
    assert (again.fresh, again.image, again.base) == (False, first.image, first.base)
    # Nor for the mirror, which wants upstream's own parts.
    manifest = server.state.manifests[f"{REPOSITORY}@{digest}"]
    assert make.upstream().original(make.reference(digest)).manifest == manifest
    assert server.state.log == []
    # And another cache gives the same image.
    shutil.rmtree(cache / "images")
    assert make(digest).image.digest == first.image.digest
    assert make.lines.count("pulling program 1.0.0") == 2


def edit(root: Path, old: str, new: str) -> None:
    path = root / "images/program/image.yml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


@needs_go
@pytest.mark.parametrize(
    "change",
    [
        lambda root: edit(root, "A program", "Another"),
        lambda root: edit(root, "port: 8080", "port: 9090"),
        lambda root: (root / "images/helper/cmd/probe/more.txt").write_text("new"),
    ],
)
def test_a_change_of_what_is_ours_makes_another_image(
    make: Maker, server: RegistryServer, root: Path, change: Callable[[Path], None]
) -> None:
    digest = Sample().publish(server.state)
    first = make(digest)
    change(root)
    again = make(digest)
    assert again.fresh
    assert again.image.digest != first.image.digest


@needs_go
@pytest.mark.parametrize("kind", [blobs.INDEX, blobs.MANIFEST_LIST])
def test_of_a_list_the_image_for_this_machine_is_taken(
    make: Maker, server: RegistryServer, kind: str
) -> None:
    mine = Sample().publish(server.state)
    other = Sample(architecture="mips", config={"Cmd": ["other"]}).publish(server.state)
    built = make(publish_list(server.state, {"mips": other, architecture(): mine}, kind))
    assert built.base == mine


def test_a_list_without_this_machine_says_what_it_has(make: Maker, server: RegistryServer) -> None:
    offered = {name: Sample(architecture=name).publish(server.state) for name in ("mips", "riscv64")}
    digest = publish_list(server.state, offered)
    with pytest.raises(
        PullError, match=rf"has no image for linux/{architecture()}.* it has linux/mips, linux/riscv64"
    ):
        make.pull(digest)


def test_an_image_for_another_machine_is_refused(make: Maker, server: RegistryServer) -> None:
    with pytest.raises(PullError, match=rf"has no image for linux/{architecture()}.* it has linux/mips"):
        make.pull(Sample(architecture="mips").publish(server.state))


@pytest.mark.parametrize("kind", [oci.LAYER, "application/vnd.oci.image.layer.v1.tar"])
def test_layers_of_docker_and_plain_ones_are_taken(make: Maker, server: RegistryServer, kind: str) -> None:
    sample = Sample(layer_type=kind, manifest_type=oci.MANIFEST)
    pulled = make.pull(sample.publish(server.state))
    assert pulled.image.media_type == oci.MANIFEST
    assert [oci.digest_of(gzip.decompress(layer.packed)) for layer in pulled.layers] == [
        layer.diff_id for layer in pulled.layers
    ]
    assert pulled.image.size == sum(layer.size for layer in pulled.layers)


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (Sample(layer_type="application/vnd.oci.image.layer.v1.tar+zstd"), r"has a layer of type .*zstd.*Next: "),
        (Sample(diff_ids=["sha256:0", "sha256:1"]), "is not the one that the configuration names, sha256:0"),
        (Sample(diff_ids=["sha256:0"]), "has 2 layers and 1 identities of layers"),
        (Sample(layer_type="application/vnd.oci.image.layer.v1.tar", layers=[BASE],
                diff_ids=[oci.digest_of(b"")]), "is not the one"),
    ],
)  # fmt: skip
def test_an_image_that_does_not_fit_together_is_refused(
    make: Maker, server: RegistryServer, sample: Sample, message: str
) -> None:
    with pytest.raises(PullError, match=message):
        make.pull(sample.publish(server.state))


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (b"<html>", "its manifest is no JSON"),
        (b"[]", "its manifest is no JSON object"),
        (b'{"schemaVersion": 1}', "its manifest is not one of an image: .*config.* is missing"),
    ],
)
def test_what_is_no_manifest_is_refused(
    make: Maker, server: RegistryServer, manifest: bytes, message: str
) -> None:
    server.state.publish(REPOSITORY, manifest, blobs={}, kind="text/plain")
    with pytest.raises(PullError, match=message):
        make.pull(oci.digest_of(manifest))


def test_a_layer_that_is_no_gzip_is_refused(make: Maker, server: RegistryServer) -> None:
    manifest, parts = Sample(layer_type="application/vnd.oci.image.layer.v1.tar").build()
    manifest = manifest.replace(b"layer.v1.tar", b"layer.v1.tar+gzip")
    server.state.publish(REPOSITORY, manifest, blobs=parts, kind=oci.OCI_MANIFEST)
    with pytest.raises(PullError, match=r"layer sha256:\w+ cannot be read: Not a gzipped file"):
        make.pull(oci.digest_of(manifest))


def test_another_image_is_not_taken_for_the_wanted_one(make: Maker, server: RegistryServer) -> None:
    with pytest.raises(
        PullError, match=r"has no /usr/local/bin/hello. Next: look whether it is the image of A program"
    ):
        make(Sample(layers=[BASE]).publish(server.state))


@needs_go
def test_a_missing_or_broken_file_to_merge_into_is_named(make: Maker, server: RegistryServer) -> None:
    without = {path: item for path, item in PROGRAM.items() if "config" not in path}
    with pytest.raises(PullError, match="has no file /etc/demo/config.yaml to merge settings into"):
        make(Sample(layers=[BASE, without]).publish(server.state))
    broken: Files = {**PROGRAM, "etc/demo/config.yaml": (b"a: [", 0o644, 0, 0)}
    with pytest.raises(PullError, match=r"/etc/demo/config.yaml is no YAML"):
        make(Sample(layers=[BASE, broken]).publish(server.state))


def test_an_image_that_upstream_has_not_is_only_built(make: Maker) -> None:
    with pytest.raises(PullError, match="images/scripted/image.yml says nothing of upstream"):
        make(f"sha256:{0:064x}", "scripted")


def test_an_image_that_is_only_pulled_is_not_built(tmp_path: Path) -> None:
    builder = Builder(ROOT, tmp_path)
    with pytest.raises(
        BuildError, match=r"Fluent Bit, .* is not built: .* Next: give upstream's image by digest"
    ):
        builder.build("fluent-bit")
    with pytest.raises(BuildError, match="is not built"):
        builder.default_version("fluent-bit")
    assert not set(NEVER_BUILT) & set(builder.names())


@needs_go
def test_an_image_that_only_upstream_makes_is_ours_all_the_same(
    make: Maker, server: RegistryServer, root: Path, cache: Path
) -> None:
    """The recipe that Grafana's image has, laid over what an image of its shape has."""
    shutil.copytree(ROOT / "images" / "grafana", root / "images" / "grafana")
    # The helper of this checkout stands for ours.
    path = root / "images" / "grafana" / "image.yml"
    path.write_text(path.read_text().replace("healthcheck: /usr", "probe: /usr"))
    theirs: Files = {
        "usr/share/grafana/bin/grafana": (b"\x7fELF grafana", 0o755, 0, 0),
        "var/lib/grafana": (None, 0o777, 472, 0),
        "etc/grafana/grafana.ini": (b"[server]\n", 0o777, 472, 0),
        "run.sh": (b"#!/bin/sh\n", 0o755, 0, 0),
    }
    config = {"User": "472", "Entrypoint": ["/run.sh"], "Env": ["GF_PATHS_DATA=/elsewhere"]}
    digest = Sample(layers=[BASE, theirs], config=config).publish(server.state)
    built = make(digest, "grafana")
    mine = parsed(built.image)[1]["config"]
    assert (mine["User"], mine["Entrypoint"]) == ("10001:10001", ["/usr/local/bin/grafana"])
    # Variables of upstream's would outrank our configuration file.
    assert not [line for line in mine["Env"] if line.startswith("GF_")]
    files = seen(built.image)
    assert files.resolve("/usr/local/bin/grafana") == "/usr/share/grafana/bin/grafana"
    assert files.get("/usr/local/bin/healthcheck") is not None
    (data,) = [files.get("/var/lib/grafana")]
    assert data is not None and (data.uid, data.mode) == (10001, 0o750)
    assert built.base == digest
    with pytest.raises(BuildError, match=r"Grafana is not built: .* Next: give upstream's image by digest"):
        Builder(root, cache).build("grafana")
    assert "grafana" not in Builder(root, cache).names()


def test_recipes_and_the_model_agree_on_what_upstream_has() -> None:
    recipes = {
        path.parent.name: yaml.safe_load(path.read_text()) for path in (ROOT / "images").glob("*/image.yml")
    }
    upstreams = sorted(name for name, recipe in recipes.items() if "upstream" in recipe)
    assert upstreams == sorted([*REPOSITORIES, *ALWAYS])
    # What says no way to build it is what is only pulled.
    assert sorted(name for name, recipe in recipes.items() if not is_built(recipe)) == sorted(NEVER_BUILT)
    for recipe in recipes.values():
        assert set(recipe.get("upstream", {})) <= {"programs", "remove"}
        programs = {*recipe.get("programs", {}).values(), *recipe["config"].get("Entrypoint", [])}
        assert set(recipe.get("upstream", {}).get("programs", {})) <= programs
