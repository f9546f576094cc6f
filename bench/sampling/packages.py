"""Where the interpreters and the peers come from.

Peers live in an environment of their own per Python, ``target/venvs-bench``. Two things come from the
Debian testing tree, if ``tools/debian_testing.sh`` has made it: CPython 3.15 with its own profiler, and
a C library that is new enough for austin's wheel. Nothing here is downloaded but by pip.
"""

from __future__ import annotations

import functools
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from measure import NotMeasured
from targets import ROOT, interpreters

REQUIREMENTS = Path(__file__).parents[1] / "requirements-peers.txt"
LOADER = "lib64/ld-linux-x86-64.so.2"
LIBRARIES = "lib/x86_64-linux-gnu"


def interpreter(version: str) -> str:
    try:
        return interpreters()[version]
    except KeyError:
        raise NotMeasured(f"no Python {version} was found (tools/pythons.sh)") from None


def testing_tree() -> Path | None:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    tree = Path(cache, "pyrometer", "debian-testing")
    return tree if (tree / LOADER).exists() else None


@dataclass(frozen=True)
class Environment:
    """One Python with the peers' packages, and why a package is not in it."""

    version: str
    folder: Path
    missing: dict[str, str]

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    def tool(self, name: str) -> Path:
        return self.folder / "bin" / name

    def need(self, package: str) -> None:
        if package in self.missing:
            raise NotMeasured(self.missing[package])

    @functools.cached_property
    def austin(self) -> list[str | Path]:
        """The words that start austin; under another C library where this system's is too old."""
        self.need("austin-dist")
        tree = testing_tree()
        ways = [[self.tool("austin")]]
        if tree:
            ways.append([tree / LOADER, "--library-path", tree / LIBRARIES, self.tool("austin")])
        for way in ways:
            tried = subprocess.run([*way, "--version"], capture_output=True, text=True, check=False)
            if tried.returncode == 0:
                return way
        raise NotMeasured(
            "austin does not start: its wheel needs glibc 2.38 (tools/debian_testing.sh has it)"
        )


def environment(version: str) -> Environment:
    """The peers' environment of a Python, made or completed if need be."""
    folder = ROOT / "target" / "venvs-bench" / version
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([interpreter(version), "-m", "venv", folder], check=True)
    lines = (line.partition("#")[0].strip() for line in REQUIREMENTS.read_text().splitlines())
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:"]
    missing = {}
    for requirement in filter(None, lines):
        name, _, wanted = requirement.partition("==")
        if installed(folder, name, wanted):
            continue
        done = subprocess.run(
            [*pip, "--retries", "1", requirement], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or ["pip failed"]
            missing[name] = f"{requirement} cannot be installed: {said[-1]}"
    return Environment(version, folder, missing)


def installed(folder: Path, name: str, version: str) -> bool:
    file_name = name.replace("-", "_")
    return any(folder.glob(f"lib/python*/site-packages/{file_name}-{version}.dist-info"))
