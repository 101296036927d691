import * as fs from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import { basename, extname } from "node:path";
import { AbortedError, NetworkError } from "./errors.js";
import type { Transport } from "./http.js";

const types: Record<string, string> = {
  ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".gif": "image/gif", ".avif": "image/avif",
  ".heic": "image/heic", ".heif": "image/heif", ".tif": "image/tiff", ".tiff": "image/tiff",
};

/** A file of the disk, which is read as it is sent; before Node 20, at once. */
export async function fileFromPath(path: string, type = types[extname(path).toLowerCase()] ?? ""): Promise<Blob & { name: string }> {
  const open = (fs as Partial<typeof fs>).openAsBlob;
  const blob = open ? ((await open(path, { type })) as unknown as Blob) : new Blob([new Uint8Array(await fs.promises.readFile(path))], { type });
  return Object.assign(blob, { name: basename(path) });
}

/** With node:http: Node's `fetch` tells no progress, and loses answers that come before the whole body was sent. */
export const nodeTransport: Transport = ({ method, url, headers, body, timeout, signal, onProgress }) =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new AbortedError("the upload was aborted"));
    const target = new URL(url);
    const blob = typeof body === "string" ? new Blob([body]) : body;
    const length = blob ? { "Content-Length": String(blob.size) } : {};
    const request = (target.protocol === "https:" ? https : http).request(target, { method, headers: { ...headers, ...length }, agent: false });
    let answered = false;
    const aborted = () => request.destroy(new AbortedError("the upload was aborted"));
    const fail = (error: Error) => {
      signal?.removeEventListener("abort", aborted);
      reject(error instanceof AbortedError ? error : new NetworkError(`${method} at ${target.host}: ${error.message}`, { cause: error }));
    };
    signal?.addEventListener("abort", aborted, { once: true });
    request.setTimeout(timeout, () => request.destroy(new Error("timed out")));
    request.on("response", (response) => {
      answered = true;
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", fail);
      response.on("aborted", () => fail(new Error("the answer was cut")));
      response.on("end", () => {
        signal?.removeEventListener("abort", aborted);
        request.destroy();
        const answer = response.headers;
        resolve({ status: response.statusCode ?? 0, header: (name) => answer[name.toLowerCase()]?.toString() ?? null, text: Buffer.concat(chunks).toString() });
      });
    });
    // A server may answer, and close, before it has taken the whole body: then the answer counts.
    request.on("error", (error) => {
      if (!answered) fail(error);
    });
    const pour = async () => {
      let sent = 0;
      if (blob) {
        const reader = blob.stream().getReader();
        for (let step = await reader.read(); !step.done && !request.destroyed && !answered; step = await reader.read()) {
          const chunk = step.value;
          if (!request.write(chunk)) await new Promise<void>((on) => { request.once("drain", on); request.once("close", on); });
          sent += chunk.byteLength;
          onProgress?.(sent);
        }
      }
      request.end();
    };
    pour().catch((error: unknown) => request.destroy(error instanceof Error ? error : new Error(String(error))));
  });
