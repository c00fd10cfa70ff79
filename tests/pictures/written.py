"""How the network page writes numbers, told a second time, so that one can be held against the other."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal


def _rounded(value: float, digits: int) -> str:
    """As Intl.NumberFormat rounds: of the number that it exactly is, half away from zero."""
    return f"{Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):,f}"


def _decimals(value: float) -> str:
    size = abs(value)
    return _rounded(value, 0 if size == 0 or size >= 100 else 1 if size >= 10 else 2)


def _duration(seconds: float) -> str:
    if seconds == 0:
        return "0 s"
    if seconds < 0.9995:
        return f"{_rounded(seconds * 1000, 0)} ms"
    if seconds < 120:
        return f"{seconds:.0f} s" if seconds >= 3 and seconds == int(seconds) else f"{_decimals(seconds)} s"
    for limit, size, name in ((7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{_rounded(seconds / size, 0)} {name}"
    return f"{math.floor(seconds / 86400):,} days"


def _days(value: float) -> str:
    if value < 0:
        return "expired"
    return f"{math.floor(value * 24):,} h" if value < 2 else f"{math.floor(value):,} days"


def written(unit: str, value: float) -> str:
    """A number of a query, as a reader sees it."""
    if unit == "share":
        return f"{_rounded(value * 100, 0)} %"
    writers = {"per_second": _decimals, "seconds": _duration, "days": _days}
    return writers.get(unit, lambda number: _rounded(number, 0))(value)
