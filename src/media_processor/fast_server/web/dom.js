/** Elements, their texts, announcements, copying. */

/**
 * Builds an element. Functions are listeners (`onclick`), everything else is an attribute.
 * Children are nodes or text; text is never markup, as names and reasons come from strangers.
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null));
  return node;
}

export const byId = (id) => document.getElementById(id);

/** Only if it differs: a screen reader and a selection notice a needless change. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function say(id, text) {
  setText(byId(id), text);
}

/** Makes `nodes` the children of `parent`, touching only what isn't in its place. */
export function arrange(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  let place = parent.firstElementChild;
  for (const node of nodes) {
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
  }
}

/** A file's name; isolated, so that right-to-left text doesn't turn what stands around it. */
export function nameOf(name) {
  return el("bdi", { title: name }, name);
}

export function tick(label, onclick) {
  return el("label", { class: "tick" }, el("input", { type: "checkbox", "aria-label": label, onclick }));
}

let announceTimer = 0;

/** Announces to screen readers; a later text within half a second replaces this one. */
export function announce(text) {
  clearTimeout(announceTimer);
  announceTimer = setTimeout(() => setText(byId("announcer"), text), 500);
}

let noticeTimer = 0;

/** Shows a notice at the bottom of the page for six seconds, and announces it. */
export function notify(text) {
  const line = byId("notice");
  clearTimeout(noticeTimer);
  setText(line, text);
  line.hidden = false;
  announce(text);
  noticeTimer = setTimeout(() => (line.hidden = true), 6000);
}

/**
 * `work`, but at most every `pause` ms, and never twice at once: an answer that comes late can't
 * overwrite a newer one. The last call is never lost.
 */
export function atMostEvery(pause, work) {
  let due = 0;
  let isBusy = false;
  let isWanted = false;
  let last = -Infinity;
  const soon = () => {
    isWanted = true;
    if (!isBusy) due ||= setTimeout(run, Math.max(0, last + pause - performance.now()));
  };
  const run = async () => {
    due = 0;
    isBusy = true;
    isWanted = false;
    last = performance.now();
    try {
      await work();
    } finally {
      isBusy = false;
      if (isWanted) soon();
    }
  };
  return soon;
}

/** Copies `text` and confirms it on the button. The old way is for pages without TLS. */
export async function copy(text, button) {
  const label = (button.dataset.label ??= button.textContent); // not “Copied”
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else copyBySelection(text, button);
    setText(button, "Copied");
    announce("Link copied");
  } catch {
    setText(button, "Can’t copy here");
  }
  setTimeout(() => setText(button, label), 1500);
}

function copyBySelection(text, button) {
  const field = el("textarea", { class: "unseen" });
  field.value = text;
  button.after(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  button.focus();
  if (!copied) throw new Error("not copied");
}
