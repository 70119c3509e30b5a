"""The v2 document as protobuf: the only form in which client-go reads /openapi/v2.

The messages are those of gnostic's openapiv2/OpenAPIv2.proto; only the fields our documents have are known here, and
extension servers leave some of them out. Maps are lists of (name, value), and what has no field of its own
(x-kubernetes-…) travels as YAML text, which JSON is too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from controlplane.apiserver.openapi.dialect import Node

MEDIA_TYPES = (
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",  # what client-go says, though @ may not stand there
)


def encode_v2(document: Node) -> bytes:
    """Return a v2 document as an openapi.v2.Document."""
    schemes = ((name, _message(2, _api_key(one))) for name, one in document["securityDefinitions"].items())
    return b"".join((
        _text(1, document["swagger"]),
        _message(2, _text(1, document["info"]["title"]) + _text(2, document["info"]["version"])),
        encode_parts(document),
        *(_message(12, _named(1, ((name, b"") for name in one))) for one in document["security"]),
        _message(13, _named(1, schemes)),
    ))  # fmt: skip


def encode_parts(document: Node) -> bytes:
    """Return the paths and definitions of a document; they may follow those of another."""
    paths = ((name, _path_item(item)) for name, item in document["paths"].items())
    definitions = ((name, _schema(schema)) for name, schema in document["definitions"].items())
    return _message(8, _named(2, paths)) + _message(9, _named(1, definitions))


def _path_item(item: Node) -> bytes:
    numbers = {"get": 2, "put": 3, "post": 4, "delete": 5, "patch": 8}
    operations = (_message(number, _operation(item[method])) for method, number in numbers.items() if method in item)
    return b"".join((*operations, *_parameters(9, item.get("parameters", ()))))


def _operation(node: Node) -> bytes:
    responses = ((code, _message(1, _response(response))) for code, response in node["responses"].items())
    return b"".join((
        *(_text(1, tag) for tag in node.get("tags", ())),
        _text(5, node.get("operationId", "")),
        *(_text(7, media_type) for media_type in node.get("consumes", ())),
        *_parameters(8, node.get("parameters", ())),
        _message(9, _named(1, responses)),
        _extensions(13, node),
    ))  # fmt: skip


def _parameters(number: int, parameters: Iterable[Node]) -> Iterable[bytes]:
    """Yield ParametersItem { parameter = 1 } of Parameter { body_parameter = 1, non_body_parameter = 2 }."""
    for one in parameters:
        parameter = _message(1, _body(one)) if one["in"] == "body" else _message(2, _value(one))
        yield _message(number, _message(1, parameter))


def _body(node: Node) -> bytes:
    head = _text(2, node["name"]) + _text(3, node["in"]) + _flag(4, node.get("required", False))
    return head + _message(5, _schema(node["schema"]))


def _value(node: Node) -> bytes:
    """Return a NonBodyParameter; where it stands decides over the numbers of its last fields."""
    head = _flag(1, node.get("required", False)) + _text(2, node["in"]) + _text(4, node["name"])
    if node["in"] == "path":
        return _message(4, head + _text(5, node["type"]) + _flag(19, node.get("uniqueItems", False)))
    return _message(3, head + _text(6, node["type"]) + _flag(20, node.get("uniqueItems", False)))


def _response(node: Node) -> bytes:
    schema = _message(2, _message(1, _schema(node["schema"]))) if "schema" in node else b""
    return _text(1, node["description"]) + schema


def _schema(node: Node) -> bytes:
    texts = {"$ref": 1, "format": 2, "description": 4}
    parts = [_text(number, node[key]) for key, number in texts.items() if key in node]
    parts += [_text(19, name) for name in node.get("required", ())]
    if "additionalProperties" in node:
        parts.append(_message(21, _additional(node["additionalProperties"])))
    if "type" in node:
        parts.append(_message(22, _text(1, node["type"])))
    if "items" in node:
        parts.append(_message(23, _message(1, _schema(node["items"]))))
    if "properties" in node:
        properties = ((name, _schema(schema)) for name, schema in node["properties"].items())
        parts.append(_message(25, _named(1, properties)))
    return b"".join(parts) + _extensions(31, node)


def _additional(node: Node | bool) -> bytes:
    """Return AdditionalPropertiesItem { oneof { schema = 1, boolean = 2 } }."""
    return _varint(2 << 3) + (b"\x01" if node else b"\x00") if isinstance(node, bool) else _message(1, _schema(node))


def _api_key(node: Node) -> bytes:
    return _text(1, node["type"]) + _text(2, node["name"]) + _text(3, node["in"]) + _text(4, node["description"])


def _extensions(number: int, node: Mapping[str, Any]) -> bytes:
    texts = ((key, msgspec.json.encode(value).decode()) for key, value in node.items() if key.startswith("x-"))
    return _named(number, ((key, _text(2, text + "\n")) for key, text in texts))


def _named(number: int, items: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a map as gnostic has it: messages { name = 1, value = 2 }."""
    return b"".join(_message(number, _text(1, name) + _message(2, value)) for name, value in items)


def _message(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _text(number: int, text: str) -> bytes:
    return _message(number, text.encode())


def _flag(number: int, value: bool) -> bytes:
    return _varint(number << 3) + b"\x01" if value else b""


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
