/** photogate for pages: uploads with a client token. */
import { Client, type ClientOptions } from "./client.js";
import { xhrTransport } from "./xhr.js";

export { type ClientOptions, type CreatedUpload, type Repeatable, isFinal } from "./client.js";
export * from "./errors.js";
export type { Retry } from "./http.js";
export type { SendOptions } from "./send.js";
export type * from "./types.js";

/** With a client token (`pgt_…`), which an app server makes with `createToken`. An app server's key must not reach a browser. */
export class Photogate extends Client {
  constructor(baseUrl: string, token: string, options: ClientOptions = {}) {
    if (!token.startsWith("pgt_")) throw new TypeError("a page needs a client token (pgt_…); a key must not reach a browser");
    super(baseUrl, token, options, xhrTransport);
  }
}
