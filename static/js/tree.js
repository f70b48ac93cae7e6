// The tree of files: the chosen file is marked, and focus goes to the heading of its preview.
document.addEventListener("htmx:afterSwap", (event) => {
  const link = event.detail.requestConfig?.elt?.closest?.(".tree a");
  if (!link || event.detail.target.id !== "preview") return;
  for (const other of document.querySelectorAll(".tree a[aria-current]")) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  event.detail.target.querySelector("h2")?.focus();
});
