/** The tiles of the queues, one a stage: whichever stages the server reports. */

import { arrange, byId, el, setText } from "./dom.js";
import { number } from "./format.js";

const DEPTHS = ["waiting", "running", "retrying"];
/** Stages that are shown by another name than their own. */
const WORDS = { watermark: "watermarking", upload: "uploading" };

export const stageWords = (stage) => WORDS[stage] ?? stage;

export class QueueTiles {
  #parent = byId("tiles");
  #others = [...this.#parent.children];
  #tiles = new Map();

  constructor() {
    this.#arrange(Object.keys(WORDS)); // until the first report
  }

  /** Depths by stage; null while they are unknown. */
  show(queues) {
    if (queues) this.#arrange(Object.keys(queues));
    for (const [stage, { numbers }] of this.#tiles) {
      DEPTHS.forEach((depth, index) => setText(numbers[index], queues ? number(queues[stage][depth]) : "?"));
    }
  }

  #arrange(stages) {
    this.#tiles = new Map(stages.map((stage) => [stage, this.#tiles.get(stage) ?? tile(stage)]));
    arrange(this.#parent, [...[...this.#tiles.values()].map(({ element }) => element), ...this.#others]);
  }
}

function tile(stage) {
  const words = stageWords(stage);
  const numbers = DEPTHS.map(() => el("b", {}, "–"));
  const depths = DEPTHS.map((depth, index) => el("span", {}, numbers[index], ` ${depth}`));
  const element = el(
    "div",
    { class: "panel", "data-stage": stage },
    el("dt", {}, words[0].toUpperCase() + words.slice(1)),
    el("dd", { class: "depths" }, depths),
  );
  return { element, numbers };
}
