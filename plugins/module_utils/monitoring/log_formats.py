"""What lines of logs look like: which level and channel they name, and what of them must not go along.

Patterns are Go's (RE2) and Python's at once, without colours in the line: the collector runs them, tests try them here.

Levels are found in the formats of Fabric (``2026-11-24 23:00:46.669 UTC 0001 INFO [module] ...``), fabric-ca
(``2026/11/24 22:59:50 [INFO] ...``), chaincode in Python (``2026-11-24 23:00:48,380 INFO ...``), OpenBao and the
collector (``{"@level":"info",...}``), Docker, the registry, Loki and Prometheus' family (``... level=info ...``), and
in what begins with a level (``WARNING ...``, ``panic: ...``, ``[error] ...``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# A level's first four letters in small, and what it is called here.
LEVELS = {
    "trac": "trace",
    "debu": "debug",
    "info": "info",
    "noti": "info",
    "warn": "warn",
    "erro": "error",
    "dpan": "fatal",
    "pani": "fatal",
    "crit": "fatal",
    "fata": "fatal",
    "emer": "fatal",
    "aler": "fatal",
}
UNKNOWN = "unknown"
# Of the journal's field PRIORITY, which is syslog's. Source: systemd.journal-fields(7), syslog(3).
PRIORITIES = {
    "0": "fatal",
    "1": "fatal",
    "2": "fatal",
    "3": "error",
    "4": "warn",
    "5": "info",
    "6": "info",
    "7": "debug",
}

COLOURS = r"\x1b\[[0-9;]*[A-Za-z]"

_NAMES = "|".join(LEVELS)
LEVEL = (
    r"^(?:\d{4}-\d{2}-\d{2} [0-9:.]+ \S+ [0-9a-f]{4,} "
    r"|\d{4}/\d{2}/\d{2} [0-9:]+ \["
    r"|\d{4}-\d{2}-\d{2} [0-9:,.]+ "
    r"|\["
    r'|\{.{0,120}?"@?level":"'
    r"|.{0,120}?\blevel=)"
    rf"(?P<level>(?i:{_NAMES}))"
)
# A line that is no more than a level and a message. Words in small are keys of something more often than levels.
BARE_LEVEL = rf"^(?P<level>{_NAMES.upper()}|pani|fata|Erro|erro|Warn)(?:[A-Z]*|[a-z]*(?: error)?:)(?:[ :]|$)"

# The store's audit device writes one object a line; its values are HMACs already.
AUDIT = r'^\{.*"type":"(request|response)"'
# A request that failed has a text there.
AUDIT_FAILED = r'"error":"[^"]'

# What replaces a secret.
REDACTED = "[redacted]"


@dataclass(frozen=True)
class Secret:
    """What a secret looks like.

    :param replacement: Go's
    :param hints: one of these is in every line that ``regex`` finds, in small letters. Words are found much
        sooner than patterns, and nearly all lines have no secret. Empty: look always
    """

    regex: str
    replacement: str
    hints: tuple[str, ...] = ()


# Nothing that Selvedge runs is known to log a secret. This is the second net: a debug level, a chaincode of somebody
# else's, a command in the journal.
SECRETS = (
    # A key in one line, as JSON has it, and the lines between a key's head and its foot.
    Secret(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*", "${1}" + REDACTED, ("private key",)),
    Secret(r"^[A-Za-z0-9+/]{40,76}={0,2}\s*$", REDACTED),
    # A field that has a secret's name.
    Secret(
        r"(?i)((?:passw(?:or)?d|passphrase|secret|secret[_-]?id|token|api[_-]?key|private[_-]?key)"
        r"[\"']?\s*[:=]\s*[\"']?)[^\s\"',;&}]+",
        "${1}" + REDACTED,
        ("pass", "secret", "token", "key"),
    ),
    Secret(r"(?i)(\b(?:basic|bearer)\s+)[A-Za-z0-9+/._~=-]{8,}", "${1}" + REDACTED, ("basic", "bearer")),
    # A password in an address.
    Secret(r"(://[^/\s:@]*:)[^@/\s]+@", "${1}" + REDACTED + "@", ("://",)),
    # A token of the store, wherever it stands.
    Secret(r"\b(?:hvs|hvb|hvr|s|b|r)\.[A-Za-z0-9_-]{24,}", REDACTED, ("s.", "b.", "r.")),
)


def channel_pattern(channels: Iterable[str]) -> str:
    """What finds a channel's name in a line: only one of the model's, so that labels stay few.

    Fabric writes ``channel=main``, ``channel: main``, ``channel 'main'``, ``Channel [main]`` and, at the beginning of
    what a module says, ``[main] Committed block``.

    :raises ValueError: without channels
    """
    # The longer name first: RE2 takes the first that fits.
    names = "|".join(re.escape(name).replace(r"\-", "-") for name in sorted(channels, key=len, reverse=True))
    if not names:
        raise ValueError("there is no pattern for no channel")
    before = r"(?:[Cc]hannel(?:I[Dd])?[\"']?[=: ]+[\"'\[]?|-> .*?\[)"
    return rf"{before}(?P<channel>{names})(?:[^A-Za-z0-9.-]|\.?$|\. )"


def organization_pattern(organizations: Iterable[str], domain: str) -> str:
    """What finds the organisation in a container's name, ``[chaincode.]node.organisation.domain``."""
    names = "|".join(re.escape(name).replace(r"\-", "-") for name in sorted(organizations))
    return rf"\.(?P<organization>{names})\.{re.escape(domain)}$"
