#!/usr/bin/env python3
"""Refresh the vendored libraries: fetch by name and version, trim, and write their hashes.

Run it by hand when a version changes: `python bin/vendor.py`. It needs npm; running Strongroom does not.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "static" / "vendor"
TESTS = ROOT / "tests" / "browser" / "vendor"

# Of Bootstrap's 31 kB (compressed) the pages use its reboot, its buttons and these utilities.
BOOTSTRAP_CLASSES = re.compile(
    r"\.(btn|visually-hidden(-focusable)?|(m|p)[tbsexy]?-(0|1|2|3|4|auto)|fw-(normal|medium)|text-center|flex-fill"
    r"|border-(0|top)|rounded-0|fs-5)(?![\w-])"
)

PACKAGES = [
    ("htmx.org", "2.0.11", "0BSD", "dist/htmx.min.js", STATIC / "htmx.min.js"),
    ("bootstrap", "5.3.9", "MIT", "dist/css/bootstrap.min.css", STATIC / "bootstrap-part.css"),
    ("elkjs", "0.12.1", "EPL-2.0", "lib/elk-api.js", STATIC / "elk-api.js"),
    ("elkjs", "0.12.1", "EPL-2.0", "lib/elk-worker.min.js", STATIC / "elk-worker.min.js"),
    ("js-sha256", "0.11.1", "MIT", "build/sha256.min.js", STATIC / "sha256.min.js"),
    ("js-md5", "0.8.3", "MIT", "build/md5.min.js", STATIC / "md5.min.js"),
    ("pdfjs-dist", "5.6.205", "Apache-2.0", "legacy/build/pdf.min.mjs", STATIC / "pdf.min.js"),
    ("pdfjs-dist", "5.6.205", "Apache-2.0", "legacy/build/pdf.worker.min.mjs", STATIC / "pdf-worker.min.js"),
    ("axe-core", "4.14.1", "MPL-2.0", "axe.min.js", TESTS / "axe.min.js"),
]

# Modules that only together are a library: bundled once, here, into one file that a worker loads.
PARQUET = ("hyparquet@1.33.0", "hyparquet-compressors@1.1.2", "fzstd@0.1.1")
ESBUILD = "esbuild@0.28.2"
# Without hysnappy, which is WebAssembly: the pages' CSP allows none, and hyparquet has its own Snappy.
PARQUET_ENTRY = """
import { decompress } from "fzstd";
import { decompressBrotli } from "hyparquet-compressors/src/brotli.js";
import { gunzip } from "hyparquet-compressors/src/gzip.js";
import { decompressLz4, decompressLz4Raw } from "hyparquet-compressors/src/lz4.js";
export { parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet";
export const compressors = {
  GZIP: (input, length) => gunzip(input, new Uint8Array(length)),
  BROTLI: decompressBrotli, ZSTD: (input) => decompress(input), LZ4: decompressLz4, LZ4_RAW: decompressLz4Raw,
};
"""


def bundle(entry: str, packages: tuple[str, ...], name: str) -> bytes:
    """Return the packages of the npm registry as one script that sets a global of this name."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "entry.js").write_text(entry)
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", ESBUILD, *packages]
        subprocess.run(install, cwd=folder, check=True)
        build = [
            "npx",
            "esbuild",
            "entry.js",
            "--bundle",
            "--minify",
            "--format=iife",
            f"--global-name={name}",
        ]
        return subprocess.run(build, cwd=folder, check=True, stdout=subprocess.PIPE).stdout


def fetch(name: str, version: str, member: str) -> bytes:
    """Return one file of a package of the npm registry."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", f"{name}@{version}", "--silent"], cwd=folder, check=True)
        archive = next(Path(folder).glob("*.tgz"))
        with tarfile.open(archive) as packed:
            extracted = packed.extractfile(f"package/{member}")
            assert extracted is not None  # a file, not a folder
            return extracted.read()


def strip_map(source: bytes) -> bytes:
    """Drop the source map comment: collectstatic fails on a map that is not vendored."""
    return re.sub(rb"\n?(/\*|//)# sourceMappingURL=[^\n]*?(\*/)?$", b"", source.rstrip()) + b"\n"


def blocks(css: str) -> list[tuple[str, str]]:
    """Split a style sheet into (selector or at-rule, body) at its top level."""
    found, depth, start, head = [], 0, 0, ""
    for at, letter in enumerate(css):
        if letter == "{":
            if depth == 0:
                head, start = css[start:at], at + 1
            depth += 1
        elif letter == "}":
            depth -= 1
            if depth == 0:
                found.append((head.strip(), css[start:at]))
                start = at + 1
    return found


def wanted(selector: str) -> bool:
    """Keep rules of bare elements, and of the classes that the pages use."""
    if selector.startswith((":root", "[data-bs-theme")):
        return False  # tokens.css sets the variables that count
    return "." not in selector or BOOTSTRAP_CLASSES.search(selector) is not None


def trim(css: str) -> str:
    """Keep the wanted rules, also inside media queries."""
    kept = []
    for head, body in blocks(css):
        if head.startswith("@media"):
            inside = trim(body)
            if inside:
                kept.append(f"{head}{{{inside}}}")
        elif not head.startswith("@"):
            selectors = ",".join(s for s in re.split(r",(?![^(]*\))", head) if wanted(s))
            if selectors and "data:" not in body:
                kept.append(f"{selectors}{{{body}}}")
    return "\n".join(kept)


def bootstrap_part(source: bytes) -> bytes:
    """The part of Bootstrap that the pages use, under its licence line."""
    css = source.decode().removeprefix('@charset "UTF-8";')
    licence, rest = css.split("*/", 1)
    note = " * Trimmed by bin/vendor.py to the rules that Strongroom's pages use.\n "
    return (licence.rstrip() + "\n" + note + "*/\n" + trim(rest) + "\n").encode()


def main() -> None:
    """Fetch each package, write its file, and record what was written."""
    record = {}
    for name, version, licence, member, target in PACKAGES:
        source = fetch(name, version, member)
        made = bootstrap_part(strip_map(source)) if name == "bootstrap" else strip_map(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(made)
        record[str(target.relative_to(ROOT))] = {
            "package": name,
            "version": version,
            "licence": licence,
            "member": member,
            "source_sha256": hashlib.sha256(source).hexdigest(),
            "sha256": hashlib.sha256(made).hexdigest(),
        }
    made = bundle(PARQUET_ENTRY, PARQUET, "hyparquet")
    (STATIC / "hyparquet.min.js").write_bytes(made)
    names = [package.rpartition("@") for package in PARQUET]
    record["static/vendor/hyparquet.min.js"] = {
        "package": ", ".join(name for name, _, _ in names),
        "version": ", ".join(version for _, _, version in names),
        "licence": "MIT",
        "member": f"PARQUET_ENTRY of bin/vendor.py, by {ESBUILD}",
        "sha256": hashlib.sha256(made).hexdigest(),
    }
    for path, (package, version, licence) in DESIGN.items():
        digest = hashlib.sha256((ROOT / path).read_bytes()).hexdigest()
        record[path] = {"package": package, "version": version, "licence": licence, "sha256": digest}
        if path.endswith(".woff2"):
            record[path]["member"] = f"by pyftsubset {FONT_OPTIONS}"
    (STATIC / "vendor.json").write_text(json.dumps(record, indent=2) + "\n")


# The styles turn ligatures and contextual forms off: without them a first visit is 37 kB lighter.
FONT_OPTIONS = "--flavor=woff2 --layout-features=kern,mark,mkmk,ccmp,locl,tnum,case,zero"
DESIGN = {
    "static/css/fonts/inter-latin.woff2": ("Inter, latin subset", "4", "OFL-1.1"),
    "static/css/fonts/jetbrains-mono-latin.woff2": ("JetBrains Mono, latin subset", "2", "OFL-1.1"),
    "static/icons.svg": ("Tabler Icons, the ones used", "3", "MIT"),
}

if __name__ == "__main__":
    main()
