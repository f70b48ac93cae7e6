// Asks the server for one thing, and again while that may help.
const { Stopped } = window.strongroomUpload;
const TRIES = 6;

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

Object.assign(window.strongroomUpload, { once, again });
