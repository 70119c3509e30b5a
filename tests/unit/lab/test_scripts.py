"""Shell scripts: shellcheck has nothing to say about any of them."""

import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
FOLDERS = [
    PROJECT / ".ci",
    PROJECT / "vagrant",
    PROJECT / "vagrant" / "images",
    PROJECT / "vagrant" / "lab",
    PROJECT / "vagrant" / "provision",
]


def is_script(path: Path) -> bool:
    if not path.is_file():
        return False
    return path.suffix == ".sh" or path.read_bytes()[:64].splitlines()[:1] in ([b"#!/bin/sh"], [b"#!/bin/bash"])


SCRIPTS = sorted(path for folder in FOLDERS for path in folder.iterdir() if is_script(path))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_shellcheck(script: Path) -> None:
    done = subprocess.run(["shellcheck", "-x", str(script)], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
