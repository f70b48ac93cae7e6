// [data-lineage=address]: fetches a lineage, gathers siblings into clusters, and has ELK lay it out in a worker.
// Tells of it by "lineage:laid" (nodes and edges with places); "lineage:open" opens a cluster and lays out anew.
const CLUSTER_FROM = 5;
const SIZES = { version: [156, 58], run: [136, 44], cluster: [136, 44] };

/* Nodes of one kind that hang on one and the same neighbour, and on nothing else, are siblings. */
function siblings(graph, opened) {
  const around = new Map(graph.nodes.map((node) => [node.key, []]));
  for (const [source, target] of graph.edges) {
    around.get(source).push(target);
    around.get(target).push(source);
  }
  const groups = new Map();
  for (const node of graph.nodes) {
    const near = new Set(around.get(node.key));
    if (near.size !== 1 || node.key === graph.start || node.more_up + node.more_down) continue;
    const [only] = near;
    const way = graph.edges.some(([source]) => source === node.key) ? "into" : "from";
    const key = `${node.kind} ${way} ${only}`;
    groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  return [...groups].filter(([key, nodes]) => nodes.length >= CLUSTER_FROM && !opened.has(key));
}

function clustered(graph, opened) {
  const stands = new Map();
  const clusters = siblings(graph, opened).map(([key, nodes]) => {
    for (const node of nodes) stands.set(node.key, key);
    const what = nodes[0].kind === "run" ? "runs" : "versions";
    return { key, kind: "cluster", title: `${nodes.length} ${what}`, mark: "", sub: "opens", aliases: [], nodes, facts: [],
      name: `${nodes.length} ${what}`, url: "", distance: nodes[0].distance, more_up: 0, more_down: 0 };
  });
  const place = (key) => stands.get(key) ?? key;
  const edges = new Map(graph.edges.map(([source, target]) => [`${place(source)}>${place(target)}`, [place(source), place(target)]]));
  return { nodes: [...graph.nodes.filter((node) => !stands.has(node.key)), ...clusters], edges: [...edges.values()] };
}

function size(node) {
  const [width, height] = SIZES[node.kind];
  const longest = Math.max(node.title.length * 7, node.sub.length * 6.6, node.mark.length * 7 + node.aliases.join(" ").length * 7 + 24);
  return [Math.min(Math.max(width, longest + 34), 260), height];
}

async function laid(elk, shown) {
  const children = shown.nodes.map((node) => {
    const [width, height] = size(node);
    return { id: node.key, width, height };
  });
  const edges = shown.edges.map(([source, target], at) => ({ id: `e${at}`, sources: [source], targets: [target] }));
  const layoutOptions = { "elk.algorithm": "layered", "elk.direction": "RIGHT", "elk.edgeRouting": "SPLINES",
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
  const elk = new window.ELK({ workerUrl: root.dataset.worker });
  const opened = new Set();
  const show = async (chosen) => {
    const detail = { ...(await laid(elk, clustered(graph, opened))), start: graph.start, chosen };
    root.dispatchEvent(new CustomEvent("lineage:laid", { detail }));
  };
  root.addEventListener("lineage:open", (event) => {
    opened.add(event.detail.key);
    show(event.detail.nodes[0].key);
  });
  await show(graph.start);
}

for (const root of document.querySelectorAll("[data-lineage]")) {
  start(root).catch((error) => {
    root.querySelector(".canvas-wait").textContent = `The graph can't be drawn. ${error.message} Choose Table to see the same.`;
  });
}
