// A worker that hashes files: small ones at once by the browser itself, large ones a piece at a time.
const AT_ONCE = 8 << 20;
const PIECE = 4 << 20;
const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");

async function digest(file, kind, told) {
  if (kind === "sha256" && file.size <= AT_ONCE && self.crypto.subtle) {
    const found = hex(await self.crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    told(file.size);
    return found;
  }
  const running = self[kind].create();
  for (let at = 0; at < file.size; at += PIECE) {
    const piece = await file.slice(at, at + PIECE).arrayBuffer();
    running.update(piece);
    told(piece.byteLength);
  }
  return running.hex();
}

self.onmessage = async ({ data }) => {
  if (data.library) return importScripts(data.library);
  try {
    const found = await digest(data.file, data.kind, (bytes) => self.postMessage({ id: data.id, bytes }));
    self.postMessage({ id: data.id, found });
  } catch (error) {
    self.postMessage({ id: data.id, error: `${data.file.name ?? "A part of a file"} can't be read: ${error.message}` });
  }
};
