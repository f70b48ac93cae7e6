// [data-upload]: files and folders that are dropped or picked, as a list of paths; "upload:files" tells of each change.
const { size } = window.strongroomUpload;

const readAll = async (reader) => {
  const found = [];
  for (let more = true; more; ) {
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    found.push(...entries);
    more = entries.length > 0;
  }
  return found;
};

async function walk(entry, above) {
  const path = above ? `${above}/${entry.name}` : entry.name;
  if (entry.isFile) return [{ path, file: await new Promise((resolve, reject) => entry.file(resolve, reject)) }];
  const inside = [];
  for (const each of await readAll(entry.createReader())) inside.push(...(await walk(each, path)));
  return inside;
}

function start(root) {
  const files = new Map();
  const list = root.querySelector("[data-files]");
  const total = root.querySelector("[data-total]");

  function show() {
    const rows = [...files].slice(0, 200).map(([path, file]) => {
      const row = document.createElement("tr");
      const [name, bytes, act] = ["td", "td", "td"].map((tag) => document.createElement(tag));
      name.className = "mono first";
      name.textContent = path;
      bytes.className = "num";
      bytes.textContent = size(file.size);
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn btn-plain btn-small";
      button.textContent = "Remove";
      button.setAttribute("aria-label", `Remove ${path}`);
      button.onclick = () => { files.delete(path); show(); };
      act.className = "end-col";
      act.append(button);
      row.append(name, bytes, act);
      return row;
    });
    list.replaceChildren(...rows);
    const bytes = [...files.values()].reduce((sum, file) => sum + file.size, 0);
    const more = files.size > 200 ? ", of which 200 are listed" : "";
    total.textContent = files.size ? `${files.size.toLocaleString("en")} ${files.size === 1 ? "file" : "files"}, ${size(bytes)}${more}` : "No files chosen yet.";
    root.dispatchEvent(new CustomEvent("upload:files", { detail: files }));
  }

  function add(found) {
    for (const { path, file } of found) files.set(path.replace(/^\.?\/+/, "").normalize("NFC"), file);
    show();
  }

  for (const input of root.querySelectorAll("input[type=file]")) {
    input.addEventListener("change", () => {
      add([...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file })));
      input.value = "";
    });
  }
  const zone = root.querySelector("[data-drop]");
  let busy = false;
  // What is dropped beside the zone would be opened in place of the page, and what was chosen be lost.
  for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
  for (const name of ["dragover", "dragenter"]) zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("is-over"); });
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("is-over"));
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    if (busy) return;
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    for (const entry of entries) add(await walk(entry, ""));
  });
  root.addEventListener("upload:locked", ({ detail }) => {
    busy = detail;
    for (const element of root.querySelectorAll("[data-pick-files] input, [data-pick-files] button")) element.disabled = detail;
  });
  show();
}

for (const root of document.querySelectorAll("[data-upload]")) start(root);
