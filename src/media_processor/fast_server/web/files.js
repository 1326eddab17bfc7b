/** Which files may be sent, and where they come from. */

/** @typedef {{files: File[], leftOut: number}} Found `leftOut` of a folder are no pictures */

/** What a folder has many of at once must not freeze the page. */
const BATCH = 100;

export function formOf(file) {
  const form = new FormData();
  // A type that isn't a picture's is a guess from the name; the server looks at the bytes.
  form.append("file", file.type.startsWith("image/") ? file : new Blob([file]), file.name);
  return form;
}

const extension = (name) => (name.match(/\.[^.]+$/)?.[0] ?? "").toLowerCase();

/** Where a file that came from a dropped folder lies. @type {WeakMap<File, string>} */
const paths = new WeakMap();

/** The folder that a file came from, from the one that was given on; empty without one. */
export function folderOf(file) {
  const path = paths.get(file) ?? file.webkitRelativePath;
  return path.split("/").filter(Boolean).slice(0, -1).join("/");
}

/** Whether type or extension name a picture that the server takes. */
function isPicture(file, limits) {
  const kinds = limits.content_types;
  return file.type in kinds || Object.values(kinds).some((known) => known.includes(extension(file.name)));
}

/** Why a file needn't be sent: the server's words, or null. */
export function refusal(file, limits) {
  const { refusals } = limits;
  if (file.size === 0) return refusals.empty_file;
  if (!isPicture(file, limits)) return refusals.unsupported_picture;
  return file.size > limits.max_upload_bytes ? refusals.upload_too_large : null;
}

/** Of files in folders only the pictures, and no hidden ones. @returns {Found} */
function pictures(files, limits) {
  const kept = files.filter((file) => !file.name.startsWith(".") && isPicture(file, limits));
  return { files: kept, leftOut: files.length - kept.length };
}

export function* fromInput(files, isFolder, limits) {
  for (let at = 0; at < files.length; at += BATCH) {
    const batch = files.slice(at, at + BATCH);
    yield isFolder ? pictures(batch, limits) : { files: batch, leftOut: 0 };
  }
}

/**
 * The entries have to be asked for before the event ends; reading them may take its time.
 * @param {DataTransfer} transfer
 */
export function entriesOf(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  return items.map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
}

export async function* fromEntries(entries, limits) {
  const folders = entries.filter(({ entry }) => entry?.isDirectory);
  const files = entries.filter(({ entry, file }) => file && !entry?.isDirectory);
  for (let at = 0; at < files.length; at += BATCH) {
    yield { files: files.slice(at, at + BATCH).map(({ file }) => file), leftOut: 0 };
  }
  for (const { entry } of folders) yield* fromFolder(entry, limits);
}

async function* fromFolder(folder, limits) {
  const reader = folder.createReader();
  for (;;) {
    const entries = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!entries.length) return;
    const plain = entries.filter((entry) => entry.isFile);
    const files = await Promise.all(plain.map(opened));
    const readable = files.filter((file) => file !== null);
    const found = pictures(readable, limits);
    yield { ...found, leftOut: found.leftOut + files.length - readable.length };
    for (const entry of entries) if (entry.isDirectory) yield* fromFolder(entry, limits);
  }
}

/** The file of an entry, null if it can't be read. */
function opened(entry) {
  return new Promise((resolve) => {
    const found = (file) => {
      paths.set(file, entry.fullPath);
      resolve(file);
    };
    entry.file(found, () => resolve(null));
  });
}

/** Pasted pictures are all called `image.png`; the time distinguishes them. */
export function fromClipboard(data) {
  const at = new Date().toISOString().slice(0, 19).replace("T", " ").replaceAll(":", ".");
  const named = [...data.files].map((file, index) => {
    if (file.name && !/^image\.\w+$/.test(file.name)) return file;
    const name = `pasted ${at}${index ? ` ${index + 1}` : ""}${extension(file.name) || ".png"}`;
    return new File([file], name, { type: file.type });
  });
  return { files: named, leftOut: 0 };
}
