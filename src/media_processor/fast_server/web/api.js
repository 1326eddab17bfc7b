/** Requests to the server, and its problems. */

/** An error response, with the detail of its problem document (RFC 9457). */
class Problem extends Error {
  /** @param {number} status 0 if nothing answered */
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/** The problem in a response body, or a generic one if it has none. */
export function problem(status, body) {
  const isProblem = body && typeof body.detail === "string";
  const detail = isProblem ? body.detail : `The server answered ${status} without a problem document.`;
  return new Problem(status, body?.code ?? "unknown", detail);
}

/** Sends a request; raises Problem for everything but success. */
export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "unreachable", "The server can’t be reached.");
  }
  if (answer.ok) return answer;
  throw problem(answer.status, await answer.json().catch(() => null));
}

export async function getJson(path, options) {
  return (await ask(path, options)).json();
}

export const retryMedia = (id) => getJson(`media/${id}/retry`, { method: "POST" });

/** `work` for each of `items`, `width` at a time. */
export async function each(items, width, work) {
  const queue = items[Symbol.iterator]();
  const lane = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

export const thumbnail = (id, of = "watermarked", side = 384) =>
  `media/${id}/thumbnail?of=${of}&side=${side}`;

/** Whether Chromium, Firefox and Safari all show it by themselves. */
export const isShown = (contentType) => /^image\/(jpeg|png|webp|gif|avif|bmp)$/.test(contentType);
