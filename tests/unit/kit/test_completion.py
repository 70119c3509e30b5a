"""What bash offers after a part of a command line, asked of bash itself."""

from __future__ import annotations

import argparse
import subprocess

import pytest

from controlplane.kit import completion


def a_program() -> argparse.ArgumentParser:
    program = argparse.ArgumentParser(prog="ship")
    commands = program.add_subparsers()
    sail = commands.add_parser("sail")
    sail.add_argument("--speed")
    sail.add_argument("--silent", action="store_true")
    sail.add_argument("--steam", help=argparse.SUPPRESS)
    cargo = commands.add_parser("cargo").add_subparsers()
    cargo.add_parser("load").add_argument("--weight")
    cargo.add_parser("list")
    completion.add_parser(commands, program)
    return program


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        pytest.param("ship s", ["sail"], id="a command"),
        pytest.param("ship cargo l", ["load", "list"], id="an action"),
        pytest.param("ship sail --s", ["--speed", "--silent"], id="flags, but no retired ones"),
        pytest.param("ship cargo load --", ["--help", "--weight"], id="an action's flags"),
        pytest.param("ship sail --silent --sp", ["--speed"], id="after a switch"),
        pytest.param("ship sail --speed s", [], id="a flag's value is not ours to say"),
        pytest.param("ship sail --speed = s", [], id="nor after an equals sign"),
        pytest.param("ship completion ", ["bash", "-h", "--help"], id="what an argument may be"),
    ],
)
def test_offers(typed: str, offered: list[str]) -> None:
    words = typed.split(" ")
    script = f"""{completion.render(a_program())}
COMP_WORDS=({" ".join(f'"{word}"' for word in words)}) COMP_CWORD={len(words) - 1}
_ship
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == offered
