// [data-picks]: a form whose rows are ticked. With script its acts float in once something is, and the address names
// what is, so that a reload, a link and the way back show it: the server ticks what the address names.
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

function note(form) {
  const address = new URL(location.href);
  address.searchParams.delete("v");
  for (const box of boxes(form)) if (box.checked) address.searchParams.append("v", box.value);
  history.replaceState(history.state, "", address);
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
  note(form);
});

document.addEventListener("reset", (event) => {
  const form = event.target;
  if (!form.matches("[data-picks]")) return;
  // A reset alone would tick again what the page came with.
  event.preventDefault();
  for (const box of boxes(form)) box.checked = false;
  show(form);
  note(form);
});

// Acts open in the dialog; the page that they lead to without script is the same.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-picks]") || !event.submitter || event.submitter.value === "compare") return;
  event.preventDefault();
  const asked = new URLSearchParams(new FormData(form, event.submitter));
  htmx.ajax("GET", `${form.action}?${asked}`, { target: "#dialog", source: event.submitter });
});

start(document);
document.addEventListener("htmx:afterSwap", (event) => start(event.target));
