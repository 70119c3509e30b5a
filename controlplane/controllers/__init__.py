"""What makes the cluster become what its objects say: one folder a controller, all run by `manager`.

Owns the reconcile loops of the controller manager. Refuses to touch the store, to keep state that is not in the API
(only caches that can be rebuilt), and to decide anything inside a loop that a pure function could decide.

    <controller>/plan.py        values in, frozen plan out: read this to learn the rule
    <controller>/controller.py  reads listers, asks plan, writes through the client
    manager.py                  which controllers run, with what, behind which leader election

One `kubectl apply` of a Deployment with three replicas:

    Deployment ─► deployment: create ReplicaSet nginx-5c4b… ─► replicaset: create 3 Pods ─► (scheduler, node agents)
    Service ──────────────────────────────────────────────────► endpointslice: one slice, rewritten as Pods get ready
    Namespace, Node, CertificateSigningRequest, owner references: each its own controller, none knows another

Shared words: `pods` (active, ready, available), `ownership` (who controls what), `expectations` (writes that the cache
has not shown yet), `written` (the same for single objects), `conditions`, `environment` (what a controller is given).
"""
