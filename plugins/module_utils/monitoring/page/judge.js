// From answers to verdicts: what is drawn follows from here alone. No element is touched.

const GRAVITY = { good: 0, gone: 1, warn: 2, bad: 3 };

function worst(states) {
  return states.reduce((one, other) => (GRAVITY[other] > GRAVITY[one] ? other : one), "good");
}

function graver(state, reasons, other, reason) {
  reasons.push({ state: other, text: reason });
  return worst([state, other]);
}

const SEVERITY = { critical: "bad", warning: "warn", info: "good" };

function readAlerts(alerts) {
  return alerts.map((alert) => ({
    name: alert.labels.alertname,
    severity: alert.labels.severity || "warning",
    state: SEVERITY[alert.labels.severity] || "warn",
    firing: alert.state === "firing",
    since: Date.parse(alert.activeAt),
    labels: alert.labels,
    summary: (alert.annotations || {}).summary || alert.labels.alertname,
    description: (alert.annotations || {}).description || "",
    runbook: (alert.annotations || {}).runbook || "",
  })).sort((one, other) => other.firing - one.firing || GRAVITY[other.state] - GRAVITY[one.state] || one.since - other.since);
}

function judgeNode(node, series, alerts) {
  const of = { node: node.name };
  const found = {
    node, reasons: [], up: series.value("up", { ...of, job: node.kind }), verdict: series.value("verdict", { subject: node.subject }),
    days: series.value("served_days", of), uptime: series.value("uptime", of), latency: series.value("latency", of),
    alerts: alerts.filter((alert) => alert.labels.node === node.name || alert.labels.node === node.subject),
    channels: node.channels.map((channel) => ({
      name: channel,
      height: series.value("height", { ...of, channel }),
      lag: series.value("lag", { ...of, channel }),
      leads: series.value("leader", { ...of, channel }) === 1,
    })),
    chaincodes: node.chaincodes.map((code) => ({
      ...code, answers: series.value("chaincode", { node: code.node, channel: code.channel }),
    })),
  };
  let state = Number.isFinite(found.up) || Number.isFinite(found.verdict) ? "good" : "gone";
  if (state === "gone") found.reasons.push({ state, text: "Prometheus has no samples of it" });
  if (found.up === 0) state = graver(state, found.reasons, "bad", "does not answer Prometheus");
  if (found.verdict === 2) state = graver(state, found.reasons, "bad", "the health check finds it unhealthy");
  if (found.verdict === 1) state = graver(state, found.reasons, "warn", "the health check finds it degraded");
  for (const alert of found.alerts.filter((item) => item.firing)) {
    state = graver(state, found.reasons, alert.state, alert.summary);
  }
  for (const channel of found.channels.filter((item) => item.lag > facts.limits.lag)) {
    state = graver(state, found.reasons, "warn", `${plural(channel.lag, "block")} behind in ${channel.name}`);
  }
  for (const code of found.chaincodes.filter((item) => item.answers === 0)) {
    state = graver(state, found.reasons, "warn", `chaincode ${code.name} does not answer`);
  }
  if (node.kind === "store" && series.value("sealed") === 1) state = graver(state, found.reasons, "bad", "is sealed");
  if (found.days < facts.limits.days) {
    state = graver(state, found.reasons, "warn", found.days < 0 ? "its certificate has expired" : `its certificate expires in ${days(found.days)}`);
  }
  found.reasons.sort((one, other) => GRAVITY[other.state] - GRAVITY[one.state]);
  // Without an answer what it last said is no longer so.
  found.state = state;
  return found;
}

function judgeHost(host, nodes, series, alerts) {
  const of = { host: host.name };
  const found = { host, nodes, reasons: [], up: series.value("up", { ...of, job: "node-exporter" }) };
  for (const name of ["cpu", "memory", "disk", "clock"]) found[name] = series.value(name, of);
  let state = Number.isFinite(found.up) ? "good" : "gone";
  if (state === "gone") found.reasons.push({ state, text: "Prometheus has no samples of it" });
  const down = nodes.length > 0 && nodes.every((item) => item.up === 0);
  if (found.up === 0) {
    state = graver(state, found.reasons, down ? "bad" : "warn",
      down ? "nothing on it answers" : "its node exporter does not answer");
  }
  if (found.disk < facts.limits.disk) state = graver(state, found.reasons, "bad", `${written("share", found.disk)} of a disk left`);
  if (found.clock > facts.limits.clock) state = graver(state, found.reasons, "warn", `its clock is ${duration(found.clock)} off`);
  found.alerts = alerts.filter((alert) => alert.labels.host === host.name && !alert.labels.node);
  for (const alert of found.alerts.filter((item) => item.firing)) state = graver(state, found.reasons, alert.state, alert.summary);
  found.state = state;
  return found;
}

function judgeChannel(channel, nodes, series, alerts) {
  const of = { channel: channel.name };
  const members = nodes.filter((item) => item.node.channels.includes(channel.name))
    .map((item) => ({ item, ...item.channels.find((one) => one.name === channel.name) }));
  const found = {
    channel, members, reasons: [],
    leaders: members.filter((member) => member.leads).map((member) => member.item.node),
    height: Math.max(...members.map((member) => member.height).filter(Number.isFinite)),
    alerts: alerts.filter((alert) => alert.labels.channel === channel.name && !alert.labels.node),
  };
  for (const name of ["throughput", "active", "consenters", "quorum", "probe_success", "probe_duration"]) {
    found[name] = series.value(name, of);
  }
  const failures = series.all("endorsement_failures", of);
  const none = series.all("endorsement_failures").some((item) => !item.labels.channel);
  found.failures = failures.length ? failures.reduce((sum, item) => sum + item.value, 0) : none || series.all("endorsement_failures").length ? 0 : NaN;
  let state = Number.isFinite(found.height) ? "good" : "gone";
  if (state === "gone") found.reasons.push({ state, text: "no node tells its height" });
  const orderers = members.filter((member) => member.item.node.kind === "orderer" && member.item.up === 1);
  if (orderers.length && !found.leaders.length) state = graver(state, found.reasons, "bad", "no orderer leads it");
  if (found.active < found.quorum) state = graver(state, found.reasons, "bad", "too few orderers for a quorum");
  else if (found.active < found.consenters) state = graver(state, found.reasons, "warn", "an orderer takes no part");
  if (found.probe_success === 0) state = graver(state, found.reasons, "bad", "the commit probe fails");
  for (const alert of found.alerts.filter((item) => item.firing)) state = graver(state, found.reasons, alert.state, alert.summary);
  found.state = state;
  return found;
}

function judge(answers) {
  const series = new Series(answers.series);
  const alerts = readAlerts(answers.alerts);
  const nodes = facts.nodes.map((node) => judgeNode(node, series, alerts));
  const hosts = facts.hosts.map((host) => judgeHost(host, nodes.filter((item) => item.node.host === host.name), series, alerts));
  const channels = facts.channels.map((channel) => judgeChannel(channel, nodes, series, alerts));
  const firing = alerts.filter((alert) => alert.firing);
  const states = [...nodes, ...hosts, ...channels, ...firing].map((item) => item.state);
  const fresh = series.value("freshness");
  return { series, alerts, firing, nodes, hosts, channels, fresh, state: worst(states) };
}

// What is wrong, the gravest first, each once.
function troubles(state) {
  const found = [];
  for (const item of state.channels) found.push(...item.reasons.map((one) => ({ ...one, who: `channel ${item.channel.name}` })));
  for (const item of state.hosts) found.push(...item.reasons.map((one) => ({ ...one, who: item.host.name })));
  for (const item of state.nodes) found.push(...item.reasons.map((one) => ({ ...one, who: item.node.label, node: item.node.name })));
  const told = new Set(found.map((one) => one.text));
  for (const alert of state.firing) {
    if (!told.has(alert.summary)) found.push({ state: alert.state, text: alert.summary, who: "" });
  }
  const known = new Set();
  return found.filter((one) => one.state !== "good").filter((one) => {
    const key = one.text.includes(one.who) ? one.text : `${one.who} ${one.text}`;
    return known.has(key) ? false : known.add(key);
  }).sort((one, other) => GRAVITY[other.state] - GRAVITY[one.state]);
}
