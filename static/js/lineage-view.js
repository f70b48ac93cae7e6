// Walking through a drawn lineage: choosing a node (its path lights up; "lineage:chosen" tells), keys. [data-lineage].seek(key) chooses a node wherever it is.
function reach(edges, key, forwards) {
  const found = new Set([key]);
  for (let grew = true; grew; ) {
    grew = false;
    for (const { ends: [source, target] } of edges) {
      const [from, to] = forwards ? [source, target] : [target, source];
      if (found.has(from) && !found.has(to)) grew = Boolean(found.add(to));
    }
  }
  return found;
}

function attach(root, detail) {
  const { svg, nodes, edges } = detail;
  const canvas = root.querySelector(".canvas");
  const byKey = new Map(nodes.map((node) => [node.key, node]));
  const element = (key) => svg.querySelector(`[data-node="${CSS.escape(key)}"]`);
  let chosen = null;

  function choose(key, focus) {
    chosen = key;
    const lit = [reach(edges, key, true), reach(edges, key, false)];
    for (const node of svg.querySelectorAll(".node")) {
      const on = node.dataset.node === key;
      node.classList.toggle("is-selected", on);
      node.tabIndex = on ? 0 : -1;
    }
    for (const group of svg.querySelectorAll(".arrow-line")) {
      const on = lit.some((keys) => keys.has(group.dataset.from) && keys.has(group.dataset.to));
      for (const part of group.children) part.classList.toggle("on", on);
    }
    const way = (at) => edges.some(({ ends }) => ends[at] === key);
    if (focus) element(key).focus();
    root.dispatchEvent(new CustomEvent("lineage:chosen", { detail: { node: byKey.get(key), before: way(1), after: way(0) } }));
  }

  const ways = {
    ArrowRight: (key) => edges.filter(({ ends }) => ends[0] === key).map(({ ends }) => ends[1]),
    ArrowLeft: (key) => edges.filter(({ ends }) => ends[1] === key).map(({ ends }) => ends[0]),
  };
  const column = () => nodes.filter((node) => Math.abs(node.x - byKey.get(chosen).x) < 40).sort((a, b) => a.y - b.y).map((node) => node.key);
  root.onkeydown = (event) => {
    if (!chosen || event.target.matches("button")) return;
    const near = ways[event.key]?.(chosen) ?? [];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const next = step ? column()[column().indexOf(chosen) + step] : near[0];
    if (event.key === "Enter" && event.target === canvas) element(chosen).click();
    else if (next) choose(next, true);
    else if (!(event.key in ways) && !step) return;
    event.preventDefault();
  };
  svg.onclick = (event) => {
    const key = event.target.closest("[data-node]")?.dataset.node;
    if (!key) return;
    if (byKey.get(key).kind === "cluster") root.dispatchEvent(new CustomEvent("lineage:open", { detail: byKey.get(key) }));
    else if (key === chosen || event.ctrlKey || event.metaKey) return;
    else choose(key, true);
    event.preventDefault();
  };
  root.seek = (key) => (byKey.has(key) ? choose(key, false) : root.dispatchEvent(new CustomEvent("lineage:show", { detail: key })));
  choose(byKey.has(detail.chosen) ? detail.chosen : detail.start, detail.focus);
}

for (const root of document.querySelectorAll("[data-lineage]")) root.addEventListener("lineage:drawn", ({ detail }) => attach(root, detail));
