"""Search bytes for many secrets in one pass. Runs on hosts: Python's standard library only, no import of ours.

A secret's forms are cut into words of eight bytes, one at every offset. Whatever holds at least 15 bytes of a form also
holds one of these words at a multiple of eight, so a set answers for a whole block of a file at once, at a cost that
does not grow with the number of secrets. What the set finds is then compared byte by byte.

In large files (programs, image layers, databases: three quarters of a host's bytes) only every second word is looked
at, which finds what holds at least 23 bytes of a form. Every form that ``forms`` makes has such a run, however it is
wrapped, and so has the header of a PEM file. What can be missed there is a stranger's key without PEM.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import os
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

WORD = 8
# Any run of a form that is this long is found, wherever it begins.
SURE_RUN = 2 * WORD - 1
# The same for files of more than LARGE bytes, of which only every second word is looked at.
SURE_RUN_IN_LARGE = 3 * WORD - 1
LARGE = 16 << 20
# In place of a secret's number: a private key, by its format.
SOME_KEY = -1
BLOCK = 1 << 20
# What two neighbouring blocks share, so that no comparison ends at a block's edge. A multiple of two words.
OVERLAP = 1 << 13
# What came out of a compressed file is searched for compressed content of its own up to this size.
NESTED_LIMIT = 64 << 20

_OPENERS: dict[bytes, Callable[[str], Any]] = {
    b"\x1f\x8b\x08": gzip.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"BZh": bz2.open,
}
_PEM = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY-----(?:\\[rn]|[\s,\"'|>])*"
    rb"(?:Proc-Type: 4,ENCRYPTED|[A-Za-z0-9+/]{16})"
)
_DER = {
    "PKCS#8 EC key, DER": re.compile(
        rb"\x30(?:\x81.|[\x30-\x7f])\x02\x01\x00\x30[\x10-\x14]\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06[\x05-\x09]",
        re.S,
    ),
    "PKCS#8 RSA key, DER": re.compile(
        rb"\x30\x82..\x02\x01\x00\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x04\x82", re.S
    ),
    "PKCS#8 Ed25519 key, DER": re.compile(
        rb"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"
    ),
    "SEC1 EC key, DER": re.compile(
        rb"\x30[\x2e-\x7f]\x02\x01\x01\x04\x20.{32}\xa0\x0a\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", re.S
    ),
}
# What every private key of a format has in it; each at least SURE_RUN long.
_HEADERS = [
    f"-----BEGIN {kind}PRIVATE KEY-----".encode()
    for kind in ("", "EC ", "RSA ", "DSA ", "OPENSSH ", "ENCRYPTED ")
]
_MARKERS = [
    b"PRIVATE KEY-----",
    *_HEADERS,
    bytes.fromhex("020100301306072a8648ce3d020106"),
    bytes.fromhex("020100301006072a8648ce3d020106"),
    bytes.fromhex("020100300d06092a864886f70d0101010500"),
    bytes.fromhex("302e020100300506032b657004220420"),
    bytes.fromhex("a00a06082a8648ce3d030107a144034200"),
]


def step_for(size: int) -> int:
    """Which words of a stream are looked at: each, or every second one."""
    return 2 if size > LARGE else 1


def base64_phases(data: bytes) -> list[bytes]:
    """What base64 makes of ``data`` inside a longer text, at each of the three places that it can have there.

    Characters that the neighbours decide too are left out.
    """
    texts = []
    for lead in range(3):
        text = base64.b64encode(b"\0" * lead + data)
        texts.append(text[-(-lead * 8 // 6) : (lead + len(data)) * 8 // 6])
    return texts


def _base64_headers() -> list[bytes]:
    return [text for header in [b" PRIVATE KEY-----", *_HEADERS] for text in base64_phases(header)]


class Patterns:
    """All forms of all secrets and the markers of key formats, ready to be searched for.

    :param forms: each ``secret`` (its number), ``form`` (a name), ``data`` (base64), ``least`` (how many bytes in a row
        make a finding)
    :param formats: whether private keys are looked for by their format too
    """

    def __init__(self, forms: list[dict[str, Any]], formats: bool = True) -> None:
        self._forms = [
            (item["secret"], item["form"], base64.b64decode(item["data"]), item["least"]) for item in forms
        ]
        self._at: dict[int, list[tuple[int, int]]] = {}
        for index, (_unused, _unused, data, _unused) in enumerate(self._forms):
            self._add(index, data)
        for marker in [*_MARKERS, *_base64_headers()] if formats else []:
            self._add(SOME_KEY, marker)
        self._words = frozenset(self._at)

    def _add(self, index: int, data: bytes) -> None:
        for offset in range(len(data) - WORD + 1):
            word = int.from_bytes(data[offset : offset + WORD], "little")
            self._at.setdefault(word, []).append((index, offset))

    def search(self, buffer: memoryview, step: int = 1) -> Iterator[tuple[int, str, int]]:
        """Yield secret, form and position of everything in ``buffer``, some of it more than once.

        :param step: look at every word, or at every second one
        """
        words = buffer[: len(buffer) // WORD * WORD].cast("Q")[::step]
        if self._words.isdisjoint(words):
            return
        for number, word in enumerate(words):
            position = number * step * WORD
            for index, offset in self._at.get(word, ()):
                if index == SOME_KEY:
                    for kind, start in _keys_near(buffer, position):
                        yield SOME_KEY, kind, start
                    continue
                secret, form, data, least = self._forms[index]
                left, right = _extend(buffer, position, data, offset)
                if right - left >= least:
                    yield secret, form, left


def _extend(buffer: memoryview, position: int, data: bytes, offset: int) -> tuple[int, int]:
    """The longest run around ``position`` in which ``buffer`` equals ``data``, whose ``offset`` lies there."""
    left, furthest = 0, min(position, offset)
    while left < furthest and buffer[position - left - 1] == data[offset - left - 1]:
        left += 1
    right, furthest = WORD, min(len(buffer) - position, len(data) - offset)
    while right < furthest and buffer[position + right] == data[offset + right]:
        right += 1
    return position - left, position + right


def _keys_near(buffer: memoryview, position: int) -> list[tuple[str, int]]:
    """Private keys that begin near ``position``."""
    first = max(0, position - 96)
    around = bytes(buffer[first : position + 256])
    found = [("PEM", first + match.start()) for match in _PEM.finditer(around)]
    for kind, pattern in _DER.items():
        found += [(kind, first + match.start()) for match in pattern.finditer(around)]
    # A PEM text in base64, as Kubernetes has it. Which of four characters begins a group is unknown.
    for run in re.finditer(rb"[A-Za-z0-9+/]{64,}", around):
        for shift in range(4):
            text = run.group()[shift:]
            if _PEM.search(base64.b64decode(text[: len(text) // 4 * 4])):
                found.append(("base64 of PEM", first + run.start()))
    return found


Report = Callable[[str, str, int, str, int], None]


class Searcher:
    """Searches streams, counts bytes, and hands every finding to ``report(place, path, secret, form, offset)``."""

    def __init__(self, patterns: Patterns, report: Report) -> None:
        self._patterns, self._report = patterns, report
        self._buffer = bytearray(OVERLAP + BLOCK)
        self._zeros = bytes(OVERLAP + BLOCK)
        self.bytes, self.unpacked = 0, 0

    def file(self, place: str, path: str, real: str) -> int:
        """Search the file ``real``, and what it holds where it is compressed; call it ``path``."""
        with open(real, "rb", buffering=0) as file:
            count = self.stream(place, path, file, step_for(os.fstat(file.fileno()).st_size))
        opener = next((opener for magic, opener in _OPENERS.items() if self._head.startswith(magic)), None)
        if opener is not None:
            # Not everything that begins like a compressed file is one.
            try:
                with opener(real) as content:
                    self._compressed(place, path, content)
            except (OSError, EOFError, zlib.error, lzma.LZMAError):
                pass
        return count

    def data(self, place: str, path: str, content: bytes) -> int:
        return self.stream(place, path, io.BytesIO(content))

    def stream(self, place: str, path: str, file: BinaryIO | io.RawIOBase, step: int = 1) -> int:
        """Search all of ``file``; return its length in bytes. ``step`` as for ``Patterns.search``."""
        buffer, whole = self._buffer, memoryview(self._buffer)
        kept, begins, total, self._head = 0, 0, 0, b""
        while count := _fill(file, whole[kept:]):
            end = kept + count
            self._head = self._head or bytes(whole[:8])
            total += count
            # Holes of sparse files and preallocated logs.
            if end < len(buffer) or not buffer.startswith(self._zeros):
                for secret, form, at in self._patterns.search(whole[:end], step):
                    self._report(place, path, secret, form, begins + at)
            # The next block begins at a multiple of two words of the stream, or its words would not line up.
            first = max(0, end - OVERLAP) // (2 * WORD) * (2 * WORD)
            kept = end - first
            whole[:kept] = bytes(whole[first:end])
            begins += first
            if end < len(buffer):
                break
        self.bytes += total
        return total

    def _compressed(self, place: str, path: str, content: Any) -> None:
        self.unpacked += 1
        start = content.read(NESTED_LIMIT)
        self.stream(place, f"{path} (unpacked)", _Joined(start, content), step_for(len(start)))
        for match in re.finditer(rb"\x1f\x8b\x08[\x00\x08]", start):
            inner = zlib.decompressobj(zlib.MAX_WBITS | 16)
            try:
                text = inner.decompress(start[match.start() :], NESTED_LIMIT)
            except zlib.error:
                continue
            self.unpacked += 1
            self.data(place, f"{path} (unpacked twice)", text)


class _Joined(io.RawIOBase):
    """What was read of a stream, and then its rest."""

    def __init__(self, start: bytes, rest: Any) -> None:
        self._start, self._rest = io.BytesIO(start), rest

    def readinto(self, target: Any) -> int:
        count: int = self._start.readinto(target) or self._rest.readinto(target)
        return count


def _fill(file: Any, target: memoryview) -> int:
    """Read until ``target`` is full or the stream ends: a pipe gives what it has, and blocks must be full."""
    filled = 0
    while filled < len(target):
        count = file.readinto(target[filled:])
        if not count:
            break
        filled += count
    return filled
