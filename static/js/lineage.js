// [data-lineage=address]: fetches a lineage, gathers siblings into clusters, and has ELK lay it out in a worker.
// Tells by "lineage:laid" (nodes, edges, places); "lineage:open" and "lineage:close" open and gather a cluster, "lineage:fold" hides what lies before or after a node, or shows it again.
const CLUSTER_FROM = 5;
const SIZES = { version: [156, 58], run: [136, 44], cluster: [136, 44] };

/* What is left when the part before or after some nodes is folded away: all that still hangs together with the start. */
function unfolded(graph, folded) {
  const edges = graph.edges.filter(([source, target]) => !folded.has(`after ${source}`) && !folded.has(`before ${target}`));
  const near = new Set([graph.start]);
  for (let grew = true; grew; ) {
    grew = false;
    for (const [one, other] of edges) if (near.has(one) !== near.has(other)) grew = Boolean(near.add(one).add(other));
  }
  const nodes = graph.nodes.filter(({ key }) => near.has(key)).map((node) => {
    const hides = ["before", "after"].filter((way) => folded.has(`${way} ${node.key}`));
    return { ...node, hides, sub: hides.length ? `hides what is ${hides.join(" and ")}` : node.sub };
  });
  return { ...graph, nodes, edges: edges.filter(([source]) => near.has(source)) };
}

/* Nodes of one kind that hang on one and the same neighbour, and on nothing else, are siblings. */
function siblings(graph) {
  const around = new Map(graph.nodes.map((node) => [node.key, []]));
  for (const [source, target] of graph.edges) {
    around.get(source).push(target);
    around.get(target).push(source);
  }
  const groups = new Map();
  for (const node of graph.nodes) {
    const [only, ...others] = new Set(around.get(node.key));
    if (!only || others.length || node.key === graph.start || node.more_up + node.more_down) continue;
    const way = graph.edges.some(([source]) => source === node.key) ? "into" : "from";
    const key = `${node.kind} ${way} ${only}`;
    groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  return [...groups].filter(([, nodes]) => nodes.length >= CLUSTER_FROM);
}

function clustered(graph, opened) {
  const stands = new Map();
  const clusters = siblings(graph).flatMap(([key, nodes]) => {
    for (const node of nodes) if (opened.has(key)) node.cluster = key;
    if (opened.has(key)) return [];
    for (const node of nodes) stands.set(node.key, key);
    const name = `${nodes.length} ${nodes[0].kind}s`;
    return [{ key, kind: "cluster", title: name, mark: "", sub: "opens", aliases: [], nodes, facts: [], hides: [],
      name, url: "", distance: nodes[0].distance, more_up: 0, more_down: 0 }];
  });
  const place = (key) => stands.get(key) ?? key;
  const edges = new Map(graph.edges.map(([source, target]) => [`${place(source)}>${place(target)}`, [place(source), place(target)]]));
  return { nodes: [...graph.nodes.filter((node) => !stands.has(node.key)), ...clusters], edges: [...edges.values()] };
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
  const [opened, folded] = [new Set(), new Set()];
  const show = async (chosen) => {
    const detail = { ...(await laid(elk, clustered(unfolded(graph, folded), opened))), start: graph.start, chosen };
    root.dispatchEvent(new CustomEvent("lineage:laid", { detail }));
  };
  root.addEventListener("lineage:open", ({ detail: { key, nodes, chosen } }) => {
    opened.add(key);
    show(chosen ?? nodes[0].key);
  });
  root.addEventListener("lineage:close", (event) => show(opened.delete(event.detail) ? event.detail : graph.start));
  root.addEventListener("lineage:fold", ({ detail: { key, way } }) => {
    if (!folded.delete(`${way} ${key}`)) folded.add(`${way} ${key}`);
    show(key);
  });
  await show(graph.start);
}

for (const root of document.querySelectorAll("[data-lineage]")) {
  start(root).catch((error) => {
    root.querySelector(".canvas-wait").textContent = `The graph can't be drawn. ${error.message} Choose Table to see the same.`;
  });
}
