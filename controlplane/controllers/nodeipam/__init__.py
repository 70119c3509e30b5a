"""Node IPAM: every node gets its own range of pod addresses, cut from the cluster's.

Owns spec.podCIDRs of Nodes, written once and never changed. Refuses to remember anything the Nodes do not say: after
a restart, what is taken is read from them.

    --cluster-cidr 10.244.0.0/16, masks of 24 bits
      node-a  10.244.0.0/24      node-b  10.244.1.0/24      node-c  (a was deleted)  10.244.0.0/24

With two cluster CIDRs (dual stack) each node gets a range of each, or none.
"""
