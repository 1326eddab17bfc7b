/** Sends files, a few at a time. */

import { problem } from "./api.js";
import { folderOf, formOf } from "./files.js";
import { plainName } from "./format.js";

/**
 * @typedef {object} Upload
 * @property {string} key also its Idempotency-Key: sent again it is not a second picture
 * @property {File} file
 * @property {string} name
 * @property {string} folder it came from, or empty
 * @property {string} profile
 * @property {"waiting" | "sending" | "delayed" | "accepted" | "refused"} state
 * @property {number} sent bytes
 * @property {string | null} detail why it is delayed or refused
 * @property {boolean} again whether sending a refused one again could help
 * @property {number} retryAt when a delayed one is sent again, in ms
 * @property {string | null} id of the media, once accepted
 * @property {string | null} status of the media, as last seen
 */

const IN_FLIGHT = 3;
/** Between two attempts, in seconds. */
const LONGEST_PAUSE = 15;

/** Not `crypto.randomUUID`: that is missing where the page isn't served over TLS. */
function newKey() {
  const random = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The files of this page, three sent at a time. Fires `change`. */
export class Uploads extends EventTarget {
  /** @type {Set<Upload>} in the order they were given */
  items = new Set();
  #waiting = [];
  #running = 0;
  /** How to end what an upload is doing now. @type {Map<Upload, () => void>} */
  #interrupt = new Map();

  /** @param {File[]} files @param {(file: File) => string | null} refusal */
  add(files, profile, refusal) {
    for (const file of files) {
      const detail = refusal(file);
      const upload = {
        key: newKey(),
        file,
        name: plainName(file.name),
        folder: plainName(folderOf(file), ""),
        profile,
        state: detail ? "refused" : "waiting",
        sent: 0,
        detail,
        again: false,
        retryAt: 0,
        id: null,
        status: null,
      };
      this.items.add(upload);
      if (!detail) this.#waiting.push(upload);
    }
    this.#changed();
    this.#start();
  }

  /** Takes one off the list; what the server has accepted stays there. */
  drop(upload) {
    this.items.delete(upload);
    this.#interrupt.get(upload)?.();
    this.#changed();
  }

  dropUnsent() {
    for (const upload of [...this.items]) if (upload.state !== "accepted") this.drop(upload);
  }

  again(upload) {
    Object.assign(upload, { state: "waiting", detail: null, sent: 0 });
    this.#waiting.push(upload);
    this.#changed();
    this.#start();
  }

  /** Ends all pauses: the server is there again. */
  hurry() {
    for (const upload of this.items) if (upload.state === "delayed") this.#interrupt.get(upload)?.();
  }

  #start() {
    while (this.#running < IN_FLIGHT && this.#waiting.length) {
      const upload = this.#waiting.shift();
      if (!this.items.has(upload)) continue;
      this.#running += 1;
      this.#send(upload).finally(() => {
        this.#running -= 1;
        this.#interrupt.delete(upload);
        this.#changed();
        this.#start();
      });
    }
  }

  /** Until it is accepted, refused or dropped. A pause keeps its place: fewer are sent then. */
  async #send(upload) {
    for (let attempt = 0; this.items.has(upload); attempt += 1) {
      Object.assign(upload, { state: "sending", sent: 0, detail: null });
      this.#changed();
      const answer = await this.#post(upload);
      if (answer.status === 202 && !answer.body?.id) answer.status = 0; // a proxy's own
      if (answer.status === 202) {
        Object.assign(upload, { state: "accepted", id: answer.body.id });
        this.dispatchEvent(new CustomEvent("accepted", { detail: answer.body }));
        return;
      }
      if (answer.status === 0 && !(await isReadable(upload.file))) answer.status = -1;
      const detail = answer.status < 0 ? "The file can’t be read; it may have been moved or changed." : answer.detail;
      const seconds = pauseAfter(answer, attempt);
      if (seconds === null) {
        Object.assign(upload, { state: "refused", detail, again: answer.status >= 500 });
        return;
      }
      Object.assign(upload, { state: "delayed", detail, retryAt: Date.now() + seconds * 1000 });
      this.#changed();
      if (this.items.has(upload)) await this.#pause(upload, seconds);
    }
  }

  #pause(upload, seconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      this.#interrupt.set(upload, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** `fetch` doesn't report how much was sent. */
  #post(upload) {
    const request = new XMLHttpRequest();
    this.#interrupt.set(upload, () => request.abort());
    return new Promise((resolve) => {
      request.upload.onprogress = ({ loaded }) => {
        upload.sent = Math.min(loaded, upload.file.size); // the form around it is sent too
        this.#changed();
      };
      request.onload = () => resolve(answerOf(request));
      request.onerror = () => resolve({ status: 0, detail: "The server can’t be reached." });
      request.onabort = () => resolve({ status: -1 });
      request.responseType = "json";
      request.open("POST", `media?profile=${encodeURIComponent(upload.profile)}`);
      request.setRequestHeader("Idempotency-Key", upload.key);
      request.send(formOf(upload.file));
    });
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** A file that was changed or removed since looks to a request like a lost connection. */
async function isReadable(file) {
  return file.slice(0, 1).arrayBuffer().then(() => true, () => false);
}

function answerOf(request) {
  // Null if something between us and the server answered.
  const { status, response: body } = request;
  const retryAfter = Number(request.getResponseHeader("Retry-After"));
  return { status, body, retryAfter, detail: problem(status, body).message };
}

/** Seconds until an upload is tried again; null if that wouldn't help. */
function pauseAfter({ status, retryAfter }, attempt) {
  const pause = Math.min(2 ** attempt, LONGEST_PAUSE);
  if (status === 503 || status === 429) return retryAfter > 0 ? retryAfter : pause;
  return status === 0 ? pause : null;
}
