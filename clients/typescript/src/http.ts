import { AbortedError, NetworkError } from "./errors.js";

export interface Request {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: Blob | string | null;
  /** Milliseconds in which nothing passes. */
  timeout: number;
  signal?: AbortSignal | undefined;
  /** Bytes of the body that have been sent so far. */
  onProgress?: ((sent: number) => void) | undefined;
}

export interface Answer {
  status: number;
  header(name: string): string | null;
  text: string;
}

/** One exchange: rejects with a NetworkError where there is no answer, and with an AbortedError once the signal says so. */
export type Transport = (request: Request) => Promise<Answer>;

/**
 * How often and how long: the nth pause is half to all of `base * 2 ** n` milliseconds, at most `most`.
 * A longer pause that the server asks for by Retry-After is kept, up to `mostRetryAfter`; beyond it the error is thrown at once.
 */
export interface Retry {
  attempts: number;
  base: number;
  most: number;
  mostRetryAfter: number;
}

export const patient: Retry = { attempts: 6, base: 500, most: 30_000, mostRetryAfter: 60_000 };

/** 32 hex digits that nobody else has. A page that came without TLS has no `crypto.randomUUID`, and Node 18 no `crypto`. */
export function randomName(): string {
  const bytes = Array.from({ length: 16 }, () => Math.floor(Math.random() * 256));
  const random = (globalThis as { crypto?: Crypto }).crypto?.getRandomValues(new Uint8Array(16)) ?? bytes;
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether another attempt may change the status. */
export const isRetried = (status: number): boolean => [408, 425, 429, 500, 502, 503, 504].includes(status);
export const isOk = (answer: Answer): boolean => answer.status >= 200 && answer.status < 300;

/** Milliseconds from now; undefined where the answer says nothing that can be read. */
export function retryAfter(answer: Answer): number | undefined {
  const text = answer.header("retry-after")?.trim() ?? "";
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1000;
  const moment = text.endsWith(" GMT") ? Date.parse(text) : NaN;
  return Number.isNaN(moment) ? undefined : Math.max(0, moment - Date.now());
}

export function mayRepeat(retry: Retry, failures: number, after = 0): boolean {
  return failures < retry.attempts && after <= retry.mostRetryAfter;
}

export function pause(retry: Retry, failures: number, after?: number, signal?: AbortSignal): Promise<void> {
  const milliseconds = after ?? Math.min(retry.most, retry.base * 2 ** Math.min(failures, 16)) * (0.5 + Math.random() / 2);
  return new Promise((resolve, reject) => {
    const aborted = () => {
      clearTimeout(timer);
      reject(new AbortedError("the upload was aborted"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    }, milliseconds);
    if (signal?.aborted) aborted();
    else signal?.addEventListener("abort", aborted, { once: true });
  });
}

/** With the platform's `fetch`; it tells no progress. */
export const fetchTransport: Transport = async ({ method, url, headers, body, timeout, signal }) => {
  if (signal?.aborted) throw new AbortedError("the upload was aborted");
  const controller = new AbortController();
  const end = () => controller.abort();
  const timer = setTimeout(end, timeout);
  signal?.addEventListener("abort", end, { once: true });
  try {
    const answer = await fetch(url, { method, headers, body, signal: controller.signal, redirect: "error", credentials: "omit", cache: "no-store" });
    const text = await answer.text();
    return { status: answer.status, header: (name) => answer.headers.get(name), text };
  } catch (error) {
    if (signal?.aborted) throw new AbortedError("the upload was aborted");
    throw new NetworkError(`${method} at ${new URL(url).host}: ${controller.signal.aborted ? "timed out" : String(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }
};
