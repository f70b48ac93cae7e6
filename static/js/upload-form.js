// The form of a new version: what is being done, how far it is, pausing, going on, and where it leads at the end.
const { hasher, hashAll, remembered, read, once, again, sendMissing, byCodePoint, references, size, Stopped } = window.strongroomUpload;

function start(root) {
  const form = root.querySelector("form");
  const [bar, said, pause, figures] = ["progress", "[data-said]", "[data-pause]", "[data-figures]"].map((name) => root.querySelector(name));
  const digests = new Map();
  let files = new Map(), control = null, isPaused = false;

  const tell = (text, wrong = false) => { said.textContent = text; said.classList.toggle("danger", wrong); };
  root.addEventListener("upload:files", ({ detail }) => { files = detail; tell(""); });
  window.addEventListener("beforeunload", (event) => pause.hidden || event.preventDefault());
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
    const refers = references.read(form);
    if (!files.size && !refers.length) throw new Stopped("Choose at least one file, or add a reference.");
    const chosen = [...files].sort(byCodePoint);
    const total = chosen.reduce((sum, [, file]) => sum + file.size, 0);
    const ask = (...request) => again(control.signal, () => once(root, control.signal, ...request));
    const digest = hasher(root, control.signal);
    const way = { ask, digest, signal: control.signal, direct: Boolean(root.dataset.bucket), say: tell };
    const { id, forget } = await remembered(digest, card, chosen, refers.map(({ row, ...typed }) => typed));
    // Before the files are read: what is wrong with the name, the aliases or the tags shows at once.
    const draft = await ask("POST", `${root.dataset.project}/drafts`, { ...card, ...labels, client_id: id });
    root.dispatchEvent(new CustomEvent("upload:begun", { detail: `${chosen.length.toLocaleString("en")} ${chosen.length === 1 ? "file" : "files"}, ${size(total)}` }));
    if (draft.state === "PENDING") await references.send(form, ask, draft.id);
    if (draft.state === "PENDING" && (files.size || !refers.length)) {
      await hashAll(digest, digests, chosen, counting(total, "Reading the files"));
      const lines = chosen.map(([path, file]) => `${JSON.stringify({ path, size: file.size, sha256: digests.get(path) })}\n`);
      const staged = await ask("PUT", `/drafts/${draft.id}/manifest`, new Blob(lines), { "Content-Type": "application/x-ndjson" });
      const byDigest = new Map(chosen.map(([path, file]) => [digests.get(path), file]));
      if (staged.missing.count) await sendMissing(way, draft.id, byDigest, counting(staged.missing.bytes, "Sending what the server lacks"));
    }
    tell("Committing");
    if (refers.length && draft.state === "PENDING") {
      await ask("POST", `/drafts/${draft.id}/resolution`, labels);
      forget();
      root.dispatchEvent(new CustomEvent("upload:done"));
      lock(false);
      return location.assign(root.dataset.pending + encodeURIComponent(draft.id));
    }
    const { version, created } = await ask("POST", `/drafts/${draft.id}/commit`, labels);
    forget();
    root.dispatchEvent(new CustomEvent("upload:done"));
    lock(false);
    if (created || !(card.description.trim() || Object.keys(card.metadata).length)) return location.assign(version.url);
    tell(`Nothing new: these are the files of ${version.name}. No version was made, and its card and metadata are as they were. `);
    said.append(Object.assign(document.createElement("a"), { href: version.url, textContent: `Open ${version.name}` }));
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    control = new AbortController();
    isPaused = false;
    for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
    lock(true);
    try {
      await send();
    } catch (error) {
      if (isPaused) tell("Paused. What arrived is kept: Log the version goes on from there, also after a reload with the same files.");
      else tell(error instanceof Stopped ? error.message : `${error.message} What arrived is kept: try again.`, true);
      lock(false);
      error.field?.setAttribute("aria-invalid", "true");
      error.field?.focus();
    } finally {
      control.abort();
    }
  });
  pause.addEventListener("click", () => { isPaused = true; control.abort(); });
}

for (const root of document.querySelectorAll("[data-upload]")) start(root);
