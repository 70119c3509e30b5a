"""Volume protection: claims and volumes that are deleted while used stay until their last user is gone.

Owns the finalizers kubernetes.io/pvc-protection and kubernetes.io/pv-protection: admission puts them on what is new
(StorageObjectInUseProtection), these two controllers on what is older, and they take them away. Refuses to delete.

    claim being deleted, no pod on a node names it     the finalizer goes, and so does the claim
    volume being deleted, bound to no claim            the finalizer goes, and so does the volume
    either without its finalizer, not being deleted    it gets it
"""
