"""The callback in real runs of ansible-playbook on this machine: what it tells is what Ansible did."""

from __future__ import annotations

import configparser
import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[4]
SECRET = "correct-horse-battery"
RECAP = re.compile(r"^(\w+) +: (ok=.*)$", flags=re.MULTILINE)
HERE = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
# Nothing listens on port 1.
HOSTS = {"a": HERE, "b": HERE, "gone": {"ansible_host": "127.0.0.1", "ansible_port": 1}}
MODEL = {"selvedge_network": {"name": "lab"}}

# Everything that a task can come to. Most of it runs no module, so that it is quick.
EVERYTHING = """
- name: Play
  hosts: a,b
  gather_facts: false
  tasks:
    - name: Change
      ansible.builtin.debug:
      changed_when: true
      notify: Handle
    - name: Skip
      ansible.builtin.debug:
      when: inventory_hostname == 'b'
    - name: Loop
      ansible.builtin.debug: {msg: "{{ item }}"}
      loop: [1, 2, 3]
      changed_when: item == 2
    - name: Once
      ansible.builtin.debug:
      run_once: true
    - name: Ignore
      ansible.builtin.fail:
      ignore_errors: true
    - name: Retry
      ansible.builtin.debug:
      register: tried
      until: tried.attempts == 2
      retries: 3
      delay: 0
    - name: Handle it now
      ansible.builtin.meta: flush_handlers
    - name: Rescued, in a block
      block:
        - name: Fail and be rescued
          ansible.builtin.fail: {msg: rescue me}
      rescue:
        - name: Rescue
          ansible.builtin.debug:
      always:
        - name: Always
          ansible.builtin.debug:
    - name: Use {{ password }}
      ansible.builtin.debug: {msg: "{{ password }}"}
      no_log: true
    - name: Include tasks
      ansible.builtin.include_tasks: more.yml
    - name: Include a role
      ansible.builtin.include_role: {name: outer}
  handlers:
    - name: Handle
      ansible.builtin.debug:
      changed_when: true

- name: Other play
  hosts: all
  gather_facts: false
  roles: [outer]
  tasks:
    - name: Reach, or not
      ansible.builtin.ping:
    - name: Fail with a secret
      ansible.builtin.fail: {msg: "{{ password }}"}
      no_log: true
      when: inventory_hostname == 'a'
    - name: Fail openly
      ansible.builtin.fail: {msg: because of <this>}
    - name: Never run
      ansible.builtin.debug:
"""
ROLES = {
    "outer": "- {name: Include the inner one, ansible.builtin.include_role: {name: inner}}",
    "inner": "- {name: Work, ansible.builtin.debug: , changed_when: true}",
}


@dataclass(frozen=True)
class Done:
    code: int
    output: str
    folder: Path

    def json(self, stem: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "json" / f"{stem}.json").read_text())
        return found

    def junit(self, stem: str) -> ET.Element:
        return ET.parse(self.folder / "junit" / f"{stem}.xml").getroot()

    def metrics(self, stem: str) -> str:
        return (self.folder / "prom" / f"selvedge_deployment_{stem}.prom").read_text()


class Player:
    """Runs playbooks that it writes into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(exist_ok=True)
        (self.folder / "prom").mkdir()
        self.inventory("hosts.yml", {})

    def inventory(self, name: str, variables: dict[str, Any]) -> None:
        (self.folder / name).write_text(yaml.safe_dump({"all": {"hosts": HOSTS, "vars": variables}}))

    def write(self, name: str, text: str) -> None:
        (self.folder / f"{name}.yml").write_text(text)

    def environment(self, **more: str) -> dict[str, str]:
        return {
            **{
                key: value
                for key, value in os.environ.items()
                if not key.startswith(("ANSIBLE_", "SELVEDGE_"))
            },
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_ROLES_PATH": str(self.folder / "roles"),
            "ANSIBLE_NOCOLOR": "1",
            "SELVEDGE_DEPLOYMENT_TEXTFILE_DIR": str(self.folder / "prom"),
            "SELVEDGE_DEPLOYMENT_JUNIT_DIR": str(self.folder / "junit"),
            "SELVEDGE_DEPLOYMENT_JSON_DIR": str(self.folder / "json"),
            **more,
        }

    def start(self, *words: str, inventory: str = "hosts.yml", **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["ansible-playbook", "-i", inventory, *words],
            cwd=self.folder, env=self.environment(**env), text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def __call__(self, *words: str, inventory: str = "hosts.yml", **env: str) -> Done:
        process = self.start(*words, inventory=inventory, **env)
        output, errors = process.communicate(timeout=240)
        # What is for machines is on standard output alone.
        return Done(process.returncode, output if env else output + errors, self.folder)


@pytest.fixture
def play(tmp_path: Path) -> Player:
    return Player(tmp_path)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("everything")
    player = Player(folder)
    player.write("everything", EVERYTHING)
    player.write("more", "- {name: Included, ansible.builtin.debug: }")
    for name, text in ROLES.items():
        (folder / "roles" / name / "tasks").mkdir(parents=True)
        (folder / "roles" / name / "tasks" / "main.yml").write_text(text)
    return player("everything.yml", "-e", f"password={SECRET}")


def recap(output: str) -> dict[str, dict[str, int]]:
    """Ansible's own numbers by host."""
    found = {host: dict(re.findall(r"(\w+)=(\d+)", numbers)) for host, numbers in RECAP.findall(output)}
    return {host: {key: int(value) for key, value in counts.items()} for host, counts in found.items()}


def test_every_number_is_ansible_s_own(everything: Done) -> None:
    found = everything.json("everything")
    assert set(found["hosts"]) == set(HOSTS)
    assert found["hosts"] == recap(everything.output)
    assert found["hosts"]["a"]["rescued"] == found["hosts"]["a"]["ignored"] == 1
    assert found["hosts"]["gone"]["unreachable"] == 1
    for key, value in found["totals"].items():
        assert value == sum(host[key] for host in found["hosts"].values())
        assert value == sum(stage[key] for stage in found["stages"]), "stages leave nothing out"


def test_a_failed_run_says_so_everywhere(everything: Done) -> None:
    assert everything.code != 0
    assert everything.json("everything")["outcome"] == "failed"
    assert 'selvedge_deployment_success{network="",playbook="everything",mode="run"} 0' in everything.metrics(
        "everything"
    )
    assert int(everything.junit("everything").get("failures", "0")) == 2
    table = everything.output.partition("DEPLOYMENT *")[2]
    assert re.search(r"^everything: FAILED after .*, 3 hosts, 11 changed", table, flags=re.MULTILINE), table
    assert "  b: Other play: Fail openly" in table


def test_a_stage_is_a_role_as_the_play_names_it_or_the_play(everything: Done) -> None:
    stages = [stage["name"] for stage in everything.json("everything")["stages"]]
    assert stages == ["Play", "outer", "Other play"]
    tasks = {
        (str(case.get("classname")), str(case.get("name")))
        for case in everything.junit("everything").iter("testcase")
    }
    assert ("everything.outer", "inner : Work") in tasks
    assert ("everything.Play", "Handle") in tasks and ("everything.Play", "Included") in tasks


def test_stages_and_tasks_take_the_time_that_they_take(everything: Done) -> None:
    found = everything.json("everything")
    assert 0 < sum(stage["duration"] for stage in found["stages"]) <= found["duration"]
    slowest = [task["duration"] for task in found["slowest"]]
    assert len(slowest) == 5 and slowest == sorted(slowest, reverse=True)
    assert found["started"] + found["duration"] == pytest.approx(found["ended"], abs=1)


def test_failures_have_host_and_message_where_nothing_forbids_it(everything: Done) -> None:
    cases = {str(case.get("name")): case for case in everything.junit("everything").iter("testcase")}
    assert cases["Fail openly"].findtext("failure") == "b: because of <this>"
    assert cases["Fail with a secret"].findtext("failure") == "a: the message is hidden by no_log"
    assert cases["Fail and be rescued"].find("failure") is None
    assert cases["Fail and be rescued"].findtext("system-out") == "rescued on a\nrescued on b"
    assert cases["Ignore"].findtext("system-out") == "ignored on a\nignored on b"
    reached = cases["Reach, or not"].find("error")
    assert reached is not None and reached.get("message") == "could not be reached: gone"
    assert "Never run" not in cases


def test_no_secret_is_in_any_file_or_in_the_table(everything: Done) -> None:
    texts = [path.read_text() for path in everything.folder.glob("*/*") if path.is_file()]
    assert len(texts) == 3
    assert SECRET not in "".join([*texts, everything.output.partition("DEPLOYMENT *")[2]])
    assert "Use {{ password }}" in "".join(texts), "the task itself is told of"
    assert "because of" not in json.dumps(everything.json("everything"))


def test_prometheus_takes_the_metrics(everything: Done) -> None:
    oracle = ROOT / ".cache" / "oracle" / "prometheus" / "promtool"
    if not oracle.is_file():
        pytest.skip("prometheus/promtool is not built: run `make oracles`")
    done = subprocess.run(
        [str(oracle), "check", "metrics"],
        input=everything.metrics("everything"),
        text=True,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_check_mode_limit_and_variables(play: Player) -> None:
    play.inventory("lab.yml", MODEL)
    play.write(
        "x",
        "[{name: P, hosts: all, gather_facts: false, tasks: [{name: T, ansible.builtin.debug: , changed_when: true}]}]",
    )
    done = play("x.yml", "--check", "--limit", "a", "-e", f"p={SECRET}", inventory="lab.yml")
    assert done.code == 0
    assert "x on network lab, in check mode: done in" in done.output
    assert "1 host (limit a), 1 would change;" in done.output
    found = done.json("lab_x_check")
    assert (found["network"], found["check_mode"], found["limit"], found["outcome"]) == (
        "lab",
        True,
        "a",
        "success",
    )
    assert 'selvedge_deployment_success{network="lab",playbook="x",mode="check"} 1' in done.metrics(
        "lab_x_check"
    )
    assert done.junit("lab_x_check").get("name") == "x (check mode)"
    files = [path for path in done.folder.glob("*/*") if path.is_file()]
    assert len(files) == 3
    assert SECRET not in "".join(path.read_text() for path in files)


def test_an_interrupted_run_tells_what_it_knows(play: Player) -> None:
    marker = play.folder / "under-way"
    work = f"- {{name: Sleep, ansible.builtin.command: \"sh -c 'touch {marker}; sleep 60'\"}}"
    head = "- name: P\n  hosts: a\n  gather_facts: false\n  tasks:\n"
    play.write("slow", f"{head}    - {{name: Quick, ansible.builtin.debug: }}\n    {work}\n")
    process = play.start("slow.yml")
    deadline = time.monotonic() + 60
    while not marker.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, _errors = process.communicate(timeout=60)
    done = Done(process.returncode, output, play.folder)
    assert done.code != 0
    assert re.search(r"^slow: ABORTED after .*\nIt was at P: Sleep$", output, flags=re.MULTILINE), output
    found = done.json("slow")
    assert (found["outcome"], found["last_task"]) == ("aborted", {"stage": "P", "task": "Sleep"})
    assert found["totals"]["ok"] == 1
    assert done.junit("slow").get("errors") == "1"
    assert 'selvedge_deployment_aborted{network="",playbook="slow",mode="run"} 1' in done.metrics("slow")


def test_playbooks_in_one_command_and_at_the_same_time(play: Player) -> None:
    """Each has its own numbers and its own files, however hosts are batched or wait for each other."""
    head = "- name: P\n  hosts: a,b\n  gather_facts: false\n"
    block = "block: [{name: Fail, ansible.builtin.fail: }]"
    rescued = f"    - {block}\n      rescue: [{{name: Rescue, ansible.builtin.debug: }}]\n"
    change = "    - {name: Change, ansible.builtin.debug: , changed_when: true}\n"
    play.write("one", f"{head}  serial: 1\n  tasks:\n{rescued}{change}")
    play.write("two", f"{head}  strategy: free\n  tasks:\n{change}{rescued}{change}")
    play.write("three", f"{head}  tasks:\n{change}")
    other = play.start("three.yml")
    done = play("one.yml", "two.yml")
    other.communicate(timeout=120)
    assert (done.code, other.returncode) == (0, 0), done.output
    for name, changed, rescues in (("one", 2, 2), ("two", 4, 2), ("three", 2, 0)):
        totals = done.json(name)["totals"]
        assert (totals["changed"], totals["rescued"], totals["failed"]) == (changed, rescues, 0), name
        assert f'success{{network="",playbook="{name}",mode="run"}} 1' in done.metrics(name)
    assert not list(done.folder.glob("*/.*")), "nothing half-written is left"


def test_a_reader_of_json_gets_nothing_else(play: Player) -> None:
    play.write("x", "[{name: P, hosts: a, gather_facts: false, tasks: [{name: T, ansible.builtin.debug: }]}]")
    done = play("x.yml", ANSIBLE_STDOUT_CALLBACK="ansible.posix.json")
    assert json.loads(done.output)["stats"]["a"]["ok"] == 1
    assert done.json("x")["outcome"] == "success"


def test_a_single_task_is_no_run(play: Player) -> None:
    done = subprocess.run(
        ["ansible", "-i", "hosts.yml", "a", "-m", "ansible.builtin.debug"],
        cwd=play.folder, env=play.environment(ANSIBLE_LOAD_CALLBACK_PLUGINS="true"),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and "Hello world!" in done.stdout
    assert "DEPLOYMENT" not in done.stdout
    assert not [path for path in play.folder.glob("*/*") if path.is_file()]


def test_what_cannot_be_written_is_a_warning_and_no_failure(play: Player) -> None:
    play.write("x", "[{name: P, hosts: a, gather_facts: false, tasks: [{name: T, ansible.builtin.debug: }]}]")
    process = play.start(
        "x.yml", SELVEDGE_DEPLOYMENT_TEXTFILE_DIR=str(play.folder / "none"), SELVEDGE_DEPLOYMENT_TABLE="false",
        SELVEDGE_DEPLOYMENT_JSON_DIR="",
    )  # fmt: skip
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0
    said = " ".join((output + errors).split())
    assert "textfile_dir" in said and "No such file or directory" in said and "Next: make" in said
    assert "DEPLOYMENT" not in output
    assert not (play.folder / "none").exists() and not (play.folder / "json").exists()
    assert (play.folder / "junit" / "x.xml").is_file()


def test_a_checkout_has_it_enabled() -> None:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "ansible.cfg")
    assert "selvedge.fabric.deployment" in settings["defaults"]["callbacks_enabled"].split(",")
