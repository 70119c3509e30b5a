"""`nodeagent reset`: takes this machine out of the cluster and removes what the agent made on it."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controlplane.kit.explained import Explained
from nodeagent.cmd.config import CONFIG_FILE, NodeAgentConfig, load

if TYPE_CHECKING:
    from nodeagent.cri.records import Sandbox
    from nodeagent.cri.runtime import Runtime

UNIT = "sampan-nodeagent.service"
_OTHER_DIRECTORIES = (
    "/var/log/pods",
    "/var/log/containers",
    "/var/lib/cni/networks/sampan",  # which pod has which address: host-local's own notes
)


class ResetError(Explained):
    """Something of the node could not be removed."""


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "reset",
        help="undo `join`: pods, rules, devices and files of the node agent are removed",
        description="Stops the agent and removes its pods, service rules, overlay device and files. The Node object "
        "stays: `kubectl delete node NAME` on the master removes it.",
        epilog="example:\n  nodeagent reset",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    if os.geteuid() != 0:
        raise ResetError("not root: run this with sudo")
    config = load(CONFIG_FILE) if CONFIG_FILE.exists() else NodeAgentConfig()
    subprocess.run(["systemctl", "disable", "--now", UNIT], capture_output=True, check=False)
    asyncio.run(_remove_pods(config))
    _remove_network(config)
    try:
        _remove_files(config)
    except OSError as error:
        raise ResetError(f"{error}; free it, then run this again") from error
    print("this machine is no node any more; `kubectl delete node NAME` on the master forgets it")
    return 0


async def _remove_pods(config: NodeAgentConfig) -> None:
    from nodeagent.cri.channel import Channel
    from nodeagent.cri.errors import RuntimeFailure
    from nodeagent.cri.runtime import Runtime

    channel = Channel(config.container_runtime_endpoint.removeprefix("unix://"))
    runtime = Runtime(channel)
    try:
        for sandbox in await runtime.list_sandboxes():
            if sandbox.ours:
                await _remove_pod(runtime, sandbox)
    except RuntimeFailure as failure:
        print(f"warning: the container runtime does not answer, its pods stay as they are: {failure}", file=sys.stderr)
    finally:
        await channel.close()


async def _remove_pod(runtime: Runtime, sandbox: Sandbox) -> None:
    from nodeagent.cri.errors import RuntimeFailure

    try:
        await runtime.stop_sandbox(sandbox.id)
        await runtime.remove_sandbox(sandbox.id)
    except RuntimeFailure as failure:
        # The next pod may go, and the files of this one: what is left is one line for `crictl rmp -f`.
        print(f"warning: pod {sandbox.namespace}/{sandbox.name} stays ({sandbox.id}): {failure}", file=sys.stderr)


def _remove_network(config: NodeAgentConfig) -> None:
    from nodeagent.kernel.iptables import Iptables, detect_variant
    from nodeagent.kernel.netlink import Netlink
    from nodeagent.network import cni, masquerade
    from nodeagent.proxy.render import JUMPS

    with Netlink() as netlink:
        for name in ("flannel.1", "flannel-v6.1", "cni0"):
            link = netlink.link(name)
            if link is not None:
                netlink.delete_link(link.index)
        loopback = netlink.link("lo")
        if loopback is not None:
            for address in netlink.addresses(loopback.index) & set(config.dns_interface_addresses):
                netlink.delete_address(loopback.index, address)
    iptables = Iptables(detect_variant())
    iptables.remove_jumps([*JUMPS, masquerade.POSTROUTING, masquerade.FORWARD])
    for table in ("filter", "nat"):
        ours = sorted(chain for chain in iptables.chains(table) if chain.startswith(("KUBE-", "FLANNEL-")))
        lines = [f"*{table}", *(f":{chain} - [0:0]" for chain in ours), *(f"-X {chain}" for chain in ours), "COMMIT"]
        iptables.restore("\n".join(lines) + "\n")
    cni.CONFIG.unlink(missing_ok=True)
    cni.SUBNET_ENV.unlink(missing_ok=True)


def _remove_files(config: NodeAgentConfig) -> None:
    from nodeagent.kernel import cgroup

    staged = Path(config.pod_dir).parent / "plugins" / "kubernetes.io" / "csi"
    # Before anything is deleted: behind a mount may be a directory of the machine's own, or a volume.
    _unmount(Path(config.pod_dir), staged)
    for directory in (config.pod_dir, staged, config.state_dir, *_OTHER_DIRECTORIES):
        if Path(directory).exists():
            shutil.rmtree(directory)
    cgroup.remove("/kubepods")
    (Path(config.cert_dir) / "kubelet-client-current.pem").unlink(missing_ok=True)
    (Path(config.cert_dir) / "kubelet-serving-current.pem").unlink(missing_ok=True)
    for name in (config.kubeconfig, str(CONFIG_FILE)):
        Path(name).unlink(missing_ok=True)


def _unmount(*directories: Path) -> None:
    from nodeagent.kernel.mounts import mounted_below, unmount

    for directory in directories:
        for mount in mounted_below(directory):
            unmount(mount)
