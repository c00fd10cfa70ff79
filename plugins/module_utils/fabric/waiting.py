"""Wait for meaning, by asking again every tenth of a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import NotReadyError

T = TypeVar("T")

_INTERVAL = 0.1


class Deadline:
    """A moment that all waits of one operation share.

    :param seconds: from now
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self, at_most: float = 10) -> float:
        """Seconds that a single request may take: what is left, at least half a second."""
        return max(0.5, min(at_most, self._end - time.monotonic()))

    def retry(self, call: Callable[[], T]) -> T:
        """Call until it raises no NotReadyError; raises the last one when the time is over."""
        while True:
            try:
                return call()
            except NotReadyError:
                if time.monotonic() + _INTERVAL >= self._end:
                    raise
            time.sleep(_INTERVAL)
