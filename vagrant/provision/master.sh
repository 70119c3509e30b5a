#!/bin/sh
# The control plane, on the master; then what the nodes need to join goes into the shared directory.
set -eu
shared=$PROJECT/.lab/shared

# Again on a cluster that runs: look after files and units, but make no further token.
again=
if kubectl --kubeconfig /etc/sampan/admin.conf --namespace kube-system get service kube-dns >/dev/null 2>&1; then
    again="--skip-phases bootstrap-token"
fi
# shellcheck disable=SC2086  # two words or none
controlplane init --apiserver-advertise-address "$NODE_IP" --node-name "$NODE_NAME" --pod-network-cidr "$POD_NETWORK" \
    --service-cidr "$SERVICE_NETWORK" --apiserver-cert-extra-sans 127.0.0.1,localhost $again

# A token is good for a day: a machine added later needs a fresh one.
install -d "$shared"
if [ -z "$(find "$shared/join" -mmin -1200 2>/dev/null)" ]; then
    (umask 077 && controlplane token create --print-join-command >"$shared/join.new")
    mv "$shared/join.new" "$shared/join"
fi
