// What can be known of a file before it is sent: whether it has bytes, is small enough, and is a picture.
//
// The gateway judges the bytes again; a check here only saves the person the wait.
import {Refusal, formatNames, tooLarge} from "/assets/words.js";

const heic = /^(heic|heix|heim|heis|hevc|hevx|mif1|msf1)$/;

/** The media type of a picture by its first bytes; null: none that is known; "": a known kind that is no photo. */
export function sniff(bytes) {
  const text = String.fromCharCode(...bytes);
  if (text.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (/^GIF8[79]a/.test(text)) return "image/gif";
  if (/^RIFF[^]{4}WEBP/.test(text)) return "image/webp";
  if (/^(II\*\0|MM\0\*)/.test(text)) return "image/tiff";
  if (text.slice(4, 8) === "ftyp") {
    const brands = text.slice(8).match(/[^]{4}/g) ?? [];
    if (brands.some((brand) => /^avi[fs]$/.test(brand))) return "image/avif";
    if (brands.some((brand) => heic.test(brand))) return "image/heic";
    return "";
  }
  return null;
}

async function firstBytes(file) {
  try {
    return new Uint8Array(await file.slice(0, 64).arrayBuffer());
  } catch {
    throw new Refusal("This file can't be read any more: it was moved, changed or is a folder. Please choose it again.");
  }
}

/** Throws a Refusal. `profile` is the answer of /v1/profile; null: unknown, and the gateway alone judges. */
export async function check(file, profile) {
  const bytes = await firstBytes(file);
  if (file.size === 0) throw new Refusal("This file is empty. Please choose another one.");
  const found = sniff(bytes);
  const accepted = profile ? ` Please choose a ${formatNames(profile.content_types)} picture.` : " Please choose a photo.";
  if (found === "") throw new Refusal(`This is a video, not a picture.${accepted}`);
  if (found === null) {
    const named = file.type.startsWith("image/") && !/\.(jpe?g|png|gif|webp|heic|heif|avif|tiff?)$/i.test(file.name);
    throw new Refusal(named ? `Pictures of this format are not accepted.${accepted}` : `This file is not a picture.${accepted}`);
  }
  if (!profile) return;
  if (!profile.content_types.includes(found)) throw new Refusal(`${formatNames([found])} pictures are not accepted here.${accepted}`);
  if (file.size > profile.max_size) throw new Refusal(tooLarge(file.size, profile.max_size));
}
