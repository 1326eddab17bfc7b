/** The pulse in the page's header: how the system is, in every view. */

import { byId, say } from "./dom.js";
import { number } from "./format.js";

/** Shows an answer of `GET /queue`. */
export function showPulse({ unfinished, failed, accepting }) {
  const words = [unfinished ? `${number(unfinished)} in progress` : failed ? "None in progress" : "All done"];
  if (failed) words.push(`${number(failed)} failed`);
  if (!accepting) words.push("uploads closed");
  byId("pulse").dataset.state = failed || !accepting ? "trouble" : unfinished ? "busy" : "idle";
  say("pulse-words", words.join(" · "));
}

/** The connection is lost, so the last report may be outdated. */
export function showNoConnection() {
  byId("pulse").dataset.state = "";
  say("pulse-words", "No connection");
}
