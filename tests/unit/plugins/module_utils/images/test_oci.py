"""Equal inputs, equal digests; and an image that a real engine takes."""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
import time
import uuid
from pathlib import Path

import docker
import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.images import oci
from docker.errors import DockerException

ENTRIES = [
    oci.Entry("/usr/local/bin/peer", b"\x7fELF", mode=0o755),
    oci.Entry("/etc/fabric/core.yaml", "ä: 1\n".encode()),
    oci.Entry("/usr/local/bin/detect", link="peer", mode=0o777),
    oci.Entry("/var/data", mode=0o750, uid=10001),
    oci.Entry("/tmp", mode=0o1777),
    oci.Entry("/etc/empty", b""),
]
CONFIG = {"User": "10001:10001", "Entrypoint": ["/usr/local/bin/peer"], "Env": ["PATH=/usr/local/bin"]}
LABELS = {"title": "test", "version": "1"}


def image(entries: list[oci.Entry] | None = None) -> oci.Image:
    return oci.build([oci.layer_tar(ENTRIES if entries is None else entries)], CONFIG, LABELS)


def members(layer: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        return {item.name: item for item in tar.getmembers()}


def test_the_same_inputs_give_the_same_digest_at_another_time() -> None:
    first = image()
    time.sleep(1.1)  # a timestamp of whole seconds would show
    second = image()
    assert first.digest == second.digest
    assert first.blobs == second.blobs


def test_the_order_of_entries_and_labels_does_not_matter() -> None:
    shuffled = list(ENTRIES)
    random.Random(1).shuffle(shuffled)
    labels = dict(reversed(LABELS.items()))
    assert shuffled != ENTRIES
    assert oci.build([oci.layer_tar(shuffled)], CONFIG, labels).digest == image().digest


@pytest.mark.parametrize(
    "entry",
    [
        oci.Entry("/etc/empty", b"not any more"),
        oci.Entry("/etc/empty", b"", mode=0o600),
        oci.Entry("/etc/empty", b"", uid=10001),
        oci.Entry("/etc/empty", link="elsewhere"),
        oci.Entry("/etc/void", b""),
    ],
)
def test_every_property_of_a_file_is_in_the_digest(entry: oci.Entry) -> None:
    assert image([*ENTRIES[:-1], entry]).digest != image().digest


def test_configuration_and_labels_are_in_the_digest() -> None:
    layers = [oci.layer_tar(ENTRIES)]
    digests = {
        image().digest,
        oci.build(layers, {**CONFIG, "User": "0"}, LABELS).digest,
        oci.build(layers, CONFIG, {**LABELS, "version": "2"}).digest,
    }
    assert len(digests) == 3


def test_a_layer_is_sorted_and_a_parent_comes_before_its_children() -> None:
    names = list(members(oci.layer_tar(ENTRIES)))
    assert names == sorted(names)
    seen: set[str] = set()
    for name in names:
        parent = str(Path(name).parent)
        assert parent == "." or parent in seen
        seen.add(name)


def test_owners_modes_times_and_kinds_are_what_was_asked_for() -> None:
    found = members(oci.layer_tar(ENTRIES))
    assert {item.mtime for item in found.values()} == {oci.EPOCH}
    assert {(item.uname, item.gname) for item in found.values()} == {("", "")}
    assert found["usr/local/bin/peer"].mode == 0o755
    assert found["etc/fabric/core.yaml"].mode == 0o644
    assert found["tmp"].mode == 0o1777
    data = found["var/data"]
    assert (data.isdir(), data.mode, data.uid, data.gid) == (True, 0o750, 10001, 10001)
    parent = found["usr/local"]
    assert (parent.isdir(), parent.mode, parent.uid) == (True, 0o755, 0)
    assert found["etc/empty"].isfile()
    assert found["etc/empty"].size == 0
    link = found["usr/local/bin/detect"]
    assert (link.issym(), link.linkname) == (True, "peer")


def test_a_directory_that_is_asked_for_is_not_made_again_as_a_parent() -> None:
    layer = oci.layer_tar([oci.Entry("/data", mode=0o700, uid=7), oci.Entry("/data/file", b"x")])
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        assert [(item.name, item.mode, item.uid) for item in tar.getmembers()] == [
            ("data", 0o700, 7),
            ("data/file", 0o644, 0),
        ]


def test_manifest_configuration_and_layers_refer_to_each_other() -> None:
    layer = oci.layer_tar(ENTRIES)
    made = oci.build([layer, oci.layer_tar([oci.Entry("/b", b"b")])], CONFIG, LABELS)
    manifest = json.loads(made.manifest)
    parts = [manifest["config"], *manifest["layers"]]
    assert {part["digest"] for part in parts} == set(made.blobs)
    for part in parts:
        blob = made.blobs[part["digest"]]
        assert oci.digest_of(blob) == part["digest"]
        assert len(blob) == part["size"]
    config = json.loads(made.blobs[manifest["config"]["digest"]])
    unpacked = [gzip.decompress(made.blobs[part["digest"]]) for part in manifest["layers"]]
    assert unpacked[0] == layer
    assert config["rootfs"]["diff_ids"] == [oci.digest_of(tar) for tar in unpacked]
    assert len(config["history"]) == 2
    assert config["config"]["User"] == "10001:10001"
    assert config["config"]["Labels"] == LABELS
    assert made.size == sum(len(tar) for tar in unpacked)


def test_a_saved_image_is_loaded_as_it_was(tmp_path: Path) -> None:
    made = image()
    oci.save(made, tmp_path / "a" / "b")
    loaded = oci.load(tmp_path / "a" / "b")
    assert (loaded, loaded.digest, loaded.blobs) == (made, made.digest, made.blobs)


def test_a_save_that_is_cut_short_does_not_look_complete(tmp_path: Path) -> None:
    made = image()
    folder = tmp_path / "image"
    (folder / "manifest.new").mkdir(parents=True)  # the last write fails
    with pytest.raises(OSError):
        oci.save(made, folder)
    assert not (folder / "manifest.json").exists()


def test_bytes_do_not_show_in_a_repr() -> None:
    assert "ELF" not in repr(image())


def test_a_real_engine_loads_the_archive() -> None:
    try:
        engine = docker.from_env()
        engine.ping()
    except DockerException as error:
        pytest.skip(f"loading an archive needs a Docker engine: {error}")
    tag = f"selvedge-unit-test/{uuid.uuid4().hex[:12]}:1"
    # A label of its own, so that no other image of the engine has its id.
    made = oci.build([oci.layer_tar(ENTRIES)], CONFIG, {**LABELS, "tag": tag})
    loaded = engine.images.load(oci.docker_archive(made, tag))
    try:
        assert [item.tags for item in loaded] == [[tag]]
        assert loaded[0].id == json.loads(made.manifest)["config"]["digest"]
        assert loaded[0].attrs["Config"]["User"] == "10001:10001"
        container = engine.containers.create(tag)
        try:
            stream, found = container.get_archive("/usr/local/bin/detect")
            b"".join(stream)
            assert found["linkTarget"].endswith("peer")
            stream, _unused = container.get_archive("/etc/fabric/core.yaml")
            with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
                file = tar.extractfile("core.yaml")
                assert file is not None
                assert file.read() == "ä: 1\n".encode()
        finally:
            container.remove()
    finally:
        engine.images.remove(tag, force=True)
