// The round: ask, judge, show; and say so when what is shown is old.

const facts = JSON.parse(byId("facts").textContent);
const wishes = new URLSearchParams(window.location.search);
const pollMs = 1000 * Math.max(0.5, Number(wishes.get("poll")) || facts.poll_s);
const staleS = Math.max(10, 3 * facts.scrape_s);
const LINES_MS = 30000;
// Older verdicts say nothing of now.
const VERDICTS_S = 120 + staleS;

let state = null;
let lines = {};
let linesAt = 0;
let goodAt = 0;
let failedAt = 0;
let opened = null;
let openedFrom = null;
let timer = 0;

const map = new NetworkMap(byId("map"), open);

function open(name) {
  openedFrom = document.activeElement;
  opened = name;
  byId("detail").hidden = false;
  if (state) showDetail(state.nodes.find((item) => item.node.name === name), close);
  byId("detail").focus({ preventScroll: true });
}

function close() {
  opened = null;
  byId("detail").hidden = true;
  openedFrom?.focus?.({ preventScroll: true });
}

// --- how it looks ---

const THEMES = { auto: ["\u25d0", "as the system has them"], light: ["\u2600", "light"], dark: ["\u263e", "dark"] };

function theme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  byId("theme").textContent = THEMES[name][0];
  byId("theme").setAttribute("aria-label", `Colours: ${THEMES[name][1]}`);
  byId("theme").title = `Colours: ${THEMES[name][1]}`;
  byId("theme").dataset.name = name;
}

function remembered() {
  try {
    return window.localStorage.getItem("selvedge-theme");
  } catch {
    return null;
  }
}

byId("theme").addEventListener("click", () => {
  const names = Object.keys(THEMES);
  const next = names[(names.indexOf(byId("theme").dataset.name) + 1) % names.length];
  theme(next);
  try {
    window.localStorage.setItem("selvedge-theme", next);
  } catch {
    // Then it is not remembered.
  }
});

// --- how fresh it is ---

function trouble(text) {
  byId("trouble").hidden = !text;
  if (byId("trouble").textContent !== text) byId("trouble").textContent = text;
}

function pulse(kind, text) {
  byId("pulse").dataset.state = kind;
  byId("pulse").lastElementChild.textContent = text;
  if (kind === "stale" || kind === "down") {
    doubt();
    document.title = `${SIGNS.gone} ${facts.name} \u00b7 network`;
  }
  document.body.dataset.live = kind === "live" || kind === "waiting" ? "yes" : "no";
}

function showFreshness(error) {
  if (error) {
    const shown = goodAt ? ` What you see is from ${clock(goodAt)}.` : "";
    trouble(`Prometheus does not answer since ${clock(failedAt)}: ${error.message}.${shown} Asking again every ${pollMs / 1000} s.`);
    pulse("down", "no answer");
  } else if (!Number.isFinite(state.fresh)) {
    trouble("Prometheus answers, but it has no samples: nothing was asked in the last five minutes.");
    pulse("stale", "no samples");
  } else if (state.fresh > staleS) {
    trouble(`What you see is old: the newest sample is from ${duration(state.fresh)} ago. Prometheus asks nobody, or nobody answers it.`);
    pulse("stale", `${duration(state.fresh)} old`);
  } else {
    trouble("");
    pulse("live", `live, ${clock(goodAt)}`);
  }
}

// --- the round ---

function show() {
  const wrong = troubles(state);
  if (facts.nodes.length && !state.series.all("verdict").length) {
    wrong.push({ state: "gone", who: "The health check", text: "gives no verdicts: what is shown is what nodes tell of themselves", more: 0 });
    state.state = worst([state.state, "gone"]);
  } else if (state.series.value("verdict_age") > VERDICTS_S) {
    wrong.push({ state: "gone", who: "The health check", text: `gave its verdicts ${duration(state.series.value("verdict_age"))} ago`, more: 0 });
    state.state = worst([state.state, "gone"]);
  }
  showVerdict(state, wrong, open);
  showTiles(state, lines);
  map.update(state);
  showChannels(state, lines);
  showAlerts(state);
  showCertificates(state);
  showHosts(state);
  showNodes(state, open);
  if (opened) showDetail(state.nodes.find((item) => item.node.name === opened), close);
  document.title = `${SIGNS[state.state]} ${wrong.length ? `${wrong.length} \u00b7 ` : ""}${facts.name} \u00b7 network`;
}

// Between two askings for lines, the newest values go at their ends.
function lengthen() {
  const now = Math.floor(Date.now() / 1000);
  for (const name of facts.lines) {
    for (const item of state.series.all(name)) {
      const line = (lines[name] || []).find((one) => facts.queries[name].labels.every((label) => one.labels[label] === item.labels[label]));
      if (line && Number.isFinite(item.value) && now > line.points[line.points.length - 1][0]) line.points.push([now, item.value]);
    }
  }
}

async function round() {
  clearTimeout(timer);
  try {
    const answers = await askAll();
    if (Date.now() - linesAt > LINES_MS) {
      lines = await askLines();
      linesAt = Date.now();
    }
    state = judge(answers);
    goodAt = Date.now();
    failedAt = 0;
    lengthen();
    show();
    showFreshness(null);
    document.body.dataset.time = answers.time;
    document.body.dataset.rounds = String(Number(document.body.dataset.rounds || 0) + 1);
  } catch (error) {
    failedAt = failedAt || Date.now();
    showFreshness(error);
  }
  if (!document.hidden) timer = setTimeout(round, pollMs);
}

function fit() {
  const width = Math.floor(byId("map").clientWidth);
  if (width && width !== map.width) {
    map.build(width);
    if (state) map.update(state);
  }
}

function begin() {
  byId("network").textContent = facts.name;
  byId("about").textContent = `Hyperledger Fabric ${facts.version} \u00b7 ${plural(facts.hosts.length, "host")} \u00b7 ${plural(facts.organizations.length, "organisation")} \u00b7 ${plural(facts.channels.length, "channel")}`;
  byId("every").textContent = String(pollMs / 1000);
  replace(byId("legend"), facts.organizations.map((org, index) => make("span", {}, make("i", { class: "swatch", style: `background: var(--org${index % 5})`, "aria-hidden": "true" }), `${org.name} (${org.msp_id})`)));
  theme(THEMES[wishes.get("theme")] ? wishes.get("theme") : THEMES[remembered()] ? remembered() : "auto");
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && opened) close();
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : round()));
  new ResizeObserver(fit).observe(byId("map"));
  fit();
  round();
}

begin();
