// [data-kept]: a choice that this browser keeps, by its name; no value is what the system, or the page, does by itself.
for (const select of document.querySelectorAll("[data-kept]")) {
  const name = select.dataset.kept;
  try {
    select.value = localStorage.getItem(name) ?? "";
  } catch {
    select.disabled = true;
  }
  select.addEventListener("change", () => {
    if (select.value) localStorage.setItem(name, select.value);
    else localStorage.removeItem(name);
    if (name !== "theme") return;
    if (select.value) document.documentElement.dataset.bsTheme = select.value;
    else delete document.documentElement.dataset.bsTheme;
  });
}
