"""Which version of the collection this is. An installed one has no galaxy.yml; a unit test compares the two."""

from __future__ import annotations

VERSION = "0.2.0"
