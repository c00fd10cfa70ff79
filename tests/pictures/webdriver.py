"""Chromium without a screen, by Debian's chromedriver. WebDriver is HTTP and JSON, so it needs no package of its own.

Source: W3C, WebDriver; Chrome's ``goog/cdp/execute`` for what that has no word for.
"""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests


class Browser:
    """One window."""

    def __init__(self, driver: str, session: str) -> None:
        self._base = f"{driver}/session/{session}"

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = requests.request(method, f"{self._base}{path}", json=body, timeout=60)
        value = answer.json()["value"]
        assert answer.ok, f"{path}: {value['error']}: {value['message']}"
        return value

    def open(self, url: str) -> None:
        """Load a page, as far as its load event."""
        self._call("POST", "/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """What the body of a function returns in the page."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def _devtools(self, command: str, **parameters: Any) -> Any:
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def size(self, width: int, height: int, phone: bool = False) -> None:
        """The window's inner size in CSS pixels."""
        self._devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                       deviceScaleFactor=2 if phone else 1, mobile=phone)  # fmt: skip

    def prefer(self, scheme: str, motion: str = "no-preference") -> None:
        """What the system wishes: ``light`` or ``dark``; ``reduce`` for little motion."""
        wishes = {"prefers-color-scheme": scheme, "prefers-reduced-motion": motion}
        features = [{"name": name, "value": value} for name, value in wishes.items()]
        self._devtools("Emulation.setEmulatedMedia", features=features)

    def offline(self, away: bool) -> None:
        """Cut the browser off the network, or let it back."""
        self._devtools("Network.enable")
        self._devtools("Network.emulateNetworkConditions", offline=away, latency=0, downloadThroughput=-1,
                       uploadThroughput=-1)  # fmt: skip

    def key(self, name: str) -> None:
        """Press a key of one character, or one of WebDriver's (Tab is ``\\ue004``, Enter ``\\ue007``)."""
        keys = [{"type": kind, "value": name} for kind in ("keyDown", "keyUp")]
        self._call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": keys}]})

    def errors(self) -> list[str]:
        """What the page's console has complained of since the last call."""
        entries = self._call("POST", "/se/log", {"type": "browser"})
        told = [item["message"] for item in entries if item["level"] in ("SEVERE", "WARNING")]
        # Containers that come and go on this machine change its network; the page asks again.
        return [message for message in told if "ERR_NETWORK_CHANGED" not in message]

    def picture(self, path: Path, crop: tuple[int, int] | None = None) -> None:
        """The whole page, or so much of its beginning, as the file's name ends: ``png`` or ``webp``."""
        part = (
            {"clip": dict(zip(("x", "y", "width", "height", "scale"), (0, 0, *crop, 1), strict=True))}
            if crop
            else {}
        )
        kind = {"format": path.suffix[1:], **({"quality": 80} if path.suffix == ".webp" else {})}
        shot = self._devtools("Page.captureScreenshot", captureBeyondViewport=True, **kind, **part)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def until(self, script: str, seconds: float = 20.0) -> Any:
        """What ``script`` returns, once that is true."""
        return eventually(lambda: self.run(script), seconds, script)


def eventually(ask: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first answer that is true."""
    deadline = time.monotonic() + seconds
    while True:
        if found := ask():
            return found
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)


@contextmanager
def browsing(name: str) -> Iterator[Browser]:
    """A browser; skips the tests of ``name``, by name, where there is none."""
    chromium, driver = (shutil.which(program) for program in ("chromium", "chromedriver"))
    if not chromium or not driver:
        missing = " and ".join(
            what for what, path in (("chromium", chromium), ("chromedriver", driver)) if not path
        )
        pytest.skip(f"{name}: {missing} is missing, run `tools/prerequisites.sh browser`")
    process = subprocess.Popen(
        [driver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        url = f"http://127.0.0.1:{_port(process)}"
        options = {
            "binary": chromium,
            # It runs as root in containers, where its sandbox has no namespaces to make.
            "args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                     "--hide-scrollbars", "--force-color-profile=srgb", "--no-first-run"],
        }  # fmt: skip
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        answer = requests.post(
            f"{url}/session", json={"capabilities": {"alwaysMatch": wanted}}, timeout=120
        ).json()
        assert "sessionId" in answer["value"], answer["value"]
        session = answer["value"]["sessionId"]
        yield Browser(url, session)
        requests.delete(f"{url}/session/{session}", timeout=30)
    finally:
        process.terminate()
        process.wait(20)


def _port(process: subprocess.Popen[str]) -> int:
    """The port that chromedriver says it took."""
    assert process.stdout
    for line in process.stdout:
        if found := re.search(r"started successfully on port (\d+)", line):
            return int(found.group(1))
    raise AssertionError("chromedriver did not start")
