// [data-upload]: what was typed for an upload that is not finished, kept by this browser until it is; files are not:
// no page may open them again by itself.
const names = ["collection", "type", "description", "metadata", "aliases", "tags"];

function start(root) {
  const key = `upload-form:${root.dataset.project}`;
  const form = root.querySelector("form");
  const note = root.querySelector("[data-unfinished]");
  const forget = () => {
    localStorage.removeItem(key);
    note.hidden = true;
  };

  root.addEventListener("upload:begun", ({ detail }) => {
    const typed = Object.fromEntries(names.map((name) => [name, form.elements[name].value]));
    localStorage.setItem(key, JSON.stringify({ typed, files: detail }));
  });
  root.addEventListener("upload:done", forget);
  note.querySelector("button").addEventListener("click", () => {
    forget();
    form.reset();
  });

  const { typed, files } = JSON.parse(localStorage.getItem(key) ?? "{}");
  const asked = form.elements.collection.value;
  if (!typed || (asked && asked !== typed.collection)) return;
  for (const name of names) form.elements[name].value = typed[name];
  note.querySelector("[data-what]").textContent = `${typed.collection}, ${files}`;
  note.hidden = false;
}

for (const root of document.querySelectorAll("[data-upload]")) start(root);
