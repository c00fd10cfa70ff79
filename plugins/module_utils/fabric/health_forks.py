"""Whether a channel's members have the same blocks, also where their copies have come far apart.

Each ledger tells two blocks, its newest and the one before. Copies that are further apart have none of these in common,
and a peer that has forked is such a one soon: it takes no block after its own. Then one more block is read elsewhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import Ledger

_Claims = dict[int, dict[str, set[str]]]


@dataclass(frozen=True)
class Fork:
    """What a member has instead.

    :param number: of the lowest block that is seen to differ
    :param hash: hex of its header's hash as the member has it
    :param others: what other members have there
    """

    number: int
    hash: str
    others: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """A block to be read, as the copies of others end there.

    :param member: whom to ask
    :param speaks_for: all whose copies are seen to go on from the same block as this member's
    """

    number: int
    member: str
    speaks_for: frozenset[str]


def questions(ledgers: Mapping[str, Ledger], orderers: Set[str]) -> list[Question]:
    """What has to be read so that each member's newest block is compared with somebody's, one block for each height.

    Asked is who is further: an orderer before a peer, and of the most who agree with each other.
    """
    groups = _agreeing(_claims(ledgers))
    lowest = {group: min(_first(ledgers[name]) for name in group) for group in groups}
    found: dict[int, Question] = {}
    for group in groups:
        for number in {ledgers[name].height - 1 for name in group}:
            further = [other for other in groups if lowest[other] > number]
            if further:
                best = max(further, key=lambda other: (len(other & orderers), len(other)))
                member = min(best, key=lambda name: (name not in orderers, ledgers[name].damage, name))
                found[number] = Question(number, member, best)
    return [found[number] for number in sorted(found)]


def find_forks(
    ledgers: Mapping[str, Ledger], orderers: Set[str], read: Sequence[tuple[Question, Ledger]] = ()
) -> dict[str, Fork]:
    """Members that disagree about a block; the lowest one where there are several.

    Right is what most orderers say, then what most members say; on a tie all are listed.

    :param read: answers to :func:`questions`, as ledgers that end with the block that was read
    """
    claims = _claims(ledgers)
    for question, answer in read:
        for number, text in _told(answer):
            claims[number][text] |= question.speaks_for
    forked: dict[str, Fork] = {}
    for number in sorted(claims):
        sides = claims[number]
        if len(sides) < 2:
            continue
        weight = {text: (len(side & orderers), len(side)) for text, side in sides.items()}
        winners = [text for text in sides if weight[text] == max(weight.values())]
        right = set(winners) if len(winners) == 1 else set()
        for text in sorted(sides.keys() - right):
            others = tuple(right) or tuple(sorted(sides.keys() - {text}))
            for name in sorted(sides[text]):
                forked.setdefault(name, Fork(number, text, others))
    return forked


def _first(ledger: Ledger) -> int:
    """Number of the lowest block that a ledger tells."""
    return min(number for number, _unused in _told(ledger))


def _told(ledger: Ledger) -> list[tuple[int, str]]:
    """The blocks that it tells, each with its number and its hash. Before the first one there is none."""
    told = [(ledger.height - 1, ledger.hash), (ledger.height - 2, ledger.previous_hash)]
    return [(number, text) for number, text in told if text]


def _claims(ledgers: Mapping[str, Ledger]) -> _Claims:
    """Who says which hash of which block."""
    claims: _Claims = defaultdict(lambda: defaultdict(set))
    for name, ledger in ledgers.items():
        for number, text in _told(ledger):
            claims[number][text].add(name)
    return claims


def _agreeing(claims: _Claims) -> list[frozenset[str]]:
    """Members in groups: who has a block in common has all before it in common, too."""
    groups: list[frozenset[str]] = []
    for number in sorted(claims):
        for side in claims[number].values():
            joined = frozenset(side).union(*(group for group in groups if group & side))
            groups = [group for group in groups if not group & side] + [joined]
    return groups
