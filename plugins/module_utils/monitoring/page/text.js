// How numbers are written, and how elements are made. Text from outside only ever becomes text.

const NONE = "\u2013";
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const precise = [0, 1, 2].map((digits) => new Intl.NumberFormat("en",
  { minimumFractionDigits: digits, maximumFractionDigits: digits }));

function decimals(value) {
  const size = Math.abs(value);
  return precise[size === 0 || size >= 100 ? 0 : size >= 10 ? 1 : 2].format(value);
}

function duration(seconds) {
  const size = Math.abs(seconds);
  if (size === 0) return "0 s";
  if (size < 0.9995) return `${whole.format(seconds * 1000)} ms`;
  if (size >= 3 && Number.isInteger(seconds) && size < 120) return `${seconds} s`;
  if (size < 120) return `${decimals(seconds)} s`;
  if (size < 7200) return `${whole.format(seconds / 60)} min`;
  if (size < 172800) return `${whole.format(seconds / 3600)} h`;
  return `${whole.format(Math.floor(seconds / 86400))} days`;
}

function days(value) {
  if (value < 0) return "expired";
  return value < 2 ? `${whole.format(Math.floor(value * 24))} h` : `${whole.format(Math.floor(value))} days`;
}

const WRITE = {
  per_second: decimals,
  seconds: duration,
  days: days,
  blocks: (value) => whole.format(value),
  count: (value) => whole.format(value),
  share: (value) => `${whole.format(value * 100)} %`,
  state: (value) => whole.format(value),
};

function written(unit, value) {
  return Number.isFinite(value) ? WRITE[unit](value) : NONE;
}

function plural(count, one, many) {
  return `${whole.format(count)} ${count === 1 ? one : many || `${one}s`}`;
}

function clock(milliseconds) {
  return new Date(milliseconds).toLocaleTimeString([], { hour12: false });
}

// --- elements ---

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of [children].flat(Infinity)) {
    if (child !== undefined && child !== null && child !== false) element.append(child);
  }
  return element;
}

function make(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function draw(name, attributes, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function byId(id) {
  return document.getElementById(id);
}

const KINDS = { orderer: "orderer", peer: "peer", ca: "CA", store: "store" };

// A verdict is a shape and a word, never a colour alone.
const SIGNS = { good: "\u2713", warn: "!", bad: "\u2715", gone: "?" };
const WORDS = { good: "healthy", warn: "degraded", bad: "unhealthy", gone: "unknown" };

function sign(state) {
  return make("span", { class: "sign", "data-state": state, role: "img", "aria-label": WORDS[state] }, SIGNS[state]);
}

// A number of a query: what it is of can be read from the element, by people (title) and by tests.
function number(query, value, labels, attributes) {
  const known = Number.isFinite(value);
  const about = facts.queries[query];
  const of = Object.entries(labels || {}).map(([name, text]) => `${name}=${text}`).join(" ");
  return make("span", {
    class: "number", "data-query": query, "data-labels": JSON.stringify(labels || {}), "data-value": known ? value : "",
    title: `${about.title}${of ? `, ${of}` : ""}: ${about.about}${known ? "" : " No data."}`, ...attributes,
  }, written(about.unit, value));
}
