#!/bin/sh
# The machine's own settings: names, kernel, iptables variant, systemd's patience.
set -eu

# Names of the other machines and of the registry; everything after our mark is ours.
mark="# the lab's machines"
others=$(sed "/^$mark/,\$d" /etc/hosts 2>/dev/null | grep -v '^127.0.1.1' || true)
[ -n "$others" ] || others=$(printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback')
printf '%s\n%s\n%s\n' "$others" "$mark" "$HOSTS" >/etc/hosts

# Swap would let a pod exceed its memory limit, slowly.
swapoff -a 2>/dev/null || true
[ ! -e /etc/fstab ] || sed -i '/\sswap\s/s/^[^#]/#&/' /etc/fstab

# Kernels with these built in have no module to load; what counts is checked below.
printf '%s\n' overlay br_netfilter vxlan nf_conntrack >/etc/modules-load.d/sampan.conf
while read -r module; do
    modprobe -q "$module" 2>/dev/null || true
done </etc/modules-load.d/sampan.conf

cat >/etc/sysctl.d/90-sampan.conf <<'SYSCTL'
# Nodes forward packets between pods, the overlay and the world.
net.ipv4.ip_forward = 1
# Service rules must also see packets between two pods on one bridge.
net.bridge.bridge-nf-call-iptables = 1
net.bridge.bridge-nf-call-ip6tables = 1
SYSCTL
sysctl -q -p /etc/sysctl.d/90-sampan.conf || {
    echo "system.sh: the kernel refuses a setting that nodes need (see above); is br_netfilter missing?" >&2
    exit 1
}
# For the whole kernel, so only where the machine has one of its own: each pod's programs use some inotify watchers.
if [ -w /proc/sys/fs/inotify/max_user_instances ]; then
    echo 'fs.inotify.max_user_instances = 8192' >/etc/sysctl.d/91-sampan-inotify.conf
    sysctl -q -p /etc/sysctl.d/91-sampan-inotify.conf || true
fi

# One variant for everybody: Sampan's rules, and those of the CNI plug-ins.
for tool in iptables ip6tables; do
    update-alternatives --quiet --set $tool /usr/sbin/$tool-legacy
done

# At power-off, pods that ignore SIGTERM would hold the machine for 90 s.
drop_in=/etc/systemd/system.conf.d/sampan.conf
if [ ! -e $drop_in ]; then
    mkdir -p "$(dirname $drop_in)"
    printf '[Manager]\nDefaultTimeoutStopSec=8s\n' >$drop_in
    systemctl daemon-reexec
fi
