import { createHmac, timingSafeEqual } from "node:crypto";
import { SignatureError } from "./errors.js";
import type { Event } from "./types.js";

export type CallbackHeaders = Headers | Record<string, string | string[] | undefined>;

export interface VerifyOptions {
  /** Seconds that the timestamp may differ from the clock, either way: 300. */
  tolerance?: number;
  /** Seconds since 1970, in place of the clock. */
  now?: number;
}

function keysOf(secrets: string | string[]): Buffer[] {
  const keys = [secrets].flat().map((secret) => {
    const text = secret.replace(/^whsec_/, "");
    if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text) || !text) throw new TypeError("a callback secret is not 'whsec_' and base64");
    return Buffer.from(text, "base64");
  });
  if (!keys.length) throw new TypeError("there is no callback secret");
  return keys;
}

function valueOf(headers: CallbackHeaders, name: string): string {
  if (headers instanceof Headers) return headers.get(name) ?? "";
  const found = Object.entries(headers).find(([each]) => each.toLowerCase() === name)?.[1];
  return (Array.isArray(found) ? found[0] : found) ?? "";
}

/**
 * Throws a SignatureError unless one of the signatures was made with one of the secrets, a short time ago.
 * `body` is the raw body, before any parsing. While a secret is rotated, pass the old one and the new one.
 * A secret that can't be read is a TypeError: a mistake of the configuration, not of the sender.
 */
export function verifySignature(secrets: string | string[], headers: CallbackHeaders, body: string | Uint8Array, options: VerifyOptions = {}): void {
  const keys = keysOf(secrets);
  const [id, stamp, signatures] = ["id", "timestamp", "signature"].map((name) => valueOf(headers, `webhook-${name}`)) as [string, string, string];
  if (!id || !stamp || !signatures) throw new SignatureError("webhook-id, webhook-timestamp or webhook-signature is missing");
  if (!/^[0-9]{1,11}$/.test(stamp)) throw new SignatureError("webhook-timestamp is not a number of seconds");
  if (Math.abs((options.now ?? Date.now() / 1000) - Number(stamp)) > (options.tolerance ?? 300)) {
    throw new SignatureError("webhook-timestamp is too far from this machine's clock");
  }
  const expected = keys.map((key) => Buffer.from(createHmac("sha256", key).update(`${id}.${stamp}.`).update(body).digest("base64")));
  let genuine = false;
  for (const entry of signatures.split(" ")) {
    if (!entry.startsWith("v1,")) continue;
    const given = Buffer.from(entry.slice(3));
    for (const each of expected) genuine = (given.length === each.length && timingSafeEqual(given, each)) || genuine;
  }
  if (!genuine) throw new SignatureError("no signature matches");
}

/** The callback's document, once its signature is verified as `verifySignature` does. It never returns what was not signed. */
export function verifyCallback(secrets: string | string[], headers: CallbackHeaders, body: string | Uint8Array, options: VerifyOptions = {}): Event {
  verifySignature(secrets, headers, body, options);
  let event: unknown;
  try {
    event = JSON.parse(typeof body === "string" ? body : new TextDecoder().decode(body));
  } catch {
    event = null;
  }
  if (typeof event !== "object" || event === null || Array.isArray(event)) throw new SignatureError("the body is signed and is not a JSON object");
  return event as Event;
}
