/** The operations view: queues, workers, failures and the activity log. */

import { each, getJson, retryMedia } from "./api.js";
import { drawBars } from "./chart.js";
import { arrange, atMostEvery, byId, el, nameOf, say, notify, tick } from "./dom.js";
import { count, moment, number, span, time } from "./format.js";
import { QueueTiles, stageWords } from "./queues.js";

const POLL = 5000;
const AT_ONCE = 4;
const MOST_DEAD = 200;
const MOST_LINES = 50;

export class Operations {
  #shown = false;
  #timer = 0;
  #dead = [];
  #ticked = new Set();
  #failed = null;
  #report = null;
  #tiles = new QueueTiles();

  constructor({ store }) {
    this.store = store;
    this.activitySoon = atMostEvery(2000, () => this.#shown && this.#loadActivity());
    this.deadSoon = atMostEvery(1000, () => this.#shown && this.#loadDead());
    byId("retry-all").addEventListener("click", () => this.#retryAll());
    byId("retry-ticked").addEventListener("click", () => this.#retry([...this.#ticked]));
    document.addEventListener("visibilitychange", () => this.#poll());
  }

  show(shown) {
    this.#shown = shown;
    this.#poll();
    if (shown) this.load();
  }

  load() {
    if (!this.#shown) return;
    const last = this.#report;
    if (last) this.queue(last);
    // The stream sends only changes, so a response that an event has overtaken would stay.
    getJson("queue").then((report) => this.#report === last && this.queue(report), () => {});
    this.deadSoon();
    this.activitySoon();
  }

  changed(changes) {
    if (changes.some(({ status }) => status === "stored")) this.activitySoon();
    const known = new Set(this.#dead.map(({ id }) => id));
    if (changes.some(({ id, status }) => status === "failed" || known.has(id))) this.deadSoon();
  }

  #poll() {
    clearInterval(this.#timer);
    if (!this.#shown || document.hidden) return;
    this.#loadThroughput();
    this.#timer = setInterval(() => this.#loadThroughput(), POLL);
  }

  /** Shows an answer of `GET /queue`. */
  queue(report) {
    this.#report = report;
    if (!this.#shown) return;
    this.#tiles.show(report.queues);
    const problems = Object.values(report.problems).map(({ detail }) => el("li", {}, detail));
    byId("problems").replaceChildren(...problems);
    byId("problems").hidden = !problems.length;
    say("unfinished", number(report.unfinished));
    say("unfinished-limit", report.limit ? `of at most ${number(report.limit)}` : "no limit");
    const age = report.oldest_age_seconds;
    say("oldest", age === null ? "–" : span(age * 1000));
    say("accepting", report.accepting ? "open" : "closed");
    byId("accepting").dataset.open = report.accepting;
    const wait = `too many unfinished pictures or too little disk space; try again in ${report.retry_after_seconds} s`;
    say("accepting-why", report.accepting ? "accepting uploads" : wait);
    say("failed-count", number(report.failed));
    say("failed-parked", failedWords(report));
    this.#showWorkers(report.workers);
    if (this.#failed !== null && this.#failed !== report.failed) this.deadSoon();
    this.#failed = report.failed;
  }

  #showWorkers(workers) {
    const rows = (workers ?? []).map((worker) => {
      const guards = worker.missing_guards?.length ? ` · without ${worker.missing_guards.join(", ")}` : "";
      const doing = worker.doing?.length ? worker.doing.map((id) => this.#mediaLink(id)) : ["idle"];
      return el(
        "tr",
        {},
        el("th", { scope: "row" }, worker.name, el("small", {}, `since ${time(worker.started_at)}${guards}`)),
        el("td", {}, stageWords(worker.stage)),
        el("td", { class: "doing" }, doing),
      );
    });
    // A link with the focus is not drawn anew under somebody's fingers.
    if (!byId("workers").contains(document.activeElement)) byId("workers").replaceChildren(...rows);
    byId("no-workers").hidden = rows.length > 0;
  }

  #mediaLink(id) {
    const name = this.store.get(id)?.filename;
    return el("a", { href: `#media/${id}` }, name ? nameOf(name) : `…${id.slice(-8)}`);
  }

  async #loadThroughput() {
    const recent = await getJson("throughput").catch(() => null);
    if (!recent) return;
    drawBars(byId("chart"), recent.finished);
    const total = recent.finished.reduce((sum, value) => sum + value, 0);
    const minutes = Math.round((recent.seconds * recent.finished.length) / 60);
    const most = `, at most ${number(Math.max(...recent.finished))} in ${recent.seconds} s`;
    const words = `${count(total, "picture")} in the last ${minutes} minutes${total ? most : ""}`;
    say("chart-words", words);
    byId("chart").setAttribute("aria-label", `Pictures finished: ${words}`);
  }

  async #loadDead() {
    const page = await getJson(`media?status=failed&limit=${MOST_DEAD}`).catch(() => null);
    if (!page) return;
    const before = new Map([...byId("dead").children].map((row) => [row.dataset.key, row]));
    this.#dead = page.items;
    this.#ticked = new Set(page.items.map(({ id }) => id).filter((id) => this.#ticked.has(id)));
    const rows = page.items.map((media) => {
      const key = `${media.id} ${media.steps.length}`;
      return before.get(key) ?? this.#deadRow(media, key);
    });
    arrange(byId("dead"), rows);
    byId("no-dead").hidden = rows.length > 0;
    byId("retry-all").hidden = rows.length === 0;
    say("dead-rest", page.next ? `Only the newest ${MOST_DEAD} are shown; “Retry all” retries all.` : "");
    this.#showTicked();
  }

  #deadRow(media, key) {
    const { id, filename, error, next_attempt_at: next, steps } = media;
    const at = steps.at(-1)?.at;
    const ticked = ({ target }) => {
      this.#ticked[target.checked ? "add" : "delete"](id);
      this.#showTicked();
    };
    const again = next ? ` Next automatic retry at ${moment(next)}.` : "";
    return el(
      "li",
      { "data-key": key },
      tick(`Select ${filename}`, ticked),
      el(
        "div",
        {},
        el("a", { href: `#media/${id}`, class: "name" }, nameOf(filename)),
        el("p", { class: "reason" }, (error?.detail ?? "No reason was recorded.") + again),
        el("p", { class: "facts" }, [error?.code, media.worker, at && moment(at)].filter(Boolean).join(" · ")),
      ),
      el("button", { "aria-label": `Retry ${filename}`, onclick: () => this.#retry([id]) }, "Retry"),
    );
  }

  #showTicked() {
    const many = this.#ticked.size;
    byId("retry-ticked").hidden = many === 0;
    say("retry-ticked", `Retry ${number(many)} selected`);
  }

  /** Also those that aren't shown. */
  async #retryAll() {
    const ids = [];
    for (let cursor = ""; cursor !== null; ) {
      const after = cursor && `&cursor=${cursor}`;
      const page = await getJson(`media?status=failed&limit=500${after}`).catch((error) => notify(error.message));
      if (!page) return;
      ids.push(...page.items.map(({ id }) => id));
      cursor = page.next;
    }
    await this.#retry(ids);
  }

  async #retry(ids) {
    let done = 0;
    const refused = [];
    await each(ids, AT_ONCE, async (id) => {
      try {
        await this.store.learn(id, retryMedia(id));
        done += 1;
      } catch (error) {
        refused.push(error.message);
      }
    });
    const not = refused.length ? `; ${number(refused.length)} can’t be retried: ${refused[0]}` : "";
    notify(`Retrying ${count(done, "picture")}${not}`);
    this.#ticked.clear();
    byId("dead-title").focus();
    this.deadSoon();
  }

  async #loadActivity() {
    let problem = "";
    try {
      const { lines, verified } = await getJson(`activity?limit=${MOST_LINES}`);
      const rows = lines.map(({ at, worker, image }) =>
        el("li", {}, el("time", {}, at), " ", el("span", {}, worker), " ", nameOf(image)),
      );
      byId("activity").replaceChildren(...rows);
      byId("no-activity").hidden = rows.length > 0;
      this.#showVerdict(verified);
    } catch (error) {
      problem = error.message;
    }
    say("activity-problem", problem);
    byId("activity-problem").hidden = !problem;
  }

  #showVerdict({ state, detail, sequence, at }) {
    const signs = { agrees: "✓ verified", altered: "✕ altered", unknown: "? not verified yet" };
    const badge = byId("verdict");
    badge.hidden = false;
    badge.dataset.state = state;
    say("verdict", signs[state] ?? state);
    const upTo = sequence ? `Up to entry ${number(sequence)}. ` : "";
    say("verdict-words", `${detail} ${upTo}${at ? `Checked at ${time(at)}.` : ""}`);
  }
}

function failedWords({ failed, parked }) {
  if (parked) return `${number(parked)} retried automatically`;
  return failed ? "retry them below" : "none";
}
