/** The dialog of one picture: before and after, what changed, every fact about it. */

import { getJson, isShown, thumbnail } from "./api.js";
import { byId, copy, el, nameOf, say } from "./dom.js";
import { bytes, count, format, method, moment, number, phases, span, time } from "./format.js";
import { draw } from "./difference.js";

/** Large enough for a screen; the server makes thumbnails of this side too. */
const SIDE = 1600;

export class Compare {
  #id = null;
  #media = null;
  #changedView = false;

  constructor({ store, closed }) {
    this.store = store;
    this.dialog = byId("compare");
    this.slider = byId("slider");
    this.dialog.addEventListener("close", () => {
      this.#id = null;
      closed();
    });
    this.dialog.addEventListener("click", ({ target }) => target === this.dialog && this.dialog.close());
    byId("compare-close").addEventListener("click", () => this.dialog.close());
    this.slider.addEventListener("input", () => this.#slide());
    byId("view-slider").addEventListener("click", () => this.#view(false));
    byId("view-changed").addEventListener("click", () => this.#view(true));
    byId("compare-link").addEventListener("click", ({ target }) => copy(location.href, target));
    for (const id of ["before-image", "after-image"]) {
      byId(id).addEventListener("error", () => this.#missing(id));
    }
    store.addEventListener("change", () => this.#follow());
  }

  /** Shows a media; answers when it is there. @param {string} id */
  async open(id) {
    this.#id = id;
    this.#media = null;
    this.#clear();
    if (!this.dialog.open) this.dialog.showModal();
    byId("compare-title").focus();
    try {
      const media = await this.store.learn(id, getJson(`media/${id}`));
      if (this.#id !== id) return;
      this.#show(media);
      if (!byId("stage").hidden) this.slider.focus();
    } catch (error) {
      if (this.#id !== id) return;
      if (error.code === "media_not_found") this.#showArchived(id);
      else say("compare-words", error.message);
    }
  }

  close() {
    if (this.dialog.open) this.dialog.close();
  }

  /** What is known better by now, such as the end of one that was opened on its way. */
  #follow() {
    const media = this.store.get(this.#id);
    if (!media || media === this.#media || !this.#media) return;
    if (media.brief) this.store.want([media.id]);
    else this.#show(media);
  }

  #clear() {
    for (const id of ["before-image", "after-image"]) byId(id).removeAttribute("src");
    for (const id of ["stage", "changed", "compare-switch"]) byId(id).hidden = true;
    byId("download-original").hidden = byId("download-result").hidden = true;
    byId("compare-title").replaceChildren("…");
    for (const id of ["compare-facts", "compare-spans", "compare-steps", "compare-words"]) say(id, "");
    this.#changedView = false;
    this.slider.value = 50;
    this.#slide();
  }

  #show(media) {
    const first = !this.#media;
    const watermarked = media.status === "stored";
    const rebuilt = first || watermarked !== (this.#media.status === "stored");
    this.#media = media;
    if (first) byId("compare-title").replaceChildren(nameOf(media.filename));
    this.#showFacts(media);
    this.#link("download-original", `media/${media.id}/original`, media.filename);
    if (watermarked) this.#link("download-result", `media/${media.id}/watermarked`, "");
    if (rebuilt) this.#showPictures(media, watermarked);
    if (!watermarked) say("compare-words", media.error?.detail ?? "This picture isn’t stored yet.");
  }

  #showPictures(media, watermarked) {
    byId("compare-switch").hidden = !watermarked;
    byId("stage").classList.toggle("single", !watermarked);
    this.dialog.style.setProperty("--w", media.width);
    this.dialog.style.setProperty("--h", media.height);
    byId("before-image").src = pictureOf(media, "original", media.content_type);
    if (watermarked) {
      const kind = media.result?.content_type ?? media.content_type;
      byId("after-image").src = pictureOf(media, "watermarked", kind);
    }
    this.#view(false);
  }

  #link(id, address, name) {
    const link = byId(id);
    link.hidden = false;
    link.href = address;
    link.setAttribute("download", name);
  }

  /** One that came to the archive without this fast server has no before. */
  #showArchived(id) {
    byId("compare-title").replaceChildren(STORED);
    byId("stage").hidden = false;
    byId("stage").classList.add("single");
    const file = `archive/${id}/file`;
    byId("before-image").src = file;
    this.#link("download-result", file, "");
    say("compare-words", "This picture was uploaded through another fast server, so only the archived copy can be shown.");
  }

  #missing(id) {
    if (!byId(id).getAttribute("src")) return;
    if (byId("compare-title").textContent === STORED) {
      byId("stage").hidden = byId("download-result").hidden = true;
      return say("compare-words", "This picture doesn’t exist or can’t be loaded now.");
    }
    const which = id === "before-image" ? "The original" : "The result";
    say("compare-words", `${which} can’t be shown; it may have been deleted.`);
  }

  #slide() {
    const at = this.slider.value;
    byId("stage").style.setProperty("--at", `${at}%`);
    this.slider.ariaValueText = `${at} % original, ${100 - at} % result`;
  }

  #view(changed) {
    this.#changedView = changed;
    byId("view-slider").ariaPressed = !changed;
    byId("view-changed").ariaPressed = changed;
    byId("stage").hidden = changed;
    byId("changed").hidden = !changed;
    say("compare-words", "");
    if (changed) this.#showDifference(this.#id);
  }

  async #showDifference(id) {
    say("compare-words", "Comparing…");
    try {
      const difference = await getJson(`media/${id}/difference`);
      await byId("after-image").decode();
      if (this.#id !== id || !this.#changedView) return;
      draw(byId("changed"), byId("after-image"), difference);
      say("compare-words", blocks(difference));
      byId("changed").setAttribute("aria-label", `What changed: ${blocks(difference)}`);
    } catch (error) {
      if (this.#id === id && this.#changedView) say("compare-words", error.message);
    }
  }

  #showFacts(media) {
    const { result } = media;
    const before = `${bytes(media.size)}, ${format(media.content_type)}`;
    const after = result && `${bytes(result.size)}, ${format(result.content_type ?? media.content_type)}`;
    const facts = [
      ["Status", media.status],
      ["Reason", media.error?.detail],
      ["Next attempt", media.next_attempt_at && moment(media.next_attempt_at)],
      ["Method", result?.method && method(result)],
      ["Profile", media.profile],
      ["Before", before],
      ["After", after],
      ["Size", `${number(media.width)} × ${number(media.height)} pixels`],
      ["Worker", media.worker],
      ["Notes", result?.notes?.join("; ")],
      ["Stored", result && moment(result.stored_at)],
      ["Stored as", result?.stored_path],
    ];
    const rows = facts.filter(([, value]) => value).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]);
    byId("compare-facts").replaceChildren(...rows.flat());
    const took = phases(media.steps).filter(({ ms }) => ms !== null);
    const total = took.reduce((sum, { ms }) => sum + ms, 0);
    const steps = media.steps.map(({ at, step, worker, detail }) => {
      const more = [worker, detail].filter(Boolean).map((word) => el("span", {}, ` · ${word}`));
      return el("li", {}, el("time", { datetime: at }, time(at)), ` ${step}`, more);
    });
    const spans = took.map(({ name, ms }) => `${name} ${span(ms)}`).join(" → ");
    say("compare-spans", took.length ? `${spans}; ${span(total)} in all` : "");
    byId("compare-steps").replaceChildren(...steps);
  }
}

const STORED = "Stored picture";

function pictureOf({ id }, of, contentType) {
  return isShown(contentType) ? `media/${id}/${of}` : thumbnail(id, of, SIDE);
}

function blocks({ touched, columns, rows, block }) {
  const all = columns * rows;
  const share = (100 * touched) / all;
  const percent = touched && share < 0.1 ? "under 0.1" : share.toFixed(1);
  return `${number(touched)} of ${count(all, "block")} of ${block} × ${block} pixels changed, ${percent} %. The rest is unchanged.`;
}
