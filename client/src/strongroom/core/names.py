"""Names and limits: one check for each kind of name, each returning the name or saying what is wrong with it."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from strongroom.core.errors import (
    InvalidAlias,
    InvalidInput,
    InvalidMetadata,
    InvalidName,
    InvalidReference,
    InvalidTag,
    InvalidType,
    ReservedType,
    StrongroomError,
)

LONGEST = 128
METADATA_KEYS = 100
_MAX_DEPTH = 100
_MAX_DIGITS = 1000
_MAX_JSON = 8 * 1024 * 1024
_MAX_DESCRIPTION = 256 * 1024

# Always matched in full: `$` would let a name pass that ends in a newline.
_COLLECTION = re.compile(r"[A-Za-z0-9_.-]+")
_TYPE = re.compile(r"[A-Za-z0-9_.-]+( +[A-Za-z0-9_.-]+)*")
_TAG = re.compile(r"[-\w]+( +[-\w]+)*")
_ENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_VERSION = re.compile(r"v(0|[1-9][0-9]{0,17})", re.ASCII)
_CLIENT_ID = re.compile(r"[A-Za-z0-9_.-]+")
_NUMBERED = re.compile(r"v[0-9]+", re.ASCII)

# Words that stand first in addresses of pages and doors.
# fmt: off
RESERVED_ENTITIES = frozenset(
    {
        "account", "admin", "api", "artifacts", "artifactsv2", "assets", "background", "events",
        "favicon.ico", "files", "graphql", "health", "healthz", "home", "jobs", "keys", "login", "logout",
        "new", "new-project", "oidc", "organizations", "patterns", "profile", "projects", "promotions",
        "registries", "registry", "robots.txt", "search", "settings", "setup", "sign-in", "sign-out",
        "static", "storage", "teams", "trash", "users",
    }
)
# fmt: on


def forbidden_character(text: str) -> str | None:
    """Return the first control, bidirectional, zero-width or unassigned character of a text.

    These are the Unicode categories C* (control, format, surrogate, private, unassigned) and the
    line and paragraph separators: what makes a name look like another, or break a line of a log.
    """
    if text.isascii() and text.isprintable():
        return None
    for character in text:
        category = unicodedata.category(character)
        if category[0] == "C" or category in ("Zl", "Zp"):
            return character
    return None


def _check(kind: type[StrongroomError], noun: str, value: Any, longest: int = LONGEST) -> str:
    if not isinstance(value, str):
        raise kind(f"{noun} is text, not {type(value).__name__}.")
    if not value:
        raise kind(f"{noun} can't be empty.")
    bad = forbidden_character(value)
    if bad is not None:
        raise kind(
            f"{noun} takes no control or invisible characters. Remove U+{ord(bad):04X}.", name=_shown(value)
        )
    value = unicodedata.normalize("NFC", value)
    if len(value) > longest:
        raise kind(
            f"{noun} takes at most {longest} characters; this one has {len(value)}.", name=_shown(value)
        )
    return value


def _shown(value: str) -> str:
    return value[:200].encode("unicode_escape").decode("ascii")


def _refuse(kind: type[StrongroomError], message: str, value: str) -> NoReturn:
    raise kind(message, name=_shown(value))


def _only_dots(value: str) -> bool:
    return not value.strip(".")


def check_collection_name(name: Any) -> str:
    """Check the name of an artifact collection."""
    name = _check(InvalidName, "An artifact name", name)
    if not _COLLECTION.fullmatch(name) or _only_dots(name):
        _refuse(
            InvalidName, f'An artifact name takes letters, digits, "_", "-" and ".". {_culprit(name)}', name
        )
    return str(name)


def _culprit(name: str) -> str:
    odd = sorted({c for c in name if not _COLLECTION.fullmatch(c)})
    if not odd:
        return "Add a letter or a digit."
    return "Remove " + ", ".join(f'"{c}"' for c in odd[:5]) + "."


def check_type_name(name: Any) -> str:
    """Check the name of an artifact type, reserved or not."""
    name = _check(InvalidType, "An artifact type", name)
    if not _TYPE.fullmatch(name) or _only_dots(name):
        _refuse(
            InvalidType,
            'An artifact type takes letters, digits, "_", "-", "." and spaces inside. Choose a name such as "model".',
            name,
        )
    return str(name)


def check_loggable_type(type_name: Any, collection: str) -> str:
    """Check a type that a user logs by hand: the `wandb` client keeps some for itself."""
    type_name = check_type_name(type_name)
    reserved = (
        type_name == "job"
        or type_name.startswith("wandb-")
        or (type_name == "run_table" and collection.startswith("run-"))
        or (type_name == "code" and collection.startswith("source-"))
    )
    if reserved:
        raise ReservedType(
            f'The type "{type_name}" is reserved for what the system itself logs. Choose another type.',
            type=type_name,
        )
    return type_name


def check_alias(name: Any) -> str:
    """Check a custom alias; `v3` is a version number and never an alias."""
    name = _check(InvalidAlias, "An alias", name)
    if "/" in name or ":" in name:
        _refuse(InvalidAlias, f'The alias "{name}" can\'t contain "/" or ":". Remove it.', name)
    if name != name.strip():
        _refuse(InvalidAlias, f'The alias "{name}" begins or ends with a space. Remove it.', name)
    if _NUMBERED.fullmatch(name):
        _refuse(
            InvalidAlias, f'"{name}" looks like a version number, which no alias can be. Choose a word.', name
        )
    return name


def fold_alias(name: str) -> str:
    """Fold an alias for comparison with protected ones: look-alikes by width and case are the same."""
    return unicodedata.normalize("NFKC", name).casefold()


def check_tag(name: Any) -> str:
    """Check a tag."""
    name = _check(InvalidTag, "A tag", name)
    if not _TAG.fullmatch(name):
        _refuse(
            InvalidTag,
            f'The tag "{name}" may hold letters, digits, "_" and "-", with spaces between words only.',
            name,
        )
    return name


def check_tags(names: Any) -> list[str]:
    """Check a list of tags and return it without repetitions, in order."""
    return [check_tag(name) for name in dict.fromkeys(_listed(names, InvalidTag, "Tags"))]


def check_aliases(names: Any) -> list[str]:
    """Check a list of aliases and return it without repetitions, in order."""
    return [check_alias(name) for name in dict.fromkeys(_listed(names, InvalidAlias, "Aliases"))]


def _listed(names: Any, kind: type[StrongroomError], noun: str) -> list[Any]:
    if isinstance(names, (str, bytes, dict)) or not isinstance(names, Iterable):
        raise kind(f"{noun} are given as a list of texts.")
    names = list(names)
    if not all(isinstance(name, str) for name in names):
        raise kind(f"{noun} are given as a list of texts.")
    return names


def check_project_name(name: Any) -> str:
    """Check the name of a project or registry."""
    name = _check(InvalidName, "A project name", name)
    odd = [c for c in "/\\#?%:" if c in name]
    if odd:
        _refuse(InvalidName, f'A project name can\'t contain "{odd[0]}". Remove it.', name)
    if _only_dots(name) or name != name.strip():
        _refuse(InvalidName, "A project name can't be only dots, nor begin or end with a space.", name)
    return name


def check_entity_name(name: Any) -> str:
    """Check the name of a user, team or organization."""
    name = _check(InvalidName, "A name", name)
    if not _ENTITY.fullmatch(name):
        _refuse(
            InvalidName,
            f'"{name}" is not a name: it takes letters, digits, "_", "-" and ".", and begins with a letter or digit.',
            name,
        )
    if name.casefold() in RESERVED_ENTITIES:
        _refuse(InvalidName, f'The name "{name}" is reserved. Choose another.', name)
    return str(name)


def check_run_name(name: Any) -> str:
    """Check the name (id) of a run."""
    name = _check(InvalidName, "A run name", name)
    if not _COLLECTION.fullmatch(name) or _only_dots(name):
        _refuse(InvalidName, f'A run name takes letters, digits, "_", "-" and ".". {_culprit(name)}', name)
    return str(name)


def check_client_id(value: Any) -> str:
    """Check the random text by which a client finds its draft again."""
    value = _check(InvalidInput, "A client_id", value)
    if not _CLIENT_ID.fullmatch(value):
        _refuse(InvalidInput, 'A client_id takes letters, digits, "_", "-" and ".".', value)
    return str(value)


def check_label(text: Any) -> str:
    """Check a short text for people, such as the name of a key."""
    return _check(InvalidName, "A name", text.strip() if isinstance(text, str) else text)


def check_description(text: Any) -> str:
    """Check a description: markdown, at most 256 KiB, without NUL and lone surrogates."""
    if text is None:
        return ""
    if not isinstance(text, str):
        raise InvalidInput(f"A description is text, not {type(text).__name__}.", field="description")
    if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
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
    """`[entity/][project/]collection[:ref]`; `ref` is an alias or a version, `latest` when not given."""

    collection: str
    ref: str = "latest"
    project: str | None = None
    entity: str | None = None

    @classmethod
    def parse(cls, text: Any) -> ArtifactRef:
        """Parse a reference such as `team/vision/resnet:v3`."""
        if not isinstance(text, str) or not text:
            raise InvalidReference("An artifact is named as entity/project/name:alias.")
        path, colon, ref = text.partition(":")
        parts = path.split("/")
        if len(parts) > 3 or not all(parts) or (colon and not ref):
            raise InvalidReference(
                f'"{_shown(text)}" is not an artifact name. Write it as name:alias, project/name:alias or '
                "entity/project/name:alias."
            )
        collection = check_collection_name(parts[-1])
        project = check_project_name(parts[-2]) if len(parts) > 1 else None
        entity = parts[-3] if len(parts) > 2 else None
        ref = ref or "latest"
        if version_number(ref) is None:
            check_alias(ref)
        return cls(collection, ref, project, entity)

    def __str__(self) -> str:
        return (
            "/".join(p for p in (self.entity, self.project) if p)
            + ("/" if self.project else "")
            + (f"{self.collection}:{self.ref}")
        )


def check_metadata(value: Any, max_keys: int | None = METADATA_KEYS) -> dict[str, Any]:
    """Return metadata as plain JSON data: a copy, NaN as null, infinities and odd types refused."""
    if not isinstance(value, dict):
        raise InvalidMetadata(f"Metadata is a dictionary of key-value pairs, not {type(value).__name__}.")
    if max_keys is not None and len(value) > max_keys:
        raise InvalidMetadata(
            f"Metadata takes at most {max_keys} top-level keys; this has {len(value)}. Nest some of them.",
            keys=len(value),
        )
    cleaned = _clean(value, 0, "metadata")
    if len(json.dumps(cleaned, ensure_ascii=False).encode("utf-8", "surrogatepass")) > _MAX_JSON:
        raise InvalidMetadata("Metadata takes at most 8 MiB. Log large data as a file.")
    return dict(cleaned)


def _clean(value: Any, depth: int, where: str) -> Any:
    if depth > _MAX_DEPTH:
        raise InvalidMetadata(f"{where[:200]} is nested more than {_MAX_DEPTH} levels deep. Flatten it.")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _clean_text(value, where)
    if isinstance(value, int):
        if value.bit_length() > 3300:
            raise InvalidMetadata(f"{where[:200]} is a number of too many digits. Store it as text.")
        return int(value)
    if isinstance(value, float):
        if math.isinf(value):
            raise InvalidMetadata(f"{where[:200]} is infinite, which JSON can't hold. Use null or text.")
        return None if math.isnan(value) else float(value)
    if isinstance(value, dict):
        return {
            _clean_key(key, where): _clean(below, depth + 1, f"{where}.{key}") for key, below in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_clean(below, depth + 1, f"{where}[{i}]") for i, below in enumerate(value)]
    return _clean_foreign(value, depth, where)


def _clean_foreign(value: Any, depth: int, where: str) -> Any:
    """Take numbers and arrays of numeric libraries by what they offer, without importing any."""
    if hasattr(value, "tolist"):
        return _clean(value.tolist(), depth + 1, where)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise InvalidMetadata(
        f"{where[:200]} is of type {type(value).__name__}, which JSON can't hold. Convert it first."
    )


def _clean_key(key: Any, where: str) -> str:
    if not isinstance(key, str):
        if isinstance(key, (int, float, bool)) or key is None:
            return json.dumps(key)
        raise InvalidMetadata(f"{where[:200]} has a key of type {type(key).__name__}. Keys are texts.")
    return _clean_text(key, where)


def _clean_text(text: str, where: str) -> str:
    if "\x00" in text or (not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text)):
        raise InvalidMetadata(f"{where[:200]} holds a NUL character or a lone surrogate. Remove it.")
    return text


def parse_json(text: str | bytes, *, max_bytes: int = _MAX_JSON) -> Any:
    """Parse JSON with limits on size, depth, numbers and repeated keys; NaN becomes null, Infinity is refused."""
    if len(text) > max_bytes:
        raise InvalidInput(f"This JSON is larger than {max_bytes} bytes. Send less at a time.")
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        _check_depth(text)
        return json.loads(
            text,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=_int,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError:
        raise InvalidInput("This is not JSON: it is not UTF-8.") from None
    except RecursionError:
        raise InvalidInput(f"This JSON is nested more than {_MAX_DEPTH} levels deep. Flatten it.") from None
    except json.JSONDecodeError as wrong:
        raise InvalidInput(
            f"This is not JSON: {wrong.msg} in line {wrong.lineno}, column {wrong.colno}.",
            line=wrong.lineno,
            column=wrong.colno,
        ) from None


_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= _MAX_DEPTH:
        return
    depth = 0
    for matched in _BRACKETS.finditer(text):
        mark = matched[0]
        if mark in "[{":
            depth += 1
            if depth > _MAX_DEPTH:
                raise InvalidInput(f"This JSON is nested more than {_MAX_DEPTH} levels deep. Flatten it.")
        elif mark in "]}":
            depth -= 1


def _constant(word: str) -> None:
    if word != "NaN":
        raise InvalidInput(f"{word} is not a JSON number. Use null or text.")


def _float(digits: str) -> float:
    if len(digits) > _MAX_DIGITS:
        raise InvalidInput(f"A number of {len(digits)} digits is too long. Store it as text.")
    value = float(digits)
    if math.isinf(value):
        raise InvalidInput(f"The number {digits[:40]} is infinite for a computer. Use null or text.")
    return value


def _int(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise InvalidInput(f"A number of {len(digits)} digits is too long. Store it as text.")
    return int(digits)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise InvalidInput(f'The key "{twice[:100]}" stands twice in one JSON object. Keep one of them.')
    return found
