// Large files that the object store takes itself: in parts, each by a request that the server signed for these bytes.
const { Stopped, again } = window.strongroomUpload;
const SENDERS = 3;
// An address that was refused so often is not too old: this bucket does not take from here.
const ADDRESSES = 3;
const SILENCE = 30_000;
class OutOfReach extends Stopped {}
// Whether it ever answered this page: where it never does (a firewall, no CORS rule), more tries are in vain.
let answered = false;

// Resolves to whether the bucket took the bytes. `fetch` would not tell how far it is.
function put({ method, url, headers }, bytes, signal, told) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new Stopped("Paused."));
    const request = new XMLHttpRequest();
    let sent = 0, silence;
    const stop = () => request.abort();
    const heard = () => { clearTimeout(silence); silence = setTimeout(stop, SILENCE); };
    const count = (now) => { told(now - sent); sent = now; };
    request.upload.onprogress = ({ loaded }) => { heard(); count(Math.min(loaded, bytes.size)); };
    request.onload = () => {
      const { status } = request;
      answered = true;
      count(status < 300 ? bytes.size : 0);
      if (status >= 500 || status === 429) reject(new Error(`The object store answered ${status}.`));
      else resolve(status < 300);
    };
    request.onerror = request.onabort = () => {
      count(0);
      if (signal.aborted) reject(new Stopped("Paused."));
      else reject(answered ? new Error("The connection to the object store broke.") : new OutOfReach());
    };
    request.onloadend = () => { clearTimeout(silence); signal.removeEventListener("abort", stop); };
    request.open(method, url);
    // A browser says itself how long a body is.
    for (const [name, value] of Object.entries(headers)) if (name.toLowerCase() !== "content-length") request.setRequestHeader(name, value);
    signal.addEventListener("abort", stop);
    heard();
    request.send(bytes);
  });
}

async function sendPart({ ask, digest }, upload, part, file, signal, told) {
  const bytes = file.slice(part.offset, part.offset + part.size);
  const checksum = await digest(bytes, () => {}, upload.direct);
  for (let asked = 0; asked < ADDRESSES; asked += 1) {
    if (signal.aborted) throw new Stopped("Paused.");
    const link = await ask("POST", `/uploads/${upload.id}/parts/${part.number}/address`, { checksum });
    if (await again(signal, () => put(link, bytes, signal, told))) return;
  }
  throw new OutOfReach();
}

// Sends the parts that the bucket lacks; false where it is out of this browser's reach, and nothing of it counts.
async function send(way, upload, file, told) {
  let counted = 0;
  const count = (bytes) => { counted += bytes; told(bytes); };
  const waiting = upload.parts.filter(({ size, received }) => received < size);
  count(file.size - waiting.reduce((sum, { size }) => sum + size, 0));
  // When one part fails the others stop, and have stopped before the file goes another way.
  const failed = new AbortController();
  const signal = AbortSignal.any([way.signal, failed.signal]);
  const run = async () => { for (let part; (part = waiting.shift()); ) await sendPart(way, upload, part, file, signal, count); };
  const senders = Array.from({ length: SENDERS }, run);
  try {
    await Promise.all(senders);
    return true;
  } catch (error) {
    failed.abort();
    await Promise.allSettled(senders);
    if (!(error instanceof OutOfReach)) throw error;
    told(-counted);
    return false;
  }
}

Object.assign(window.strongroomUpload, { bucket: { send } });
