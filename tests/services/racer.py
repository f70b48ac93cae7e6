"""One client of the race between processes: logs some versions to the collection that it is told."""

from __future__ import annotations

import os
import sys


def main(database: str, project_id: str, user_id: str, client: str, logs: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django
    from django.conf import settings

    settings.DATABASES["default"]["NAME"] = database
    django.setup()
    from registry.models import Project, User
    from tests import factories as make

    user = User.objects.get(pk=user_id)
    project = Project.objects.select_related("entity").get(pk=project_id)
    for number in range(int(logs)):
        uri = f"s3://bucket/{client}/{number}"
        logged = make.log(user, project, "shared", files={}, references={"x": uri}, aliases=["hot"])
        sys.stdout.write(f"{logged.number}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
