"""What can go wrong with images of others."""

from __future__ import annotations


class PullError(Exception):
    """An image cannot be had from upstream, or is not what it should be. The text says what to do next."""
