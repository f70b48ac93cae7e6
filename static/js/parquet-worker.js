// A worker that reads one page of a Parquet file by ranges of its bytes.
// In: { library, url, size, start, sort, first }.
// Out: { head, rows, start, total, sortable, first, width, read } or { error }; `first` is the place of a column.
const ROWS = 50, COLUMNS = 50, LONGEST = 200;
const MIB = 2 ** 20, AT_ONCE = 32 * MIB, UNPACKED = 256 * MIB, SORTED_UP_TO = 8 * MIB;

function opened(url, byteLength) {
  const file = { byteLength, read: 0 };
  file.slice = async (start, end = byteLength) => {
    const from = start < 0 ? byteLength + start : start;
    // What the file says of itself decides nothing: a footer of gigabytes is not read.
    if (end - from > AT_ONCE) throw new Error("a part of it is larger than 32 MiB");
    const answer = await fetch(url, { headers: { Range: `bytes=${from}-${end - 1}` } });
    if (answer.status !== 206) throw new Error(`the server answered ${answer.status}`);
    file.read += end - from;
    return answer.arrayBuffer();
  };
  return file;
}

/* The first of these columns whose chunks in the row groups of these rows are not too large together. */
function affordable(metadata, names, start, end) {
  let at = 0, packed = 0, unpacked = 0;
  const groups = metadata.row_groups.filter((group) => {
    const from = at;
    at += Number(group.num_rows);
    return from < end && at > start;
  });
  const taken = [];
  for (const name of names) {
    const chunks = groups.flatMap((group) => group.columns).filter((column) => column.meta_data.path_in_schema[0] === name);
    packed += chunks.reduce((sum, { meta_data }) => sum + Number(meta_data.total_compressed_size), 0);
    unpacked += chunks.reduce((sum, { meta_data }) => sum + Number(meta_data.total_uncompressed_size), 0);
    if (packed > AT_ONCE || unpacked > UNPACKED) break;
    taken.push(name);
  }
  if (!taken.length && names.length) throw new Error("its first column is too large to be read for a page");
  return taken;
}

/* As JSON writes it, with integers of any length as what they are: JSON.stringify refuses them. */
function json(value) {
  if (typeof value === "bigint") return String(value);
  if (value instanceof Uint8Array) return `"${value.length} bytes"`;
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return `[${Array.from(value, json)}]`;
  if (value === null || typeof value !== "object" || value instanceof Date) return JSON.stringify(value) ?? "null";
  return `{${Object.entries(value).map(([name, inside]) => `${JSON.stringify(name)}:${json(inside)}`)}}`;
}

function written(value) {
  if (value === null || value === undefined) return "";
  if (value instanceof Date) return value.toISOString().replace("T00:00:00.000Z", "");
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  const text = typeof value === "object" ? json(value) : String(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/* Nothing comes last, whichever way. */
function compared(one, other, way) {
  if (one === other) return 0;
  if (one === null || one === undefined) return 1;
  if (other === null || other === undefined) return -1;
  return one < other ? -way : way;
}

async function page({ url, size, start, sort, first: wanted }) {
  const { compressors, parquetMetadataAsync, parquetReadObjects, parquetSchema } = self.hyparquet, file = opened(url, size);
  const metadata = await parquetMetadataAsync(file, { initialFetchSize: Math.min(size, 64 * 1024) });
  const total = Number(metadata.num_rows);
  const fields = parquetSchema(metadata).children;
  const sortable = size <= SORTED_UP_TO;
  const by = sortable && sort ? fields[Number(sort.replace("-", ""))] : undefined;
  const [from, to] = by ? [0, total] : [start, Math.min(start + ROWS, total)];
  const names = fields.map(({ element }) => element.name);
  const first = Math.floor(Math.max(0, Math.min(wanted, names.length - 1)) / COLUMNS) * COLUMNS;
  const shown = names.slice(first, first + COLUMNS);
  const read = affordable(metadata, [...new Set(by ? [by.element.name, ...shown] : shown)], from, to);
  let rows = from < to ? await parquetReadObjects({ file, metadata, compressors, columns: read, rowStart: from, rowEnd: to, utf8: false }) : [];
  const columns = shown.filter((name) => read.includes(name));
  if (by) {
    const name = by.element.name, way = sort.startsWith("-") ? -1 : 1;
    rows = rows.sort((one, other) => compared(one[name], other[name], way)).slice(start, start + ROWS);
  }
  const head = fields.filter(({ element }) => columns.includes(element.name)).map(({ element, children }) => ({
    name: element.name,
    type: (element.logical_type?.type ?? element.converted_type ?? element.type ?? (children.length ? "GROUP" : "")).toLowerCase(),
    numeric: rows.some((row) => ["number", "bigint"].includes(typeof row[element.name])),
  }));
  const values = rows.map((row) => columns.map((name) => written(row[name])));
  return { head, rows: values, start, total, sortable, first, width: names.length, read: file.read };
}

self.addEventListener("message", async ({ data }) => {
  try {
    importScripts(data.library);
    self.postMessage(await page(data));
  } catch (error) {
    self.postMessage({ error: String(error?.message ?? error).slice(0, LONGEST) });
  }
});
