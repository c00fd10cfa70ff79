"""From recipe to image with a real Go toolchain, and when a build is needed at all."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.images import oci
from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import (
    Builder,
    BuildError,
    check_budget,
    deep_merge,
    default_cache,
    tree_hash,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.images import checkout

IMAGES = ["program", "scripted", "helped"]
needs_go = pytest.mark.skipif(not shutil.which("go"), reason="compiling needs a Go toolchain")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all tests, with every image of the checkout built. Keys know contents, not places."""
    folder = tmp_path_factory.mktemp("cache")
    if shutil.which("go"):
        builder = Builder(checkout.write(tmp_path_factory.mktemp("first")), folder)
        for name in IMAGES:
            assert builder.build(name).fresh
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout of the test's own."""
    return checkout.write(tmp_path / "checkout")


def layers(image: oci.Image) -> list[dict[str, tuple[tarfile.TarInfo, bytes]]]:
    """Per layer, path to what the tar says of it and its content."""
    found = []
    for part in json.loads(image.manifest)["layers"]:
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(image.blobs[part["digest"]]))) as tar:
            contents = {}
            for item in tar.getmembers():
                file = tar.extractfile(item) if item.isfile() else None
                contents[f"/{item.name}"] = (item, file.read() if file else b"")
        found.append(contents)
    return found


def configuration(image: oci.Image) -> dict[str, object]:
    parsed = json.loads(image.blobs[json.loads(image.manifest)["config"]["digest"]])
    return dict(parsed["config"])


def go_in_front(folder: Path, answer: str = "") -> Path:
    """A ``go`` that notes what it is asked, may say another release, and hands on to the real one."""
    real, log = shutil.which("go"), folder / "go.log"
    folder.mkdir(exist_ok=True)
    wrapper = folder / "go"
    say = f'[ "$*" = "env GOVERSION" ] && echo {answer} && exit 0\n' if answer else ""
    wrapper.write_text(f'#!/bin/sh\necho "$*" >> {log}\n{say}exec {real} "$@"\n')
    wrapper.chmod(0o755)
    return log


@needs_go
def test_a_program_is_compiled_laid_out_and_labelled(cache: Path, root: Path, tmp_path: Path) -> None:
    built = Builder(root, cache).build("program")
    assert (built.name, built.version) == ("program", "1.0.0")
    (layer,) = layers(built.image)
    binary = tmp_path / "hello"
    binary.write_bytes(layer["/usr/local/bin/hello"][1])
    binary.chmod(0o755)
    said = subprocess.run([str(binary)], capture_output=True, text=True, check=True)
    assert said.stderr == "hello v1.0.0\n"  # println writes there
    assert layer["/usr/local/bin/hello"][0].mode == 0o755
    assert layer["/usr/local/bin/probe"][0].mode == 0o755
    link = layer["/usr/local/bin/hi"][0]
    assert (link.issym(), link.linkname) == (True, "hello")
    assert (layer["/tmp"][0].mode, layer["/tmp"][0].uid) == (0o1777, 0)
    assert (layer["/var/lib/demo"][0].mode, layer["/var/lib/demo"][0].uid) == (0o750, 10001)
    assert yaml.safe_load(layer["/etc/demo/config.yaml"][1]) == {
        "listen": {"host": "localhost", "port": 8080},
        "kept": True,
        "added": [1],
    }
    config = configuration(built.image)
    assert config["User"] == "10001:10001"
    labels = config["Labels"]
    assert isinstance(labels, dict)
    assert labels["org.opencontainers.image.version"] == "1.0.0"
    assert labels["org.opencontainers.image.base.name"] == "example.com/demo@v1.0.0"


@needs_go
def test_a_scripts_layer_comes_first_and_its_tar_is_not_kept(cache: Path, root: Path) -> None:
    built = Builder(root, cache).build("helped")
    first, second = layers(built.image)
    assert first["/opt/main.py"][1] == b"print('app')\n"
    assert "/usr/local/bin/probe" in second
    assert list((cache / "rootfs").iterdir()) == []


@needs_go
def test_two_builds_of_the_same_are_the_same_image(cache: Path, root: Path, tmp_path: Path) -> None:
    """Another checkout, another cache for images, every program compiled anew."""
    shutil.copytree(cache / "go", tmp_path / "cache" / "go")
    again = Builder(root, tmp_path / "cache").build("program")
    assert again.fresh
    assert again.image.digest == Builder(root, cache).build("program").image.digest


def _edit(path: str, old: str, new: str) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        text = (root / path).read_text()
        assert old in text
        (root / path).write_text(text.replace(old, new))

    return edit


def _add(path: str) -> Callable[[Path], None]:
    def add(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("# new\n")

    return add


def _touch(root: Path) -> None:
    for path in root.rglob("*"):
        os.utime(path, (1, 1))


@needs_go
@pytest.mark.parametrize(
    ("change", "rebuilt"),
    [
        (_edit("images/program/image.yml", "A program", "Another program"), ["program"]),
        (_edit("images/scripted/rootfs.py", "opt/", "srv/"), ["scripted"]),
        (_edit("images/helper/cmd/probe/main.go", "probe", "prober"), ["program", "helped"]),
        (_add("images/helper/cmd/probe/more.txt"), ["program", "helped"]),
        (_edit("images/pins/demo-1.0.0/go.mod", "module pins", "module pinned"), ["program"]),
        (_edit("images/versions.yml", "1.0.0: v1.0.0", "1.0.0: v1.0.0-rc1"), ["program"]),
        (_edit("app/main.py", "'app'", "'App'"), ["scripted", "helped"]),
        # What no image is made of.
        (_edit("images/pins/demo-1.1.0/go.mod", "module pins", "module pinned"), []),
        (_add("images/scripted/__pycache__/rootfs.pyc"), []),
        (_add("app/__pycache__/main.pyc"), []),
        (_add("images/README.md"), []),
        (_add("images/another/image.yml"), []),
        (_touch, []),
    ],
)
def test_a_change_rebuilds_what_is_made_of_it(
    cache: Path, root: Path, change: Callable[[Path], None], rebuilt: list[str]
) -> None:
    change(root)
    builder = Builder(root, cache)
    assert [name for name in IMAGES if builder.build(name).fresh] == rebuilt
    # A second time everything is there.
    assert [name for name in IMAGES if Builder(root, cache).build(name).fresh] == []


@needs_go
def test_another_go_release_rebuilds_what_is_compiled(
    cache: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_in_front(tmp_path / "bin", answer="go9.99.9")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    builder = Builder(root, cache)
    assert [name for name in IMAGES if builder.build(name).fresh] == ["program", "helped"]
    monkeypatch.undo()
    # And the builds of this machine's own release are still known.
    assert [name for name in IMAGES if Builder(root, cache).build(name).fresh] == []


@needs_go
def test_another_version_is_another_image(cache: Path, root: Path) -> None:
    builder = Builder(root, cache)
    newer = builder.build("program", "1.1.0")
    assert newer.version == "1.1.0"
    assert newer.image.digest != builder.build("program").image.digest
    assert builder.build("program", "1.0.0").fresh is False


@needs_go
def test_a_hit_only_asks_for_the_release_and_compiles_nothing(
    cache: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = go_in_front(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    builder = Builder(root, cache)
    assert [builder.build(name).fresh for name in IMAGES] == [False, False, False]
    assert log.read_text().splitlines() == ["env GOVERSION"]


@needs_go
def test_a_machine_without_go_uses_what_is_cached(
    cache: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [Builder(root, cache).build(name).image.digest for name in IMAGES]
    monkeypatch.setenv("PATH", str(tmp_path))
    builder = Builder(root, cache)
    built = [builder.build(name) for name in IMAGES]
    assert [(item.image.digest, item.fresh) for item in built] == [(digest, False) for digest in expected]


def test_a_machine_without_go_cannot_compile(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match="go is not installed. Images are compiled with Go 1.26"):
        Builder(root, tmp_path / "cache").build("program")


def test_what_needs_no_compiler_is_built_without_one(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    builder = Builder(root, tmp_path / "cache")
    assert builder.build("scripted").fresh
    assert not builder.build("scripted").fresh


SOURCES = Path(oci.__file__).parents[3]
PACKAGE = "ansible_collections/selvedge/fabric"


def zipped(path: Path, change: str = "") -> Path:
    """The builder as Ansible packs it for a module: a zip with packages, and nothing on the disk."""
    with zipfile.ZipFile(path, "w") as archive:
        for folder in [*Path(PACKAGE, "plugins/module_utils/images").parents][:-1]:
            archive.writestr(f"{folder}/__init__.py", "")
        for name in ("__init__", "builder", "oci"):
            file = SOURCES / "plugins/module_utils/images" / f"{name}.py"
            text = file.read_text() + change if file.is_file() else ""
            archive.writestr(f"{PACKAGE}/plugins/module_utils/images/{name}.py", text)
    return path


@pytest.mark.parametrize(("change", "fresh"), [("", False), ("# another layout\n", True)])
def test_our_own_code_is_part_of_the_key_wherever_it_runs(
    root: Path, tmp_path: Path, change: str, fresh: bool
) -> None:
    """Built by a script of the checkout, found by the module; but not when the module's code is another."""
    cache = tmp_path / "cache"
    assert Builder(root, cache).build("scripted").fresh
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import Builder, __file__\n"
        "assert '.zip' in __file__\n"
        "print(Builder(Path(sys.argv[1]), Path(sys.argv[2])).build('scripted').fresh)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(zipped(tmp_path / "payload.zip", change))}
    done = subprocess.run(
        [sys.executable, "-c", script, str(root), str(cache)],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == str(fresh)


def test_an_installed_collection_keeps_nothing_in_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert default_cache(tmp_path) == Path("/elsewhere/selvedge")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/operator")
    assert default_cache(tmp_path) == Path("/home/operator/.cache/selvedge")
    (tmp_path / "galaxy.yml").touch()
    assert default_cache(tmp_path) == tmp_path / ".cache"


@needs_go
def test_a_program_for_hosts_is_stamped_and_kept(
    root: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    path = Builder(root, cache, lines.append).program("tool")
    assert lines == ["compiling example.com/demo/cmd/hello 1.0.0"]
    said = subprocess.run([str(path)], capture_output=True, text=True, check=True)
    assert said.stderr == "hello v1.0.0+ours\n"
    assert Builder(root, cache, lines.append).program("tool") == path
    assert len(lines) == 1
    # A machine without Go takes what is there, and says what to do where nothing is.
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Builder(root, cache).program("tool").is_file()
    with pytest.raises(BuildError, match="go is not installed"):
        Builder(root, tmp_path / "cache").program("tool")


def test_an_image_over_its_budget_fails_and_is_not_cached(root: Path, tmp_path: Path) -> None:
    (root / "app/main.py").write_text("#" * 1_100_000)
    for _unused in range(2):
        with pytest.raises(
            BuildError, match=r"scripted has 1\.1 MB, over its budget of 1 MB \(images/scripted\)"
        ):
            Builder(root, tmp_path / "cache").build("scripted")
    assert not (tmp_path / "cache" / "images").exists()


def test_a_budget_is_kept_to_the_byte() -> None:
    check_budget("image", 45_000_000, 45)
    with pytest.raises(BuildError):
        check_budget("image", 45_000_001, 45)
    check_budget("image", 500_000, 0.5)


def test_unknown_images_and_versions_are_named_with_what_there_is(root: Path, tmp_path: Path) -> None:
    builder = Builder(root, tmp_path / "cache")
    with pytest.raises(BuildError, match="there is no image 'progam'; there are helped, program, scripted"):
        builder.build("progam")
    with pytest.raises(BuildError, match="demo 9 is not in images/versions.yml; there are 1.0.0, 1.1.0"):
        builder.build("program", "9")
    with pytest.raises(BuildError, match="A script has version 2.0, there is no 9"):
        builder.build("scripted", "9")
    (root / "images/pins/demo-1.0.0/go.sum").unlink()
    with pytest.raises(BuildError, match="has no go.mod and go.sum: run `make pins`"):
        builder.build("program")


@needs_go
def test_a_failed_compilation_shows_what_the_compiler_said(root: Path, tmp_path: Path, cache: Path) -> None:
    (root / "source/cmd/hello/main.go").write_text("package main\n\nfunc main() { nonsense() }\n")
    (root / "images/program/image.yml").write_text(checkout.PROGRAM.replace("A program", "A broken one"))
    (root / "images/pins/demo-1.0.0/go.sum").write_text("\n")  # a key that is not compiled yet
    with pytest.raises(BuildError, match=r"(?s)go build .* failed in .*undefined: nonsense"):
        Builder(root, cache).build("program")


def test_a_failed_script_shows_what_it_said(root: Path, tmp_path: Path) -> None:
    (root / "images/scripted/rootfs.py").write_text("raise SystemExit('no mirror answers')\n")
    with pytest.raises(BuildError, match=r"(?s)rootfs.py .*no mirror answers"):
        Builder(root, tmp_path / "cache").build("scripted")


def test_progress_is_said_for_what_takes_long_only(root: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    for _unused in range(2):
        Builder(root, tmp_path / "cache", lines.append).build("scripted")
    assert lines == ["building scripted 2.0"]


def test_merging_goes_down_mappings_and_replaces_the_rest() -> None:
    base = {"a": {"x": 1, "y": [1, 2]}, "b": "text", "c": None}
    patch = {"a": {"y": [3]}, "b": {"new": 1}, "d": 4}
    assert deep_merge(base, patch) == {"a": {"x": 1, "y": [3]}, "b": {"new": 1}, "c": None, "d": 4}
    assert base == {"a": {"x": 1, "y": [1, 2]}, "b": "text", "c": None}
    assert deep_merge(base, {}) == base


def test_a_trees_hash_is_of_names_and_contents(tmp_path: Path) -> None:
    def tree(name: str, files: dict[str, str]) -> Path:
        for path, text in files.items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_text(text)
        return tmp_path / name

    one = tree("one", {"a": "1", "b/c": "2"})
    assert tree_hash([one]) == tree_hash([tree("two", {"b/c": "2", "a": "1"})])
    for other in ({"a": "1", "b/d": "2"}, {"a": "1", "b/c": "3"}, {"a": "1"}, {"a": "12", "b/c": ""}):
        assert tree_hash([one]) != tree_hash([tree(f"other{len(list(tmp_path.iterdir()))}", other)])
    assert tree_hash([one / "a"]) == tree_hash([tmp_path / "two" / "a"])
