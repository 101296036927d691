import type { Problem } from "./types.js";

/** The base of all errors of this library. */
export class PhotogateError extends Error {
  override name = "PhotogateError";
}

/**
 * The gateway refused a request. Programs branch on `code`, which is stable: the gateway's page /docs/errors lists them.
 * `code` is `http_502` and the like where something in front of the gateway answered.
 */
export class ProblemError extends PhotogateError {
  override name = "ProblemError";
  readonly code: string;
  readonly title: string;
  readonly detail: string | undefined;
  readonly requestId: string | undefined;
  readonly errors: { pointer: string; code: string; detail: string }[];

  /** `retryAfter`: seconds after which the gateway wants to be asked again. */
  constructor(readonly status: number, problem: Partial<Problem>, requestId?: string, readonly retryAfter?: number) {
    const code = problem.code ?? `http_${status}`;
    const title = problem.title ?? `the answer was ${status}`;
    const request = problem.request_id ?? requestId;
    super(`${problem.detail ?? title} (${code}, ${status}, request ${request ?? "unknown"})`);
    this.code = code;
    this.title = title;
    this.detail = problem.detail;
    this.requestId = request;
    this.errors = problem.errors ?? [];
  }
}

/** No answer came: the connection was refused, cut or timed out. */
export class NetworkError extends PhotogateError {
  override name = "NetworkError";
}

/** Where the file was sent to, it was refused: by the object store, or by the gateway's resumable URL. */
export class StoreError extends PhotogateError {
  override name = "StoreError";
  readonly code: string | undefined;

  constructor(readonly status: number, readonly body: string) {
    const found = /<Code>([^<]*)<\/Code>|"code"\s*:\s*"([^"]*)"/.exec(body);
    const code = found?.[1] ?? found?.[2];
    super(`the store answered ${status}${code ? ` ${code}` : ""}`);
    this.code = code;
  }
}

/** The caller ended the upload by its signal. */
export class AbortedError extends PhotogateError {
  override name = "AbortedError";
}

/** A callback can't be trusted: answer it with 400 and do nothing else. */
export class SignatureError extends PhotogateError {
  override name = "SignatureError";
}
