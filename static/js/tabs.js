// Snippet tabs: without script all panels show under their names; with it one shows, and the choice is kept.
const KEY = "snippet";

function choose(tab, focus) {
  const list = tab.closest("[role=tablist]");
  for (const other of list.querySelectorAll("[role=tab]")) {
    const on = other === tab;
    other.setAttribute("aria-selected", String(on));
    other.tabIndex = on ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = !on;
  }
  if (focus) tab.focus();
}

function remember(tab) {
  try {
    localStorage.setItem(KEY, tab.textContent.trim());
  } catch {
    // The choice then lasts for this page.
  }
}

function kept(list) {
  try {
    const name = localStorage.getItem(KEY);
    return [...list.querySelectorAll("[role=tab]")].find((tab) => tab.textContent.trim() === name);
  } catch {
    return undefined;
  }
}

function start(scope) {
  for (const list of scope.querySelectorAll("[role=tablist]")) {
    choose(kept(list) ?? list.querySelector("[role=tab]"), false);
  }
}

document.addEventListener("click", (event) => {
  const tab = event.target.closest("[role=tab]");
  if (!tab) return;
  choose(tab, false);
  remember(tab);
});

document.addEventListener("keydown", (event) => {
  const tab = event.target.closest?.("[role=tab]");
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!tab || !step) return;
  const all = [...tab.closest("[role=tablist]").querySelectorAll("[role=tab]")];
  const next = all[(all.indexOf(tab) + step + all.length) % all.length];
  choose(next, true);
  remember(next);
});

// Tabs of pages: where they don't all fit, the one that is open is in sight.
for (const open of document.querySelectorAll("nav.tabs [aria-current=page]")) {
  const row = open.parentElement;
  const beyond = open.getBoundingClientRect().right - row.getBoundingClientRect().right;
  if (beyond > 0) row.scrollLeft += beyond + 24;
}

start(document);
document.addEventListener("htmx:afterSwap", (event) => start(event.target));
