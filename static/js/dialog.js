// Links that open their page in the dialog (hx-target="#dialog"), the list of keys, and menus that close.
const dialog = document.getElementById("dialog");
let opener = null;

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target === dialog) opener = event.detail.elt;
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target !== dialog) return;
  if (!dialog.childElementCount) return dialog.close();
  if (!dialog.open) dialog.showModal();
  // Focus starts on what needs an answer, else on the safe button.
  (dialog.querySelector("[aria-invalid=true], [autofocus], [data-close]") ?? dialog).focus();
});

document.addEventListener("click", (event) => {
  const inside = event.target.closest("dialog");
  if (inside && event.target.closest("[data-close]")) {
    event.preventDefault();
    inside.close();
  }
  for (const box of document.querySelectorAll("details.menu-box[open]")) {
    if (!box.contains(event.target)) box.open = false;
  }
});

dialog.addEventListener("close", () => {
  dialog.replaceChildren();
  const menu = opener?.closest("details.menu-box");
  (menu ? menu.querySelector("summary") : opener)?.focus();
  opener = null;
});

document.addEventListener("keydown", (event) => {
  const box = event.key === "Escape" && event.target.closest?.("details.menu-box[open]");
  if (!box) return;
  box.open = false;
  box.querySelector("summary").focus();
});
