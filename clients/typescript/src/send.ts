import type { Client } from "./client.js";
import { NetworkError, ProblemError, StoreError } from "./errors.js";
import { type Answer, type Retry, type Transport, isOk, isRetried, mayRepeat, pause, randomName, retryAfter } from "./http.js";
import type { Grant, GrantedUpload, SignedPart } from "./types.js";

export interface SendOptions {
  /**
   * What happens when the connection is cut: "auto" continues on the resumable URL where the grant has one, "direct" sends the file again,
   * "resumable" uses that URL from the start.
   */
  way?: "auto" | "direct" | "resumable";
  /** In bytes; it falls when something is sent again. */
  onProgress?: (sent: number, total: number) => void;
  /** Ends it with an AbortedError; the upload stays, and may be sent again or deleted. */
  signal?: AbortSignal;
}

const signedAtOnce = 100;
const tus = { "Tus-Resumable": "1.0.0" };

/** Sends one file; `run` resolves once the store, or the gateway, has all of it. */
export class Sender {
  private grant: Grant;
  private readonly id: string;
  private readonly way: "auto" | "direct" | "resumable";

  constructor(private readonly client: Client, private readonly transport: Transport, private readonly retry: Retry, created: GrantedUpload,
    private readonly file: Blob, private readonly options: SendOptions) {
    this.grant = created.upload;
    this.id = created.id;
    this.way = options.way ?? "auto";
  }

  async run(): Promise<void> {
    if (this.grant.parts) await this.sendParts(this.grant.parts.part_size, this.grant.parts.data);
    else if (this.way === "resumable") await this.sendResumable();
    else await this.sendDirectly();
  }

  private async sendDirectly(): Promise<void> {
    let failures = 0;
    let renewed = false;
    for (;;) {
      let answer: Answer;
      try {
        if (!renewed && Date.parse(this.grant.expires_at) - Date.now() < 5000) renewed = await this.renew();
        answer = await (this.grant.method === "PUT" ? this.put() : this.postForm());
      } catch (error) {
        if (!(error instanceof NetworkError)) throw error;
        if (this.way === "auto" && this.grant.resumable) {
          // Whether the file has arrived and the answer alone was lost, the gateway can tell for less than the file costs.
          return (await this.hasArrived()) ? undefined : this.sendResumable();
        }
        failures = await this.cut(failures, error);
        continue;
      }
      // 412: an earlier attempt, whose answer was lost, has stored the file.
      if (isOk(answer) || (answer.status === 412 && this.grant.method === "PUT")) return;
      if (isRetried(answer.status)) failures = await this.failed(failures, answer);
      else if (answer.status === 403 && answer.text.includes("expired") && !renewed) renewed = await this.renew();
      else throw new StoreError(answer.status, answer.text);
    }
  }

  private put(): Promise<Answer> {
    return this.request("PUT", this.grant.url ?? "", this.grant.headers, this.file, 0);
  }

  private postForm(): Promise<Answer> {
    const boundary = `photogate-${randomName()}`;
    const fields = Object.entries(this.grant.fields ?? {}).map(([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`);
    const head = new Blob([...fields, `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n\r\n`]);
    const body = new Blob([head, this.file, `\r\n--${boundary}--\r\n`]);
    return this.request("POST", this.grant.url ?? "", { ...this.grant.headers, "Content-Type": `multipart/form-data; boundary=${boundary}` }, body, -head.size);
  }

  private async renew(): Promise<true> {
    this.grant = (await this.client.signUpload(this.id)).upload;
    return true;
  }

  private async hasArrived(): Promise<boolean> {
    try {
      await this.client.completeUpload(this.id);
      return true;
    } catch (error) {
      if (error instanceof ProblemError || error instanceof NetworkError) return false;
      throw error;
    }
  }

  private async sendResumable(): Promise<void> {
    if (!this.grant.resumable) throw new TypeError("this upload has no resumable URL");
    const url = new URL(this.grant.resumable.url, this.client.baseUrl).href;
    let failures = 0;
    let furthest = 0;
    for (;;) {
      try {
        let answer = await this.request("HEAD", url, tus, null, 0);
        if (isOk(answer)) {
          const offset = offsetOf(answer);
          if (offset > furthest) [failures, furthest] = [0, offset];
          if (offset === this.file.size) return;
          const headers = { ...tus, "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" };
          answer = await this.request("PATCH", url, headers, this.file.slice(offset), offset);
          if (isOk(answer) && offsetOf(answer) === this.file.size) return;
        }
        // 409: the offset has moved on; 423: an earlier connection still holds the upload; 460: a digest did not match.
        if (!isOk(answer) && !isRetried(answer.status) && ![409, 423, 460].includes(answer.status)) throw new StoreError(answer.status, answer.text);
        failures = await this.failed(failures, answer);
      } catch (error) {
        if (!(error instanceof NetworkError)) throw error;
        failures = await this.cut(failures, error);
      }
    }
  }

  private async sendParts(partSize: number, first: SignedPart[]): Promise<void> {
    let signed = first;
    let failures = 0;
    for (let arrived = -1; ; signed = []) {
      if (!signed.length) {
        const listed = await this.client.listParts(this.id);
        if (!listed.missing.length) return;
        if (listed.received <= arrived && !mayRepeat(this.retry, ++failures)) throw new StoreError(0, "parts that the store has taken are not there");
        arrived = listed.received;
        signed = (await this.client.signParts(this.id, { numbers: listed.missing.slice(0, signedAtOnce) })).data;
      }
      for (const part of signed) {
        if (!(await this.sendPart(part, (part.number - 1) * partSize))) break;
      }
    }
  }

  /** False: its URL has expired. */
  private async sendPart(part: SignedPart, start: number): Promise<boolean> {
    for (let failures = 0; ;) {
      let answer: Answer;
      try {
        answer = await this.request("PUT", part.url, part.headers, this.file.slice(start, start + part.size), start);
      } catch (error) {
        if (!(error instanceof NetworkError)) throw error;
        failures = await this.cut(failures, error);
        continue;
      }
      if (isOk(answer)) return true;
      if (answer.status === 403 && answer.text.includes("expired")) return false;
      if (!isRetried(answer.status)) throw new StoreError(answer.status, answer.text);
      failures = await this.failed(failures, answer);
    }
  }

  private async cut(failures: number, error: NetworkError): Promise<number> {
    if (!mayRepeat(this.retry, failures + 1)) throw error;
    await pause(this.retry, failures + 1, undefined, this.options.signal);
    return failures + 1;
  }

  private async failed(failures: number, answer: Answer): Promise<number> {
    const after = retryAfter(answer);
    if (!mayRepeat(this.retry, failures + 1, after)) throw new StoreError(answer.status, answer.text);
    await pause(this.retry, failures + 1, after, this.options.signal);
    return failures + 1;
  }

  private request(method: string, url: string, headers: Record<string, string>, body: Blob | null, start: number): Promise<Answer> {
    const { onProgress, signal } = this.options;
    const size = this.file.size;
    const told = onProgress && body ? (sent: number) => onProgress(Math.min(Math.max(start + sent, 0), size), size) : undefined;
    return this.transport({ method, url, headers, body, timeout: this.client.timeout, signal, onProgress: told });
  }
}

function offsetOf(answer: Answer): number {
  const text = answer.header("upload-offset") ?? "";
  if (!/^[0-9]+$/.test(text)) throw new StoreError(answer.status, "the answer has no Upload-Offset");
  return Number(text);
}
