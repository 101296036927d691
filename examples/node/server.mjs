// An app server with uploads: it asks photogate for each upload, hears of the result by a signed callback, and shows the pictures.
//
// Node's standard library alone. PHOTOGATE_URL, PHOTOGATE_KEY and CALLBACK_SECRET say which photogate; PORT, where this listens.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { signingRoutes } from "./signing.mjs";

const { PHOTOGATE_URL, PHOTOGATE_KEY, PHOTOGATE_PROFILE = "photos", CALLBACK_SECRET, PORT = "3000" } = process.env;
for (const [name, value] of Object.entries({ PHOTOGATE_URL, PHOTOGATE_KEY, CALLBACK_SECRET })) {
  if (!value) throw new Error(`${name} is not set`);
}
const page = readFileSync(new URL("../page.html", import.meta.url));
const pictures = new Map(); // by upload id; an app has a table for them

// ---- photogate

async function photogate(method, path, body, idempotencyKey) {
  const headers = { Authorization: `Bearer ${PHOTOGATE_KEY}` };
  if (body) headers["Content-Type"] = "application/json";
  if (idempotencyKey) headers["Idempotency-Key"] = idempotencyKey;
  const answer = await fetch(PHOTOGATE_URL + path, { method, headers, body: body && JSON.stringify(body) });
  return { status: answer.status, body: await answer.json().catch(() => ({})) };
}

/** Asks for an upload; what is asked beside the file's facts is the app's own matter: who asks, for what, and how often. */
async function createUpload(wanted, idempotencyKey) {
  const { status, body } = await photogate("POST", "/v1/uploads", { profile: PHOTOGATE_PROFILE, ...wanted }, idempotencyKey);
  if (status === 201 && !pictures.has(body.id)) pictures.set(body.id, { id: body.id, name: wanted.filename, state: "created", sequence: 0 });
  return { status, body };
}

/** Whether the body (a Buffer) was signed with the secret in the last five minutes. */
function verify(secret, headers, body) {
  const [id, stamp, signatures] = ["id", "timestamp", "signature"].map((name) => String(headers[`webhook-${name}`] ?? ""));
  if (!id || !/^[0-9]{1,11}$/.test(stamp) || Math.abs(Date.now() / 1000 - Number(stamp)) > 300) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const expected = createHmac("sha256", key).update(`${id}.${stamp}.`).update(body).digest();
  return signatures.split(" ").some((entry) => {
    const given = Buffer.from(entry.replace(/^v1,/, ""), "base64");
    return entry.startsWith("v1,") && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

/** Callbacks may come twice and out of order: `sequence` says which is newer. */
function record({ data }) {
  const known = pictures.get(data.id);
  if (!known || data.sequence <= known.sequence) return;
  pictures.set(data.id, { id: data.id, name: known.name, state: data.state, sequence: data.sequence, url: data.image?.url,
    width: data.image?.width, height: data.image?.height, reason: data.rejection?.code });
}

// ---- this server

async function bodyOf(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > 1_000_000) throw Object.assign(new Error("the body is too large"), { status: 413 });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function jsonOf(request) {
  try {
    return JSON.parse((await bodyOf(request)).toString() || "{}");
  } catch (error) {
    throw Object.assign(error, { status: error.status ?? 400 });
  }
}

function answer(response, status, body, reason) {
  response.writeHead(status, reason, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}

const routes = [
  ["GET", /^\/$/, (request, response) => response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(page)],
  ["GET", /^\/pictures$/, (request, response) => answer(response, 200, [...pictures.values()].reverse())],
  ["POST", /^\/uploads$/, async (request, response) => {
    const { name, type, size } = await jsonOf(request);
    const { status, body } = await createUpload({ filename: name, content_type: type || undefined, size }, request.headers["idempotency-key"]);
    if (status !== 201) return answer(response, status, { problem: body.detail ?? body.title });
    answer(response, 201, { id: body.id, upload: body.upload });
  }],
  ["POST", /^\/uploads\/(upl_\w+)\/complete$/, async (request, response, [id]) => {
    const { status, body } = await photogate("POST", `/v1/uploads/${id}/complete`);
    answer(response, status, status === 200 ? {} : { problem: body.detail ?? body.title });
  }],
  ["POST", /^\/hooks$/, async (request, response) => {
    const body = await bodyOf(request);
    if (!verify(CALLBACK_SECRET, request.headers, body)) return response.writeHead(400).end();
    record(JSON.parse(body));
    response.writeHead(204).end();
  }],
  // What Uppy, ActiveStorage, Vapor and better-upload ask of a server; remove the line if the page above is the only client.
  ...signingRoutes({ photogate, createUpload, jsonOf, answer }),
];

createServer(async (request, response) => {
  let url;
  try {
    url = new URL(request.url, "http://localhost");
  } catch {
    return answer(response, 400, { problem: "the address of the request is none" });
  }
  const { pathname, searchParams } = url;
  for (const [method, pattern, handle] of routes) {
    const match = request.method === method && pathname.match(pattern);
    if (!match) continue;
    try {
      return await handle(request, response, match.slice(1).map(decodeURIComponent), searchParams);
    } catch (error) {
      if (!error.status) console.error(error);
      return response.headersSent ? response.end() : answer(response, error.status ?? 502, { problem: error.status ? error.message : "photogate did not answer" });
    }
  }
  answer(response, 404, { problem: "there is no such page" });
}).listen(Number(PORT), "127.0.0.1", () => console.log(`http://127.0.0.1:${PORT}`));
