"""Configuration files of the API server: YAML or JSON of a kind, in which a field that nobody knows is an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec
import yaml

T = TypeVar("T", bound=msgspec.Struct)


class ConfigurationError(ValueError):
    """The file cannot be used; the text says where and why."""


def decode_configuration(
    text: bytes, type_: type[T], versions: Sequence[str], *, kind: str | Sequence[str] | None = None
) -> T:
    """Return what a file says; its group version is one of `versions`, its kind `kind` or the name of `type_`.

    Raises ConfigurationError.
    """
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"it is not YAML: {error}") from error
    if not isinstance(document, dict):
        raise ConfigurationError("it is not a configuration")
    kinds = (type_.__name__,) if kind is None else (kind,) if isinstance(kind, str) else kind
    version, found = document.pop("apiVersion", ""), document.pop("kind", "")
    if found not in kinds or version not in versions:
        raise ConfigurationError(f'no kind "{found}" is registered for version "{version}"')
    try:
        return msgspec.convert(document, type_)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"strict decoding error: {error}") from error


def aggregate(problems: Sequence[str]) -> str:
    """Return problems as Go's aggregate error writes them, each once."""
    unique = list(dict.fromkeys(problems))
    return unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]" if unique else ""
