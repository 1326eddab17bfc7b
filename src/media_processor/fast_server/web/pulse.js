/** The pulse in the page's header: how the system is, in every view. */

import { byId, say } from "./dom.js";
import { number } from "./format.js";

let report = null;
let unsent = 0;

/** Shows an answer of `GET /queue`. */
export function showPulse(latest) {
  report = latest;
  show();
}

/** How many files of this page aren't sent yet: until then not all is done. */
export function showUnsent(files) {
  if (files === unsent) return;
  unsent = files;
  show();
}

/** The connection is lost, so the last report may be outdated. */
export function showNoConnection() {
  report = null;
  byId("pulse").dataset.state = "";
  say("pulse-words", "No connection");
}

function show() {
  if (!report) return;
  const { unfinished, failed, accepting, state, problems } = report;
  const words = Object.entries(problems).map(([name, check]) => `${name.replaceAll("_", " ")}: ${check.state}`);
  if (unsent) words.push(`${number(unsent)} to send`);
  if (unfinished) words.push(`${number(unfinished)} in progress`);
  else if (!unsent) words.push(failed ? "None in progress" : "All done");
  if (failed) words.push(`${number(failed)} failed`);
  if (!accepting) words.push("uploads closed");
  const isTrouble = state !== "ok" || failed || !accepting;
  byId("pulse").dataset.state = isTrouble ? "trouble" : unfinished || unsent ? "busy" : "idle";
  say("pulse-words", words.join(" · "));
}
