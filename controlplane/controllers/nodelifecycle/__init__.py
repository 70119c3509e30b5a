"""Node lifecycle: notice that a node fell silent, say so in its conditions and taints, and evict with restraint.

Owns the conditions of silent nodes, the taints node.kubernetes.io/*, and the pace at which nodes get NoExecute taints.
Refuses to delete pods: `tainteviction` does, by each pod's own tolerations.

    heartbeat (Lease or status) every 10 s    nothing for 40 s, by our clock        5 min later (default toleration)
    Ready=True ─────────────────────────────► Ready=Unknown ──────────────────────► pods are deleted
                                              taints unreachable:NoSchedule at once,
                                                     unreachable:NoExecute when the zone's turn comes
                                              its pods Ready=False, so Services stop using them

A timestamp in a heartbeat is never compared with our clock; only that it changed counts, so clocks need not agree.

    heartbeats.py  since when is a node silent       taints.py  which taints follow from conditions
    health.py      what a silent node's conditions say    zones.py   how many nodes may lose their pods, how fast
"""
