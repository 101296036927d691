// What a picture's metadata say, for people.
import {formatTime, h} from "/assets/dom.js";

const labels = {lens: "Lens", taken_at: "Taken", software: "Software", orientation: "Orientation"};

/** 0.01333 is `1/75 s`, 2.5 is `2.5 s`. */
export function exposureTime(seconds) {
  if (seconds >= 0.3) return `${Number(seconds.toFixed(1))} s`;
  return `1/${Math.round(1 / seconds)} s`;
}

const exposureParts = {
  seconds: (value) => (value > 0 ? exposureTime(value) : null),
  f_number: (value) => `f/${Number(value.toFixed(1))}`,
  iso: (value) => `ISO ${value}`,
  focal_length_mm: (value) => `${Number(value.toFixed(1))} mm`,
  focal_length_35mm: (value) => `${value} mm (35 mm film)`,
};

export function exposureText(exposure) {
  return Object.entries(exposureParts).filter(([name]) => Number.isFinite(exposure[name]))
    .map(([name, write]) => write(exposure[name])).filter(Boolean).join(", ");
}

const turned = {1: "upright", 2: "mirrored", 3: "upside down", 4: "upside down, mirrored", 5: "on its side, mirrored", 6: "on its side", 7: "on its side, mirrored", 8: "on its side"};

function valueText(name, value) {
  if (name === "taken_at") return formatTime(value) || String(value);
  if (name === "orientation") return turned[value] ?? "";
  return typeof value === "object" ? "" : String(value);
}

function positionItem({latitude, longitude}) {
  return h("li", {}, "Position: ", h("a", {
    href: `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=15/${latitude}/${longitude}`,
    target: "_blank", rel: "noopener noreferrer",
  }, `${latitude.toFixed(5)}, ${longitude.toFixed(5)} on a map`));
}

/** `Canon EOS R5`: many models begin with their maker. */
function cameraText({make, model}) {
  if (!make || !model) return make || model || "";
  return model.toLowerCase().startsWith(make.toLowerCase()) ? model : `${make} ${model}`;
}

/** The list of `exif`, as an upload has it. A position is present only if the profile reports it. */
export function foundList(exif) {
  if (!exif) return "not reported";
  const items = [];
  if (cameraText(exif)) items.push(h("li", {}, `Camera: ${cameraText(exif)}`));
  for (const [name, label] of Object.entries(labels)) {
    const text = exif[name] === null || exif[name] === undefined ? "" : valueText(name, exif[name]);
    if (text) items.push(h("li", {}, `${label}: ${text}`));
  }
  const exposure = exif.exposure ? exposureText(exif.exposure) : "";
  if (exposure) items.push(h("li", {}, `Exposure: ${exposure}`));
  if (exif.gps && Number.isFinite(exif.gps.latitude) && Number.isFinite(exif.gps.longitude)) items.push(positionItem(exif.gps));
  const shown = new Set([...Object.keys(labels), "make", "model", "exposure", "gps", "raw"]);
  const more = Object.keys(exif.raw ?? {}).length + Object.keys(exif).filter((name) => !shown.has(name) && exif[name] !== null).length;
  if (more) items.push(h("li", {}, `${more} more ${more === 1 ? "field" : "fields"}`));
  return items.length ? h("ul", {}, ...items) : "none";
}

/** What the check of the published bytes found. */
export function leftText(privacy) {
  if (!privacy) return "not checked";
  const left = privacy.metadata_remaining ?? [];
  if (left.length) return left.join(", ");
  if (privacy.gps_removed) return "none; its position was removed";
  return `none${privacy.metadata_found?.length === 0 ? "; the original had none" : "; the original had no position"}`;
}
