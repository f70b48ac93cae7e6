// Inline editors: focus goes to the first field, the first mistake, or back to the button that opened the editor.
document.addEventListener("htmx:afterSettle", (event) => {
  const swapped = event.target;
  if (!swapped.matches?.("[data-edits]")) return;
  const wrong = swapped.querySelector("[aria-invalid=true]");
  // Who is quick has begun to type already: the focus is theirs.
  if (!wrong && swapped.contains(document.activeElement)) return;
  const field = swapped.querySelector("[autofocus], form input:not([type=hidden]), form textarea");
  (wrong ?? field ?? swapped.querySelector("[data-opens]"))?.focus();
});

// Somebody else changed it meanwhile: the editor comes back and says so. Other refusals of this kind are sentences.
document.addEventListener("htmx:beforeSwap", (event) => {
  const answer = event.detail.xhr;
  if (answer.status !== 409 || !(answer.getResponseHeader("Content-Type") ?? "").startsWith("text/html")) return;
  event.detail.shouldSwap = true;
  event.detail.isError = false;
});

// [data-choose]: writing a number of days means "after N days".
document.addEventListener("input", (event) => {
  const chosen = event.target.dataset.choose && document.getElementById(event.target.dataset.choose);
  if (chosen) chosen.checked = true;
});

// [data-submits]: a choice that takes effect at once, where a button does the same without script.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
});
