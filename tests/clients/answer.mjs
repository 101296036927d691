// What the drivers of the TypeScript library answer, in Node and in a page. Plain JavaScript, so that a page can have it as it is.

function clientOf(photogate, asked) {
  const seconds = asked.base ?? 0.05;
  return new photogate.Photogate(asked.gateway, asked.credential, { timeout: (asked.timeout ?? 30) * 1000, retry: { attempts: asked.attempts ?? 6, base: seconds * 1000 } });
}

/** Options of an upload: its way, and a progress that is recorded, and may abort. */
function watched(asked) {
  const seen = [];
  const controller = new AbortController();
  const onProgress = (sent, total) => {
    seen.push([sent, total]);
    if (asked.abort_after !== undefined && sent >= asked.abort_after) controller.abort();
  };
  return { seen, options: { way: asked.way ?? "auto", onProgress, signal: controller.signal } };
}

async function fileOf(photogate, asked) {
  if (asked.file) return photogate.fileFromPath(asked.file);
  const bytes = Uint8Array.from(atob(asked.bytes), (each) => each.charCodeAt(0));
  return new File([bytes], asked.name, { type: asked.name.endsWith(".png") ? "image/png" : "image/jpeg" });
}

const told = (upload, seen) => ({ upload, progress: { calls: seen.length, last: seen.at(-1) ?? null, lowest: Math.min(...seen.map(([sent]) => sent)) } });

async function all(iterable, each) {
  const found = [];
  for await (const one of iterable) found.push(each(one));
  return found;
}

async function answer(photogate, asked) {
  if (asked.op === "verify") {
    const options = { ...(asked.now === undefined ? {} : { now: asked.now }), ...(asked.tolerance === undefined ? {} : { tolerance: asked.tolerance }) };
    const check = asked.parse ? photogate.verifyCallback : photogate.verifySignature;
    return check(asked.secrets, asked.headers, Uint8Array.from(atob(asked.body), (each) => each.charCodeAt(0)), options) ?? null;
  }
  const client = clientOf(photogate, asked);
  const key = asked.idempotency_key ? { idempotencyKey: asked.idempotency_key } : {};
  switch (asked.op) {
    case "create": return client.createUpload(asked.wanted, key);
    case "batch": return client.createUploads(asked.uploads, key);
    case "upload": {
      const { seen, options } = watched(asked);
      return told(await client.upload(await fileOf(photogate, asked), asked.wanted, { ...options, ...key, wait: asked.wait ?? 60 }), seen);
    }
    case "send": {
      const { seen, options } = watched(asked);
      return told(await client.send(asked.created, await fileOf(photogate, asked), options), seen);
    }
    case "wait": return client.waitForUpload(asked.id, { seconds: asked.seconds });
    case "list": return all(client.listUploads({ pageSize: asked.page_size, ...(asked.metadata && { metadata: asked.metadata }), ...(asked.state && { state: asked.state }) }), ({ id }) => id);
    case "events": return all(client.events(asked.after, { pageSize: asked.page_size }), ({ data, next }) => ({ page: data.map(({ type }) => type), next }));
    case "list_packages": return all(client.listPackages({ pageSize: asked.page_size }), ({ id }) => id);
    case "create_package": return client.createPackage(asked.wanted, key);
    case "get_package": return client.getPackage(asked.id, { wait: asked.wait });
    case "create_token": return client.createToken(asked.wanted);
    case "get_profile": return client.getProfile(asked.wanted.profile);
    case "image_url": return client.imageUrl(asked.id, asked.wanted);
    case "package_url": return client.packageUrl(asked.id, asked.wanted);
    case "get_upload": return client.getUpload(asked.id);
    case "delete_upload": return client.deleteUpload(asked.id);
    case "delete_package": return client.deletePackage(asked.id);
    default: throw new Error(`no such op: ${asked.op}`);
  }
}

async function answered(photogate, asked) {
  try {
    return { ok: await answer(photogate, asked) };
  } catch (error) {
    if (error instanceof photogate.ProblemError) {
      const { status, code, title, detail, requestId, errors, retryAfter } = error;
      return { error: { type: "problem", status, code, title, detail, request_id: requestId, errors, retry_after: retryAfter } };
    }
    if (error instanceof photogate.StoreError) return { error: { type: "store", status: error.status, code: error.code } };
    if (error instanceof photogate.PhotogateError) return { error: { type: error.name.replace("Error", "").toLowerCase(), message: error.message } };
    if (error instanceof TypeError) return { error: { type: "usage", message: error.message } };
    throw error;
  }
}
