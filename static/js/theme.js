// Sets the chosen theme before the first paint; loaded in <head>, so it must stay tiny and must not be a module.
(() => {
  const root = document.documentElement;
  root.classList.add("has-script");
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") root.dataset.bsTheme = chosen;
  } catch {
    // Storage can be switched off: then the system's theme holds.
  }
})();
