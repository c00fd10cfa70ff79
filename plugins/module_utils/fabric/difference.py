"""One difference object: what is, what shall be, as Ansible's diff and as lines for an operator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Change:
    """One thing that changes; None means that it is not there. ``path`` says where, separated by slashes."""

    path: str
    before: Any
    after: Any

    @property
    def lines(self) -> list[str]:
        """``"~ /Channel/Orderer/BatchTimeout: 500ms -> 2s"``, a line for each leaf that differs."""
        return list(_lines(self.path, self.before, self.after))


def _lines(path: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            if before.get(key) != after.get(key):
                yield from _lines(f"{path}/{key}", before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list):
        yield from (f"- {path}: {_text(item)}" for item in before if item not in after)
        yield from (f"+ {path}: {_text(item)}" for item in after if item not in before)
    elif before is None:
        yield f"+ {path}" + ("" if isinstance(after, Mapping) else f": {_text(after)}")
    elif after is None:
        yield f"- {path}" + ("" if isinstance(before, Mapping) else f": {_text(before)}")
    else:
        yield f"~ {path}: {_text(before)} -> {_text(after)}"


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    return ", ".join(_text(item) for item in value) if isinstance(value, list) else str(value)


@dataclass(frozen=True)
class Difference:
    """All changes of a plan. Empty means that there is nothing to do."""

    changes: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)

    @property
    def lines(self) -> list[str]:
        return [line for change in self.changes for line in change.lines]

    def diff(self) -> dict[str, Any]:
        """Ansible's ``diff``: ``before`` and ``after`` with only what changes, by path."""
        return {
            "before": {change.path: change.before for change in self.changes if change.before is not None},
            "after": {change.path: change.after for change in self.changes if change.after is not None},
        }
