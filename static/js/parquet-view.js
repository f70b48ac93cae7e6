// <parquet-view>: a page of a Parquet file as a table; a worker reads it, and is stopped when it takes too long.
const SECONDS = 20, ROWS = 50, COLUMNS = 50;

function made(tag, attributes = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(name, value);
  element.append(...inside);
  return element;
}

function address(change) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(change)) {
    if (value === null) query.delete(name);
    else query.set(name, value);
  }
  return `?${query}`;
}

function link(change, attributes, ...inside) {
  const href = address(change);
  return made("a", { href: `${href}#preview`, "hx-get": href, "hx-target": "#preview", "hx-push-url": "true", ...attributes }, ...inside);
}

function heading(column, at, found, sort) {
  const name = column.name || "(no name)";
  const way = sort === String(at) ? "ascending" : sort === `-${at}` ? "descending" : undefined;
  const next = way === "ascending" ? `-${at}` : String(at);
  const arrow = way === "ascending" ? " ↑" : way === "descending" ? " ↓" : "";
  const title = found.sortable ? link({ sort: next, row: null }, {}, name + arrow) : name;
  const type = made("span", { class: "quiet tiny" }, ` ${column.type}`);
  return made("th", { scope: "col", class: column.numeric ? "num" : undefined, "aria-sort": way }, title, type);
}

function table(found, sort, name) {
  const head = made("tr", {}, ...found.head.map((column, at) => heading(column, found.first + at, found, sort)));
  const rows = found.rows.map((row) => {
    const cells = row.map((value, at) => made("td", { class: found.head[at].numeric ? "num" : undefined }, value));
    return made("tr", {}, ...cells);
  });
  const empty = made("tr", {}, made("td", { class: "quiet", colspan: found.head.length }, "No more rows."));
  const caption = made("caption", { class: "visually-hidden" }, `Rows of ${name}`);
  const body = made("tbody", {}, ...(rows.length ? rows : [empty]));
  const grid = made("table", { class: "grid" }, caption, made("thead", {}, head), body);
  const box = { class: "table-wrap border-0 rounded-0", role: "region", "aria-label": `Table of ${name}`, tabindex: "0" };
  return made("div", box, grid);
}

function bar(label, said, links) {
  return made("nav", { class: "pager panel-body", "aria-label": label }, made("span", {}, said), made("span", { class: "joined" }, ...links));
}

function pager(found) {
  const last = found.start + found.rows.length;
  const links = [], said = found.rows.length ? `Rows ${found.start + 1} to ${last} of ${found.total}` : `${found.total} rows`;
  const back = { row: found.start > ROWS ? found.start - ROWS : null };
  if (found.start) links.push(link({ row: null }, { class: "btn btn-plain" }, "First"), link(back, { class: "btn btn-plain", rel: "prev" }, "Back"));
  if (last < found.total) links.push(link({ row: last }, { class: "btn btn-plain", rel: "next" }, "Next"));
  return bar("Pages of rows", said, links);
}

function columns({ first, head, width }) {
  const end = first + head.length, links = [];
  if (first) links.push(link({ cols: first > COLUMNS ? first - COLUMNS : null }, { class: "btn btn-plain" }, "Columns before"));
  if (first + COLUMNS < width) links.push(link({ cols: first + COLUMNS }, { class: "btn btn-plain" }, "More columns"));
  return end < width || first ? [bar("Pages of columns", `Columns ${first + 1} to ${end} of ${width}`, links)] : [];
}

class ParquetView extends HTMLElement {
  connectedCallback() {
    const query = new URLSearchParams(location.search);
    this.sort = query.get("sort") ?? "";
    const { src, size, library, worker } = this.dataset;
    this.worker = new Worker(worker);
    this.timer = setTimeout(() => this.say("Reading it took too long. Download the file to look into it."), SECONDS * 1000);
    this.worker.onmessage = ({ data }) => this.show(data);
    this.worker.onerror = () => this.say("It could not be read here. Download the file to look into it.");
    const whole = (name) => Math.max(0, Math.min(Number.parseInt(query.get(name) ?? "0", 10) || 0, Number.MAX_SAFE_INTEGER));
    this.worker.postMessage({ library, url: src, size: Number(size), start: whole("row"), sort: this.sort, first: whole("cols") });
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
    this.worker.terminate();
  }

  say(sentence) {
    this.disconnectedCallback();
    this.replaceChildren(made("div", { class: "empty", role: "status" }, made("h3", {}, "No preview"), made("p", {}, sentence)));
  }

  show(found) {
    if (found.error) return this.say(`It begins as Parquet, but cannot be read here: ${found.error}. Download it.`);
    this.disconnectedCallback();
    this.replaceChildren(table(found, this.sort, this.dataset.name), ...columns(found), pager(found));
    window.htmx?.process(this);
  }
}
customElements.define("parquet-view", ParquetView);
