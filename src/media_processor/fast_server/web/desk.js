/** The upload view: files come in, cards show what becomes of them. */

import { retryMedia } from "./api.js";
import { Card } from "./cards.js";
import { announce, arrange, atMostEvery, byId, say, notify } from "./dom.js";
import { entriesOf, fromClipboard, fromEntries, fromInput, refusal } from "./files.js";
import { bytes, count, format, number } from "./format.js";
import { isSettled } from "./media.js";

/** Cards in the page at most: more would make it slow, and the archive has them. */
const MOST_CARDS = 300;
const MORE_CARDS = 60;
const MOST_WAITING = 9;
const MOST_REFUSED = 30;

export class Desk {
  #cards = new Map();
  #room = MORE_CARDS;
  #leftOut = 0;
  #frame = 0;

  constructor({ uploads, store, limits, profile, picked }) {
    Object.assign(this, { uploads, store, limits, profile, picked });
    this.announceSoon = atMostEvery(2000, () => announce(this.#summary()));
    uploads.addEventListener("change", () => this.#renderSoon());
    uploads.addEventListener("accepted", ({ detail }) => this.#accepted(detail));
    store.addEventListener("change", () => {
      this.#noteStatuses();
      this.#renderSoon();
    });
    this.actions = {
      drop: (upload) => {
        uploads.drop(upload);
        byId("choose-files").focus({ preventScroll: true }); // its button is gone
      },
      again: (upload) => uploads.again(upload),
      retry: (media) => this.#retry(media),
    };
    this.#takeFiles();
    limits.then((found) => say("limits", limitWords(found)));
    byId("more-media").addEventListener("click", () => this.#more());
    byId("cancel-all").addEventListener("click", () => uploads.dropUnsent());
    setInterval(() => this.#tick(), 1000);
  }

  /** How many files leaving the page now would lose. */
  get unsent() {
    return [...this.uploads.items].filter(({ state }) => ["waiting", "sending", "delayed"].includes(state)).length;
  }

  /** Media of this page whose end it hasn't seen. */
  get unsettled() {
    const open = [...this.uploads.items].filter(({ id, status }) => id && !isSettled(status));
    return open.map(({ id }) => id);
  }

  #takeFiles() {
    for (const id of ["choose-files", "choose-folder"]) {
      const input = byId(id);
      input.addEventListener("change", () => {
        const files = [...input.files];
        input.value = ""; // so that the same file can be chosen again
        this.take((limits) => fromInput(files, input.webkitdirectory, limits));
      });
    }
    const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
    addEventListener("dragover", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      document.body.classList.add("dragging");
    });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) document.body.classList.remove("dragging");
    });
    addEventListener("drop", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      document.body.classList.remove("dragging");
      const entries = entriesOf(event.dataTransfer);
      this.take((limits) => fromEntries(entries, limits));
    });
    addEventListener("paste", (event) => {
      if (!event.clipboardData.files.length) return;
      const found = fromClipboard(event.clipboardData);
      this.take(() => [found]);
    });
  }

  /** Takes all that `find` finds by the limits, with the profile that is chosen now. */
  async take(find) {
    location.hash = "#upload";
    const profile = this.profile();
    const limits = await this.limits;
    this.#forgetFinished();
    for await (const { files, leftOut } of find(limits)) {
      this.#leftOut += leftOut;
      this.uploads.add(files, profile, (file) => refusal(file, limits));
      if (files.length) this.picked(files.at(-1));
      this.#renderSoon();
    }
  }

  /** A new count begins once everything before has ended. */
  #forgetFinished() {
    if (this.unsent || this.unsettled.length) return;
    this.#leftOut = 0;
    for (const upload of [...this.uploads.items]) {
      if (upload.state === "accepted") this.uploads.items.delete(upload);
    }
  }

  #accepted(body) {
    if (!this.store.get(body.id)) this.store.put({ ...body, brief: true });
    this.#noteStatuses();
  }

  /** The store forgets old media; how many of this page's were stored must stay true. */
  #noteStatuses() {
    for (const upload of this.uploads.items) upload.status = this.store.get(upload.id)?.status ?? upload.status;
  }

  async #retry(media) {
    try {
      await this.store.learn(media.id, retryMedia(media.id));
    } catch (error) {
      notify(`${media.filename}: ${error.message}`);
    }
  }

  async #more() {
    this.#room = Math.min(MOST_CARDS, this.#room + MORE_CARDS);
    try {
      if (this.store.items.size < this.#room) await this.store.more();
    } catch (error) {
      notify(error.message);
    }
    this.#renderSoon();
  }

  #tick() {
    const counting = ["delayed", "retrying"];
    for (const card of this.#cards.values()) {
      if (counting.includes(card.element.dataset.state)) card.show(card.upload, card.media);
    }
  }

  #renderSoon() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#render();
    });
  }

  #render() {
    const local = { refused: [], waiting: [], moving: [], accepted: new Map() };
    for (const upload of this.uploads.items) {
      if (upload.state === "accepted") local.accepted.set(upload.id, upload);
      else (local[upload.state] ?? local.moving).push(upload);
    }
    const waiting = local.waiting.slice(0, MOST_WAITING);
    // Newest first, as the media below: so a card stays where it is while it moves on.
    const uploads = [
      ...local.refused.slice(-MOST_REFUSED).reverse(),
      ...waiting.reverse(),
      ...local.moving.reverse(),
    ];
    // An event that precedes the upload's own answer would be shown twice.
    const names = new Set(local.moving.map(({ name }) => name));
    const isTwin = ({ id, brief, filename }) => brief && !local.accepted.has(id) && names.has(filename);
    const known = this.store.newest().filter((id) => !isTwin(this.store.get(id)));
    const ids = known.slice(0, this.#room);
    const cards = new Map();
    for (const upload of uploads) this.#show(cards, upload.key, upload, null);
    for (const id of ids) {
      const upload = local.accepted.get(id) ?? null;
      this.#show(cards, upload?.key ?? id, upload, this.store.get(id));
    }
    for (const [key, card] of this.#cards) if (!cards.has(key)) card.discard();
    this.#cards = cards;
    arrange(byId("cards"), [...cards.values()].map((card) => card.element));
    this.store.want(ids.filter((id) => this.store.get(id).brief));
    this.#showCounts(local.waiting.length - waiting.length, ids.length);
  }

  #show(cards, key, upload, media) {
    const card = this.#cards.get(key) ?? new Card(this.actions);
    card.show(upload, media);
    cards.set(key, card);
  }

  #showCounts(hidden, shown) {
    const { total, ended } = this.#counts();
    const line = byId("progress");
    line.hidden = !this.uploads.items.size && !this.#leftOut;
    const summary = this.#summary();
    if (!line.hidden && byId("progress-words").textContent !== summary) this.announceSoon();
    say("progress-words", summary);
    byId("progress-bar").max = Math.max(1, total);
    byId("progress-bar").value = ended;
    byId("progress-bar").hidden = !total;
    byId("cancel-all").hidden = !this.unsent;
    say("more-waiting", hidden ? `${count(hidden, "more file")} waiting` : "");
    const more = this.store.items.size > shown || this.store.next;
    byId("more-media").hidden = !more || this.#room >= MOST_CARDS;
    byId("rest").hidden = !more || this.#room < MOST_CARDS;
    byId("nothing-yet").hidden = this.#cards.size > 0 || this.store.next === undefined;
  }

  #counts() {
    const counts = { total: 0, ended: 0, stored: 0, failed: 0, refused: 0 };
    for (const { state, status } of this.uploads.items) {
      counts.total += 1;
      if (state === "refused") counts.refused += 1;
      if (isSettled(status)) counts[status] += 1;
    }
    counts.ended = counts.stored + counts.failed + counts.refused;
    return counts;
  }

  #summary() {
    const { total, stored, failed, refused } = this.#counts();
    const words = [
      total && `${number(stored)} of ${number(total)} stored`,
      failed && `${number(failed)} failed`,
      refused && `${number(refused)} refused`,
      this.#leftOut && `${count(this.#leftOut, "file")} skipped: not pictures`,
    ];
    return words.filter(Boolean).join(" · ");
  }
}

function limitWords({ content_types: kinds, max_upload_bytes: most }) {
  return `${Object.keys(kinds).map(format).join(", ")}; at most ${bytes(most)} each`;
}
