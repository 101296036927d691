import { AbortedError, NetworkError, ProblemError } from "./errors.js";
import { type Answer, type Retry, type Transport, fetchTransport, isOk, isRetried, mayRepeat, patient, pause, randomName, retryAfter } from "./http.js";
import { type SendOptions, Sender } from "./send.js";
import type {
  Batch, DuplicateUpload, Feed, GrantedUpload, NewPackage, NewPackageUrl, NewToken, NewUpload, NewUrl, Package, PackagePage, PackageUrl, Parts, PartsToSign,
  Problem, Profile, SignedParts, State, Token, Upload, UploadPage, Url,
} from "./types.js";

export type CreatedUpload = GrantedUpload | DuplicateUpload;

export interface ClientOptions {
  /** Milliseconds of each exchange in which nothing passes: 30,000. */
  timeout?: number;
  retry?: Partial<Retry>;
}

export interface Repeatable {
  /** Made where it is absent; it stays the same over all attempts, so that a repeated creation is one. */
  idempotencyKey?: string;
}

export interface UploadFilter {
  state?: State;
  profile?: string;
  created_after?: string;
  metadata?: Record<string, string>;
  similar_to?: string;
  distance?: number;
  app?: string;
  pageSize?: number;
}

type Query = Record<string, string | number | null | undefined>;

const finalStates: readonly string[] = ["published", "rejected", "failed", "expired", "cancelled", "deleted"];
const longestWait = 20;

/** Whether an upload in this state changes no more by itself. */
export const isFinal = (state: State): boolean => finalStates.includes(state);

/**
 * A gateway, as the holder of one credential sees it.
 * Requests that fail are repeated as `retry` says; a creation has an Idempotency-Key that stays the same.
 */
export class Client {
  readonly baseUrl: string;
  readonly timeout: number;
  readonly #credential: string;
  readonly #retry: Retry;
  readonly #transport: Transport;

  constructor(baseUrl: string, credential: string, options: ClientOptions, transport: Transport) {
    if (!/^https?:\/\//.test(baseUrl)) throw new TypeError("baseUrl has to begin with http:// or https://");
    this.baseUrl = baseUrl.replace(/\/+$/, "");
    this.timeout = options.timeout ?? 30_000;
    this.#credential = credential;
    this.#retry = { ...patient, ...options.retry };
    this.#transport = transport;
  }

  /** A presigned upload of one file. Its `upload` is null where `dedupe` found the picture published already. */
  createUpload(wanted: NewUpload, options: Repeatable = {}): Promise<CreatedUpload> {
    return this.#create("/v1/uploads", wanted, options);
  }

  /** Up to 500. Each item of `data` is an upload, or a problem that has `code` and `index`. */
  createUploads(uploads: NewUpload[], options: Repeatable = {}): Promise<Batch> {
    return this.#create("/v1/uploads/batch", { uploads }, options);
  }

  /** With `wait`, the answer comes once the state is final, or after so many seconds (60 at most). */
  getUpload(id: string, { wait }: { wait?: number } = {}): Promise<Upload> {
    return this.#call("GET", `/v1/uploads/${encodeURIComponent(id)}`, { query: { wait: wait || undefined }, timeout: this.timeout + (wait ?? 0) * 1000 });
  }

  /** The upload once its state is final, or as it is after `seconds`: its `state` tells. */
  async waitForUpload(id: string, { seconds = 60, signal }: { seconds?: number; signal?: AbortSignal } = {}): Promise<Upload> {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      if (signal?.aborted) throw new AbortedError("the upload was aborted");
      const left = Math.ceil((deadline - Date.now()) / 1000);
      const upload = await this.getUpload(id, { wait: Math.max(0, Math.min(longestWait, left)) });
      if (isFinal(upload.state) || Date.now() >= deadline) return upload;
    }
  }

  /** All uploads that are so, newest first; pages are fetched as the iteration gets there. */
  listUploads({ metadata = {}, pageSize = 50, ...filter }: UploadFilter = {}): AsyncGenerator<Upload, void, undefined> {
    const named = Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`metadata.${name}`, value]));
    return this.#pages<Upload, UploadPage>("/v1/uploads", { ...filter, ...named, limit: pageSize });
  }

  /** The same upload with a fresh presigned URL. */
  signUpload(id: string, wanted: { expires_in?: number } = {}): Promise<GrantedUpload> {
    return this.#call("POST", `/v1/uploads/${encodeURIComponent(id)}/sign`, { body: wanted });
  }

  /** Reports that the file is in the store, joining its parts. A ProblemError `object_not_found` if it is not. May be repeated. */
  completeUpload(id: string): Promise<Upload> {
    return this.#call("POST", `/v1/uploads/${encodeURIComponent(id)}/complete`);
  }

  /** Cancels an upload that is not processed yet; erases the files and the personal data of one that is. */
  deleteUpload(id: string): Promise<Upload> {
    return this.#call("DELETE", `/v1/uploads/${encodeURIComponent(id)}`);
  }

  /** Processes a rejected or failed upload again. */
  retryUpload(id: string): Promise<Upload> {
    return this.#call("POST", `/v1/uploads/${encodeURIComponent(id)}/retry`);
  }

  /** The URL of the picture or of a version of it, signed where the profile is private. */
  imageUrl(id: string, wanted: NewUrl = {}): Promise<Url> {
    return this.#call("POST", `/v1/uploads/${encodeURIComponent(id)}/url`, { body: wanted });
  }

  listParts(id: string): Promise<Parts> {
    return this.#call("GET", `/v1/uploads/${encodeURIComponent(id)}/parts`);
  }

  signParts(id: string, wanted: PartsToSign): Promise<SignedParts> {
    return this.#call("POST", `/v1/uploads/${encodeURIComponent(id)}/parts/sign`, { body: wanted });
  }

  /**
   * Sends the file of an upload that was created, by the way that its grant says, and reports that it has arrived.
   * After a reload of a page: `send` with the same `created` and `way: "resumable"` continues where it stopped.
   */
  async send(created: CreatedUpload, file: Blob, options: SendOptions = {}): Promise<Upload> {
    if (created.upload === null) return this.getUpload(created.id);
    await new Sender(this, this.#transport, this.#retry, created as GrantedUpload, file, options).run();
    return this.completeUpload(created.id);
  }

  /** Creates an upload, sends the file, and waits up to `wait` seconds (60) for its end. Size, name and type are the file's unless they are given. */
  async upload(file: Blob & { name?: string }, wanted: NewUpload = {}, options: SendOptions & Repeatable & { wait?: number } = {}): Promise<Upload> {
    const own: NewUpload = { size: file.size };
    if (file.name) own.filename = file.name;
    if (file.type) own.content_type = file.type;
    const created = await this.createUpload({ ...own, ...wanted }, options);
    const sent = await this.send(created, file, options);
    const { wait = 60, signal } = options;
    return wait > 0 && !isFinal(sent.state) ? this.waitForUpload(sent.id, signal ? { seconds: wait, signal } : { seconds: wait }) : sent;
  }

  /** A token for a browser or a phone. It needs an app server's key. */
  createToken(wanted: NewToken = {}): Promise<Token> {
    return this.#call("POST", "/v1/tokens", { body: wanted });
  }

  /** What may be uploaded. */
  getProfile(profile?: string): Promise<Profile> {
    return this.#call("GET", "/v1/profile", { query: { profile } });
  }

  /** A zip of many pictures. */
  createPackage(wanted: NewPackage, options: Repeatable = {}): Promise<Package> {
    return this.#create("/v1/packages", wanted, options);
  }

  getPackage(id: string, { wait }: { wait?: number } = {}): Promise<Package> {
    return this.#call("GET", `/v1/packages/${encodeURIComponent(id)}`, { query: { wait: wait || undefined }, timeout: this.timeout + (wait ?? 0) * 1000 });
  }

  /** All packages, newest first. */
  listPackages({ app, pageSize = 50 }: { app?: string; pageSize?: number } = {}): AsyncGenerator<Package, void, undefined> {
    return this.#pages<Package, PackagePage>("/v1/packages", { app, limit: pageSize });
  }

  /** Another link to a package. */
  packageUrl(id: string, wanted: NewPackageUrl = {}): Promise<PackageUrl> {
    return this.#call("POST", `/v1/packages/${encodeURIComponent(id)}/url`, { body: wanted });
  }

  deletePackage(id: string): Promise<Package> {
    return this.#call("DELETE", `/v1/packages/${encodeURIComponent(id)}`);
  }

  /**
   * The events of callbacks that there are by now, oldest first, by pages. Store a page's `next` in the same transaction as your result of its
   * `data`, and pass it as `after` the next time: each event is then handled once.
   */
  async *events(after?: string, { pageSize = 50 }: { pageSize?: number } = {}): AsyncGenerator<Feed, void, undefined> {
    for (let cursor = after; ;) {
      const page: Feed = await this.#call("GET", "/v1/events", { query: { after: cursor, limit: pageSize } });
      yield page;
      cursor = page.next;
      if (!page.more) return;
    }
  }

  #create<T>(path: string, body: object, { idempotencyKey = randomName() }: Repeatable): Promise<T> {
    return this.#call("POST", path, { body, headers: { "Idempotency-Key": idempotencyKey } });
  }

  async *#pages<T, P extends { data: T[]; next: string | null }>(path: string, query: Query): AsyncGenerator<T, void, undefined> {
    for (let cursor: string | null = null; ;) {
      const page: P = await this.#call("GET", path, { query: { ...query, cursor } });
      yield* page.data;
      cursor = page.next;
      if (cursor === null) return;
    }
  }

  async #call<T>(method: string, path: string, given: { body?: object; query?: Query; headers?: Record<string, string>; timeout?: number } = {}): Promise<T> {
    const words = new URLSearchParams();
    for (const [name, value] of Object.entries(given.query ?? {})) if (value !== null && value !== undefined) words.set(name, String(value));
    const url = `${this.baseUrl}${path}${String(words) && `?${words}`}`;
    const headers: Record<string, string> = { Authorization: `Bearer ${this.#credential}`, Accept: "application/json", ...given.headers };
    if (given.body) headers["Content-Type"] = "application/json";
    const body = given.body ? JSON.stringify(given.body) : null;
    for (let failures = 1; ; failures += 1) {
      let answer: Answer;
      try {
        answer = await fetchTransport({ method, url, headers, body, timeout: given.timeout ?? this.timeout });
      } catch (error) {
        if (!(error instanceof NetworkError) || !mayRepeat(this.#retry, failures)) throw error;
        await pause(this.#retry, failures);
        continue;
      }
      if (isOk(answer)) return parsed(answer) as T;
      const after = retryAfter(answer);
      if (!isRetried(answer.status) || !mayRepeat(this.#retry, failures, after)) throw problemOf(answer, after);
      await pause(this.#retry, failures, after);
    }
  }
}

function parsed(answer: Answer): unknown {
  try {
    return JSON.parse(answer.text);
  } catch {
    throw new ProblemError(answer.status, { title: "the answer is not JSON" }, answer.header("x-request-id") ?? undefined);
  }
}

function problemOf(answer: Answer, after: number | undefined): ProblemError {
  let problem: unknown;
  try {
    problem = JSON.parse(answer.text);
  } catch {
    problem = null;
  }
  const seconds = after === undefined ? undefined : after / 1000;
  return new ProblemError(answer.status, typeof problem === "object" && problem ? (problem as Partial<Problem>) : {}, answer.header("x-request-id") ?? undefined, seconds);
}
