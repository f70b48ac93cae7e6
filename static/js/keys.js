// Single keys: "/" jumps to the search box, "?" lists the keys, others press the link or button that names them.
const typing = (element) => element.matches("input, textarea, select, [contenteditable]");

function press(key) {
  const target = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!target) return false;
  if (target.matches("input")) target.focus();
  else target.click();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const help = document.getElementById("keys");
  if (event.key === "?" && !help.open) help.showModal();
  else if (document.querySelector("dialog[open]") || !press(event.key)) return;
  event.preventDefault();
});
