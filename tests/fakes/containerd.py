"""A real containerd of its own for tests: private directories, a private mount namespace, and pods whose network is
made by a script that touches nothing outside of their own namespaces.

Needs root and Debian's containerd, runc and busybox-static; `missing()` says what is not there.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nodeagent.kernel import cgroup

IMAGE = "test.invalid/busybox:1"

_CONFIG = """
version = 2
root = "{root}/lib"
state = "{root}/run"
oom_score = 0
[grpc]
  address = "{root}/containerd.sock"
[ttrpc]
  address = "{root}/containerd.ttrpc.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{image}"
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{root}/cni"
    conf_dir = "{root}/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""

# A CNI plugin: puts an address on the pod's own loopback. No link leaves the pod's namespace.
_CNI = """#!/bin/sh
cat >/dev/null
case "$CNI_COMMAND" in
ADD)
  number=$(( $(printf %d "0x$(printf %s "$CNI_CONTAINERID" | cut -c1-2)") % 250 + 2 ))
  nsenter --net="$CNI_NETNS" sh -c "ip link set lo up; ip addr add 10.99.0.$number/32 dev lo"
  echo "{\\"cniVersion\\":\\"0.4.0\\",\\"interfaces\\":[{\\"name\\":\\"eth0\\",\\"sandbox\\":\\"$CNI_NETNS\\"}],"
  echo "\\"ips\\":[{\\"version\\":\\"4\\",\\"interface\\":0,\\"address\\":\\"10.99.0.$number/32\\"}]}" ;;
VERSION) echo '{"cniVersion":"0.4.0","supportedVersions":["0.3.1","0.4.0"]}' ;;
*) echo '{"cniVersion":"0.4.0"}' ;;
esac
"""


def missing() -> str:
    """Return what this machine lacks, or ""."""
    lacking = [
        name for name in ("containerd", "runc", "ctr", "busybox", "unshare", "nsenter") if not shutil.which(name)
    ]
    return f"not installed: {', '.join(lacking)}" if lacking else ""


@dataclass
class Containerd:
    """A running containerd."""

    root: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> str:
        return str(self.root / "containerd.sock")

    def start(self) -> None:
        """Start it, or start it again over the same state."""
        # A mount namespace of its own: whatever is left mounted goes with the last process in it.
        command = ["unshare", "--mount", "--propagation", "slave"] if self._namespace is None else self._enter()
        with (self.root / "containerd.log").open("ab") as log:
            config = str(self.root / "config.toml")
            self.process = subprocess.Popen([*command, "containerd", "--config", config], stdout=log, stderr=log)
        self._wait()
        if self._namespace is None:
            self._hold_namespace()

    def stop(self) -> None:
        """Stop it as systemd does: containers go on."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    _namespace: subprocess.Popen[bytes] | None = None

    def _enter(self) -> list[str]:
        assert self._namespace is not None
        return ["nsenter", f"--mount=/proc/{self._namespace.pid}/ns/mnt", "--"]

    def _hold_namespace(self) -> None:
        assert self.process is not None
        self._namespace = subprocess.Popen(
            ["nsenter", f"--mount=/proc/{self.process.pid}/ns/mnt", "--", "sleep", "infinity"]
        )

    def _wait(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if subprocess.run(self.ctr("version"), capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError((self.root / "containerd.log").read_text()[-2000:])

    def ctr(self, *arguments: str) -> list[str]:
        return ["ctr", "--address", self.socket, "--namespace", "k8s.io", *arguments]

    def remove_everything(self) -> None:
        """Kill every container and shim of ours, and containerd."""
        tasks = subprocess.run(self.ctr("tasks", "ls", "-q"), capture_output=True, text=True, check=False).stdout
        for task in tasks.split():
            subprocess.run(self.ctr("tasks", "rm", "--force", task), capture_output=True, check=False)
        self.stop()
        if self._namespace is not None:
            self._namespace.kill()
            self._namespace.wait()
        cgroup.remove("/kubepods")  # what is empty of it: somebody else's pods keep theirs
        shutil.rmtree(self.root, ignore_errors=True)


@contextmanager
def shared_directory() -> Iterator[Path]:
    """Make a directory in which mounts made on our side are seen by a containerd started over it."""
    root = Path(tempfile.mkdtemp(prefix="sampan-containerd-"))
    subprocess.run(["mount", "--bind", str(root), str(root)], check=True)
    try:
        subprocess.run(["mount", "--make-shared", str(root)], check=True)
        yield root
    finally:
        subprocess.run(["umount", "--recursive", "--lazy", str(root)], check=False)
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def containerd(root: Path) -> Iterator[Containerd]:
    """Run a containerd with one image, IMAGE, which is also the pause image, until the block ends."""
    for name in ("cni", "net.d"):
        (root / name).mkdir(parents=True)
    (root / "config.toml").write_text(_CONFIG.format(root=root, image=IMAGE))
    plugin = root / "cni" / "test-loopback"
    plugin.write_text(_CNI)
    plugin.chmod(0o755)
    loopback = shutil.which("loopback", path="/usr/lib/cni:/opt/cni/bin")
    (root / "cni" / "loopback").symlink_to(loopback or plugin)
    conflist = {"cniVersion": "0.4.0", "name": "test", "plugins": [{"type": "test-loopback"}]}
    (root / "net.d" / "10-test.conflist").write_text(json.dumps(conflist))
    (root / "image.tar").write_bytes(busybox_image())
    running = Containerd(root)
    try:
        running.start()
        subprocess.run(
            running.ctr("images", "import", "--snapshotter", "native", str(root / "image.tar")),
            check=True,
            capture_output=True,
        )
        yield running
    finally:
        running.remove_everything()


def busybox_image(image: str = IMAGE) -> bytes:
    """Return an OCI archive of that name: busybox with its commands, which sleeps until it is told to end."""
    busybox = Path(shutil.which("busybox") or "/bin/busybox").read_bytes()
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        for directory in ("bin", "tmp", "etc", "dev", "proc", "sys"):
            info = tarfile.TarInfo(directory)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if directory == "tmp" else 0o755
            archive.addfile(info)
        info = tarfile.TarInfo("bin/busybox")
        info.size, info.mode = len(busybox), 0o755
        archive.addfile(info, io.BytesIO(busybox))
        for name in (
            "sh",
            "cat",
            "echo",
            "sleep",
            "true",
            "false",
            "id",
            "ls",
            "env",
            "hostname",
            "tar",
            "test",
            "wc",
            "head",
            "seq",
            "kill",
            "nc",
            "stty",
            "ps",
            "stat",
        ):
            info = tarfile.TarInfo(f"bin/{name}")
            info.type, info.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(info)
    return _oci(layer.getvalue(), image)


def _oci(layer: bytes, image: str) -> bytes:
    script = "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done"
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["/bin/sh", "-c", script], "Env": ["PATH=/bin"], "Labels": {"name": image}},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    ).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
        }
    ).encode()
    entry = _descriptor("application/vnd.oci.image.manifest.v1+json", manifest)
    entry["annotations"] = {"io.containerd.image.name": image}
    index = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, data in [
            ("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'),
            ("index.json", index),
            *((f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}", blob) for blob in (layer, config, manifest)),
        ]:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return packed.getvalue()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _descriptor(media_type: str, data: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": _digest(data), "size": len(data)}
