// <pdf-view>: a page of a PDF on a canvas, and its text below; only the parts that the page needs are fetched.
// Nothing in the document is run: no scripts, no forms, no eval (CSP), and links lead nowhere.
const RANGE = 64 * 1024, LARGEST = 16 * 2 ** 20;

class PdfView extends HTMLElement {
  async connectedCallback() {
    const { src, library, worker } = this.dataset;
    this.canvas = this.querySelector("canvas");
    try {
      const pdf = await import(library);
      pdf.GlobalWorkerOptions.workerSrc = worker;
      this.loading = pdf.getDocument({
        url: src, rangeChunkSize: RANGE, disableAutoFetch: true, disableStream: true, isEvalSupported: false,
        enableXfa: false, useWasm: false, useSystemFonts: true, maxImageSize: LARGEST, canvasMaxAreaInBytes: 4 * LARGEST,
      });
      // A document that asks for a password is told so below, by the error.
      this.document = await this.loading.promise;
      this.hidden = false;
      for (const button of this.querySelectorAll("[data-step]"))
        button.addEventListener("click", () => this.go(this.at + Number(button.dataset.step)));
      await this.go(Number.parseInt(new URLSearchParams(location.search).get("page") ?? "1", 10) || 1);
    } catch (error) {
      this.fail(error);
    }
  }

  disconnectedCallback() {
    this.loading?.destroy();
  }

  async go(wanted) {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const pages = this.document.numPages;
    this.at = Math.max(1, Math.min(pages, wanted));
    for (const button of this.querySelectorAll("[data-step]"))
      button.disabled = this.at + Number(button.dataset.step) < 1 || this.at + Number(button.dataset.step) > pages;
    this.querySelector("[data-place]").textContent = `Page ${this.at} of ${pages}`;
    this.canvas.setAttribute("aria-label", `Page ${this.at} of ${this.dataset.name}`);
    const query = new URLSearchParams(location.search);
    query.set("page", this.at);
    if (this.at > 1 || location.search) history.replaceState(history.state, "", `?${query}`);
    try {
      const page = await this.document.getPage(this.at);
      if (turn !== this.turn) return;
      await this.draw(page);
      const { items } = await page.getTextContent();
      const text = items.map(({ str, hasEOL }) => str + (hasEOL ? "\n" : "")).join("").slice(0, 100_000);
      if (turn === this.turn) this.querySelector("[data-text]").textContent = text.trim() || "This page has no text.";
    } catch (error) {
      if (turn === this.turn) this.fail(error);
    }
  }

  async draw(page) {
    this.drawing?.cancel();
    const natural = page.getViewport({ scale: 1 });
    const width = Math.max(200, this.canvas.parentElement.clientWidth - 32);
    const viewport = page.getViewport({ scale: (Math.min(width, 900) / natural.width) * Math.min(devicePixelRatio, 2) });
    this.canvas.width = viewport.width;
    this.canvas.height = viewport.height;
    this.drawing = page.render({ canvas: this.canvas, viewport, annotationMode: 0 });
    await this.drawing.promise.catch((error) => {
      if (error?.name !== "RenderingCancelledException") throw error;
    });
  }

  fail(error) {
    const said = error?.name === "PasswordException" ? "It is locked with a password." : "It begins as a PDF, but cannot be shown here.";
    const note = this.querySelector("[data-failed]");
    note.hidden = false;
    note.textContent = `${said} Download it to look into it.`;
    for (const part of this.querySelectorAll("[data-shown]")) part.hidden = true;
  }
}
customElements.define("pdf-view", PdfView);
