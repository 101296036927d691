// The rest of a file, sent through the gateway from the byte up to which it has arrived (tus 1.0.0; docs/resumable.md).

const tus = {"Tus-Resumable": "1.0.0"};

/** The gateway knows no such upload any more, or takes no more of it. */
export class NotResumable extends Error {}

/** Of a request that had no answer, or one that says that later may help. */
export class Broken extends Error {}

function judge(status) {
  if (status === 0 || status === 408 || status === 409 || status === 429 || status >= 500) return new Broken();
  return new NotResumable();
}

/** On this page's own origin: the gateway that has served the page also takes the bytes. */
export const placeOf = (grant) => grant?.resumable ? new URL(grant.resumable.url, location.href).pathname : null;

/** How many bytes have arrived. */
export async function arrivedBytes(place, signal) {
  const answer = await fetch(place, {method: "HEAD", headers: tus, signal, cache: "no-store", credentials: "omit"}).catch((error) => {
    throw error.name === "AbortError" ? error : new Broken();
  });
  if (!answer.ok) throw judge(answer.status);
  return Number(answer.headers.get("Upload-Offset"));
}

/** Sends what has not arrived yet. `progress(bytes)` is called with what has arrived and is on its way. */
export async function sendRest(place, file, {signal, progress}) {
  const offset = await arrivedBytes(place, signal);
  progress(offset);
  if (offset === file.size) return;
  await new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    signal.addEventListener("abort", () => request.abort(), {once: true});
    request.open("PATCH", place);
    for (const [header, value] of Object.entries({...tus, "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream"})) {
      request.setRequestHeader(header, value);
    }
    request.upload.addEventListener("progress", (event) => progress(offset + event.loaded));
    request.addEventListener("load", () => request.status === 204 ? resolve() : reject(judge(request.status)));
    for (const type of ["error", "abort"]) request.addEventListener(type, () => reject(new Broken()));
    request.send(file.slice(offset));
  });
}
