"""All machines together, and the table."""

from __future__ import annotations

from ansible_collections.selvedge.fabric.plugins.module_utils.preflight.findings import listed, shown_bytes
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight.verdict import Sight, judge, table
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.preflight.samples import (
    CA,
    LIMITS,
    bad,
    bare,
    controller,
    expected,
    healthy,
    sights,
)

HOSTS = ("host1", "host2", "host3")


def test_a_deployed_lab_is_all_well() -> None:
    findings = judge(sights({name: healthy(name) for name in HOSTS}), CA.cert_pem, LIMITS)
    assert {status for items in findings.values() for status in {str(item.status) for item in items}} == {
        "ok"
    }
    assert table(findings).splitlines() == [
        "host1       26 ok",
        "host2       26 ok",
        "host3       26 ok",
        "controller  4 ok",
    ]


def test_a_bare_lab_is_fit_and_says_what_comes_later() -> None:
    found = sights({name: bare(name) for name in HOSTS}, controller("refused"))
    findings = judge(found, "", LIMITS)
    assert [bad(items) for items in findings.values()] == [[], [], [], []]
    assert table(findings).splitlines()[-1] == (
        "not to be told yet: registry (not there yet; images.yml brings it), store (not there yet; site.yml brings "
        "it), trust (bootstrap.yml brings the bootstrap CA's certificate)"
    )


def test_whether_a_server_should_be_there_its_own_host_says() -> None:
    """host1 has the registry in its configuration; the others' refused connection is then a failure."""
    evidence = {name: bare(name) for name in HOSTS}
    evidence["host1"]["stacks"] = ["registry"]
    findings = judge(sights(evidence, controller("refused")), CA.cert_pem, LIMITS)
    for items in findings.values():
        states = {item.check: str(item.status) for item in items if item.check in ("registry", "store")}
        assert states == {"registry": "failed", "store": "skipped"}


def test_an_unreachable_host_is_a_line_like_others() -> None:
    found = sights({"host1": healthy(), "host2": healthy("host2")})
    error = "ssh: connect to host 127.0.10.2 port 2222: Connection refused"
    found["host2"] = Sight(expected("host2"), {}, error, "ssh root@127.0.10.2:2222")
    findings = judge(found, CA.cert_pem, LIMITS)
    assert bad(findings["host1"]) == []
    assert table(findings).splitlines() == [
        "host   check      status  what",
        f"host2  reachable  failed  ssh root@127.0.10.2:2222 refuses the connection ({error})",
        "                          Next: start sshd there, or correct ansible_host and ansible_port",
        "",
        "host1       26 ok",
        "host2       1 failed",
        "controller  4 ok",
    ]


def test_a_server_whose_host_says_nothing_is_missed() -> None:
    """Whether the registry should be there only host1 knows; that it is refused must not pass as "not there yet"."""
    found = sights({"host1": bare(), "host2": bare("host2")}, controller("refused"))
    found["host1"] = Sight(expected("host1"), {}, "Connection timed out", "ssh root@127.0.10.1:2222")
    findings = judge(found, CA.cert_pem, LIMITS)
    assert [what for check, _unused, what, _unused in bad(findings["host2"]) if check == "registry"] == [
        "172.30.10.11:5000 refuses the connection"
    ]


def test_failures_come_first() -> None:
    evidence = healthy()
    evidence["system"].update(container="", time_service="")
    evidence["disks"]["data"]["free"] = 0
    findings = judge(sights({"host1": evidence}), CA.cert_pem, LIMITS)
    assert [str(item.status) for item in findings["host1"]][:3] == ["failed", "warning", "ok"]
    assert "host1       24 ok, 1 warning, 1 failed" in table(findings)


def test_the_whole_table_has_what_is_well() -> None:
    findings = judge(sights({"host1": healthy()}), CA.cert_pem, LIMITS)
    lines = table(findings, everything=True).splitlines()
    assert lines[0] == "host        check         status  what"
    assert "host1       clock         ok      in step with the controller's" in lines
    assert len(lines) == 1 + 26 + 4 + 1 + 2


def test_what_could_not_be_looked_at_is_a_failure_and_hides_nothing() -> None:
    evidence = healthy()
    del evidence["memory"]
    evidence["errors"] = {"memory": "KeyError: 'MemTotal'"}
    findings = judge(sights({"host1": evidence}), CA.cert_pem, LIMITS)["host1"]
    assert bad(findings) == [
        (
            "memory",
            "failed",
            "could not be looked at: KeyError: 'MemTotal'",
            "run with -vvv; this is a mistake of preflight's own or a very unusual host",
        )
    ]
    assert len(findings) == 25


def test_every_section_may_be_missing() -> None:
    """One question that raises must not hide the answers to others."""
    for section in ("system", "memory", "disks", "engine", "listeners", "files", "knocks", "stacks"):
        evidence = healthy()
        del evidence[section]
        evidence["errors"] = {section: "OSError: x"}
        findings = judge(sights({"host1": evidence}), CA.cert_pem, LIMITS)["host1"]
        assert [found[0] for found in bad(findings)] == [section]
        assert any(item.check == "registry" and item.status == "ok" for item in findings)


def test_sizes_and_lists_are_short() -> None:
    assert [shown_bytes(size) for size in (0, 640 << 20, 1 << 30, 2_469_606_195)] == [
        "0 MiB",
        "640 MiB",
        "1.0 GiB",
        "2.3 GiB",
    ]
    assert listed(list(range(8)), 6) == "0, 1, 2, 3, 4, 5 and 2 more"
    assert listed([]) == ""
