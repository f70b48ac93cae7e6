// Toasts: dismissing them, fading those that tell good news, and saying why a request failed.
const region = document.getElementById("toasts");
const LASTS = 10_000;

function arm(toast) {
  if (toast.dataset.armed) return;
  toast.dataset.armed = "yes";
  // Errors stay until dismissed; a toast under the pointer or with focus inside stays, too.
  if (toast.getAttribute("role") === "alert") return;
  const leave = () => (toast.matches(":hover, :focus-within") ? setTimeout(leave, LASTS) : toast.remove());
  setTimeout(leave, LASTS);
}

const armAll = () => region.querySelectorAll(".toast-line").forEach(arm);

function failed(text) {
  const toast = document.getElementById("toast-error").content.firstElementChild.cloneNode(true);
  toast.querySelector("[data-text]").textContent = text;
  region.append(toast);
}

region.addEventListener("click", (event) => event.target.closest("[data-dismiss]")?.closest(".toast-line").remove());
document.addEventListener("htmx:afterSwap", armAll);
document.addEventListener("htmx:oobAfterSwap", armAll);
document.addEventListener("htmx:sendError", () => failed("The server can't be reached. Nothing was changed."));
document.addEventListener("htmx:responseError", (event) => {
  const answer = event.detail.xhr;
  const plain = (answer.getResponseHeader("Content-Type") ?? "").startsWith("text/plain");
  failed(plain ? answer.responseText : `The server answered ${answer.status}. Nothing was changed.`);
});
armAll();
