"""In what OpenAPI v2 and v3 differ: where references point, how a parameter, a body and an answer are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from controlplane.apiserver.openapi.schemas import Defined

Node = dict[str, Any]
"""A piece of an OpenAPI document."""

ANSWERED = ("application/json", "application/yaml")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value in the path or the query."""

    name: str
    type: str = "string"
    place: str = "query"

    @property
    def required(self) -> Node:
        return {"required": True} if self.place == "path" else {}


class Dialect(Protocol):
    """One version of OpenAPI."""

    def ref(self, name: str) -> Node: ...

    def of(self, kind: Defined) -> Node:
        """Return the schema of a kind that is no Struct."""

    def field(self, schema: Node, notes: Mapping[str, Any]) -> Node:
        """Return a field's schema with its notes; v3 has no room beside a reference."""

    def either(self, types: Sequence[str], format_: str) -> Node:
        """Return the schema of what is text or a number; v2 knows no "or"."""

    def parameter(self, parameter: Parameter) -> Node: ...

    def with_body(self, operation: Node, schema: Node, media_types: Sequence[str], *, required: bool) -> Node: ...

    def response(self, description: str, schema: Node, media_types: Sequence[str]) -> Node: ...

    def document(self, version: str, paths: Node, definitions: Node) -> Node: ...


_TOKEN: Node = {"type": "apiKey", "description": "Bearer Token authentication", "name": "authorization", "in": "header"}


class V3:
    """OpenAPI 3.0: one document a group version."""

    def ref(self, name: str) -> Node:
        return {"$ref": f"#/components/schemas/{name}"}

    def of(self, kind: Defined) -> Node:
        return kind.v3

    def field(self, schema: Node, notes: Mapping[str, Any]) -> Node:
        return {"allOf": [schema], **notes} if notes and "$ref" in schema else {**schema, **notes}

    def either(self, types: Sequence[str], format_: str) -> Node:
        return {"oneOf": [{"type": one} for one in types], **({"format": format_} if format_ else {})}

    def parameter(self, parameter: Parameter) -> Node:
        schema = {"type": parameter.type, "uniqueItems": True}
        return {"name": parameter.name, "in": parameter.place, **parameter.required, "schema": schema}

    def with_body(self, operation: Node, schema: Node, media_types: Sequence[str], *, required: bool) -> Node:
        body: Node = {"content": {media_type: {"schema": schema} for media_type in media_types or ("*/*",)}}
        return {**operation, "requestBody": body | ({"required": True} if required else {})}

    def response(self, description: str, schema: Node, media_types: Sequence[str]) -> Node:
        return {"description": description, "content": {one: {"schema": schema} for one in media_types}}

    def document(self, version: str, paths: Node, definitions: Node) -> Node:
        components = {"schemas": definitions, "securitySchemes": {"BearerToken": _TOKEN}}
        head = {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": version}}
        return {**head, "paths": paths, "components": components}


class V2:
    """Swagger 2.0: one document for everything."""

    def ref(self, name: str) -> Node:
        return {"$ref": f"#/definitions/{name}"}

    def of(self, kind: Defined) -> Node:
        return kind.v2

    def field(self, schema: Node, notes: Mapping[str, Any]) -> Node:
        return {**schema, **{key: value for key, value in notes.items() if key != "default"}}

    def either(self, types: Sequence[str], format_: str) -> Node:
        return {"type": "string", **({"format": format_} if format_ else {})}

    def parameter(self, parameter: Parameter) -> Node:
        head = {"name": parameter.name, "in": parameter.place, **parameter.required}
        return {**head, "type": parameter.type, "uniqueItems": True}

    def with_body(self, operation: Node, schema: Node, media_types: Sequence[str], *, required: bool) -> Node:
        body = {"name": "body", "in": "body", **({"required": True} if required else {}), "schema": schema}
        parameters = [body, *operation.get("parameters", ())]
        return {**operation, "consumes": list(media_types or ("*/*",)), "parameters": parameters}

    def response(self, description: str, schema: Node, media_types: Sequence[str]) -> Node:
        return {"description": description, "schema": schema}

    def document(self, version: str, paths: Node, definitions: Node) -> Node:
        head = {"swagger": "2.0", "info": {"title": "Kubernetes", "version": version}}
        security = {"securityDefinitions": {"BearerToken": _TOKEN}, "security": [{"BearerToken": []}]}
        return {**head, "paths": paths, "definitions": definitions, **security}
