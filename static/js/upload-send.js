// Sends what was chosen: hash, begin a draft, stage its manifest, send what the server lacks, commit. Every step can be
// repeated: after a failure, a pause or a reload it goes on with what has arrived. "upload:send" begins, others tell.
const { Stopped } = window.strongroomUpload;
const SMALL = 1 << 20;
const BUNDLE = 8 << 20;
const PIECE = 8 << 20;
const TRIES = 6;
const byCodePoint = ([a], [b]) => {
  const [x, y] = [[...a], [...b]];
  const at = x.findIndex((letter, n) => letter !== y[n]);
  return at < 0 ? x.length - y.length : (x[at].codePointAt(0) ?? -1) - (y[at]?.codePointAt(0) ?? -1);
};

async function once(root, signal, method, path, body, headers = {}) {
  const json = body !== undefined && !(body instanceof Blob);
  const sent = { "X-CSRFToken": root.querySelector("[name=csrfmiddlewaretoken]").value, ...(json && { "Content-Type": "application/json" }), ...headers };
  const answer = await fetch(`/api/v1${path}`, { method, headers: sent, body: json ? JSON.stringify(body) : body, signal });
  const found = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (answer.ok) return found;
  const error = new (answer.status >= 500 || answer.status === 429 ? Error : Stopped)(found?.error?.message ?? `The server answered ${answer.status}.`);
  throw Object.assign(error, { details: found?.error?.details ?? {}, status: answer.status });
}

async function again(signal, act) {
  for (let tried = 1; ; tried += 1) {
    try {
      return await act();
    } catch (error) {
      if (error instanceof Stopped || signal.aborted || tried === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** tried));
    }
  }
}

function frame(sha256, bytes) {
  const head = new DataView(new ArrayBuffer(40));
  for (let at = 0; at < 32; at += 1) head.setUint8(at, parseInt(sha256.slice(2 * at, 2 * at + 2), 16));
  head.setBigUint64(32, BigInt(bytes));
  return head.buffer;
}

async function sendLarge(ask, draft, sha256, file, told) {
  const upload = await ask("POST", `/drafts/${draft}/uploads`, { size: file.size, sha256, parts: 1 });
  let { received, number } = upload.parts[0];
  told(received);
  while (received < file.size) {
    const piece = file.slice(received, received + PIECE);
    const before = received;
    ({ received } = await ask("PUT", `/uploads/${upload.id}/parts/${number}`, piece, { "Upload-Offset": String(received), "Content-Type": "application/octet-stream" }));
    told(received - before);
  }
  await ask("POST", `/uploads/${upload.id}/complete`, { sha256 });
}

async function sendMissing(ask, draft, byDigest, told) {
  const lacking = [];
  for (let after; after !== null; ) {
    const page = await ask("GET", `/drafts/${draft}/missing?limit=10000${after ? `&after=${encodeURIComponent(after)}` : ""}`);
    lacking.push(...page.results.map(({ sha256 }) => sha256));
    after = page.next;
  }
  let parts = [], bytes = 0;
  const flush = async () => {
    if (parts.length) await ask("POST", `/drafts/${draft}/bundles`, new Blob(parts), { "Content-Type": "application/vnd.strongroom.bundle" });
    told(bytes);
    [parts, bytes] = [[], 0];
  };
  for (const sha256 of lacking.filter((each) => byDigest.get(each).size <= SMALL)) {
    const file = byDigest.get(sha256);
    if (bytes + file.size > BUNDLE) await flush();
    parts.push(frame(sha256, file.size), file);
    bytes += file.size;
  }
  await flush();
  for (const sha256 of lacking.filter((each) => byDigest.get(each).size > SMALL)) await sendLarge(ask, draft, sha256, byDigest.get(sha256), told);
}

Object.assign(window.strongroomUpload, { once, again, sendMissing, byCodePoint });
