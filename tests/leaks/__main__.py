"""``python -m tests.leaks INVENTORY [--output-log FILE ...]``, from the root of the checkout."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# The checkout is the collection; this is where Python finds it under its name.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".ansible" / "collections"))

from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment, RemoteError  # noqa: E402
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsError  # noqa: E402
from ansible_collections.selvedge.fabric.tests.leaks.check import run  # noqa: E402


def main() -> int:
    """Return 0 when nothing leaks, 1 with findings, 2 when it could not be searched."""
    parser = argparse.ArgumentParser(prog="tests.leaks", description=__doc__)
    parser.add_argument("inventory", type=Path, help="folder of the inventory of a deployed network")
    parser.add_argument(
        "--output-log", type=Path, nargs="+", default=[], metavar="FILE", help="what a run has printed"
    )
    parser.add_argument(
        "--host", action="append", metavar="NAME", help="search this host only; can be repeated"
    )
    options = parser.parse_args()
    try:
        report = run(Deployment(options.inventory), options.output_log, options.host)
    except (LookupError, OSError, RemoteError, SecretsError, ValueError) as error:
        print(f"the leak check could not be made: {error}", file=sys.stderr)
        return 2
    print(report.text())
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
