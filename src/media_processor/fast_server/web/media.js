/** Every media that the page knows. */

import { getJson } from "./api.js";

const PAGE = 60;
const LARGE_PAGE = 500;
// A page that is open for days must not keep everything that it received.
const MOST = 2000;

export const isSettled = (status) => status === "stored" || status === "failed";

/**
 * `items` holds answers of `GET /media/{id}`, or, with `brief`, only what an event reported.
 * Fires `change` when any of it is updated.
 */
export class MediaStore extends EventTarget {
  items = new Map();
  /** Where the list goes on; null at its end, undefined before it was read. */
  next = undefined;
  #wanted = new Set();
  #fetching = false;

  get(id) {
    return this.items.get(id);
  }

  /** Ids, newest first: they sort by time. */
  newest() {
    return [...this.items.keys()].sort().reverse();
  }

  put(media) {
    this.items.set(media.id, media);
    this.#changed();
  }

  /** Takes the answer of `question` about a media; asks anew if an event overtook it. */
  async learn(id, question) {
    const before = this.items.get(id);
    const media = await question;
    if (this.items.get(id) === before) this.put(media);
    else this.want([id]);
    return media;
  }

  /** Applies the changes of an event, unless something newer is known. */
  apply(changes) {
    // Before, not after: listeners see that a media has ended before it is forgotten.
    if (this.items.size > MOST) {
      for (const id of this.newest().slice(MOST / 2)) isSettled(this.items.get(id).status) && this.items.delete(id);
    }
    for (const change of changes) {
      const known = this.items.get(change.id);
      const seen = known?.steps?.at(-1);
      if (seen && new Date(seen.at) > new Date(change.at)) continue;
      if (known && !known.brief && known.status === change.status && isSettled(change.status)) continue;
      const { id, filename, status, worker } = change;
      this.items.set(id, { ...known, id, filename, status, worker, brief: true });
    }
    this.#changed();
  }

  /** Has the whole truth about what is on screen fetched. */
  want(ids) {
    for (const id of ids) this.#wanted.add(id);
    if (!this.#fetching && this.#wanted.size) this.#fetch();
  }

  async #fetch() {
    this.#fetching = true;
    // One at a time: beside the stream and three uploads this leaves a connection for pictures.
    // What is wanted meanwhile is met by the same walk.
    for (const id of this.#wanted) {
      this.#wanted.delete(id);
      // One that can't be had stays brief until its next change or the next whole look.
      await this.learn(id, getJson(`media/${id}`)).catch(() => null);
    }
    this.#fetching = false;
  }

  /** The newest anew, as many as there are; and on until everything of `unsettled` (ids) was seen. */
  async reload(unsettled) {
    const open = new Set(unsettled);
    const oldest = [...open].sort()[0];
    const before = new Map(this.items);
    const many = Math.max(open.size, before.size) > PAGE;
    let page = await getJson(`media?limit=${many ? LARGE_PAGE : PAGE}`);
    for (const id of before.keys()) {
      if (!open.has(id) && this.items.get(id) === before.get(id)) this.items.delete(id);
    }
    before.forEach((_, id) => this.items.has(id) || before.delete(id));
    this.next = page.next;
    for (;;) {
      for (const media of page.items) {
        // An event that came after the request is newer than the response.
        const isNewer = this.items.get(media.id) !== before.get(media.id);
        if (!isNewer) this.items.set(media.id, media);
      }
      if (!oldest || !page.next || page.items.at(-1).id <= oldest) break;
      page = await getJson(`media?limit=${LARGE_PAGE}&cursor=${page.next}`);
      this.next = page.next;
    }
    this.#changed();
  }

  async more() {
    if (!this.next) return;
    const page = await getJson(`media?limit=${PAGE}&cursor=${this.next}`);
    for (const media of page.items) if (!this.items.has(media.id)) this.items.set(media.id, media);
    this.next = page.next;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
