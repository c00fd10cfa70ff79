"""Which metrics expressions ask for, by name."""

from __future__ import annotations

import re

from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.alerts import ALERTS
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.records import RECORDS

# In the order in which they are taken away: strings, labels of selectors and of grouping, windows, functions.
_NOT_NAMES = (
    r'"[^"]*"',
    r"\{[^}]*\}",
    r"\[[^]]*\]",
    r"\boffset \w+",
    r"\b(?:by|on|ignoring|group_left|group_right)\s*\([^)]*\)",
    r"\b[a-z0-9_]+(?=\s*\()",
    r"\b(?:and|or|unless|by|on|group_left|group_right|sum|max|min|count|abs)\b",
)
_NAME = re.compile(r"\b[a-zA-Z_][a-zA-Z0-9_:]*\b")


def names_in(expression: str) -> set[str]:
    """Names of metrics and of recorded series in an expression."""
    for pattern in _NOT_NAMES:
        expression = re.sub(pattern, " ", expression)
    return set(_NAME.findall(expression))


def asked() -> set[str]:
    """All that rules and the templates of their words ask for, less what rules record."""
    expressions = [*RECORDS.values(), *(alert.expression for alert in ALERTS), *templated()]
    return {name for expression in expressions for name in names_in(expression)} - set(RECORDS)


def templated() -> list[str]:
    """The queries in alerts' templates."""
    words = [text for alert in ALERTS for text in (alert.description, alert.remedy)]
    return [query for text in words for query in re.findall(r"query \(printf `([^`]*)`", text)]
