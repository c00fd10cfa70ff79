"""What must hold of a model beyond its keys: one small function a rule.

A rule yields a problem for each mistake. Its name is its key in the registry, its docstring is what the reference
says of it, and a test fails when no wrong model belongs to it. Mistakes end a run, warnings do not.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.policy import (
    can_be_met,
    parse,
    principals,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model import upstream, variables, versions
from ansible_collections.selvedge.fabric.plugins.module_utils.model.draft import (
    MONITORING,
    SEALS,
    SSH_PORT,
    Draft,
    msp_id_of,
    named,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import (
    COUCHDB,
    COUCHDB_PORT_KEY,
    FIRST_PORTS,
    MONITORING_KEYS,
    PORT_KEYS,
    Ports,
    setting,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.schema import Problem, listed, suggestion

Rule = Callable[[Draft], Iterator[Problem]]
RULES: dict[str, Rule] = {}
WARNINGS: dict[str, Rule] = {}

# An organisation's mount in the store carries its name. Source: OpenBao, vault/mount.go (protectedMounts).
_RESERVED = ("audit", "auth", "cubbyhole", "identity", "sys")
# An X.509 common name has at most 64 characters. Source: RFC 5280, ub-common-name.
_COMMON_NAME = 64
# Source: moby, daemon/daemon_unix.go (linuxMinMemory).
_LEAST_MEMORY = 6 * 2**20
_UNITS = {"m": 2**20, "g": 2**30}
# Endorsements are signed by peers: a channel's other policies ask for clients or admins.
_ENDORSABLE = ("Endorsement", "LifecycleEndorsement", "Readers")
_ENDORSABLE_OF_ONE = ("Endorsement", "Readers")
_POLICY_EXAMPLE = "AND('Org1MSP.peer', 'Org2MSP.peer')"


def _rule(function: Rule) -> Rule:
    RULES[function.__name__] = function
    return function


def _warning(function: Rule) -> Rule:
    WARNINGS[function.__name__] = function
    return function


def mistakes(draft: Draft) -> list[Problem]:
    """What all rules find."""
    return [problem for rule in RULES.values() for problem in rule(draft)]


def warnings(draft: Draft) -> list[Problem]:
    """What an operator may want to do otherwise; asked only of a model without mistakes."""
    return [problem for rule in WARNINGS.values() for problem in rule(draft)]


def _held_twice(claims: Iterable[tuple[str, Hashable]]) -> Iterator[tuple[str, Any, str]]:
    """Of pairs of a holder and what it holds: who holds what another held before, what that is, and the other."""
    taken: dict[Hashable, str] = {}
    for holder, held in claims:
        other = taken.setdefault(held, holder)
        if other != holder:
            yield holder, held, other


# Hosts


@_rule
def addresses_are_ipv4(draft: Draft) -> Iterator[Problem]:
    """Each host has an IPv4 address that the other hosts use: they find a node by it, without DNS."""
    right = "give the host the variable selvedge_address with the IPv4 address that the other hosts use"
    for name, host in draft.hosts.items():
        wrong = ""
        try:
            address = ipaddress.IPv4Address(host["address"])
        except ValueError:
            wrong = "no IPv4 address"
        else:
            # A host that asks 127.0.0.1 asks itself; even on one host, the store sees such a caller come from
            # the engine's bridge and refuses its credential.
            if address.is_loopback or address.is_unspecified or address.is_multicast:
                wrong = "no address that other hosts can use"
        if wrong:
            yield Problem(f"hosts[{name}].selvedge_address", f"is {host['address']!r}, {wrong}", right)


@_rule
def seals_are_known(draft: Draft) -> Iterator[Problem]:
    """``selvedge_seal`` of a host is a way to keep boot material."""
    for name, host in draft.hosts.items():
        if host.get("seal", SEALS[0]) not in SEALS:
            wrong = f"is {host['seal']!r}, which is no way to keep boot material"
            yield Problem(f"hosts[{name}].selvedge_seal", wrong, f"one of {', '.join(SEALS)}")


def _unknown_variables(draft: Draft) -> Iterator[tuple[str, str]]:
    """Where a variable stands that nobody reads, and the one that it is spelled like."""
    holders: dict[str, list[str]] = {}
    for host, known in draft.hosts.items():
        for name in known.get("variables", []):
            holders.setdefault(name, []).append(host)
    for name, hosts in holders.items():
        if not variables.is_known(name):
            everywhere = len(hosts) == len(draft.hosts) > 1
            yield name if everywhere else f"hosts[{listed(hosts, 4)}].{name}", variables.meant(name)


@_rule
def variables_are_spelled_right(draft: Draft) -> Iterator[Problem]:
    """No variable is spelled almost like one of Selvedge's, which would not have it then and go on with its default."""
    for path, meant in _unknown_variables(draft):
        if meant:
            right = f"did you mean '{meant}'? If it is one of your own, give it a name that is less like that"
            yield Problem(path, "is no variable of Selvedge", right)


@_rule
def addresses_stand_once(draft: Draft) -> Iterator[Problem]:
    """No two hosts have one address: the store tells hosts apart by it."""
    for name, address, other in _held_twice((name, host["address"]) for name, host in draft.hosts.items()):
        yield Problem(
            f"hosts[{name}].selvedge_address",
            f"is {address!r}, which host {other} has",
            "give each its own, or keep one of them in the inventory",
        )


@_rule
def machines_stand_once(draft: Draft) -> Iterator[Problem]:
    """No machine stands in the inventory twice, reached at one address and SSH port."""
    places = ((name, (host["reach"], draft.ssh_port(name))) for name, host in draft.hosts.items())
    for name, (reach, port), other in _held_twice(places):
        yield Problem(
            f"hosts[{name}].ansible_host",
            f"is {reach!r} with SSH port {port}, which host {other} has",
            "give each its own, or keep one of them in the inventory",
        )


@_rule
def hosts_exist(draft: Draft) -> Iterator[Problem]:
    """A host that the model names is in the inventory."""
    for item in draft.placed:
        if item.host is not None and item.host not in draft.hosts:
            yield Problem(
                f"{item.path}.host",
                f"names host {item.host!r}, which the inventory does not have",
                suggestion(item.host, draft.hosts, "hosts of the inventory are"),
            )


@_rule
def ports_stand_once(draft: Draft) -> Iterator[Problem]:
    """No two services publish one port of one host, given or counted up."""
    taken: dict[tuple[str, int], tuple[str, str]] = {}
    for host, owner, port in _published(draft):
        reach = draft.hosts.get(host, {}).get("reach", host)
        other, other_host = taken.setdefault((reach, port), (owner, host))
        # That one machine stands in the inventory twice is said already.
        twice = host != other_host and draft.ssh_port(host) == draft.ssh_port(other_host)
        if other == owner or twice:
            continue
        where = host if host == other_host else f"{host}, which is {other_host} by another name"
        yield Problem(owner, f"is {port} on {where}, which {other} has", "give one of them another port")


@_rule
def ports_leave_ssh_alone(draft: Draft) -> Iterator[Problem]:
    """No service has the port of SSH on its host."""
    for host, owner, port in _published(draft):
        if port in (SSH_PORT, draft.ssh_port(host)):
            yield Problem(owner, f"is {port} on {host}, the port of SSH", "give another port")


def _published(draft: Draft) -> Iterator[tuple[str, str, int]]:
    """Host, key and number of every port that a host publishes."""
    ports = Ports()
    for item in draft.placed:
        if item.host is None:
            continue
        if item.kind in FIRST_PORTS:
            wanted = ports.take(item.kind, item.organization, item.host, item.settings)
        elif item.kind == MONITORING:
            continue
        else:
            wanted = {"main": item.settings["port"]}
        for use, port in wanted.items():
            if isinstance(port, int):
                yield item.host, f"{item.path}.{PORT_KEYS[use]}", port
    for path, org, peer in draft.state_databases() if draft.monitoring is not None else ():
        if isinstance(host := peer.get("host"), str):
            wanted = ports.take(
                COUCHDB, org["name"], host, {PORT_KEYS["operations"]: peer.get(COUCHDB_PORT_KEY)}
            )
            yield from (
                (host, f"{path}.{COUCHDB_PORT_KEY}", port)
                for port in wanted.values()
                if isinstance(port, int)
            )
    for kind, host in draft.monitored():
        given = setting(draft.monitoring, MONITORING_KEYS[kind])
        if isinstance(given, int):
            yield host, f"monitoring.{MONITORING_KEYS[kind]}", given


# Names


@_rule
def names_stand_once(draft: Draft) -> Iterator[Problem]:
    """Organisations, channels, chaincodes, receivers, and the nodes of one organisation have names of their own."""
    lists = {
        "organizations": draft.organizations,
        "channels": draft.channels,
        "chaincodes": draft.chaincodes,
        **{f"monitoring.{key}": named(draft.monitoring or {}, key) for key in ("receivers", "remote_write")},
    }
    for org in draft.organizations:
        for key in ("orderers", "peers"):
            lists[f"organizations[{org['name']}].{key}"] = named(org, key)
    for path, items in lists.items():
        for name, count in Counter(item["name"] for item in items).items():
            if count > 1:
                yield Problem(f"{path}[{name}]", f"stands {count} times", "give each a name of its own")


@_rule
def full_names_stand_once(draft: Draft) -> Iterator[Problem]:
    """No node has the full name of its organisation's CA or admin: enrolments and containers carry it."""
    for owner, name, other in _held_twice(draft.full_names()):
        yield Problem(owner, f"has the full name {name}, which {other} has", "give it another name")


@_rule
def full_names_fit_certificates(draft: Draft) -> Iterator[Problem]:
    """A full name has at most 64 characters, as many as a certificate's common name."""
    long = {name: owner for owner, name in draft.full_names() if len(name) > _COMMON_NAME}
    if long:
        name = max(long, key=len)
        others = f", and {len(long) - 1} more are too long" if len(long) > 1 else ""
        yield Problem(
            long[name],
            f"has the full name {name} of {len(name)} characters, a certificate takes {_COMMON_NAME}{others}",
            "give a shorter name or domain",
        )


@_rule
def organizations_leave_reserved_names_alone(draft: Draft) -> Iterator[Problem]:
    """An organisation has no name that the secrets store keeps for itself."""
    for org in draft.organizations:
        if org["name"] in _RESERVED:
            yield Problem(
                f"organizations[{org['name']}].name",
                "is a name that the secrets store keeps for itself",
                f"give one that is none of {', '.join(_RESERVED)}",
            )


@_rule
def organizations_leave_the_monitoring_its_name(draft: Draft) -> Iterator[Problem]:
    """No organisation is called monitoring: containers of the monitoring have that in their names."""
    for org in draft.organizations:
        if org["name"] == MONITORING:
            wrong = "is what stands in the names of the monitoring's containers"
            yield Problem(f"organizations[{MONITORING}].name", wrong, "give another name")


@_rule
def msp_ids_stand_once(draft: Draft) -> Iterator[Problem]:
    """No two organisations have one MSP id, given or made from the name."""
    ids = (
        (org["name"], msp_id_of(org)) for org in draft.organizations if isinstance(org["msp_id"], str | None)
    )
    for name, msp_id, other in _held_twice(ids):
        yield Problem(
            f"organizations[{name}].msp_id",
            f"is {msp_id!r}, which organizations[{other}] has",
            "give one of them another MSP id",
        )


# Organisations, channels, chaincodes


@_rule
def organizations_order_or_endorse(draft: Draft) -> Iterator[Problem]:
    """An organisation has orderers or peers, not both."""
    for org in draft.organizations:
        if org.get("peers") and org.get("orderers"):
            yield Problem(
                f"organizations[{org['name']}]",
                "has peers and orderers",
                "give the orderers an organisation of their own",
            )


@_rule
def channels_have_orderers(draft: Draft) -> Iterator[Problem]:
    """Where there are channels there is an orderer: without one there is no quorum."""
    if draft.channels and draft.organizations and not any(org.get("orderers") for org in draft.organizations):
        yield Problem(
            "organizations", "have no orderer, but there are channels", "give one organisation orderers"
        )


@_rule
def channel_members_have_peers(draft: Draft) -> Iterator[Problem]:
    """A channel's organisations are organisations of the model that have peers."""
    known = [org["name"] for org in draft.organizations if org.get("peers")]
    for channel in draft.channels:
        for name in dict.fromkeys(map(str, channel.get("organizations", []))):
            if name not in known:
                yield Problem(
                    f"channels[{channel['name']}].organizations",
                    f"names {name!r}, which is no organisation with peers",
                    suggestion(name, known, "organisations with peers are"),
                )


@_rule
def channel_members_stand_once(draft: Draft) -> Iterator[Problem]:
    """A channel names an organisation once."""
    for channel in draft.channels:
        for name, count in Counter(map(str, channel.get("organizations", []))).items():
            if count > 1:
                path = f"channels[{channel['name']}].organizations"
                yield Problem(path, f"names {name!r} {count} times", "name it once")


@_rule
def chaincode_channels_exist(draft: Draft) -> Iterator[Problem]:
    """A chaincode's channel is one of the model's."""
    known = [channel["name"] for channel in draft.channels]
    for chaincode in draft.chaincodes:
        name = chaincode.get("channel")
        if isinstance(name, str) and name not in known:
            yield Problem(
                f"chaincodes[{chaincode['name']}].channel",
                f"names {name!r}, which is not in channels",
                suggestion(name, known, "channels are"),
            )


def _policies(draft: Draft) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """Path and text of every endorsement policy, and the members of its channel."""
    for chaincode in draft.chaincodes:
        text = chaincode.get("endorsement_policy")
        members = draft.members(chaincode.get("channel"))
        if isinstance(text, str) and text.strip():
            yield f"chaincodes[{chaincode['name']}].endorsement_policy", text.strip(), members


@_rule
def endorsement_policies_are_readable(draft: Draft) -> Iterator[Problem]:
    """An endorsement policy is a signature policy or the path of a channel's policy."""
    for path, text, _unused in _policies(draft):
        if text.startswith("/"):
            continue
        try:
            parse(text)
        except FabricError as error:
            right = f"write it like {_POLICY_EXAMPLE}, or name a channel's policy by its path"
            yield Problem(path, error.what, right)


@_rule
def endorsement_paths_exist(draft: Draft) -> Iterator[Problem]:
    """An endorsement policy that is a path names a policy of the channel that peers can meet."""
    for path, text, members in _policies(draft):
        known = [f"/Channel/Application/{name}" for name in _ENDORSABLE]
        known += [
            f"/Channel/Application/{org['name']}/{name}" for org in members for name in _ENDORSABLE_OF_ONE
        ]
        if text.startswith("/") and text not in known:
            yield Problem(
                path,
                f"is {text!r}, which is no policy of the channel that peers can meet",
                suggestion(text, known, "policies are"),
            )


def _signature_policies(draft: Draft) -> Iterator[tuple[str, Any, dict[str, int]]]:
    """Path and rule of every signature policy that can be read, and its channel's MSP ids with their peers."""
    for path, text, members in _policies(draft):
        if text.startswith("/") or not members:
            continue
        try:
            policy = parse(text)
        except FabricError:
            continue
        yield path, policy, {msp_id_of(org): len(named(org, "peers")) for org in members}


@_rule
def endorsers_are_members(draft: Draft) -> Iterator[Problem]:
    """An endorsement policy asks only for MSP ids of the channel's organisations."""
    for path, policy, peers in _signature_policies(draft):
        for name in dict.fromkeys(item.msp_id for item in principals(policy)):
            if name not in peers:
                yield Problem(
                    path,
                    f"asks for {name!r}, which is no MSP id of the channel's organisations",
                    suggestion(name, peers, "they are"),
                )


@_rule
def endorsements_can_be_given(draft: Draft) -> Iterator[Problem]:
    """The channel's peers are enough for the endorsement policy: each signs once, as a peer and member."""
    for path, policy, peers in _signature_policies(draft):
        strangers = {item.msp_id for item in principals(policy)} - set(peers)
        if not strangers and not can_be_met(policy, peers):
            have = ", ".join(f"{count} of {name}" for name, count in peers.items())
            yield Problem(
                path,
                f"is {str(policy)!r}, which the channel's peers can never meet: there are {have}",
                "ask for fewer signatures, and for the role peer",
            )


# Monitoring

# What an organisation's mount has of Selvedge's own, see secrets_layout.py.
_OWN_FOLDERS = ("ca", "msp", "nodes", "users")
SEVERITIES = ("critical", "warning", "info")
_OF_EMAIL = ("to", "from", "smarthost")


def _pointers(draft: Draft) -> Iterator[tuple[str, dict[str, Any]]]:
    """Path and settings of what the monitoring speaks to beyond the network."""
    for key in ("receivers", "remote_write"):
        for item in named(draft.monitoring or {}, key):
            yield f"monitoring.{key}[{item['name']}]", item


@_rule
def the_monitoring_has_an_organization(draft: Draft) -> Iterator[Problem]:
    """The organisation that certifies the monitoring's endpoints is one of the model's."""
    name = (draft.monitoring or {}).get("organization")
    known = [org["name"] for org in draft.organizations]
    if isinstance(name, str) and name not in known:
        right = suggestion(name, known, "organisations are")
        yield Problem("monitoring.organization", f"names {name!r}, which is not in organizations", right)


@_rule
def credentials_of_the_monitoring_are_its_own(draft: Draft) -> Iterator[Problem]:
    """A credential of the monitoring lies below an organisation's mount, apart from what Selvedge keeps there."""
    known = [org["name"] for org in draft.organizations]
    sink = setting(draft.monitoring, "logs.sink")
    for path, item in [
        *_pointers(draft),
        *([("monitoring.logs.sink", sink)] if isinstance(sink, dict) else []),
    ]:
        given = item.get("secret")
        mount, _unused, rest = given.partition("/") if isinstance(given, str) else ("", "", "")
        if rest and mount not in known:
            right = suggestion(mount, known, "organisations are")
            yield Problem(f"{path}.secret", f"is below {mount!r}, which is no organisation", right)
        elif rest.partition("/")[0] in _OWN_FOLDERS:
            right = f"keep it elsewhere, such as {mount}/receivers/{item.get('name', 'logs')}"
            yield Problem(f"{path}.secret", f"is {given!r}, among the keys of Selvedge", right)


@_rule
def users_have_passwords(draft: Draft) -> Iterator[Problem]:
    """A user at a mail server or a remote storage has a password in the store, and a password belongs to a user."""
    for path, item in _pointers(draft):
        if item.get("kind") == "webhook":
            continue
        if item.get("user") and not item.get("secret"):
            yield Problem(
                f"{path}.secret", "is missing", "give the path of the secret with the user's password"
            )
        if item.get("secret") and not item.get("user"):
            yield Problem(f"{path}.user", "is missing", "say whose password the secret has")


@_rule
def receivers_can_be_reached(draft: Draft) -> Iterator[Problem]:
    """A webhook has a secret with its address; email has to, from and smarthost; neither has the other's keys."""
    for item in named(draft.monitoring or {}, "receivers"):
        path = f"monitoring.receivers[{item['name']}]"
        if item.get("kind") == "email":
            for key in _OF_EMAIL:
                if item.get(key) is None:
                    yield Problem(f"{path}.{key}", "is missing", "email has to, from and smarthost")
        if item.get("kind") == "webhook":
            if item.get("secret") is None:
                right = "give the path of the secret whose field url has the address"
                yield Problem(f"{path}.secret", "is missing", right)
            for key in (*_OF_EMAIL, "user"):
                if item.get(key) is not None:
                    yield Problem(f"{path}.{key}", "is of email, and this is a webhook", "leave it out")


@_rule
def receivers_hear_of_severities(draft: Draft) -> Iterator[Problem]:
    """A receiver's severities are ones that alerts have."""
    for item in named(draft.monitoring or {}, "receivers"):
        for name in map(str, item.get("severities") or []):
            if name not in SEVERITIES:
                yield Problem(
                    f"monitoring.receivers[{item['name']}].severities",
                    f"names {name!r}, which no alert has",
                    suggestion(name, SEVERITIES, "severities are"),
                )


# Versions and limits


def _stated_versions(draft: Draft) -> Iterator[tuple[str, str, str]]:
    """Component, key and text of each version that can be read as one."""
    for component, path in versions.KEYS.items():
        value: Any = draft.settings
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str) and versions.is_release(value):
            yield component, path, value


@_rule
def versions_have_what_is_needed(draft: Draft) -> Iterator[Problem]:
    """Versions of Fabric, fabric-ca and the store are new enough for what Selvedge asks of them."""
    nodes = draft.node_kinds
    for component, path, version in _stated_versions(draft):
        needs = versions.lacks(component, version, nodes)
        if needs:
            reasons = ", and ".join(f"before {need.since} {need.what}" for need in needs)
            right = f"give one of {', '.join(versions.usable(component, nodes))}"
            yield Problem(path, f"is {version!r}: {reasons}", right)


@_rule
def versions_are_built(draft: Draft) -> Iterator[Problem]:
    """Where images are built, their versions are ones that images/versions.yml builds."""
    if draft.settings.get("image_source") != "build":
        return
    nodes = draft.node_kinds
    for component, path, version in _stated_versions(draft):
        if component not in versions.BUILT or version in versions.BUILT[component]:
            continue
        if versions.lacks(component, version, nodes):
            continue
        known = ", ".join(versions.usable(component, nodes))
        yield Problem(
            path, f"is {version!r}, which is not built here", f"give one of {known}, or image_source: pull"
        )


@_rule
def pulled_images_have_digests(draft: Draft) -> Iterator[Problem]:
    """Where images are pulled, upstream_images has a digest for each image that runs and that upstream publishes."""
    yield from upstream.problems(draft.settings)


@_rule
def fluent_bit_has_what_it_needs(draft: Draft) -> Iterator[Problem]:
    """Fluent Bit is upstream's image, and sends to a Loki of our own."""
    logs = setting(draft.monitoring, "logs")
    if setting(logs, "collector") != "fluent-bit":
        return
    path, other = "monitoring.logs.collector", "or give collector: otel-collector"
    if draft.settings.get("image_source") == "build":
        yield Problem(path, "is 'fluent-bit', which is not built here", f"give image_source: pull, {other}")
    if setting(logs, "sink") is not None:
        right = f"leave monitoring.logs.sink out, {other}"
        yield Problem(path, "is 'fluent-bit', which is told only of a Loki of our own", right)


@_rule
def capabilities_fit_the_version(draft: Draft) -> Iterator[Problem]:
    """A channel's capabilities are ones that nodes of the network's Fabric version know."""
    version = next((text for name, _unused, text in _stated_versions(draft) if name == "fabric"), None)
    if version is None or versions.lacks("fabric", version, draft.node_kinds):
        return
    for channel in draft.channels:
        for kind, level in (channel.get("capabilities") or {}).items():
            since = versions.CAPABILITIES_SINCE.get((kind, str(level)), "0")
            if versions.order(version) < versions.order(since):
                lower = versions.levels(kind, version)
                yield Problem(
                    f"channels[{channel['name']}].capabilities.{kind}",
                    f"is {level!r}, which nodes know from {since} on, and fabric_version is {version!r}",
                    f"give {' or '.join(lower)}, or a fabric_version from {since} on",
                )


@_rule
def memory_is_enough_for_the_engine(draft: Draft) -> Iterator[Problem]:
    """A memory limit is at least 6m: the engine refuses less."""
    limited = [(item.path, item.settings) for item in draft.placed]
    limited += [(f"chaincodes[{item['name']}]", item) for item in draft.chaincodes]
    others = {key: setting(draft.settings, key) for key in ("couchdb", "monitoring.grafana")}
    limited += [(key, item) for key, item in others.items() if isinstance(item, dict)]
    for path, settings in limited:
        memory = settings.get("memory")
        if not isinstance(memory, str) or not memory[:-1].isdecimal() or memory[-1] not in _UNITS:
            continue
        if int(memory[:-1]) * _UNITS[memory[-1]] < _LEAST_MEMORY:
            yield Problem(f"{path}.memory", f"is {memory!r}, the engine refuses less than 6m", "give more")


# Warnings


@_warning
def somebody_hears_of_alerts(draft: Draft) -> Iterator[Problem]:
    """Where there is monitoring, somebody hears of critical alerts."""
    receivers = named(draft.monitoring or {}, "receivers")
    heard = {name for item in receivers for name in item["severities"] or ("critical", "warning")}
    if draft.monitoring is not None and "critical" not in heard:
        wrong = "has no receiver for critical alerts, so nobody is woken"
        yield Problem("monitoring.receivers", wrong, "give one with kind webhook or email")


@_warning
def variables_are_read(draft: Draft) -> Iterator[Problem]:
    """What begins with ``selvedge_`` in the inventory is a variable of Selvedge."""
    for path, meant in _unknown_variables(draft):
        if not meant:
            right = f"known are {listed(sorted(variables.INPUTS))}; give one of your own another beginning"
            yield Problem(path, "is no variable of Selvedge, and is not read", right)


@_warning
def consenters_are_odd(draft: Draft) -> Iterator[Problem]:
    """An even number of orderers survives no more failures than one orderer less."""
    count = sum(item.kind == "orderer" for item in draft.placed)
    if count and count % 2 == 0:
        lost = (count - 1) // 2
        yield Problem(
            "organizations",
            f"have {count} orderers, which survive the loss of {lost}, as {count - 1} do",
            f"give {count - 1} or {count + 1}",
        )


@_warning
def no_host_has_the_quorum(draft: Draft) -> Iterator[Problem]:
    """Where there are several hosts, the loss of one leaves enough orderers for a quorum."""
    places = Counter(item.host for item in draft.placed if item.kind == "orderer")
    count = places.total()
    if len(draft.hosts) < 2 or count == 2:  # of two, either is the quorum: that is said by their number
        return
    for host, here in places.items():
        if here > (count - 1) // 2:
            share = f"all {count}" if here == count > 1 else f"{here} of {count}"
            yield Problem(
                "organizations",
                f"have {share} orderers on {host}, so without it all channels stand still",
                "spread them over hosts, three at least",
            )


@_warning
def members_have_anchors(draft: Draft) -> Iterator[Problem]:
    """Each organisation of a channel with several has an anchor peer: the others find its peers by it."""
    for channel in draft.channels:
        members = draft.members(channel["name"])
        for org in members if len(members) > 1 else []:
            if all(peer["anchor"] is False for peer in org["peers"]):
                yield Problem(
                    f"organizations[{org['name']}].peers",
                    f"have no anchor, so the other organisations of channel {channel['name']} do not find them",
                    "give one of them anchor: true",
                )
