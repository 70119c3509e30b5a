"""Which schemas and definitions are allowed, and what is said of the others."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from controlplane.api.apiextensions_v1 import CustomResourceDefinition
from controlplane.api.structural.definitions import (
    validate_definition,
    validate_definition_update,
    warnings_about,
)
from controlplane.api.structural.paths import PathError, parse_path
from controlplane.api.structural.patterns import PatternError, compile_pattern
from controlplane.api.structural.rules import schema_mistakes

PATH = "spec.validation.openAPIV3Schema"


def mistakes(schema: dict[str, Any], **more: Any) -> list[str]:
    return [error.text.removeprefix(PATH) for error in schema_mistakes(schema, PATH, **{"has_status": False} | more)]


def an_object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param(an_object(spec={"type": "string"}), [], id="structural"),
        pytest.param({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, [], id="anything goes"),
        pytest.param({}, [".type: Required value: must not be empty at the root"], id="no type at the root"),
        pytest.param({"type": "array", "items": {"type": "string"}}, ['.type: Invalid value: "array": must be object at the root'], id="a list at the root"),
        pytest.param(an_object(spec={}), [".properties[spec].type: Required value: must not be empty for specified object fields"], id="a field without type"),
        pytest.param(an_object(x={"type": "array"}), [".properties[x].items: Required value: must be specified"], id="a list of nothing"),
        pytest.param(
            an_object(x={"type": "integer", "anyOf": [{"type": "integer"}]}),
            [".properties[x].anyOf[0].type: Forbidden: must be empty to be structural"], id="a type in a combination",
        ),
        pytest.param(
            an_object(x={"type": "object", "allOf": [{"required": ["a"], "properties": {"a": {"minimum": 1}}}]}),
            [".properties[x].properties[a]: Required value: because it is defined in " + PATH + ".properties[x].allOf[0].properties[a]"],
            id="named in a combination only",
        ),
        pytest.param(an_object(x={"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}), [], id="number or text"),
        pytest.param(
            an_object(x={"x-kubernetes-int-or-string": True, "allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"pattern": "x"}]}),
            [], id="number or text, and more",
        ),
        pytest.param(an_object(metadata={"type": "object", "properties": {"name": {"type": "string", "maxLength": 9}}}), [], id="a rule for names"),
        pytest.param(
            an_object(metadata=an_object(labels={"type": "object"})),
            [".properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified"],
            id="rules for metadata",
        ),
        pytest.param(
            an_object(x={"type": "array", "uniqueItems": True, "items": {"type": "string"}}),
            [".properties[x].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic"],
            id="unique items",
        ),
        pytest.param(an_object(x={"type": "date"}), ['.properties[x].type: Unsupported value: "date": supported values: "array", "boolean", "integer", "number", "object", "string"'], id="no type of JSON"),
        pytest.param(
            an_object(x={"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}}),
            [".properties[x].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"], id="both",
        ),
        pytest.param(an_object(x={"type": "integer", "default": "y"}),
                     ['.properties[x].default: Invalid value: "string": ' + PATH + '.properties[x].default in body must be of type integer: "string"'], id="a wrong default"),
        pytest.param(an_object(x={"type": "object", "default": {"a": 1}}),
                     ['.properties[x].default: Invalid value: {"a":1}: must not have unknown fields: a'], id="a default with unknown fields"),
        pytest.param(an_object(kind={"type": "string", "default": "X"}), [".properties[kind].default: Forbidden: must not be set in top-level kind"], id="a default of kind"),
        pytest.param(
            an_object(x={"type": "array", "x-kubernetes-list-type": "map", "items": an_object(name={"type": "string"})}),
            [".properties[x].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map"], id="a map without keys",
        ),
        pytest.param(
            an_object(x={"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": an_object(name={"type": "string"})}),
            [".properties[x].items.properties[name].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"],
            id="a key that may be absent",
        ),
        pytest.param(an_object(x={"type": "string", "pattern": "("}), [".properties[x].pattern: Invalid value"], id="no pattern"),
        pytest.param(an_object(x={"type": "object", "x-kubernetes-embedded-resource": True}),
                     [".properties[x].properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"], id="embedded, but what"),
        pytest.param(an_object(x={"type": "string", "x-kubernetes-validations": [{"rule": "self == 'a'", "fieldPath": ".nope"}]}),
                     ['.properties[x].x-kubernetes-validations[0].fieldPath: Invalid value: ".nope": must be a valid path'], id="a rule about nothing"),
    ],
)  # fmt: skip
def test_schemas(schema: dict[str, Any], expected: list[str]) -> None:
    found = mistakes(schema)
    assert len(found) == len(expected) and all(map(str.startswith, found, expected)), found


def test_what_stands_beside_a_status_subresource() -> None:
    schema = an_object(spec={"type": "object"}) | {"maxProperties": 3}
    assert (
        "fields are allowed at the root of the schema if the status subresource is enabled"
        in mistakes(schema, has_status=True)[0]
    )


def a_definition(**changes: Any) -> CustomResourceDefinition:
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    spec = {
        "group": "example.com", "scope": "Namespaced", "conversion": {"strategy": "None"}, "versions": [version],
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
    }  # fmt: skip
    spec["versions"] = [version | changes.pop("version", {}), *changes.pop("more_versions", [])]
    document = {
        "metadata": {"name": changes.pop("name", "widgets.example.com")},
        "spec": spec | changes,
        "status": {"storedVersions": ["v1"]},
    }
    return msgspec.convert(document, CustomResourceDefinition)


OTHER = {"name": "v2", "served": True, "schema": {"openAPIV3Schema": {"type": "object", "description": "another"}}}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, "", id="all right"),
        pytest.param({"name": "gadgets.example.com"}, 'metadata.name: Invalid value: "gadgets.example.com": must be spec.names.plural+"."+spec.group', id="another name"),
        pytest.param({"group": "example", "name": "widgets.example"}, 'spec.group: Invalid value: "example": should be a domain with at least one dot', id="no domain"),
        pytest.param({"scope": "Galaxy"}, 'spec.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"', id="no scope"),
        pytest.param({"version": {"storage": False}}, "must have exactly one version marked as storage version", id="nothing stored"),
        pytest.param({"more_versions": [OTHER | {"name": "v1"}]}, "must contain unique version names", id="twice the same version"),
        pytest.param({"version": {"schema": {}}}, "spec.versions[0].schema.openAPIV3Schema: Required value", id="no schema"),
        pytest.param({"version": {"schema": {"openAPIV3Schema": {}}}}, "spec.validation.openAPIV3Schema.type: Required value", id="one version's schema"),
        pytest.param({"more_versions": [OTHER | {"schema": {"openAPIV3Schema": {}}}]}, "spec.versions[1].schema.openAPIV3Schema.type: Required value", id="the second version's"),
        pytest.param({"version": {"deprecationWarning": "x"}}, 'spec.versions[0].deprecationWarning: Invalid value: "x": can only be set for deprecated versions', id="a warning for nothing"),
        pytest.param({"version": {"additionalPrinterColumns": [{"name": "A", "type": "text", "jsonPath": ".a"}]}}, 'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string', id="a column's type"),
        pytest.param({"version": {"subresources": {"scale": {"specReplicasPath": ".status.x", "statusReplicasPath": ".status.x"}}}}, 'spec.subresources.scale.specReplicasPath: Invalid value: ".status.x": should be a json path under .spec', id="a count elsewhere"),
        pytest.param({"version": {"selectableFields": [{"jsonPath": ".spec.x"}]}}, "spec.selectableFields[0].jsonPath: Invalid value", id="a field that is not there"),
        pytest.param({"conversion": {"strategy": "Webhook"}}, "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook", id="a webhook nowhere"),
        pytest.param({"conversion": {"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v9"], "clientConfig": {"url": "https://a.b/c"}}}}, "must include at least one of v1, v1beta1", id="a webhook of the future"),
        pytest.param({"conversion": {"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": {"service": {"name": "hook", "path": "/a//b", "port": 443}}}}}, "spec.conversion.webhookClientConfig.service.namespace: Required value", id="a Service nowhere"),
        pytest.param({"conversion": {"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": {"service": {"name": "hook", "namespace": "a", "path": "/a//b", "port": 443}}}}}, "segment[1] may not be empty", id="a path with a hole"),
        pytest.param({"group": "foo.k8s.io", "name": "widgets.foo.k8s.io"}, 'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have', id="a protected group"),
        pytest.param({"names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "Widget"}}, "kind and listKind may not be the same", id="a list that is its item"),
    ],
)  # fmt: skip
def test_definitions(changes: dict[str, Any], expected: str) -> None:
    found = [error.text for error in validate_definition(a_definition(**changes))]
    assert found == [] if not expected else any(expected in one for one in found), found


def test_what_never_changes() -> None:
    old = a_definition()
    assert [one.path for one in validate_definition_update(a_definition(scope="Cluster"), old)] == []
    established = msgspec.convert(
        msgspec.to_builtins(old) | {"status": {"storedVersions": ["v1"], "conditions": [{"type": "Established", "status": "True"}]}},
        CustomResourceDefinition,
    )  # fmt: skip
    assert [one.path for one in validate_definition_update(a_definition(scope="Cluster"), established)] == [
        "spec.scope"
    ]


def test_a_version_that_may_still_be_stored_stays() -> None:
    definition = a_definition(version={"name": "v2"})
    assert any(
        "missing from spec.versions; v1 was previously a storage version" in one.text
        for one in validate_definition(definition)
    )


def test_warnings() -> None:
    schema = an_object(spec={"type": "string", "format": "colour"}, ip={"type": "string", "format": "ipv4"})
    assert warnings_about(a_definition(version={"schema": {"openAPIV3Schema": schema}})) == [
        'unrecognized format "colour"'
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(".spec.size", [3], id="a field"),
        pytest.param(".spec.nothing.at.all", [], id="what is not there"),
        pytest.param('.status.conditions[?(@.type=="Ready")].status', ["True"], id="a condition"),
        pytest.param(".status.conditions[*].type", ["Ready", "Happy"], id="every element"),
        pytest.param(".status.conditions[0].type", ["Ready"], id="one element"),
        pytest.param(".status.conditions[-1:].type", ["Happy"], id="the last"),
        pytest.param(r".metadata.annotations.example\.com/x", ["y"], id="a dot in a key"),
        pytest.param(".metadata.annotations['example.com/x']", ["y"], id="a key in quotes"),
        pytest.param(".", [None], id="everything"),
    ],
)
def test_paths(path: str, expected: list[Any]) -> None:
    document = {
        "metadata": {"annotations": {"example.com/x": "y"}},
        "spec": {"size": 3},
        "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Happy", "status": "False"}]},
    }
    assert parse_path(path)(document) == ([document] if path == "." else expected)


@pytest.mark.parametrize("path", ["..spec", ".a[", ".a[?(x)]", ".a[b]"])
def test_no_paths(path: str) -> None:
    with pytest.raises(PathError):
        parse_path(path)


@pytest.mark.parametrize("pattern", ["(", "a(?=b)", r"(a)\1", "a{2,1}", "[[:nope:]]"])
def test_no_patterns(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(pattern)
