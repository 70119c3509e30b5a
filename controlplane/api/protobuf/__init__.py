"""Objects in protobuf, as kubectl's typed commands and many operators send them, and as some clients want them.

    k8s\\0 ┌ Unknown ──────────────────────────────┐
          │ 1 typeMeta {1 apiVersion, 2 kind}     │
          │ 2 raw: the object's message           │◄─► {"apiVersion": "v1", "kind": "Namespace", "metadata": …}
          └───────────────────────────────────────┘

`schema.py` holds the field numbers as facts; `decode.py` makes a document of the bytes, the same that the JSON of the
object would be, and `encode.py` makes the bytes of a document.
"""

from __future__ import annotations

from controlplane.api.protobuf.decode import MEDIA_TYPE, ProtobufError, decode_object, has_message
from controlplane.api.protobuf.encode import ListWriter, encode_event, encode_list, encode_object

__all__ = [
    "MEDIA_TYPE",
    "ListWriter",
    "ProtobufError",
    "decode_object",
    "encode_event",
    "encode_list",
    "encode_object",
    "has_message",
]
