// [data-lineage] .canvas: dragged by the mouse, where no node is. A hand that trembles on a click moves nothing.
const TREMBLE = 4;

function drags(canvas) {
  let from = null;
  canvas.addEventListener("pointerdown", (event) => {
    const box = canvas.getBoundingClientRect();
    // On the bars that scroll, which are of the frame, it's they that are dragged; fingers scroll of themselves.
    const within = event.clientX < box.left + canvas.clientWidth && event.clientY < box.top + canvas.clientHeight;
    if (event.button || event.pointerType === "touch" || !within || event.target.closest("[data-node]")) return;
    from = { x: event.clientX, y: event.clientY, left: canvas.scrollLeft, top: canvas.scrollTop };
  });
  canvas.addEventListener("pointermove", (event) => {
    // It may have been let go elsewhere.
    if (!event.buttons) from = null;
    if (!from) return;
    const [x, y] = [event.clientX - from.x, event.clientY - from.y];
    if (!canvas.classList.contains("is-panning") && Math.hypot(x, y) < TREMBLE) return;
    canvas.setPointerCapture(event.pointerId);
    canvas.classList.add("is-panning");
    canvas.scrollTo(from.left - x, from.top - y);
  });
  for (const name of ["pointerup", "pointercancel"])
    canvas.addEventListener(name, () => {
      from = null;
      canvas.classList.remove("is-panning");
    });
}

for (const canvas of document.querySelectorAll("[data-lineage] .canvas")) drags(canvas);
