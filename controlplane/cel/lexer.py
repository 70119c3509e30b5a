"""From text to tokens, by the grammar of the CEL specification."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from controlplane.cel.errors import CompileError, Issue
from controlplane.cel.values import INT_MAX, INT_MIN, UINT_MAX, UInt

_TOKEN = re.compile(
    r"""(?P<space>[\ \t\r\n\f]+|//[^\n]*)
    |(?P<raw>(?:[rR][bB]?|[bB][rR])(?:"{3}(?s:.*?)"{3}|'{3}(?s:.*?)'{3}|"[^"\n\r]*"|'[^'\n\r]*'))
    |(?P<string>[bB]?(?:"{3}(?s:(?:[^\\]|\\.)*?)"{3}|'{3}(?s:(?:[^\\]|\\.)*?)'{3}
        |"(?:[^"\\\n\r]|\\.)*"|'(?:[^'\\\n\r]|\\.)*'))
    |(?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<integer>(?:0x[0-9a-fA-F]+|\d+)[uU]?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<quoted>`[A-Za-z0-9_.\-/\ ]+`)
    |(?P<operator>==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,()\[\]{}])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\'\"`?])|x([0-9a-fA-F]{2})|X([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.?))",
    re.DOTALL,
)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is literal, name, quoted, operator or end; a literal has its `value`."""

    kind: str
    text: str
    offset: int
    value: Any = None


def tokenize(source: str) -> list[Token]:
    """Return the tokens, the last of kind "end". Raises CompileError."""
    tokens: list[Token] = []
    position = 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None:
            raise _error(source, position, f"Syntax error: token recognition error at: '{source[position]}'")
        kind, text = match.lastgroup or "", match.group()
        if kind != "space":
            tokens.append(_token(source, kind, text, position))
        position = match.end()
    tokens.append(Token("end", "<EOF>", len(source)))
    return tokens


def _token(source: str, kind: str, text: str, position: int) -> Token:
    if kind in ("raw", "string"):
        return Token("literal", text, position, _string(source, text, position))
    if kind == "float":
        return Token("literal", text, position, float(text))
    if kind == "integer":
        return Token("literal", text, position, _integer(source, text, position))
    return Token(kind, text, position)


def _integer(source: str, text: str, position: int) -> int:
    digits = text.rstrip("uU")
    number = int(digits, 16 if digits.startswith("0x") else 10)
    if digits != text:
        if number > UINT_MAX:
            raise _error(source, position, "invalid uint literal")
        return UInt(number)
    if number > INT_MAX + 1:  # one more than fits is what the smallest number is written with
        raise _error(source, position, "invalid int literal")
    return number


def negated(number: int | float) -> int | float:
    """Return a literal with a minus before it."""
    return max(-number, INT_MIN) if isinstance(number, int) else -number


def _string(source: str, text: str, position: int) -> str | bytes:
    quote = min(at for at in (text.find('"'), text.find("'")) if at >= 0)
    prefix, body = text[:quote].lower(), text[quote:]
    width = 3 if len(body) >= 6 and body[:3] == body[0] * 3 else 1
    body = body[width:-width]
    as_bytes = "b" in prefix
    if "r" in prefix:
        return body.encode() if as_bytes else body
    last, parts = 0, list[Any]()
    for match in _ESCAPE.finditer(body):
        parts.append(_encoded(body[last : match.start()], as_bytes))
        parts.append(_unescaped(source, match, as_bytes, position))
        last = match.end()
    parts.append(_encoded(body[last:], as_bytes))
    return b"".join(parts) if as_bytes else "".join(parts)


def _encoded(text: str, as_bytes: bool) -> str | bytes:
    return text.encode() if as_bytes else text


def _unescaped(source: str, match: re.Match[str], as_bytes: bool, position: int) -> str | bytes:
    simple, small_x, large_x, short, long, octal, wrong = match.groups()
    if wrong is not None or (as_bytes and (short or long)):
        raise _error(source, position, "Syntax error: token recognition error at: unable to unescape string")
    if simple:
        return _encoded(_SIMPLE.get(simple, simple), as_bytes)
    code = int(small_x or large_x or short or long or octal, 8 if octal else 16)
    if as_bytes:
        return bytes([code])
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise _error(source, position, "Syntax error: token recognition error at: invalid unicode code point")
    return chr(code)


def _error(source: str, position: int, message: str) -> CompileError:
    return CompileError(source, [Issue(position, message)])
