"""Debian packages through the host's own apt: its sources, its keys, its proxy; nothing is installed on the host."""

import re
from pathlib import Path

from lab.paths import CACHE
from lab.step import run


def host_sources(codename: str) -> list[Path]:
    """The host's apt source files that speak of this release."""
    candidates = [
        Path("/etc/apt/sources.list"),
        *sorted(Path("/etc/apt/sources.list.d").glob("*.list")),
        *sorted(Path("/etc/apt/sources.list.d").glob("*.sources")),
    ]
    return [path for path in candidates if path.is_file() and codename in path.read_text()]


def codename() -> str:
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip('"')
    return "bookworm"


def fetch(packages: list[str]) -> list[Path]:
    """Download packages with all their dependencies, as if nothing were installed, and return the .deb files."""
    store = CACHE / "debs"
    (store / "partial").mkdir(parents=True, exist_ok=True)
    empty = store / "status"  # apt's list of installed packages: none
    empty.touch()
    options = [
        "-o",
        f"Dir::State::status={empty}",
        "-o",
        f"Dir::Cache::archives={store}",
        "-o",
        "APT::Install-Recommends=false",
        "-o",
        "Debug::NoLocking=true",
        "-o",
        "APT::Keep-Downloaded-Packages=true",
    ]
    run("apt-get", "install", "-q=2", "-y", "--download-only", *options, *packages)
    plan = run("apt-get", "install", "-q=2", "-y", "--simulate", *options, *packages)
    return [store / file_name(found) for found in re.finditer(PLANNED, plan, re.MULTILINE)]


# A line of --simulate: Inst NAME [OLD] (NEW RELEASES [ARCHITECTURE]) [...]
PLANNED = r"^Inst (\S+) (?:\[\S+\] )?\((\S+) .*?\[(\w+)\]\)"


def file_name(found: re.Match[str]) -> str:
    """How apt names the file of a package it downloaded."""
    name, version, architecture = found.groups()
    return f"{name}_{version.replace(':', '%3a')}_{architecture}.deb"
