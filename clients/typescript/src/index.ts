/** photogate for servers and scripts on Node: uploads, tokens, packages, and callbacks that are verified. */
import { Client, type ClientOptions } from "./client.js";
import { nodeTransport } from "./node.js";

export { type ClientOptions, type CreatedUpload, type Repeatable, type UploadFilter, isFinal } from "./client.js";
export * from "./errors.js";
export type { Retry } from "./http.js";
export { fileFromPath } from "./node.js";
export type { SendOptions } from "./send.js";
export type * from "./types.js";
export { type CallbackHeaders, type VerifyOptions, verifyCallback, verifySignature } from "./webhooks.js";

/** With an app server's key (`pg_…`) or a client token (`pgt_…`). */
export class Photogate extends Client {
  constructor(baseUrl: string, credential: string, options: ClientOptions = {}) {
    super(baseUrl, credential, options, nodeTransport);
  }
}
