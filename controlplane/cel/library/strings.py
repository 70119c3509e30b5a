"""Text: the strings extension of cel-go, version 2, which is what Kubernetes offers."""

from __future__ import annotations

from controlplane.cel import costs, types
from controlplane.cel.errors import EvaluationError
from controlplane.cel.functions import Functions, function, method
from controlplane.cel.library.text_format import render
from controlplane.cel.types import DYN, INT, STRING

_WORDS = types.list_of(STRING)


def add_to(functions: Functions) -> None:
    add = functions.add
    add("charAt", method(STRING, INT, gives=STRING), _char_at)
    add("indexOf", method(STRING, STRING, gives=INT), _index_of, costs.of_product)
    add("indexOf", method(STRING, STRING, INT, gives=INT), _index_of, costs.of_product)
    add("lastIndexOf", method(STRING, STRING, gives=INT), _last_index_of, costs.of_product)
    add("lastIndexOf", method(STRING, STRING, INT, gives=INT), _last_index_of, costs.of_product)
    add("join", method(_WORDS, gives=STRING), lambda words: _join(words), costs.of_first)
    add("join", method(_WORDS, STRING, gives=STRING), lambda words, between: _join(words, between), costs.of_first)
    add("lowerAscii", method(STRING, gives=STRING), lambda text: _ascii(text, str.lower), costs.of_first)
    add("upperAscii", method(STRING, gives=STRING), lambda text: _ascii(text, str.upper), costs.of_first)
    add(
        "replace",
        method(STRING, STRING, STRING, gives=STRING),
        lambda text, old, new: text.replace(old, new),
        costs.of_product,
    )
    add("replace", method(STRING, STRING, STRING, INT, gives=STRING), str.replace, costs.of_product)
    add("split", method(STRING, STRING, gives=_WORDS), _split, costs.of_first)
    add("split", method(STRING, STRING, INT, gives=_WORDS), _split, costs.of_first)
    add("substring", method(STRING, INT, gives=STRING), _substring, costs.of_first)
    add("substring", method(STRING, INT, INT, gives=STRING), _substring, costs.of_first)
    add("trim", method(STRING, gives=STRING), str.strip, costs.of_first)
    add("format", method(STRING, types.list_of(DYN), gives=STRING), render, costs.of_first)
    add("strings.quote", function(STRING, gives=STRING), _quote, costs.of_first)


def _char_at(text: str, index: int) -> str:
    if not 0 <= index <= len(text):
        raise EvaluationError(f"index out of range: {index}")
    return text[index : index + 1]


def _index_of(text: str, part: str, start: int = 0) -> int:
    if not part:
        return start
    if not 0 <= start <= len(text):
        raise EvaluationError(f"index out of range: {start}")
    return text.find(part, start)


def _last_index_of(text: str, part: str, latest: int | None = None) -> int:
    if latest is None:
        return text.rfind(part)
    if not part:
        return latest
    if not 0 <= latest <= len(text):
        raise EvaluationError(f"index out of range: {latest}")
    return text.rfind(part, 0, latest + len(part))


def _join(words: list[str], between: str = "") -> str:
    if any(type(word) is not str for word in words):
        raise EvaluationError("no such overload")
    return between.join(words)


def _ascii(text: str, change: type[str] | object) -> str:
    lower = change is str.lower
    return "".join((one.lower() if lower else one.upper()) if one.isascii() else one for one in text)


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if limit == 1:
        return [text]
    if separator:
        return text.split(separator, limit - 1 if limit > 0 else -1)
    if limit < 0 or limit >= len(text):
        return list(text)
    return [*text[: limit - 1], text[limit - 1 :]]


def _substring(text: str, start: int, end: int | None = None) -> str:
    end = len(text) if end is None else end
    if not 0 <= start <= len(text):
        raise EvaluationError(f"index out of range: {start}")
    if not 0 <= end <= len(text):
        raise EvaluationError(f"index out of range: {end}")
    if start > end:
        raise EvaluationError(f"invalid substring range. start: {start}, end: {end}")
    return text[start:end]


_QUOTED = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\",
           '"': '\\"'}  # fmt: skip


def _quote(text: str) -> str:
    return f'"{"".join(_QUOTED.get(one, one) for one in text)}"'
