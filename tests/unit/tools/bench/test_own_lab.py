"""The bench's own lab: nobody else's, with the monitoring that an operator gets, and gone whatever happens."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.tools.bench import own_lab
from ansible_collections.selvedge.fabric.tools.bench.plays import ROOT, Play


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return Deployment(own_lab.write(tmp_path / "inventory"))


def test_it_has_what_an_operator_gets(deployment: Deployment) -> None:
    given = deployment.network.settings["monitoring"]
    assert (given["scrape_interval"], given["logs"]["retention_days"]) == ("15s", 14)
    scenario = Deployment(own_lab.SCENARIO).network
    assert {item.name for item in deployment.network.monitoring} == {
        item.name for item in scenario.monitoring
    }
    assert {item.kind for item in deployment.network.monitoring} >= {"prometheus", "loki", "otel-collector"}


def others() -> Iterator[Path]:
    for file in [*ROOT.glob("molecule/*/inventory/hosts.yml"), *ROOT.glob("inventory/*/hosts.yml")]:
        if (file.parent / "group_vars/all/connection.yml").is_file():
            yield file.parent


def places(inventory: Path) -> set[str]:
    """Name, subnet, addresses of a lab."""
    connection = yaml.safe_load((inventory / "group_vars/all/connection.yml").read_text())
    hosts = yaml.safe_load((inventory / "hosts.yml").read_text())["all"]["hosts"].values()
    found = {str(connection.get(key)) for key in ("lab_name", "lab_subnet") if key in connection}
    return found | {
        str(item[key]) for item in hosts for key in ("ansible_host", "selvedge_address") if key in item
    }


def test_it_is_nobody_elses(deployment: Deployment) -> None:
    mine = places(deployment.inventory)
    assert own_lab.NAME in mine and len(mine) == 2 + 2 * 3
    known = [places(inventory) for inventory in others()]
    assert len(known) > 5
    assert not any(mine & theirs for theirs in known)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What is played, in an empty checkout; nothing is."""
    done: list[str] = []

    def attempt(inventory: Path, playbook: str, options: Any = ()) -> Play:
        assert (inventory / "hosts.yml").is_file()
        done.append(playbook)
        # An impatient operator; the second Ctrl-C, and another polite kill.
        if len(done) > 2 and playbook == own_lab._REMOVE:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
        return Play(0, 0, 0, "")

    monkeypatch.setattr(own_lab, "ROOT", tmp_path)
    monkeypatch.setattr(own_lab, "attempt", attempt)
    monkeypatch.setattr(own_lab, "play", attempt)
    return done


WHOLE = [own_lab._REMOVE, *own_lab._STEPS, own_lab._REMOVE]


def test_it_is_made_and_removed(played: list[str]) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, *own_lab._SIGNALS)]
    with own_lab.lab() as inventory:
        assert played == WHOLE[:-1]
    assert played == WHOLE
    assert not inventory.exists()
    assert [signal.getsignal(number) for number in (signal.SIGINT, *own_lab._SIGNALS)] == before


def test_it_is_removed_when_something_fails(played: list[str]) -> None:
    with pytest.raises(ZeroDivisionError), own_lab.lab():
        raise ZeroDivisionError
    assert played == WHOLE


@pytest.mark.parametrize("number", own_lab._SIGNALS)
def test_it_is_removed_when_the_bench_is_ended(played: list[str], number: signal.Signals) -> None:
    with pytest.raises(SystemExit) as ended, own_lab.lab():
        os.kill(os.getpid(), number)
    assert (ended.value.code, played) == (128 + number, WHOLE)


def test_it_is_removed_when_it_was_made_in_part(played: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = own_lab.attempt

    def play(inventory: Path, playbook: str) -> Play:
        if playbook == "playbooks/images.yml":
            raise KeyboardInterrupt
        return attempt(inventory, playbook)

    monkeypatch.setattr(own_lab, "play", play)
    with pytest.raises(KeyboardInterrupt), own_lab.lab():
        pytest.fail("there is no lab")
    assert played == [own_lab._REMOVE, *own_lab._STEPS[:2], own_lab._REMOVE]


def test_what_stays_is_told(
    played: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(own_lab, "attempt", lambda inventory, playbook: Play(2, 0, 0, "no engine"))
    with own_lab.lab() as inventory:
        pass
    assert f"ansible-playbook -i {inventory} molecule/shared/destroy.yml" in capsys.readouterr().err
    assert inventory.exists()
