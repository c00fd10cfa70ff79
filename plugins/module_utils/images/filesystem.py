"""What a container sees when it looks at layers that lie upon each other. Source: OCI image spec 1.1, layer.md."""

from __future__ import annotations

import io
import posixpath
import tarfile
from dataclasses import dataclass

from ansible_collections.selvedge.fabric.plugins.module_utils.images.oci import Entry

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_HOPS = 40


@dataclass(frozen=True)
class Node:
    """One path: ``kind`` is ``file``, ``directory``, ``link`` or ``other``; ``data`` only where it was asked for."""

    kind: str
    mode: int
    uid: int
    gid: int
    target: str = ""
    data: bytes | None = None


class FileSystem:
    """The paths of an image.

    :param keep: files whose contents are wanted; of the others only the names are kept
    """

    def __init__(self, keep: frozenset[str] = frozenset()) -> None:
        self._keep = keep
        self._nodes: dict[str, Node] = {}

    def add(self, tar: bytes) -> None:
        """Lay the next layer, uncompressed, upon those that are there.

        :raises tarfile.TarError: when it is no tar
        """
        with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
            members = [(_clean(member.name), member) for member in archive.getmembers()]
            for path, _unused in members:
                self._white_out(path)
            for path, member in members:
                folder, name = posixpath.split(path)
                if not name.startswith(_WHITEOUT) and path != "/":
                    self._put(path, member, archive)

    def resolve(self, path: str) -> str:
        """The path with all symbolic links followed; what is not there is left as it stands."""
        done = "/"
        parts = [part for part in path.split("/") if part]
        for _unused in range(_HOPS + len(parts)):
            if not parts:
                return done
            here = posixpath.join(done, parts.pop(0))
            node = self._nodes.get(here)
            if node and node.kind == "link":
                target = posixpath.normpath(posixpath.join(done, node.target))
                parts = [part for part in target.split("/") if part] + parts
                done = "/"
            else:
                done = here
        return path

    def get(self, path: str) -> Node | None:
        """What lies at the path, links followed."""
        return self._nodes.get(self.resolve(path))

    def place(self, path: str) -> str:
        """Where an upper layer has to put what shall be seen at ``path``: links of folders are followed.

        A layer that has a folder where a lower one has a link would hide all that lies behind the link.
        """
        folder, name = posixpath.split(path)
        return posixpath.join(self.resolve(folder), name)

    def folders(self, paths: list[str]) -> list[Entry]:
        """The folders above ``paths`` that are there, as they are: an upper layer has to say their modes again."""
        wanted: set[str] = set()
        for path in paths:
            while (path := posixpath.dirname(path)) != "/":
                wanted.add(path)
        nodes = {path: self._nodes[path] for path in sorted(wanted - set(paths)) if path in self._nodes}
        return [Entry(path, mode=node.mode, uid=node.uid, gid=node.gid) for path, node in nodes.items()]

    def _white_out(self, path: str) -> None:
        folder, name = posixpath.split(path)
        if name == _OPAQUE:
            self._remove_below(folder)
        elif name.startswith(_WHITEOUT):
            gone = posixpath.join(folder, name.removeprefix(_WHITEOUT))
            self._nodes.pop(gone, None)
            self._remove_below(gone)

    def _remove_below(self, folder: str) -> None:
        prefix = folder.rstrip("/") + "/"
        for path in [path for path in self._nodes if path.startswith(prefix)]:
            del self._nodes[path]

    def _put(self, path: str, member: tarfile.TarInfo, archive: tarfile.TarFile) -> None:
        kinds = (
            (member.isdir(), "directory"),
            (member.issym(), "link"),
            (member.isfile() or member.islnk(), "file"),
        )
        kind = next((name for fits, name in kinds if fits), "other")
        before = self._nodes.get(path)
        if before and before.kind == "directory" and kind != "directory":
            self._remove_below(path)
        data = None
        if path in self._keep and member.isfile():
            file = archive.extractfile(member)
            data = file.read() if file else None
        folder = posixpath.dirname(path)
        while folder != "/" and folder not in self._nodes:
            # Not every tar names the folders of its files.
            self._nodes[folder] = Node("directory", 0o755, 0, 0)
            folder = posixpath.dirname(folder)
        self._nodes[path] = Node(kind, member.mode, member.uid, member.gid, member.linkname, data)


def _clean(name: str) -> str:
    return posixpath.normpath(f"/{name}")
