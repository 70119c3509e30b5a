"""Objects in protobuf, as kubectl's typed commands and many operators send them: read, never written.

    k8s\\0 ┌ Unknown ──────────────────────────────┐
          │ 1 typeMeta {1 apiVersion, 2 kind}     │
          │ 2 raw: the object's message           │──► {"apiVersion": "v1", "kind": "Namespace", "metadata": …}
          └───────────────────────────────────────┘

Whoever sends protobuf also accepts JSON, so that is what they are answered. `schema.py` holds the field numbers as
facts; `decode.py` makes a document of the bytes, the same that the JSON of the object would be.
"""

from __future__ import annotations

from controlplane.api.protobuf.decode import MEDIA_TYPE, ProtobufError, decode_object

__all__ = ["MEDIA_TYPE", "ProtobufError", "decode_object"]
