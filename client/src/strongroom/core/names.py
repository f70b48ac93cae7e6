"""Names and limits: one check for each kind of name, each returning the name or saying what is wrong with it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from strongroom.core.dated import dated, is_dated
from strongroom.core.errors import (
    InvalidAlias,
    InvalidInput,
    InvalidName,
    InvalidReference,
    InvalidTag,
    InvalidType,
    ReservedType,
    StrongroomError,
)
from strongroom.core.jsondata import check_metadata as check_metadata
from strongroom.core.jsondata import parse_json as parse_json
from strongroom.core.text import forbidden_character as forbidden_character
from strongroom.core.text import is_storable, shown

LONGEST = 128
_MAX_DESCRIPTION = 256 * 1024

# Always matched in full: `$` would let a name pass that ends in a newline.
_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
_TYPE = re.compile(r"[A-Za-z0-9_.-]+( +[A-Za-z0-9_.-]+)*")
_TAG = re.compile(r"[-\w]+( +[-\w]+)*")
_ENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_VERSION = re.compile(r"v(0|[1-9][0-9]{0,17})", re.ASCII)
_NUMBERED = re.compile(r"v\d+")

# Words that stand first in addresses of pages and doors, now or soon; tests/web compares them with the routes.
# fmt: off
RESERVED_ENTITIES = frozenset(
    {
        "api", "api-keys", "artifacts", "artifactsv2", "authorize", "background-work", "favicon.ico", "files",
        "graphql", "healthz", "inbox", "installation", "markdown-preview", "new-project", "oidc", "patterns",
        "promotions", "registries", "robots.txt", "search", "settings", "setup", "sign-in", "sign-out", "starred",
        "static", "storage", "teams", "webhooks",
    }
)
# fmt: on


def _check(kind: type[StrongroomError], noun: str, value: Any, longest: int = LONGEST) -> str:
    if not isinstance(value, str):
        raise kind(f"{noun} is text, not {type(value).__name__}.")
    if not value:
        raise kind(f"{noun} can't be empty.")
    bad = forbidden_character(value)
    if bad is not None:
        raise kind(
            f"{noun} takes no control or invisible characters. Remove U+{ord(bad):04X}.", name=shown(value)
        )
    # Composing makes few texts longer and none shorter than a quarter: what is huge needn't be composed.
    composed = unicodedata.normalize("NFC", str.__str__(value)) if len(value) <= 4 * longest else value
    if len(composed) > longest:
        raise kind(
            f"{noun} takes at most {longest} characters; this one has {len(composed)}.", name=shown(value)
        )
    return composed


def _refuse(kind: type[StrongroomError], message: str, value: str) -> NoReturn:
    raise kind(message, name=shown(value))


def _only_dots(value: str) -> bool:
    return not value.strip(".")


def _check_plain(kind: type[StrongroomError], noun: str, value: Any) -> str:
    found = _check(kind, noun, value)
    if not _PLAIN.fullmatch(found) or _only_dots(found):
        _refuse(kind, f'{noun} takes letters, digits, "_", "-" and ".". {_culprit(found)}', found)
    return found


def check_collection_name(name: Any) -> str:
    """Check the name of an artifact collection."""
    return _check_plain(InvalidName, "An artifact name", name)


def _culprit(name: str) -> str:
    odd = sorted({c for c in name if not _PLAIN.fullmatch(c)})
    if not odd:
        return "Add a letter or a digit."
    return "Remove " + ", ".join(f'"{c}"' for c in odd[:5]) + "."


def check_type_name(name: Any) -> str:
    """Check the name of an artifact type, reserved or not."""
    found = _check(InvalidType, "An artifact type", name)
    if not _TYPE.fullmatch(found) or _only_dots(found):
        _refuse(
            InvalidType,
            'An artifact type takes letters, digits, "_", "-", "." and spaces inside. Choose one such as "model".',
            found,
        )
    return found


def check_loggable_type(type_name: Any, collection: str) -> str:
    """Check a type that a user logs by hand: the `wandb` client keeps some for itself."""
    found = check_type_name(type_name)
    reserved = (
        found == "job"
        or found.startswith("wandb-")
        or (found == "run_table" and collection.startswith("run-"))
        or (found == "code" and collection.startswith("source-"))
    )
    if reserved:
        raise ReservedType(
            f'The type "{found}" is reserved for what the system itself logs. Choose another type.',
            type=found,
        )
    return found


def check_alias(name: Any) -> str:
    """Check a custom alias; `v3` is a version number and never an alias."""
    found = _check(InvalidAlias, "An alias", name)
    if "/" in found or ":" in found:
        _refuse(InvalidAlias, f'The alias "{found}" can\'t contain "/" or ":". Remove it.', found)
    if found != found.strip():
        _refuse(InvalidAlias, f'The alias "{found}" begins or ends with a space. Remove it.', found)
    # In an address "." and ".." are folders, not names.
    if _only_dots(found):
        _refuse(InvalidAlias, "An alias can't be only dots. Choose a word.", found)
    # Digits of full width, or of another script, look like a version number, too.
    if _NUMBERED.fullmatch(unicodedata.normalize("NFKC", found)):
        _refuse(
            InvalidAlias,
            f'"{found}" looks like a version number, which no alias can be. Choose a word.',
            found,
        )
    if is_dated(found):
        _refuse(
            InvalidAlias,
            f'"{found}" asks what an alias was on a date, which no alias can be. Remove the date.',
            found,
        )
    return found


def fold_alias(name: str) -> str:
    """Fold an alias for comparison with protected ones: look-alikes by width and case are the same."""
    return unicodedata.normalize("NFKC", name).casefold()


def check_check_name(name: Any) -> str:
    """Check the name that results of a check are posted under: a line of text, such as `ci/latency`."""
    found = _check(InvalidName, "The name of a check", name)
    if found != found.strip():
        _refuse(InvalidName, f'The name "{found}" begins or ends with a space. Remove it.', found)
    return found


def check_tag(name: Any) -> str:
    """Check a tag."""
    found = _check(InvalidTag, "A tag", name)
    if not _TAG.fullmatch(found):
        _refuse(
            InvalidTag,
            f'The tag "{found}" may hold letters, digits, "_" and "-", with spaces between words only.',
            found,
        )
    return found


def check_tags(names: Any) -> list[str]:
    """Check a list of tags and return it without repetitions, in order."""
    return list(dict.fromkeys(check_tag(name) for name in _listed(names, InvalidTag, "Tags")))


def check_aliases(names: Any) -> list[str]:
    """Check a list of aliases and return it without repetitions, in order."""
    return list(dict.fromkeys(check_alias(name) for name in _listed(names, InvalidAlias, "Aliases")))


def _listed(names: Any, kind: type[StrongroomError], noun: str) -> list[Any]:
    if isinstance(names, (str, bytes, dict)) or not isinstance(names, Iterable):
        raise kind(f"{noun} are given as a list of texts.")
    found = list(names)
    if not all(isinstance(name, str) for name in found):
        raise kind(f"{noun} are given as a list of texts.")
    return found


def check_project_name(name: Any) -> str:
    """Check the name of a project or registry."""
    found = _check(InvalidName, "A project name", name)
    odd = [c for c in "/\\#?%:" if c in found]
    if odd:
        _refuse(InvalidName, f'A project name can\'t contain "{odd[0]}". Remove it.', found)
    if _only_dots(found) or found != found.strip():
        _refuse(InvalidName, "A project name can't be only dots, nor begin or end with a space.", found)
    return found


def check_entity_name(name: Any) -> str:
    """Check the name of a new user, team or organization."""
    found = check_entity_ref(name)
    if found.casefold() in RESERVED_ENTITIES:
        _refuse(InvalidName, f'The name "{found}" is reserved. Choose another.', found)
    return found


def check_entity_ref(name: Any) -> str:
    """Check the name of an entity that is referred to; one that is reserved names none."""
    found = _check(InvalidName, "A name", name)
    if not _ENTITY.fullmatch(found):
        _refuse(
            InvalidName,
            f'"{found}" is not a name: it takes letters, digits, "_", "-" and ".", and begins with a letter or digit.',
            found,
        )
    return found


def check_run_name(name: Any) -> str:
    """Check the name (id) of a run."""
    return _check_plain(InvalidName, "A run name", name)


def check_client_id(value: Any) -> str:
    """Check the random text by which a client finds its draft again."""
    return _check_plain(InvalidInput, "A client_id", value)


def check_label(text: Any) -> str:
    """Check a short text for people, such as the name of a key."""
    return _check(InvalidName, "A name", text.strip() if isinstance(text, str) else text)


def check_description(text: Any) -> str:
    """Check a description: markdown, at most 256 KiB, without NUL and lone surrogates."""
    if text is None:
        return ""
    if not isinstance(text, str):
        raise InvalidInput(f"A description is text, not {type(text).__name__}.", field="description")
    if not is_storable(text):
        raise InvalidInput("A description can't hold NUL characters or lone surrogates.", field="description")
    if len(text.encode()) > _MAX_DESCRIPTION:
        raise InvalidInput(
            "A description takes at most 256 KiB. Shorten it, or log it as a file.", field="description"
        )
    return text


def version_number(ref: str) -> int | None:
    """Return 12 for `v12`, None for anything that is not the canonical form of a version number."""
    matched = _VERSION.fullmatch(ref)
    return int(matched[1]) if matched else None


@dataclass(frozen=True, slots=True)
class ArtifactRef:
    """`[entity/][project/]collection[:ref]`; `ref` is a version, an alias, or an alias on a date; else `latest`."""

    collection: str
    ref: str = "latest"
    project: str | None = None
    entity: str | None = None

    def __post_init__(self) -> None:
        if self.entity and not self.project:
            raise InvalidReference("An artifact that is named with its entity needs its project, too.")

    @classmethod
    def parse(cls, text: Any) -> ArtifactRef:
        """Parse a reference such as `team/vision/resnet:v3`."""
        if not isinstance(text, str) or not text:
            raise InvalidReference("An artifact is named as entity/project/name:alias.")
        path, colon, ref = text.partition(":")
        *above, name = path.split("/")
        if len(above) > 2 or not name or not all(above) or (colon and not ref):
            raise InvalidReference(
                f'"{shown(text)}" is not an artifact name. Write it as name:alias, project/name:alias or '
                "entity/project/name:alias."
            )
        collection = check_collection_name(name)
        project = check_project_name(above[-1]) if above else None
        entity = check_entity_ref(above[0]) if len(above) == 2 else None
        return cls(collection, _check_ref(ref or "latest"), project, entity)

    def __str__(self) -> str:
        return "/".join(part for part in (self.entity, self.project, f"{self.collection}:{self.ref}") if part)


def _check_ref(ref: str) -> str:
    if version_number(ref) is not None:
        return ref
    past = dated(ref)
    return check_alias(ref) if past is None else f"{check_alias(past.alias)}@{past.when}"
