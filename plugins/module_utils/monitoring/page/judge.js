// From answers to verdicts: what is drawn follows from here alone. No element is touched.

const GRAVITY = { good: 0, gone: 1, warn: 2, bad: 3 };

function worst(states) {
  return states.reduce((one, other) => (GRAVITY[other] > GRAVITY[one] ? other : one), "good");
}

// A verdict in the making: reasons, perhaps with a remedy. An alert that says what is known already is counted, and not told a
// second time; what it says to do is told, where nobody else does.
class Finding {
  constructor(state) {
    this.state = state;
    this.reasons = [];
  }

  add(state, text, ...alerts) {
    this.state = worst([this.state, state]);
    const reason = { state, text, alerts, remedy: "" };
    this.reasons.push(reason);
    return reason;
  }

  // What the health check says, each with its remedy; where it gives no reasons, `text`.
  check(status, reasons, text, alert) {
    const state = CHECKED[status];
    for (const one of reasons) {
      this.add(CHECKED[one.value] || state, shortened(one.labels.reason), alert).remedy = shortened(one.labels.remedy);
    }
    if (!reasons.length) this.add(state, text, alert);
  }

  hear(alerts) {
    for (const alert of alerts.filter((item) => item.firing)) {
      const known = this.reasons.filter((reason) => reason.alerts.some((name) => alert.name.startsWith(name)));
      if (known.length) this.state = worst([this.state, alert.state]);
      for (const reason of known.length ? known : [this.add(alert.state, alert.summary)]) reason.remedy = reason.remedy || alert.remedy;
    }
    this.reasons.sort((one, other) => GRAVITY[other.state] - GRAVITY[one.state]);
    return { state: this.state, reasons: this.reasons };
  }
}

// What the health check's numbers mean.
const CHECKED = { 1: "warn", 2: "bad" };

// Names without the network's domain, which all of them have.
function shortened(text) {
  return (text || "").replaceAll(`.${facts.domain}`, "");
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
    summary: shortened((alert.annotations || {}).summary || alert.labels.alertname),
    description: shortened((alert.annotations || {}).description),
    remedy: shortened((alert.annotations || {}).remedy),
    runbook: (alert.annotations || {}).runbook || "",
  })).sort((one, other) => other.firing - one.firing || GRAVITY[other.state] - GRAVITY[one.state] || one.since - other.since);
}

function judgeNode(node, series, alerts) {
  const of = { node: node.name };
  const names = [node.name, node.subject, ...node.beside];
  const found = {
    node, up: series.value("up", { ...of, job: node.kind }), verdict: series.value("verdict", { subject: node.subject }),
    days: series.value("served_days", of), uptime: series.value("uptime", of), latency: series.value("latency", of),
    alerts: alerts.filter((alert) => names.includes(alert.labels.node)),
    channels: node.channels.map((channel) => ({
      name: channel,
      height: series.value("height", { ...of, channel }),
      lag: series.value("lag", { ...of, channel }),
      leads: series.value("leader", { ...of, channel }) === 1,
    })),
    chaincodes: node.chaincodes.map((code) => ({
      ...code, answers: series.value("chaincode", { node: code.node, channel: code.channel }),
      reachable: series.value("reachable", { subject: node.subject, channel: code.channel, chaincode: code.name }),
    })),
  };
  const finding = new Finding("good");
  if (!Number.isFinite(found.up) && !Number.isFinite(found.verdict)) finding.add("gone", "Prometheus has no samples of it");
  const reasons = series.all("reason", { subject: node.subject, kind: node.kind });
  if (found.verdict === 2) finding.check(2, reasons, "the health check finds it unhealthy", "NodeUnhealthy");
  if (found.verdict === 1) finding.check(1, reasons, "the health check finds it degraded", "NodeDegraded");
  if (found.up === 0) finding.add("bad", "does not answer Prometheus", "NodeDown");
  if (node.kind === "store" && series.value("sealed") === 1) finding.add("bad", "is sealed", "StoreSealed");
  for (const channel of found.channels) {
    if (channel.lag > facts.limits.lag) finding.add("warn", `${plural(channel.lag, "block")} behind in ${channel.name}`, "HeightDiverging");
  }
  for (const code of found.chaincodes) {
    if (code.answers === 0) finding.add("bad", `chaincode ${code.name} does not answer`, "ChaincodeGone");
    else if (code.reachable === 0) finding.add("warn", `chaincode ${code.name} does not answer through it`);
  }
  if (found.days < facts.limits.days) {
    finding.add("warn", found.days < 0 ? "its certificate has expired" : `its certificate expires in ${days(found.days)}`, "CertificateExpires");
  }
  return { ...found, ...finding.hear(found.alerts) };
}

function judgeHost(host, nodes, series, alerts) {
  const of = { host: host.name };
  const found = {
    host, nodes, up: series.value("up", { ...of, job: "node-exporter" }),
    alerts: alerts.filter((alert) => alert.labels.host === host.name && !alert.labels.node),
  };
  for (const name of ["cpu", "memory", "disk", "inodes", "clock"]) found[name] = series.value(name, of);
  const finding = new Finding("good");
  if (!Number.isFinite(found.up)) finding.add("gone", "Prometheus has no samples of it");
  if (found.up === 0) {
    if (nodes.length && nodes.every((item) => item.up === 0)) finding.add("bad", "nothing on it answers", "HostDown");
    else finding.add("warn", "its node exporter does not answer");
  }
  if (found.disk < facts.limits.disk) finding.add("bad", `${written("share", found.disk)} of a disk left`, "DiskFull");
  if (found.inodes < facts.limits.inodes) finding.add("bad", `${written("share", found.inodes)} of a disk's inodes left`, "DiskFull");
  if (found.clock > facts.limits.clock) finding.add("warn", `its clock is ${duration(found.clock)} off`, "ClockSkew");
  return { ...found, ...finding.hear(found.alerts) };
}

function judgeChannel(channel, nodes, series, alerts) {
  const of = { channel: channel.name };
  const members = nodes.filter((item) => item.node.channels.includes(channel.name))
    .map((item) => ({ item, ...item.channels.find((one) => one.name === channel.name) }));
  const heights = members.map((member) => member.height).filter(Number.isFinite);
  const found = {
    channel, members, height: heights.length ? Math.max(...heights) : NaN,
    leaders: members.filter((member) => member.leads).map((member) => member.item.node),
    alerts: alerts.filter((alert) => alert.labels.channel === channel.name && !alert.labels.node),
  };
  for (const name of ["throughput", "active", "consenters", "quorum", "probe_success", "probe_duration"]) {
    found[name] = series.value(name, of);
  }
  // Where none has failed on any channel, there is one series, without a channel.
  const failures = series.all("endorsement_failures");
  found.failures = failures.length
    ? failures.filter((item) => item.labels.channel === channel.name).reduce((sum, item) => sum + item.value, 0) : NaN;
  const finding = new Finding("good");
  if (!heights.length) finding.add("gone", "no node tells its height");
  const orderers = members.filter((member) => member.item.node.kind === "orderer" && member.item.up === 1);
  if (orderers.length && !found.leaders.length) finding.add("bad", "no orderer leads it", "NoLeader");
  if (found.active < found.quorum) finding.add("bad", "too few orderers take part: no quorum", "QuorumLost");
  else if (found.active < found.consenters) {
    const spare = found.active - found.quorum;
    finding.add("warn", `${found.active} of ${found.consenters} orderers take part, ${spare ? `${spare} more may be lost` : "none more may be lost"}`, "QuorumAtRisk");
  }
  if (found.probe_success === 0) {
    const reasons = series.all("reason", { subject: `channel ${channel.name}`, kind: "channel" });
    finding.check(2, reasons, "the commit probe fails", "CommitProbeFailing");
  }
  return { ...found, ...finding.hear(found.alerts) };
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

// What is wrong, the gravest first: each thing once, with the gravest of its reasons.
function troubles(state) {
  const found = [];
  const add = (items, name) => {
    for (const item of items) {
      const bad = item.reasons.filter((one) => one.state !== "good");
      if (bad.length) found.push({ ...bad[0], ...name(item), more: bad.length - 1 });
    }
  };
  add(state.hosts, (item) => ({ who: item.host.name }));
  add(state.channels, (item) => ({ who: `channel ${item.channel.name}` }));
  add(state.nodes, (item) => ({ who: item.node.label, node: item.node.name }));
  const heard = new Set([...state.hosts, ...state.channels, ...state.nodes].flatMap((item) => item.alerts));
  for (const alert of state.firing) {
    if (!heard.has(alert) && alert.state !== "good") found.push({ state: alert.state, text: alert.summary, remedy: alert.remedy, who: "", more: 0 });
  }
  return found.sort((one, other) => GRAVITY[other.state] - GRAVITY[one.state]);
}
