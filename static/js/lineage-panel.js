// The panel beside a lineage: the facts of the chosen node, and what can be hidden or gathered from there.
const NAMED = 20;

function line(label, value) {
  const row = document.createElement("div");
  const [term, told] = [document.createElement("dt"), document.createElement("dd")];
  term.textContent = label;
  told.textContent = value;
  row.append(term, told);
  return row;
}

function facts(node) {
  const list = document.createElement("dl");
  list.className = "facts";
  const aliases = node.aliases.length ? [["Aliases", node.aliases.join(", ")]] : [];
  const inside = (node.nodes ?? []).slice(0, NAMED).map((each) => ["", each.name]);
  if (node.nodes?.length > NAMED) inside.push(["", `and ${node.nodes.length - NAMED} more`]);
  list.append(...[...aliases, ...node.facts, ...inside].map(([label, value]) => line(label, value)));
  return list;
}

function heading(node) {
  const title = document.createElement("h2");
  const link = document.createElement(node.url ? "a" : "span");
  if (node.url) link.href = node.url;
  link.textContent = node.name;
  title.append(link);
  return title;
}

/* What was found of the references of a version that are not as they were recorded. */
function drift(found) {
  const line = document.createElement("p");
  const mark = document.createElement(found.url ? "a" : "span");
  if (found.url) mark.href = found.url;
  mark.className = `state is-${found.kind}`;
  mark.textContent = found.words;
  line.append(mark);
  return line;
}

function button(root, words, event, detail) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "btn btn-plain btn-small";
  made.textContent = words;
  made.addEventListener("click", () => root.dispatchEvent(new CustomEvent(event, { detail })));
  return made;
}

function actions(root, { node, before, after }) {
  const box = document.createElement("p");
  box.className = "row-flex tight";
  if (node.kind === "cluster") box.append(button(root, "Open", "lineage:open", node));
  else
    for (const [way, is] of [["before", before], ["after", after]]) {
      const hidden = node.hides.includes(way);
      if (is || hidden) box.append(button(root, `${hidden ? "Show" : "Hide"} what is ${way}`, "lineage:fold", { node, way }));
    }
  if (node.cluster) box.append(button(root, "Gather its siblings", "lineage:close", node.cluster));
  return box;
}

for (const root of document.querySelectorAll("[data-lineage]"))
  root.addEventListener("lineage:chosen", ({ detail }) =>
    root.querySelector(".node-panel").replaceChildren(
      heading(detail.node), ...(detail.node.drift ? [drift(detail.node.drift)] : []), facts(detail.node), actions(root, detail)));
