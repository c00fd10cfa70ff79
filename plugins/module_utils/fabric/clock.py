"""What another machine's clock says, against ours: from the time that stands in an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# The header ``Date`` of HTTP has whole seconds, cut off.
_SECOND = 1.0


@dataclass(frozen=True)
class Clock:
    """A clock against ours.

    :param skew: seconds that it is ahead, negative when it is behind
    :param uncertainty: seconds by which ``skew`` may be wrong at most: half of the way there and back, and what
        the answer's form cuts off
    :param source: where the time stood, ``time in /healthz``
    """

    skew: float
    uncertainty: float
    source: str

    @property
    def certain(self) -> float:
        """Seconds that the clock is off at least, whichever way."""
        return max(0.0, abs(self.skew) - self.uncertainty)

    def as_dict(self) -> dict[str, float | str]:
        return {
            "skew": round(self.skew, 3),
            "uncertainty": round(self.uncertainty, 3),
            "source": self.source,
        }


def clock_of(body: bytes, key: str, date: str, moment: tuple[float, float]) -> Clock | None:
    """The clock of whoever answered: by ``key`` of its JSON body, else by the header ``Date``; None without both.

    :param key: its value is an RFC 3339 time, or whole seconds since 1970
    :param date: the header, empty when there was none
    :param moment: our clock when the question left and when the answer came, in seconds since 1970
    """
    try:
        told = json.loads(body)[key]
        if isinstance(told, int):
            return _clock(float(told), _SECOND, f"{key} in its answer", moment)
        return _clock(datetime.fromisoformat(told).timestamp(), 0.0, f"{key} in its answer", moment)
    except (ValueError, KeyError, TypeError):
        pass
    try:
        shown = parsedate_to_datetime(date)
    except ValueError:
        return None
    stamp = shown if shown.tzinfo else shown.replace(tzinfo=UTC)
    return _clock(stamp.timestamp(), _SECOND, "header Date of its answer", moment)


def clock_between(told: Mapping[str, float]) -> Clock:
    """The clock of a host on which something ran between two looks at ours.

    :param told: ``start`` and ``end`` by the host's clock, ``sent`` and ``received`` by ours, in seconds since 1970
    """
    lowest, highest = told["end"] - told["received"], told["start"] - told["sent"]
    return Clock((lowest + highest) / 2, abs(highest - lowest) / 2, "its own answer")


def _clock(told: float, step: float, source: str, moment: tuple[float, float]) -> Clock:
    asked, came = moment
    return Clock(told + step / 2 - (asked + came) / 2, (came - asked) / 2 + step / 2, source)
