"""`make bench`: what Selvedge costs on this machine, as a table.

    python -m tools.bench                    all of it
    python -m tools.bench lab                a lab of its own beside the demo's, from nothing, and again
    python -m tools.bench controller         fifty hosts that have nothing to do; a wrong model
    python -m tools.bench monitoring         the same load with and without monitoring, in a lab of its own; 25 minutes

Times are of one run on one machine: compare them with each other, not with those of other machines, and leave the
machine alone meanwhile. Exit code 1 when a budget is not kept.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".ansible" / "collections"))

from . import controller, lab, monitoring  # noqa: E402 - they import the collection

PARTS = {"controller": controller.rows, "lab": lab.rows, "monitoring": monitoring.rows}


def main(wanted: list[str]) -> int:
    """Entry point."""
    if unknown := set(wanted) - set(PARTS):
        print(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    fits = [PARTS[name]() for name in wanted or PARTS]
    return 0 if all(fits) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
