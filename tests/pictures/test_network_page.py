"""The network page in a real browser, served by a real Prometheus: what it shows is what Prometheus answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import load
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.network_page import network_page
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.queries import ON_PAGE, QUERIES
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.topology import topology
from ansible_collections.selvedge.fabric.tests.pictures.conftest import Watched
from ansible_collections.selvedge.fabric.tests.pictures.numbers import NUMBERS, STATES, compare
from ansible_collections.selvedge.fabric.tests.pictures.prometheus import (
    LOOKBACK_S,
    ROOT,
    config_of,
)
from ansible_collections.selvedge.fabric.tests.pictures.webdriver import Browser, eventually
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    WIDE_HOSTS,
    wide_model,
)

SHOTS = ROOT / ".cache" / "pictures"
PEER, LEADER = "peer1.org2.lab.example", "orderer2.orderers.lab.example"
# Those that are words and signs, not numbers.
WORDS = {
    "up",
    "verdict",
    "reason",
    "verdict_age",
    "reachable",
    "freshness",
    "leader",
    "probe_success",
    "chaincode",
    "sealed",
}
HEADLINE = 'return document.querySelector("#verdict h2").textContent'
TROUBLES = """
    return [...document.querySelectorAll("#verdict li")].map((item) => item.textContent.replace(/\\s+/g, " ").trim())
"""
REASONS = """
    return [...document.querySelectorAll("#detail .reasons li")]
      .map((item) => item.textContent.replace(/\\s+/g, " ").trim())
"""
ALERT = "return document.querySelector(`#alerts [data-alert=${arguments[0]}]`).textContent"
TROUBLE = 'const item = document.getElementById("trouble"); return item.hidden ? "" : item.textContent'
LIVE = "return document.body.dataset.live"


def drawn(node: str) -> str:
    """A node on the map, in JavaScript."""
    return f"document.querySelector('.node[data-node=\"{node}\"]')"


def show(watched: Watched, browser: Browser, **wishes: str) -> None:
    """Load the page, and wait until it has asked twice."""
    wanted = "&".join(f"{name}={value}" for name, value in {"poll": "1", **wishes}.items())
    browser.open(f"{watched.prometheus.url}/consoles/network.html?{wanted}")
    rounds(browser, 2)


def rounds(browser: Browser, more: int) -> None:
    """Wait for so many more rounds of questions."""
    before = int(browser.run("return document.body.dataset.rounds || 0"))
    browser.until(f"return Number(document.body.dataset.rounds || 0) >= {before + more}", 60)


@pytest.fixture
def page(watched: Watched, browser: Browser) -> Iterator[Browser]:
    """The page of the network, all well, on a desk."""
    browser.size(1360, 900)
    browser.prefer("light")
    eventually(
        lambda: not watched.prometheus.get("alerts")["alerts"], 30, "no alert is left of the test before"
    )
    show(watched, browser)
    yield browser
    assert browser.errors() == []


def test_every_number_is_what_prometheus_answers(watched: Watched, page: Browser) -> None:
    assert compare(watched.prometheus, page) == []
    shown = page.run(NUMBERS)["numbers"]
    assert {item["query"] for item in shown} == set(ON_PAGE) - WORDS
    assert len(shown) > 100


def test_a_network_that_is_well_is_called_so(watched: Watched, page: Browser) -> None:
    assert page.run(HEADLINE) == "Everything is well"
    assert page.run(TROUBLES) == ["3 orderers, 4 peers, 3 CAs, 1 channel. No alert fires."]
    assert page.run("return document.title") == "✓ lab · network"
    assert page.run(LIVE) == "yes"
    assert page.run(TROUBLE) == ""
    states = page.run(
        'return [...document.querySelectorAll("#map [data-node]")].map((item) => item.dataset.state)'
    )
    assert states == ["good"] * 11
    leaders = [
        labels["node"] for labels, value in watched.prometheus.query(QUERIES["leader"].ask()) if value == 1
    ]
    assert leaders == [LEADER]
    assert page.run(f"return {drawn(LEADER)}.querySelector('.side').textContent") == "★ leads"


def test_new_blocks_come_in(watched: Watched, page: Browser, restored: Watched) -> None:
    restored.scene.heights["main"] += 3
    newest = 'return document.querySelector("[data-newest=main]").textContent'
    page.until(f"{newest} === '1,206'", 30)
    assert page.run('return document.querySelectorAll(".chain .new").length') == 3
    height = watched.prometheus.query('max(ledger_blockchain_height{channel="main"})')[0][1]
    assert page.run(newest) == f"{height - 1:,.0f}"


def test_what_is_wrong_is_told_with_its_reasons(watched: Watched, page: Browser, restored: Watched) -> None:
    scene = restored.scene
    scene.down.add(LEADER)
    scene.leaders["main"] = "orderer3.orderers.lab.example"
    scene.behind[PEER] = 31
    scene.verdicts[PEER] = 1
    scene.reasons = {
        LEADER: [(2, "does not answer: Connection refused", "start it, or read its log on its host")],
        PEER: [(1, "channel main: behind the others", "wait; if it does not catch up, read its log"),
               (1, f"its operations endpoint is slow, and {LEADER} is away", "read its log")],
    }  # fmt: skip
    scene.days["peer0.org1.lab.example"] = 4.3
    scene.chaincodes_down.add("assets.peer0.org2.lab.example")
    wanted = {"CertificateExpiresInAWeek", "ChaincodeGone", "HeightDiverging", "NodeDegraded", "NodeDown",
              "NodeUnhealthy", "QuorumAtRisk"}  # fmt: skip

    def names() -> set[str]:
        return {item["labels"]["alertname"] for item in watched.prometheus.get("alerts")["alerts"]}

    eventually(lambda: names() == wanted, 40, "the alerts of what is wrong, and no other")
    rounds(page, 2)
    assert page.run(HEADLINE) == "5 things are wrong"
    assert page.run(TROUBLES) == [
        "orderer2.orderers does not answer: Connection refused and 1 more "
        "Next: start it, or read its log on its host",
        "peer0.org2 chaincode assets does not answer "
        "Next: start it with docker start on its host if it is stopped; if it ends by itself, read its log",
        "channel main 2 of 3 orderers take part, none more may be lost "
        "Next: bring back the orderer that is missing, and restart nothing else meanwhile",
        "peer0.org1 its certificate expires in 4 days "
        "Next: run site.yml --tags identity, wait a minute until its host has it, then restart what serves it",
        "peer1.org2 channel main: behind the others and 2 more "
        "Next: wait; if it does not catch up, read its log",
    ]
    page.run(f"{drawn(PEER)}.dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")
    assert page.run(REASONS) == [
        "channel main: behind the others Next: wait; if it does not catch up, read its log",
        "its operations endpoint is slow, and orderer2.orderers is away Next: read its log",
        "31 blocks behind in main "
        "Next: read its log: whether it reaches orderers and other peers, and whether it commits",
    ]
    alert = page.run(ALERT, "NodeUnhealthy")
    assert "The health check says: does not answer: Connection refused. It does not do its work." in alert
    assert "Next: start it, or read its log on its host" in alert
    assert [name for name in wanted if "Next: " not in page.run(ALERT, name)] == []
    shown = page.run(
        'return [...document.querySelectorAll("#alerts [data-alert]")].map((item) => item.dataset.alert)'
    )
    assert sorted(shown) == sorted(
        item["labels"]["alertname"] for item in watched.prometheus.get("alerts")["alerts"]
    )
    assert page.run('return document.getElementById("alert-count").textContent') == str(len(shown))
    states = dict(page.run(STATES))
    assert states[LEADER] == "bad" and states[PEER] == "warn" and states["peer1.org1.lab.example"] == "good"
    # A node that does not answer has no numbers, rather than its last ones.
    missing = compare(watched.prometheus, page)
    assert missing and all(item["labels"]["node"] == LEADER and item["text"] == "–" for item in missing)
    page.picture(SHOTS / "reasons-light.png")
    page.prefer("dark")
    page.picture(SHOTS / "reasons-dark.png")
    page.key("\ue00c")
    page.picture(SHOTS / "ill-dark.png")
    page.prefer("light")
    page.picture(SHOTS / "ill-light.png")


def test_what_is_wrong_with_a_host_is_told_once_with_what_to_do(page: Browser, restored: Watched) -> None:
    restored.scene.disks["host2"] = 0.03
    restored.scene.inodes["host3"] = 0.02
    restored.scene.drift = 4
    room = "Next: make room: docker image prune, old logs and backups; never by hand below /var/lib/selvedge"
    wanted = [
        f"host2 3 % of a disk left {room}",
        f"host3 2 % of a disk's inodes left {room}",
        "The network differs from the model in 4 places "
        "Next: run site.yml --check --diff, put what is right into the model, and run site.yml",
    ]
    page.until(f"return document.querySelectorAll('#verdict .next').length === {len(wanted)}", 60)
    assert page.run(TROUBLES) == wanted
    assert page.run(HEADLINE) == "3 things are wrong"
    page.picture(SHOTS / "disk-light.png")


def test_a_sealed_store_and_a_failing_probe(page: Browser, restored: Watched) -> None:
    restored.scene.sealed = True
    restored.scene.probe_fails.add("main")
    page.until(f"{HEADLINE} === '2 things are wrong'", 40)
    # The alerts say what to do.
    page.until("return document.querySelectorAll('#verdict .next').length === 2", 40)
    assert set(page.run(TROUBLES)) == {
        "secrets store is sealed Next: restart its container; if it stays sealed, check its seal key",
        "channel main the commit probe fails Next: run verify.yml, it gives reasons and remedies",
    }


def test_a_commit_that_fails_says_why(page: Browser, restored: Watched) -> None:
    restored.scene.probe_fails.add("main")
    restored.scene.reasons["channel main"] = [
        (2, "peer0.org1 does not have the transaction", "run verify.yml")
    ]
    wanted = "channel main peer0.org1 does not have the transaction Next: run verify.yml"
    page.until(f"const items = (() => {{ {TROUBLES} }})(); return items[0] === '{wanted}'", 40)
    assert page.run(HEADLINE) == "1 thing is wrong"


def test_a_reason_is_only_ever_text(page: Browser, restored: Watched) -> None:
    evil = "<img src=x onerror=alert(1)> of <b>it</b>"
    restored.scene.verdicts[PEER] = 2
    restored.scene.reasons[PEER] = [(2, evil, evil)]
    wanted = f"peer1.org2 {evil} Next: {evil}"
    page.until(f"const items = (() => {{ {TROUBLES} }})(); return items[0] === '{wanted}'", 40)
    assert page.run("return document.querySelectorAll('#verdict img, #alerts img').length") == 0


def test_verdicts_that_are_old_or_missing_are_no_verdicts(page: Browser, restored: Watched) -> None:
    restored.scene.verdict_age = 240
    page.until("return document.querySelector('#verdict').dataset.state === 'gone'", 40)
    assert page.run(TROUBLES) == ["The health check gave its verdicts 4 min ago"]
    restored.scene.down.add(health_target(restored))
    page.until("return document.querySelector('#verdict').textContent.includes('gives no verdicts')", 40)


def health_target(watched: Watched) -> str:
    """The label ``node`` of the health exporter."""
    return str(watched.prometheus.query('up{job="selvedge-health"}')[0][0]["node"])


def test_keys_open_a_node_and_close_it(page: Browser) -> None:
    page.run(f"{drawn(PEER)}.focus()")
    page.key("\ue007")
    page.until("return !document.getElementById('detail').hidden")
    for text in ("peer1.org2", "Nothing is wrong with it.", "Health check\\nhealthy"):
        page.until(f"return document.getElementById('detail').innerText.includes('{text}')")
    page.picture(SHOTS / "detail.png")
    rounds(page, 1)
    page.key("\ue00c")
    page.until("return document.getElementById('detail').hidden")
    assert page.run("return document.activeElement.dataset.node") == PEER


def test_focus_and_open_alerts_outlive_a_round(page: Browser, restored: Watched) -> None:
    restored.scene.down.add(LEADER)
    page.until("return document.querySelector('#alerts [data-alert=NodeDown]')", 40)
    page.run(
        "const item = document.querySelector('#alerts [data-alert=NodeDown]');"
        "item.open = true; item.firstElementChild.focus()"
    )
    rounds(page, 2)
    assert page.run("return document.querySelector('#alerts [data-alert=NodeDown]').open")
    assert page.run("return document.activeElement.parentElement.dataset.alert") == "NodeDown"
    assert "docs/operator/alerts.md#nodedown" in page.run(
        "return document.querySelector('#alerts [data-alert=NodeDown]').innerText"
    )


def test_colours_are_the_systems_or_the_readers(watched: Watched, page: Browser) -> None:
    ground = "return getComputedStyle(document.documentElement).backgroundColor"
    page.picture(SHOTS / "well-light.png")
    assert page.run(ground) == "rgb(255, 255, 255)"
    page.prefer("dark")
    assert page.run(ground) == "rgb(20, 23, 28)"
    page.picture(SHOTS / "well-dark.png")
    # The one of docs/operator/pictures.md.
    page.picture(SHOTS / "page.webp", crop=(1360, 1010))
    page.run("document.getElementById('theme').click()")
    assert page.run(ground) == "rgb(255, 255, 255)", "the reader's own: light"
    show(watched, page)
    assert page.run(ground) == "rgb(255, 255, 255)", "it is remembered"
    page.run("window.localStorage.clear()")


@pytest.mark.parametrize("width", [320, 390, 700, 1024, 1920])
def test_nothing_is_cut_off_at_any_width(watched: Watched, page: Browser, width: int) -> None:
    page.size(width, 844, phone=width < 600)
    show(watched, page)
    assert page.run("return document.documentElement.scrollWidth") <= width
    texts = """
      const map = document.querySelector("#map svg").getBoundingClientRect();
      return [...document.querySelectorAll("#map text")].filter((item) => {
        const box = item.getBoundingClientRect();
        return box.left < map.left - 1 || box.right > map.right + 1;
      }).map((item) => item.textContent);
    """
    assert page.run(texts) == []
    overlaps = """
      return [...document.querySelectorAll("#map .node")].filter((item) => {
        const [label, side] = [".label", ".side"].map((name) => item.querySelector(name).getBoundingClientRect());
        return side.width && label.right > side.left;
      }).map((item) => item.dataset.node);
    """
    assert page.run(overlaps) == []
    page.picture(SHOTS / f"width-{width}.png")


def test_a_network_of_several_channels_is_drawn(watched: Watched, page: Browser) -> None:
    """One that this Prometheus knows nothing of: drawn from its model, and nothing of it is said to be well."""
    network = load({**wide_model(), "monitoring": {"host": "spare"}}, WIDE_HOSTS)
    (watched.prometheus.folder / "consoles" / "wide.html").write_text(network_page(network, "2s"))
    for width in (1360, 390):
        page.size(width, 900)
        page.open(f"{watched.prometheus.url}/consoles/wide.html?poll=1")
        rounds(page, 1)
        states = page.run(STATES)
        assert [name for name, _unused in states] == [item["name"] for item in topology(network)["nodes"]]
        # The store's subject is the same in every network.
        assert {state for name, state in states if not name.startswith("store.")} == {"gone"}
        assert page.run("return document.documentElement.scrollWidth") <= width
        beyond = """
          const box = (item) => item.getBoundingClientRect();
          const hosts = [...document.querySelectorAll("#map .host")].map(box);
          return [...document.querySelectorAll("#map .thread")].map(box)
            .filter((thread) => thread.right > hosts[3].right);
        """
        assert page.run(beyond) == []
        page.picture(SHOTS / f"wide-{width}.png")


def test_it_asks_nobody_but_this_prometheus(watched: Watched, page: Browser) -> None:
    asked = page.run("return performance.getEntriesByType('resource').map((item) => item.name)")
    assert asked and all(name.startswith(f"{watched.prometheus.url}/api/v1/") for name in asked)
    assert (
        page.run("return document.querySelectorAll('script[src], link[rel=stylesheet], img, iframe').length")
        == 0
    )


def test_everything_has_a_name_for_who_cannot_see_it(page: Browser) -> None:
    unnamed = """
      const named = (item) => item.getAttribute("aria-label") || item.getAttribute("aria-labelledby")
        || item.textContent.trim();
      return [...document.querySelectorAll("button, [role=button], [role=img], [role=region], section, a, summary")]
        .filter((item) => !named(item)).map((item) => item.outerHTML.slice(0, 120));
    """
    assert page.run(unnamed) == []
    assert page.run("return document.querySelectorAll('h1').length") == 1
    label = page.run(f"return {drawn(LEADER)}.getAttribute('aria-label')")
    assert label == "orderer2.orderers, orderer on host2, healthy, ★ leads"


def test_motion_can_be_done_without(watched: Watched, page: Browser) -> None:
    moving = "return getComputedStyle(document.querySelector('.flow')).animationName"
    assert page.run(moving) == "flow"
    page.prefer("light", motion="reduce")
    assert page.run(moving) == "none"


def test_a_prometheus_that_hangs_is_said_to(watched: Watched, page: Browser) -> None:
    watched.prometheus.pause(True)
    try:
        page.until(f"{LIVE} === 'no'", 30)
        text = page.run(TROUBLE)
        assert (
            text.startswith("Prometheus does not answer since ")
            and ": no answer in 5 s. What you see is from " in text
        )
        assert page.run(HEADLINE) == "Not known now. When last seen: everything is well"
        assert page.run("return document.title") == "? lab · network"
        page.picture(SHOTS / "down.png")
    finally:
        watched.prometheus.pause(False)
    page.until(f"{LIVE} === 'yes'", 30)
    # What it was about to ask when it was stopped has failed meanwhile.
    page.until(f"{HEADLINE} === 'Everything is well'", 60)
    assert page.run(TROUBLE) == ""


def test_a_prometheus_that_is_away_is_said_to(watched: Watched, page: Browser) -> None:
    page.offline(True)
    try:
        page.until(f"{LIVE} === 'no'", 30)
        assert ": no connection. What you see is from " in page.run(TROUBLE)
    finally:
        page.offline(False)
    page.until(f"{LIVE} === 'yes'", 30)
    # Of questions that nobody answered, the console tells on its own.
    assert all("ERR_INTERNET_DISCONNECTED" in line for line in page.errors())


def test_numbers_that_are_old_are_said_to_be(watched: Watched, page: Browser) -> None:
    usual = config_of(watched.scene.network, watched.port)
    try:
        watched.prometheus.configure({**usual, "scrape_configs": []})
        page.until("return document.getElementById('pulse').dataset.state === 'stale'", 60)
        assert page.run(TROUBLE).startswith("What you see is old: the newest sample is from ")
        assert page.run(LIVE) == "no"
        page.until(
            "return document.getElementById('trouble').textContent.includes('has no samples')", 2 * LOOKBACK_S
        )
        assert page.run(HEADLINE).startswith("Not known now. ")
    finally:
        watched.prometheus.configure(usual)
    page.until(f"{LIVE} === 'yes'", 60)


def test_the_front_page_leads_to_it(watched: Watched, page: Browser) -> None:
    page.open(f"{watched.prometheus.url}/consoles/index.html")
    page.until("return location.pathname === '/consoles/network.html'")
