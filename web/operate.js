// The operators' page. It queries its own origin with the operator's key, which is kept only in this tab.
import {Api, ApiError} from "/assets/api.js";
import {byId, formatSeconds, formatSize, formatTime, h, memory, takeFromFragment} from "/assets/dom.js";
import {parseMetrics, quantile, sum} from "/assets/metrics.js";
import {cell, fillRows, thumbnail} from "/assets/rows.js";
import {loadWords} from "/assets/words.js";
import {contentsOf, howItIs} from "/assets/zips.js";

const every = 2000;
const states = ["created", "uploaded", "processing", "published", "rejected", "failed", "expired", "cancelled", "deleted"];
let api = null;
let round = 0;
let looks = [];
const view = {filter: {query: "", app: "", state: ""}, cursor: null, next: null, callbackCursor: null, selected: null};

function announce(text) {
  byId("announce").textContent = text;
}

function problem(error) {
  if (error instanceof ApiError && (error.status === 401 || error.status === 403)) return leave(error.message);
  byId("problem").textContent = error.message;
}

// ---- now

function tile(name, value, warn) {
  return h("div", {class: warn ? "warn" : null}, h("dt", {}, name), h("dd", {}, value));
}

async function showNow() {
  const answer = await fetch("/metrics", {cache: "no-store"});
  const samples = parseMetrics(await answer.text());
  looks = [...looks, samples].slice(-150);  // five minutes
  const first = looks[0];
  const queue = (name, which) => sum(samples, name, (labels) => labels.queue === which);
  const grown = (name, matches) => sum(samples, name, matches) - sum(first, name, matches);
  const errors = (labels) => Number(labels.http_response_status_code) >= 500;
  const lag = quantile(first, samples, "photogate_event_lag_seconds", 0.95) ?? quantile([], samples, "photogate_event_lag_seconds", 0.95);
  const dead = queue("photogate_queue_depth", "callbacks_dead");
  const oldest = queue("photogate_queue_oldest_seconds", "jobs");
  const ended = (result) => sum(samples, "photogate_uploads_finished_total", (labels) => labels.result === result);
  const failedAnswers = grown("http_server_request_duration_seconds_count", errors);
  byId("tiles").replaceChildren(
    tile("Waiting to be processed", queue("photogate_queue_depth", "jobs")),
    tile("Longest wait", oldest > 0 ? formatSeconds(oldest) : "none", oldest > 60),
    tile("Being processed", sum(samples, "photogate_jobs_leased")),
    tile("Store events arrive within (95 %)", lag === null ? "no events yet" : formatSeconds(lag), lag !== null && lag > 10),
    tile("Found by listing, without an event", sum(samples, "photogate_reconciler_found_total")),
    tile("Callbacks to send", queue("photogate_queue_depth", "callbacks")),
    tile("Callbacks given up", dead, dead > 0),
    tile("Published since the start", ended("published")),
    tile("Rejected since the start", ended("rejected")),
    tile("Failed since the start", ended("failed"), ended("failed") > 0),
    tile("Requests that failed here, last 5 min", failedAnswers, failedAnswers > 0),
    tile("Worker processes that crashed", sum(samples, "photogate_imager_crashed_total")));
}

// ---- uploads

function took(upload) {
  if (!upload.received_at || !upload.finished_at) return "";
  return formatSeconds((new Date(upload.finished_at) - new Date(upload.received_at)) / 1000);
}

function outcome(upload) {
  if (upload.rejection) return `${upload.rejection.code}: ${upload.rejection.detail}`;
  if (upload.image) return `${upload.image.width} × ${upload.image.height} ${upload.image.format}, ${formatSize(upload.image.size)}`;
  return "";
}

function idButton(id) {
  return h("button", {type: "button", class: "quiet small id", "aria-label": `Open ${id}`, onclick: () => select(id, true).catch(problem)}, id);
}

function uploadCells(upload) {
  return [
    h("th", {scope: "row"}, h("div", {class: "named"}, thumbnail(api, upload), h("div", {}, h("span", {class: "filename"}, upload.filename ?? "unnamed"), idButton(upload.id)))),
    cell("State", {class: `state state-${upload.state}`}, upload.state),
    cell("App, profile", {}, upload.app ? `${upload.app}, ${upload.profile}` : upload.profile),
    cell("Created", {class: "time"}, formatTime(upload.created_at)), cell("Processing time", {}, took(upload)), cell("Result", {}, outcome(upload))];
}

function knowApps(uploads) {
  const known = new Set([...byId("apps").children].map((option) => option.value));
  for (const {app} of uploads) {
    if (!app || known.has(app)) continue;
    known.add(app);
    byId("apps").append(h("option", {value: app}));
  }
}

function listPath() {
  const parameters = new URLSearchParams({limit: "50"});
  const {query, app, state} = view.filter;
  const sign = query.indexOf("=");
  if (sign > 0) parameters.set(`metadata.${query.slice(0, sign).trim()}`, query.slice(sign + 1).trim());
  if (state) parameters.set("state", state);
  if (app) parameters.set("app", app);
  if (view.cursor) parameters.set("cursor", view.cursor);
  return `/v1/uploads?${parameters}`;
}

async function showUploads() {
  const page = await api.get(listPath());
  view.next = page.next;
  fillRows(byId("uploads"), page.data, uploadCells);
  knowApps(page.data);
  byId("older").hidden = !page.next;
  byId("newest").hidden = !view.cursor;
  return page.data.length;
}

async function search() {
  const query = byId("query").value.trim();
  byId("problem").textContent = "";
  if (query.startsWith("upl_")) return select(query, true);
  if (query && query.indexOf("=") < 1) throw new Error("Search for an id (upl_…) or for metadata as NAME=VALUE.");
  view.filter = {query, app: byId("app").value.trim(), state: byId("state").value};
  view.cursor = null;
  view.callbackCursor = null;
  const [found] = await Promise.all([showUploads(), showCallbacks(), showPackages()]);
  announce(`${found} uploads shown.`);
}

// ---- one upload

async function select(id, focus) {
  view.selected = id;
  history.replaceState(null, "", `#${id}`);
  await showDetail();
  if (focus) byId("detail").focus();
}

const callbackWords = {waiting: "waiting", delivered: "delivered", dead: "given up", unsent: "no URL"};

/** Sends a callback again, or at once what waits for its next attempt. What is not due to be sent has none. */
function replayButton(callback) {
  if (callback.state === "unsent" || (callback.state === "waiting" && callback.attempts_made === 0)) return "";
  const word = callback.state === "waiting" ? "Send now" : "Replay";
  return h("button", {type: "button", class: "quiet small", "aria-label": `${word} ${callback.type} ${callback.id}`, onclick: () => replay(callback.id)}, word);
}

function attemptsText({attempts_made: count}) {
  return count === 1 ? "1 attempt" : `${count} attempts`;
}

function callbackLine(callback) {
  return h("li", {}, `${callback.type}: ${callbackWords[callback.state] ?? callback.state}, ${attemptsText(callback)} `, replayButton(callback),
    h("details", {}, h("summary", {}, "As sent"), h("pre", {tabindex: "0", "aria-label": `Body of ${callback.type}`}, callback.body ? JSON.stringify(callback.body, null, 2) : "erased")));
}

async function showDetail() {
  const id = view.selected;
  const section = byId("detail");
  if (!id) return;
  const path = `/v1/uploads/${encodeURIComponent(id)}`;
  const [upload, timeline, callbacks] = await Promise.all([api.get(path), api.get(`${path}/timeline`), api.get(`${path}/callbacks`)]);
  const text = JSON.stringify([upload, timeline, callbacks]);
  if (id !== view.selected || (section.dataset.text === text && !section.hidden)) return;
  section.dataset.text = text;
  section.hidden = false;
  const retriable = ["rejected", "failed"].includes(upload.state);
  section.replaceChildren(
    h("div", {class: "row spread"}, h("h2", {id: "detail-title"}, upload.id), h("button", {type: "button", class: "quiet small", onclick: closeDetail}, "Close")),
    ...(upload.image ? [h("div", {class: "preview"}, thumbnail(api, upload))] : []),
    h("dl", {class: "facts"},
      h("dt", {}, "App, profile"), h("dd", {}, upload.app ? `${upload.app}, ${upload.profile}` : upload.profile),
      h("dt", {}, "State"), h("dd", {class: `state-${upload.state}`}, upload.state, upload.rejection ? `: ${outcome(upload)}` : ""),
      h("dt", {}, "File"), h("dd", {}, upload.filename ?? "unnamed"),
      h("dt", {}, "Metadata"), h("dd", {}, Object.entries(upload.metadata).map(([name, value]) => `${name}=${value}`).join(", ") || "none"),
      h("dt", {}, "Received"), h("dd", {}, upload.size === null ? "nothing yet" : `${formatSize(upload.size)}, ${upload.content_type ?? "type not known yet"}`),
      h("dt", {}, "Published"), h("dd", {}, upload.image ? outcome(upload) : "nothing")),
    ...(retriable ? [h("button", {type: "button", onclick: () => retry(upload.id)}, "Process again")] : []),
    h("h3", {}, "Timeline"),
    h("ol", {id: "timeline"}, ...timeline.data.map((entry) => h("li", {}, h("time", {datetime: entry.at}, formatTime(entry.at)), ` ${entry.event} `,
      Object.keys(entry.detail).length ? h("code", {}, Object.entries(entry.detail).map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`).join(" ")) : ""))),
    h("h3", {}, "Callbacks"),
    callbacks.data.length ? h("ul", {}, ...callbacks.data.map(callbackLine)) : h("p", {}, "None."));
}

function closeDetail() {
  const row = [...byId("uploads").children].find((each) => each.dataset.id === view.selected);
  view.selected = null;
  byId("detail").hidden = true;
  history.replaceState(null, "", location.pathname);
  (row?.querySelector("button") ?? byId("query")).focus();
}

async function retry(id) {
  await api.post(`/v1/uploads/${id}/retry`, {}).catch(problem);
  announce(`${id} is processed again.`);
  await refresh();
}

// ---- packages

function packageCells(zip) {
  return [
    h("th", {scope: "row"}, h("span", {class: "filename"}, zip.name), h("code", {class: "id"}, zip.id)),
    cell("State", {class: `state-${zip.state}`}, howItIs(zip)), cell("App", {}, zip.app), cell("Contents", {}, contentsOf(zip)),
    cell("Created", {class: "time"}, formatTime(zip.created_at))];
}

async function showPackages() {
  const parameters = new URLSearchParams({limit: "20"});
  if (view.filter.app) parameters.set("app", view.filter.app);
  fillRows(byId("packages"), (await api.get(`/v1/packages?${parameters}`)).data, packageCells);
}

// ---- callbacks

function lastAnswer(callback) {
  const last = callback.attempts[0];
  return last ? `${last.status ?? last.error ?? ""} ${last.answer}`.slice(0, 200) : "not sent yet";
}

function callbackCells(callback) {
  return [
    h("th", {scope: "row"}, h("span", {class: "filename"}, callback.type), h("code", {class: "id"}, callback.id)),
    cell("State", {class: `state state-${callback.state}`}, callbackWords[callback.state] ?? callback.state),
    cell("Upload", {}, idButton(callback.upload)), cell("URL", {}, callback.url || "none"), cell("Attempts", {}, String(callback.attempts_made)),
    cell("Last answer", {}, lastAnswer(callback)), cell("Action", {}, replayButton(callback))];
}

async function showCallbacks() {
  const parameters = new URLSearchParams({limit: "20"});
  if (byId("callback-state").value) parameters.set("state", byId("callback-state").value);
  if (view.filter.app) parameters.set("app", view.filter.app);
  if (view.callbackCursor) parameters.set("cursor", view.callbackCursor);
  const page = await api.get(`/v1/callbacks?${parameters}`);
  fillRows(byId("callbacks"), page.data, callbackCells);
  byId("older-callbacks").hidden = !page.next;
  byId("older-callbacks").onclick = () => {
    view.callbackCursor = page.next;
    showCallbacks().catch(problem);
  };
}

async function replay(id) {
  await api.post(`/v1/callbacks/${id}/replay`, {}).then(() => announce(`${id} is sent again.`), problem);
  await refresh();
}

async function replayDead() {
  const since = new Date(Date.now() - 86_400_000).toISOString();
  const {app} = view.filter;
  await api.post("/v1/callbacks/replay", {since, state: "dead", ...(app ? {app} : {})}).then(({replayed}) => announce(`${replayed} callbacks are sent again.`), problem);
  await refresh();
}

// ---- the update loop

async function refresh() {
  await Promise.all([showNow(), view.cursor ? null : showUploads(), view.callbackCursor ? null : showCallbacks(), showPackages(), showDetail()]);
}

async function rounds(mine) {
  while (mine === round && api) {
    await new Promise((resolve) => setTimeout(resolve, every));
    if (mine !== round || !byId("live").checked || document.hidden) continue;
    await refresh().then(() => { byId("problem").textContent = ""; }, problem);
  }
}

async function enter(key) {
  round += 1;
  const mine = new Api(key);
  api = mine;
  try {
    await mine.get("/v1/uploads?limit=1");
  } catch (error) {
    return api === mine ? leave(error.message) : undefined;
  }
  if (api !== mine) return;
  memory.set("key", key);
  byId("key-form").hidden = true;
  byId("board").hidden = false;
  byId("leave").hidden = false;
  round += 1;
  await refresh().catch(problem);
  rounds(round);
}

function leave(why = "") {
  round += 1;
  api = null;
  memory.set("key", null);
  byId("board").hidden = true;
  byId("leave").hidden = true;
  byId("key-form").hidden = false;
  byId("key-problem").textContent = why;
  byId("key").focus();
}

function start() {
  byId("state").append(...states.map((state) => h("option", {value: state}, state)));
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const key = byId("key").value.trim();
    byId("key").value = "";
    enter(key);
  });
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    search().catch(problem);
  });
  byId("callback-search").addEventListener("submit", (event) => {
    event.preventDefault();
    view.callbackCursor = null;
    showCallbacks().catch(problem);
  });
  byId("older").addEventListener("click", () => {
    view.cursor = view.next;
    showUploads().then((count) => announce(`${count} older uploads.`)).catch(problem);
  });
  byId("newest").addEventListener("click", () => {
    view.cursor = null;
    showUploads().catch(problem);
    byId("query").focus();
  });
  byId("replay-dead").addEventListener("click", replayDead);
  byId("leave").addEventListener("click", () => leave());
  addEventListener("hashchange", readFragment);
  const key = readFragment() ?? memory.get("key");
  if (!api && key) enter(key);
  else if (!key) leave();
}

/** `#key=…` enters with that key, also in a tab that is open already; `#upl_…` opens that upload. The key entered with. */
function readFragment() {
  const id = location.hash.match(/^#(upl_[0-9a-z]+)/)?.[1];
  const key = takeFromFragment("key");  // before anything else: it does not stay in the address
  if (id && api && id !== view.selected) select(id, true).catch(problem);
  else if (id) view.selected = id;
  if (key) enter(key);
  return key;
}

await loadWords().catch(() => {});
start();
