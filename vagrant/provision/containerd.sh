#!/bin/sh
# containerd as nodes need it: CNI plug-ins from Debian's place, our pause image, trust in the lab's registry.
set -eu
# shellcheck source=vagrant/provision/wait-for.sh
. "$(dirname "$0")/wait-for.sh"
images=$PROJECT/.cache/images
pause=localhost/pause:1
changed=no

# Where the lab's images could not be built there is no registry either, and images come from the internet.
if [ -e "$images/pause.tar" ]; then
    wait_for "$PROJECT/.lab/shared/registry-ca.crt"
    ca=/usr/local/share/ca-certificates/lab-registry.crt
    if ! cmp -s "$PROJECT/.lab/shared/registry-ca.crt" $ca; then
        install -m 0644 "$PROJECT/.lab/shared/registry-ca.crt" $ca
        update-ca-certificates >/dev/null 2>&1
        changed=yes # containerd reads the system's authorities once, when it starts
    fi
else
    pause=registry.k8s.io/pause:3.10
fi

install -d /etc/containerd
cat >/etc/containerd/config.toml.new <<TOML
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$pause"
  # Scores below 0 may be out of reach; then sandboxes get the lowest that is allowed instead of failing.
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni" # where Debian's containernetworking-plugins are
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
TOML
if cmp -s /etc/containerd/config.toml.new /etc/containerd/config.toml; then
    rm /etc/containerd/config.toml.new
else
    mv /etc/containerd/config.toml.new /etc/containerd/config.toml
    changed=yes
fi

systemctl enable --quiet containerd.service
if [ $changed = yes ]; then
    systemctl restart containerd.service
else
    systemctl start containerd.service
fi

# Preloaded, so that no registry is needed to start a pod.
if [ -e "$images/pause.tar" ] && ! ctr -n k8s.io images ls -q | grep -qxF $pause; then
    ctr -n k8s.io images import "$images/pause.tar" >/dev/null
fi
