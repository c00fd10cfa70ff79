"""The service's settings, from the environment; secrets come as files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class SettingsError(Exception):
    """Everything that is wrong with the environment, one line each."""


@dataclass(frozen=True)
class TLSFiles:
    """PEM files; with ``client_ca`` only clients (peers) with a certificate of that authority may connect."""

    key: Path
    cert: Path
    client_ca: Path | None


@dataclass(frozen=True)
class Settings:
    """Where to listen, as which chaincode, and with which keys.

    :param package_id: the id of the installed package, ``LABEL:HASH``. The service registers under it at the
        peer, which refuses any other name than the one it connected for.
    :param address: ``HOST:PORT`` to listen on
    :param tls: ``None`` for plain text
    """

    package_id: str
    address: str
    tls: TLSFiles | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings, or raise :class:`SettingsError` with all mistakes at once."""
        mistakes = []
        package_id = environment.get("CORE_CHAINCODE_ID_NAME") or environment.get("CHAINCODE_ID") or ""
        if not package_id:
            mistakes.append(
                "CORE_CHAINCODE_ID_NAME is missing: give the id of the installed package (LABEL:HASH)"
            )
        address = environment.get("CHAINCODE_SERVER_ADDRESS", "0.0.0.0:9999")
        host, _unused, port = address.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            mistakes.append(f"CHAINCODE_SERVER_ADDRESS {address!r} is not HOST:PORT")
        disabled = environment.get("CHAINCODE_TLS_DISABLED", "false")
        if disabled not in ("true", "false"):
            mistakes.append(f"CHAINCODE_TLS_DISABLED {disabled!r} is neither true nor false")
        tls = None
        if disabled != "true":
            client_ca = environment.get("CHAINCODE_CLIENT_CA_CERT")
            tls = TLSFiles(
                key=Path(environment.get("CHAINCODE_TLS_KEY", "/run/secrets/tls.key")),
                cert=Path(environment.get("CHAINCODE_TLS_CERT", "/run/secrets/tls.crt")),
                client_ca=Path(client_ca) if client_ca else None,
            )
            mistakes += [f"{path} is no file" for path in _paths(tls) if not path.is_file()]
        if mistakes:
            raise SettingsError("\n".join(mistakes))
        return cls(package_id, address, tls)


def _paths(tls: TLSFiles) -> list[Path]:
    return [path for path in (tls.key, tls.cert, tls.client_ca) if path is not None]
