// References of an upload's form: rows that a button adds, and what they ask the server to resolve.
const named = (row, name) => row.querySelector(`[name$="-${name}"]`);

function read(form) {
  return [...form.querySelectorAll("[data-rows] [data-reference]")]
    .map((row) => ({ row, uri: named(row, "uri").value.trim(), name: named(row, "name").value.trim(), most: named(row, "max_objects").value.trim(), look: named(row, "checksum").value !== "none" }))
    .filter(({ uri, name, most }) => uri || name || most);
}

// Each is judged as it is added; what is refused says so at its row.
async function send(form, ask, draft) {
  for (const { row, uri, name, most, look } of read(form)) {
    try {
      await ask("POST", `/drafts/${draft}/references`, { uri, name, checksum: look, ...(most && { max_objects: Number(most) }) });
    } catch (error) {
      throw Object.assign(error, { field: named(row, "uri") });
    }
  }
}

function start(root) {
  const rows = root.querySelector("[data-rows]");
  const more = root.querySelector("[data-more]");
  more.addEventListener("click", (event) => {
    event.preventDefault();
    const number = rows.children.length;
    const row = root.querySelector("[data-row]").content.cloneNode(true);
    for (const element of row.querySelectorAll("*")) {
      for (const attribute of [...element.attributes]) attribute.value = attribute.value.replace("r__-", `r${number}-`);
    }
    rows.append(row);
    root.querySelector("[name=rows]").value = rows.children.length;
    more.hidden = rows.children.length >= 50;
    named(rows.lastElementChild, "uri").focus();
  });
  root.addEventListener("upload:locked", ({ detail }) => {
    for (const element of root.querySelectorAll("[data-references] input, [data-references] select, [data-references] button")) element.disabled = detail;
  });
}

for (const root of document.querySelectorAll("[data-upload]")) start(root);
Object.assign(window.strongroomUpload, { references: { read, send } });
