// Gathers what is alike in a lineage into clusters: [data-lineage].gather(graph, opened) returns the graph as it is shown.
// A cluster is open when `opened` names a node in it: that stays true when it grows, and of clusters within clusters.
function counted(nodes) {
  const kinds = [...new Set(nodes.map(({ kind }) => kind))];
  return kinds.map((kind) => `${nodes.filter((node) => node.kind === kind).length} ${kind}s`).join(" and ");
}

/* How the names of all begin, without the number at which they part. */
function beginning(titles) {
  let length = titles[0].length;
  for (const title of titles) while (!title.startsWith(titles[0].slice(0, length))) length -= 1;
  if (titles.every((title) => title === titles[0])) return titles[0];
  const common = titles[0].slice(0, length).replace(/[^\p{L}]+$/u, "");
  return common.length > 2 ? `${common}…` : "";
}

function cluster(group) {
  const nodes = group.flat().flatMap((node) => node.nodes ?? [node]);
  const first = group.flat().filter(({ kind }) => kind !== "cluster").map(({ key }) => key).sort()[0];
  const leads = group.map((strand) => strand.find(({ kind }) => kind !== "cluster"));
  const named = beginning(leads.map(({ title }) => title));
  // Where the words count more of its kind: the evals of a sweep are runs as well.
  const isPlain = nodes.filter(({ kind }) => kind === leads[0].kind).length === group.length;
  const title = named && !isPlain ? `${named} × ${group.length}` : named;
  const sum = (what) => group.flat().reduce((all, node) => all + node[what], 0);
  const words = counted(nodes);
  const drifted = nodes.filter(({ drift }) => drift).length;
  const drift = drifted ? { kind: "warn", words: `References drifted in ${drifted}`, url: "" } : null;
  const families = [0, 1].map((level) => `many ${[...new Set(nodes.map((node) => node.families[level]))].sort()}`);
  return { key: `c${first}`, first, kind: "cluster", nodes, families, name: words, title: title || words, sub: title ? words : "opens",
    mark: "", url: "", aliases: [], drift, facts: [], hides: [], distance: group[0][0].distance, more_up: sum("more_up"), more_down: sum("more_down") };
}

function collapsed(graph, groups) {
  const stands = new Map(groups.flatMap(([made, members]) => members.map(({ key }) => [key, made.key])));
  const place = (key) => stands.get(key) ?? key;
  const edges = graph.edges.map((ends) => ends.map(place)).filter(([source, target]) => source !== target);
  const nodes = [...graph.nodes.filter(({ key }) => !stands.has(key)), ...groups.map(([made]) => made)];
  return { ...graph, nodes, edges: [...new Map(edges.map((ends) => [ends.join(">"), ends])).values()] };
}

function gather(root, graph, opened) {
  let shown = graph;
  for (const level of [0, 1])
    for (let more = true; more; ) {
      const groups = root.alike(shown, level).map((group) => [cluster(group), group.flat()]);
      const isOpen = ([made]) => made.nodes.some(({ key }) => opened.has(key));
      for (const [made, members] of groups.filter(isOpen)) for (const node of members) node.cluster = made;
      const closed = groups.filter((group) => !isOpen(group));
      shown = collapsed(shown, closed);
      // What was gathered may be alike in turn: models, each with its cluster of evals.
      more = closed.length > 0;
    }
  return shown;
}

for (const root of document.querySelectorAll("[data-lineage]")) root.gather = (graph, opened) => gather(root, graph, opened);
