// One upload: checked, presigned, sent to the store, processed. Its card shows it.
//
// A broken connection does not end it: it waits and goes on where it was. The create call repeats its Idempotency-Key, so no
// attempt costs the token anything. After a cut, a pause or on a slow network the bytes go through the gateway, which keeps what
// has arrived; otherwise straight to the store. What is not sent yet is kept in the browser, so that a reload of the page
// continues it too.
import {ApiError, finalStates, signatureOf} from "/assets/api.js";
import {Card} from "/assets/card.js";
import {check} from "/assets/checks.js";
import {formatSize} from "/assets/dom.js";
import {drop, keep} from "/assets/kept.js";
import {Broken, NotResumable, arrivedBytes, placeOf, sendRest} from "/assets/resumable.js";
import {Refusal, endingOf, refusalOf} from "/assets/words.js";

const busyStates = new Set(["checking", "granting", "sending", "processing"]);
const longestDelay = 30;  // seconds
const retryDelays = [2, 4, 8, 15, longestDelay, longestDelay, longestDelay, longestDelay];
const extensionTypes = {heic: "image/heic", heif: "image/heic", avif: "image/avif", tif: "image/tiff", tiff: "image/tiff"};
const slowNetworks = new Set(["slow-2g", "2g", "3g"]);
const smallEnough = 512 * 1024;  // bytes, which even a slow network takes at once
const tokenCodes = new Set(["token_expired", "token_exhausted", "unauthenticated"]);

/** The connection failed on the way: trying again later may help. */
class Interrupted extends Error {}

/** Browsers know no type for some pictures; the gateway inspects the bytes in any case. */
function typeOf(file) {
  return file.type || extensionTypes[file.name.toLowerCase().split(".").pop()] || "application/octet-stream";
}

function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Picture {
  /**
   * `changed(picture, said)` is called on each change; `said` is what to announce, if anything.
   * `token` is the id of the client token; `kept`, what keep() stored of this picture before the page was loaded anew.
   */
  constructor(file, changed, {api = null, token = "", kept = null} = {}) {
    this.file = file;
    this.api = api;
    this.token = token;
    this.at = kept?.at ?? Date.now();
    this.name = file.name || "pasted picture";
    this.changed = changed;
    this.state = "waiting";
    this.interruptions = 0;
    this.arrivedSoFar = 0;
    this.forget();
    if (kept) Object.assign(this, {key: kept.key, upload: kept.upload, grant: kept.grant, sent: kept.sent, resumes: true});
    this.id = kept?.id ?? this.key;
    this.card = new Card(this);
    this.element = this.card.element;
    if (kept?.stopped) this.showStopped();
    else this.move("waiting");
    this.remember();
  }

  /** What a reload of the page needs. */
  remember() {
    const {id, token, at, key, upload, grant, sent} = this;
    return keep({id, token, at, key, upload, grant, sent, stopped: this.state === "stopped"}, this.file);
  }

  /** The next run asks for a new upload. */
  forget() {
    this.upload = null;
    this.grant = null;
    this.sent = false;
    this.renewed = false;
    this.resumes = false;  // whether what has arrived so far is worth to ask for
    this.key = newKey();
  }

  busy() {
    return busyStates.has(this.state);
  }

  /** Whether leaving the page would lose it. */
  unfinished() {
    return this.busy() || ["waiting", "paused", "stopped"].includes(this.state);
  }

  move(state, text) {
    this.state = state;
    this.card.show(text);
  }

  async run(api, profile) {
    this.api = api;
    this.profile = profile;
    this.stop = new AbortController();
    const {signal} = this.stop;
    try {
      if (!this.sent) {
        this.move("checking");
        await check(this.file, profile);
      }
      await this.send(profile, signal);
      await this.follow(signal);
    } catch (error) {
      if (signal.aborted) return;
      this.meet(error);
    }
  }

  // ---- sending

  async call(method, path, body, signal) {
    try {
      return await this.api.request(method, path, {body, signal, headers: {"Idempotency-Key": this.key}});
    } catch (error) {
      throw error instanceof TypeError ? new Interrupted() : error;  // what fetch throws if there is no answer
    }
  }

  async create(profile, signal) {
    const wanted = {filename: this.file.name || "pasted.png", content_type: typeOf(this.file), size: this.file.size};
    if (profile && !profile.methods.includes("put")) wanted.method = profile.methods[0];
    this.upload = await this.call("POST", "/v1/uploads", wanted, signal);
    this.grant = this.upload.upload;
    this.remember();
  }

  /** An attempt whose answer was lost may have stored the object: the gateway looks before anything is sent again. */
  async arrived(signal) {
    try {
      await this.call("POST", `/v1/uploads/${this.upload.id}/complete`, {}, signal);
      return true;
    } catch (error) {
      if (!(error instanceof ApiError) || !["object_not_found", "state_conflict"].includes(error.code)) throw error;
      return error.code === "state_conflict";  // cancelled, or processed already: its state tells
    }
  }

  async renew(signal) {
    if (this.grant.expires_at && Date.parse(this.grant.expires_at) - Date.now() > 60_000) return;
    this.grant = (await this.call("POST", `/v1/uploads/${this.upload.id}/sign`, {}, signal)).upload;
  }

  async send(profile, signal) {
    if (this.sent) return;
    this.move("granting");
    if (!this.upload) {
      await this.create(profile, signal);
    } else if (await this.arrived(signal)) {
      this.sent = true;
      return;
    }
    this.move("sending");
    if (!this.throughGateway() || !await this.resumeSending(signal)) {
      await this.renew(signal);
      await this.put(signal);
    }
    this.sent = true;
    this.interruptions = 0;
    this.remember();
  }

  // Straight to the store costs the gateway nothing, but a cut costs the whole file.
  throughGateway() {
    if (!placeOf(this.grant)) return false;
    return this.resumes || (this.file.size > smallEnough && slowNetworks.has(navigator.connection?.effectiveType));
  }

  /** Sends what has not arrived; false if the gateway takes no more of this upload. */
  async resumeSending(signal) {
    this.resumes = true;
    const before = this.arrivedSoFar;
    try {
      await sendRest(placeOf(this.grant), this.file, {signal, progress: (bytes) => this.showProgress(bytes)});
      return true;
    } catch (error) {
      if (error instanceof NotResumable) {
        this.resumes = false;
        return false;
      }
      if (!(error instanceof Broken) || signal.aborted) throw error;
      this.arrivedSoFar = await arrivedBytes(placeOf(this.grant), signal).catch(() => this.arrivedSoFar);
      if (this.arrivedSoFar > before) this.interruptions = 0;  // it is slow, but it goes on
      throw new Interrupted();
    }
  }

  showProgress(bytes) {
    if (this.state === "sending") this.card.progress(bytes / this.file.size);
  }

  /** A PUT, or the form where the profile offers no PUT. */
  put(signal) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      signal.addEventListener("abort", () => request.abort(), {once: true});
      request.open(this.grant.method, this.grant.url);
      for (const [name, value] of Object.entries(this.grant.headers)) request.setRequestHeader(name, value);
      request.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) this.showProgress(this.file.size * event.loaded / event.total);
      });
      request.addEventListener("load", () => {
        // 412: an earlier attempt stored the file and its answer was lost. Browsers also repeat a PUT themselves.
        if ((request.status >= 200 && request.status < 300) || request.status === 412) resolve();
        else if (request.status >= 500 || request.status === 408 || request.status === 429) reject(new Interrupted());
        else reject(this.refused(request.status));
      });
      request.addEventListener("error", () => {
        this.resumes = true;
        reject(new Interrupted());
      });
      request.addEventListener("abort", () => reject(new Interrupted()));
      request.send(this.body());
    });
  }

  /** 403: the URL has expired, by another clock than this device's. A fresh one is tried once. */
  refused(status) {
    if (status === 403 && !this.renewed) {
      this.renewed = true;
      this.grant.expires_at = null;
      return new Interrupted();
    }
    return new Refusal("This picture could not be stored: it may have changed since it was chosen. Please choose it again.", {code: `store ${status}`});
  }

  body() {
    if (!this.grant.fields) return this.file;
    const form = new FormData();
    for (const [name, value] of Object.entries(this.grant.fields)) form.append(name, value);
    form.append("file", this.file);
    return form;
  }

  // ---- processing

  async follow(signal) {
    this.move("processing");
    // If the event was faster, the upload is being processed already.
    if (!await this.arrived(signal)) {
      this.upload = await this.call("GET", `/v1/uploads/${this.upload.id}`, undefined, signal);
      // A large file that came through the gateway becomes an object a while after its last byte.
      const assembled = this.resumes && this.upload.state === "created";
      if (!assembled && ["created", "expired"].includes(this.upload.state)) throw this.lost();
    }
    do {
      this.upload = await this.waited(`/v1/uploads/${this.upload.id}?wait=20`, signal);
    } while (!finalStates.has(this.upload.state));
    // Without it the picture is published all the same.
    this.signature = await signatureOf(this.api, this.upload, {signal}).catch(() => "");
    this.end();
  }

  /** The store took the bytes and has no object: someone removed it. */
  lost() {
    this.forget();
    return new Refusal("The picture has not arrived. Please send it again.", {retry: true, code: "object_not_found"});
  }

  /** The gateway limits waiting requests and ends some early; those are repeated when it says so. */
  async waited(path, signal) {
    for (;;) {
      try {
        return await this.call("GET", path, undefined, signal);
      } catch (error) {
        if (!(error instanceof ApiError) || !["rate_limited", "overloaded"].includes(error.code) || !error.retryAfter) throw error;
        await new Promise((resolve) => setTimeout(resolve, 1000 * error.retryAfter));
        signal.throwIfAborted();
      }
    }
  }

  // ---- endings

  end() {
    this.interruptions = 0;
    this.move(this.upload.state);
    const published = this.upload.state === "published";
    this.card.retryOffered = ["failed", "expired"].includes(this.upload.state);
    if (published) this.card.showResult();
    else this.card.showProblem(endingOf(this.upload));
    drop(this.id);
    this.changed(this, published ? "Published" : endingOf(this.upload));
  }

  meet(error) {
    if (error instanceof Interrupted) return this.pause("The connection broke");
    if (error instanceof ApiError && (error.status === 429 || error.status === 503)) return this.pause("The service is busy", error.retryAfter);
    const refusal = refusalOf(error);
    this.tokenEnded = tokenCodes.has(refusal.code);
    this.card.retryOffered = refusal.retry;
    // A file that is refused before anything is sent ends as one that the gateway rejects.
    this.move(error instanceof Refusal && !refusal.retry ? "rejected" : "failed");
    this.card.showProblem(refusal.message);
    if (!refusal.retry && !this.tokenEnded) drop(this.id);
    this.changed(this, refusal.message);
  }

  /** `, 40 % has arrived` where that is known. */
  arrivedText() {
    return this.arrivedSoFar ? `, ${formatSize(this.arrivedSoFar)} of ${formatSize(this.file.size)} have arrived` : "";
  }

  showStopped() {
    this.move("stopped", `Paused${this.arrivedText()}`);
  }

  /** The person's own pause: it ends when they continue it. */
  async hold() {
    clearTimeout(this.timer);
    this.stop?.abort();
    this.resumes = this.resumes || this.state === "sending";
    this.showStopped();
    this.remember();
    this.changed(this, "paused");
    const place = this.upload && placeOf(this.grant);
    if (!place) return;
    this.arrivedSoFar = await arrivedBytes(place, undefined).catch(() => this.arrivedSoFar);
    if (this.state === "stopped") this.showStopped();
  }

  /** Goes on when the browser is online again, or after a while. */
  pause(why, atLeast = 0) {
    const offline = navigator.onLine === false;
    const delay = offline ? longestDelay : retryDelays[this.interruptions];
    if (delay === undefined) {
      this.interruptions = 0;
      return this.meet(new Refusal(`${why} again and again. Please try again later.`, {retry: true}));
    }
    if (!offline) this.interruptions += 1;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.resume(), 1000 * Math.max(delay, atLeast));
    const text = offline ? `You are offline${this.arrivedText()}. Goes on when you are online again` : `${why}${this.arrivedText()}. Trying again in a moment`;
    this.move("paused", text);
    this.changed(this, text);
  }

  resume() {
    clearTimeout(this.timer);
    if (this.state !== "paused") return;
    this.move("waiting");
    this.changed(this);
  }

  retry() {
    if (this.state === "paused") return this.resume();
    if (this.state === "stopped") {
      this.move("waiting");
      this.remember();
      return this.changed(this, "continues");
    }
    // Another token knows nothing of this one's upload.
    if (this.tokenEnded || (this.upload && finalStates.has(this.upload.state))) this.forget();
    if (!this.upload) this.key = newKey();
    this.tokenEnded = false;
    this.card.clear();
    this.move("waiting");
    this.remember();
    this.changed(this, "waiting again");
  }

  /** While it is processed there is nothing to cancel: then it goes on, and its end is shown. */
  async cancel() {
    clearTimeout(this.timer);
    this.stop?.abort();
    this.move("cancelled");
    drop(this.id);
    const {api, upload} = this;
    if (upload) {
      const conflict = await api.remove(`/v1/uploads/${upload.id}`).then(() => false, (error) => error.code === "state_conflict" || error.code === "forbidden");
      if (conflict) {
        this.sent = true;
        this.move("waiting");
        return this.changed(this, "has arrived already");
      }
    }
    this.changed(this, "cancelled");
  }
}
