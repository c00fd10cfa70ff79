"""The one registry of secrets backends, and the ``store`` option that every module with secrets shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ansible_collections.selvedge.fabric.plugins.module_utils.packages import STORE, missing
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsBackend, SecretsError

if TYPE_CHECKING:
    from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.openbao import OpenBao


def _openbao(options: dict[str, Any]) -> OpenBao:
    if package := missing(*STORE):
        raise ImportError(f"the OpenBao backend needs the Python package {package} on the controller")
    from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.openbao import OpenBao

    return OpenBao(**options)


BACKENDS: dict[str, Callable[[dict[str, Any]], SecretsBackend]] = {"openbao": _openbao}

STORE_ARGUMENT: dict[str, Any] = {
    "type": "dict",
    "required": True,
    "options": {
        "backend": {"type": "str", "default": "openbao"},
        "url": {"type": "str", "required": True},
        "ca_file": {"type": "path", "required": True},
        "cert_file": {"type": "path", "required": True},
        # A path, not a key: without this Ansible would hide the path wherever it is printed.
        "key_file": {"type": "path", "required": True, "no_log": False},
        "server_name": {"type": "str", "default": ""},
        "timeout": {"type": "int", "default": 30},
    },
}


def open_store(options: dict[str, Any]) -> SecretsBackend:
    """Build the backend that ``options`` (the ``store`` option's shape) names. Nothing is sent yet.

    Raises SecretsError for an unknown backend or one whose Python package is missing.
    """
    settings = {key: value for key, value in options.items() if value is not None}
    name = settings.pop("backend", "openbao")
    if name not in BACKENDS:
        known = ", ".join(sorted(BACKENDS))
        raise SecretsError(
            f"there is no secrets backend {name!r}", next_step=f"set store.backend to one of: {known}"
        )
    try:
        return BACKENDS[name](settings)
    except ImportError as error:
        raise SecretsError(str(error), next_step="pip install it where ansible-playbook runs") from error
    except TypeError as error:
        raise SecretsError(f"the store option does not fit the backend {name!r}: {error}") from error


def open_openbao(options: dict[str, Any]) -> OpenBao:
    """``open_store`` for what only OpenBao has. Raises SecretsError when ``options`` name another backend."""
    name = options.get("backend") or "openbao"
    if name != "openbao":
        raise SecretsError(f"this module configures OpenBao, not {name!r}", next_step="leave it out")
    store: Any = open_store(options)
    return store  # type: ignore[no-any-return]
