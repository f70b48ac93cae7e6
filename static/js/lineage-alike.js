// What is alike in a lineage: [data-lineage].alike(graph, level) returns groups of strands of one shape, each a list of nodes.
// A hub has many of one family on one side (a dataset with its sweep); what hangs together between the hubs is a strand
// (a run, its model and the eval of that). Families are close at level 0, and wide at level 1.
const CLUSTER_FROM = 5;

function around(graph) {
  const near = new Map(graph.nodes.map((node) => [node.key, { node, before: new Set(), after: new Set() }]));
  for (const [source, target] of graph.edges) {
    near.get(source).after.add(target);
    near.get(target).before.add(source);
  }
  return near;
}

function hubs(graph, near, level) {
  const many = (keys) => {
    const families = [...keys].map((key) => near.get(key).node.families[level]);
    return [...new Set(families)].some((family) => families.filter((each) => each === family).length >= CLUSTER_FROM);
  };
  // What was asked for stands alone, and so does what hides something, which could not be shown again.
  const alone = ({ node, before, after }) => node.key === graph.start || node.hides.length || many(before) || many(after);
  return new Set([...near.values()].filter(alone).map(({ node }) => node.key));
}

function strands(near, hub) {
  const seen = new Set(hub);
  const found = [];
  for (const first of near.keys()) {
    if (seen.has(first)) continue;
    const strand = [first];
    seen.add(first);
    for (const key of strand) {
      for (const each of [...near.get(key).before, ...near.get(key).after]) if (!seen.has(each) && seen.add(each)) strand.push(each);
    }
    found.push(strand.map((key) => near.get(key)).sort((a, b) => Math.abs(a.node.distance) - Math.abs(b.node.distance)));
  }
  return found;
}

/* What a strand is made of, and on which hubs it hangs; how often does not matter. */
function shape(strand, hub, level) {
  const ends = (keys) => [...keys].filter((key) => hub.has(key)).sort();
  const parts = strand.map(({ node, before, after }) =>
    JSON.stringify([node.families[level], ends(before), ends(after), node.more_up > 0, node.more_down > 0]));
  return [...new Set(parts)].sort().join();
}

/* Not those that were gathered before, and opened. */
function alike(graph, level) {
  const near = around(graph);
  const hub = hubs(graph, near, level);
  const groups = new Map();
  for (const strand of strands(near, hub)) {
    if (strand.some(({ node }) => node.cluster) || strand.every(({ node }) => node.kind === "cluster")) continue;
    const name = shape(strand, hub, level);
    groups.set(name, [...(groups.get(name) ?? []), strand.map(({ node }) => node)]);
  }
  return [...groups.values()].filter((group) => group.length >= CLUSTER_FROM);
}

for (const root of document.querySelectorAll("[data-lineage]")) root.alike = alike;
