"""Wheels for the machines: the locked dependencies, and Sampan itself from the working tree."""

from lab.paths import CACHE, VAGRANT
from lab.step import run, step


def build() -> None:
    with step("collecting wheels"):
        run(VAGRANT / "wheelhouse", CACHE / "wheelhouse")
    with step("building Sampan's wheel"):
        run(VAGRANT / "wheel", CACHE / "dist")
