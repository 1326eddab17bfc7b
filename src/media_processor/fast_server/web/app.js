/** Wires the page: views, routes, the event stream. */

import { getJson } from "./api.js";
import { Archive } from "./archive.js";
import { Compare } from "./compare.js";
import { Desk } from "./desk.js";
import { byId, notify } from "./dom.js";
import { Stream } from "./events.js";
import { MediaStore } from "./media.js";
import { Operations } from "./operations.js";
import { Profiles } from "./profiles.js";
import { showNoConnection, showPulse, showUnsent } from "./pulse.js";
import { Uploads } from "./uploads.js";

const VIEWS = { upload: "Upload", archive: "Archive", operations: "Operations" };
/** If the stream says nothing for so many ms, what is there is shown without it. */
const PATIENCE = 2000;

const store = new MediaStore();
const uploads = new Uploads();
const stream = new Stream();
const archive = new Archive();
const operations = new Operations({ store });
const profiles = new Profiles((file) => desk.take(() => [{ files: [file], leftOut: 0 }]));
const desk = new Desk({
  uploads,
  store,
  limits: limits(),
  profile: () => profiles.name,
  picked: (file) => profiles.picked(file),
});
const compare = new Compare({ store, closed: leaveMedia });

let view = null;
let openedHere = false;

/** Without them nothing can be checked, so they are asked for until they come. */
async function limits() {
  for (;;) {
    try {
      return await getJson("limits");
    } catch {
      await new Promise((resolve) => setTimeout(resolve, PATIENCE));
    }
  }
}

function route() {
  const [path, query] = location.hash.slice(1).split("?");
  const [name, id] = path.split("/");
  if (name === "media" && id) {
    openedHere = view !== null;
    if (!view) show("upload");
    compare.open(encodeURIComponent(id));
    return;
  }
  compare.close();
  show(Object.hasOwn(VIEWS, name) ? name : "upload", query);
}

function show(name, query = "") {
  const same = name === view;
  for (const other of Object.keys(VIEWS)) {
    byId(`${other}-view`).hidden = other !== name;
    byId(`${other}-link`).ariaCurrent = other === name ? "page" : null;
  }
  document.title = `${VIEWS[name]} · media-processor`;
  if (view && !same) {
    byId(`${name}-title`).focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  view = name;
  archive.show(name === "archive" ? new URLSearchParams(query) : null);
  if (!same) operations.show(name === "operations");
}

/** Back to where the dialog was opened; the browser gives the focus back by itself. */
function leaveMedia() {
  if (!location.hash.startsWith("#media/")) return;
  if (openedHere) history.back();
  else history.replaceState(null, "", `#${view}`);
}

let greeted = false;

async function reloadAll() {
  try {
    await Promise.all([store.reload(desk.unsettled), profiles.load()]);
  } catch (error) {
    if (stream.up) notify(error.message);
  }
  operations.load();
  archive.renew();
}

stream.addEventListener("hello", ({ detail }) => {
  uploads.hurry();
  if (!greeted || !detail.resumed) reloadAll();
  greeted = true;
});
stream.addEventListener("media", ({ detail }) => {
  store.apply(detail.changes);
  operations.changed(detail.changes);
  if (detail.changes.some(({ status }) => status === "stored")) archive.stored();
});
stream.addEventListener("queue", ({ detail }) => {
  showPulse(detail);
  operations.queue(detail);
});
stream.addEventListener("connection", ({ detail }) => {
  byId("banner").hidden = detail.up;
  if (!detail.up) showNoConnection();
});

byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});
let downloading = false;
byId("archive-bar").addEventListener("submit", () => {
  downloading = true;
  setTimeout(() => (downloading = false), 1000);
});
addEventListener("beforeunload", (event) => {
  if (desk.unsent && !downloading) event.preventDefault();
});
uploads.addEventListener("change", () => showUnsent(desk.unsent));
addEventListener("hashchange", route);
route();
stream.connect();
setTimeout(() => greeted || reloadAll(), PATIENCE);
