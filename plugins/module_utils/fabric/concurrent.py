"""Do independent things at the same time, and tell about all that failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError

T = TypeVar("T")


def together(calls: Mapping[str, Callable[[], T]]) -> dict[str, T]:
    """Run all calls in threads, wait for all, return their results under the same names.

    One failure is raised as it is. Several are raised as one FabricError that lists each with its name (a
    NotReadyError when all of them are). What succeeded has happened: callers plan again after a failure.
    """
    if not calls:
        return {}
    with ThreadPoolExecutor(max_workers=min(len(calls), 32)) as pool:
        futures = {name: pool.submit(call) for name, call in calls.items()}
    errors = {name: error for name, future in futures.items() if (error := future.exception())}
    for error in errors.values():
        if len(errors) == 1 or not isinstance(error, FabricError):
            raise error
    if errors:
        kind = (
            NotReadyError
            if all(isinstance(error, NotReadyError) for error in errors.values())
            else FabricError
        )
        steps = dict.fromkeys(error.next_step for error in errors.values() if isinstance(error, FabricError))
        what = "; ".join(
            f"{name}: {error.what if isinstance(error, FabricError) else error}"
            for name, error in errors.items()
        )
        raise kind(what, ", ".join(errors), " / ".join(step for step in steps if step))
    return {name: future.result() for name, future in futures.items()}


def until_ready(call: Callable[[], T], deadline: float, interval: float = 0.1) -> T:
    """Repeat ``call`` while it raises NotReadyError and ``deadline`` (``time.monotonic()``) is not over.

    Then the NotReadyError of the last attempt that had time is raised, for the very last one knows only that
    its time was short. All other errors are raised at once.
    """
    reason: NotReadyError | None = None
    while True:
        try:
            return call()
        except NotReadyError as error:
            if time.monotonic() + interval >= deadline:
                raise (reason or error) from error
            reason = error
        time.sleep(interval)


def remaining(deadline: float) -> float:
    """Seconds until ``deadline``, never nothing: a call with no time left fails as DEADLINE_EXCEEDED."""
    return max(deadline - time.monotonic(), 0.001)
