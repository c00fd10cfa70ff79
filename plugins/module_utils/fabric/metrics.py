"""Prometheus' text format, as far as reading gauges and counters needs it.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True)
class Sample:
    """One line: ``name{labels} value``."""

    name: str
    labels: dict[str, str]
    value: float


def parse(text: str) -> Iterator[Sample]:
    """The samples of a scrape. Raises ValueError for a line that is no sample and no comment."""
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = _SAMPLE.match(line)
        if match is None:
            raise ValueError(f"no Prometheus sample: {line[:80]!r}")
        labels = {name: _unescape(value) for name, value in _LABEL.findall(match[2] or "")}
        yield Sample(match[1], labels, float(match[3]))


def _unescape(value: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] == "n" else match[1], value)


@dataclass(frozen=True)
class Metrics:
    """A scrape, by metric name."""

    samples: Mapping[str, list[Sample]] = field(repr=False)

    @classmethod
    def from_text(cls, text: str) -> Metrics:
        """Raises ValueError as :func:`parse`."""
        samples: dict[str, list[Sample]] = {}
        for sample in parse(text):
            samples.setdefault(sample.name, []).append(sample)
        return cls(samples)

    def value(self, name: str, **labels: str) -> float | None:
        """The value of the one sample of ``name`` that carries ``labels``; None when there is none."""
        for sample in self.samples.get(name, []):
            if labels.items() <= sample.labels.items():
                return sample.value
        return None

    def label(self, name: str, label: str) -> str:
        """A label's value on the first sample of ``name``; empty when there is none."""
        return next((sample.labels.get(label, "") for sample in self.samples.get(name, [])), "")
