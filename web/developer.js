// The developer's drawer: the ids, states and callbacks of this page's uploads, as the interface tells them.
//
// It asks for nothing while it is closed. While it is open, callbacks that wait are asked for again, one upload at a
// time and ever more slowly.
import {byId, h} from "/assets/dom.js";

const shortest = 1000;
const longest = 30_000;
const entries = new Map();  // of pictures

function callbackItem(callback, open) {
  return h("details", {class: "callback", open, "data-type": callback.type, "data-state": callback.state},
    h("summary", {}, `Callback ${callback.type}: ${callback.state === "unsent" ? "not sent, the app has no callback URL" : callback.state}` + (callback.attempts_made > 1 ? `, ${callback.attempts_made} attempts` : "")),
    h("pre", {tabindex: "0", "aria-label": `Body of ${callback.type}`}, callback.body ? JSON.stringify(callback.body, null, 2) : "erased"));
}

function entryOf(picture) {
  let entry = entries.get(picture);
  if (!entry) {
    entry = {element: h("section", {class: "entry"}), settled: false, delay: shortest, due: 0, text: ""};
    entries.set(picture, entry);
    byId("developer-list").prepend(entry.element);
  }
  return entry;
}

function draw(picture, entry, callbacks) {
  const text = JSON.stringify([picture.upload.id, picture.upload.state, callbacks]);
  if (text === entry.text) return;
  entry.text = text;
  const open = new Set([...entry.element.querySelectorAll("details[open]")].map((each) => each.dataset.type));
  const focused = entry.element.contains(document.activeElement) ? document.activeElement.closest("details")?.dataset.type : null;
  entry.element.replaceChildren(
    h("h3", {}, picture.name),
    h("p", {}, h("code", {}, picture.upload.id), ` is ${picture.upload.state}`,
      picture.upload.rejection ? h("span", {}, ": ", h("code", {}, picture.upload.rejection.code), ` ${picture.upload.rejection.detail}`) : ""),
    ...(callbacks.length ? callbacks.map((callback) => callbackItem(callback, open.has(callback.type))) : [h("p", {}, "No callbacks.")]));
  if (focused) entry.element.querySelector(`details[data-type="${focused}"] summary`)?.focus();
}

async function look(picture) {
  const entry = entryOf(picture);
  try {
    const {data} = await picture.api.get(`/v1/uploads/${picture.upload.id}/callbacks`);
    draw(picture, entry, data);
    entry.settled = data.every((callback) => callback.state !== "waiting");
  } catch { /* asked again */ }
  entry.delay = Math.min(longest, 2 * entry.delay);
  entry.due = Date.now() + entry.delay;
}

/** The uploads that have ended; those whose callbacks have not been looked at first. */
function nextOf(pictures) {
  const now = Date.now();
  const ended = pictures.filter((picture) => picture.upload?.finished_at);
  for (const picture of ended) {
    const entry = entries.get(picture);
    if (entry && !entry.text.startsWith(JSON.stringify([picture.upload.id]).slice(0, -1))) entry.settled = false;  // sent again
  }
  return ended.find((picture) => !entries.has(picture)) ??
    ended.filter((picture) => !entries.get(picture).settled && entries.get(picture).due <= now)
      .sort((a, b) => entries.get(a).due - entries.get(b).due)[0];
}

/** `pictures` is read each time. */
export function startDrawer(pictures) {
  const drawer = byId("developer");
  let running = false;
  async function rounds() {
    if (running) return;
    running = true;
    while (drawer.open) {
      const picture = document.hidden ? null : nextOf(pictures);
      if (picture) await look(picture);
      byId("developer-none").hidden = entries.size > 0;
      await new Promise((resolve) => setTimeout(resolve, picture ? 50 : 300));
    }
    running = false;
  }
  drawer.addEventListener("toggle", rounds);
}
