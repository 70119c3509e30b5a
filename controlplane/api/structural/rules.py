"""Which schemas a definition may have: JSON schemas that are structural, whose defaults are valid.

Structural (KEP-1101) means: every place that a value can have is named, with its type, outside of allOf, anyOf, oneOf
and not, which may only restrict values further.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from controlplane.api.status import FieldError
from controlplane.api.structural.defaults import copied
from controlplane.api.structural.lists import duplicates
from controlplane.api.structural.patterns import PatternError, compile_pattern
from controlplane.api.structural.pruning import prune_value
from controlplane.api.structural.schema import JsonSchema, Node, compile_schema
from controlplane.api.structural.values import validate
from controlplane.api.validation.errors import duplicate, forbidden, invalid, not_supported, required

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_SCALARS = frozenset({"string", "boolean", "integer"})
_META = frozenset({"apiVersion", "kind", "metadata"})
_REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_COMBINATIONS = ("allOf", "anyOf", "oneOf")
_EITHER: list[dict[str, str]] = [{"type": "integer"}, {"type": "string"}]
_PRESERVES, _EMBEDDED = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"
_INT_OR_STRING, _RULES = "x-kubernetes-int-or-string", "x-kubernetes-validations"
_LIST_TYPE, _LIST_KEYS, _MAP_TYPE = "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type"
_MOST_SELECTABLE = 8

# At the root beside a status subresource, whose schema is taken out of this one: upstream's list, under its own names.
_AT_ROOT = {
    "description": "Description", "type": "Type", "format": "Format", "title": "Title", "maximum": "Maximum",
    "exclusiveMaximum": "ExclusiveMaximum", "minimum": "Minimum", "exclusiveMinimum": "ExclusiveMinimum",
    "maxLength": "MaxLength", "minLength": "MinLength", "pattern": "Pattern", "maxItems": "MaxItems",
    "minItems": "MinItems", "uniqueItems": "UniqueItems", "multipleOf": "MultipleOf", "required": "Required",
    "items": "Items", "properties": "Properties", "externalDocs": "ExternalDocs", "example": "Example",
    _PRESERVES: "XPreserveUnknownFields", _RULES: "XValidations",
}  # fmt: skip


def schema_mistakes(raw: JsonSchema, path: str, *, has_status: bool) -> list[FieldError]:
    """Return what is wrong with the schema of a version, `path` being where it is."""
    errors = list(_at_root(raw, path, has_status))
    structural = [*_invariants(raw, path, "root"), *_completeness(raw, raw, path, path)]
    errors += sorted(structural, key=lambda one: one.text)
    if not structural:
        errors += _of_defaults(compile_schema(raw), raw, path, "")
    return errors + list(_of_schema(raw, path, _Where(root=True)))


def _at_root(raw: JsonSchema, path: str, has_status: bool) -> Iterator[FieldError]:
    if has_status:
        if (type_ := raw.get("type") or "") != "object":
            why = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
            yield invalid(f"{path}.type", type_, why)
        elif any(name not in _AT_ROOT for name, value in raw.items() if value or value == 0):
            allowed = f"[{' '.join(_AT_ROOT.values())}]"
            why = f"only {allowed} fields are allowed at the root of the schema if the status subresource is enabled"
            yield invalid(path, raw, why)
    if raw.get("nullable"):
        yield forbidden(f"{path}.nullable", "nullable cannot be true at the root")


# --- structural


def _invariants(raw: JsonSchema, path: str, level: str) -> Iterator[FieldError]:
    type_, items, additional = raw.get("type") or "", raw.get("items"), raw.get("additionalProperties")
    if type_ == "array" and not isinstance(items, Mapping):
        yield required(f"{path}.items", "must be specified")
    if isinstance(items, Mapping):
        yield from _invariants(items, f"{path}.items", "item")
    for name, one in (raw.get("properties") or {}).items():
        yield from _invariants(one, f"{path}.properties[{name}]", "field")
    if additional is not None and level == "root":
        yield forbidden(f"{path}.additionalProperties", "must not be used at the root")
    if isinstance(additional, Mapping):
        yield from _invariants(additional, f"{path}.additionalProperties", "field")
    yield from _extensions(raw, path)
    yield from _value_rules(raw, path, either=_is_either(raw), first_either=_begins_with_either(raw))
    yield from _typed(raw, path, level)
    if level == "root" or raw.get(_EMBEDDED):
        for name in ("kind", "apiVersion"):
            one = (raw.get("properties") or {}).get(name)
            if one is not None and one.get("type") != "string":
                yield invalid(f"{path}.properties[{name}].type", one.get("type") or "", "must be string")
    yield from _of_metadata(raw, path, level)


def _extensions(raw: JsonSchema, path: str) -> Iterator[FieldError]:
    if raw.get(_INT_OR_STRING):
        for name in (_PRESERVES, _EMBEDDED):
            if raw.get(name):
                yield invalid(f"{path}.{name}", True, f"must be false if {_INT_OR_STRING} is true")


def _typed(raw: JsonSchema, path: str, level: str) -> Iterator[FieldError]:
    type_, embedded = raw.get("type") or "", raw.get(_EMBEDDED)
    if embedded and type_ != "object":
        why = f"must be object if {_EMBEDDED} is true"
        yield invalid(f"{path}.type", type_, why) if type_ else required(f"{path}.type", why)
    elif not type_ and not raw.get(_INT_OR_STRING) and not raw.get(_PRESERVES):
        where = {"root": "at the root", "item": "for specified array items", "field": "for specified object fields"}
        yield required(f"{path}.type", f"must not be empty {where[level]}")
    if embedded and raw.get("additionalProperties") is not None:
        yield forbidden(f"{path}.additionalProperties", f"must not be used if {_EMBEDDED} is set")
    if level == "root" and type_ and type_ != "object":
        yield invalid(f"{path}.type", type_, "must be object at the root")
    if embedded and not raw.get(_PRESERVES) and not raw.get("properties"):
        yield required(f"{path}.properties", f"must not be empty if {_EMBEDDED} is true without {_PRESERVES}")


def _of_metadata(raw: JsonSchema, path: str, level: str) -> Iterator[FieldError]:
    metadata = (raw.get("properties") or {}).get("metadata")
    if metadata is None or not (level == "root" or raw.get(_EMBEDDED)):
        return
    here = f"{path}.properties[metadata]"
    if metadata.get("type") != "object":
        yield invalid(f"{here}.type", metadata.get("type") or "", "must be object")
    if level == "root":
        more = {name for name, value in metadata.items() if value} - {"type", "properties", "default"}
        if more or set(metadata.get("properties") or ()) - {"name", "generateName"}:
            why = "must not specify anything other than name and generateName, but metadata is implicitly specified"
            yield forbidden(here, why)


def _is_either(raw: JsonSchema) -> bool:
    return raw.get("anyOf") == _EITHER


def _begins_with_either(raw: JsonSchema) -> bool:
    return bool(raw.get("allOf")) and _is_either(raw["allOf"][0])


def _value_rules(
    raw: JsonSchema, path: str, *, either: bool = False, first_either: bool = False
) -> Iterator[FieldError]:
    """Look at what restricts values, leaving out the two ways to say that a number or text is meant."""
    for key in _COMBINATIONS:
        if key == "anyOf" and either:
            continue
        for index, one in enumerate(raw.get(key) or ()):
            first = key == "allOf" and index == 0 and first_either
            yield from _nested(one, f"{path}.{key}[{index}]", either=first)
    if raw.get("not") is not None:
        yield from _nested(raw["not"], f"{path}.not")
    if pattern := raw.get("pattern"):
        try:
            compile_pattern(pattern)
        except PatternError as error:
            yield invalid(f"{path}.pattern", pattern, f"must be a valid regular expression, but isn't: {error}")


_EMPTY_WORDS = {
    "type": "must be empty to be structural", "additionalProperties": "must be undefined to be structural",
    "default": "must be undefined to be structural", "title": "must be empty to be structural",
    "description": "must be empty to be structural", "nullable": "must be false to be structural",
    _PRESERVES: "must be false to be structural", _EMBEDDED: "must be false to be structural",
    _INT_OR_STRING: "must be false to be structural", _LIST_KEYS: "must be empty to be structural",
    _LIST_TYPE: "must be undefined to be structural", _MAP_TYPE: "must be undefined to be structural",
    _RULES: "must be empty to be structural",
}  # fmt: skip


def _nested(raw: JsonSchema, path: str, *, either: bool = False) -> Iterator[FieldError]:
    yield from _value_rules(raw, path, either=either)
    if isinstance(raw.get("items"), Mapping):
        yield from _nested(raw["items"], f"{path}.items")
    for name, one in (raw.get("properties") or {}).items():
        yield from _nested(one, f"{path}.properties[{name}]")
    for name, why in _EMPTY_WORDS.items():
        value = raw.get(name)
        if value or (value is not None and "undefined" in why):
            yield forbidden(f"{path}.{name}", why)
    if "metadata" in (raw.get("properties") or {}):
        yield forbidden(f"{path}.properties[metadata]", "must not be specified in a nested context")


def _completeness(raw: JsonSchema, outside: JsonSchema | None, path: str, outside_path: str) -> Iterator[FieldError]:
    """Look for places that are only named in a combination: `raw` is in one, or is `outside` itself."""
    for key in _COMBINATIONS:
        for index, one in enumerate(raw.get(key) or ()):
            yield from _named_outside(one, outside, f"{path}.{key}[{index}]", outside_path)
    if raw.get("not") is not None:
        yield from _named_outside(raw["not"], outside, f"{path}.not", outside_path)
    if raw is not outside:
        return
    if isinstance(raw.get("items"), Mapping):
        yield from _completeness(raw["items"], raw["items"], f"{path}.items", f"{path}.items")
    for name, one in (raw.get("properties") or {}).items():
        here = f"{path}.properties[{name}]"
        yield from _completeness(one, one, here, here)
    if isinstance(raw.get("additionalProperties"), Mapping):
        here = f"{path}.additionalProperties"
        yield from _completeness(raw["additionalProperties"], raw["additionalProperties"], here, here)


def _named_outside(
    nested: JsonSchema, outside: JsonSchema | None, path: str, outside_path: str
) -> Iterator[FieldError]:
    if outside is None:
        yield required(outside_path, f"because it is defined in {path}")
        return
    yield from _completeness(nested, outside, path, outside_path)
    if isinstance(nested.get("items"), Mapping):
        items = outside.get("items")
        below = items if isinstance(items, Mapping) else None
        yield from _named_outside(nested["items"], below, f"{path}.items", f"{outside_path}.items")
    for name, one in (nested.get("properties") or {}).items():
        below = (outside.get("properties") or {}).get(name)
        yield from _named_outside(one, below, f"{path}.properties[{name}]", f"{outside_path}.properties[{name}]")


# --- defaults


def _of_defaults(node: Node, raw: JsonSchema, path: str, inside: str) -> Iterator[FieldError]:
    """A default has no field that the schema does not know, and is itself valid."""
    if node.default is not None:
        default = copied(node.default)
        if unknown := prune_value(default, node):
            yield invalid(f"{path}.default", node.default, f"must not have unknown fields: {', '.join(unknown)}")
        else:
            yield from validate(node.default, node, f"{path}.default")
            yield from duplicates(node.default, node, f"{path}.default")
    for name, one in node.properties.items():
        yield from _of_defaults(one, one.raw, f"{path}.properties[{name}]", inside)
    if isinstance(node.additional, Node):
        yield from _of_defaults(node.additional, node.additional.raw, f"{path}.additionalProperties", inside)
    if node.items is not None:
        yield from _of_defaults(node.items, node.items.raw, f"{path}.items", inside)


# --- what OpenAPI allows and custom resources do not


@dataclass(frozen=True, slots=True)
class _Where:
    """What is around a schema that is looked at."""

    root: bool = False
    no_default: str = ""  # why there may be no default; "": there may
    in_metadata: bool = False


def _of_schema(raw: JsonSchema, path: str, where: _Where) -> Iterator[FieldError]:
    yield from _unsupported(raw, path, where)
    properties, additional, items = raw.get("properties") or {}, raw.get("additionalProperties"), raw.get("items")
    below = replace(where, root=False)
    if additional is not None:
        if properties and additional is not True:
            why = "additionalProperties and properties are mutual exclusive"
            yield forbidden(f"{path}.additionalProperties", why)
        if isinstance(additional, Mapping):
            inside = replace(below, no_default="inside additionalProperties applying to object metadata")
            yield from _of_schema(additional, f"{path}.additionalProperties", inside if where.in_metadata else below)
    for name, one in properties.items():
        there = below
        if (where.root or raw.get(_EMBEDDED)) and name in _META:
            reason = f"in top-level {name}" if where.root else below.no_default
            there = replace(below, in_metadata=True, no_default=reason)
        yield from _of_schema(one, f"{path}.properties[{name}]", there)
    for key in _COMBINATIONS:
        for index, one in enumerate(raw.get(key) or ()):
            yield from _of_schema(one, f"{path}.{key}[{index}]", below)
    if raw.get("not") is not None:
        yield from _of_schema(raw["not"], f"{path}.not", below)
    if isinstance(items, Mapping):
        yield from _of_schema(items, f"{path}.items", below)
    yield from _of_lists(raw, path)
    yield from _of_rules(raw, path)


_NEVER = {
    "id": "id is not supported", "additionalItems": "additionalItems is not supported",
    "patternProperties": "patternProperties is not supported", "definitions": "definitions is not supported",
    "dependencies": "dependencies is not supported", "$ref": "$ref is not supported",
}  # fmt: skip


def _unsupported(raw: JsonSchema, path: str, where: _Where) -> Iterator[FieldError]:
    type_ = raw.get("type") or ""
    if type_ and type_ not in _TYPES:
        yield not_supported(f"{path}.type", type_, _TYPES)
    if raw.get("default") is not None and where.no_default:
        yield forbidden(f"{path}.default", f"must not be set {where.no_default}")
    for name, why in _NEVER.items():
        if raw.get(name) is not None and raw.get(name) != {}:
            yield forbidden(f"{path}.{name}", why)
    if type_ == "null":
        yield forbidden(f"{path}.type", "type cannot be set to null, use nullable as an alternative")
    if isinstance(raw.get("items"), Sequence):
        yield forbidden(f"{path}.items", "items must be a schema object and not an array")
    if where.in_metadata and raw.get(_EMBEDDED):
        yield forbidden(f"{path}.{_EMBEDDED}", "must not be used inside of resource meta")
    if raw.get("uniqueItems"):
        why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield forbidden(f"{path}.uniqueItems", why)
    if raw.get(_PRESERVES) is False:
        yield invalid(f"{path}.{_PRESERVES}", False, "must be true or undefined")


def _of_lists(raw: JsonSchema, path: str) -> Iterator[FieldError]:
    type_, list_type, map_type = raw.get("type") or "", raw.get(_LIST_TYPE), raw.get(_MAP_TYPE)
    for name, value, wanted, allowed in (
        (_MAP_TYPE, map_type, "object", ("atomic", "granular")),
        (_LIST_TYPE, list_type, "array", ("atomic", "set", "map")),
    ):
        if not value:
            continue
        if type_ != wanted:
            why = f"must be {wanted} if {name} is specified"
            yield invalid(f"{path}.type", type_, why) if type_ else required(f"{path}.type", why)
        if value not in allowed:
            yield not_supported(f"{path}.{name}", value, allowed)
    items = raw.get("items")
    if list_type == "set" and type_ == "array" and isinstance(items, Mapping):
        yield from _of_set_items(items, path)
    keys = raw.get(_LIST_KEYS) or []
    if keys and list_type != "map":
        why = f"must be map if {_LIST_KEYS} is non-empty"
        yield invalid(f"{path}.{_LIST_TYPE}", list_type, why) if list_type else required(f"{path}.{_LIST_TYPE}", why)
    if list_type == "map":
        yield from _of_map_items(raw, keys, path)
    if list_type in ("set", "map") and isinstance(items, Mapping) and items.get("nullable"):
        yield forbidden(f"{path}.items.nullable", f"cannot be nullable when {_LIST_TYPE} is {list_type}")


def _of_set_items(items: JsonSchema, path: str) -> Iterator[FieldError]:
    why = f"must be atomic as item of a list with {_LIST_TYPE}=set"
    if items.get("type") == "array" and items.get(_LIST_TYPE) not in (None, "atomic"):
        yield invalid(f"{path}.items.{_LIST_TYPE}", items.get(_LIST_TYPE), why)
    if items.get("type") == "object" and items.get(_MAP_TYPE) != "atomic":
        yield invalid(f"{path}.items.{_MAP_TYPE}", items.get(_LIST_TYPE), why)


def _of_map_items(raw: JsonSchema, keys: Sequence[str], path: str) -> Iterator[FieldError]:
    items: Any = raw.get("items")
    if not keys:
        yield required(f"{path}.{_LIST_KEYS}", f"must not be empty if {_LIST_TYPE} is map")
    if items is None:
        yield required(f"{path}.items", f"must have a schema if {_LIST_TYPE} is map")
    if not isinstance(items, Mapping):
        return
    if items.get("type") != "object":
        why = f"must be object if parent array's {_LIST_TYPE} is map"
        yield invalid(f"{path}.items.type", items.get("type") or "", why)
        return
    properties = items.get("properties") or {}
    for index, key in enumerate(keys):
        here = f"{path}.items.properties[{key}]"
        known = properties.get(key)
        if known is None:
            yield invalid(f"{path}.{_LIST_KEYS}", keys, "entries must all be names of item properties")
        elif known.get("type") in ("array", "object"):
            why = f"must be a scalar type if parent array's {_LIST_TYPE} is map"
            yield invalid(f"{here}.type", items.get("type"), why)
        if key in keys[:index]:
            yield invalid(f"{path}.{_LIST_KEYS}", keys, "must not contain duplicate entries")
        if known is not None and key not in (items.get("required") or ()) and known.get("default") is None:
            why = f"this property is in {_LIST_KEYS}, so it must have a default or be a required property"
            yield required(f"{here}.default", why)
        if known is not None and known.get("nullable"):
            yield forbidden(f"{here}.nullable", f"this property is in {_LIST_KEYS}, so it cannot be nullable")


# --- rules in CEL, as far as their texts go


def _of_rules(raw: JsonSchema, path: str) -> Iterator[FieldError]:
    for index, rule in enumerate(raw.get(_RULES) or ()):
        here = f"{path}.{_RULES}[{index}]"
        yield from _of_rule_text(rule, here)
        expression = rule.get("messageExpression")
        if expression and not expression.strip():
            yield required(f"{here}.messageExpression", "messageExpression must be non-empty if specified")
        reason = rule.get("reason")
        if reason and reason not in _REASONS:
            yield not_supported(f"{here}.reason", reason, _REASONS)
        field = rule.get("fieldPath")
        if field and not field.strip():
            yield invalid(f"{here}.fieldPath", field, "must be non-empty if specified")
        if field and _has_line_breaks(field):
            yield invalid(f"{here}.fieldPath", field, "must not contain line breaks")
        if field and place(field, raw) is None:
            yield invalid(f"{here}.fieldPath", field, "must be a valid path")


def _of_rule_text(rule: Mapping[str, Any], path: str) -> Iterator[FieldError]:
    text, message = (rule.get("rule") or "").strip(), rule.get("message") or ""
    if not text:
        yield required(f"{path}.rule", "rule is not specified")
    elif message and not message.strip():
        yield invalid(f"{path}.message", message, "must be non-empty if specified")
    elif _has_line_breaks(message.strip()):
        yield invalid(f"{path}.message", message, "must not contain line breaks")
    elif _has_line_breaks(text) and not message:
        yield required(f"{path}.message", "message must be specified if rule contains line breaks")


def _has_line_breaks(text: str) -> bool:
    return "\n" in text or "\r" in text


# --- ways into a schema


def every_schema(raw: JsonSchema) -> Iterator[JsonSchema]:
    """Yield a schema and all that are in it."""
    yield raw
    below = [*(raw.get("properties") or {}).values(), raw.get("items"), raw.get("additionalProperties"), raw.get("not")]
    for one in [*below, *(one for key in _COMBINATIONS for one in raw.get(key) or ())]:
        if isinstance(one, Mapping):
            yield from every_schema(one)


def place(path: str, raw: JsonSchema) -> JsonSchema | None:
    """Return the schema of what a path such as .spec.foo['bar.baz'] names; None if it names nothing."""
    keys = _keys(path)
    current: Any = raw
    for key in keys or ():
        below = (current.get("properties") or {}).get(key)
        if below is None and isinstance(current.get("additionalProperties"), Mapping):
            below = current["additionalProperties"]
        if below is None:
            return None
        current = below
    return current if keys else None


def _keys(path: str) -> list[str] | None:
    keys: list[str] = []
    while path:
        if path.startswith("['") and (end := path.find("']")) > 0:
            keys.append(path[2:end])
            path = path[end + 2 :]
        elif path.startswith("."):
            end = min([at for at in (path.find(".", 1), path.find("[", 1)) if at > 0], default=len(path))
            keys.append(path[1:end])
            path = path[end:]
        else:
            return None
    return keys if all(keys) else None


def selectable_mistakes(paths: Sequence[str], raw: JsonSchema, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with the fields that selectors may name."""
    seen: set[str] = set()
    for index, one in enumerate(paths):
        here = f"{path}[{index}].jsonPath"
        if not one:
            yield required(here)
            continue
        found = place(one, raw)
        if found is None:
            yield invalid(here, one, "is an invalid path: does not refer to a valid field")
            continue
        if one.startswith(".metadata"):
            yield invalid(here, one, "must not point to fields in metadata")
        if found.get("type") not in _SCALARS:
            why = (
                "must point to a field of type string, boolean or integer. Enum string fields and strings with formats "
                "are allowed."
            )
            yield invalid(here, one, why)
        if one in seen:
            yield duplicate(here, one)
        seen.add(one)
    if len(seen) > _MOST_SELECTABLE:
        text = f"Too many: {len(seen)}: must have at most {_MOST_SELECTABLE} items"
        yield FieldError("FieldValueTooMany", path, text)
