// The topology: hosts with what runs on them; a thread for each channel ties its nodes together.
// Built once for a width, then only changed, so that what moves goes on moving.

const MAP = { gap: 18, card: 292, head: 54, node: 52, space: 7, pad: 12, thread: 9, rail: 34 };

function threadOf(index) {
  return `var(--thread${index % 6})`;
}

function groundOf(organization) {
  const index = facts.organizations.findIndex((item) => item.name === organization);
  return index < 0 ? "var(--shared)" : `var(--org${index % 5})`;
}

function tell(query, value, labels) {
  const known = Number.isFinite(value);
  return draw("tspan", { "data-query": query, "data-labels": JSON.stringify(labels), "data-value": known ? value : "" },
    written(facts.queries[query].unit, value));
}

class NetworkMap {
  constructor(place, open) {
    this.place = place;
    this.open = open;
    this.nodes = new Map();
    this.hosts = new Map();
    this.rails = new Map();
    this.width = 0;
  }

  build(width) {
    this.width = width;
    for (const known of [this.nodes, this.hosts, this.rails]) known.clear();
    const channels = facts.channels.length;
    const columns = Math.max(1, Math.min(facts.hosts.length, Math.floor((width + MAP.gap) / (MAP.card + MAP.gap))));
    const rows = Math.ceil(facts.hosts.length / columns);
    const trunk = rows > 1 ? channels * MAP.thread + 8 : 0;
    const card = (width - trunk - (columns - 1) * MAP.gap) / columns;
    const gutter = MAP.pad + channels * MAP.thread;
    const layers = { cards: draw("g"), threads: draw("g", { fill: "none" }), nodes: draw("g"), labels: draw("g") };
    const rails = facts.channels.map(() => []);
    let y = 1;
    for (let row = 0; row < rows; row += 1) {
      const hosts = facts.hosts.slice(row * columns, (row + 1) * columns);
      const counts = hosts.map((host) => facts.nodes.filter((node) => node.host === host.name).length);
      const height = MAP.head + Math.max(...counts, 1) * (MAP.node + MAP.space) + MAP.pad - MAP.space;
      hosts.forEach((host, column) => {
        const x = trunk + column * (card + MAP.gap);
        this.card(layers, host, { x, y, width: card, height, gutter, bottom: y + height });
      });
      facts.channels.forEach((channel, index) => {
        const rail = y + height + 20 + index * MAP.rail;
        // As far as the last host with a node in the channel.
        const reach = hosts.map((host) => this.ends(host, channel, y).length > 0).lastIndexOf(true);
        if (reach < 0 && row > 0) return;
        const last = trunk + Math.max(0, reach) * (card + MAP.gap) + MAP.pad + index * MAP.thread;
        const first = (trunk ? index * MAP.thread + 4 : trunk + MAP.pad + index * MAP.thread);
        this.thread(layers, index, `M${first} ${rail}H${row === 0 ? Math.max(last, first + 40) : last}`);
        rails[index].push(rail);
        hosts.forEach((host, column) => {
          const ends = this.ends(host, channel, y);
          if (!ends.length) return;
          const x = trunk + column * (card + MAP.gap) + MAP.pad + index * MAP.thread;
          this.thread(layers, index, `M${x} ${rail}V${ends[0]}`);
          const edge = trunk + column * (card + MAP.gap) + gutter;
          for (const end of ends) this.thread(layers, index, `M${x} ${end}H${edge}`, end, x);
        });
        if (row === 0) this.label(layers, channel, index, first, rail, width);
      });
      y += height + 20 + channels * MAP.rail + (row < rows - 1 ? 6 : 0);
    }
    rails.forEach((at, index) => {
      if (at.length > 1) this.thread(layers, index, `M${index * MAP.thread + 4} ${at[0]}V${at[at.length - 1]}`);
    });
    const tall = Math.max(y, 60);
    this.place.replaceChildren(draw("svg", {
      viewBox: `0 0 ${width} ${tall}`, width, height: tall, role: "group",
      "aria-label": `${plural(facts.hosts.length, "host")}, ${plural(facts.nodes.length, "node")}, ${plural(channels, "channel")}`,
    }, ...Object.values(layers)));
  }

  // The heights at which a channel's nodes on a host stand.
  ends(host, channel, y) {
    return facts.nodes.filter((node) => node.host === host.name)
      .map((node, index) => (node.channels.includes(channel.name) ? y + MAP.head + index * (MAP.node + MAP.space) + MAP.node / 2 : null))
      .filter((end) => end !== null);
  }

  thread(layers, index, path, dot, x) {
    layers.threads.append(
      draw("path", { class: "thread", d: path, stroke: threadOf(index) }),
      draw("path", { class: "flow", d: path, stroke: threadOf(index), "data-channel": facts.channels[index].name }),
    );
    if (dot) layers.threads.append(draw("circle", { cx: x, cy: dot, r: 3, fill: threadOf(index) }));
  }

  label(layers, channel, index, x, y, width) {
    const text = draw("text", { x: x + 24, y: y + 4 }, draw("tspan", { class: "title" }, shorten(channel.name, 18)));
    const box = draw("rect", { class: "rail", x: x + 12, y: y - 13, height: 26, rx: 13, width: Math.min(width - x - 16, 330), stroke: threadOf(index) });
    layers.labels.append(box, text);
    this.rails.set(channel.name, { text, box });
  }

  card(layers, host, at) {
    const sign = this.sign(at.x + at.width - 22, at.y + 24);
    const quiet = draw("text", { class: "quiet", x: at.x + MAP.pad, y: at.y + 42 });
    const box = draw("rect", { class: "host", x: at.x + 0.5, y: at.y + 0.5, width: at.width - 1, height: at.height - 1, rx: 12 });
    layers.cards.append(box, draw("text", { class: "title", x: at.x + MAP.pad, y: at.y + 24 }, host.name), quiet, sign.group);
    this.hosts.set(host.name, { quiet, sign, box, width: at.width - 2 * MAP.pad });
    facts.nodes.filter((node) => node.host === host.name).forEach((node, index) => {
      this.node(layers, node, {
        x: at.x + at.gutter, y: at.y + MAP.head + index * (MAP.node + MAP.space), width: at.width - at.gutter - MAP.pad,
      });
    });
  }

  node(layers, node, at) {
    const sign = this.sign(at.x + 19, at.y + MAP.node / 2);
    const side = draw("text", { class: "side", x: at.x + at.width - 10, y: at.y + 21, "text-anchor": "end" });
    const small = draw("text", { class: "quiet", x: at.x + 37, y: at.y + 39 });
    const group = draw("g", { class: "node", role: "button", tabindex: 0, "data-key": `map ${node.name}`, "data-node": node.name },
      draw("rect", { class: "box", x: at.x, y: at.y, width: at.width, height: MAP.node, rx: 8, style: `fill: ${groundOf(node.organization)}` }),
      sign.group, draw("text", { class: "label", x: at.x + 37, y: at.y + 21 }, shorten(node.label, (at.width - 120) / 7.4)), side, small);
    group.addEventListener("click", () => this.open(node.name));
    group.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        this.open(node.name);
      }
    });
    layers.nodes.append(group);
    this.nodes.set(node.name, { group, sign, side, small, room: (at.width - 47) / 6.1 });
  }

  sign(x, y) {
    const circle = draw("circle", { cx: x, cy: y, r: 9 });
    const text = draw("text", { x, y: y + 4, "text-anchor": "middle" }, SIGNS.gone);
    return { group: draw("g", { class: "mark", "data-state": "gone" }, circle, text), text };
  }

  update(state) {
    for (const item of state.hosts) {
      const known = this.hosts.get(item.host.name);
      this.mark(known.sign, item.state);
      known.box.dataset.state = item.state;
      const room = known.width > 250;
      known.quiet.replaceChildren(room ? `${item.host.address}  \u00b7  ` : "", "cpu ", tell("cpu", item.cpu, { host: item.host.name }),
        "  \u00b7  memory ", tell("memory", item.memory, { host: item.host.name }));
    }
    for (const item of state.nodes) this.updateNode(item);
    for (const item of state.channels) {
      const { text, box } = this.rails.get(item.channel.name);
      const of = { channel: item.channel.name };
      text.replaceChildren(draw("tspan", { class: "title" }, shorten(item.channel.name, 18)), "   block ",
        draw("tspan", {}, Number.isFinite(item.height) ? whole.format(item.height - 1) : NONE), "  \u00b7  ",
        tell("throughput", item.throughput, of), " tx/s");
      box.setAttribute("width", Math.min(text.getComputedTextLength() + 26, this.width - Number(box.getAttribute("x")) - 2));
      const speed = item.throughput > 0 ? Math.max(0.7, Math.min(6, 6 / Math.sqrt(1 + item.throughput))) : 0;
      for (const path of this.place.querySelectorAll(".flow")) {
        if (path.dataset.channel === item.channel.name) {
          path.style.animationDuration = speed ? `${speed.toFixed(1)}s` : "0s";
          path.classList.toggle("still", !speed || item.state === "bad");
        }
      }
    }
  }

  updateNode(item) {
    const known = this.nodes.get(item.node.name);
    this.mark(known.sign, item.state);
    known.group.dataset.state = item.state;
    const side = sideOf(item);
    known.side.textContent = side.text;
    known.side.dataset.tone = side.tone;
    const reason = item.reasons.find((one) => one.state !== "good");
    if (reason && item.state !== "good") {
      known.small.replaceChildren(shorten(reason.text, known.room));
    } else {
      const parts = [item.node.kind === "store" ? "OpenBao" : item.node.kind === "ca" ? "fabric-ca" : KINDS[item.node.kind]];
      for (const channel of item.channels.slice(0, 2)) {
        parts.push("  \u00b7  ", facts.channels.length > 1 ? `${shorten(channel.name, 10)} ` : "height ", tell("height", channel.height, { node: item.node.name, channel: channel.name }));
      }
      for (const code of item.chaincodes.slice(0, 1)) parts.push(`  \u00b7  ${shorten(code.name, 12)} ${code.answers === 1 ? SIGNS.good : code.answers === 0 ? SIGNS.bad : SIGNS.gone}`);
      known.small.replaceChildren(...parts);
    }
    known.group.setAttribute("aria-label",
      `${item.node.label}, ${KINDS[item.node.kind]} on ${item.node.host}, ${WORDS[item.state]}${reason ? `: ${reason.text}` : ""}${side.text ? `, ${side.text}` : ""}`);
  }

  mark(known, state) {
    known.group.dataset.state = state;
    known.text.textContent = SIGNS[state];
  }
}

// What is worth most beside a node's name.
function sideOf(item) {
  if (item.state === "bad" && item.up === 0) return { text: "down", tone: "bad" };
  const leads = item.channels.filter((channel) => channel.leads);
  if (leads.length) return { text: item.channels.length > 1 ? `\u2605 leads ${leads.length}` : "\u2605 leads", tone: "accent" };
  const lags = item.channels.map((channel) => channel.lag).filter(Number.isFinite);
  if (item.node.kind === "peer" && lags.length) {
    const lag = Math.max(...lags);
    return lag > 0 ? { text: `${whole.format(lag)} behind`, tone: lag > facts.limits.lag ? "warn" : "quiet" } : { text: "in step", tone: "quiet" };
  }
  return { text: item.node.kind === "orderer" && item.up === 1 && item.channels.length ? "follows" : "", tone: "quiet" };
}

function shorten(text, room) {
  const most = Math.max(4, Math.floor(room));
  return text.length > most ? `${text.slice(0, most - 1)}\u2026` : text;
}
