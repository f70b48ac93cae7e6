// The address of a lineage tells what is looked at, so that a reload, Back and a copied link bring it back:
// node= is chosen, open= names a node of each open cluster, hide= what is folded away. Names in a list stand between dots.
const NAMES = ["node", "open", "hide"];
const KEY = /^c?[vr]\d+$/;
const FOLD = /^(before|after)-[vr]\d+$/;

/* What was asked for; what can't be meant is passed over. */
function asked() {
  const query = new URLSearchParams(location.search);
  const list = (name, form) => new Set((query.get(name) ?? "").split(".").filter((each) => form.test(each)));
  const [node] = list("node", KEY);
  return { node, open: list("open", KEY), hide: list("hide", FOLD) };
}

function told(chosen, { start, opened, folded }) {
  return { node: chosen === start ? "" : chosen, open: [...opened].join("."), hide: [...folded].join(".") };
}

function put(query, values) {
  for (const name of NAMES) values[name] ? query.set(name, values[name]) : query.delete(name);
}

function attach(root, form) {
  let [drawn, values] = [null, {}];
  const written = (address) => {
    const made = new URL(address, location.href);
    put(made.searchParams, values);
    return made.href;
  };
  root.asked = asked();
  root.addEventListener("lineage:drawn", ({ detail }) => (drawn = detail));
  root.addEventListener("lineage:chosen", ({ detail: { node } }) => {
    values = told(node.key, drawn);
    history.replaceState(history.state, "", written(location.href));
    // Another direction, depth or view of it keeps what is chosen.
    for (const link of form.querySelectorAll("a[href]")) link.href = written(link.href);
  });
  form.addEventListener("formdata", ({ formData }) => put(formData, values));
}

for (const root of document.querySelectorAll("[data-lineage]")) attach(root, document.querySelector(".filters"));
