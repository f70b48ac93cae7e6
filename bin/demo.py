"""Run the example against the server of this folder, signed in as its first admin when no key is given."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# After that, `make demo` makes another.
KEY_LIVES = timedelta(days=30)
# What the first admin logs to, when no key and no entity are given.
ORGANIZATION, TEAM = "demo-lab", "demo-team"


def prepare(data: Path) -> None:
    """Make the server's own code usable here, on the database of the installation in `data`."""
    os.environ["STRONGROOM_DATA"] = str(data)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "artifacts_site.settings")
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()


def local_key(data: Path) -> str:
    """Return a key of the first admin of the installation, kept in its folder for as long as it works."""
    from registry.actor import system
    from registry.models import User
    from registry.services import keys

    kept = data / "demo-key"
    if kept.exists() and works(secret := kept.read_text().strip()):
        return secret
    admin = User.objects.filter(is_admin=True, is_active=True).order_by("pk").first()
    if admin is None:
        sys.exit("No admin yet: open the set-up link that `make run` printed, then run `make demo` again.")
    until = datetime.now(UTC) + KEY_LIVES
    _, secret = keys.create(system("command"), user=admin, name="make demo", expires_at=until)
    kept.touch(mode=0o600)
    kept.write_text(secret)
    return secret


def local_team() -> tuple[str, str]:
    """Return a team and its organization for the first admin: registries take what teams log. Made when missing."""
    from registry.actor import system
    from registry.models import Organization, User
    from registry.services import teams

    who = system("command")
    admin = User.objects.filter(is_admin=True, is_active=True).earliest("pk")
    if not Organization.objects.filter(entity__name=ORGANIZATION).exists():
        made = teams.create_organization(who, name=ORGANIZATION)
        teams.add_member(who, place=made, user=admin, role="admin")
        team = teams.create_team(who, name=TEAM, organization=made)
        teams.add_member(who, place=team, user=admin, role="admin")
    return TEAM, ORGANIZATION


def works(secret: str) -> bool:
    """Say whether a key is still known, neither revoked nor expired."""
    from registry.errors import NotAuthenticated
    from registry.services import keys

    try:
        keys.authenticate(secret)
    except NotAuthenticated:
        return False
    return True


def key_of_server(data: Path) -> str:
    """Return a key for the server whose database is here, or end with what to do first."""
    prepare(data)
    from django.db import DatabaseError

    try:
        # Not before there is a folder: SQLite would make a database in it.
        if data.is_dir():
            return local_key(data)
    except DatabaseError:
        pass
    sys.exit(f"Nothing was set up in {data} yet: start the server with `make run` in another terminal first.")


def main() -> None:
    """Start the example with what it needs in its environment."""
    port, data = os.environ.get("PORT", "8000"), Path(os.environ.get("DATA", "data")).resolve()
    os.environ.setdefault("STRONGROOM_BASE_URL", f"http://127.0.0.1:{port}")
    more = list[str]()
    if "STRONGROOM_API_KEY" not in os.environ:
        os.environ["STRONGROOM_API_KEY"] = key_of_server(data)
        if "STRONGROOM_ENTITY" not in os.environ:
            os.environ["STRONGROOM_ENTITY"], organization = local_team()
            more = ["--organization", organization]
    os.execv(sys.executable, [sys.executable, str(ROOT / "examples" / "demo.py"), *more, *sys.argv[1:]])


if __name__ == "__main__":
    main()
