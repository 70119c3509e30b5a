#!/bin/sh
# The node agent: join the cluster with the command that the master left in the shared directory.
set -eu
# shellcheck source=vagrant/provision/wait-for.sh
. "$(dirname "$0")/wait-for.sh"
join=$PROJECT/.lab/shared/join
wait_for "$join"

case $NODE_ROLE in
    master) taint="--register-with-taints node-role.kubernetes.io/control-plane=:NoSchedule" ;;
    *) taint= ;;
esac
# shellcheck disable=SC2046,SC2086  # the file holds a command line
$(cat "$join") --node-name "$NODE_NAME" $taint

# A node may not give itself this label, so the administrator does.
if [ "$NODE_ROLE" = master ]; then
    kubectl --kubeconfig /etc/sampan/admin.conf label --overwrite node "$NODE_NAME" node-role.kubernetes.io/control-plane= >/dev/null
fi
