"""Encryption at rest: what the store holds of some resources can be read with a key only.

    --encryption-provider-config ──► configuration.py ──► Transformers   which providers, by resource
                                                              │
    storage, watch cache ◄── plain ── store.py ◄── sealed ── the store
                                        │
                                        └──► envelope.py   k8s:enc:aescbc:v1:key1:…   by prefix, any key opens
                                                 └──► ciphers.py   AES-CBC, AES-GCM, XSalsa20-Poly1305

The bytes are upstream's to the last one, so that either server reads what the other has written. The first key of the
first provider seals; every key listed opens. A value that another key sealed is *stale*: the next write of its object
seals it anew, even if nothing about the object changes. Values sealed by a key management service (KMS) are refused.

A value that no key opens is neither hidden nor guessed at: whoever asks for it is told (500), and `kubectl delete`
with ignoreStoreReadErrorWithClusterBreakingPotential is the way to be rid of it.

Without the flag nothing of this runs; with it, resources that no rule names cost one look into a table.
"""

from controlplane.apiserver.encryption.configuration import load
from controlplane.apiserver.encryption.settings import EncryptionSettings, read_settings
from controlplane.apiserver.encryption.store import EncryptedStore
from controlplane.apiserver.encryption.transformers import Transformers

__all__ = [
    "EncryptedStore",
    "EncryptionSettings",
    "Transformers",
    "load",
    "read_settings",
]
