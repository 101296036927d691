// How one upload looks in the list: a row that unfolds.
import {signed} from "/assets/api.js";
import {formatSize, h} from "/assets/dom.js";
import {foundList, leftText} from "/assets/facts.js";
import {versionsOf} from "/assets/versions.js";

const stateWords = {
  waiting: "Waiting", checking: "Checking", granting: "Preparing", sending: "Sending", processing: "Arrived, removing private data",
  paused: "Waiting for the connection", stopped: "Paused", published: "Published", rejected: "Not accepted", failed: "Not sent", cancelled: "Cancelled",
  expired: "Too late", deleted: "Deleted",
};
let number = 0;

export class Card {
  constructor(picture) {
    this.picture = picture;
    this.retryOffered = false;
    const {name, file} = picture;
    const id = `card-${number += 1}`;
    this.preview = h("img", {class: "thumb", alt: "", src: URL.createObjectURL(file)});
    this.preview.addEventListener("error", () => { this.preview.hidden = true; });
    this.preview.addEventListener("load", () => URL.revokeObjectURL(this.preview.src), {once: true});
    this.status = h("span", {class: "status"});
    this.sizes = h("span", {}, ` · ${formatSize(file.size)}`);
    this.bar = h("progress", {max: "1", value: "0", "aria-label": `Progress of ${name}`});
    this.problem = h("p", {class: "problem"});
    this.cancelButton = h("button", {type: "button", class: "quiet small", "aria-label": `Cancel ${name}`, onclick: () => picture.cancel()}, "Cancel");
    this.pauseButton = h("button", {type: "button", class: "quiet small", "aria-label": `Pause ${name}`, onclick: () => picture.hold()}, "Pause");
    this.retryButton = h("button", {type: "button", class: "small", "aria-label": `Retry ${name}`, onclick: () => picture.retry()}, "Try again");
    this.foldButton = h("button", {type: "button", class: "quiet small", "aria-expanded": "false", "aria-controls": id, "aria-label": `Details of ${name}`,
      hidden: true, onclick: () => { this.chosen = true; this.fold(!this.outcome.hidden); }}, "Details");
    this.outcome = h("div", {class: "outcome", id, hidden: true});
    this.element = h("li", {class: "picture", tabindex: "-1"},
      h("div", {class: "frame"}, this.preview),
      h("div", {class: "about"}, h("h3", {}, name), h("p", {}, this.status, this.sizes), this.bar, this.problem),
      h("div", {class: "actions"}, this.pauseButton, this.retryButton, this.cancelButton, this.foldButton),
      this.outcome);
  }

  fold(folded) {
    this.outcome.hidden = folded;
    this.foldButton.setAttribute("aria-expanded", String(!folded));
  }

  progress(share) {
    this.bar.value = share;
    this.status.textContent = `Sending, ${Math.floor(100 * share)} %`;
  }

  show(text) {
    const {picture} = this;
    const {state} = picture;
    this.element.dataset.state = state;
    this.status.textContent = text ?? stateWords[state] ?? state;
    this.bar.hidden = !picture.busy();
    if (state === "sending") this.bar.value = 0;
    else this.bar.removeAttribute("value");
    const focused = document.activeElement;
    this.cancelButton.hidden = !picture.unfinished() || state === "processing";
    this.pauseButton.hidden = !picture.unfinished() || ["processing", "stopped"].includes(state);
    this.retryButton.hidden = !(["paused", "stopped"].includes(state) || (this.retryOffered && !picture.unfinished()));
    this.retryButton.textContent = {paused: "Try now", stopped: "Continue"}[state] ?? "Try again";
    this.retryButton.setAttribute("aria-label", `${state === "stopped" ? "Continue" : "Retry"} ${picture.name}`);
    // Hiding a focused button would move the keyboard focus to the top of the page.
    if ([this.cancelButton, this.pauseButton, this.retryButton].some((button) => button === focused && button.hidden)) {
      (this.retryButton.hidden ? this.element : this.retryButton).focus();
    }
  }

  clear() {
    this.retryOffered = false;
    this.problem.textContent = "";
    this.outcome.replaceChildren();
    this.foldButton.hidden = true;
    this.fold(true);
  }

  showProblem(text) {
    this.problem.textContent = text;
    this.show();
  }

  showResult() {
    const {file, upload, name, profile, signature = ""} = this.picture;
    const {image} = upload;
    const address = signed(image.url, signature);
    const saved = 1 - image.size / file.size;
    this.problem.textContent = "";
    this.preview.hidden = false;
    this.preview.src = address;
    this.preview.alt = `${name}, as published`;
    this.sizes.textContent = ` · ${formatSize(file.size)} became ${formatSize(image.size)}`;
    this.outcome.replaceChildren(
      h("dl", {class: "facts"},
        h("dt", {}, "Before"), h("dd", {}, `${formatSize(file.size)}, ${upload.width} × ${upload.height}, ${upload.content_type}`),
        h("dt", {}, "After"), h("dd", {}, `${formatSize(image.size)}, ${image.width} × ${image.height}, ${image.format}` +
          (saved > 0.005 ? `, ${Math.round(100 * saved)} % smaller` : "")),
        h("dt", {}, "Metadata left"), h("dd", {class: "left"}, leftText(upload.privacy)),
        h("dt", {}, "Metadata found"), h("dd", {}, foundList(upload.exif))),
      h("p", {}, h("a", {href: address, target: "_blank", rel: "noopener"}, "Open the published picture")),
      ...[versionsOf({image: {...image, signature}, name, size: file.size}, profile)].filter(Boolean));
    this.foldButton.hidden = false;
  }

  /** A single picture shows its details; of several, those that somebody opened. */
  foldUnless(alone) {
    if (!this.chosen && !this.foldButton.hidden) this.fold(!alone);
  }
}
