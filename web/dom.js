// Creates elements without innerHTML: untrusted text such as file names stays text.

/** h("button", {class: "quiet", onclick}, "Retry"): attributes, `on…` listeners, children (null is skipped). */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

const units = ["bytes", "KB", "MB", "GB", "TB"];

export function formatSize(bytes) {
  if (bytes === null || bytes === undefined) return "unknown size";
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

export function formatTime(text) {
  return text ? new Date(text).toLocaleString() : "";
}

export function formatSeconds(seconds) {
  if (!Number.isFinite(seconds)) return "none";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** The credential after the `#`, which browsers never send. It is removed from the URL immediately. */
export function takeFromFragment(name) {
  const values = new URLSearchParams(location.hash.slice(1));
  const value = values.get(name);
  if (value !== null) history.replaceState(null, "", location.pathname + location.search);
  return value;
}

/** Storage of this tab only; none if the browser forbids it. */
export const memory = {
  get(name) {
    try { return sessionStorage.getItem(name); } catch { return null; }
  },
  set(name, value) {
    try { value === null ? sessionStorage.removeItem(name) : sessionStorage.setItem(name, value); } catch { /* not kept */ }
  },
};
