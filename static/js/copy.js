// [data-copy="text"] copies the text, [data-copy-from="id"] what the element shows; the answer is said aloud.
const said = document.getElementById("said");

async function copy(button) {
  const source = button.dataset.copyFrom && document.getElementById(button.dataset.copyFrom);
  const shown = source && (source.querySelector("[role=tabpanel]:not([hidden]) pre") ?? source.querySelector("pre") ?? source);
  await navigator.clipboard.writeText(shown ? shown.textContent.trim() : button.dataset.copy);
  const use = button.querySelector("use");
  const before = use.getAttribute("href");
  use.setAttribute("href", before.replace(/#.*/, "#i-check"));
  button.classList.add("done");
  said.textContent = "Copied";
  setTimeout(() => {
    use.setAttribute("href", before);
    button.classList.remove("done");
    said.textContent = "";
  }, 2000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (button) copy(button).catch(() => { said.textContent = "Copying is not allowed here. Select the text instead."; });
});
