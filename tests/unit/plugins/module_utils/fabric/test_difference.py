"""One difference object for lines and for Ansible's diff."""

from __future__ import annotations

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.difference import Change, Difference


def test_empty() -> None:
    assert not Difference()
    assert Difference().lines == []
    assert Difference().diff() == {"before": {}, "after": {}}


def test_lines_and_diff_tell_the_same() -> None:
    difference = Difference(
        (
            Change("value", 1, 2),
            Change("map", {"same": 1, "old": 1, "other": 2}, {"same": 1, "new": 1, "other": 3}),
            Change("list", ["a", {"k": 1}], ["a", "b"]),
            Change("come", None, "joined"),
            Change("go", {"whole": "group"}, None),
        )
    )
    assert difference
    assert difference.lines == [
        "~ value: 1 -> 2",
        "+ map/new: 1",
        "- map/old: 1",
        "~ map/other: 2 -> 3",
        "- list: k 1",
        "+ list: b",
        "+ come: joined",
        "- go",
    ]
    assert difference.diff()["before"].keys() == {"value", "map", "list", "go"}
    assert difference.diff()["after"].keys() == {"value", "map", "list", "come"}


def test_zero_and_empty_are_values() -> None:
    assert Difference((Change("number", 0, 5), Change("list", [], ["a"]))).lines == [
        "~ number: 0 -> 5",
        "+ list: a",
    ]
