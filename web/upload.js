// The upload page: a client of the public interface, with a client token.
import {Api, ApiError, readToken} from "/assets/api.js";
import {startDrawer} from "/assets/developer.js";
import {byId, formatSize, memory, takeFromFragment} from "/assets/dom.js";
import {keptOf} from "/assets/kept.js";
import {Picture} from "/assets/picture.js";
import {formatNames, loadWords} from "/assets/words.js";

const atOnce = 3;
const ended = "Your upload link has ended or is used up. Please ask for a new one where you got it.";
const pictures = [];
let api = null;
let profile = Promise.resolve(null);

function announce(text) {
  byId("announce").textContent = text;
}

function formatEnd(date) {
  const sameDay = date.toDateString() === new Date().toDateString();
  return date.toLocaleString([], sameDay ? {timeStyle: "short"} : {dateStyle: "medium", timeStyle: "short"});
}

function showPermit(claims, limits) {
  const count = claims.uploads === 1 ? "One picture" : `Up to ${claims.uploads} pictures`;
  const each = limits ? `, ${formatNames(limits.content_types)}, at most ${formatSize(limits.max_size)}${claims.uploads === 1 ? "" : " each"}` : "";
  const all = claims.bytes ? `, ${formatSize(claims.bytes)} in all` : "";
  byId("permit").textContent = `${count}${each}${all}. This link works until ${formatEnd(new Date(claims.expires * 1000))}.`;
  byId("developer-token").textContent = `The token is of the app ${claims.app}, profile ${claims.profile}.`;
}

/** What the gateway accepts; null if it does not say. */
async function loadProfile() {
  const claims = readToken(api.credential);
  try {
    const limits = await api.get("/v1/profile");
    showPermit(claims, limits);
    return limits;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) askForToken(ended);
    return null;
  }
}

function useToken(text) {
  const token = text.match(/pgt_[A-Za-z0-9_.-]*/)?.[0] ?? "";  // of a whole link, its token
  const claims = readToken(token);
  if (!claims) {
    byId("token-problem").textContent = "This is not an upload link. Please copy the whole link and paste it here.";
    return false;
  }
  memory.set("token", token);
  api = new Api(token);
  byId("token-form").hidden = true;
  byId("choose").hidden = false;
  byId("token-problem").textContent = "";
  showPermit(claims, null);
  profile = loadProfile();
  for (const picture of pictures.filter((each) => each.tokenEnded)) {
    picture.token = claims.id;
    picture.retry();
  }
  restore(claims.id);
  return true;
}

/** What a reload of the page, or its end, has interrupted. */
async function restore(token) {
  const known = new Set(pictures.map((picture) => picture.id));
  const restored = (await keptOf(token)).filter((entry) => !known.has(entry.id));
  list(restored.map((kept) => new Picture(kept.file, changed, {api, token, kept})));
}

function askForToken(problem = "") {
  byId("token-form").hidden = false;
  byId("choose").hidden = true;
  byId("permit").textContent = "";
  byId("token-problem").textContent = problem;
}

function showTotals() {
  const done = pictures.filter((picture) => picture.state === "published");
  const before = done.reduce((sum, picture) => sum + picture.file.size, 0);
  const after = done.reduce((sum, picture) => sum + picture.upload.image.size, 0);
  byId("totals").textContent = `${done.length} of ${pictures.length} published` +
    (done.length ? `, ${formatSize(before)} became ${formatSize(after)}` : "");
  document.title = pictures.length ? `${done.length}/${pictures.length} published` : "Upload pictures";
}

async function fillLine() {
  const limits = await profile;
  const busy = pictures.filter((picture) => picture.busy()).length;
  for (const picture of pictures.filter((each) => each.state === "waiting").slice(0, Math.max(0, atOnce - busy))) picture.run(api, limits);
}

function changed(picture, said) {
  showTotals();
  if (said) announce(`${picture.name}: ${said}`);
  if (picture.tokenEnded) askForToken(ended);
  for (const each of pictures) each.card.foldUnless(pictures.length === 1);
  fillLine();
}

function take(files) {
  const chosen = [...files];
  if (!chosen.length) return;
  if (!api) return askForToken("Please open your upload link first.");
  const token = readToken(api.credential).id;
  list(chosen.map((file) => new Picture(file, changed, {api, token})));
  announce(`${chosen.length === 1 ? "One picture" : `${chosen.length} pictures`} chosen.`);
}

function list(added) {
  if (!added.length) return;
  for (const picture of added) {
    pictures.push(picture);
    byId("list").prepend(picture.element);
  }
  for (const each of pictures) each.card.foldUnless(pictures.length === 1);
  byId("results").hidden = false;
  showTotals();
  fillLine();
}

for (const id of ["files", "camera"]) {
  byId(id).addEventListener("change", (event) => {
    take(event.target.files);
    event.target.value = "";
  });
}
// The camera button is shown on touch devices only.
byId("camera-label").hidden = !matchMedia("(any-pointer: coarse)").matches;

const drop = byId("drop");
for (const type of ["dragenter", "dragover"]) {
  document.addEventListener(type, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    drop.classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  take(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => {
  if (event.clipboardData?.files.length) {
    event.preventDefault();
    take(event.clipboardData.files);
  }
});
byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (useToken(byId("token").value.trim())) {
    byId("token").value = "";
    byId("files").focus();
    fillLine();
  }
});
addEventListener("beforeunload", (event) => {
  if (pictures.some((picture) => picture.unfinished())) event.preventDefault();
});

function showConnection() {
  byId("offline").hidden = navigator.onLine !== false;
}
addEventListener("offline", showConnection);
addEventListener("online", async () => {
  showConnection();
  if (api && await profile === null) profile = loadProfile();
  for (const picture of pictures) picture.resume();
});

// A changed URL fragment may bring another token.
function start() {
  const given = takeFromFragment("token") ?? memory.get("token");
  if (!given || !useToken(given)) askForToken(given ? "This upload link is not complete. Please open the whole link again." : "");
}
addEventListener("hashchange", () => new URLSearchParams(location.hash.slice(1)).has("token") && start());
showConnection();
startDrawer(pictures);
await loadWords().catch(() => {});
start();
