"""Code to copy, filled in: one source for pages and for the tests that run it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest

from registry.models import Collection, Membership, Project
from registry.web.templatetags.words import size


@dataclass(frozen=True, slots=True)
class Snippet:
    """One tab: where the code is for, and the code."""

    name: str
    code: str


def base_url(request: HttpRequest) -> str:
    """The address that clients of this server use."""
    return request.build_absolute_uri("/").rstrip("/")


def install(request: HttpRequest) -> list[Snippet]:
    """Get the client and sign in."""
    address = base_url(request)
    enter, sign_in = ". ~/strongroom-client/bin/activate", f"strongroom login --host {address}"
    where = "# in a clone of Strongroom"
    return [
        Snippet(
            "pip",
            f"python3 -m venv ~/strongroom-client\n{enter}\npip install ./client   {where}\n{sign_in}",
        ),
        Snippet("uv", f"uv venv ~/strongroom-client\n{enter}\nuv pip install ./client   {where}\n{sign_in}"),
    ]


def install_wandb(request: HttpRequest) -> list[Snippet]:
    """Get the `wandb` client as it is, and point it here; it keeps the address for all that follows."""
    return [Snippet("wandb", f"pip install wandb\nwandb login --host {base_url(request)}")]


def log_first(project: Project) -> list[Snippet]:
    """Log a first dataset."""
    entity, name = project.entity.name, project.name

    def python(client: str) -> str:
        return f"""import {client}

with {client}.init({_where(project)}) as run:
    data = {client}.Artifact("fashion-mnist", type="dataset")
    data.add_dir("data/fashion-mnist")
    run.log_artifact(data, aliases=["raw"])"""

    target = _shell(f"{entity}/{name}/fashion-mnist")
    return [
        *_both(python),
        Snippet("CLI", f"strongroom put data/fashion-mnist {target} --type dataset --alias raw"),
    ]


def use_first(project: Project) -> list[Snippet]:
    """Use it in the next script."""
    target = _shell(f"{project.entity.name}/{project.name}/fashion-mnist:latest")

    def python(client: str) -> str:
        return f"""import {client}

with {client}.init({_where(project)}) as run:
    path = run.use_artifact("fashion-mnist:latest").download()"""

    return [
        *_both(python),
        Snippet("CLI", f"strongroom get {target} --root ./data"),
    ]


def first_run(project: Project) -> list[Snippet]:
    """Record a first run."""

    def python(client: str) -> str:
        return f"""import {client}

with {client}.init({_where(project)}, config={{"epochs": 3}}) as run:
    run.summary["accuracy"] = 0.9"""

    return _both(python)


def log_to(collection: Collection) -> list[Snippet]:
    """Log a file as the next version of a collection; it writes the file, so that it works as shown."""
    name, kind = collection.name, collection.type.name

    def python(client: str) -> str:
        return f"""import {client}

with {client}.init({_where(collection.project)}) as run:
    artifact = {client}.Artifact({_quoted(name)}, type={_quoted(kind)})
    with artifact.new_file("hello.txt", mode="w") as file:
        file.write("The first file.\\n")
    run.log_artifact(artifact)"""

    return [*_both(python), *_put(collection)]


def use(membership: Membership) -> list[Snippet]:
    """Use one version."""
    noun = "model" if membership.collection.type.name == "model" else "data"
    project, name = membership.collection.project, membership.name
    where = _where(project)
    if project.kind == Project.Kind.REGISTRY:
        # No run begins in a registry: it is one of a project, whichever that is.
        where, name = 'project="my-project"', membership.qualified_name

    def python(client: str) -> str:
        return f"""import {client}

with {client}.init({where}) as run:
    {noun} = run.use_artifact({_quoted(name)})
    path = {noun}.download()   # verified, {size(membership.version.size)}"""

    return [
        *_both(python),
        Snippet("CLI", f"strongroom get {_shell(membership.qualified_name)} --root ./{noun}"),
    ]


def in_run(membership: Membership) -> list[Snippet]:
    """The same where a run is to be recorded, which only a script does."""
    return [snippet for snippet in use(membership) if snippet.name != "CLI"]


def read_only(membership: Membership) -> list[Snippet]:
    """Get a version without a run."""

    def python(client: str) -> str:
        return f"""import {client}

artifact = {client}.Api().artifact({_quoted(membership.qualified_name)})
path = artifact.download()"""

    return [*_both(python), use(membership)[-1]]


def list_files(membership: Membership) -> list[Snippet]:
    """List the files of a version."""
    wandb = f"""import wandb

artifact = wandb.Api().artifact({_quoted(membership.qualified_name)})
print([file.name for file in artifact.files()])"""
    return [Snippet("CLI", f"strongroom ls {_shell(membership.qualified_name)}"), Snippet("wandb", wandb)]


def next_version(membership: Membership) -> list[Snippet]:
    """Log the next version from this one; it writes the file that it adds, so that it works as shown."""

    def python(client: str) -> str:
        return f"""import {client}

with {client}.init({_where(membership.collection.project)}) as run:
    draft = run.use_artifact({_quoted(membership.name)}).new_draft()
    with draft.new_file("changes.txt", mode="w") as file:
        file.write("What changed since v{membership.number}.\\n")
    run.log_artifact(draft)"""

    return _both(python)


def replace(membership: Membership) -> list[Snippet]:
    """Log a folder as the next version: nothing of this one is kept."""
    return _put(membership.collection)


def _put(collection: Collection) -> list[Snippet]:
    target = _shell(f"{collection.project}/{collection.name}")
    return [Snippet("CLI", f"strongroom put ./data {target} --type {_shell(collection.type.name)}")]


def _both(python: Callable[[str], str]) -> list[Snippet]:
    """The same script for either client: their calls have the same names."""
    return [Snippet(client, python(client)) for client in ("strongroom", "wandb")]


def _where(project: Project) -> str:
    return f"entity={_quoted(project.entity.name)}, project={_quoted(project.name)}"


def _quoted(text: str) -> str:
    """A Python string in double quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _shell(text: str) -> str:
    """A word of the shell: quoted only where it must be."""
    plain = all((letter.isalnum() and letter.isascii()) or letter in "/:._-" for letter in text)
    return text if plain else "'" + text.replace("'", "'\\''") + "'"
