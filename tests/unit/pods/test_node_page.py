"""docs/node.md says of every field of a pod whether the node honours it: compared with the types, files and tests."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import msgspec
import pytest

from controlplane.api import core_v1
from controlplane.api.base import KubeStruct

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/node.md"
VERDICTS = {"honoured", "partly", "ignored", "refused", "others'"}

TYPES = [
    core_v1.PodSpec,
    core_v1.Container,
    core_v1.EphemeralContainer,
    core_v1.ContainerPort,
    core_v1.ResourceRequirements,
    core_v1.SecurityContext,
    core_v1.PodSecurityContext,
    core_v1.Probe,
    core_v1.Lifecycle,
    core_v1.LifecycleHandler,
    core_v1.VolumeMount,
    core_v1.Volume,
    core_v1.EmptyDirVolumeSource,
    core_v1.VolumeProjection,
]


def wire_fields(type_: type[KubeStruct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(type_)}


def rows(section: str) -> list[list[str]]:
    """The cells of the rows of the table under a heading."""
    text = PAGE.read_text().partition(f"\n{section}\n")[2]
    body = re.split(r"\n##+ ", text)[0]
    lines = [line for line in body.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@cache
def known_tests() -> str:
    """The names of all tests."""
    found = (path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    return "\n".join(re.findall(r"def (test_\w+)", "\n".join(found)))


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.__name__)
def test_every_field_is_in_its_table(type_: type[KubeStruct]) -> None:
    expected = wire_fields(type_)
    if type_ is core_v1.EphemeralContainer:  # only what it has besides
        expected -= wire_fields(core_v1.Container)
    assert sorted(row[0] for row in rows(f"### {type_.__name__}")) == sorted(expected)


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.__name__)
def test_verdicts_name_files_and_tests_that_exist(type_: type[KubeStruct]) -> None:
    for field, verdict, where, shown_by in rows(f"### {type_.__name__}"):
        assert verdict in VERDICTS, field
        assert all((ROOT / path).is_file() for path in re.findall(r"`(\w+/[\w/.]+)`", where)), field
        assert shown_by == "—" or shown_by.strip("`") in known_tests().splitlines(), field


def test_every_fault_has_its_test() -> None:
    source = (ROOT / "tests/e2e/test_lab_faults.py").read_text()
    made = set(re.findall(r"^def (test_\w+)", source, re.MULTILINE)) - {"test_every_machine_is_as_it_was"}
    assert {row[-1].strip("`") for row in rows("## What faults do")} == made
