// One upload: presigned, sent to the store, processed, reported. It renders itself.
import {ApiError, finalStates} from "/assets/api.js";
import {formatSize, formatTime, h} from "/assets/dom.js";

const words = {
  waiting: "Waiting", granting: "Asking for a URL", sending: "Sending", checking: "Arrived, being made clean",
  published: "Published", rejected: "Rejected", failed: "Failed", cancelled: "Cancelled", expired: "Expired", deleted: "Deleted",
};
const busyStates = new Set(["granting", "sending", "checking"]);
const browserTypes = {heic: "image/heic", heif: "image/heic", avif: "image/avif", tif: "image/tiff", tiff: "image/tiff"};

/** Browsers know no type for some pictures; the gateway inspects the bytes in any case. */
function typeOf(file) {
  return file.type || browserTypes[file.name.toLowerCase().split(".").pop()] || "application/octet-stream";
}

export class Picture {
  constructor(file, changed) {
    this.file = file;
    this.changed = changed;
    this.state = "waiting";
    this.upload = null;
    this.tokenEnded = false;
    this.draw();
  }

  busy() {
    return busyStates.has(this.state);
  }

  draw() {
    const name = this.file.name || "pasted picture";
    this.preview = h("img", {class: "thumb", alt: "", src: URL.createObjectURL(this.file)});
    this.preview.addEventListener("error", () => { this.preview.hidden = true; });
    this.status = h("span", {class: "status"});
    this.bar = h("progress", {max: "1", value: "0", "aria-label": `Progress of ${name}`});
    this.cancelButton = h("button", {type: "button", class: "quiet", "aria-label": `Cancel ${name}`, onclick: () => this.cancel()}, "Cancel");
    this.retryButton = h("button", {type: "button", "aria-label": `Retry ${name}`, onclick: () => this.retry()}, "Retry");
    this.outcome = h("div", {class: "outcome"});
    this.element = h("li", {class: "picture", tabindex: "-1"},
      h("div", {class: "frame"}, this.preview),
      h("div", {class: "about"},
        h("h3", {}, name),
        h("p", {}, this.status, ` · ${formatSize(this.file.size)}`),
        this.bar,
        h("div", {class: "row"}, this.cancelButton, this.retryButton),
        this.outcome));
    this.move("waiting");
  }

  move(state, said) {
    this.state = state;
    this.element.dataset.state = state;
    this.status.textContent = said ?? words[state] ?? state;
    this.bar.hidden = !this.busy();
    if (state === "checking") this.bar.removeAttribute("value");
    const focused = document.activeElement;
    this.cancelButton.hidden = !(this.busy() || state === "waiting");
    this.retryButton.hidden = state !== "failed";
    // Removing a focused button would move the keyboard focus to the top of the page.
    if ((focused === this.cancelButton && this.cancelButton.hidden) || (focused === this.retryButton && this.retryButton.hidden)) {
      (this.retryButton.hidden ? this.element : this.retryButton).focus();
    }
  }

  async run(api) {
    this.api = api;
    this.stop = new AbortController();
    this.outcome.replaceChildren();
    try {
      if (!this.upload) {
        this.move("granting");
        this.upload = await api.post("/v1/uploads",
          {filename: this.file.name || "pasted.png", content_type: typeOf(this.file), size: this.file.size}, {signal: this.stop.signal});
        this.grant = this.upload.upload;
      } else if (this.sent !== true) {
        this.move("granting");
        this.grant = (await api.post(`/v1/uploads/${this.upload.id}/sign`, {}, {signal: this.stop.signal})).upload;
      }
      if (!this.sent) await this.send();
      await this.follow();
    } catch (error) {
      if (this.state !== "cancelled") this.fail(error);
    }
  }

  send() {
    this.move("sending");
    this.bar.value = 0;
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      this.stop.signal.addEventListener("abort", () => request.abort());
      request.open(this.grant.method, this.grant.url);
      for (const [name, value] of Object.entries(this.grant.headers)) request.setRequestHeader(name, value);
      request.upload.addEventListener("progress", (event) => {
        if (!event.lengthComputable || this.state !== "sending") return;
        this.bar.value = event.loaded / event.total;
        this.status.textContent = `Sending, ${Math.floor(100 * event.loaded / event.total)} %`;
      });
      request.addEventListener("load", () => {
        // 412: an earlier attempt succeeded and its answer was lost.
        if ((request.status >= 200 && request.status < 300) || request.status === 412) {
          this.sent = true;
          resolve();
        } else {
          reject(new Error(`the store answered ${request.status}`));
        }
      });
      request.addEventListener("error", () => reject(new Error("the connection to the store broke")));
      request.addEventListener("abort", () => reject(new Error("cancelled")));
      request.send(this.file);
    });
  }

  async follow() {
    this.move("checking");
    const path = `/v1/uploads/${this.upload.id}`;
    await this.api.post(`${path}/complete`, {}, {signal: this.stop.signal}).catch((error) => {
      // The event was faster, and the upload is being processed.
      if (!(error instanceof ApiError) || error.code === "object_not_found") throw error;
    });
    do {
      this.upload = await this.waited(`${path}?wait=20`);
    } while (!finalStates.has(this.upload.state));
    this.move(this.upload.state);
    this.bar.value = 1;
    await this.show();
    this.changed(this, `${words[this.upload.state]}${this.upload.rejection ? `: ${this.upload.rejection.detail}` : ""}`);
  }

  /** The gateway limits waiting requests and ends some early; those are repeated when it says so. */
  async waited(path) {
    for (;;) {
      try {
        return await this.api.get(path, {signal: this.stop.signal});
      } catch (error) {
        if (!(error instanceof ApiError) || !["rate_limited", "overloaded"].includes(error.code) || !error.retryAfter) throw error;
        await new Promise((resolve) => setTimeout(resolve, 1000 * error.retryAfter));
        this.stop.signal.throwIfAborted();
      }
    }
  }

  fail(error) {
    this.tokenEnded = ["token_expired", "token_exhausted", "unauthenticated"].includes(error.code);
    this.move("failed");
    this.outcome.replaceChildren(h("p", {class: "problem"}, error.message));
    this.changed(this, `failed: ${error.message}`);
  }

  retry() {
    if (this.upload && ["failed", "rejected", "expired", "cancelled"].includes(this.upload.state)) {
      this.upload = null;
      this.sent = false;
    }
    this.move("waiting");
    this.changed(this, "waiting again");
  }

  async cancel() {
    this.move("cancelled");
    this.stop?.abort();
    const id = this.upload?.id;
    this.changed(this, "cancelled");
    // An upload that is being processed can't be cancelled.
    if (id) await this.api.remove(`/v1/uploads/${id}`).catch(() => {});
  }

  // ---- the result

  async show() {
    const upload = this.upload;
    if (upload.state !== "published") {
      this.outcome.replaceChildren(h("p", {class: "problem"},
        upload.rejection ? `${upload.rejection.code}: ${upload.rejection.detail}` : words[upload.state]));
      return;
    }
    this.preview.hidden = false;
    this.preview.src = upload.image.url;
    this.preview.alt = `${this.file.name}, as published`;
    const saved = 1 - upload.image.size / this.file.size;
    this.outcome.replaceChildren(
      h("dl", {class: "facts"},
        h("dt", {}, "Before"), h("dd", {}, `${formatSize(this.file.size)}, ${upload.width} × ${upload.height}, ${upload.content_type}`),
        h("dt", {}, "After"), h("dd", {}, `${formatSize(upload.image.size)}, ${upload.image.width} × ${upload.image.height}, ${upload.image.format}` +
          (saved > 0.005 ? `, ${Math.round(100 * saved)} % smaller` : "")),
        h("dt", {}, "Metadata left"), h("dd", {class: "left"}, leftText(upload.privacy)),
        h("dt", {}, "Metadata found"), h("dd", {}, foundList(upload.exif))),
      h("p", {}, h("a", {href: upload.image.url, target: "_blank", rel: "noopener"}, "Open the published picture")));
    await this.showCallbacks();
  }

  async showCallbacks() {
    const {data} = await this.api.get(`/v1/uploads/${this.upload.id}/callbacks`);
    if (!data.length) return;
    this.outcome.append(...data.map((callback) => h("details", {class: "callback"},
      h("summary", {}, `Callback ${callback.type}: ${callback.state}`),
      h("pre", {tabindex: "0", "aria-label": `Body of ${callback.type}`}, callback.body ? JSON.stringify(callback.body, null, 2) : "erased"))));
  }
}

function leftText(privacy) {
  if (!privacy) return "not looked at";
  const left = privacy.metadata_remaining ?? [];
  if (left.length) return left.join(", ");
  return `none${privacy.gps_removed ? "; its position was removed" : ""}`;
}

const labels = {make: "Camera", model: "Model", lens: "Lens", taken_at: "Taken", software: "Software", exposure: "Exposure", orientation: "Orientation"};

function foundList(exif) {
  if (!exif) return "not reported by this profile";
  const items = [];
  for (const [name, value] of Object.entries(exif)) {
    if (name === "raw" || name === "gps" || value === null) continue;
    const text = typeof value === "object" ? Object.entries(value).map(([k, v]) => `${k} ${v}`).join(", ") : String(value);
    items.push(h("li", {}, `${labels[name] ?? name}: ${name === "taken_at" ? formatTime(text) || text : text}`));
  }
  // A position is present only if the profile keeps it.
  if (exif.gps && Number.isFinite(exif.gps.latitude) && Number.isFinite(exif.gps.longitude)) {
    const {latitude, longitude} = exif.gps;
    items.push(h("li", {}, "Position: ", h("a", {
      href: `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=15/${latitude}/${longitude}`,
      target: "_blank", rel: "noopener noreferrer",
    }, `${latitude.toFixed(5)}, ${longitude.toFixed(5)} on a map`)));
  }
  const more = Object.keys(exif.raw ?? {}).length;
  if (more) items.push(h("li", {}, `${more} more fields`));
  return items.length ? h("ul", {}, ...items) : "none";
}
