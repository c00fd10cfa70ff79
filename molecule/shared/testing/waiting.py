"""Wait for a condition, and say what was missing when time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(check: Callable[[], T], timeout_s: float, *expected: type[Exception]) -> T:
    """Repeat ``check`` until it raises neither AssertionError nor one of ``expected``; return what it returns.

    The last of these errors is raised when ``timeout_s`` seconds are over.
    """
    passing: tuple[type[Exception], ...] = (AssertionError, *expected)
    end = time.monotonic() + timeout_s
    while True:
        try:
            return check()
        except passing:
            if time.monotonic() >= end:
                raise
        time.sleep(0.2)
