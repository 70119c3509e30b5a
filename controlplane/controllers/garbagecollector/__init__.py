"""Garbage collection: what has owners goes when the last of them is gone.

Owns deletions that follow from metadata.ownerReferences, and the finalizers foregroundDeletion and orphan. Refuses to
delete anything on the word of a cache alone: an owner is gone when the server says that no object of that UID is there.

    background   kubectl delete deployment web     Deployment gone ─► ReplicaSet deleted ─► pods deleted
    foreground   --cascade=foreground              Deployment stays, deleting, until what blocks it is gone
    orphan       --cascade=orphan                  first the dependents lose the reference, then the owner goes

    informers ──► graph.py: who owns whom ──► plan.py: what to do about one object ──► controller.py does it

An owner that is named but was never seen is in the graph as a virtual item until the server has been asked for it.
"""
