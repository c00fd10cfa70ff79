"""Endorsement policies as the text that operators write. The messages that Fabric stores: ``policy_message``.

Text is either a signature policy, ``AND('Org1MSP.peer', OutOf(1, 'Org2MSP.peer', 'Org3MSP.peer'))``, or the
path of a policy in the channel's configuration, ``/Channel/Application/Endorsement``.

Source of the language: hyperledger/fabric ``common/policydsl/policyparser.go``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError

DEFAULT_ENDORSEMENT = "/Channel/Application/Endorsement"

# As MSPRole.MSPRoleType of Fabric's protocol has them, in lower case.
_ROLES = ("member", "admin", "client", "peer", "orderer")

_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z]+)|(?P<number>\d+)|(?P<quoted>'[^']*'|\"[^\"]*\")|(?P<mark>[(),]))"
)
_PRINCIPAL = re.compile(rf"^([A-Za-z0-9.-]+)\.({'|'.join(_ROLES)})$")
_GATES = {spelling(gate): gate for gate in ("And", "Or", "OutOf") for spelling in (str, str.lower, str.upper)}


@dataclass(frozen=True)
class Principal:
    """Whoever holds ``role`` in the MSP ``msp_id``."""

    msp_id: str
    role: str

    def __str__(self) -> str:
        return f"'{self.msp_id}.{self.role}'"


@dataclass(frozen=True)
class Gate:
    """``count`` of ``rules`` must hold."""

    count: int
    rules: tuple[Gate | Principal, ...]

    def __str__(self) -> str:
        inside = ", ".join(str(rule) for rule in self.rules)
        if self.count == 1:
            return f"OR({inside})"
        if self.count == len(self.rules):
            return f"AND({inside})"
        return f"OutOf({self.count}, {inside})"


Rule: TypeAlias = "Gate | Principal"


def parse(text: str) -> Gate:
    """Read a signature policy. Raises FabricError that says where it stops being one.

    One deliberate difference from Fabric's own parser: a gate that asks for none or for more rules than it
    has is refused. Fabric takes it, and the chaincode is then open to everybody or closed for good.
    """
    tokens = _Tokens(text)
    rule = _rule(tokens)
    if not tokens.at_end or not isinstance(rule, Gate):
        raise tokens.error("a policy is one gate: AND(...), OR(...) or OutOf(number, ...)")
    return rule


class _Tokens:
    """The tokens of a policy's text, read from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    @property
    def at_end(self) -> bool:
        return not self.text[self.position :].strip()

    def next(self, *kinds: str) -> tuple[str, str]:
        """The next token as (kind, text) if it is of one of ``kinds``, with quotes taken off."""
        match = _TOKEN.match(self.text, self.position)
        if match is None or match.lastgroup not in kinds:
            raise self.error(f"expected {' or '.join(kinds)}")
        self.position = match.end()
        token = match.group(match.lastgroup)
        return match.lastgroup, token[1:-1] if match.lastgroup == "quoted" else token

    def error(self, reason: str) -> FabricError:
        rest = self.text[self.position :].strip() or "the end"
        return FabricError(f"{self.text!r} is not a signature policy: {reason}, found {rest!r}")


def _rule(tokens: _Tokens) -> Rule:
    kind, token = tokens.next("word", "quoted")
    if kind == "quoted":
        match = _PRINCIPAL.match(token)
        if match is None:
            raise tokens.error(f"a principal is '<MSP id>.<{'|'.join(_ROLES)}>', not {token!r}")
        return Principal(*match.groups())
    gate = _GATES.get(token)
    if gate is None:
        raise tokens.error(f"{token!r} is no gate")
    _expect(tokens, "(")
    count = -1
    if gate == "OutOf":
        _unused, number = tokens.next("number", "quoted")
        if not number.isdecimal():
            raise tokens.error(f"OutOf begins with a number, not {number!r}")
        count = int(number)
        _expect(tokens, ",")
    rules = [_rule(tokens)]
    while _expect(tokens, ",", ")") == ",":
        rules.append(_rule(tokens))
    if gate != "OutOf":
        count = len(rules) if gate == "And" else 1
    if not 1 <= count <= len(rules):
        raise tokens.error(f"{count} of {len(rules)} rules can never decide anything")
    return Gate(count, tuple(rules))


def _expect(tokens: _Tokens, *marks: str) -> str:
    before = tokens.position
    _unused, token = tokens.next("mark")
    if token not in marks:
        tokens.position = before
        raise tokens.error(f"expected {' or '.join(marks)}")
    return token


def principals(rule: Rule) -> Iterator[Principal]:
    """Everybody whom a policy names, in its order, once for each mention."""
    if isinstance(rule, Principal):
        yield rule
        return
    for inner in rule.rules:
        yield from principals(inner)


def can_be_met(rule: Rule, peers: Mapping[str, int]) -> bool:
    """Whether so many peers of each MSP are enough to endorse.

    A signature counts for one principal only, and a peer is ``peer`` and ``member`` of its MSP, nothing else.
    Source: hyperledger/fabric ``common/cauthdsl/cauthdsl.go`` (each identity is used once).
    """
    names = sorted(peers)
    return bool(_needs(rule, names, tuple(peers[name] for name in names)))


def _needs(rule: Rule, names: list[str], most: tuple[int, ...]) -> set[tuple[int, ...]]:
    """The ways to meet a rule, each as the number of peers that it takes of each MSP, none beyond ``most``."""
    if isinstance(rule, Principal):
        if rule.role not in ("peer", "member") or rule.msp_id not in names:
            return set()
        one = tuple(int(name == rule.msp_id) for name in names)
        return {one} if _within(one, most) else set()
    # By how many of the rules so far are met: all the ways to do that.
    ways: list[set[tuple[int, ...]]] = [{(0,) * len(names)}, *(set() for _unused in range(rule.count))]
    for inner in rule.rules:
        more = _needs(inner, names, most)
        for met in range(rule.count, 0, -1):
            sums = {tuple(x + y for x, y in zip(a, b, strict=True)) for a in ways[met - 1] for b in more}
            ways[met] |= {way for way in sums if _within(way, most)}
    return ways[rule.count]


def _within(way: tuple[int, ...], most: tuple[int, ...]) -> bool:
    return all(taken <= there for taken, there in zip(way, most, strict=True))


def canonical(text: str) -> str:
    """A form of a policy's text that is equal exactly when two policies ask for the same.

    Order, spelling of gates and gates around a single rule make no difference.
    """
    text = text.strip() or DEFAULT_ENDORSEMENT
    return text if text.startswith("/") else _canonical(parse(text))


def _canonical(rule: Rule) -> str:
    if isinstance(rule, Principal):
        return str(rule)
    if len(rule.rules) == 1 and rule.count == 1:
        return _canonical(rule.rules[0])
    return f"{rule.count}({','.join(sorted(_canonical(inner) for inner in rule.rules))})"
