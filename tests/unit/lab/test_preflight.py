"""`make lab` where it cannot work: one sentence that names what is wrong and what to do, before anything is touched."""

import subprocess
from pathlib import Path

import pytest

PREFLIGHT = Path(__file__).parents[3] / "vagrant" / "preflight"
DEBIAN_12 = 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"\n'
DF = 'echo header; echo "disk 9 9 {kib} 1% /somewhere"'


def preflight(tmp_path: Path, *, os_release: str = DEBIAN_12, **commands: str) -> subprocess.CompletedProcess[str]:
    """Run it with some commands replaced by scripts, in a copy of the tree that has no lab yet."""
    fakes, tree = tmp_path / "fakes", tmp_path / "tree" / "vagrant"
    fakes.mkdir()
    tree.mkdir(parents=True)
    for name, script in {"id": "echo 0", "df": DF.format(kib=99 << 20), "unshare": "exit 0", **commands}.items():
        (fakes / name).write_text(f"#!/bin/sh\n{script}\n")
        (fakes / name).chmod(0o755)
    (tmp_path / "os-release").write_text(os_release)
    (tree / "preflight").write_bytes(PREFLIGHT.read_bytes())
    environment = {"PATH": f"{fakes}:/usr/sbin:/usr/bin:/sbin:/bin", "OS_RELEASE": str(tmp_path / "os-release")}
    command = ["sh", str(tree / "preflight")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_says_nothing_where_all_is_well(tmp_path: Path) -> None:
    done = preflight(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"id": "echo 1000"}, "run 'sudo make lab'", id="not root"),
        pytest.param({"uname": "echo Darwin"}, "use 'cd vagrant && vagrant up'", id="not Linux"),
        pytest.param({"os_release": "ID=debian\nVERSION_ID=11\n"}, "needs Debian 12 or later", id="old Debian"),
        pytest.param({"os_release": "ID=arch\nPRETTY_NAME=Arch\n"}, "this is Arch", id="not Debian, no version"),
        pytest.param({"df": DF.format(kib=2 << 20)}, "needs 6 GiB of free disk space in /somewhere", id="full disk"),
        pytest.param(
            {"unshare": 'case "$*" in *vxlan*) exit 1;; esac'}, "load the module 'vxlan'", id="kernel without VXLAN"
        ),
    ],
)
def test_one_sentence_and_exit_1(tmp_path: Path, changes: dict[str, str], says: str) -> None:
    done = preflight(tmp_path, **changes)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("make lab: ")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr
