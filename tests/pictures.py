"""Take a picture of every page, light and dark, wide and narrow: `make pictures`.

Arguments: names of pages (all when none), `--only-light`, `--only-wide`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Instead of this folder, where tests/http would stand before the library.
sys.path[0] = str(ROOT)
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
OUT = ROOT / "pictures"


class NoMigrations(dict[str, None]):
    """The tables as the models have them."""

    def __contains__(self, app: object) -> bool:
        return True

    def __getitem__(self, app: str) -> None:
        return None


def main(arguments: list[str]) -> None:
    """Start a server over fresh sample data, and photograph it."""
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.staticfiles.testing import StaticLiveServerTestCase
    from django.test.utils import get_runner, setup_test_environment

    settings.MIGRATION_MODULES = NoMigrations()
    setup_test_environment()
    runner = get_runner(settings)(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    StaticLiveServerTestCase.setUpClass()
    try:
        _photograph(StaticLiveServerTestCase.live_server_url, arguments)
    finally:
        StaticLiveServerTestCase.tearDownClass()
        runner.teardown_databases(databases)


def _photograph(base: str, arguments: list[str]) -> None:
    from tests.browser import chromium
    from tests.browser.places import places
    from tests.web import sample

    OUT.mkdir(exist_ok=True)
    wanted = {name for name in arguments if not name.startswith("--")}
    schemes = ["light"] if "--only-light" in arguments else ["light", "dark"]
    widths = [chromium.WIDE] if "--only-wide" in arguments else [chromium.WIDE, chromium.NARROW]
    made = sample.make(12)
    with chromium.browser() as browser:
        for scheme in schemes:
            for width in widths:
                for name, (who, path) in places(made).items():
                    if wanted and name not in wanted:
                        continue
                    context = browser.new_context(viewport=width, color_scheme=scheme)
                    if who is not None:
                        chromium.sign_in(context, base, who)
                    page = context.new_page()
                    page.goto(base + path, wait_until="networkidle")
                    page.screenshot(path=OUT / f"{name}-{scheme}-{width['width']}.png", full_page=True)
                    context.close()
    sys.stdout.write(f"{len(list(OUT.glob('*.png')))} pictures in {OUT}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
