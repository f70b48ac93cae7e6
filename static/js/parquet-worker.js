// A worker that reads one page of a Parquet file by ranges of its bytes.
// In: { library, url, size, start, sort }. Out: { head, rows, start, total, sortable, leftOut, read } or { error }.
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

/* The first columns whose chunks in the row groups of these rows are not too large, of those that are shown. */
function affordable(metadata, names, start, end) {
  let at = 0, packed = 0, unpacked = 0;
  const groups = metadata.row_groups.filter((group) => {
    const from = at;
    at += Number(group.num_rows);
    return from < end && at > start;
  });
  const taken = [];
  for (const name of names.slice(0, COLUMNS)) {
    const chunks = groups.flatMap((group) => group.columns).filter((column) => column.meta_data.path_in_schema[0] === name);
    packed += chunks.reduce((sum, { meta_data }) => sum + Number(meta_data.total_compressed_size), 0);
    unpacked += chunks.reduce((sum, { meta_data }) => sum + Number(meta_data.total_uncompressed_size), 0);
    if (packed > AT_ONCE || unpacked > UNPACKED) break;
    taken.push(name);
  }
  if (!taken.length && names.length) throw new Error("its first column is too large to be read for a page");
  return taken;
}

const plain = (key, value) => (typeof value === "bigint" ? String(value) : value instanceof Uint8Array ? `${value.length} bytes` : value);

function written(value) {
  if (value === null || value === undefined) return "";
  if (value instanceof Date) return value.toISOString().replace("T00:00:00.000Z", "");
  if (value instanceof Uint8Array) return plain("", value);
  const text = typeof value === "object" ? JSON.stringify(value, plain) : String(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/* Nothing comes last, whichever way. */
function compared(one, other, way) {
  if (one === other) return 0;
  if (one === null || one === undefined) return 1;
  if (other === null || other === undefined) return -1;
  return one < other ? -way : way;
}

async function page({ url, size, start, sort }) {
  const { compressors, parquetMetadataAsync, parquetReadObjects, parquetSchema } = self.hyparquet;
  const file = opened(url, size);
  const metadata = await parquetMetadataAsync(file, { initialFetchSize: Math.min(size, 64 * 1024) });
  const total = Number(metadata.num_rows);
  const fields = parquetSchema(metadata).children;
  const sortable = size <= SORTED_UP_TO;
  const by = sortable && sort ? fields[Number(sort.replace("-", ""))] : undefined;
  const [from, to] = by ? [0, total] : [start, Math.min(start + ROWS, total)];
  const names = fields.map(({ element }) => element.name);
  const columns = affordable(metadata, names, from, to);
  if (by && !columns.includes(by.element.name)) throw new Error("the column to sort by is too large");
  let rows = from < to ? await parquetReadObjects({ file, metadata, compressors, columns, rowStart: from, rowEnd: to, utf8: false }) : [];
  if (by) {
    const name = by.element.name, way = sort.startsWith("-") ? -1 : 1;
    rows = rows.sort((one, other) => compared(one[name], other[name], way)).slice(start, start + ROWS);
  }
  const head = fields.slice(0, columns.length).map(({ element, children }) => ({
    name: element.name,
    type: (element.logical_type?.type ?? element.converted_type ?? element.type ?? (children.length ? "GROUP" : "")).toLowerCase(),
    numeric: rows.some((row) => ["number", "bigint"].includes(typeof row[element.name])),
  }));
  const values = rows.map((row) => columns.map((name) => written(row[name])));
  return { head, rows: values, start, total, sortable, leftOut: names.length - columns.length, read: file.read };
}

self.addEventListener("message", async ({ data }) => {
  try {
    importScripts(data.library);
    self.postMessage(await page(data));
  } catch (error) {
    self.postMessage({ error: String(error?.message ?? error).slice(0, LONGEST) });
  }
});
