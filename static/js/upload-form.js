// The form of a new version: what is being done, how far it is, pausing, going on, and where it leads at the end.
const { hasher, once, again, sendMissing, byCodePoint, size, Stopped } = window.strongroomUpload;

// The id of this upload, the same after a reload with the same files: so that it goes on with what has arrived.
async function remembered(digest, card, chosen) {
  const told = JSON.stringify([card.collection, card.type, chosen.map(([path, file]) => [path, file.size, file.lastModified])]);
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
    throw new Stopped(`The metadata is not JSON: ${error.message}`);
  }
  return { card: { collection: text("collection"), type: text("type"), description: form.elements.description.value, metadata },
    labels: { aliases: words("aliases"), tags: words("tags") } };
}

function start(root) {
  const form = root.querySelector("form");
  const [bar, said, pause, figures] = ["progress", "[data-said]", "[data-pause]", "[data-figures]"].map((name) => root.querySelector(name));
  const digests = new Map();
  let files = new Map(), control = null, digest = null;

  root.addEventListener("upload:files", ({ detail }) => { files = detail; });
  const tell = (text, wrong = false) => { said.textContent = text; said.classList.toggle("danger", wrong); };
  const lock = (busy) => {
    root.dispatchEvent(new CustomEvent("upload:locked", { detail: busy }));
    for (const element of form.querySelectorAll("[data-card] input, [data-card] textarea, button[type=submit]")) element.disabled = busy;
    pause.hidden = !busy;
    bar.hidden = !busy && bar.value === 0;
    if (busy) bar.scrollIntoView({ block: "nearest" });
    else figures.textContent = "";
  };
  const counting = (total, doing) => {
    let done = 0;
    bar.max = total || 1;
    bar.value = 0;
    tell(doing);
    return (bytes) => {
      done += bytes;
      bar.value = done;
      figures.textContent = `${size(done)} of ${size(total)}, ${total ? Math.floor((100 * done) / total) : 100} %`;
    };
  };

  async function send() {
    const { card, labels } = read(form);
    if (!files.size) throw new Stopped("Choose at least one file.");
    const chosen = [...files].sort(byCodePoint);
    const total = chosen.reduce((sum, [, file]) => sum + file.size, 0);
    const ask = (...request) => again(control.signal, () => once(root, control.signal, ...request));
    digest ??= hasher(root);
    const counted = counting(total, "Reading the files");
    for (const [path, file] of chosen) {
      if (control.signal.aborted) throw new Error("paused");
      const key = `${path}\n${file.size}\n${file.lastModified}`;
      if (digests.has(key)) counted(file.size);
      else digests.set(key, await digest(file, counted));
      digests.set(path, digests.get(key));
    }
    const { id, forget } = await remembered(digest, card, chosen);
    root.dispatchEvent(new CustomEvent("upload:begun", { detail: `${chosen.length.toLocaleString("en")} ${chosen.length === 1 ? "file" : "files"}, ${size(total)}` }));
    const draft = await ask("POST", `${root.dataset.project}/drafts`, { ...card, client_id: id });
    if (draft.state === "PENDING") {
      const lines = chosen.map(([path, file]) => `${JSON.stringify({ path, size: file.size, sha256: digests.get(path) })}\n`);
      const staged = await ask("PUT", `/drafts/${draft.id}/manifest`, new Blob(lines), { "Content-Type": "application/x-ndjson" });
      const byDigest = new Map(chosen.map(([path, file]) => [digests.get(path), file]));
      if (staged.missing.count) await sendMissing(ask, draft.id, byDigest, counting(staged.missing.bytes, "Sending what the server lacks"));
    }
    tell("Committing");
    const done = await ask("POST", `/drafts/${draft.id}/commit`, labels);
    forget();
    root.dispatchEvent(new CustomEvent("upload:done"));
    location.assign(done.version.url);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    control = new AbortController();
    lock(true);
    try {
      await send();
    } catch (error) {
      if (control.signal.aborted) tell("Paused. What arrived is kept: Log the version goes on from there, also after a reload with the same files.");
      else tell(error instanceof Stopped ? error.message : `${error.message} What arrived is kept: try again.`, true);
      lock(false);
    }
  });
  pause.addEventListener("click", () => control?.abort());
}

for (const root of document.querySelectorAll("[data-upload]")) start(root);
