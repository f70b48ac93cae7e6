// [data-theme-switch]: light, dark; kept per browser.
const root = document.documentElement;

const isDark = () =>
  root.dataset.bsTheme ? root.dataset.bsTheme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

const name = (button) => button.setAttribute("aria-label", `Switch to ${isDark() ? "light" : "dark"} theme`);

for (const button of document.querySelectorAll("[data-theme-switch]")) {
  name(button);
  button.addEventListener("click", () => {
    root.dataset.bsTheme = isDark() ? "light" : "dark";
    name(button);
    try {
      localStorage.setItem("theme", root.dataset.bsTheme);
    } catch {
      // Without storage the choice lasts for this page.
    }
  });
}
