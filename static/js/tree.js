// The files of a version: the chosen one is marked, its preview comes into sight with its heading in focus,
// and where it is narrow the tree folds up, so that what was opened is not below it.
const narrow = matchMedia("(max-width: 62rem)");
const fold = document.querySelector(".tree-fold");

function mark(link) {
  for (const other of document.querySelectorAll(".tree a[aria-current]")) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
}

/* Moves nothing while the beginning is in the upper half already. */
function show(preview) {
  const { top } = preview.getBoundingClientRect();
  if (top < 0 || top > innerHeight / 2) preview.scrollIntoView({ block: "start" });
  preview.querySelector("h2")?.focus({ preventScroll: true });
}

function settle() {
  if (fold) fold.open = !(narrow.matches && "chosen" in fold.dataset);
}

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target?.id !== "preview") return;
  const link = event.detail.requestConfig?.elt?.closest?.(".tree a");
  if (link) mark(link);
  if (fold && link) fold.dataset.chosen = "";
  settle();
  show(event.detail.target);
});
narrow.addEventListener("change", settle);
settle();
