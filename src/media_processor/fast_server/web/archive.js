/** The archive view: everything stored, searched, chosen, downloaded. */

import { getJson } from "./api.js";
import { arrange, atMostEvery, byId, copy, el, nameOf, say, tick } from "./dom.js";
import { bytes, count, moment } from "./format.js";

const PAGE = 60;
const LARGE_PAGE = 500;
const MOST_IN_ZIP = 1000;
/** How long typing rests before it is searched for, in ms. */
const REST = 250;

export class Archive {
  /** @type {Map<string, HTMLElement>} by media id, in the order shown */
  #tiles = new Map();
  #chosen = new Set();
  #lastTicked = null;
  #next = null;
  #request = null;
  #shown = false;
  #sight;

  constructor() {
    this.form = byId("archive-search");
    this.list = byId("archive-list");
    let rest = 0;
    this.form.addEventListener("input", () => {
      clearTimeout(rest);
      rest = setTimeout(() => this.#searched(), REST);
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      clearTimeout(rest);
      this.#searched();
    });
    this.form.addEventListener("reset", () => setTimeout(() => this.#searched()));
    byId("archive-again").addEventListener("click", () => this.load());
    byId("archive-more").addEventListener("click", () => this.#more());
    byId("archive-none").addEventListener("click", () => this.#choose([...this.#chosen], false));
    byId("archive-bar").addEventListener("submit", () => this.#fillZip());
    this.#sight = new IntersectionObserver(([seen]) => seen.isIntersecting && this.#more(), { rootMargin: "600px" });
    this.newestSoon = atMostEvery(2000, () => this.#newest());
  }

  /** The view is opened with this search, or left (null). */
  show(search) {
    const same = this.#shown && search?.toString() === this.#query().toString();
    this.#shown = search !== null;
    if (!search || same) return;
    for (const [name] of new FormData(this.form)) this.form.elements[name].value = search.get(name) ?? "";
    this.load();
  }

  async load(limit = PAGE) {
    this.#next = null;
    await this.#fetch(null, limit);
  }

  /** Anew, as far down as somebody has come. */
  renew() {
    if (this.#shown) this.load(Math.min(Math.max(this.#tiles.size, PAGE), LARGE_PAGE));
  }

  /** A picture was stored: the default view gets it on top. */
  stored() {
    if (this.#shown && !this.#query().toString()) this.newestSoon();
  }

  #query() {
    const fields = [...new FormData(this.form)].map(([name, value]) => [name, value.trim()]);
    return new URLSearchParams(fields.filter(([, value]) => value));
  }

  #searched() {
    if (!location.hash.startsWith("#archive")) return; // left while it rested
    const query = this.#query().toString();
    history.replaceState(null, "", query ? `#archive?${query}` : "#archive");
    this.load();
  }

  async #fetch(cursor, limit = PAGE) {
    this.#request?.abort();
    const request = new AbortController();
    this.#request = request;
    const query = this.#query();
    query.set("limit", limit);
    if (cursor) query.set("cursor", cursor);
    this.list.ariaBusy = "true";
    try {
      const page = await getJson(`archive?${query}`, { signal: request.signal });
      if (this.#request !== request) return;
      const old = this.#tiles;
      if (!cursor) this.#tiles = new Map();
      this.#add(page.items, old);
      this.#next = page.next;
      this.#problem(null);
      // Anew, as it may have come near during the request.
      this.#sight.disconnect();
      this.#sight.observe(byId("archive-more"));
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#problem(error.message);
    }
    this.#request = null;
    this.list.ariaBusy = "false";
    byId("archive-more").hidden = !this.#next;
    this.#render();
  }

  #more() {
    if (this.#next && !this.#request) this.#fetch(this.#next);
  }

  async #newest() {
    const page = this.#request ? null : await getJson("archive?limit=20").catch(() => null);
    if (this.#request) return this.newestSoon(); // what is under way may be older
    if (!page || this.#query().toString()) return;
    const fresh = page.items.filter(({ media_id }) => !this.#tiles.has(media_id));
    if (page.next && fresh.length === page.items.length) return this.renew(); // there are more between
    const old = this.#tiles;
    this.#tiles = new Map();
    this.#add(fresh);
    this.#tiles = new Map([...this.#tiles, ...old]);
    this.#render();
  }

  #add(items, old = this.#tiles) {
    for (const stored of items) {
      const id = stored.media_id;
      this.#tiles.set(id, old.get(id) ?? this.#tile(stored));
    }
  }

  #render() {
    arrange(this.list, [...this.#tiles.values()]);
    const more = this.#next ? " so far" : "";
    say("archive-count", this.#tiles.size ? count(this.#tiles.size, "picture") + more : "");
    byId("archive-nothing").hidden = this.#tiles.size > 0 || !byId("archive-problem").hidden;
    const searches = [...this.#query().keys()].some((name) => name !== "sort");
    const empty = "The archive is empty. Pictures appear here once they are stored.";
    say("archive-nothing", searches ? "No picture matches this search." : empty);
    this.#showChosen();
  }

  #problem(text) {
    byId("archive-problem").hidden = !text;
    say("archive-reason", text ?? "");
  }

  #tile(stored) {
    const { media_id: id, filename } = stored;
    const file = `archive/${id}/file`;
    const image = el("img", { alt: "", loading: "lazy", decoding: "async", src: `archive/${id}/thumbnail` });
    const shot = el("span", { class: "shot blank" }, image);
    image.addEventListener("load", () => shot.classList.remove("blank"));
    const title = el("span", { class: "name" }, nameOf(filename.replace(/^watermarked_/, "")));
    const download = { class: "button", href: file, download: filename, "aria-label": `Download ${filename}` };
    const link = new URL(file, document.baseURI).href;
    const copyLink = { "aria-label": `Copy link to ${filename}`, onclick: ({ target }) => copy(link, target) };
    return el(
      "li",
      { class: "card" },
      el("a", { class: "open", href: `#media/${id}` }, shot, title),
      tick(`Select ${filename}`, (event) => this.#ticked(id, event)),
      el("p", { class: "facts" }, `${stored.worker_name} · ${bytes(stored.size)}`),
      el("p", { class: "facts" }, moment(stored.stored_at)),
      el("p", { class: "actions" }, el("a", download, "Download"), el("button", copyLink, "Copy link")),
    );
  }

  /** With shift, all between the last one and this. */
  #ticked(id, event) {
    const ids = [...this.#tiles.keys()];
    const from = event.shiftKey ? ids.indexOf(this.#lastTicked) : -1;
    const to = ids.indexOf(id);
    const range = from < 0 ? [id] : ids.slice(Math.min(from, to), Math.max(from, to) + 1);
    this.#lastTicked = id;
    this.#choose(range, event.target.checked);
  }

  #choose(ids, chosen) {
    for (const id of ids) this.#chosen[chosen ? "add" : "delete"](id);
    this.#showChosen();
  }

  #showChosen() {
    for (const [id, tile] of this.#tiles) {
      const chosen = this.#chosen.has(id);
      tile.classList.toggle("chosen", chosen);
      tile.querySelector("input").checked = chosen;
    }
    const many = this.#chosen.size;
    byId("archive-bar").hidden = many === 0;
    const tooMany = many > MOST_IN_ZIP ? `; a ZIP contains the first ${MOST_IN_ZIP}` : "";
    say("archive-chosen", `${count(many, "picture")} selected${tooMany}`);
  }

  /** A form, so that the browser streams the answer to its disk. */
  #fillZip() {
    const ids = [...this.#chosen].slice(0, MOST_IN_ZIP);
    const fields = ids.map((id) => el("input", { type: "hidden", name: "id", value: id }));
    byId("archive-ids").replaceChildren(...fields);
  }
}
