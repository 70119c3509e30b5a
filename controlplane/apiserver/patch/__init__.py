"""Patches: from an object and a patch to the object the patch asks for. Values in, values out; nothing is stored here.

It owns the four media types a PATCH may have, and the memory of which manager set which field. It refuses to know
kinds: what it needs to know of a type (merge keys, list types) it reads from the marks in `controlplane.api`.

```
 application/json-patch+json             [{"op": "replace", "path": "/spec/replicas", "value": 5}]        json_patch
 application/merge-patch+json            {"metadata": {"labels": {"tier": null}}}                         merge_patch
 application/strategic-merge-patch+json  {"spec": {"containers": [{"name": "web", "image": "nginx:2"}]}}  strategic
 application/apply-patch+yaml            the fields that this manager wants, and no others                apply
```

The first three are `apply_patch`. The last also needs to know who asks: `server_side_apply`. Every other write can be
remembered with `track_update`, so that a later apply knows whose fields it would change.
"""

from controlplane.apiserver.patch.apply import server_side_apply
from controlplane.apiserver.patch.dispatch import (
    APPLY,
    JSON,
    MEDIA_TYPES,
    MERGE,
    STRATEGIC,
    apply_patch,
)
from controlplane.apiserver.patch.managed_fields import default_manager, forget_idle_time, track_update

__all__ = [
    "APPLY",
    "JSON",
    "MEDIA_TYPES",
    "MERGE",
    "STRATEGIC",
    "apply_patch",
    "default_manager",
    "forget_idle_time",
    "server_side_apply",
    "track_update",
]
