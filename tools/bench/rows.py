"""The table that the bench prints."""

from __future__ import annotations


def head() -> None:
    """Print the table's first line."""
    print(f"\n{'what':<62}{'measured':>12}{'budget':>14}")


def row(what: str, value: str, budget: str = "", fits: bool = True) -> bool:
    """Print one line of the table; return whether it is within its budget."""
    print(f"{what:<62}{value:>12}{budget:>14}{'' if fits else '  OVER'}", flush=True)
    return fits


def at_most(what: str, measured: float, most: float, unit: str = "", digits: int = 0) -> bool:
    """A line with an upper bound."""
    suffix = f" {unit}" if unit else ""
    value, budget = f"{measured:.{digits}f}{suffix}", f"<= {most:g}{suffix}" if most else "0"
    return row(what, value, budget, measured <= most)
