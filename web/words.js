// What people read: the sentences of /assets/words.json, which the error reference shows too.
import {ApiError} from "/assets/api.js";
import {formatSize} from "/assets/dom.js";

const ours = "Something went wrong on our side. Please try again; if it happens again, tell the people who run the app.";
let table = {errors: {}, rejections: {}, states: {}, packages: {}};

/** Without the file every error has the one general sentence. */
export async function loadWords() {
  const answer = await fetch("/assets/words.json");
  if (answer.ok) table = await answer.json();
}

/** A problem of one upload, in the words of the person who uploads. `retry`: the same file may succeed later. */
export class Refusal extends Error {
  constructor(text, {retry = false, code = ""} = {}) {
    super(text);
    this.retry = retry;
    this.code = code;
  }
}

const list = new Intl.ListFormat("en", {type: "disjunction"});
const names = {
  "image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WebP", "image/gif": "GIF", "image/heic": "HEIC", "image/heif": "HEIC",
  "image/avif": "AVIF", "image/tiff": "TIFF",
};

/** `JPEG, PNG, or HEIC`, of media types. */
export function formatNames(types) {
  return list.format([...new Set(types.map((type) => names[type] ?? type.replace("image/", "").toUpperCase()))]);
}

export function tooLarge(size, limit) {
  return `This picture is too large: it has ${formatSize(size)}, and ${formatSize(limit)} are permitted. Please choose a smaller one.`;
}

/** The code that says most: of the first wrong field where fields are wrong. */
function codeOf(error) {
  return table.errors[error.fields?.[0]?.code] ? error.fields[0].code : error.code;
}

/** What to say of whatever was thrown. */
export function refusalOf(error) {
  if (error instanceof Refusal) return error;
  if (!(error instanceof ApiError)) return new Refusal(ours, {retry: true});
  const code = codeOf(error);
  const mayHelp = error.status >= 500 || error.status === 429 || error.status === 408 || code === "object_not_found";
  return new Refusal(table.errors[code]?.say ?? ours, {retry: mayHelp, code});
}

/** What to say of an upload that ended otherwise than published. */
export function endingOf(upload) {
  const said = table.rejections[upload.rejection?.code]?.say ?? table.states[upload.state]?.say ?? ours;
  return upload.state === "rejected" ? said : table.states[upload.state]?.say ?? said;
}

/** How it is with a package in that state; `gone`: of one that a deletion ended. */
export function packageWords(state) {
  return table.packages[state]?.say ?? state;
}
