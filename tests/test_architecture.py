"""The directions of imports: doors above http above services above what they use, and never the other way."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOORS = ("registry.web", "registry.api", "registry.wandb_api", "registry.management", "celery_worker")
BASE = ("registry.models", "registry.errors", "registry.actor", "registry.apps", "strongroom.core")
MIDDLE = (
    "registry.policy",
    "registry.manifests",
    "registry.storage",
    "registry.outbound",
    "registry.jobs",
    "registry.queue",
    "registry.schedule",
)
# What each part may import of this project; itself always.
ALLOWED: dict[str, tuple[str, ...]] = {
    "artifacts_site": (*DOORS, "registry.http"),
    **dict.fromkeys(DOORS, ("registry.http", "registry.services", *MIDDLE, *BASE)),
    "registry.http": ("registry.services", *MIDDLE, *BASE),
    "registry.services": (*MIDDLE, *BASE),
    "registry.policy": BASE,
    "registry.manifests": ("registry.storage", *BASE),
    "registry.storage": BASE,
    "registry.outbound": ("registry.policy", "registry.manifests", *BASE),
    "registry.jobs": ("registry.schedule", *BASE),
    "registry.queue": (),
    "registry.schedule": (),
    "registry.models": ("registry.errors", "strongroom.core"),
    "registry.errors": ("strongroom.core",),
    "registry.actor": ("registry.models",),
    "registry.apps": (),
    "registry.migrations": ("registry.models",),
    "strongroom": ("strongroom.core",),
    "strongroom.core": (),
}
OURS = ("registry", "celery_worker", "artifacts_site", "strongroom", "tests", "bench", "bin", "examples")


def part_of(module: str) -> str:
    """Return the most special part that a module belongs to."""
    fitting = [part for part in ALLOWED if module == part or module.startswith(f"{part}.")]
    return max(fitting, key=len, default=module)


def sources() -> Iterator[tuple[str, Path]]:
    """Yield every module of the product with its file."""
    for base in (ROOT, ROOT / "client" / "src"):
        for top in ("registry", "celery_worker", "artifacts_site", "strongroom"):
            for file in sorted((base / top).rglob("*.py")):
                names = list(file.relative_to(base).with_suffix("").parts)
                yield ".".join(names[:-1] if names[-1] == "__init__" else names), file


def imports(module: str, file: Path) -> Iterator[tuple[str, int]]:
    """Yield what a file imports, with the line, however deep in a function it does."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: imports are absolute here"
            for name in node.names:
                yield f"{node.module}.{name.name}", node.lineno


MODULES = list(sources())


@pytest.mark.parametrize("part", sorted(ALLOWED))
def test_a_part_imports_only_what_lies_below_it(part):
    wrong = []
    for module, file in MODULES:
        if part_of(module) != part:
            continue
        for name, line in imports(module, file):
            target = part_of(name)
            if target.split(".")[0] in OURS and target != part and target not in ALLOWED[part]:
                wrong.append(f"{file.relative_to(ROOT)}:{line} imports {name}")
    assert wrong == []


def at_once(tree: ast.AST, names: set[str]) -> Iterator[str]:
    """Yield the modules, of those named, that are imported as a module is: not those that its functions import."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in names)
        elif isinstance(node, ast.ImportFrom):
            full = (f"{node.module}.{name.name}" for name in node.names)
            yield from (
                name if name in names else str(node.module) for name in full if str(node.module) in names
            )
        elif not _is_later(node):
            yield from at_once(node, names)


def _is_later(node: ast.AST) -> bool:
    """Whether what stands in a statement is not done as the module is imported."""
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def test_no_modules_import_each_other_in_a_circle():
    """Whichever of them is imported first finds the rest: a worker begins elsewhere than a page."""
    names = {module for module, _ in MODULES}
    graph = {module: set(at_once(ast.parse(file.read_text()), names)) - {module} for module, file in MODULES}
    assert len(list(TopologicalSorter(graph).static_order())) == len(MODULES)


def test_every_module_belongs_to_a_part():
    strays = [module for module, _ in MODULES if part_of(module) == module and module not in ALLOWED]
    assert [module for module in strays if module != "registry"] == []


def test_the_core_of_the_format_needs_the_standard_library_only():
    foreign = {
        f"{module} imports {name}"
        for module, file in MODULES
        if module.startswith("strongroom.core")
        for name, _ in imports(module, file)
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("strongroom.core")
    }
    assert foreign == set()


def test_the_client_knows_nothing_of_the_server():
    foreign = {
        f"{module} imports {name}"
        for module, file in MODULES
        if module.startswith("strongroom")
        for name, _ in imports(module, file)
        if name.split(".")[0] in {"registry", "celery_worker", "artifacts_site", "django", "rest_framework"}
    }
    assert foreign == set()


def test_nothing_unpickles_evaluates_or_extracts():
    """What people upload is never run: neither loaded, nor unpacked, nor evaluated."""
    modules = {"pickle", "marshal", "shelve", "dill", "joblib", "yaml"}
    calls = {"eval", "exec", "extractall", "unpack_archive"}
    found = []
    for module, file in MODULES:
        found += [
            f"{module} imports {name}" for name, _ in imports(module, file) if name.split(".")[0] in modules
        ]
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                found += [f"{module}:{node.lineno} calls {name}"] if name in calls else []
    assert found == []


def test_rules_are_neither_in_signals_nor_in_save():
    found = []
    for module, file in MODULES:
        if not module.startswith("registry"):
            continue
        found += [
            f"{module} imports {name}"
            for name, _ in imports(module, file)
            if name.startswith("django.db.models.signals")
        ]
        for node in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(node, ast.FunctionDef)
                and node.name == "save"
                and module.startswith("registry.models")
            ):
                found.append(f"{module}:{node.lineno} overrides save()")
    assert found == []


def test_pages_and_tasks_hold_no_transactions():
    """Transactions and locks are the services' alone; doors call one function."""
    found = [
        f"{module}:{line} imports {name}"
        for module, file in MODULES
        if module.startswith(DOORS)
        for name, line in imports(module, file)
        if name in {"django.db.transaction", "django.db.transaction.atomic"}
    ]
    assert found == []
