/** The card of one picture: an upload of this page, a media of the server, or both. */

import { isShown, thumbnail } from "./api.js";
import { el, nameOf, setText } from "./dom.js";
import { bytes, format, phases, span, time } from "./format.js";

/** A thumbnail that can't be loaded is requested again after this many ms, so many times. */
const THUMBNAIL_AGAIN = [2000, 5000, 15_000];

const SIGNS = {
  sending: "↑",
  delayed: "↻",
  refused: "✕",
  watermarking: "✎",
  uploading: "→",
  retrying: "↻",
  stored: "✓",
  failed: "✕",
};
/** States whose own name isn't clear; the server's states are the words of its API. */
const WORDS = { waiting: "waiting to be sent", delayed: "waiting" };

/** @param {{drop: Function, again: Function, retry: Function}} actions */
export class Card {
  #localUrl = null;
  #shown = null;
  #drawn = [];

  constructor(actions) {
    this.actions = actions;
    this.image = el("img", { alt: "", loading: "lazy", decoding: "async" });
    this.image.addEventListener("load", () => this.shot.classList.remove("blank"));
    this.image.addEventListener("error", () => this.#imageFailed());
    this.shot = el("span", { class: "shot blank" }, this.image);
    this.title = el("span", { class: "name" });
    this.link = el("a", { class: "open" }, this.shot, this.title);
    this.sign = el("span", { class: "sign", "aria-hidden": "true" });
    this.words = el("span");
    this.bar = el("progress", { max: 1, "aria-label": "sent" });
    this.steps = el("ol", { class: "steps", "aria-label": "Stages" });
    this.facts = el("p", { class: "facts" });
    this.reason = el("p", { class: "reason" });
    this.buttons = el("p", { class: "actions" });
    this.element = el(
      "li",
      { class: "card" },
      this.link,
      el("p", { class: "state" }, this.sign, this.words),
      ...[this.bar, this.steps, this.facts, this.reason, this.buttons],
    );
  }

  show(upload, media) {
    this.upload = upload;
    this.media = media;
    const state = media ? media.status : upload.state;
    this.element.dataset.state = state;
    setText(this.sign, SIGNS[state] ?? "·");
    setText(this.words, this.#words(state));
    this.#showName(media?.filename ?? upload.name);
    this.bar.hidden = state !== "sending";
    if (state === "sending") this.bar.value = upload.sent / Math.max(1, upload.file.size);
    this.#showImage();
    const drawn = [state, upload?.detail, media];
    if (drawn.every((part, index) => part === this.#drawn[index])) return;
    this.#drawn = drawn;
    this.#showSteps();
    this.#showFacts();
    this.#showReason(state);
    this.#showButtons(state);
  }

  /** Gives back what the browser keeps for it. */
  discard() {
    if (this.#localUrl) URL.revokeObjectURL(this.#localUrl);
    this.#localUrl = null;
  }

  #words(state) {
    const { upload, media } = this;
    const words = WORDS[state] ?? state;
    if (state === "sending") return `${words}, ${Math.round((100 * upload.sent) / upload.file.size)} %`;
    const seconds = (at) => Math.max(0, Math.ceil((at - Date.now()) / 1000));
    if (state === "delayed") return `${words}, trying again in ${seconds(upload.retryAt)} s`;
    if (state === "retrying" && media.next_attempt_at) {
      return `${words}, trying again in ${seconds(new Date(media.next_attempt_at))} s`;
    }
    return media?.worker ? `${words} · ${media.worker}` : words;
  }

  /** The folder distinguishes files of the same name; the server doesn't know it. */
  #showName(name) {
    const folder = this.upload?.folder ? `${this.upload.folder}/` : "";
    this.path = folder + name;
    if (this.title.textContent !== this.path) {
      this.title.replaceChildren(folder && el("small", {}, nameOf(folder)), nameOf(name));
    }
    if (this.media) this.link.setAttribute("href", `#media/${this.media.id}`);
  }

  /** The result once it is stored; before that the file of this page, or the server's. */
  #showImage() {
    const { upload, media } = this;
    let url = this.#local(upload);
    if (media?.status === "stored") url = thumbnail(media.id);
    // A picture that failed is mostly one that nobody can draw.
    else if (!url && media && media.status !== "failed") url = thumbnail(media.id, "original");
    if (!url || url === this.#shown) return;
    this.#shown = url;
    this.failures = 0;
    this.image.src = url;
  }

  #local(upload) {
    if (upload && !this.#localUrl && isShown(upload.file.type) && upload.state !== "refused") {
      this.#localUrl = URL.createObjectURL(upload.file);
    }
    return this.#localUrl;
  }

  #imageFailed() {
    this.shot.classList.add("blank");
    const url = this.#shown;
    const pause = url === this.#localUrl ? undefined : THUMBNAIL_AGAIN[this.failures];
    if (pause === undefined) return;
    this.failures += 1;
    setTimeout(() => {
      if (this.#shown === url && this.element.isConnected) this.image.src = url;
    }, pause);
  }

  #showSteps() {
    const steps = this.media?.steps ?? [];
    const list = phases(steps).map(({ name, ms, times, worker }) => {
      const often = times > 1 ? ` ×${times}` : "";
      const last = ms === null ? null : el("b", {}, span(ms));
      return el("li", { title: worker ?? "" }, `${name}${often} `, last);
    });
    this.steps.replaceChildren(...list);
    this.steps.hidden = list.length < 2;
  }

  #showFacts() {
    const { upload, media } = this;
    const facts = [];
    const size = media?.size ?? upload?.file.size;
    const result = media?.result;
    if (result?.method) facts.push(result.method);
    if (size) facts.push(result ? `${bytes(size)} → ${bytes(result.size)}` : bytes(size));
    if (media?.width) facts.push(`${media.width}\u00a0×\u00a0${media.height}`);
    if (media?.content_type) facts.push(format(media.content_type));
    setText(this.facts, facts.join(" · "));
  }

  #showReason(state) {
    const { upload, media } = this;
    const error = ["failed", "retrying"].includes(state) ? media.error : null;
    const reason = media ? error?.detail : upload.detail;
    const at = state === "failed" && media.next_attempt_at;
    setText(this.reason, (reason ?? "") + (at ? ` Next retry at ${time(at)}.` : ""));
    this.reason.hidden = !this.reason.textContent;
  }

  #showButtons(state) {
    const { upload, media, actions } = this;
    const button = (words, act) => el("button", { onclick: act, "aria-label": `${words} ${this.path}` }, words);
    const buttons = [];
    if (state === "failed") buttons.push(button("Retry", () => actions.retry(media)));
    if (state === "refused" && upload.again) buttons.push(button("Retry", () => actions.again(upload)));
    if (state === "refused") buttons.push(button("Dismiss", () => actions.drop(upload)));
    if (["waiting", "sending", "delayed"].includes(state)) {
      buttons.push(button("Cancel", () => actions.drop(upload)));
    }
    if (this.buttons.contains(document.activeElement)) this.link.focus();
    this.buttons.replaceChildren(...buttons);
    this.buttons.hidden = !buttons.length;
  }
}
