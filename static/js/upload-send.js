// Sends what the server lacks of what was chosen: small files many to a request, large ones in pieces, or by parts to
// the bucket. Every step can be repeated: after a failure, a pause or a reload it goes on with what has arrived.
const { bucket } = window.strongroomUpload;
const SMALL = 1 << 20;
const BUNDLE = 8 << 20;
const PIECE = 8 << 20;
const byCodePoint = ([a], [b]) => {
  const [x, y] = [[...a], [...b]];
  const at = x.findIndex((letter, n) => letter !== y[n]);
  return at < 0 ? x.length - y.length : (x[at].codePointAt(0) ?? -1) - (y[at]?.codePointAt(0) ?? -1);
};

function frame(sha256, bytes) {
  const head = new DataView(new ArrayBuffer(40));
  for (let at = 0; at < 32; at += 1) head.setUint8(at, parseInt(sha256.slice(2 * at, 2 * at + 2), 16));
  head.setBigUint64(32, BigInt(bytes));
  return head.buffer;
}

async function sendPieces(ask, upload, file, told) {
  let { received, number } = upload.parts[0];
  told(received);
  while (received < file.size) {
    const piece = file.slice(received, received + PIECE);
    const before = received;
    ({ received } = await ask("PUT", `/uploads/${upload.id}/parts/${number}`, piece, { "Upload-Offset": String(received), "Content-Type": "application/octet-stream" }));
    told(received - before);
  }
}

async function sendLarge(way, draft, sha256, file, told) {
  const begin = () => way.ask("POST", `/drafts/${draft}/uploads`, { size: file.size, sha256, parts: 1, direct: way.direct });
  let upload = await begin();
  if (upload.direct && !(await bucket.send(way, upload, file, told))) {
    way.direct = false;
    way.say("The object store can't be reached from this browser: sending by way of the server");
    upload = await begin();
  }
  if (!upload.direct) await sendPieces(way.ask, upload, file, told);
  await way.ask("POST", `/uploads/${upload.id}/complete`, { sha256 });
}

// `way`: how to ask the server and to hash, what stops it all, and whether large files may go to the bucket itself.
async function sendMissing(way, draft, byDigest, told) {
  const { ask } = way;
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
  for (const sha256 of lacking.filter((each) => byDigest.get(each).size > SMALL)) await sendLarge(way, draft, sha256, byDigest.get(sha256), told);
}

Object.assign(window.strongroomUpload, { sendMissing, byCodePoint });
