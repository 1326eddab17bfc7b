/** Numbers, times, bytes and steps as words; the only file with a locale. */

const NUMBER = new Intl.NumberFormat("en");
const TIME = new Intl.DateTimeFormat("en", { timeStyle: "medium", hourCycle: "h23" });
const MOMENT = new Intl.DateTimeFormat("en", {
  dateStyle: "medium",
  timeStyle: "short",
  hourCycle: "h23",
});

export const number = (value) => NUMBER.format(value);

/** `1 picture`, `2 pictures`. */
export function count(value, one, many = `${one}s`) {
  return `${number(value)} ${value === 1 ? one : many}`;
}

/** Bytes, in the decimal units that file managers show. */
export function bytes(value) {
  if (value < 1000) return `${value} B`;
  const unit = value < 1e6 ? ["kB", 1e3] : value < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
  const amount = value / unit[1];
  return `${amount < 10 ? amount.toFixed(1) : Math.round(amount)} ${unit[0]}`;
}

export function span(ms) {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}

export const time = (at) => TIME.format(new Date(at));
export const moment = (at) => MOMENT.format(new Date(at));

/** A name without control and direction characters, as the server will keep it. */
export function plainName(name, otherwise = "picture") {
  return name.replace(/(?!\u200d)[\p{Cc}\p{Cf}]/gu, "").trim() || otherwise;
}

/** Which status a step begins, where it isn't called so itself. */
const PHASES = { accepted: "queued", watermarked: "uploading", reopened: "queued" };

/**
 * What a media went through: phases with their milliseconds (null for one that lasts, or an
 * end), how often each was begun in a row, and the worker that began it last.
 * @param {{step: string, at: string, worker: string | null}[]} steps
 */
export function phases(steps) {
  const found = [];
  steps.forEach(({ step, at, worker }, index) => {
    const name = PHASES[step] ?? step;
    const next = steps[index + 1];
    const ms = next ? new Date(next.at) - new Date(at) : null;
    const last = found.at(-1);
    if (last?.name === name) {
      if (step !== "uploading" || steps[index - 1].step !== "watermarked") last.times += 1;
      last.ms = ms === null ? null : last.ms + ms;
      last.worker = worker ?? last.worker;
    } else found.push({ name, ms, worker, times: 1 });
  });
  return found;
}

/** `JPEG` for `image/jpeg`. */
export const format = (contentType) => contentType.replace("image/", "").toUpperCase();

export function method({ method: way, declined }) {
  if (way === "splice") return "splice: only the blocks under the overlay were re-encoded";
  if (way === "skip") return "skip: unchanged";
  return declined ? `${way}: the whole picture was re-encoded (${declined})` : `${way}: the whole picture was re-encoded`;
}

const length = (value) => (typeof value === "number" ? `${value} px` : `${value} of the short side`);

/** @param {Record<string, any>} set what a profile sets */
export function profileWords(set) {
  const what = set.text ? `The text “${set.text}”` : set.variants ? "A light or dark logo" : "The logo";
  const of = { box: "width and height", width: "width", height: "height", area: "area" };
  const words = [`${what}, ${Math.round(set.scale * 100)} % of the ${of[set.scale_of] ?? "short side"}`];
  if (set.tile) words.push(`tiled, ${length(set.tile.spacing)} apart`);
  else words.push(`${set.anchor.replace("-", " ")}, ${length(set.margin)} from the edges`);
  if (set.opacity < 1) words.push(`${Math.round(set.opacity * 100)} % opaque`);
  if (set.rotate) words.push(`rotated by ${set.rotate}°`);
  if (set.blend !== "normal") words.push(set.blend);
  if (set.skip_below) words.push(`skips pictures below ${set.skip_below} px`);
  if (set.quality) words.push(`quality ${set.quality}`);
  if (set.strip !== "none") words.push(`without metadata (${set.strip})`);
  if (set.motion === "drop") words.push("without the videos of motion photos");
  if (set.format !== "keep") words.push(`as ${set.format.toUpperCase()}`);
  return `${words.join("; ")}.`;
}
