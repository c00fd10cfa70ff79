"""What an operator can do about what a container engine says."""

from __future__ import annotations

import re

# Words of Docker's engine and its registry client, and what helps. The first that fits counts.
_REMEDIES = (
    (
        r"certificate signed by unknown authority|failed to verify certificate",
        "the registry shows a certificate that this host does not trust: run bootstrap.yml, it brings the bootstrap CA "
        "to the host, then preflight.yml, which names the issuer that was found",
    ),
    (
        r"port is already allocated|address already in use",
        "something else has the port: preflight.yml names the process; end it, or give the service another port in the "
        "model",
    ),
    (r"no space left on device|disk quota exceeded", "free some space on the host, then run again"),
    (
        r"bind source path does not exist|mount.*no such file or directory",
        "what the container mounts is not there: look at 'journalctl -u selvedge-agent.service' on the host, then run "
        "again",
    ),
    (r"manifest unknown|not found: manifest", "the registry lacks the image: run images.yml"),
    (
        r"connection refused|i/o timeout|no route to host|context deadline exceeded",
        "the registry does not answer this host: run images.yml, it starts the registry, and preflight.yml for the way "
        "between them",
    ),
    (r"unknown or invalid runtime", "the engine does not know the service's runtime: run bootstrap.yml"),
    (
        r"paused container",
        "somebody has paused the container: 'docker unpause' it on the host, then run again",
    ),
    (
        # The engine's own fault: it removed a container that was started again and again, and still lists it.
        r"no such container: [0-9a-f]{64}",
        "the engine lists a container that it does not have: 'systemctl restart docker' on the host, which leaves "
        "containers alone, then run again",
    ),
    (r"cannot connect to the docker daemon", "start the engine: 'systemctl status docker' on the host"),
)


def next_step(message: str) -> str:
    """A sentence on what to do about an engine's ``message``; without a better one, where to look."""
    for words, remedy in _REMEDIES:
        if re.search(words, message, flags=re.IGNORECASE):
            return remedy
    return "look at 'journalctl -u docker' on the host, then run again"
