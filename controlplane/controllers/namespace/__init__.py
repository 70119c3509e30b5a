"""Namespace deletion: when a namespace is deleted, everything in it goes first, and then the namespace.

Owns the finalizer "kubernetes" in spec.finalizers and the conditions that say what still remains. Refuses to know the
kinds: it deletes whatever discovery lists.

    deletionTimestamp set ─► delete all pods ─► none left? delete all else ─► none left? finalize
                                   │                            │
                                   └────── some remain: conditions say which, look again later

Pods go first, so that none runs on without the NetworkPolicy or Secret it relied on.
"""
