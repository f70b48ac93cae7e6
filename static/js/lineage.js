// [data-lineage=address]: fetches a lineage, has it gathered into clusters, and has ELK lay it out in a worker.
// Tells by "lineage:laid" (nodes, edges, places). "lineage:open" and "lineage:close" open and gather a cluster,
// "lineage:show" a node that is in one; "lineage:fold" hides what lies before or after a node, or shows it again.
const SIZES = { version: [156, 58], run: [136, 44], cluster: [136, 44] };

/* What is left when the part before or after some nodes is folded away: all that still hangs together with the start. */
function unfolded(graph, folded) {
  const edges = graph.edges.filter(([source, target]) => !folded.has(`after-${source}`) && !folded.has(`before-${target}`));
  const near = new Set([graph.start]);
  for (let grew = true; grew; ) {
    grew = false;
    for (const [one, other] of edges) if (near.has(one) !== near.has(other)) grew = Boolean(near.add(one).add(other));
  }
  const nodes = graph.nodes.filter(({ key }) => near.has(key)).map((node) => {
    const hides = ["before", "after"].filter((way) => folded.has(`${way}-${node.key}`));
    return { ...node, hides, sub: hides.length ? `hides what is ${hides.join(" and ")}` : node.sub };
  });
  return { ...graph, nodes, edges: edges.filter(([source]) => near.has(source)) };
}

function size(node) {
  const [width, height] = SIZES[node.kind];
  const longest = Math.max(7 * node.title.length, 6.6 * node.sub.length, 7 * (node.mark.length + node.aliases.join(" ").length + 3));
  return { width: Math.min(Math.max(width, longest + 34), 260), height };
}

async function laid(elk, shown) {
  const children = shown.nodes.map((node) => ({ id: node.key, ...size(node) }));
  const edges = shown.edges.map(([source, target], at) => ({ id: `e${at}`, sources: [source], targets: [target] }));
  const layoutOptions = { "elk.algorithm": "layered", "elk.direction": "RIGHT", "elk.edgeRouting": "SPLINES",
    // In the order of names, as far as arrows go along with it.
    "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
    "elk.layered.spacing.nodeNodeBetweenLayers": "48", "elk.spacing.nodeNode": "18", "elk.padding": "[top=16,left=16,bottom=16,right=16]" };
  const found = await elk.layout({ id: "root", layoutOptions, children, edges });
  const places = new Map(found.children.map((child) => [child.id, child]));
  return {
    width: found.width, height: found.height,
    nodes: shown.nodes.map((node) => ({ ...node, ...places.get(node.key), id: undefined })),
    edges: found.edges.map((edge, at) => ({ ends: shown.edges[at], sections: edge.sections ?? [] })),
  };
}

async function start(root) {
  const answer = await fetch(root.dataset.lineage, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  const graph = await answer.json();
  const { compare } = new Intl.Collator("en", { numeric: true });
  graph.nodes.sort((a, b) => a.distance - b.distance || compare(a.name, b.name));
  const place = new Map(graph.nodes.map(({ key }, at) => [key, at]));
  graph.edges.sort((a, b) => place.get(a[0]) - place.get(b[0]) || place.get(a[1]) - place.get(b[1]));
  const elk = new window.ELK({ workerUrl: root.dataset.worker });
  const { node: asked, open: opened, hide: folded } = root.asked;
  const known = new Set(graph.nodes.map(({ key }) => key));
  for (const names of [opened, folded]) for (const name of names) if (!known.has(name.split("-").at(-1))) names.delete(name);
  const gathered = () => root.gather(unfolded(graph, folded), opened);
  const show = async (chosen, focus = true) => {
    // One that is in clusters opens them.
    if (gathered().nodes.some(({ nodes }) => nodes?.some(({ key }) => key === chosen))) opened.add(chosen);
    const detail = { ...(await laid(elk, gathered())), start: graph.start, chosen, focus, opened, folded };
    root.dispatchEvent(new CustomEvent("lineage:laid", { detail }));
  };
  root.addEventListener("lineage:open", ({ detail }) => show(detail.first));
  root.addEventListener("lineage:show", ({ detail }) => show(detail, false));
  root.addEventListener("lineage:close", ({ detail: { key, nodes } }) => {
    for (const node of nodes) opened.delete(node.key);
    show(key);
  });
  root.addEventListener("lineage:fold", ({ detail: { node, way } }) => {
    const name = `${way}-${node.key}`;
    if (!folded.delete(name)) folded.add(name);
    // It stands alone from now on, and may be the one by which its siblings are open.
    const other = node.cluster?.nodes.find((each) => each.kind === node.kind && each.key !== node.key);
    if (other) opened.add(other.key);
    show(node.key);
  });
  await show(asked || graph.start, false);
}

for (const root of document.querySelectorAll("[data-lineage]")) {
  start(root).catch((error) => {
    root.querySelector(".canvas-wait").textContent = `The graph can't be drawn. ${error.message} Choose Table to see the same.`;
  });
}
