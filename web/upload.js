// The upload page: a client of the public interface, with a client token.
import {Api, readToken} from "/assets/api.js";
import {byId, formatSize, h, memory, takeFromFragment} from "/assets/dom.js";
import {Picture} from "/assets/picture.js";

const atOnce = 3;
const pictures = [];
let api = null;

function announce(text) {
  byId("announce").textContent = text;
}

function useToken(token) {
  const claims = readToken(token);
  if (!claims) {
    byId("token-problem").textContent = "That is no client token: it begins with pgt_ and has one full stop.";
    return false;
  }
  memory.set("token", token);
  api = new Api(token);
  const ends = new Date(claims.expires * 1000);
  byId("permit").textContent = `As ${claims.app}, profile ${claims.profile}: up to ${claims.uploads} pictures` +
    (claims.bytes ? `, ${formatSize(claims.bytes)} in all` : "") + `, until ${ends.toLocaleString()}.`;
  byId("token-form").hidden = true;
  byId("choose").hidden = false;
  return true;
}

function askForToken(problem = "") {
  byId("token-form").hidden = false;
  byId("choose").hidden = true;
  byId("token-problem").textContent = problem;
}

function showTotals() {
  const done = pictures.filter((picture) => picture.state === "published");
  const before = done.reduce((sum, picture) => sum + picture.file.size, 0);
  const after = done.reduce((sum, picture) => sum + picture.upload.image.size, 0);
  const text = `${done.length} of ${pictures.length} published` +
    (done.length ? `, ${formatSize(before)} became ${formatSize(after)}` : "");
  byId("totals").textContent = text;
  document.title = pictures.length ? `${done.length}/${pictures.length} published` : "Upload pictures";
}

function fillLine() {
  const busy = pictures.filter((picture) => picture.busy()).length;
  for (const picture of pictures.filter((each) => each.state === "waiting").slice(0, Math.max(0, atOnce - busy))) {
    picture.run(api).catch((error) => picture.fail(error));
  }
}

function changed(picture, said) {
  showTotals();
  if (said) announce(`${picture.file.name}: ${said}`);
  if (picture.tokenEnded) askForToken("The token has ended or is used up. Get another from your app.");
  fillLine();
}

function take(files) {
  const images = [...files];
  if (!images.length || !api) return;
  for (const file of images) {
    const picture = new Picture(file, changed);
    pictures.push(picture);
    byId("list").prepend(picture.element);
  }
  byId("results").hidden = false;
  announce(`${images.length === 1 ? "One picture" : `${images.length} pictures`} taken.`);
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
  if (pictures.some((picture) => picture.busy())) event.preventDefault();
});
// A changed URL fragment may bring another token.
function start() {
  const given = takeFromFragment("token") ?? memory.get("token");
  if (!given || !useToken(given)) askForToken(given ? "The token in the address is not whole." : "");
}
addEventListener("hashchange", () => location.hash.startsWith("#token=") && start());
start();
