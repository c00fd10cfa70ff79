"""Identities of nodes and users: which lack a valid certificate, and how they get one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import x509
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.ca import CertificateAuthority
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.signing import Signer, load_key
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ca_config import (
    ENROLLMENT,
    REGISTRAR,
    TLS,
)

with suppress(ImportError):  # the module says which package is missing
    from cryptography.x509.oid import NameOID

# The servers are bound by bcrypt, about 55 ms of CPU a request; this keeps all of them busy.
_THREADS = 16
IDENTITY_ARGUMENTS: dict[str, Any] = {
    "organizations": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "msp_id": {"type": "str", "required": True},
            "subject": {"type": "str"},
            "mount": {"type": "str", "required": True},
            "ca_address": {"type": "str", "required": True},
            "ca_server_name": {"type": "str", "required": True},
        },
    },
    "identities": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "organization": {"type": "str", "required": True},
            "kind": {"type": "str", "choices": ["peer", "orderer", "client", "admin"], "required": True},
            # A path. Ansible would hide it, for its name.
            "secret": {"type": "str", "required": True, "no_log": False},
            "hosts": {"type": "list", "elements": "str", "default": []},
        },
    },
    "renew_before_days": {"type": "int", "default": 30},
}
_FIELDS = ("sign_cert", "sign_key", "tls_cert", "tls_key", "ca_cert", "tls_ca_cert")


@dataclass(frozen=True)
class Identity:
    """An identity as the model wants it.

    :param name: enrolment id and common name, ``peer0.org1.lab``
    :param organization: name of its organisation
    :param kind: ``peer``, ``orderer``, ``client`` or ``admin``
    :param secret: path in the store, ``org1/nodes/peer0.org1.lab``
    :param hosts: names and addresses in its TLS certificate
    """

    name: str
    organization: str
    kind: str
    secret: str
    hosts: Sequence[str]


@dataclass(frozen=True)
class CaServer:
    """An organisation's CA server as the controller reaches it, and what is needed to register there.

    :param subject: the organisation as it stands in the certificates' subject
    :param ca_cert: root of its CA ``enrollment``, PEM
    :param tls_ca_cert: root of its CA ``tls``, PEM; also signs the server's own certificate
    """

    organization: str
    msp_id: str
    subject: str
    address: str
    server_name: str
    ca_cert: str
    tls_ca_cert: str
    bootstrap_password: str = field(repr=False)

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(self.address, self.server_name, self.tls_ca_cert)


@dataclass(frozen=True)
class Need:
    """Why an identity has to be enrolled, and whether its keys stay.

    An orderer's TLS certificate is pinned in its channels by key, so what only runs out keeps its keys.
    """

    reason: str
    keep_keys: bool


def need_of(
    identity: Identity,
    secret: dict[str, str] | None,
    msp: dict[str, str] | None,
    renew_before_days: int,
    now: datetime | None = None,
) -> Need | None:
    """Compare an identity with what the store holds of it.

    :param secret: fields of its secret, None when there is none
    :param msp: ``ca_cert`` and ``tls_ca_cert`` of its organisation, None when there is no authority yet
    :return: None when nothing is to be done
    """
    if secret is None:
        return Need("missing", keep_keys=False)
    if any(not secret.get(name) for name in _FIELDS):
        return Need("incomplete", keep_keys=False)
    if msp and any(secret[name] != msp[name] for name in ("ca_cert", "tls_ca_cert")):
        return Need("issued by another authority", keep_keys=False)
    sign, tls = x509.load_certificate(secret["sign_cert"]), x509.load_certificate(secret["tls_cert"])
    attributes = sign.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    units = [str(attribute.value) for attribute in attributes]
    if units != [identity.kind]:
        return Need(f"is {', '.join(units)}, should be {identity.kind}", keep_keys=True)
    if x509.hosts_of(tls) != set(identity.hosts):
        return Need("other hosts", keep_keys=True)
    left = min(x509.days_left(secret[name], now) for name in ("sign_cert", "tls_cert"))
    if left < renew_before_days:
        return Need("expires", keep_keys=True)
    return None


class Stored(Protocol):
    """A secret as a store returns it."""

    @property
    def fields(self) -> dict[str, str]: ...

    @property
    def version(self) -> int: ...


class Store(Protocol):
    """What the enrolment needs of a secrets store."""

    def get_many(self, paths: Sequence[str]) -> Mapping[str, Stored | None]: ...

    def write(self, path: str, fields: dict[str, str]) -> int: ...


@dataclass(frozen=True)
class Held:
    """An identity with what the store holds of it.

    :param version: of its secret; 0 when there is none
    """

    identity: Identity
    fields: dict[str, str] | None = field(repr=False)
    version: int
    need: Need | None


def look_up(
    store: Store,
    organizations: Sequence[dict[str, Any]],
    identities: Sequence[dict[str, Any]],
    renew_before_days: int,
) -> list[Held]:
    """Read all identities and their organisations' public certificates at once, and judge them.

    :param organizations: items of the ``organizations`` option
    :param identities: items of the ``identities`` option
    :raises FabricError: for an organisation that is not given, or a path that two identities share
    """
    mounts = {org["name"]: org["mount"] for org in organizations}
    wanted = [Identity(**item) for item in identities]
    for identity in wanted:
        if identity.organization not in mounts:
            raise FabricError(f"{identity.name} belongs to {identity.organization!r}, which is not given")
    twice = sorted(path for path, count in Counter(item.secret for item in wanted).items() if count > 1)
    if twice:
        raise FabricError(f"several identities share a secret: {', '.join(twice)}")
    public = {name: f"{mounts[name]}/msp" for name in {identity.organization for identity in wanted}}
    found = store.get_many([*public.values(), *(identity.secret for identity in wanted)])

    def held(identity: Identity) -> Held:
        secret, msp = found[identity.secret], found[public[identity.organization]]
        fields = None if secret is None else secret.fields
        need = need_of(identity, fields, None if msp is None else msp.fields, renew_before_days)
        return Held(identity, fields, 0 if secret is None else secret.version, need)

    return [held(identity) for identity in wanted]


def enrol(
    identities: Sequence[tuple[Identity, Need, dict[str, str] | None]],
    servers: dict[str, CaServer],
    store: Store,
    wait_s: float,
) -> dict[str, int]:
    """Enrol identities at both CAs of their organisations and write their secrets, all at once.

    Every identity is registered (or gets a new password) and enrolled with the password, which is then
    forgotten. Each secret is written in one piece, so a run that breaks off leaves nothing half done.

    :param identities: with what they need, and the fields of their present secret
    :param servers: by organisation
    :param wait_s: seconds to wait for a CA server that is still starting
    :return: path of each written secret to its version
    :raises FabricError: after all others are done, naming every identity that failed
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        organizations = list(dict.fromkeys(item[0].organization for item in identities))
        # Submitted first, so a thread that waits for one of them never keeps it from a thread of its own.
        registrars = {name: pool.submit(_registrar, servers[name], wait_s) for name in organizations}

        def one(identity: Identity, need: Need, secret: dict[str, str] | None) -> int:
            server, registrar = servers[identity.organization], registrars[identity.organization].result()
            keys = secret if secret and need.keep_keys else {}
            return store.write(identity.secret, _enrol_one(server, registrar, identity, keys))

        writes = [(item[0], pool.submit(one, *item)) for item in identities]
        versions: dict[str, int] = {}
        failures: list[str] = []
        for identity, write in writes:
            try:
                versions[identity.secret] = write.result()
            except FabricError as error:
                failures.append(f"{identity.name}: {error}")
    if failures:
        raise FabricError(
            f"{len(failures)} of {len(identities)} identities could not be enrolled: {' | '.join(failures)}",
            next_step="look at the CA server's log and run again; what is enrolled stays",
        )
    return versions


def _registrar(server: CaServer, wait_s: float) -> Signer:
    """The server's registrar, enrolled for this run only; its key is never stored."""
    key = x509.new_key()
    with CertificateAuthority(server.endpoint, ENROLLMENT) as authority:
        authority.wait(wait_s)
        request = x509.make_request(key, REGISTRAR, server.subject)
        cert = authority.enroll(REGISTRAR, server.bootstrap_password, request)
    return Signer(server.msp_id, cert, x509.key_pem(key))


def _enrol_one(
    server: CaServer, registrar: Signer, identity: Identity, keys: dict[str, str]
) -> dict[str, str]:
    """Register an identity and enrol it at both CAs; return the fields of its secret.

    :param keys: ``sign_key`` and ``tls_key`` to keep; a missing one is made
    """
    sign_key, tls_key = (
        load_key(keys[name]) if keys.get(name) else x509.new_key() for name in ("sign_key", "tls_key")
    )
    with CertificateAuthority(server.endpoint, ENROLLMENT) as authority:
        password = authority.register(registrar, identity.name, identity.kind)
        request = x509.make_request(sign_key, identity.name, server.subject)
        sign_cert = authority.enroll(identity.name, password, request)
    # The CAs share their identities, so the password holds here too.
    with CertificateAuthority(server.endpoint, TLS) as authority:
        request = x509.make_request(tls_key, identity.name, server.subject, identity.hosts)
        tls_cert = authority.enroll(identity.name, password, request, profile=TLS)
    return {
        "sign_cert": sign_cert,
        "sign_key": x509.key_pem(sign_key),
        "tls_cert": tls_cert,
        "tls_key": x509.key_pem(tls_key),
        "ca_cert": server.ca_cert,
        "tls_ca_cert": server.tls_ca_cert,
    }
