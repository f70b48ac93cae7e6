// [data-completes=address]: offers what could end the term before the cursor; arrows choose, Enter or Tab takes it.
// An offer is text for the box (data-whole), or a place to go to (data-href).
let asked = 0;

const list = (input) => input.parentElement.querySelector("[role=listbox]");

function close(input) {
  asked += 1;
  list(input)?.remove();
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
}

async function offer(input) {
  const turn = (asked += 1);
  const until = input.selectionStart;
  const address = `${input.dataset.completes}?${new URLSearchParams({ q: input.value.slice(0, until) })}`;
  const answer = await fetch(address, { headers: { "HX-Request": "true" } });
  const text = answer.ok ? await answer.text() : "";
  if (turn !== asked || document.activeElement !== input) return;
  close(input);
  const found = new DOMParser().parseFromString(text, "text/html").querySelector("[role=listbox]");
  if (!found) return;
  input.after(found);
  input.setAttribute("aria-expanded", "true");
}

function choose(input, step) {
  const options = [...(list(input)?.children ?? [])];
  if (!options.length) return false;
  const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
  const next = (at + step + options.length + (at < 0 && step < 0 ? 1 : 0)) % options.length;
  for (const option of options) option.setAttribute("aria-selected", String(option === options[next]));
  options[next].scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", options[next].id);
  return true;
}

function take(input, option) {
  if (option.dataset.href) return location.assign(option.dataset.href);
  const rest = input.value.slice(input.selectionStart);
  input.value = option.dataset.whole + rest;
  input.setSelectionRange(option.dataset.whole.length, option.dataset.whole.length);
  close(input);
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

for (const input of document.querySelectorAll("[data-completes]")) {
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", "completes");
  input.setAttribute("aria-expanded", "false");
  let waiting = 0;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => offer(input).catch(() => close(input)), 150);
  });
  input.addEventListener("keydown", (event) => {
    const chosen = list(input)?.querySelector("[aria-selected=true]");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step ? choose(input, step) : event.key === "Escape" && list(input)) {
      if (!step) close(input);
    } else if ((event.key === "Enter" || event.key === "Tab") && chosen) take(input, chosen);
    else return;
    event.preventDefault();
  });
  input.addEventListener("blur", () => setTimeout(() => close(input), 150));
  input.parentElement.addEventListener("mousedown", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    event.preventDefault();
    take(input, option);
  });
}
