"""`PROGRAM completion bash`: a script by which a shell completes commands and flags, made from the parser itself.

    controlplane token cr<TAB>             ─► create
    controlplane apiserver --tls-<TAB>     ─► --tls-cert-file --tls-private-key-file
    controlplane apiserver --config <TAB>  ─► files, by the shell's own way

The script holds every word there is, so that a key press starts no Python.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_EPILOG = """examples:
  source <({program} completion bash)
  {program} completion bash > /etc/bash_completion.d/{program}
  # zsh: first `autoload -U compinit bashcompinit; compinit; bashcompinit`, then as above
"""


@dataclass(frozen=True, slots=True)
class Level:
    """What may follow a command: `controlplane token` has actions, `controlplane token create` has flags."""

    path: str
    words: tuple[str, ...]  # commands, or what an argument may be
    flags: tuple[str, ...]
    with_value: tuple[str, ...]  # those of the flags whose next word is theirs


def add_parser(commands: Any, program: argparse.ArgumentParser) -> None:
    """Add the command `completion`, which completes all that `program` has by the time it runs."""
    parser = commands.add_parser(
        "completion",
        help="print a script that completes commands and flags in a shell",
        description="Prints a script for bash. It completes commands, actions and flags.",
        epilog=_EPILOG.format(program=program.prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=["bash"], help="for which shell")

    def run(_: argparse.Namespace) -> int:
        print(render(program), end="")
        return 0

    parser.set_defaults(run=run)


def levels(parser: argparse.ArgumentParser, path: str) -> Iterator[Level]:
    """Yield the parser and all below it; argparse has no public way to ask for either."""
    below: dict[str, argparse.ArgumentParser] = {}
    words: list[str] = []
    flags: list[str] = []
    with_value: list[str] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            below |= action.choices
        elif not action.option_strings:
            words += map(str, action.choices or ())
        elif action.help != argparse.SUPPRESS:
            flags += action.option_strings
            with_value += action.option_strings if action.nargs is None else ()
    yield Level(path, (*below, *words), tuple(flags), tuple(with_value))
    for name, one in below.items():
        yield from levels(one, f"{path} {name}")


def render(program: argparse.ArgumentParser) -> str:
    """Return the script."""
    name = program.prog
    known = [*levels(program, name)]
    deeper = "|".join(f'"{level.path}"' for level in known[1:])
    cases = "\n".join(_case(level) for level in known)
    return f"""# {name} completion bash
_{name}() {{
    local word path={name} words= with_value= before=${{COMP_WORDS[COMP_CWORD - 1]}}
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$path $word" in
        {deeper}) path="$path $word" ;;
        esac
    done
    case $path in
{cases}
    esac
    COMPREPLY=()
    # Nothing of ours: the shell offers files.
    [[ " $with_value " == *" $before "* || $before == "=" ]] && return
    COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _{name} {name}
"""


def _case(level: Level) -> str:
    words, with_value = " ".join(level.words + level.flags), " ".join(level.with_value)
    return f'    "{level.path}") words="{words}" with_value="{with_value}" ;;'
