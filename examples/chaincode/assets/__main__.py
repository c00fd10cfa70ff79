"""Run the chaincode as a service: ``python3 /opt/chaincode``. The settings are described in README.md."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from settings import Settings, SettingsError


def main() -> int:
    """Return the process's exit code."""
    # Before the library is imported: it turns on debug logging for everybody unless logging is set up
    # already, and it logs the values it writes under asyncio's name.
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2

    from contract import new_chaincode
    from service import serve

    asyncio.run(serve(settings, new_chaincode()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
