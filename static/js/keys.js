// Single keys: "/" jumps to the search box, "?" lists the keys, j and k walk the rows, x ticks one, others press the
// link or button that names them. Who speaks to the computer, or types by accident, switches them off in the settings.
const typing = (element) => element.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

function areOff() {
  try {
    return localStorage.getItem("keys") === "off";
  } catch {
    return false;
  }
}

function press(key) {
  const named = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)];
  const target = named.find((element) => element.checkVisibility());
  if (!target) return false;
  if (target.matches("input")) target.focus();
  else target.click();
  return true;
}

function walk(key) {
  const all = [...document.querySelectorAll("main tbody tr:not(.group)")].filter((row) => row.querySelector("a[href]"));
  if ((key !== "j" && key !== "k") || all.length === 0) return false;
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = key === "j" ? Math.min(at + 1, all.length - 1) : Math.max(at - 1, 0);
  all[next].querySelector("a[href]").focus();
  return true;
}

function tick(key) {
  const box = key === "x" && document.activeElement.closest("tr")?.querySelector("[data-pick]");
  if (box) box.click();
  return Boolean(box);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || areOff()) return;
  const help = document.getElementById("keys");
  if (event.key === "?" && !help.open) help.showModal();
  else if (document.querySelector("dialog[open]") || ![press, walk, tick].some((act) => act(event.key))) return;
  event.preventDefault();
});
