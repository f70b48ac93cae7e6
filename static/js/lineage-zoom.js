// How a drawn lineage is seen: fit, zoom (buttons, wheel with Ctrl, two fingers); the chosen node stays in sight.
const [LEGIBLE, READABLE, SMALLEST, LARGEST, MARGIN] = [0.7, 0.85, 0.1, 4, 24];

function lens(canvas) {
  let [svg, width, height] = [null, 0, 0];
  const middle = (box) => ({ x: box.left + box.width / 2, y: box.top + box.height / 2 });

  /* The whole of it both ways; the frame grows with the graph up to its greatest height. */
  function fitting() {
    const room = Number.parseFloat(getComputedStyle(canvas).maxHeight) - 2;
    return Math.min(1.25, (canvas.offsetWidth - 2) / width, room / height);
  }

  /* The chosen node, when it is in sight. */
  function centre() {
    const [at, seen] = [middle(svg.querySelector(".is-selected").getBoundingClientRect()), canvas.getBoundingClientRect()];
    return at.x > seen.left && at.x < seen.right && at.y > seen.top && at.y < seen.bottom ? at : middle(seen);
  }

  /* What lies at a point of the screen stays there. */
  function zoom(scale, at = centre()) {
    const before = svg.getBoundingClientRect();
    svg.setAttribute("width", width * scale);
    const after = svg.getBoundingClientRect();
    canvas.scrollLeft += after.left + ((at.x - before.left) / before.width) * after.width - at.x;
    canvas.scrollTop += after.top + ((at.y - before.top) / before.height) * after.height - at.y;
  }

  /* At first all of it, unless that would be too small to read. What one has zoomed to stays when a cluster opens. */
  let rule = () => (fitting() < LEGIBLE ? READABLE : fitting());
  function by(factor, at) {
    const scale = Math.min(Math.max((svg.getBoundingClientRect().width / width) * factor, Math.min(fitting(), SMALLEST)), LARGEST);
    rule = () => scale;
    zoom(scale, at);
  }
  function fit() {
    rule = fitting;
    zoom(fitting());
  }

  function reveal(centred) {
    const [box, seen] = [svg.querySelector(".is-selected").getBoundingClientRect(), canvas.getBoundingClientRect()];
    for (const [start, end, scroll] of [["left", "right", "scrollLeft"], ["top", "bottom", "scrollTop"]]) {
      const [over, under] = [seen[start] + MARGIN - box[start], box[end] + MARGIN - seen[end]];
      if (centred) canvas[scroll] += (under - over) / 2;
      else if (over > 0) canvas[scroll] -= over;
      else if (under > 0) canvas[scroll] += under;
    }
  }

  function show(drawn) {
    [svg, width, height] = [drawn.svg, drawn.width, drawn.height + 16];
    svg.setAttribute("width", width * rule());
  }

  return { by, reveal, show, fit };
}

function pinches(canvas, { by }) {
  let apart = 0;
  const spread = ([one, other]) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
  canvas.addEventListener("touchstart", ({ touches }) => (apart = touches.length === 2 ? spread(touches) : 0), { passive: true });
  canvas.addEventListener("touchmove", (event) => {
    if (event.touches.length !== 2 || !apart) return;
    const [[one, other], before] = [event.touches, apart];
    apart = spread(event.touches);
    by(apart / before, { x: (one.clientX + other.clientX) / 2, y: (one.clientY + other.clientY) / 2 });
    event.preventDefault();
  }, { passive: false });
}

function wheels(canvas, { by }) {
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    // A trackpad tells of a pinch in this way, too. Lines and pages are longer than pixels.
    by(Math.exp(-event.deltaY * [0.002, 0.05, 0.5][event.deltaMode]), { x: event.clientX, y: event.clientY });
    event.preventDefault();
  }, { passive: false });
}

for (const root of document.querySelectorAll("[data-lineage]")) {
  const canvas = root.querySelector(".canvas");
  const view = lens(canvas);
  let isFirst = true;
  root.addEventListener("lineage:drawn", ({ detail }) => {
    view.show(detail);
    isFirst = !detail.again;
    for (const watch of isFirst ? [wheels, pinches] : []) watch(canvas, view);
  });
  root.addEventListener("lineage:chosen", () => {
    view.reveal(isFirst);
    isFirst = false;
  });
  const ways = { in: () => view.by(1.25), out: () => view.by(0.8), fit: view.fit };
  for (const button of root.querySelectorAll("[data-zoom]")) button.addEventListener("click", ways[button.dataset.zoom]);
}
