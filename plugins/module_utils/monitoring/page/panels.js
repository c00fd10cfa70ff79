// Everything beside the map. A panel is made anew at each round; what had the focus or was open stays so.

function replace(container, ...children) {
  const active = container.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const open = [...container.querySelectorAll("details[open]")].map((item) => item.dataset.key);
  container.replaceChildren(...children.flat(Infinity).filter(Boolean));
  for (const item of container.querySelectorAll("details")) item.open = open.includes(item.dataset.key);
  if (active) [...container.querySelectorAll("[data-key]")].find((item) => item.dataset.key === active)?.focus({ preventScroll: true });
}

// --- verdict and tiles ---

function headline(state, wrong) {
  if (!wrong.length) return "Everything is well";
  if (state === "bad") return `${plural(wrong.length, "thing")} ${wrong.length === 1 ? "is" : "are"} wrong`;
  return state === "warn" ? `${plural(wrong.length, "thing")} ${wrong.length === 1 ? "needs" : "need"} attention` : `${plural(wrong.length, "thing")} ${wrong.length === 1 ? "is" : "are"} not known`;
}

function showVerdict(state, wrong, open) {
  const place = byId("verdict");
  const count = (kind) => facts.nodes.filter((node) => node.kind === kind).length;
  const all = [[count("orderer"), "orderer"], [count("peer"), "peer"], [count("ca"), "CA"], [facts.channels.length, "channel"]]
    .filter(([size]) => size).map(([size, name]) => plural(size, name)).join(", ");
  const shown = wrong.slice(0, 6);
  const key = JSON.stringify([state.state, wrong]);
  if (place.dataset.shown === key) return;
  place.dataset.shown = key;
  place.dataset.state = state.state;
  const items = shown.map((one) => make("li", { "data-state": one.state }, one.node
    ? make("button", { type: "button", class: "link", "data-key": `verdict ${one.node}`, "data-node": one.node }, one.who)
    : one.who && make("b", {}, one.who), " ", one.text, one.more > 0 && make("span", { class: "quiet" }, ` and ${one.more} more`), " ", next(one.remedy)));
  if (wrong.length > shown.length) items.push(make("li", { class: "quiet" }, `and ${wrong.length - shown.length} more, below`));
  if (!wrong.length) items.push(make("li", { class: "quiet" }, `${all}. No alert fires.`));
  replace(place, make("span", { class: "sign", "data-state": state.state, "aria-hidden": "true" }, SIGNS[state.state]),
    make("div", {}, make("h2", {}, headline(state.state, wrong)), make("ul", {}, items)));
  for (const button of place.querySelectorAll("[data-node]")) button.addEventListener("click", () => open(button.dataset.node));
}

// What to do about it.
function next(remedy) {
  return remedy && make("p", { class: "next" }, make("b", {}, "Next: "), remedy);
}

// What is shown is old: whether it is still so nobody knows.
function doubt() {
  const place = byId("verdict");
  const text = place.querySelector("h2");
  if (place.dataset.state === "doubt") return;
  const known = place.dataset.shown;
  place.dataset.state = "doubt";
  place.dataset.shown = "doubt";
  place.querySelector(".sign").dataset.state = "gone";
  place.querySelector(".sign").textContent = SIGNS.gone;
  text.textContent = !known ? "Nothing is known yet" : `Not known now. When last seen: ${text.textContent.charAt(0).toLowerCase()}${text.textContent.slice(1)}`;
}

// A small line of the last half hour; `points` are [seconds, value].
function spark(points, label, unit, width, height) {
  if (points.length < 2) return null;
  const values = points.map((point) => point[1]);
  const most = Math.max(...values);
  const top = most > 0 ? most * 1.08 : 1;
  const [first, last] = [points[0][0], points[points.length - 1][0]];
  const x = (at) => ((at - first) / Math.max(1, last - first)) * (width - 6) + 2;
  const y = (value) => height - 3 - (value / top) * (height - 7);
  const line = points.map(([at, value], index) => `${index ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  return draw("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img",
    "aria-label": `${label}, the last half hour: highest ${written(unit, most)}, now ${written(unit, values[values.length - 1])}` },
  draw("path", { class: "area", d: `${line}L${x(last).toFixed(1)} ${height}L${x(first).toFixed(1)} ${height}Z` }),
  draw("path", { class: "line", d: line, "vector-effect": "non-scaling-stroke" }));
}

// All series of a query, put together at each moment.
function joined(lines, name, put, labels) {
  const at = new Map();
  for (const item of lines[name] || []) {
    if (labels && Object.entries(labels).some(([label, value]) => item.labels[label] !== value)) continue;
    for (const [time, value] of item.points) at.set(time, at.has(time) ? put(at.get(time), value) : value);
  }
  return [...at.entries()].sort((one, other) => one[0] - other[0]);
}

const add = (one, other) => one + other;

function finite(items) {
  return items.map((item) => item.value).filter(Number.isFinite);
}

function tile(title, big, small, line, state) {
  return make("div", { class: "tile", "data-state": state || "good" }, make("h3", {}, title), make("p", { class: "big" }, big),
    make("p", { class: "quiet" }, small || "\u00a0"), line);
}

function aggregate(query, values, how, labels) {
  const value = values.length ? (how === "sum" ? values.reduce(add, 0) : Math[how](...values)) : NaN;
  return { value, element: number(query, value, labels || {}, { "data-how": how }) };
}

function showTiles(state, lines) {
  const { series } = state;
  const rate = aggregate("throughput", finite(series.all("throughput")), "sum");
  const refused = aggregate("invalid", finite(series.all("invalid")), "sum");
  const probe = aggregate("probe_duration", finite(series.all("probe_duration")), "max");
  const clients = aggregate("latency", finite(series.all("latency")), "max");
  const failures = aggregate("endorsement_failures", finite(series.all("endorsement_failures")), "sum");
  const lag = aggregate("lag", finite(series.all("lag")), "max");
  const soonest = [...series.all("served_days"), ...series.all("checked_days")].filter((item) => Number.isFinite(item.value))
    .sort(sooner)[0];
  const probing = state.channels.map((item) => item.probe_success);
  const failing = probing.some((value) => value === 0);
  const certificates = soonest && (soonest.labels.subject
    ? number("checked_days", soonest.value, { subject: soonest.labels.subject, certificate: soonest.labels.certificate })
    : number("served_days", soonest.value, { node: soonest.labels.node }));
  const firing = state.firing.length;
  const pending = state.alerts.length - firing;
  replace(byId("tiles"),
    tile("Transactions", [rate.element, make("small", {}, " a second")], ["refused: ", refused.element, " a second"],
      spark(joined(lines, "throughput", add), "Transactions a second", "per_second", 220, 40)),
    tile("Commit", failing ? "fails" : probe.element, ["95 % of clients: ", clients.element],
      spark(joined(lines, "probe_duration", Math.max), "Commit probe", "seconds", 220, 40), failing ? "bad" : "good"),
    tile("Furthest behind", [lag.element, make("small", {}, lag.value === 1 ? " block" : " blocks")], lag.value === 0 ? "all nodes are in step" : Number.isFinite(lag.value) ? "of the channel's highest" : "no node tells its height",
      null, lag.value > facts.limits.lag ? "warn" : "good"),
    tile("Endorsements failed", [failures.element, make("small", {}, " a second")], "by peers, not by chaincode's rules",
      spark(joined(lines, "endorsement_failures", add), "Endorsement failures a second", "per_second", 220, 40), failures.value > 0.02 ? "warn" : "good"),
    tile("First certificate expires", certificates || NONE, soonest ? shorten(nameOf(soonest.labels.node || soonest.labels.subject), 30) : "no data",
      null, soonest && soonest.value < facts.limits.days ? (soonest.value < 1 ? "bad" : "warn") : "good"),
    tile("Alerts", make("span", { class: "number", id: "alert-count" }, whole.format(firing)),
      pending ? `${firing ? "fire" : "none fires"}, ${pending} may soon` : firing ? "fire now" : "none fires", null, worst(state.firing.map((item) => item.state))));
}

function nameOf(name) {
  const node = facts.nodes.find((item) => item.name === name || item.subject === name);
  return node ? node.label : (name || "").replace(`.${facts.domain}`, "");
}

// --- channels ---

const chains = new Map();
const BLOCKS = 24;

// The newest blocks; those that are new since the last round come in from the right.
function chain(channel, height, index) {
  const known = chains.get(channel) || { strip: make("div", { class: "chain", "aria-hidden": "true" }), height: NaN };
  chains.set(channel, known);
  if (!Number.isFinite(height) || height === known.height) return known.strip;
  const first = Number.isFinite(known.height) && height > known.height ? Math.max(known.height, height - BLOCKS) : NaN;
  if (Number.isNaN(first)) known.strip.replaceChildren();
  for (let block = Number.isNaN(first) ? Math.max(0, height - BLOCKS) : first; block < height; block += 1) {
    known.strip.append(make("i", { class: Number.isNaN(first) ? "" : "new", style: `--thread: ${threadOf(index)}`, title: `block ${block}` }));
  }
  while (known.strip.children.length > BLOCKS) known.strip.firstElementChild.remove();
  known.height = height;
  return known.strip;
}

function fact(name, ...value) {
  return [make("dt", {}, name), make("dd", {}, ...value)];
}

function showChannels(state, lines) {
  replace(byId("channels"), state.channels.map((item, index) => {
    const of = { channel: item.channel.name };
    const behind = item.members.filter((member) => member.lag > 0);
    const counted = item.members.filter((member) => Number.isFinite(member.lag));
    const line = joined(lines, "throughput", add, of);
    return make("article", { class: "card", "data-state": item.state, "data-channel": item.channel.name },
      make("h3", {}, make("i", { class: "swatch", style: `background: ${threadOf(index)}`, "aria-hidden": "true" }), item.channel.name, sign(item.state)),
      make("p", { class: "quiet" }, `${item.channel.organizations.join(", ")}${item.channel.chaincodes.length ? ` \u00b7 chaincode ${item.channel.chaincodes.join(", ")}` : ""}`),
      make("div", { class: "body" }, make("div", {}, chain(item.channel.name, item.height, index), spark(line, `Transactions of ${item.channel.name}`, "per_second", 320, 60)),
        make("dl", {},
          fact("Newest block", make("span", { class: "number", "data-newest": item.channel.name }, Number.isFinite(item.height) ? whole.format(item.height - 1) : NONE)),
          fact("Transactions", number("throughput", item.throughput, of), " a second"),
          fact("Commit probe", item.probe_success === 0 ? "fails" : number("probe_duration", item.probe_duration, of)),
          fact(item.leaders.length > 1 ? "Leaders" : "Leader", item.leaders.length ? item.leaders.map((node) => node.label).join(", ") : NONE),
          fact("Consenters", number("active", item.active, of), " of ", number("consenters", item.consenters, of), " active, ", number("quorum", item.quorum, of), " needed"),
          fact("Endorsements failed", number("endorsement_failures", item.failures, of, { "data-how": "sum" }), " a second"),
          fact("In step", behind.length ? make("span", {}, behind.map((member, place) => [place ? ", " : "", `${member.item.node.label} is `, number("lag", member.lag, { ...of, node: member.item.node.name }), " behind"]))
            : counted.length ? `all ${counted.length} nodes` : NONE))));
  }));
}

// --- alerts ---

function since(at) {
  return Number.isFinite(at) ? `for ${duration(Math.max(0, Math.round((Date.now() - at) / 1000)))}` : "";
}

function showAlerts(state) {
  const items = state.alerts.map((alert) => make("details", { class: "alert", "data-key": JSON.stringify(alert.labels), "data-state": alert.state, "data-firing": String(alert.firing), "data-alert": alert.name },
    make("summary", { "data-key": `alert ${JSON.stringify(alert.labels)}` },
      make("span", { class: "sign", "data-state": alert.state, "aria-hidden": "true" }, alert.state === "bad" ? SIGNS.bad : alert.state === "warn" ? SIGNS.warn : "i"),
      make("span", {}, make("b", {}, alert.severity), alert.firing ? " " : " (not firing yet) ", alert.summary), make("span", { class: "quiet" }, since(alert.since))),
    alert.description && make("p", {}, alert.description),
    next(alert.remedy),
    make("p", { class: "quiet" }, Object.entries(alert.labels).filter(([name]) => !["alertname", "severity"].includes(name)).map(([name, value]) => `${name}=${value}`).join("  ")),
    alert.runbook && make("p", {}, "All of it: ", make("code", {}, alert.runbook))));
  replace(byId("alerts"), items.length ? items : make("p", { class: "quiet empty" }, "Nothing fires, and nothing is about to."));
}

// --- certificates ---

// By whole days, then by name, so that what ends together does not change places.
function sooner(one, other) {
  const name = (item) => (item.who || item.labels.node || item.labels.subject) + (item.labels.certificate || "");
  return Math.floor(one.value) - Math.floor(other.value) || (name(one) < name(other) ? -1 : 1);
}

const CERTIFICATES = 8;

function showCertificates(state) {
  const items = [
    ...state.series.all("served_days").map((item) => ({ value: item.value, who: item.labels.node, what: "in use", query: "served_days", labels: { node: item.labels.node } })),
    ...state.series.all("checked_days").map((item) => ({ value: item.value, who: item.labels.subject, what: item.labels.certificate, query: "checked_days",
      labels: { subject: item.labels.subject, certificate: item.labels.certificate } })),
  ].filter((item) => Number.isFinite(item.value)).sort(sooner);
  const most = Math.max(30, ...items.map((item) => item.value));
  const row = (item) => make("li", { "data-state": item.value < 1 ? "bad" : item.value < facts.limits.days ? "warn" : "good" },
    make("span", { class: "who" }, nameOf(item.who), " ", make("span", { class: "quiet" }, item.what)),
    number(item.query, item.value, item.labels),
    make("span", { class: "bar", "aria-hidden": "true" }, make("i", { style: `width: ${Math.max(1, Math.min(100, (item.value / most) * 100)).toFixed(1)}%` })));
  replace(byId("certificates"), items.length
    ? [make("ul", { class: "bars" }, items.slice(0, CERTIFICATES).map(row)),
      items.length > CERTIFICATES && make("details", { "data-key": "certificates" },
        make("summary", { "data-key": "more certificates" }, `${items.length - CERTIFICATES} more, which last longer`), make("ul", { class: "bars" }, items.slice(CERTIFICATES).map(row)))]
    : make("p", { class: "quiet empty" }, "No certificate is known."));
}

// --- tables ---

function head(names) {
  return make("thead", {}, make("tr", {}, names.map((name) => make("th", { scope: "col" }, name))));
}

function meter(query, value, labels, bad) {
  return make("td", { class: "meter" }, number(query, value, labels),
    Number.isFinite(value) && make("span", { class: "bar", "aria-hidden": "true", "data-state": bad ? "bad" : "good" }, make("i", { style: `width: ${Math.min(100, value * 100).toFixed(0)}%` })));
}

function showHosts(state) {
  replace(byId("hosts"), head(["Host", "State", "Processor", "Memory", "Disk free", "Inodes free", "Clock off by", "Nodes"]), make("tbody", {}, state.hosts.map((item) => {
    const of = { host: item.host.name };
    return make("tr", { "data-host": item.host.name, "data-state": item.state }, make("th", { scope: "row" }, item.host.name, " ", make("span", { class: "quiet" }, item.host.address)),
      make("td", {}, sign(item.state), " ", item.reasons.length ? item.reasons[0].text : "well"),
      meter("cpu", item.cpu, of), meter("memory", item.memory, of), meter("disk", item.disk, of, item.disk < facts.limits.disk),
      meter("inodes", item.inodes, of, item.inodes < facts.limits.inodes),
      make("td", {}, number("clock", item.clock, of)), make("td", {}, whole.format(item.nodes.length)));
  })));
}

function showNodes(state, open) {
  const rows = state.nodes.map((item) => {
    const { node } = item;
    const of = { node: node.name };
    const leads = item.channels.filter((channel) => channel.leads).map((channel) => channel.name);
    return make("tr", { "data-node": node.name, "data-state": item.state },
      make("th", { scope: "row" }, make("button", { type: "button", class: "link", "data-key": `row ${node.name}`, "data-open": node.name }, node.label)),
      make("td", {}, KINDS[node.kind], node.organization && ` of ${node.organization}`), make("td", {}, node.host),
      make("td", {}, sign(item.state), " ", item.reasons.length ? item.reasons[0].text : "healthy"),
      make("td", {}, item.channels.length ? item.channels.map((channel, index) => [index ? make("br") : null,
        facts.channels.length > 1 && `${channel.name} `, number("height", channel.height, { ...of, channel: channel.name }),
        channel.lag > 0 && [" (", number("lag", channel.lag, { ...of, channel: channel.name }), " behind)"]]) : NONE),
      make("td", {}, leads.length ? `\u2605 ${leads.join(", ")}` : NONE),
      make("td", {}, number("served_days", item.days, of)), make("td", {}, number("uptime", item.uptime, of)));
  });
  replace(byId("nodes"), head(["Node", "What", "Host", "State", "Height", "Leads", "Certificate", "Runs for"]), make("tbody", {}, rows));
  for (const button of byId("nodes").querySelectorAll("[data-open]")) button.addEventListener("click", () => open(button.dataset.open));
}

// --- one node ---

function showDetail(item, close) {
  const { node } = item;
  const of = { node: node.name };
  replace(byId("detail"),
    make("button", { type: "button", class: "close", "aria-label": "Close", "data-key": "close" }, SIGNS.bad),
    make("h2", { id: "detail-title" }, sign(item.state), " ", node.label), make("p", { class: "quiet" }, node.name),
    item.reasons.length ? make("ul", { class: "reasons" }, item.reasons.map((one) => make("li", { "data-state": one.state }, one.text, " ", next(one.remedy))))
      : make("p", {}, "Nothing is wrong with it."),
    make("dl", {}, fact("What", `${KINDS[node.kind]}${node.organization ? ` of ${node.organization}` : ""}`), fact("Host", node.host),
      fact("Answers Prometheus", item.up === 1 ? "yes" : item.up === 0 ? "no" : "not known"),
      fact("Health check", item.verdict === 0 ? "healthy" : item.verdict === 1 ? "degraded" : item.verdict === 2 ? "unhealthy" : "not known"),
      item.channels.map((channel) => [fact(`Height in ${channel.name}`, number("height", channel.height, { ...of, channel: channel.name }),
        channel.leads ? " \u2605 leads" : "", Number.isFinite(channel.lag) ? [", ", number("lag", channel.lag, { ...of, channel: channel.name }), " behind"] : "")]),
      item.chaincodes.map((code) => fact(`Chaincode ${code.name}`, code.answers === 1 ? "answers" : code.answers === 0 ? "does not answer" : "not known")),
      node.kind === "peer" && fact("95 % of clients wait", number("latency", item.latency, of)),
      fact("Certificate in use", number("served_days", item.days, of)), fact("Runs for", number("uptime", item.uptime, of))),
    item.alerts.length ? [make("h3", {}, "Alerts"), make("ul", {}, item.alerts.map((alert) => make("li", {}, make("b", {}, alert.severity), alert.firing ? " " : " (not firing yet) ", alert.summary, " ",
      alert.runbook && make("code", {}, alert.runbook))))] : null);
  byId("detail").querySelector(".close").addEventListener("click", close);
}
