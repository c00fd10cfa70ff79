"""Transactions that go on while something else happens, and what became of each."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError


@dataclass
class Traffic:
    """One client that creates an asset, waits for its commit, and creates the next; a refused one is tried again.

    :param committed: assets whose transaction was reported as valid
    :param refused: what was said to attempts that were refused
    """

    ledger: Ledger
    committed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Traffic:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join()

    def _run(self) -> None:
        turn = 0
        while not self._stop.is_set():
            # A client knows more than one peer, and turns to the next one when its own is being restarted.
            peer = self.ledger.peers[turn % len(self.ledger.peers)]
            try:
                asset, result = self.ledger.create(peer, timeout_s=10)
            except FabricError as error:
                self.refused.append(str(error))
                turn += 1
                time.sleep(0.2)
                continue
            if result.status == "VALID":
                self.committed.append(asset)
