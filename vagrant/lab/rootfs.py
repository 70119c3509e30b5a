"""The file system that all machines share, read-only: Debian, then the Python dependencies, each a cached layer."""

import hashlib
import shutil
from pathlib import Path

from lab import debs
from lab.paths import CACHE, INSIDE, PROJECT, VAGRANT
from lab.step import LabError, run, step, try_run

PACKAGE_LIST = VAGRANT / "provision" / "packages.txt"

# Only in a machine without hypervisor: what a VM's box brings along, or what has no place in one.
EXTRA = ["systemd", "systemd-sysv", "dbus", "libpam-systemd"]

# Documentation that nobody reads in a machine. Debian's copyright files stay.
UNWANTED = [
    "/usr/share/man/*",
    "/usr/share/doc/*/*",
    "/usr/share/locale/*",
    "/usr/share/info/*",
    "/usr/share/lintian/*",
]


def packages() -> list[str]:
    lines = (line.partition("#")[0].split() for line in PACKAGE_LIST.read_text().splitlines())
    return [*EXTRA, *(word for words in lines for word in words)]


def build() -> list[Path]:
    """Return the layers, lowest first, building those that are missing."""
    system = _system()
    return [system, _dependencies(system)]


def _system() -> Path:
    key = _key(debs.codename(), *packages(), *UNWANTED, _CUSTOMIZE)
    target = CACHE / "rootfs" / f"system-{key}"
    if target.exists():
        return target
    sources = debs.host_sources(debs.codename())
    if not sources:
        raise LabError(
            f"no apt source on this host names the release {debs.codename()}: "
            "see /etc/apt/sources.list and /etc/apt/sources.list.d"
        )
    _forget_older("system-")
    with step("building the machines' file system with mmdebstrap (about 40 s, once)"):
        partial = target.with_name(f"partial-{target.name}")
        _remove(partial)
        partial.parent.mkdir(parents=True, exist_ok=True)
        apt_options = partial.parent / "apt.conf"
        apt_options.write_text(run("apt-config", "dump", "Acquire"))  # the host's proxy and the like
        options = [f"--dpkgopt=path-exclude={pattern}" for pattern in UNWANTED]
        run(
            "mmdebstrap",
            "--mode=root",
            "--variant=minbase",
            "--format=directory",
            f"--aptopt={apt_options}",
            *options,
            f"--include={','.join(packages())}",
            "--dpkgopt=path-include=/usr/share/doc/*/copyright",
            f"--customize-hook={_CUSTOMIZE}",
            debs.codename(),
            partial,
            *sources,
        )
        partial.rename(target)
    return target


# Nothing of the build host stays behind, and no service runs before its provision script has configured it.
_CUSTOMIZE = """
set -eu
rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/* "$1"/etc/hostname
: >"$1"/etc/machine-id
rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin
mkdir -p "$1"/var/log/journal "$1"/vagrant
for unit in containerd.service docker-registry.service nftables.service getty@tty1.service e2scrub_reap.service \\
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer; do
    systemctl --root="$1" disable "$unit" 2>/dev/null || true
done
systemctl --root="$1" mask console-getty.service
"""


def _dependencies(system: Path) -> Path:
    """The layer that vagrant/provision/dependencies.sh makes: run once here instead of once in every machine."""
    script = VAGRANT / "provision" / "dependencies.sh"
    key = _key(system.name, script.read_text(), (CACHE / "wheelhouse" / ".fingerprint").read_text())
    target = CACHE / "rootfs" / f"dependencies-{key}"
    if target.exists():
        return target
    _forget_older("dependencies-")
    with step("installing the Python dependencies into a layer of their own"):
        partial = target.with_name(f"partial-{target.name}")
        work, merged = partial.with_name("work"), partial.with_name("merged")
        for directory in (partial, work, merged):
            _remove(directory)
            directory.mkdir(parents=True)
        # The mounts live in a mount namespace of this one command and vanish with it.
        run(
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-euc",
            _IN_CHROOT,
            "sh",
            f"lowerdir={system},upperdir={partial},workdir={work}",
            merged,
            PROJECT,
            INSIDE,
            INSIDE / "vagrant/provision/dependencies.sh",
        )
        shutil.rmtree(work)
        merged.rmdir()
        partial.rename(target)
    return target


_IN_CHROOT = """
options=$1 root=$2 project=$3 inside=$4 script=$5
mount -t overlay overlay -o "$options" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind -o ro "$project" "$root$inside"
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root PROJECT="$inside" chroot "$root" sh "$script"
"""


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _forget_older(prefix: str) -> None:
    """Remove layers that are no longer current: each is some hundred MB. A running lab keeps its own."""
    mounted = Path("/proc/self/mountinfo").read_text()
    for old in (CACHE / "rootfs").glob(f"{prefix}*"):
        if str(old) not in mounted:
            _remove(old)


def _remove(tree: Path) -> None:
    if not tree.exists():
        return
    if any(line.split()[4].startswith(f"{tree}/") for line in Path("/proc/self/mountinfo").read_text().splitlines()):
        raise LabError(f"something is still mounted below {tree}: umount it, or run 'make lab-down'")
    if try_run("rm", "-rf", "--one-file-system", tree).returncode:
        raise LabError(f"cannot remove {tree}")
