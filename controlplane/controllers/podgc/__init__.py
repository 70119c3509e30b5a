"""Pod garbage collection: pods that nobody will ever finish.

Owns the deletion of pods that have ended and are too many, and of pods whose node is no more. Refuses to judge nodes:
a node that is silent is still there; see `nodelifecycle`.

    finished pods beyond --terminated-pod-gc-threshold (12,500)   the oldest are deleted, evicted ones first
    bound to a node that has been gone for 40 s                   marked Failed, deleted
    terminating, and never bound to a node                        deleted: no node agent will
    terminating on a node tainted out-of-service and not ready    marked Failed, deleted
"""
