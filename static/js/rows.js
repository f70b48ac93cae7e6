// table[data-rows]: rows are added and removed in place, without sending the form; without script its buttons do it.
for (const table of document.querySelectorAll("[data-rows]")) {
  const body = table.tBodies[0];
  const form = table.closest("form");

  function number() {
    [...body.rows].forEach((row, at) => {
      row.querySelector("[name=remove]").value = at;
      for (const field of row.querySelectorAll("[aria-label]"))
        field.setAttribute("aria-label", field.getAttribute("aria-label").replace(/\d+$/, at + 1));
    });
  }

  function blank() {
    const row = body.rows[body.rows.length - 1].cloneNode(true);
    for (const field of row.querySelectorAll("input, textarea")) field.value = "";
    for (const field of row.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
    row.querySelector(".error")?.remove();
    return row;
  }

  form.addEventListener("click", (event) => {
    const button = event.target.closest("[name=add], [name=remove]");
    if (!button) return;
    event.preventDefault();
    if (button.name === "add") {
      body.append(blank());
      body.rows[body.rows.length - 1].querySelector("input").focus();
    } else {
      const row = button.closest("tr");
      const next = row.nextElementSibling ?? row.previousElementSibling;
      if (!next) body.append(blank());
      row.remove();
      (next ?? body.rows[0]).querySelector("input").focus();
    }
    number();
  });
}
