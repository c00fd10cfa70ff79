from __future__ import annotations

from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import Secret, changed_fields


def test_fields_are_judged_by_name_without_values() -> None:
    before, after = {"a": "1", "b": "2", "c": "3"}, {"b": "2", "c": "4", "d": "5"}
    assert changed_fields(before, after) == {
        "a": "removed",
        "b": "unchanged",
        "c": "changed",
        "d": "added",
    }
    assert changed_fields(None, {"a": "1"}) == {"a": "added"}
    assert changed_fields({"a": "1"}, None) == {"a": "removed"}


def test_a_secret_does_not_show_its_values() -> None:
    assert "hidden" not in repr(Secret({"a": "hidden"}, 1))
