// How it is with a package, as a person reads it: its state, its progress, what is in it.
import {formatSeconds, formatSize, h} from "/assets/dom.js";
import {packageWords} from "/assets/words.js";

export const unfinished = new Set(["preparing", "queued", "building"]);
export const counted = (count) => (count === 1 ? "one picture" : `${count} pictures`);

/** What is done of one that is not ready, of all that is to be done; null where nothing is known. */
function progressOf(zip) {
  if (zip.state === "preparing") return {done: zip.prepared, all: zip.items, text: `${zip.prepared} of ${zip.items} made`};
  if (!zip.progress || !unfinished.has(zip.state)) return null;
  const {items, bytes, seconds_left: left} = zip.progress;
  const time = left === null ? "" : `, about ${formatSeconds(left)} left`;
  return {done: bytes, all: zip.size, text: `${items} of ${zip.items} pictures, ${formatSize(bytes)} of ${formatSize(zip.size)}${time}`};
}

/** Its state in words, and the progress of one that is not finished. */
export function howItIs(zip) {
  const progress = progressOf(zip);
  const said = h("div", {}, packageWords(zip.state === "failed" && zip.failure === "gone" ? "gone" : zip.state));
  if (!progress) return said;
  const bar = h("progress", {max: String(progress.all || 1), value: String(progress.done), "aria-label": `Progress of ${zip.name}`});
  return h("div", {}, said, bar, h("div", {}, progress.text));
}

export function contentsOf(zip) {
  const size = zip.size ? `, ${formatSize(zip.size)}` : "";
  return `${counted(zip.items)}${size}${zip.missing ? `, ${zip.missing} could not be had` : ""}`;
}
