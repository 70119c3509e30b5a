"""ReplicaSet (and ReplicationController): keep as many pods alive as spec.replicas says.

Owns the number of pods of one ReplicaSet, their adoption and release, and its status. Refuses to know of Deployments,
beyond sparing nodes where a sibling ReplicaSet of the same Deployment runs more pods.

    spec.replicas 3, active pods a b      ─► create 1
    spec.replicas 1, active pods a b c    ─► delete 2: see `ranking` for which
    pods created a moment ago, not cached ─► wait: `expectations`

`plan.py` counts, `ranking.py` says who goes first, `status.py` what the status says, `kinds.py` how a
ReplicationController is read as a ReplicaSet.
"""
