// [data-picks]: a form whose rows are ticked. With script its acts float in once something is; x ticks, j and k walk.
const boxes = (form) => [...form.querySelectorAll("[data-pick]")];

function show(form) {
  const picked = boxes(form).filter((box) => box.checked);
  const all = form.querySelector("[data-pick-all]");
  if (all) {
    all.checked = picked.length > 0 && picked.length === boxes(form).length;
    all.indeterminate = picked.length > 0 && !all.checked;
  }
  for (const box of boxes(form)) box.closest("tr").classList.toggle("is-selected", box.checked);
  const bar = form.querySelector("[data-selection]");
  bar.hidden = picked.length === 0;
  bar.querySelector("[data-picked]").textContent = `${picked.length} selected`;
  const names = picked.slice(0, 4).map((box) => box.dataset.name ?? `v${box.value}`);
  bar.querySelector("[data-picked-names]").textContent = names.join(" ") + (picked.length > 4 ? " …" : "");
  for (const button of bar.querySelectorAll("[data-needs]")) button.hidden = Number(button.dataset.needs) !== picked.length;
}

function start(scope) {
  for (const form of scope.querySelectorAll("[data-picks]")) {
    // Not kept by the browser on the way back: what is ticked must be seen to be.
    form.autocomplete = "off";
    show(form);
  }
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-picks]");
  if (!form) return;
  if (event.target.matches("[data-pick-all]")) for (const box of boxes(form)) box.checked = event.target.checked;
  show(form);
});

document.addEventListener("reset", (event) => {
  if (event.target.matches("[data-picks]")) setTimeout(() => show(event.target));
});

// Acts open in the dialog; the page that they lead to without script is the same.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-picks]") || !event.submitter || event.submitter.value === "compare") return;
  event.preventDefault();
  const asked = new URLSearchParams(new FormData(form, event.submitter));
  htmx.ajax("GET", `${form.action}?${asked}`, { target: "#dialog", source: event.submitter });
});

const typing = (element) => element.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
  const all = [...document.querySelectorAll("[data-picks] tbody tr")];
  const at = all.findIndex((row) => row.contains(document.activeElement));
  if (event.key === "x" && at >= 0) all[at].querySelector("[data-pick]").click();
  else if ((event.key === "j" || event.key === "k") && all.length) {
    const next = event.key === "j" ? Math.min(at + 1, all.length - 1) : Math.max(at - 1, 0);
    all[next].querySelector("a.version").focus();
  } else return;
  event.preventDefault();
});

start(document);
document.addEventListener("htmx:afterSwap", (event) => start(event.target));
