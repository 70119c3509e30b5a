"""Writes `always_written.py` from the Go types of v1.37: `python -m controlplane.api.json_tags MIRRORS`.

MIRRORS is a directory with the git directories api, apimachinery, apiextensions-apiserver and kube-aggregator. Go
writes a field of JSON even when it is zero, unless its tag says omitempty, which does nothing for structs, or omitzero.
Clients rely on it: the Python client refuses a container's status without an imageID.
"""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from controlplane.api.generate import MODULES

_STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.M | re.S)
_FIELD = re.compile(r'^\t(?:\w+ )?\s*(\S+)\s+`json:"([^"]*)"', re.M)
_STRUCTS_ELSEWHERE = frozenset(
    {
        "IntOrString", "LabelSelector", "ListMeta", "LocalObjectReference", "MicroTime", "NodeSelector", "ObjectMeta",
        "ObjectReference", "PersistentVolumeClaimSpec", "PodTemplateSpec", "Quantity", "RawExtension", "Time",
    }
)  # fmt: skip
_HEADER = '''"""The fields that Go writes although they are zero: written by controlplane.api.json_tags, do not edit."""

from __future__ import annotations

ALWAYS_WRITTEN: dict[str, str] = {
'''


def sources(mirrors: Path) -> Iterator[tuple[str, str]]:
    """Yield each of our modules with the Go text of its types."""
    for prefix, module in MODULES.items():
        *_, group, version = prefix.split(".")
        if prefix.startswith("io.k8s.api."):
            yield module, _show(mirrors / "api", f"{group}/{version}/types.go")
        elif ".meta." in prefix:
            yield module, _show(mirrors / "apimachinery", "pkg/apis/meta/v1/types.go")
        elif "apiextensions" in prefix:
            path = "pkg/apis/apiextensions/v1/types"
            texts = (_show(mirrors / "apiextensions-apiserver", f"{path}{part}.go") for part in ("", "_jsonschema"))
            yield module, "".join(texts)
        elif "aggregator" in prefix:
            yield module, _show(mirrors / "kube-aggregator", "pkg/apis/apiregistration/v1/types.go")


def always_written(go: str) -> dict[str, list[str]]:
    """Return the fields of each struct that JSON holds even when they are zero."""
    structs = dict(_STRUCT.findall(re.sub(r"^\s*//.*\n", "", go, flags=re.M)))
    return {name: found for name, body in structs.items() if (found := sorted(_of(body, structs)))}


def _of(body: str, structs: Mapping[str, str]) -> Iterator[str]:
    for go_type, tag in _FIELD.findall(body):
        name, *options = tag.split(",")
        if not name and go_type in structs:
            yield from _of(structs[go_type], structs)
        if not name or name == "-" or go_type[0] in "*[" or go_type.startswith("map[") or "omitzero" in options:
            continue
        is_struct = go_type in structs or go_type.rpartition(".")[2] in _STRUCTS_ELSEWHERE
        if is_struct or "omitempty" not in options:
            yield name


def render(found: Mapping[str, list[str]]) -> str:
    lines = [_HEADER]
    for name, fields in sorted(found.items()):
        wrapped = textwrap.wrap(" ".join(fields), 100)
        text = "\n".join(
            f'        "{line}{" " if index < len(wrapped) - 1 else ""}"' for index, line in enumerate(wrapped)
        )
        lines.append(f'    "{name}": (\n{text}\n    ),\n')
    return "".join([*lines, "}\n"])


def _show(repository: Path, path: str) -> str:
    command = ["git", "--git-dir", str(repository), "show", f"HEAD:{path}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main(mirrors: str) -> None:
    found = {
        f"{module}.{name}": fields
        for module, go in sources(Path(mirrors))
        for name, fields in always_written(go).items()
    }
    Path(__file__).with_name("always_written.py").write_text(render(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
