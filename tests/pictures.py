"""Take a picture of every page, light and dark, wide and narrow, of what `make demo` makes: `make pictures`.

Arguments: names of pages (all when none; those of tests/browser/places.py), `--only-light`, `--only-wide`.
`pictures/index.html` shows them side by side.
"""

from __future__ import annotations

import html
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Instead of this folder, where tests/http would stand before the library.
sys.path[0] = str(ROOT)

from playwright.sync_api import Browser, BrowserContext  # noqa: E402  # only found by the path above

from tests.browser import chromium  # noqa: E402
from tests.browser.places import places  # noqa: E402
from tests.support import demo  # noqa: E402
from tests.support.installation import Installation  # noqa: E402

OUT = ROOT / "pictures"
REFUSED = {"error-403": 403, "error-404": 404, "error-410": 410, "error-setup": 404}
SETTLED = """async () => {
  await document.fonts.ready;
  await Promise.all([...document.images].map((each) => each.decode().catch(() => {})));
}"""


def main(arguments: list[str]) -> int:
    """Start a server over the data of the demo, and photograph it; 1 when a page did not answer as it should."""
    OUT.mkdir(exist_ok=True)
    installation = Installation.in_new_folder()
    installation.patience = 600
    try:
        installation.start()
        with chromium.browser() as browser:
            wrong = _photograph(demo.make(installation, browser), browser, arguments)
    finally:
        installation.remove()
    _write_index()
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    sys.stdout.write(f"{len(list(OUT.glob('*.png')))} pictures in {OUT}, side by side in index.html\n")
    return 1 if wrong else 0


def _photograph(made: demo.Demo, browser: Browser, arguments: list[str]) -> list[str]:
    """Go to each place in each dress; return what was not there."""
    wanted = {name for name in arguments if not name.startswith("--")}
    there = {name: place for name, place in places(made.world).items() if not wanted or name in wanted}
    wrong = [f"There is no page named {name}." for name in sorted(wanted - set(there))]
    for scheme in ["light"] if "--only-light" in arguments else ["light", "dark"]:
        for width in [chromium.WIDE] if "--only-wide" in arguments else [chromium.WIDE, chromium.NARROW]:
            made.beat()
            for who in (made.world.member, made.world.admin, None):
                state = made.people[who].context.storage_state() if who else None
                context = browser.new_context(
                    base_url=made.installation.url, viewport=width, color_scheme=scheme, storage_state=state
                )
                for name, (looks, path) in there.items():
                    if looks == who:
                        wrong += _take(context, path, name, f"{scheme}-{width['width']}")
                context.close()
    return wrong


def _take(context: BrowserContext, path: str, name: str, dress: str) -> list[str]:
    """Take one picture of a whole page, once nothing moves any more."""
    page = context.new_page()
    answer = page.goto(path)
    if page.locator("[data-lineage]").count():
        page.locator("[data-lineage] svg.dag").wait_for()
    page.evaluate(SETTLED)
    page.screenshot(path=OUT / f"{name}-{dress}.png", full_page=True, animations="disabled")
    page.close()
    status = answer.status if answer else 0
    return [] if status == REFUSED.get(name, 200) else [f"{name} ({path}) answered {status}."]


def _write_index() -> None:
    """Write a page that shows all pictures of the folder, a row for each page."""
    names = sorted({file.name.rsplit("-", 2)[0] for file in OUT.glob("*.png")})
    rows = []
    for name in names:
        files = sorted(OUT.glob(f"{name}-[ld]*.png"), key=lambda file: _order(file.name))
        own = [file.name for file in files if file.name.rsplit("-", 2)[0] == name]
        shown = "".join(
            f'<a href="{each}"><img loading="lazy" src="{each}" alt="{each}"></a>'
            for each in map(html.escape, own)
        )
        rows.append(f"<h2>{html.escape(name)}</h2><p>{shown}</p>")
    style = "body{font:14px sans-serif;margin:24px}p{display:flex;gap:12px;align-items:start}img{border:1px solid #999}"
    style += "img[src*='1440']{width:480px}img[src*='390']{width:195px}"
    text = f"<!doctype html><meta charset=utf-8><title>Pages</title><style>{style}</style>{''.join(rows)}\n"
    (OUT / "index.html").write_text(text)


def _order(name: str) -> tuple[bool, int]:
    """Light before dark, wide before narrow."""
    _, scheme, width = name.removesuffix(".png").rsplit("-", 2)
    return scheme == "dark", -int(width)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
