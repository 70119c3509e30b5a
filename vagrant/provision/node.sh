#!/bin/sh
# The node agent: join the cluster with the command that the master left in the shared directory.
set -eu
# shellcheck source=vagrant/provision/wait-for.sh
. "$(dirname "$0")/wait-for.sh"
join=$PROJECT/.lab/shared/join
stamp=/etc/sampan/.joined
wait_for "$join"

case $NODE_ROLE in
    master) taint="--register-with-taints node-role.kubernetes.io/control-plane=:NoSchedule" ;;
    *) taint= ;;
esac

# The cluster is known by its CA's hash: joining it again would only restart the agent.
cluster=$(grep -o 'sha256:[0-9a-f]*' "$join")
if [ "$(cat $stamp 2>/dev/null)" != "$cluster" ] || ! systemctl is-active --quiet sampan-nodeagent; then
    # The cluster's DNS has the tenth address of the Services' network.
    dns=$(python3 -c 'import ipaddress, sys; print(ipaddress.ip_network(sys.argv[1])[10])' "$SERVICE_NETWORK")
    # shellcheck disable=SC2046,SC2086  # the file holds a command line
    $(cat "$join") --node-name "$NODE_NAME" --cluster-cidr "$POD_NETWORK" --cluster-dns "$dns" $taint
    # The machines share the disk of their host, which may be nearly full for reasons that are not theirs.
    sed -i -e 's/^eviction-hard:.*/eviction-hard: memory.available<100Mi/' \
        -e 's/^image-gc-high-threshold:.*/image-gc-high-threshold: 100/' /etc/sampan/nodeagent.yaml
    systemctl restart sampan-nodeagent
    echo "$cluster" >$stamp
fi

# A node may not give itself this label, so the administrator does.
if [ "$NODE_ROLE" = master ]; then
    kubectl --kubeconfig /etc/sampan/admin.conf label --overwrite node "$NODE_NAME" node-role.kubernetes.io/control-plane= >/dev/null
fi
