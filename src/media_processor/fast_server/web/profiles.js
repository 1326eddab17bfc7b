/** Which profile uploads get, and how a picture would look with it. */

import { ask, getJson, isShown } from "./api.js";
import { byId, say } from "./dom.js";
import { formOf } from "./files.js";
import { bytes, plainName, profileWords } from "./format.js";

export class Profiles {
  #file = null;
  #request = null;
  #urls = [];
  #settings = new Map();

  constructor(send) {
    this.select = byId("profile");
    this.panel = byId("preview");
    for (const image of this.panel.querySelectorAll("img")) {
      image.addEventListener("error", () => (image.hidden = true)); // its name promised a picture
    }
    this.select.addEventListener("change", () => this.#chosen());
    byId("profile-logo").addEventListener("load", ({ target }) => (target.hidden = false));
    byId("preview-open").addEventListener("click", () => this.#open());
    byId("preview-other").addEventListener("click", () => byId("preview-file").click());
    byId("preview-close").addEventListener("click", () => this.#close());
    byId("preview-file").addEventListener("change", ({ target }) => {
      if (target.files.length) this.#show(target.files[0]);
      target.value = "";
    });
    byId("preview-send").addEventListener("click", () => {
      send(this.#file);
      this.#close();
    });
  }

  get name() {
    return this.select.value || "default";
  }

  async load() {
    const { profiles } = await getJson("profiles");
    const before = this.name;
    this.#settings = new Map(profiles.map(({ name, settings }) => [name, settings]));
    this.select.replaceChildren(...profiles.map(({ name }) => new Option(name, name, false, name === before)));
    this.#showWords();
  }

  /** The file that a preview begins with. @param {File} file */
  picked(file) {
    if (this.panel.hidden) this.#file = file;
  }

  #chosen() {
    this.#showWords();
    if (!this.panel.hidden) this.#renew();
  }

  #showWords() {
    const settings = this.#settings.get(this.name);
    say("profile-words", settings ? profileWords(settings) : "");
    const logo = byId("profile-logo");
    logo.hidden = true; // until it is there
    if (settings && !settings.text) logo.src = `profiles/${encodeURIComponent(this.name)}/logo`;
  }

  #open() {
    if (this.#file) this.#show(this.#file);
    else byId("preview-file").click();
  }

  #close() {
    this.#request?.abort();
    this.panel.hidden = true;
    this.#dropUrls();
    byId("preview-open").focus();
  }

  #show(file) {
    this.#file = file;
    this.#dropUrls();
    this.panel.hidden = false;
    byId("preview-before").hidden = !isShown(file.type);
    byId("preview-before").src = this.#url(file);
    byId("preview-after").hidden = true;
    say("preview-name", `${plainName(file.name)}, ${bytes(file.size)}`);
    byId("preview-title").focus();
    this.#renew();
  }

  async #renew() {
    this.#request?.abort();
    const request = new AbortController();
    this.#request = request;
    say("preview-state", `Watermarking with the profile “${this.name}”…`);
    const form = formOf(this.#file);
    form.append("profile", this.name);
    try {
      const answer = await ask("preview", { method: "POST", body: form, signal: request.signal });
      const url = this.#url(await answer.blob());
      if (request.signal.aborted) return;
      byId("preview-after").src = url;
      byId("preview-after").hidden = false;
      say("preview-state", `Before and after, with the profile “${this.name}”. Nothing was saved.`);
    } catch (error) {
      if (error.name === "AbortError") return;
      byId("preview-after").hidden = true;
      say("preview-state", error.message);
    }
  }

  #url(blob) {
    const url = URL.createObjectURL(blob);
    this.#urls.push(url);
    return url;
  }

  #dropUrls() {
    this.#urls.splice(0).forEach((url) => URL.revokeObjectURL(url));
  }
}
