"""The settings of a program: one table gives its flags, its defaults and its commented file.

    default  <  /etc/sampan/<program>.yaml  <  command line

Names are upstream's flags, in the file too, so that what is known about a flag elsewhere holds here.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from controlplane.kit.durations import parse_duration
from controlplane.kit.explained import Explained

Value: TypeAlias = "str | int | float | bool | list[str]"
"""What a setting may be; its default says which of these. Durations are texts such as 1h30m, lists come by comma."""


class SettingsError(Explained):
    """A setting cannot be used; the message names the file or flag."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting."""

    name: str
    default: Value
    note: str
    whole: bool = False  # a list whose items have commas of their own: one a flag


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a program."""

    program: str
    table: tuple[Setting, ...]
    # Flags that upstream has retired or that mean nothing here, with what to know: units written long ago still start.
    retired: Mapping[str, str] = field(default_factory=dict)

    @property
    def defaults(self) -> dict[str, Value]:
        return {setting.name: setting.default for setting in self.table}

    def add_flags(self, parser: argparse.ArgumentParser) -> None:
        """Add --config and a flag for every setting; one that is not given stays None."""
        parser.add_argument("--config", metavar="FILE", default="", help="settings as YAML; flags win over them")
        for setting in self.table:
            default = ",".join(setting.default) if isinstance(setting.default, list) else setting.default
            shown = (
                f" (default: {str(default).lower() if isinstance(default, bool) else default})" if default != "" else ""
            )
            parser.add_argument(
                f"--{setting.name}",
                dest=setting.name,
                metavar=_metavar(setting.default),
                nargs="?" if isinstance(setting.default, bool) else None,
                const="true" if isinstance(setting.default, bool) else None,
                # A list may be given by comma or by repeating its flag.
                action="append" if isinstance(setting.default, list) else "store",
                help=(setting.note + shown).replace("%", "%%"),
            )
        for name in self.retired:
            parser.add_argument(f"--{name}", dest=name, nargs="?", const="true", help=argparse.SUPPRESS)

    def resolve(self, options: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
        """Return every setting's value, and warnings about retired flags. Raises SettingsError."""
        values: dict[str, Any] = dict(self.defaults)
        retired: set[str] = set()
        if options.config:
            document = _read(Path(options.config))
            values |= self._values(document, Path(options.config))
            retired |= document.keys() & self.retired.keys()
        for setting in self.table:
            given = getattr(options, setting.name, None)
            if isinstance(given, list) and not setting.whole:
                given = ",".join(given)
            if given is not None:
                values[setting.name] = convert(given, setting.default, f"--{setting.name}")
        retired |= {name for name in self.retired if getattr(options, name, None) is not None}
        return values, [f"--{name} has no effect: {why}" for name, why in self.retired.items() if name in retired]

    def load(self, path: Path) -> dict[str, Value]:
        """Return what a file sets. Raises SettingsError."""
        return self._values(_read(path), path)

    def _values(self, document: Mapping[str, Any], path: Path) -> dict[str, Value]:
        known = {setting.name: setting for setting in self.table}
        values: dict[str, Value] = {}
        for name, value in document.items():
            if name in self.retired:
                continue
            if name not in known:
                raise SettingsError(f'{path}: there is no setting "{name}"')
            values[name] = convert(value, known[name].default, f"{path}: {name}")
        return values

    def render(self, values: Mapping[str, Value]) -> str:
        """Return the file, with every setting, what it means, and its default where it has another value."""
        lines = [
            f"# Settings of {self.program}. Names are upstream's flags; a flag on the command line wins.",
            f"# After a change: systemctl restart {self.program}",
        ]
        for setting in self.table:
            value = values.get(setting.name, setting.default)
            default = "" if value == setting.default else f" (default: {_yaml(setting.default)})"
            lines += ["", f"# {setting.note}{default}", f"{setting.name}: {_yaml(value)}"]
        return "\n".join(lines) + "\n"


def _read(path: Path) -> dict[str, Any]:
    try:
        loaded = yaml.safe_load(path.read_text()) or {}
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not YAML: {error}") from error
    if not isinstance(loaded, dict):
        raise SettingsError(f"{path}: expected settings, one a line")
    return loaded


def convert(given: Any, default: Value, where: str) -> Value:
    """Return a value of the default's type. Raises SettingsError."""
    try:
        if isinstance(default, bool):
            return _boolean(given)
        if isinstance(default, int):
            return int(str(given))
        if isinstance(default, float):
            return float(given)
        if isinstance(default, list):
            return [str(one) for one in given] if isinstance(given, list) else comma_separated(str(given))
        return "" if given is None else str(given)
    except (ValueError, TypeError):
        raise SettingsError(f"{where}: {given!r} is not {_WORDS[_metavar(default)]}") from None


def _boolean(given: Any) -> bool:
    text = str(given).lower()
    if text not in ("true", "false"):
        raise ValueError(given)
    return text == "true"


def comma_separated(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _metavar(default: Value) -> str:
    names: Sequence[tuple[type, str]] = ((bool, "TRUE|FALSE"), (int, "NUMBER"), (float, "NUMBER"), (list, "A,B"))
    return next((name for type_, name in names if isinstance(default, type_)), "TEXT")


_WORDS = {"TRUE|FALSE": "true or false", "NUMBER": "a number", "A,B": "a list", "TEXT": "text"}


def _yaml(value: Value) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=1 << 20).removesuffix("...\n").strip()


def read_file(name: str, file: str | Path) -> bytes:
    """Return what a file holds that a setting names. Raises SettingsError."""
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise SettingsError(f"--{name}: cannot read {file}: {error.strerror}") from error


def if_there(file: str) -> Path | None:
    """Return a file that is named and exists: an older cluster has no front proxy, and goes on without."""
    return Path(file) if file and Path(file).exists() else None


def port(values: Mapping[str, Any]) -> int:
    """Return where to listen; 0 is any free port. Raises SettingsError."""
    number: int = values["secure-port"]
    if not 0 <= number <= 65535:  # the event loop would take it modulo 65,536
        raise SettingsError(f"--secure-port: {number} is not between 0 and 65535")
    return number


def networks(values: Mapping[str, Any], name: str) -> list[str]:
    """Return the networks of a setting such as cluster-cidr. Raises SettingsError."""
    from ipaddress import ip_network

    try:
        return [str(ip_network(cidr)) for cidr in values[name]]
    except ValueError as error:
        raise SettingsError(f"--{name}: {error}") from error


def seconds(text: str) -> float:
    """Return the seconds of a duration as Go writes it: 1h30m, 40s, 500ms; "0" is none. Raises SettingsError."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise SettingsError(str(error)) from error


def duration(values: Mapping[str, Any], name: str) -> float:
    """Return the seconds of a setting that is a duration. Raises SettingsError."""
    try:
        return parse_duration(values[name])
    except ValueError as error:
        raise SettingsError(f"--{name}: {error}") from error
