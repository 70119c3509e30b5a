"""Writes the API types from the OpenAPI facts of Kubernetes v1.37: `python -m controlplane.api.generate`.

The facts (field names, types, merge keys) come from the package `kubernetes-validate`, a development dependency.
Descriptions are upstream's sentences and are left where they are. Add a group version to `MODULES` to get its types.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from controlplane.api.always_written import ALWAYS_WRITTEN
from controlplane.api.base import wire_name

MODULES = {
    "io.k8s.apimachinery.pkg.apis.meta.v1": "meta_v1",
    "io.k8s.apimachinery.pkg.version": "version",
    "io.k8s.api.admissionregistration.v1": "admissionregistration_v1",
    "io.k8s.api.apps.v1": "apps_v1",
    "io.k8s.api.authentication.v1": "authentication_v1",
    "io.k8s.api.authorization.v1": "authorization_v1",
    "io.k8s.api.autoscaling.v1": "autoscaling_v1",
    "io.k8s.api.autoscaling.v2": "autoscaling_v2",
    "io.k8s.api.batch.v1": "batch_v1",
    "io.k8s.api.certificates.v1": "certificates_v1",
    "io.k8s.api.coordination.v1": "coordination_v1",
    "io.k8s.api.core.v1": "core_v1",
    "io.k8s.api.discovery.v1": "discovery_v1",
    "io.k8s.api.events.v1": "events_v1",
    "io.k8s.api.flowcontrol.v1": "flowcontrol_v1",
    "io.k8s.api.networking.v1": "networking_v1",
    "io.k8s.api.node.v1": "node_v1",
    "io.k8s.api.policy.v1": "policy_v1",
    "io.k8s.api.rbac.v1": "rbac_v1",
    "io.k8s.api.resource.v1": "resource_v1",
    "io.k8s.api.scheduling.v1": "scheduling_v1",
    "io.k8s.api.storage.v1": "storage_v1",
    "io.k8s.api.storagemigration.v1": "storagemigration_v1",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1": "apiextensions_v1",
    "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1": "apiregistration_v1",
}

SCALARS = {
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": ("Time", "None"),
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": ("MicroTime", "None"),
    "io.k8s.apimachinery.pkg.api.resource.Quantity": ("Quantity", "None"),
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": ("IntOrString", "None"),
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": ("dict[str, Any]", "{}"),
    "io.k8s.apimachinery.pkg.runtime.RawExtension": ("dict[str, Any]", "{}"),
}
# Where the rule would give something unreadable, or the name of a type that the class needs after it.
# Pointers that upstream's defaults never leave empty: the name of a port without one is written as "".
DEFAULTED = {("discovery_v1", "EndpointPort", "name")}
OWN_NAMES = {"openAPIV3Schema": "open_api_v3_schema", "bool": "bool_", "int": "int_"}
# Text whose emptiness says something else than its absence (a pointer in upstream's Go).
NULLABLE_TEXT = {"storageClassName", "volumeAttributesClassName", "hostnameOverride"}
# What makes the zero value of a type, where that is not the type itself.
ZEROS = {
    "Int32": "int", "Int64": "int", "IntOrString": "int", "MicroTime": "NoneType", "Quantity": "zero_quantity",
    "Time": "NoneType", "bool": "bool", "str": "str",
}  # fmt: skip
ALWAYS_THERE = {
    "metadata",
    "spec",
    "status",
    "template",
}  # never null in upstream's Go: written without a pointer


def definitions() -> dict[str, dict[str, Any]]:
    """Return every v1.37 definition by its full name."""
    import kubernetes_validate

    root = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema" / "v1.37.0-local"
    found: dict[str, dict[str, Any]] = json.loads((root / "_definitions.json").read_text())["$defs"]
    return found


def snake(name: str) -> str:
    """Return our name of a wire field: podIPs gives pod_ips."""
    if name in OWN_NAMES:
        return OWN_NAMES[name]
    text = re.sub(r"([A-Z]+s?)(?=[A-Z][a-z]|$)", lambda found: "_" + found[1].lower() + "_", name)
    text = re.sub(r"[A-Z]", lambda found: "_" + found[0].lower(), text)
    text = re.sub(r"[^a-z0-9]+", "_", text).strip("_")
    return text + "_" if keyword.iskeyword(text) else text


class Module:
    """One group version on its way to becoming a Python module."""

    def __init__(self, prefix: str, facts: dict[str, dict[str, Any]]):
        self.prefix, self.name, self.facts = prefix, MODULES[prefix], facts
        self.imports: dict[str, set[str]] = {}

    def ordered(self) -> list[str]:
        """The names of the module's types, each after the ones it needs."""
        done: dict[str, None] = {}

        def visit(full: str, path: tuple[str, ...]) -> None:
            if full in done or full in path or full in SCALARS or not full.startswith(self.prefix + "."):
                return
            for other in sorted(references(self.facts[full])):
                visit(other, (*path, full))
            done[full] = None

        for full in sorted(self.facts):
            name = full.removeprefix(self.prefix + ".")
            own = full.startswith(self.prefix + ".") and "." not in name
            if own and self.facts[full].get("properties") is not None and not name.endswith("List"):
                visit(full, ())
        return list(done)

    def render(self) -> str:
        classes = [self.render_class(full) for full in self.ordered()]
        body = "\n\n\n".join(classes)
        lines = [
            f'"""{self.prefix}: written by controlplane.api.generate, do not edit."""',
            "",
            "from __future__ import annotations",
            "",
        ]
        typing = sorted(word for word in ("Annotated", "Any", "TypeAlias") if re.search(rf"\b{word}\b", body))
        if typing:
            lines += [f"from typing import {', '.join(typing)}", ""]
        if "NoneType" in body:
            lines += ["from types import NoneType"]
        if "field(name=" in body:
            lines += ["from msgspec import field", ""]
        words = (
            "Atomic",
            "Int32",
            "Int64",
            "IntOrString",
            "KubeStruct",
            "ListMap",
            "ListSet",
            "MicroTime",
            "Number",
            "Quantity",
            "Replace",
            "RetainKeys",
            "Time",
            "always",
            "zero_quantity",
        )
        used = [word for word in words if re.search(rf"\b{word}\b", body)]
        lines.append(f"from controlplane.api.base import {', '.join(used)}")
        for module, names in sorted(self.imports.items()):
            lines.append(f"from controlplane.api.{module} import {', '.join(sorted(names))}")
        return "\n".join(lines) + "\n\n\n" + body + "\n"

    def render_class(self, full: str) -> str:
        facts = self.facts[full]
        if "properties" not in facts:  # anything, or an object that says something by being there
            return f"{full.rpartition('.')[2]}: TypeAlias = {'dict[str, Any]' if 'type' in facts else 'Any'}"
        lines = [f"class {full.rpartition('.')[2]}(KubeStruct):"]
        head = [name for name in ("apiVersion", "kind", "metadata") if name in facts["properties"]]
        rest = sorted(set(facts["properties"]) - set(head))
        lines += [
            "    " + self.render_field(full.rpartition(".")[2], wire, facts["properties"][wire]) for wire in head + rest
        ]
        return "\n".join(lines if len(lines) > 1 else [*lines, "    pass"])

    def render_field(self, owner: str, wire: str, fact: dict[str, Any]) -> str:
        ours = snake(wire)
        kind, default = self.type_of(fact, wire)
        zero = self.zero_of(owner, wire, kind, default)
        if (
            not zero
            and wire in ALWAYS_THERE
            and "$ref" in fact
            and default == "None"
            and fact["$ref"].rpartition("/")[2] not in SCALARS
            and "properties" in self.facts[fact["$ref"].rpartition("/")[2]]  # else {} says something by being there
        ):
            default = f"{kind}()"
        if default == "None" and zero in ("", "NoneType"):
            kind += " | None"
        marks = list(marks_of(fact))
        if marks:
            kind = f"Annotated[{kind}, {', '.join(marks)}]"
        if zero:
            named = f', name="{wire}"' if wire_name(ours) != wire else ""
            return f"{ours}: {kind} = always({zero}{named})"
        if wire_name(ours) != wire:
            value = (
                f"default_factory={'list' if default == '[]' else 'dict'}"
                if default in ("[]", "{}")
                else f"default={default}"
            )
            return f'{ours}: {kind} = field(name="{wire}", {value})'
        return f"{ours}: {kind} = {default}"

    def zero_of(self, owner: str, wire: str, kind: str, default: str) -> str:
        """Return what makes the zero value of a field that is written even then; empty for other fields."""
        written = (self.name, owner, wire) in DEFAULTED or wire in ALWAYS_WRITTEN.get(
            f"{self.name}.{owner}", ""
        ).split()
        if not written:
            return ""
        if kind in ZEROS:
            return ZEROS[kind]
        return kind if default == "None" and kind.isidentifier() and kind != "Any" else ""

    def type_of(self, fact: dict[str, Any], wire: str = "") -> tuple[str, str]:
        """Return a field's Python type and its default, as source text."""
        if "$ref" in fact:
            return self.reference(fact["$ref"].rpartition("/")[2])
        kind = fact.get("type")
        kind = next((one for one in kind if one != "null"), None) if isinstance(kind, list) else kind
        if kind == "array":
            return f"list[{self.type_of(fact['items'])[0]}]", "[]"
        if kind == "object":
            inner = self.type_of(fact["additionalProperties"])[0] if "additionalProperties" in fact else "Any"
            return f"dict[str, {inner}]", "{}"
        if kind == "string":
            return "str", "None" if wire in NULLABLE_TEXT else '""'
        if kind == "integer":
            return fact["format"].capitalize(), "None"
        return {"number": "Number", "boolean": "bool"}.get(kind or "", "Any"), "None"

    def reference(self, full: str) -> tuple[str, str]:
        if full in SCALARS:
            return SCALARS[full]
        prefix, _, name = full.rpartition(".")
        if prefix != self.prefix:
            if prefix not in MODULES:
                return "dict[str, Any]", "{}"
            self.imports.setdefault(MODULES[prefix], set()).add(name)
        return name, "None"


def marks_of(fact: dict[str, Any]) -> Iterator[str]:
    """Yield the merge rules of a field as source text."""
    kind, merge_key = fact.get("x-kubernetes-list-type"), fact.get("x-kubernetes-patch-merge-key", "")
    strategy = fact.get("x-kubernetes-patch-strategy", "").split(",")
    if kind == "map" or merge_key:
        keys = tuple(fact.get("x-kubernetes-list-map-keys", ()))
        merge = f', merge_key="{merge_key}"' if merge_key and "merge" in strategy else ""
        retain = ", retain_keys=True" if "retainKeys" in strategy else ""
        yield f"ListMap({tuple(keys)!r}{merge}{retain})"
    elif kind == "set" or (strategy == ["merge"] and "items" in fact):
        yield f"ListSet(merge={strategy == ['merge']})"
    elif "retainKeys" in strategy:
        yield "RetainKeys()"
    elif strategy == ["replace"]:
        yield "Replace()"
    elif "atomic" in (kind, fact.get("x-kubernetes-map-type")):
        yield "Atomic()"


def references(fact: Any) -> set[str]:
    """The full names of the types a definition mentions."""
    if isinstance(fact, dict):
        own = {fact["$ref"].rpartition("/")[2]} if isinstance(fact.get("$ref"), str) else set()
        return own.union(*(references(value) for value in fact.values()))
    if isinstance(fact, list):
        return set().union(*(references(value) for value in fact))
    return set()


def render_all() -> dict[str, str]:
    """Return the source text of every module by its file name."""
    facts = definitions()
    return {f"{MODULES[prefix]}.py": Module(prefix, facts).render() for prefix in MODULES}


def main() -> None:
    here = Path(__file__).parent
    for name, text in render_all().items():
        (here / name).write_text(text)


if __name__ == "__main__":
    main()
