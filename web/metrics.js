// Parses /metrics (Prometheus text format 0.0.4), as far as the operators' page shows it.

/** [{name, labels, value}] */
export function parseMetrics(text) {
  const samples = [];
  for (const line of text.split("\n")) {
    const match = line.match(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/);
    if (!match) continue;
    const labels = {};
    for (const [, name, value] of (match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[name] = value;
    samples.push({name: match[1], labels, value: Number(match[3].replace("Inf", "Infinity"))});
  }
  return samples;
}

export function sum(samples, name, matches = () => true) {
  return samples.filter((sample) => sample.name === name && matches(sample.labels)).reduce((total, sample) => total + sample.value, 0);
}

/** The quantile of a histogram between two samples; null if nothing was counted. */
export function quantile(before, now, name, share) {
  const counts = new Map();
  for (const [samples, sign] of [[now, 1], [before, -1]]) {
    for (const {labels, value} of samples.filter((sample) => sample.name === `${name}_bucket`)) {
      const bound = Number(labels.le.replace("Inf", "Infinity"));
      counts.set(bound, (counts.get(bound) ?? 0) + sign * value);
    }
  }
  const bounds = [...counts.keys()].sort((a, b) => a - b);
  const all = counts.get(Infinity) ?? 0;
  if (all <= 0) return null;
  return bounds.find((bound) => counts.get(bound) >= share * all) ?? Infinity;
}
