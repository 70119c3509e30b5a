"""Writes `schema.py` from the Go types of v1.37.

    python -m controlplane.api.protobuf.generate API MACHINERY EXTENSIONS AGGREGATOR

The arguments are git directories of kubernetes/api, apimachinery, apiextensions-apiserver and kube-aggregator. What is
taken are facts: of every field its number, its JSON name and its type, and whether Go leaves it out of JSON when it is
zero.
"""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from controlplane.api.resources import RESOURCES

SOURCES = {
    "meta_v1": ("machinery", ("pkg/apis/meta/v1/types.go", "pkg/apis/meta/v1/group_version.go")),
    "apiextensions_v1": (
        "extensions",
        ("pkg/apis/apiextensions/v1/types.go", "pkg/apis/apiextensions/v1/types_jsonschema.go"),
    ),
    "apiregistration_v1": ("aggregator", ("pkg/apis/apiregistration/v1/types.go",)),
    "autoscaling_v2": ("api", ("autoscaling/v2/types.go",)),
    "scheduling_v1alpha3": ("api", ("scheduling/v1alpha3/types.go",)),
    **{
        f"{group}_v1": ("api", (f"{group}/v1/types.go",))
        for group in (
            "admissionregistration", "apps", "authentication", "authorization", "autoscaling", "batch", "certificates",
            "coordination", "core", "discovery", "events", "flowcontrol", "networking", "node", "policy", "rbac",
            "resource", "scheduling", "storage", "storagemigration",
        )
    },
}  # fmt: skip

# What is sent besides the resources: options, answers, and questions that are never stored.
OTHER_ROOTS = (
    "meta_v1.APIGroup", "meta_v1.APIGroupList", "meta_v1.APIResourceList", "meta_v1.APIVersions",
    "meta_v1.DeleteOptions", "meta_v1.ListMeta", "meta_v1.PartialObjectMetadata", "meta_v1.Status",
    "authentication_v1.SelfSubjectReview", "authentication_v1.TokenRequest", "authentication_v1.TokenReview",
    "authorization_v1.LocalSubjectAccessReview", "authorization_v1.SelfSubjectAccessReview",
    "authorization_v1.SelfSubjectRulesReview", "authorization_v1.SubjectAccessReview", "autoscaling_v1.Scale",
    "policy_v1.Eviction",
)  # fmt: skip
ROOTS = (
    *OTHER_ROOTS,
    *(f"{resource.group.partition('.')[0] or 'core'}_{resource.version}.{resource.kind}" for resource in RESOURCES),
)

_PACKAGES = {
    "apiv1": "core_v1", "corev1": "core_v1", "metav1": "meta_v1", "schedulingv1alpha3": "scheduling_v1alpha3",
    "v1": "core_v1",
}  # fmt: skip
_SCALARS = {
    "string": "string", "bool": "bool", "int32": "int", "int64": "int", "int": "int", "uint32": "int", "uint64": "int",
    "[]byte": "bytes", "types.UID": "string", "types.NodeName": "string", "resource.Quantity": "Quantity",
    "intstr.IntOrString": "IntOrString",
    "runtime.RawExtension": "Raw", "meta_v1.Time": "Time", "meta_v1.MicroTime": "MicroTime",
    "meta_v1.FieldsV1": "FieldsV1", "float64": "double", "apiextensions_v1.JSON": "Raw",
    "apiextensions_v1.JSONSchemaPropsOrArray": "SchemaOrArray",
    "apiextensions_v1.JSONSchemaPropsOrBool": "SchemaOrBool",
    "apiextensions_v1.JSONSchemaPropsOrStringArray": "SchemaOrStrings",
}  # fmt: skip

_STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.M | re.S)
_EMPTY = re.compile(r"^type (\w+) struct\s*\{\s*\}", re.M)
_ALIAS = re.compile(r"^type (\w+) ((?:\[\]|map\[\w+\])?[\w.]+)$", re.M)
_FIELD = re.compile(r'^\t(?:(\w+) +)?(\S+)\s+`json:"([^"]*)"[^`]*? ?protobuf:"(\w+),(\d+),(\w+)[^"]*"', re.M)
_HEADER = '''"""Fields of the API's messages: written by controlplane.api.protobuf.generate, do not edit.

One message an entry; its fields are `number:name:type`. `[]` repeated, `{}` a map by text, `*` may be told apart from
zero, `~` left out when zero; a field without a name lends its own fields to the message around it.
"""

from __future__ import annotations

MESSAGES: dict[str, str] = {
'''


class GoTypes:
    """The structs and named types of all packages."""

    def __init__(self, texts: Mapping[str, str]):
        self.structs: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        for package, text in texts.items():
            plain = re.sub(r"^\s*//.*\n", "", text, flags=re.M)
            self.structs |= {f"{package}.{name}": "" for name in _EMPTY.findall(plain)}
            self.structs |= {f"{package}.{name}": body for name, body in _STRUCT.findall(plain)}
            self.aliases |= {f"{package}.{name}": target for name, target in _ALIAS.findall(plain)}

    def fields(self, message: str) -> Iterator[str]:
        """Yield `number:name:type` of each field."""
        package = message.partition(".")[0]
        if message in self.aliases:  # a named list is wrapped in a message of its own
            yield f"1::{self.kind(self.aliases[message], package)}"
            return
        for _, go_type, json, _, number, label in _FIELD.findall(self.structs[message]):
            name, _, options = json.partition(",")
            # A named list that repeats is no message of its own.
            named = self.aliases.get(f"{package}.{go_type}", "") if label == "rep" else ""
            kind = self.kind(named or go_type, package)
            if "omitempty" in options and kind[0] not in "*[{":
                kind = f"~{kind}"
            yield f"{number}:{name}:{kind}"

    def kind(self, go_type: str, package: str) -> str:
        """Return the type of a field in the table's words."""
        if go_type in _SCALARS:
            return _SCALARS[go_type]
        if go_type.startswith("*"):
            return "*" + self.kind(go_type[1:], package)
        if go_type.startswith("[]"):
            return "[]" + self.kind(go_type[2:], package)
        if go_type.startswith("map["):
            return "{}" + self.kind(go_type.partition("]")[2], package)
        prefix, dot, name = go_type.rpartition(".")
        full = f"{_PACKAGES[prefix] if dot else package}.{name}"
        if full in _SCALARS:
            return _SCALARS[full]
        if full in self.structs:
            return full
        target = self.aliases[full]
        if target.startswith("[]") and target != "[]byte":
            return full
        return self.kind(target, full.partition(".")[0])


def reachable(types: GoTypes) -> dict[str, list[str]]:
    """Return the fields of every message that a root leads to."""
    found: dict[str, list[str]] = {}
    waiting = list(ROOTS)
    while waiting:
        message = waiting.pop()
        if message in found:
            continue
        found[message] = list(types.fields(message))
        for field in found[message]:
            kind = field.split(":")[2].lstrip("*~[]{}")
            if "." in kind:
                waiting.append(kind)
    return dict(sorted(found.items()))


def render(messages: Mapping[str, list[str]]) -> str:
    """Return the module."""
    lines = [_HEADER]
    for message, fields in messages.items():
        package = message.partition(".")[0] + "."
        text = " ".join(field.replace(package, ".") for field in fields)
        wrapped = textwrap.wrap(text, 104, break_long_words=False, break_on_hyphens=False)
        parts = [f'        "{line}{" " if index < len(wrapped) - 1 else ""}"\n' for index, line in enumerate(wrapped)]
        lines.append(f'    "{message}": (\n{"".join(parts) or "        " + chr(34) * 2 + chr(10)}    ),\n')
    return "".join([*lines, "}\n"])


def _read(repository: str, paths: Sequence[str]) -> str:
    shown = [f"HEAD:{path}" for path in paths]
    return subprocess.run(
        ["git", "--git-dir", repository, "show", *shown], check=True, capture_output=True, text=True
    ).stdout


def main(api: str, machinery: str, extensions: str, aggregator: str) -> None:
    where = {"api": api, "machinery": machinery, "extensions": extensions, "aggregator": aggregator}
    texts = {package: _read(where[repository], paths) for package, (repository, paths) in SOURCES.items()}
    Path(__file__).with_name("schema.py").write_text(render(reachable(GoTypes(texts))))


if __name__ == "__main__":
    main(*sys.argv[1:])
