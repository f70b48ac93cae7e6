// [#find-node]: finds nodes of a lineage by name or alias, those in clusters too; Enter goes to the next, Shift+Enter to the one before.
function attach(root, input, told) {
  let [nodes, found, at] = [[], [], 0];

  function go(to) {
    // What is folded away meanwhile is none any more.
    found = found.filter((key) => nodes.some((node) => node.key === key));
    at = found.length ? (to + found.length) % found.length : 0;
    told.textContent = !input.value.trim() ? "" : found.length ? `${at + 1} of ${found.length}` : "Nothing matches";
    if (found.length) root.seek(found[at]);
  }

  function look() {
    const text = input.value.trim().toLowerCase();
    const has = ({ name, aliases }) => [name, ...aliases].some((each) => each.toLowerCase().includes(text));
    found = text ? nodes.filter(has).map(({ key }) => key) : [];
    go(0);
  }

  root.addEventListener("lineage:drawn", ({ detail }) => {
    const seen = detail.nodes.filter(({ kind }) => kind !== "cluster").sort((a, b) => a.x - b.x || a.y - b.y);
    nodes = [...seen, ...detail.nodes.flatMap((node) => node.nodes ?? [])];
    // Who was faster than the graph.
    if (!detail.again && input.value) look();
  });
  input.addEventListener("input", () => root.seek && look());
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    go(at + (event.shiftKey ? -1 : 1));
  });
}

for (const root of document.querySelectorAll("[data-lineage]"))
  attach(root, document.getElementById("find-node"), document.getElementById("find-status"));
