"""Reading what the host says: apt's plan, cgroup files, mount points."""

import re
from pathlib import Path

import pytest
from lab import cgroups, debs


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Inst nginx (1.22.1-9 Debian:12.5/stable [amd64])", "nginx_1.22.1-9_amd64.deb"),
        ("Inst zlib1g (1:1.2.13.dfsg-1 Debian:12.5/stable [amd64])", "zlib1g_1%3a1.2.13.dfsg-1_amd64.deb"),
        ("Inst libgcc-s1 (12.2.0-14 Debian:12.5/stable [amd64]) []", "libgcc-s1_12.2.0-14_amd64.deb"),
        ("Inst libc6 [2.35] (2.36-9 Debian:12.5/stable [arm64]) [x:arm64 ]", "libc6_2.36-9_arm64.deb"),
    ],
)
def test_package_file_from_apts_plan(line: str, name: str) -> None:
    found = re.search(debs.PLANNED, line)
    assert found is not None
    assert debs.file_name(found) == name


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {
                "memory/lab-m/memory.usage_in_bytes": "900\n",
                "memory/lab-m/memory.stat": "cache 5\ntotal_inactive_file 300\n",
            },
            600,
            id="v1",
        ),
        pytest.param(
            {
                "cgroup.controllers": "",
                "lab-m/memory.current": "700\n",
                "lab-m/memory.stat": "anon 1\ninactive_file 200\n",
            },
            500,
            id="v2",
        ),
        pytest.param({"memory/tasks": ""}, 0, id="no such machine"),
    ],
)
def test_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], expected: int) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    assert cgroups.memory("m") == expected
