// Pictures that are not sent yet, kept in this browser (IndexedDB), so that a reload of the page loses none of them.
//
// Kept are the file and what its upload needs to continue, under the id of the client token that the upload belongs to. An entry is
// removed when its picture has ended, and a day after it was chosen at the latest, as soon as the page is opened. A browser that keeps
// nothing (a private window, a full disk) costs the reload alone: no call here throws.

const longest = 24 * 3600 * 1000;  // ms; the gateway keeps what has arrived for as long
const budget = 256 * 1000 * 1000;  // bytes of the files of this page; a copy of each stands on the device's disk
const kept = new Map();  // ids, with the bytes of their files
let opened = null;

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function database() {
  opened ??= (() => {
    const request = indexedDB.open("photogate", 1);
    request.onupgradeneeded = () => {
      for (const name of ["files", "pictures"]) request.result.createObjectStore(name, {keyPath: "id"});
    };
    return settled(request);
  })();
  return opened;
}

/** `run` gets both stores in one transaction; the result of the request that it returns, or null. */
async function attempt(mode, run) {
  try {
    const transaction = (await database()).transaction(["files", "pictures"], mode);
    return await settled(run(transaction.objectStore("files"), transaction.objectStore("pictures")));
  } catch {
    return null;
  }
}

/** Keeps {id, token, at, …}, and the file at the first call for that id. */
export async function keep(entry, file) {
  const first = !kept.has(entry.id);
  if (first && file.size + [...kept.values()].reduce((sum, size) => sum + size, 0) > budget) return;
  kept.set(entry.id, file.size);
  const done = await attempt("readwrite", (files, pictures) => {
    if (first) files.put({id: entry.id, file});
    return pictures.put(entry);
  });
  if (done === null) kept.delete(entry.id);
}

export async function drop(id) {
  kept.delete(id);
  await attempt("readwrite", (files, pictures) => {
    files.delete(id);
    return pictures.delete(id);
  });
}

/** What is kept of this token, in the order in which it was chosen, each with its `file`. */
export async function keptOf(token) {
  const all = await attempt("readonly", (files, pictures) => pictures.getAll()) ?? [];
  const ended = Date.now() - longest;
  const found = [];
  for (const entry of all.sort((a, b) => a.at - b.at)) {
    if (entry.at < ended) {
      await drop(entry.id);
    } else if (entry.token === token) {
      const file = (await attempt("readonly", (files) => files.get(entry.id)))?.file;
      if (!file) continue;
      kept.set(entry.id, file.size);
      found.push({...entry, file});
    }
  }
  return found;
}
