"""systemd/: what every unit promises, and what the node agent's must never have."""

from configparser import ConfigParser
from pathlib import Path

import pytest

UNITS = sorted((Path(__file__).parents[3] / "systemd").glob("*.service"))

# Each of these gives a unit its own mount namespace (systemd.exec, "Sandboxing"): the node agent's mounts would then be
# invisible to containerd.
MOUNT_NAMESPACE = {
    *(
        "PrivateTmp",
        "PrivateDevices",
        "PrivateMounts",
        "PrivateUsers",
        "PrivateNetwork",
        "ProtectSystem",
        "ProtectHome",
    ),
    *("ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs", "ProtectControlGroups", "ProtectProc"),
    *("ProtectHostname", "ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths", "ExecPaths", "NoExecPaths"),
    *(
        "BindPaths",
        "BindReadOnlyPaths",
        "TemporaryFileSystem",
        "MountFlags",
        "MountAPIVFS",
        "ProcSubset",
        "RootDirectory",
    ),
    "DynamicUser",
}


def service(path: Path) -> dict[str, str]:
    parser = ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # systemd's names have capitals
    parser.read(path)
    return dict(parser["Service"])


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_ready_watched_and_restarted(unit: Path) -> None:
    options = service(unit)
    assert options["Type"] == "notify"
    assert options["NotifyAccess"] == "main"
    assert int(options["WatchdogSec"]) > 0
    assert options["Restart"] == "on-failure"


def test_node_agent_shares_the_mount_namespace_and_leaves_pods_alone() -> None:
    [unit] = [path for path in UNITS if path.stem == "sampan-nodeagent"]
    options = service(unit)
    assert not MOUNT_NAMESPACE & options.keys()
    assert options["KillMode"] == "process"
    assert options["Delegate"] == "yes"
