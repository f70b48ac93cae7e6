// Before an upload: what its form says, the digests of its files, and the id by which it goes on after a reload.
class Stopped extends Error {}

const size = (count) => {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const at = count < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(count) / 3));
  return `${(count / 1000 ** at).toFixed(at ? 1 : 0)} ${units[at]}`;
};

// Hashes in a worker until the signal says stop; the next try has a worker of its own.
function hasher(root, signal) {
  const worker = new Worker(root.dataset.hasher);
  for (const library of root.dataset.libraries.split(" ")) worker.postMessage({ library });
  const waiting = new Map();
  worker.onmessage = ({ data }) => {
    const { resolve, reject, told } = waiting.get(data.id);
    if (data.bytes !== undefined) told(data.bytes);
    else if (data.error) reject(new Stopped(data.error));
    else resolve(data.found);
  };
  const stop = (message) => {
    worker.terminate();
    for (const { reject } of waiting.values()) reject(new Stopped(message));
  };
  worker.onerror = () => stop("The part of this page that hashes files could not be loaded. Reload the page and try again.");
  signal.addEventListener("abort", () => stop("Paused."));
  return (file, told, kind = "sha256") => new Promise((resolve, reject) => {
    waiting.set(waiting.size, { resolve, reject, told });
    worker.postMessage({ id: waiting.size - 1, file, kind });
  });
}

// Fills in the digest of each path; what was hashed before, and has not changed since, is not read again.
async function hashAll(digest, digests, chosen, counted) {
  for (const [path, file] of chosen) {
    const key = `${path}\n${file.size}\n${file.lastModified}`;
    if (digests.has(key)) counted(file.size);
    else digests.set(key, await digest(file, counted));
    digests.set(path, digests.get(key));
  }
}

// The id of this upload, the same after a reload with the same files and references: so that it goes on with what has arrived.
async function remembered(digest, card, chosen, refers) {
  const told = JSON.stringify([card.collection, card.type, refers, chosen.map(([path, file]) => [path, file.size, file.lastModified])]);
  const key = `upload-${(await digest(new Blob([told]), () => {})).slice(0, 24)}`;
  const id = localStorage.getItem(key) || Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  localStorage.setItem(key, id);
  return { id, forget: () => localStorage.removeItem(key) };
}

function read(form) {
  const text = (name) => form.elements[name].value.trim();
  const words = (name) => text(name).split(",").map((word) => word.trim()).filter(Boolean);
  let metadata = {};
  try {
    if (text("metadata")) metadata = JSON.parse(text("metadata"));
  } catch (error) {
    throw Object.assign(new Stopped(`The metadata is not JSON: ${error.message}`), { field: form.elements.metadata });
  }
  return { card: { collection: text("collection"), type: text("type"), description: form.elements.description.value, metadata },
    labels: { aliases: words("aliases"), tags: words("tags") } };
}

Object.assign(window, { strongroomUpload: { hasher, hashAll, remembered, read, size, Stopped } });
