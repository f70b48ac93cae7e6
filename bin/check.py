"""`make test`: lint, types, migrations, and all tests on SQLite and on PostgreSQL; one summary at the end."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable


@dataclass
class Step:
    """One command of the check."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    passed: bool = False

    def run(self) -> None:
        """Run it in the open: its words are the report."""
        sys.stdout.write(f"\n=== {self.name}\n")
        sys.stdout.flush()
        began = time.monotonic()
        done = subprocess.run(
            self.command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **self.environment},
            check=False,
        )
        self.seconds, self.passed = time.monotonic() - began, done.returncode == 0


def module(name: str, *arguments: str) -> list[str]:
    """Return the command that runs a Python module."""
    return [PYTHON, "-m", name, *arguments]


def steps(only: str, tests: list[str]) -> list[Step]:
    """List what is to be checked."""
    lint = [
        Step("lint", module("ruff", "check", ".")),
        Step("format", module("ruff", "format", "--check", "--quiet", ".")),
        Step("templates", module("djlint", "templates", "--lint", "--quiet")),
    ]
    types = [Step("types", module("mypy"))]
    schema = {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    migrations = [
        Step("migrations", [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"], schema),
        Step("system checks", [PYTHON, "manage.py", "check", "--fail-level", "WARNING"], schema),
    ]
    parallel = ["-n", os.environ.get("STRONGROOM_TEST_PROCESSES", "auto"), "--dist", "loadgroup", "-q"]
    suite = [
        Step(
            "tests on PostgreSQL",
            module("pytest", *parallel, *tests),
            {"STRONGROOM_TEST_DATABASE": "postgresql"},
        ),
        Step("tests on SQLite", module("pytest", *parallel, *tests)),
    ]
    groups = {"lint": lint, "types": types, "migrations": migrations, "tests": suite}
    if only:
        return groups[only]
    return suite if tests else [step for group in groups.values() for step in group]


def main() -> int:
    """Run every step, also after one that failed, and say which did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["lint", "types", "migrations", "tests"], default="")
    options, tests = parser.parse_known_args()
    todo = steps(options.only, tests)
    for step in todo:
        step.run()
    sys.stdout.write("\n")
    for step in todo:
        sys.stdout.write(f"{'passed' if step.passed else 'FAILED'}  {step.seconds:6.1f} s  {step.name}\n")
    return 0 if all(step.passed for step in todo) else 1


if __name__ == "__main__":
    sys.exit(main())
