// Draws a lineage that is laid out as SVG: boxes, pills and arrows, each node a link. Geometry is attributes, never style.
const SVG = "http://www.w3.org/2000/svg";

function make(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

const cut = (text, width) => (text.length * 6.6 > width ? `${text.slice(0, Math.max(1, Math.floor(width / 6.6) - 1))}…` : text);

/* ELK gives splines as start, groups of three for a curve, and so the end; anything else is a broken line. */
function path(sections) {
  return sections.map((section) => {
    const points = [...(section.bendPoints ?? []), section.endPoint].map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`);
    const from = `M${section.startPoint.x.toFixed(1)} ${section.startPoint.y.toFixed(1)}`;
    if (points.length % 3) return `${from} L${points.join(" L")}`;
    return from + points.map((point, at) => (at % 3 === 0 ? ` C${point}` : ` ${point}`)).join("");
  }).join(" ");
}

function arrow(edge) {
  const group = make("g", { class: "arrow-line", "data-from": edge.ends[0], "data-to": edge.ends[1] });
  group.append(make("path", { class: "edge-line", d: path(edge.sections) }));
  const end = edge.sections.at(-1)?.endPoint;
  if (end) group.append(make("path", { class: "arrow", d: `M${end.x - 6} ${end.y - 4}l6 4l-6 4z` }));
  return group;
}

/* A dot where references are not as they were recorded; the label of the node has its words. */
function dot(node) {
  const mark = make("circle", { class: "drift", cx: node.width - 12, cy: 12, r: 4 });
  mark.append(make("title", {}, node.drift.words));
  return mark;
}

/* What a node says, line by line. */
function lines(node) {
  const chips = (node.aliases ?? []).filter((name) => name !== "latest").join(" ");
  return node.kind === "version" ? [node.title, `${node.mark}  ${chips}`.trimEnd(), node.sub] : [node.title, node.sub];
}

function body(node, rx) {
  const rect = make("rect", { class: "body", width: node.width, height: node.height, rx });
  // Here, and not in the link, whose name it would become: it tells what was cut to whoever points at it.
  rect.append(make("title", {}, node.name));
  return rect;
}

function words(node) {
  const [title, ...rest] = lines(node);
  if (node.kind === "version") {
    return [
      body(node, 5),
      make("rect", { class: "edge", y: 10, width: 3, height: node.height - 20, rx: 1.5 }),
      make("text", { x: 13, y: 20, "font-weight": 500 }, cut(title, node.width - 24)),
      make("text", { class: "ver", x: 13, y: 35 }, cut(rest[0], node.width - 24)),
      make("text", { class: "sub", x: 13, y: 50 }, cut(rest[1], node.width - 24)),
    ];
  }
  const middle = { x: node.width / 2, "text-anchor": "middle" };
  const parts = [
    body(node, 22),
    make("text", { ...middle, y: 19, "font-weight": 500 }, cut(title, node.width - 28)),
    make("text", { ...middle, class: "sub", y: 34 }, cut(rest[0], node.width - 28)),
  ];
  if (node.kind === "cluster") parts.unshift(make("rect", { class: "behind", x: 5, y: 5, width: node.width, height: node.height, rx: 22 }));
  return parts;
}

function box(node) {
  const [kind, noun] = { version: ["art", "Version"], run: ["run", "Run"], cluster: ["cluster", "Cluster"] }[node.kind];
  const more = node.more_up + node.more_down;
  const beyond = more ? [`${more} more beyond`] : [];
  const drift = node.drift ? [node.drift.words] : [];
  const link = make("a", { class: `node ${kind}`, href: node.url || "#", "data-node": node.key, tabindex: -1,
    transform: `translate(${node.x.toFixed(1)} ${node.y.toFixed(1)})` });
  // The words that are drawn, in their order, and whole where the drawing cuts them.
  link.setAttribute("aria-label", [noun, ...lines(node), ...drift, ...beyond].join(" "));
  const side = node.more_down ? { x: node.width, "text-anchor": "end" } : { x: 0, "text-anchor": "start" };
  const parts = [...words(node), ...(node.drift ? [dot(node)] : []), ...beyond.map((text) => make("text", { ...side, class: "sub", y: node.height + 12 }, text))];
  // With spaces, so that the lines are words of their own to whoever compares label and text.
  link.append(...parts.flatMap((part) => [part, " "]));
  return link;
}

for (const root of document.querySelectorAll("[data-lineage]")) {
  root.addEventListener("lineage:laid", ({ detail }) => {
    const canvas = root.querySelector(".canvas");
    const old = canvas.querySelector("svg.dag");
    const svg = make("svg", { class: "dag", role: "group", "aria-label": "Lineage graph", viewBox: `0 0 ${detail.width} ${detail.height + 16}` });
    svg.append(...detail.edges.map(arrow), ...detail.nodes.map(box));
    canvas.querySelector(".canvas-wait")?.remove();
    if (old) old.replaceWith(svg);
    else canvas.prepend(svg);
    root.dispatchEvent(new CustomEvent("lineage:drawn", { detail: { ...detail, svg, again: Boolean(old) } }));
  });
}
