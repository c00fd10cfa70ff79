// Asking Prometheus, where this page comes from. An answer is a list of series: labels and value.

const TIMEOUT_MS = 5000;
// A connection that broke may only be the way to Prometheus that changed: it is tried once more.
const AGAIN_MS = 400;
const LINE_S = 1800;
const LINE_STEP_S = 15;

async function get(path, parameters) {
  try {
    return await once(path, parameters);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    return once(path, parameters).catch((again) => {
      throw again instanceof TypeError ? new Error("no connection") : again;
    });
  }
}

async function once(path, parameters) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), TIMEOUT_MS);
  try {
    const query = new URLSearchParams(parameters).toString();
    const response = await fetch(`../api/v1/${path}${query ? `?${query}` : ""}`, { signal: stop.signal, cache: "no-store" });
    const body = await response.json().catch(() => ({}));
    if (!response.ok || body.status !== "success") {
      throw new Error(body.error || `it answers ${response.status} ${response.statusText}`);
    }
    return body.data;
  } catch (error) {
    if (error.name === "AbortError") throw new Error(`no answer in ${TIMEOUT_MS / 1000} s`);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

// What all queries say of one moment, by Prometheus' clock: name to series, each with labels and value. A query that
// Prometheus refuses is an error of the whole.
async function askAll() {
  const names = Object.keys(facts.queries);
  const time = (await get("query", { query: "time()" })).result[1];
  const answers = await Promise.all([
    get("alerts"),
    ...names.map((name) => get("query", { query: facts.queries[name].ask, time })),
  ]);
  const series = {};
  names.forEach((name, index) => {
    series[name] = answers[index + 1].result.map((item) => ({
      labels: item.metric, value: Number(item.value[1]),
    }));
  });
  return { series, time, alerts: answers[0].alerts };
}

// The last half hour: for each query of `lines`, the highest of its series at each step.
async function askLines() {
  const end = Math.floor(Date.now() / 1000 / LINE_STEP_S) * LINE_STEP_S;
  const found = {};
  await Promise.all(facts.lines.map(async (name) => {
    const data = await get("query_range",
      { query: facts.queries[name].ask, start: end - LINE_S, end, step: LINE_STEP_S });
    const series = data.result.map((item) => ({
      labels: item.metric,
      points: item.values.map(([at, value]) => [at, Number(value)]).filter((point) => Number.isFinite(point[1])),
    }));
    found[name] = series.filter((item) => item.points.length);
  }));
  return found;
}

class Series {
  // The answers of one round, looked up by labels.
  constructor(answers) {
    this.answers = answers;
  }

  all(name, labels) {
    const wanted = Object.entries(labels || {});
    return (this.answers[name] || []).filter((item) => wanted.every(([label, value]) => item.labels[label] === value));
  }

  value(name, labels) {
    const found = this.all(name, labels);
    return found.length ? found[0].value : NaN;
  }
}
