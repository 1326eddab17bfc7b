/** The one event stream of the page: browsers allow six connections to a host. */

/** How long a browser's own reconnecting is waited for when it has given up, in ms. */
const AGAIN = 3000;

/** Fires `hello` (`detail.resumed`), `media` (`detail.changes`), `queue`, `connection` (`detail.up`). */
export class Stream extends EventTarget {
  up = true;
  #source = null;

  constructor() {
    super();
    // A page kept for the back button would keep its connection too.
    addEventListener("pagehide", () => this.#source?.close());
    addEventListener("pageshow", (event) => event.persisted && location.reload());
  }

  connect() {
    const source = new EventSource("events");
    this.#source = source;
    for (const name of ["hello", "media", "queue"]) {
      source.addEventListener(name, (event) => {
        this.#connected(true);
        this.#fire(name, JSON.parse(event.data));
      });
    }
    source.addEventListener("error", () => {
      this.#connected(false);
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.connect(), AGAIN);
    });
  }

  #connected(up) {
    if (up === this.up) return;
    this.up = up;
    this.#fire("connection", { up });
  }

  #fire(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
