"""What `preflight.yml` finds: one line a check, with what to do where it is not well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


class Status(StrEnum):
    """``warning`` works, but will hurt; ``skipped`` cannot be told yet, and why is said."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """The answer to one check.

    :param check: what was asked, such as ``ports``
    :param what: what was seen, a short sentence
    :param remedy: what the operator can do; empty when there is nothing to do
    """

    check: str
    status: Status
    what: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """For a module's result: plain types only."""
        return {**asdict(self), "status": str(self.status)}


@dataclass(frozen=True)
class Limits:
    """:param min_disk: free bytes that each file system must have
    :param min_inodes: free inodes that each file system must have
    :param clock_warning: seconds by which a host's clock may differ from the controller's
    :param clock_failure: seconds from which on it must not be deployed to
    :param distributions: those that `bootstrap.yml` can install an engine on, such as ``Debian-13``
    """

    min_disk: int = 5 << 30
    min_inodes: int = 100_000
    clock_warning: float = 2.0
    clock_failure: float = 60.0
    distributions: tuple[str, ...] = ()


def ok(check: str, what: str) -> Finding:
    return Finding(check, Status.OK, what)


def warning(check: str, what: str, remedy: str) -> Finding:
    return Finding(check, Status.WARNING, what, remedy)


def failed(check: str, what: str, remedy: str) -> Finding:
    return Finding(check, Status.FAILED, what, remedy)


def skipped(check: str, what: str) -> Finding:
    return Finding(check, Status.SKIPPED, what)


def shown_bytes(count: float) -> str:
    """``2.3 GiB`` or ``640 MiB``."""
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{count / (1 << 20):.0f} MiB"


def listed(items: Sequence[object], limit: int = 6) -> str:
    """A few of many, and how many more."""
    shown = ", ".join(map(str, items[:limit]))
    return f"{shown} and {len(items) - limit} more" if len(items) > limit else shown
