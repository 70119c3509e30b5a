"""Deployment: move from the ReplicaSet of the old template to that of the new one, within the limits of the strategy.

Owns the ReplicaSets of a Deployment: which exist, how large each is, their revisions, and the Deployment's status.
Refuses to touch pods: it sees them only as counts in the status of ReplicaSets.

    spec.replicas 4, maxSurge 1, maxUnavailable 1; old/new are the sizes of the ReplicaSets, (n) those available
      old 4(4) new 0     new may grow to 4+1-4        ─► new 1
      old 4(4) new 1(0)  4+1-(4-1)-1 unavailable = 1  ─► old 3
      old 3(3) new 2(1)  and so on                    ─► old 0 new 4

One look at a Deployment is one `plan`: observed ReplicaSets in; ReplicaSets to create, change and delete out.

    plan.py          which of the cases below applies
    fleet.py         the ReplicaSets: the new one, the old ones, and changing their sizes
    rolling.py       RollingUpdate, step by step      scaling.py  proportional scaling in the middle of a rollout
    history.py       revisions and old ReplicaSets    status.py   conditions that `kubectl rollout status` reads
    fenceposts.py    "25%" of how many                template_hash.py  the name of a template
"""
