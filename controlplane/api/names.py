"""What may be called what: each check returns why a text is refused, in upstream's words; an empty list accepts it.

    dns1123_label("my-name") == []        dns1123_label("my.name") == ["must not contain dots"]

`without_trailing_dash` makes a `generateName`, which more characters will follow, fit for the same checks.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

Check: TypeAlias = Callable[[str], list[str]]

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = _LABEL + r"(\." + _LABEL + ")*"
_DNS1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_KEY_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_KEY_NAME})?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_PERCENT = "[0-9]+%"
_HEADER = "[-A-Za-z0-9]+"


def too_long(length: int) -> str:
    return f"must be no more than {length} bytes"


def in_range(low: int, high: int) -> str:
    return f"must be between {low} and {high}, inclusive"


def pattern(message: str, regex: str, *examples: str) -> str:
    """Return upstream's sentence about a regular expression and texts that match it."""
    if not examples:
        return f"{message} (regex used for validation is '{regex}')"
    listed = " or ".join(f"'{example}', " for example in examples)
    return f"{message} (e.g. {listed}regex used for validation is '{regex}')"


_LABEL_MESSAGE = pattern(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    "with an alphanumeric character",
    _LABEL, "my-name", "123-abc",
)  # fmt: skip
_SUBDOMAIN_MESSAGE = pattern(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character",
    _SUBDOMAIN, "example.com",
)  # fmt: skip
_DNS1035_MESSAGE = pattern(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character",
    _DNS1035, "my-name", "abc-123",
)  # fmt: skip
_KEY_MESSAGE = pattern(
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    _KEY_NAME, "MyName", "my.name", "123-abc",
)  # fmt: skip
_VALUE_MESSAGE = pattern(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character",
    _LABEL_VALUE, "MyValue", "my_value", "12345",
)  # fmt: skip
_CONFIG_KEY_MESSAGE = pattern(
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    _CONFIG_KEY, "key.name", "KEY_NAME", "key-name",
)  # fmt: skip
_PERCENT_MESSAGE = pattern(
    "a valid percent string must be a numeric string followed by an ending '%'", _PERCENT, "1%", "93%"
)
_HEADER_MESSAGE = pattern(
    "a valid HTTP header must consist of alphanumeric characters or '-'", _HEADER, "X-Header-Name"
)

_WILDCARD = r"\*\." + _SUBDOMAIN
_WILDCARD_MESSAGE = pattern(
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
    "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
    _WILDCARD, "*.example.com",
)  # fmt: skip

_is_label = re.compile(_LABEL).fullmatch
_is_subdomain = re.compile(_SUBDOMAIN).fullmatch
_is_dns1035 = re.compile(_DNS1035).fullmatch
_is_key_name = re.compile(_KEY_NAME).fullmatch
_is_label_value = re.compile(_LABEL_VALUE).fullmatch
_is_env_name = re.compile("[ -<>-~]+").fullmatch  # printable ASCII but for "="


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def dns1123_label(text: str) -> list[str]:
    problems = [too_long(63)] if _size(text) > 63 else []
    if not _is_label(text):
        problems.append("must not contain dots" if _is_subdomain(text) else _LABEL_MESSAGE)
    return problems


def dns1123_subdomain(text: str) -> list[str]:
    problems = [too_long(253)] if _size(text) > 253 else []
    if not _is_subdomain(text):
        problems.append(_SUBDOMAIN_MESSAGE)
    return problems


def wildcard_dns1123_subdomain(text: str) -> list[str]:
    """*.example.com, as an Ingress may call its host."""
    problems = [too_long(253)] if _size(text) > 253 else []
    if not re.fullmatch(_WILDCARD, text):
        problems.append(_WILDCARD_MESSAGE)
    return problems


def dns1035_label(text: str) -> list[str]:
    problems = [too_long(63)] if _size(text) > 63 else []
    if not _is_dns1035(text):
        problems.append(_DNS1035_MESSAGE)
    return problems


def path_segment(text: str) -> list[str]:
    """A name that can stand between two slashes: Roles and Bindings take all of them."""
    if text in (".", ".."):
        return [f"may not be '{text}'"]
    return [f"may not contain '{sign}'" for sign in "/%" if sign in text]


def qualified_name(text: str) -> list[str]:
    """The key of a label or annotation: `name` or `example.com/name`."""
    return [] if _is_common_key(text) else _qualified_name(text)


@lru_cache(maxsize=2048)
def _is_common_key(text: str) -> bool:
    return not _qualified_name(text)


def _qualified_name(text: str) -> list[str]:
    prefix, slash, name = text.rpartition("/")
    if "/" in prefix:
        prefixed = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [f"a valid label key {_KEY_MESSAGE} {prefixed}"]
    problems = []
    if slash:
        why = dns1123_subdomain(prefix) if prefix else ["must be non-empty"]
        problems += [f"prefix part {one}" for one in why]
    if not name:
        problems.append("name part must be non-empty")
    elif _size(name) > 63:
        problems.append(f"name part {too_long(63)}")
    if not _is_key_name(name):
        problems.append(f"name part {_KEY_MESSAGE}")
    return problems


def label_value(text: str) -> list[str]:
    problems = [too_long(63)] if _size(text) > 63 else []
    if not _is_label_value(text):
        problems.append(_VALUE_MESSAGE)
    return problems


def config_key(text: str) -> list[str]:
    """The key of a ConfigMap's or Secret's data: it becomes a file name."""
    problems = [too_long(253)] if _size(text) > 253 else []
    if not re.fullmatch(_CONFIG_KEY, text):
        problems.append(_CONFIG_KEY_MESSAGE)
    return problems + _climbing(text)


def _climbing(text: str) -> list[str]:
    if text in (".", ".."):
        return [f"must not be '{text}'"]
    return ["must not start with '..'"] if text.startswith("..") else []


def env_name(text: str) -> list[str]:
    if not text:
        return ["environment variable name must be non-empty"]
    if not _is_env_name(text):
        return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
    return []


def port_number(port: int) -> list[str]:
    return [] if 1 <= port <= 65535 else [in_range(1, 65535)]


def port_name(text: str) -> list[str]:
    """An IANA service name, as a container port or a target port may carry: RFC 6335, section 5.1."""
    problems = [too_long(15)] if _size(text) > 15 else []
    if not re.fullmatch("[-a-z0-9]+", text):
        problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", text):
        problems.append("must contain at least one letter (a-z)")
    if "--" in text:
        problems.append("must not contain consecutive hyphens")
    if text[:1] == "-" or text[-1:] == "-":
        problems.append("must not begin or end with a hyphen")
    return problems


def percent(text: str) -> list[str]:
    return [] if re.fullmatch(_PERCENT, text) else [_PERCENT_MESSAGE]


def http_header_name(text: str) -> list[str]:
    return [] if re.fullmatch(_HEADER, text) else [_HEADER_MESSAGE]


def user_id(number: int) -> list[str]:
    return [] if 0 <= number <= 2**31 - 1 else [in_range(0, 2**31 - 1)]


def ip_address(text: str) -> list[str]:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]
    return []


def cidr(text: str) -> list[str]:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        valid = False
    else:
        valid = "/" in text
    return [] if valid else ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"]


def without_trailing_dash(prefix: str) -> str:
    """Return a `generateName` in a form that the check of the finished name can judge."""
    return prefix[:-1] + "a" if len(prefix) > 1 and prefix.endswith("-") else prefix
