// The page of packages: pictures are chosen, a zip is made of them, and its progress is shown. It holds an app's key, which is kept
// only in this tab.
import {Api, ApiError} from "/assets/api.js";
import {byId, formatSize, formatTime, h, memory, takeFromFragment} from "/assets/dom.js";
import {cell, fillRows, thumbnail} from "/assets/rows.js";
import {loadWords, packageWords, refusalOf} from "/assets/words.js";
import {contentsOf, counted, howItIs, unfinished} from "/assets/zips.js";

const every = 1000;
let api = null;
let round = 0;
const view = {filter: {}, cursor: null, next: null, shown: []};
const chosen = new Map();  // uploads by id, in the order of choice
let whole = null;  // in their place the metadata of all that are meant
let states = new Map();  // of the zips, as they were last shown

function announce(text) {
  byId("announce").textContent = text;
}

function problem(error) {
  if (error instanceof ApiError && (error.status === 401 || error.status === 403)) return leave(refusalOf(error).message);
  byId("problem").textContent = error instanceof ApiError ? refusalOf(error).message : error.message;
}

/** Calls it, and says what is wrong. */
async function attempt(call) {
  byId("problem").textContent = "";
  return call().catch(problem);
}

// ---- pictures

const pairs = (filter) => Object.entries(filter).map(([name, value]) => `${name}=${value}`).join(", ");

function showChoice() {
  const size = [...chosen.values()].reduce((sum, upload) => sum + upload.image.size, 0);
  const all = whole && (pairs(whole) ? `All pictures with ${pairs(whole)}` : "All pictures");
  byId("chosen").textContent = all ? `${all} are chosen.` : chosen.size ? `Chosen: ${counted(chosen.size)}, ${formatSize(size)} as published.` : "No picture is chosen.";
  byId("submit").disabled = !whole && !chosen.size;
  for (const box of byId("pictures").querySelectorAll("input")) {
    box.checked = whole !== null || chosen.has(box.value);
    box.disabled = whole !== null;
  }
}

function choose(uploads, wanted) {
  for (const upload of uploads) wanted ? chosen.set(upload.id, upload) : chosen.delete(upload.id);
  showChoice();
}

function pictureCells(upload) {
  const name = upload.filename ?? upload.id;
  return [
    h("th", {scope: "row"}, h("label", {class: "named"},
      h("input", {type: "checkbox", value: upload.id, onchange: (event) => choose([upload], event.target.checked)}),
      thumbnail(api, upload), h("span", {class: "filename"}, name))),
    cell("Profile", {}, upload.profile), cell("Created", {class: "time"}, formatTime(upload.created_at)),
    cell("Size", {}, `${upload.image.width} × ${upload.image.height}, ${formatSize(upload.image.size)}`)];
}

async function showPictures() {
  const parameters = new URLSearchParams({limit: "50", state: "published"});
  for (const [name, value] of Object.entries(view.filter)) parameters.set(`metadata.${name}`, value);
  if (view.cursor) parameters.set("cursor", view.cursor);
  const page = await api.get(`/v1/uploads?${parameters}`);
  view.next = page.next;
  view.shown = page.data.filter((upload) => upload.image);
  fillRows(byId("pictures"), view.shown, pictureCells);
  byId("older").hidden = !page.next;
  byId("newest").hidden = !view.cursor;
  showChoice();
}

async function search() {
  const query = byId("query").value.trim();
  const sign = query.indexOf("=");
  if (query && sign < 1) throw new Error("Search for metadata as NAME=VALUE.");
  view.filter = query ? {[query.slice(0, sign).trim()]: query.slice(sign + 1).trim()} : {};
  view.cursor = null;
  await showPictures();
  announce(`${counted(view.shown.length)} shown.`);
}

// ---- zips

function zipCells(zip) {
  const over = ["failed", "deleted", "expired"].includes(zip.state);
  return [
    h("th", {scope: "row"}, h("span", {class: "filename"}, zip.name), h("code", {class: "id"}, zip.id)),
    cell("State", {class: `state-${zip.state}`}, howItIs(zip)), cell("Contents", {}, contentsOf(zip)),
    cell("Until", {class: "time"}, formatTime(zip.expires_at)),
    cell("Action", {}, h("div", {class: "row"},
      zip.url && h("a", {class: "button small", href: zip.url, download: zip.name, "aria-label": `Download ${zip.name}`}, "Download"),
      over ? null : h("button", {type: "button", class: "quiet small", "aria-label": `Delete ${zip.name}`, onclick: () => attempt(() => remove(zip))}, "Delete")))];
}

/** Whether any is not finished. */
async function showZips() {
  const {data} = await api.get("/v1/packages?limit=20");
  fillRows(byId("zips"), data, zipCells);
  for (const zip of data) {
    if (states.has(zip.id) && states.get(zip.id) !== zip.state) announce(`${zip.name}: ${packageWords(zip.state)}`);
  }
  states = new Map(data.map((zip) => [zip.id, zip.state]));
  return data.some((zip) => unfinished.has(zip.state));
}

async function follow() {
  round += 1;
  const mine = round;
  while (mine === round && api && await showZips()) await new Promise((resolve) => setTimeout(resolve, every));
}

async function make() {
  const edge = Number(byId("look").value);
  const made = await api.post("/v1/packages", {
    ...(byId("name").value.trim() ? {name: byId("name").value.trim()} : {}),
    ...(whole ? {select: {metadata: whole}} : {items: [...chosen.keys()]}),
    ...(edge ? {image: {width: edge, height: edge}} : {}),
    mode: byId("mode").value, on_missing: "skip"});
  announce(`${made.name}: ${packageWords(made.state)}`);
  whole = null;
  choose([...chosen.values()], false);
  byId("zips-title").focus();
  await follow();
}

async function remove(zip) {
  await api.remove(`/v1/packages/${zip.id}`);
  byId("zips-title").focus();
  await follow();
}

// ---- the key

async function enter(key) {
  const mine = new Api(key);
  api = mine;
  try {
    await showPictures();
  } catch (error) {
    return api === mine ? leave(refusalOf(error).message) : undefined;
  }
  if (api !== mine) return;
  memory.set("app-key", key);
  byId("key-form").hidden = true;
  byId("board").hidden = false;
  byId("leave").hidden = false;
  await attempt(follow);
}

function leave(why = "") {
  round += 1;
  api = null;
  whole = null;
  chosen.clear();
  memory.set("app-key", null);
  byId("board").hidden = true;
  byId("leave").hidden = true;
  byId("key-form").hidden = false;
  byId("key-problem").textContent = why;
  byId("key").focus();
}

function onSubmit(form, call) {
  byId(form).addEventListener("submit", (event) => {
    event.preventDefault();
    call();
  });
}

function onClick(button, call) {
  byId(button).addEventListener("click", call);
}

function listen() {
  onSubmit("key-form", () => {
    const key = byId("key").value.trim();
    byId("key").value = "";
    enter(key);
  });
  onSubmit("search", () => attempt(search));
  onSubmit("make", () => attempt(make));
  onClick("choose-shown", () => {
    whole = null;
    choose(view.shown, true);
  });
  onClick("choose-matching", () => {
    chosen.clear();
    whole = {...view.filter};
    showChoice();
  });
  onClick("choose-none", () => {
    whole = null;
    choose([...chosen.values()], false);
  });
  onClick("older", () => {
    view.cursor = view.next;
    attempt(showPictures);
  });
  onClick("newest", () => {
    view.cursor = null;
    attempt(showPictures);
    byId("query").focus();
  });
  onClick("leave", () => leave());
  addEventListener("hashchange", start);
}

/** `#key=…` enters with that key, also in a tab that is open already. */
function start() {
  const key = takeFromFragment("key") ?? (api ? null : memory.get("app-key"));
  if (key) enter(key);
  else if (!api) leave();
}

listen();
await loadWords().catch(() => {});
start();
